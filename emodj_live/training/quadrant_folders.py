"""Data sets in the layout of 4Q and MERGE: clips in four folders, one for each quadrant, and tables beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emodj_live.emotion import Quadrant
from emodj_live.errors import DatasetError
from emodj_live.training import terms
from emodj_live.training.folders import audio_in, by_song, matching, refuse_many
from emodj_live.training.songs import WHOLE, Dataset, Song, group_of
from emodj_live.training.tables import Row, read_table, shortened
from emodj_live.training.tables import by_song as rows_by_song
from emodj_live.training.terms import Terms

QUADRANTS = {"Q1": Quadrant.HAPPY, "Q2": Quadrant.TENSE, "Q3": Quadrant.SAD, "Q4": Quadrant.CALM}
PLACEHOLDER = 0.3  # stands for a positive value where only the quadrant is known; its negative for a negative one
_ANNOTATIONS = ("panda_dataset_taffc_annotations.csv",)
_METADATA = ("panda_dataset_taffc_metadata.csv", "merge_*_metadata.csv")
_VALUES = ("av_values.csv", "*_av_values.csv")


def quadrant_labels(quadrant: Quadrant) -> list[float]:
    """Return what stands for valence and arousal where only the quadrant is known."""
    return [PLACEHOLDER if is_positive else -PLACEHOLDER for is_positive in quadrant.signs]


def quadrant_of(row: Row, column: str = "Quadrant") -> Quadrant | None:
    """Return the quadrant that a row names, None if the cell is empty.

    Raises
    ------
    DatasetError
        If it is neither Q1 to Q4 nor a quadrant's name.
    """
    cell = row.text(column)
    names = QUADRANTS | {quadrant.value.upper(): quadrant for quadrant in Quadrant}
    if cell and cell.upper() not in names:
        raise row.error(f"quadrant {shortened(cell)!r} is unknown; write Q1 (happy), Q2 (tense), Q3 (sad) or Q4 (calm)")
    return names.get(cell.upper())


@dataclass(frozen=True, slots=True)
class QuadrantFolders:
    """The tables of such a data set, found and not read yet; each is None if there is none.

    Attributes
    ----------
    annotations, metadata, values : Path or None
        Quadrants; artists; valence and arousal.
    """

    annotations: Path | None
    metadata: Path | None
    values: Path | None

    @property
    def file(self) -> Path:
        """One of the tables."""
        return next(path for path in (self.annotations, self.values, self.metadata) if path)

    def load(self, root: Path, folders: Sequence[Path]) -> Dataset:
        """Read the tables and match them with the clips below a folder."""
        clips = _clips(root, folders)
        annotations, metadata = _rows(self.annotations, "Quadrant"), _rows(self.metadata)
        values = _rows(self.values, "Arousal", "Valence")
        for rows in (annotations, metadata):
            _check_quadrants(rows, clips)
        # Metadata that name no quadrants say who plays, but not that a clip belongs to the data set.
        listed = annotations | {song: row for song, row in metadata.items() if row.text("Quadrant")} | values
        wanted = [song for song in listed if song in clips] if listed else sorted(clips)
        if not wanted:
            raise DatasetError(f"{root}: no row of its tables has a clip in Q1 to Q4; clips must be named by Song.")
        name, kind = root.resolve().name, self._terms()
        recordings = name if kind is terms.UNKNOWN else "AllMusic"  # whose ids name the songs of both 4Q and MERGE
        songs = [_song(song, name, recordings, *clips[song], metadata.get(song), values.get(song)) for song in wanted]
        left_out = Counter(
            {
                "annotated songs without audio": len(listed.keys() - clips.keys()),
                "clips without a row in the tables": len(clips.keys() - set(wanted)),
                "songs without values, used by their quadrant alone": sum(not song.is_graded for song in songs),
            }
        )
        return Dataset(name, kind, tuple(songs), np.zeros(1, np.int64), +left_out)

    def _terms(self) -> Terms:
        names = [path.name for path in (self.annotations, self.metadata, self.values) if path]
        if any(name.startswith("panda_dataset_taffc_") for name in names):
            return terms.FOUR_Q if self.values else terms.FOUR_Q_QUADRANTS
        if any(name.startswith("merge_") for name in names):
            return terms.MERGE if self.values else terms.MERGE_QUADRANTS
        return terms.UNKNOWN


def find(root: Path, folders: Sequence[Path]) -> list[QuadrantFolders]:
    """Return the tables of such a data set in some folders, none or one.

    Raises
    ------
    DatasetError
        If there are two of a kind.
    """
    found = []
    kinds = (_ANNOTATIONS, "quadrants"), (_METADATA, "metadata"), (_VALUES, "values")
    for patterns, what in kinds:
        tables = matching(folders, *patterns)
        refuse_many(root, tables, what)
        found.append(tables[0] if tables else None)
    return [QuadrantFolders(*found)] if any(found) else []


def has_clips(root: Path, folders: Sequence[Path]) -> bool:
    """Return whether there is audio in folders Q1 to Q4."""
    return any(audio_in(folder) for folder in folders if _folder_quadrant(root, folder))


def _folder_quadrant(root: Path, folder: Path) -> str | None:
    """Return the nearest name among Q1 to Q4 of a folder and those around it, up to the data set's own."""
    names = [part.upper() for part in reversed(folder.relative_to(root).parts)]
    return next((name for name in names if name in QUADRANTS), None)


def _clips(root: Path, folders: Sequence[Path]) -> dict[str, tuple[Path, str]]:
    """Return clip and quadrant's folder by song."""
    inside = {folder: quadrant for folder in folders if (quadrant := _folder_quadrant(root, folder))}
    clips = by_song(path for folder in inside for path in audio_in(folder))
    if not clips:
        raise DatasetError(f"{root}: has annotations but no audio; put the clips into folders Q1, Q2, Q3 and Q4.")
    return {song: (path, inside[path.parent]) for song, path in clips.items()}


def _rows(path: Path | None, *needed: str) -> dict[str, Row]:
    """Return the rows of a table by song; MERGE's sets of audio and lyrics name two songs, of which audio is one."""
    if path is None:
        return {}
    rows = read_table(path, needed, lenient=not needed)
    columns = [column for column in ("Song", "Audio_Song") if rows and column.casefold() in rows[0].cells]
    if rows and not columns:
        raise DatasetError(f"{path}: has no column Song; separate columns by commas.")
    return rows_by_song(rows, columns[0]) if rows else {}


def _check_quadrants(rows: Mapping[str, Row], clips: Mapping[str, tuple[Path, str]]) -> None:
    for song, row in rows.items():
        quadrant = quadrant_of(row)
        if quadrant and song in clips and quadrant is not QUADRANTS[clips[song][1]]:
            named, folder = shortened(row.text("Quadrant")), clips[song][1]
            raise row.error(
                f"song {shortened(song)} is {named}, but its clip is in folder {folder}; correct one of the two"
            )


def _song(
    song: str, name: str, recordings: str, audio: Path, folder: str, metadata: Row | None, values: Row | None
) -> Song:
    quadrant = QUADRANTS[folder]
    pair = [
        value for column in ("Valence", "Arousal") if values and (value := values.number(column, 0.0, 1.0)) is not None
    ]
    is_graded = len(pair) == 2
    recording = f"{recordings}/{(metadata and metadata.text('AllMusic Id')) or song}"
    return Song(
        name=f"{name}/{song}",
        dataset=name,
        recording=recording,
        group=(metadata and group_of(metadata.text("Artist"))) or recording,
        audio=audio,
        window_indices=np.zeros(1, np.int64),
        labels=np.array([[2 * value - 1 for value in pair] if is_graded else quadrant_labels(quadrant)]),
        window_counts=WHOLE,
        quadrant=quadrant,
        is_graded=is_graded,
    )

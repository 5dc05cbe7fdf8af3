"""Data sets in the layout of emoMusic or of DEAM: a folder of clips named by song, and ratings by song."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emodj_live.errors import DatasetError
from emodj_live.training import terms
from emodj_live.training.annotations import Annotations, read_annotations
from emodj_live.training.folders import audio_in, by_song, matching, refuse_many
from emodj_live.training.songs import WHOLE, Dataset, Song, group_of
from emodj_live.training.static_annotations import check_static, read_static
from emodj_live.training.tables import read_table
from emodj_live.training.terms import Terms


@dataclass(frozen=True, slots=True)
class _Layout:
    valence: str
    arousal: str
    static: str
    static_columns: tuple[str, str]  # valence, arousal
    audio: tuple[str, ...]
    artists: str
    terms: Terms
    static_terms: Terms


EMOMUSIC = _Layout(
    "valence_cont_average.csv",
    "arousal_cont_average.csv",
    "static_annotations.csv",
    ("mean_valence", "mean_arousal"),
    ("clips_45seconds", "clips"),
    "songs_info.csv",
    terms.EMOMUSIC,
    terms.EMOMUSIC_STATIC,
)
DEAM = _Layout(
    "valence.csv",
    "arousal.csv",
    "static_annotations_averaged_songs_*.csv",
    ("valence_mean", "arousal_mean"),
    ("MEMD_audio",),
    "metadata_20??.csv",
    terms.DEAM,
    terms.DEAM_STATIC,
)


_WITH_IDS_OF_DEAM = (terms.EMOMUSIC, terms.EMOMUSIC_STATIC, terms.DEAM, terms.DEAM_STATIC)


@dataclass(frozen=True, slots=True)
class EmoMusic:
    """Annotations in the layout of emoMusic or DEAM that were found, and not read yet.

    Attributes
    ----------
    place : Path
        The folder that they are in.
    layout : _Layout
    is_static : bool
        Whether there is one rating for each clip; else there are two a second.
    """

    place: Path
    layout: _Layout
    is_static: bool

    @property
    def file(self) -> Path:
        """One of the files that it was found by."""
        return matching([self.place], self.layout.static if self.is_static else self.layout.arousal)[0]

    def load(self, root: Path, folders: Sequence[Path]) -> Dataset:
        """Read the annotations and match them with the clips below a folder."""
        audio = _find_audio(root, folders, self.layout)
        annotations, clips = self._read(), by_song(audio_in(audio))
        rows, left_out = _usable(annotations, clips)
        if not rows:
            raise DatasetError(f"{root}: no annotated song has a clip in {audio.name}; clips must be named by song_id.")
        name, kind = root.resolve().name, self._kind(audio)
        recordings = "DEAM" if kind in _WITH_IDS_OF_DEAM else name
        groups = _artists(matching(folders, self.layout.artists))
        songs = []
        for song, row in rows.items():
            labels = annotations.labels[row]
            usable = ~np.isnan(labels[:, 0])
            places = annotations.window_indices[usable], labels[usable], WHOLE if self.is_static else 1
            recording = f"{recordings}/{song}"
            songs.append(Song(f"{name}/{song}", name, recording, groups.get(song, recording), clips[song], *places))
        return Dataset(name, kind, tuple(songs), annotations.window_indices, left_out)

    def _read(self) -> Annotations:
        if not self.is_static:
            return read_annotations(self.place / self.layout.valence, self.place / self.layout.arousal)
        ratings = read_static(matching([self.place], self.layout.static), self.layout.static_columns)
        labels = np.array(list(ratings.values()))[:, None, :]
        return Annotations(tuple(ratings), np.zeros(1, np.int64), labels, 0)

    def _kind(self, audio: Path) -> Terms:
        """Recognize a data set by the files that no other has."""
        if self.layout is EMOMUSIC and not self.is_static:
            if (self.place / "gems_votes.csv").is_file():
                return terms.EMOTIFY
            if audio.name != "clips_45seconds" and not (self.place / self.layout.static).is_file():
                return terms.UNKNOWN
        return self.layout.static_terms if self.is_static else self.layout.terms


def find(root: Path, folders: Sequence[Path], *, static: bool) -> list[EmoMusic]:
    """Return the annotations of this kind in some folders; static ones if asked for, or if there are no others.

    Raises
    ------
    DatasetError
        If there is valence without arousal or the reverse, or `static` asks for what is not there.
    """
    found = []
    for layout in (EMOMUSIC, DEAM):
        dynamic = [folder for folder in folders if _has_both(folder, layout)]
        tables = matching(folders, layout.static)
        if static and dynamic:
            check_static(root, tables, layout.static)
        is_static = static or not dynamic
        places = dict.fromkeys(path.parent for path in tables) if is_static else dynamic
        found += [EmoMusic(place, layout, is_static) for place in places]
    return found


def _has_both(folder: Path, layout: _Layout) -> bool:
    exist = [(folder / name).exists() for name in (layout.valence, layout.arousal)]
    if any(exist) and not all(exist):
        has, lacks = (layout.valence, layout.arousal) if exist[0] else (layout.arousal, layout.valence)
        raise DatasetError(f"{folder}: has {has} but no {lacks}; both are needed.")
    return all(exist)


def _find_audio(root: Path, folders: Sequence[Path], layout: _Layout) -> Path:
    for name in layout.audio:
        found = [folder for folder in folders if folder.name == name]
        refuse_many(root, found, "audio")
        if found:
            return found[0]
    raise DatasetError(
        f"{root}: has annotations but no audio; put the clips into a folder {' or '.join(layout.audio)}."
    )


def _artists(tables: Sequence[Path]) -> dict[str, str]:
    """Return the group of each song whose artist is known. Rows of the published tables are not all well-formed."""
    groups = {}
    for path in tables:
        for row in read_table(path, lenient=True):
            song = row.text("song_id") or row.text("id")
            if group := group_of(row.text("artist")):
                groups[song] = group
    return groups


def _usable(annotations: Annotations, clips: Mapping[str, Path]) -> tuple[dict[str, int], Counter[str]]:
    """Return the rows of the songs that have a clip and a label, and count what has no counterpart."""
    usable = {}
    left_out: Counter[str] = Counter()
    is_empty = np.isnan(annotations.labels[:, :, 0])
    for row, song in enumerate(annotations.songs):
        if song not in clips:
            left_out["annotated songs without audio"] += 1
        elif is_empty[row].all():
            left_out["songs without a single label"] += 1
        else:
            left_out["empty cells"] += int(np.count_nonzero(is_empty[row]))
            usable[song] = row
    left_out["clips without labels"] = len(clips.keys() - set(annotations.songs))
    left_out["label times in only one of the two files"] = annotations.one_sided
    return usable, +left_out

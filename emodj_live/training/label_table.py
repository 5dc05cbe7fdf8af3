"""Any folder of clips with a table ``labels.csv``: the format for data sets that have none of their own."""

from __future__ import annotations

import math
import os
import posixpath
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Quadrant
from emodj_live.errors import DatasetError
from emodj_live.training import terms
from emodj_live.training.annotations import LABEL_STEP_MS
from emodj_live.training.folders import matching
from emodj_live.training.quadrant_folders import quadrant_labels, quadrant_of
from emodj_live.training.songs import WHOLE, Dataset, Song, group_of
from emodj_live.training.tables import Row, read_table, shortened

NAME = "labels.csv"
_WINDOW = LABEL_STEP_MS / 1000  # [s]
_LONGEST = 1e6  # [s], more than eleven days: a mistake
_ROUNDING = 0.001  # [s] by which segments may overlap


@dataclass(frozen=True, slots=True)
class _Segment:
    row: Row
    start: float  # [s]
    end: float  # [s], infinite for the clip's end
    labels: tuple[float, float]
    quadrant: Quadrant | None


@dataclass(frozen=True, slots=True)
class LabelTable:
    """A table of labels that was found, and not read yet.

    Attributes
    ----------
    file : Path
    """

    file: Path

    def load(self, root: Path, _: Sequence[Path]) -> Dataset:
        """Read the table and match it with the clips that it names."""
        rows = read_table(self.file, ("path",))
        _check_columns(self.file, rows[0])
        segments: dict[str, list[_Segment]] = {}
        for row in rows:
            segments.setdefault(_path(row), []).append(_segment(row))
        name = root.resolve().name
        clips = {path: _audio(self.file.parent, path) for path in segments}
        left_out = Counter({"annotated songs without audio": sum(audio is None for audio in clips.values())})
        if all(audio is None for audio in clips.values()):
            first = shortened(next(iter(clips)))
            raise DatasetError(
                f"{self.file}: none of its {len(clips)} clips is there, such as {first}; mend the paths."
            )
        songs = []
        for path, audio in clips.items():
            _check_segments(segments[path])
            if audio is not None:
                songs += _songs(name, path, audio, segments[path], left_out)
        if not songs:
            raise DatasetError(f"{self.file}: none of its clips has a label; a window's middle must lie in a segment.")
        starts = np.unique(np.concatenate([song.window_indices for song in songs]))
        return Dataset(name, terms.of_label_table(segments), tuple(songs), starts, +left_out)


def find(folders: Sequence[Path]) -> list[LabelTable]:
    """Return the tables of labels in some folders."""
    return [LabelTable(path) for path in matching(folders, NAME)]


def _check_columns(path: Path, row: Row) -> None:
    """Raise an error unless a table has both values, or quadrants, or all three."""
    missing = [column for column in ("valence", "arousal") if column not in row.cells]
    if missing and (len(missing) == 1 or "quadrant" not in row.cells):
        raise DatasetError(f"{path}: has no column {missing[0]}; valence and arousal, or a quadrant, are needed.")


def _path(row: Row) -> str:
    """Return a row's path with "/", without detours, so that equal ones are equal texts."""
    text = row.text("path")
    if not text:
        raise row.error("has no path; name the clip, or delete the row")
    path = posixpath.normpath(text)
    if PurePosixPath(path).parts[:1] == ("..",):
        raise row.error(f"path {shortened(text)} leaves the folder of {NAME}; write it from there, or from the root")
    return path


def _audio(folder: Path, path: str) -> Path | None:
    audio = folder / path
    return audio if os.path.isfile(audio) else None  # noqa: PTH113 (a name that is too long is no error to this one)


def _segment(row: Row) -> _Segment:
    start, end = (row.number(column, 0.0, _LONGEST) for column in ("start", "end"))
    if start is not None and end is not None and end <= start:
        raise row.error(f"end {end:g} is not after start {start:g}; both are seconds from the clip's start")
    quadrant = quadrant_of(row)
    valence, arousal = (row.number(column, -1.0, 1.0) for column in ("valence", "arousal"))
    if (valence is None) != (arousal is None):
        raise row.error("has only one of valence and arousal; give both, or neither and a quadrant")
    if valence is None or arousal is None:
        if quadrant is None:
            raise row.error("has neither valence and arousal nor a quadrant; fill them in or delete the row")
        valence, arousal = quadrant_labels(quadrant)
    return _Segment(row, start or 0.0, math.inf if end is None else end, (valence, arousal), quadrant)


def _check_segments(segments: list[_Segment]) -> None:
    """Sort the segments of a clip by time, and check that they do not contradict each other."""
    first = segments[0].row
    for segment in segments:
        row = segment.row
        if (segment.quadrant is None) != (segments[0].quadrant is None):
            raise row.error(f"differs from line {first.line} in whether there is a quadrant; one clip, one way")
        if group_of(row.text("group")) != group_of(first.text("group")):
            raise row.error(
                f"group {shortened(row.text('group'))!r} is another than in line {first.line}, of the same clip"
            )
    segments.sort(key=lambda segment: (segment.start, segment.end))
    for earlier, later in pairwise(segments):
        if later.start < earlier.end - _ROUNDING:
            a, b = sorted((earlier.row, later.row), key=lambda row: row.line)
            raise b.error(f"its time overlaps that of line {a.line}, of the same clip; let segments follow each other")


def _songs(name: str, path: str, audio: Path, segments: Sequence[_Segment], left_out: Counter[str]) -> list[Song]:
    """Return the song of a clip, if it has a label, and count labels that belong to no window."""
    firsts, counts = _windows(segments)
    kept = counts > 0
    left_out["segments too short to hold the middle of a window"] += int(np.count_nonzero(~kept))
    if not kept.any():
        left_out["songs without a single label"] += 1
        return []
    quadrants = {segment.quadrant for segment in segments}
    recording = f"{name}/{path}"
    song = Song(
        name=recording,
        dataset=name,
        recording=recording,
        group=group_of(segments[0].row.text("group")) or recording,
        audio=audio,
        window_indices=firsts[kept],
        labels=np.array([segment.labels for segment in segments], np.float64)[kept],
        window_counts=counts[kept],
        quadrant=quadrants.pop() if len(quadrants) == 1 else None,
        is_graded=segments[0].quadrant is None,
    )
    return [song]


def _windows(segments: Sequence[_Segment]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first window of each segment, and how many there are."""
    places = []
    for segment in segments:
        first = _window_at(segment.start)
        places.append((first, WHOLE if segment.end == math.inf else _window_at(segment.end) - first))
    firsts, counts = np.array(places, np.int64).T
    return firsts, counts


def _window_at(seconds: float) -> int:
    """Return the first window whose middle is not before a time."""
    return math.ceil(seconds / _WINDOW - 0.5)

"""The two annotation files of a data set, read and compared with each other.

emoMusic and DEAM share the format: a row per song, a column ``sample_<milliseconds>ms`` per label. Everything is
checked, because a misread file would train a wrong model without any error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import DatasetError
from emodj_live.training.tables import read_rows, shortened

LABEL_STEP_MS = 500  # the labels' grid, which is that of the windows
_COLUMN = re.compile(r"sample_([0-9]{1,9})ms")  # up to 11 days: more digits are a mistake


@dataclass(frozen=True, eq=False)
class Annotations:
    """The labels of every annotated song.

    Attributes
    ----------
    songs : tuple of str, length n
        Their ids, each once, in the valence file's order.
    window_indices : ndarray of int64, shape (k,)
        The window that each column belongs to: a label at t seconds is that of window t / 0.5, [t, t + 0.5 s).
    labels : ndarray of float64, shape (n, k, 2)
        Valence and arousal in [-1, 1]; both NaN where either cell is empty.
    one_sided : int
        Columns that only one of the files has. They count as empty.
    """

    songs: tuple[str, ...]
    window_indices: NDArray[np.int64]
    labels: NDArray[np.float64]
    one_sided: int


@dataclass(frozen=True, eq=False)
class _Table:
    path: Path
    songs: list[str]
    times: list[int]  # [ms]
    values: NDArray[np.float64]


def read_annotations(valence: Path, arousal: Path) -> Annotations:
    """Read the valence and arousal files of a data set.

    Parameters
    ----------
    valence, arousal : Path
        Comma-separated, one row per song. Spaces and tabs around a field, a byte order mark, and empty cells are fine.

    Returns
    -------
    Annotations

    Raises
    ------
    DatasetError
        If a file cannot be read, or holds something that cannot be right; the message names the file and, if there is
        one, the song and the column.
    """
    tables = _read_table(valence), _read_table(arousal)
    _check_same_songs(*tables)
    times = sorted(set(tables[0].times) & set(tables[1].times))
    if not times:
        raise DatasetError(f"{arousal}: has no label time in common with {valence.name}; are both from one data set?")
    labels = np.stack([_aligned(table, tables[0].songs, times) for table in tables], axis=2)
    labels[np.isnan(labels).any(axis=2)] = np.nan
    return Annotations(
        songs=tuple(tables[0].songs),
        window_indices=np.array(times, np.int64) // LABEL_STEP_MS,
        labels=labels,
        one_sided=len(set(tables[0].times) ^ set(tables[1].times)),
    )


def _check_same_songs(first: _Table, second: _Table) -> None:
    for table, other in ((first, second), (second, first)):
        known = set(other.songs)
        if missing := [song for song in table.songs if song not in known]:
            raise DatasetError(
                f"{table.path}: has song {shortened(missing[0])} (and {len(missing) - 1} more) that {other.path.name} "
                "lacks; both files must have the same songs."
            )


def _aligned(table: _Table, songs: Sequence[str], times: Sequence[int]) -> NDArray[np.float64]:
    """Return a table's values with songs and times in the given order."""
    row = {song: index for index, song in enumerate(table.songs)}
    column = {time: index for index, time in enumerate(table.times)}
    aligned: NDArray[np.float64] = table.values[np.ix_([row[song] for song in songs], [column[time] for time in times])]
    return aligned


def _read_table(path: Path) -> _Table:
    rows = [cells for _, cells in read_rows(path)]
    if len(rows) < 2:
        raise DatasetError(f"{path}: has no annotated song; a header and one row per song are needed.")
    times = _times(path, rows[0])
    values = np.full((len(rows) - 1, len(times)), np.nan)
    for number, row in enumerate(rows[1:]):
        _check_length(path, row, len(times))
        for column, cell in enumerate(row[1:]):
            if cell and cell.lower() != "nan":
                values[number, column] = _value(path, row[0], times[column], cell)
    songs = [row[0] for row in rows[1:]]
    if repeated := _first_repeated(songs):
        raise DatasetError(f"{path}: has song {shortened(repeated)} twice; every song must have one row.")
    return _Table(path, songs, times, values)


def _times(path: Path, header: Sequence[str]) -> list[int]:
    """Return the time of each label column [ms], or report the column that is wrong."""
    if header[0] != "song_id":
        first = shortened(header[0])
        raise DatasetError(f"{path}: its first column must be song_id, not {first!r}; separate columns by commas.")
    times = [_time(path, name) for name in header[1:]]
    if repeated := _first_repeated(header[1:]):
        raise DatasetError(f"{path}: has column {repeated} twice.")
    for earlier, later in pairwise(times):
        if later <= earlier:
            raise DatasetError(f"{path}: column sample_{later}ms comes after sample_{earlier}ms; sort them by time.")
    if not times:
        raise DatasetError(f"{path}: has no label column, such as sample_15000ms.")
    return times


def _time(path: Path, name: str) -> int:
    match = _COLUMN.fullmatch(name)
    if not match:
        raise DatasetError(f"{path}: column {shortened(name)!r} is not named after a time, such as sample_15000ms.")
    time = int(match[1])
    if time % LABEL_STEP_MS:
        raise DatasetError(f"{path}: column {name} is not at a multiple of {LABEL_STEP_MS} ms.")
    return time


def _check_length(path: Path, row: list[str], n_times: int) -> None:
    if not row[0]:
        begins = shortened(", ".join(row[:3]))
        raise DatasetError(f"{path}: has a row without a song_id; the row begins {begins!r}.")
    if any(row[n_times + 1 :]):
        raise DatasetError(f"{path}: song {shortened(row[0])} has more cells than the header has columns.")
    del row[n_times + 1 :]


def _value(path: Path, song: str, time: int, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        problem = f"{shortened(cell)!r} is not a number"
    else:
        if -1 <= value <= 1:
            return value
        problem = f"{shortened(cell)} is outside [-1, 1]; rescale the annotations"
    raise DatasetError(f"{path}: song {shortened(song)}, column sample_{time}ms: {problem}.")


def _first_repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None

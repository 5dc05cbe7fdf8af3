"""One rating for a whole clip: the static annotations of emoMusic and DEAM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import DatasetError
from emodj_live.training.tables import Row, by_song, read_table

_LOWEST, _HIGHEST = 1.0, 9.0  # of the rating scale
# DEAM's file of songs 1 to 2000 has emoMusic's songs (ids up to 1000) with emoMusic's ratings, but their names are
# exchanged: "valence_mean" is emoMusic's "mean_arousal". emoMusic is right: its static arousal correlates with its own
# dynamic arousal by 0.96, with valence by 0.58. The file is known by its first rows: valence_mean, arousal_mean.
_EXCHANGED = {"2": (3.1, 3.0), "3": (3.5, 3.3), "4": (5.7, 5.5), "5": (4.4, 5.3), "7": (5.8, 6.4)}
_LAST_EXCHANGED = 1000


def read_static(tables: Sequence[Path], columns: tuple[str, str]) -> dict[str, NDArray[np.float64]]:
    """Read one rating per song.

    Parameters
    ----------
    tables : sequence of Path
        Together they have every song once.
    columns : tuple of str
        Those of valence and arousal, from 1 to 9.

    Returns
    -------
    dict of str to ndarray of float64, shape (2,)
        Valence and arousal in [-1, 1] by song, in the order of the tables; both NaN where a cell is empty.

    Raises
    ------
    DatasetError
        If a table cannot be right; the message names the file and the line.
    """
    ratings: dict[str, NDArray[np.float64]] = {}
    for path in tables:
        for song, row in by_song(read_table(path, ("song_id", *columns)), "song_id").items():
            if song in ratings:
                raise row.error(f"song {song} is also in another of {_names(tables)}; keep one of the two rows")
            ratings[song] = _rating(row, columns)
    return _with_right_names(ratings)


def _rating(row: Row, columns: tuple[str, str]) -> NDArray[np.float64]:
    """Return a row's valence and arousal on the scale of the file."""
    values = [row.number(column, _LOWEST, _HIGHEST) for column in columns]
    return np.array(values if None not in values else [np.nan, np.nan], np.float64)


def _with_right_names(ratings: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Return the ratings in [-1, 1], with what DEAM's file exchanged put right."""
    is_exchanged = all(tuple(ratings.get(song, ())) == pair for song, pair in _EXCHANGED.items())
    middle, half = (_HIGHEST + _LOWEST) / 2, (_HIGHEST - _LOWEST) / 2
    return {
        song: ((pair[::-1] if is_exchanged and _is_emomusic(song) else pair) - middle) / half
        for song, pair in ratings.items()
    }


def _is_emomusic(song: str) -> bool:
    return song.isdecimal() and int(song) <= _LAST_EXCHANGED


def _names(tables: Sequence[Path]) -> str:
    return " and ".join(path.name for path in tables)


def check_static(root: Path, tables: Sequence[Path], pattern: str) -> None:
    """Raise a `DatasetError` if static annotations are asked for and there are none."""
    if not tables:
        raise DatasetError(f"{root}: has no static annotations; leave out --static, or add {pattern}.")

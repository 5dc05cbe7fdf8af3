"""Whether certainty can be believed: of what it says 0.6 about, 60 % should be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.calibration import Calibration
from emodj_live.smoothing import SMOOTHING
from emodj_live.training.metrics import rounded
from emodj_live.training.tracked import Tracked, track
from emodj_live.training.windows import WindowTable

N_BINS = 5


@dataclass(frozen=True, slots=True)
class Reliability:
    """Said certainty against how often it was right; every song counts the same, whatever its length.

    Attributes
    ----------
    songs : int
    said : float
        Mean certainty.
    right : float
        Share of emotions whose quadrant is the true one.
    error : float
        Mean over the bins of the distance between the two.
    bins : tuple of tuple of float
        The same two for five bins with the same number of emotions, from the least certain to the most certain.
    """

    songs: int
    said: float
    right: float
    error: float
    bins: tuple[tuple[float, float], ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain values for JSON, rounded to 4 places."""
        plain: dict[str, Any] = rounded({name: getattr(self, name) for name in self.__slots__})
        return plain


def reliability(tracked: Iterable[Tracked], calibration: Calibration) -> Reliability | None:
    """Compare certainty with what is true, over every emotion that counts for its song's score.

    Parameters
    ----------
    tracked : iterable of Tracked
        One for each data set.
    calibration : Calibration

    Returns
    -------
    Reliability or None
        None without a single song.
    """
    said, right, weights = [], [], []
    for each in tracked:
        for song in each.songs:
            rows = song.rows.tolist()
            said.append([each.certainty(row, calibration) for row in rows])
            right.append([each.named[row] is each.truth(song, row) for row in rows])
            weights.append(np.full(len(rows), 1 / len(rows)))
    if not said:
        return None
    return _binned(len(said), np.concatenate(said), np.concatenate(right), np.concatenate(weights))


def _binned(
    songs: int, said: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64]
) -> Reliability:
    order = np.argsort(said, kind="stable")
    said, right, weights = said[order], right[order], weights[order]
    middles = (np.cumsum(weights) - weights / 2) / weights.sum()
    numbers = np.minimum((middles * N_BINS).astype(int), N_BINS - 1)
    members = [numbers == number for number in np.unique(numbers)]
    bins = [(_mean(said[one], weights[one]), _mean(right[one], weights[one])) for one in members]
    error = float(np.mean([abs(each - true) for each, true in bins]))
    return Reliability(songs, _mean(said, weights), _mean(right, weights), error, tuple(bins))


def _mean(values: NDArray[Any], weights: NDArray[np.float64]) -> float:
    return float(np.average(values, weights=weights))


def pooled_calibration(
    parts: Sequence[tuple[WindowTable, NDArray[np.float64]]], calibration: Calibration, *, smoothing: float = SMOOTHING
) -> Reliability | None:
    """Compare certainty with what is true over several data sets at once, every song counted the same.

    Parameters
    ----------
    parts : sequence of tuple
        The windows of a data set with their predictions, or of all sets in one table.
    calibration : Calibration
    smoothing : float
        Time constant of the tracker's average [s].

    Returns
    -------
    Reliability or None
        None without a single song.
    """
    return reliability((track(table, predictions, smoothing=smoothing) for table, predictions in parts), calibration)

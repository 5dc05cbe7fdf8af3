"""The moods of a whole song: what is known of them, be it from a pass ahead or from what has been heard so far."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Quadrant
from emodj_live.smoothing import HYSTERESIS

ARC_STEP = 0.5  # [s] between points
_MOST = 3600  # points that are remembered at least: half an hour


@dataclass(frozen=True, slots=True, eq=False)
class Arc:
    """Valence and arousal every half second.

    Attributes
    ----------
    points : ndarray of float32, shape (n, 2)
        NaN where nothing is known.
    start : float
        Where the stretch begins whose mood is the first point [s].
    """

    points: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 2), np.float32))
    start: float = 0.0

    def over(self, begin: float, end: float, columns: int) -> NDArray[np.float32]:
        """Spread it over columns: shape (columns, 2), the mean of what lies in each, NaN where nothing is known."""
        each = (end - begin) / columns
        if each < ARC_STEP:
            moments = begin + (np.arange(columns) + 0.5) * each
            return self._at(np.floor((moments - self.start) / ARC_STEP).astype(np.intp))
        times = self.start + ARC_STEP * (np.arange(len(self.points)) + 0.5)
        places = np.floor((times - begin) / each).astype(np.intp)
        is_known = np.isfinite(self.points[:, 0]) & (places >= 0) & (places < columns)
        places, points = places[is_known], self.points[is_known]
        counts = np.bincount(places, minlength=columns)
        sums = np.stack([np.bincount(places, points[:, axis], columns) for axis in (0, 1)], axis=1)
        means = np.full((columns, 2), np.nan, np.float32)
        means[counts > 0] = (sums[counts > 0].T / counts[counts > 0]).T
        return means

    def _at(self, places: NDArray[np.intp]) -> NDArray[np.float32]:
        found = np.full((len(places), 2), np.nan, np.float32)
        is_there = (places >= 0) & (places < len(self.points))
        found[is_there] = self.points[places[is_there]]
        return found


def quadrants(points: NDArray[np.floating]) -> list[Quadrant | None]:
    """Name the quadrants of a series of averages as `emodj_live.smoothing.Smoother` does, one after the other.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        Valence and arousal; NaN where nothing is known, which changes nothing.

    Returns
    -------
    list of Quadrant or None
        None where nothing is known.
    """
    known = np.flatnonzero(np.isfinite(points).all(axis=1))
    if not len(known):
        return [None] * len(points)
    values = points[known]
    first = Quadrant.of(*values[0].tolist()).signs
    decided = np.where(values > HYSTERESIS, 1, np.where(values < -HYSTERESIS, 0, -1))
    decided[0] = first
    newest = np.maximum.accumulate(np.where(decided >= 0, np.arange(len(values))[:, np.newaxis], 0), axis=0)
    signs = np.take_along_axis(decided, newest, axis=0).astype(bool).tolist()
    found: list[Quadrant | None] = [None] * len(points)
    for place, (is_pleasant, is_excited) in zip(known.tolist(), signs, strict=True):
        found[place] = _QUADRANTS[is_pleasant, is_excited]
    return found


_QUADRANTS = {quadrant.signs: quadrant for quadrant in Quadrant}


class ArcRecorder:
    """An arc that grows. It remembers half an hour at least, and whole songs of that length."""

    def __init__(self) -> None:
        self._points = np.empty((0, 2), np.float32)
        self._start = 0  # number of the first point
        self._count = 0

    def add(self, time: float, valence: float, arousal: float) -> None:
        """Take in what holds for the half second before a time.

        Parameters
        ----------
        time : float
            Time in the song [s].
        valence, arousal : float
        """
        number = max(0, round(time / ARC_STEP) - 1)
        if not self._count:
            self._start = number if number > _MOST else 0
        if number - self._start >= len(self._points):
            self._make_room(number)
        if number >= self._start:
            self._points[number - self._start] = valence, arousal
            self._count = max(self._count, number - self._start + 1)

    def _make_room(self, number: int) -> None:
        """Grow, or forget the older half of what has grown too long."""
        if self._count > 2 * _MOST:
            kept = self._points[self._count - _MOST : self._count].copy()
            self._start, self._count = self._start + self._count - _MOST, _MOST
        else:
            kept = self._points[: self._count]
        self._points = np.full((max(2 * len(kept), number - self._start + 1, 256), 2), np.nan, np.float32)
        self._points[: len(kept)] = kept

    @property
    def arc(self) -> Arc:
        """What is known so far."""
        return Arc(self._points[: self._count].copy(), self._start * ARC_STEP)

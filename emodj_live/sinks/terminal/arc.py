"""The moods of a whole song: what is known of them, be it from a pass ahead or from what has been heard so far."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Emotion

ARC_STEP = 0.5  # [s] between points
_MOST = 3600  # points that are kept of what has no end: half an hour


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


class ArcRecorder:
    """The arc of what has been heard."""

    def __init__(self) -> None:
        self._points = np.empty((0, 2), np.float32)
        self._start = 0.0

    def add(self, emotion: Emotion) -> None:
        """Take in an emotion: it holds for the half second before its time."""
        place = round((emotion.time - self._start) / ARC_STEP) - 1
        if not len(self._points) and place > _MOST:
            self._start, place = ARC_STEP * (round(emotion.time / ARC_STEP) - 1), 0
        if place < 0:
            return
        if place >= len(self._points):
            self._grow(place + 1)
            place -= max(0, place + 1 - len(self._points))
        self._points[place] = emotion.valence, emotion.arousal

    def _grow(self, length: int) -> None:
        """Make room, and forget what is too long ago."""
        missing = np.full((min(length - len(self._points), _MOST), 2), np.nan, np.float32)
        grown = np.concatenate([self._points, missing])[-2 * _MOST :]
        self._start += ARC_STEP * (length - len(grown))
        self._points = grown

    @property
    def arc(self) -> Arc:
        """What is known so far."""
        return Arc(self._points, self._start)

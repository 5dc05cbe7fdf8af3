"""From what single windows say to the features of a moment: each window, and statistics over those of the last seconds.

Key correlations use the profiles of Krumhansl and Kessler (1982).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np
from numpy.typing import NDArray

from emodj_live.features import FeatureSpec
from emodj_live.window_statistics import CHROMA, MEANS, N_CHROMA, ONSET, VARIANCES

SPACING = 0.5  # [s] between the windows that count, whatever the step
_TOLERANCE = 1e-6  # [s] of rounding
_MAJOR = 6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88
_MINOR = 6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17
_KEYS = np.array([np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(N_CHROMA)])
_KEYS -= _KEYS.mean(axis=1, keepdims=True)
_KEYS /= np.linalg.norm(_KEYS, axis=1, keepdims=True)


class Context:
    """The memory of one stream: turns what windows say alone into features.

    Parameters
    ----------
    spec : FeatureSpec
    """

    def __init__(self, spec: FeatureSpec) -> None:
        self._spec = spec
        self._reach = spec.context - spec.window_length / spec.sample_rate + _TOLERANCE
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next window is the first."""
        self._times: list[float] = []
        self._statistics = np.empty((0, self._spec.n_descriptors - self._spec.n_coefficients), np.float32)

    def features(
        self, descriptors: NDArray[np.float32], times: NDArray[np.float64], is_silent: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return the features of the next windows.

        Of the windows that lie within the last `context` seconds those count that are at least half a second apart,
        from the present one backwards: a smaller step makes more answers, not other ones. Silent windows count for
        themselves alone.

        Parameters
        ----------
        descriptors : ndarray of float32, shape (n, n_descriptors)
            As `FeatureExtractor.describe` gives them.
        times : ndarray of float64, shape (n,)
            End of each window [s], ascending.
        is_silent : ndarray of bool, shape (n,)

        Returns
        -------
        ndarray of float32, shape (n, n_features)
        """
        coefficients = descriptors[:, : self._spec.n_coefficients]
        if not self._spec.context or not len(descriptors):
            return coefficients
        rows = np.concatenate([self._statistics, descriptors[:, self._spec.n_coefficients :]])
        members, heard = self._members(times.tolist(), is_silent.tolist())
        features = np.hstack([coefficients, _statistics(rows, members).astype(np.float32)])
        self._keep(rows, heard)
        return features

    def _members(self, times: list[float], is_silent: list[bool]) -> tuple[list[list[int]], list[tuple[float, int]]]:
        """Return the rows that each window's context has, and the times and rows of all windows that may be in one."""
        heard_times, heard_rows = list(self._times), list(range(len(self._times)))
        members = []
        for row, (time, silent) in enumerate(zip(times, is_silent, strict=True), len(self._times)):
            members.append([row, *self._earlier(time, heard_times, heard_rows)])
            if not silent:
                heard_times.append(time)
                heard_rows.append(row)
        return members, list(zip(heard_times, heard_rows, strict=True))

    def _earlier(self, time: float, times: list[float], rows: list[int]) -> list[int]:
        """Return the rows of the windows before the present one that count, the newest first."""
        earlier = []
        oldest = time - self._reach
        newest = time - SPACING + _TOLERANCE
        while (found := bisect_right(times, newest) - 1) >= 0 and times[found] >= oldest:
            earlier.append(rows[found])
            newest = times[found] - SPACING + _TOLERANCE
        return earlier

    def _keep(self, rows: NDArray[np.float32], heard: list[tuple[float, int]]) -> None:
        """Keep what the next window may need."""
        times = [time for time, _ in heard]
        first = bisect_left(times, times[-1] - self._reach) if times else 0
        self._times = times[first:]
        self._statistics = rows[[row for _, row in heard[first:]]]


def _statistics(rows: NDArray[np.float32], members: list[list[int]]) -> NDArray[np.float64]:
    """Return the statistics over some rows for each list of them, shape (n, 72)."""
    length = max(map(len, members))
    index = [row + row[:1] * (length - len(row)) for row in members]
    weights = np.array([[1 / len(row)] * len(row) + [0.0] * (length - len(row)) for row in members])[:, np.newaxis]
    gathered = rows[np.array(index)].astype(np.float64)  # (n, length, 68)
    mean = (weights @ gathered)[:, 0]
    deviations = gathered[:, :, : CHROMA.stop] - mean[:, np.newaxis, : CHROMA.stop]
    variance = (weights @ (deviations * deviations))[:, 0]
    spread = np.sqrt(mean[:, VARIANCES] + variance[:, MEANS])
    chroma = mean[:, CHROMA]
    ordered = np.sort(chroma, axis=1)
    unrest = np.sqrt(variance[:, CHROMA]).mean(axis=1, keepdims=True)
    return np.concatenate([mean[:, MEANS], spread, ordered, _keys(chroma), unrest, mean[:, ONSET]], axis=1)


def _keys(chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the best correlation with a major and with a minor key, and their difference, shape (n, 3)."""
    centered = chroma - chroma.mean(axis=1, keepdims=True)
    squares = np.einsum("ij,ij->i", centered, centered)
    correlations = (centered @ _KEYS.T).reshape(-1, 2, N_CHROMA).max(axis=2)
    correlations /= np.sqrt(np.where(squares > 0, squares, 1))[:, np.newaxis]
    return np.column_stack([correlations, correlations[:, 0] - correlations[:, 1]])

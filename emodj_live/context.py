"""From what single windows say to the features of a moment: each window, and statistics over those of the last seconds.

Key correlations use the profiles of Krumhansl and Kessler (1982).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np
from numpy.typing import NDArray

from emodj_live.feature_spec import FeatureSpec
from emodj_live.window_statistics import CHROMA, MEANS, N_CHROMA, N_STATISTICS, ONSET, VARIANCES

SPACING = 0.5  # [s] between the windows that count, whatever the step
_TOLERANCE = 1e-6  # [s] of rounding
_AT_ONCE = 64  # windows: bounds memory, however many come together
_MAJOR = 6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88
_MINOR = 6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17
_KEYS = np.array([np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(N_CHROMA)])
_KEYS -= _KEYS.mean(axis=1, keepdims=True)
_KEYS /= np.linalg.norm(_KEYS, axis=1, keepdims=True)
_CENTERING = np.eye(N_CHROMA) - 1 / N_CHROMA
_SMALLEST_NORM = 1e-6  # of a chroma without its mean: a flatter one has no key
# The columns of the 72 statistics.
TIMBRE = slice(1, 20)  # the mean MFCCs but the first, which is the level
_MEANS = slice(0, 27)  # of the MFCCs and of the spectral contrast
_SPREADS = slice(27, 54)  # their standard deviations over all frames
_ORDERED_CHROMA = slice(54, 66)
_KEY = slice(66, 68)  # best correlation with a major and with a minor key
_MODE = 68  # their difference
_UNREST = 69  # how much the chroma changes from window to window
_ONSET = slice(70, 72)  # mean, and mean deviation within a window


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
        self._is_silent: list[bool] = []
        self._rows = np.empty((0, N_STATISTICS))

    def features(
        self, descriptors: NDArray[np.float32], times: NDArray[np.float64], is_silent: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return the features of the next windows.

        Of the windows that lie within the last `context` seconds those count that are at least half a second apart,
        from the present one backwards: a smaller step makes more answers, not other ones. Of these, silent windows are
        left out, except for the present one, which always counts for itself.

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

        Raises
        ------
        ValueError
            If `descriptors` does not have that shape.
        """
        descriptors = np.asarray(descriptors)
        if descriptors.ndim != 2 or descriptors.shape[1] != self._spec.n_descriptors:
            raise ValueError(f"descriptors must have shape (n, {self._spec.n_descriptors}), got {descriptors.shape}")
        if not self._spec.context:
            return descriptors
        n_coefficients = self._spec.n_coefficients
        features = np.empty((len(descriptors), self._spec.n_features), np.float32)
        features[:, :n_coefficients] = descriptors[:, :n_coefficients]
        for start in range(0, len(features), _AT_ONCE):
            few = slice(start, start + _AT_ONCE)
            self._hear(descriptors[few, n_coefficients:], times[few].tolist(), is_silent[few].tolist())
            weights = self._weights(len(times[few]))
            _fill(features[few, n_coefficients:], weights @ self._rows, weights @ np.square(self._rows))
        return features

    def _hear(self, statistics: NDArray[np.float32], times: list[float], is_silent: list[bool]) -> None:
        """Take in windows, and forget those that are out of reach for all of them."""
        forgotten = bisect_left(self._times, times[0] - self._reach)
        self._times = self._times[forgotten:] + times
        self._is_silent = self._is_silent[forgotten:] + is_silent
        self._rows = np.concatenate([self._rows[forgotten:], statistics])

    def _weights(self, count: int) -> NDArray[np.float64]:
        """Return how much each window in memory counts for each of the `count` newest ones."""
        weights = np.zeros((count, len(self._times)))
        for row, newest in zip(weights, range(len(self._times) - count, len(self._times)), strict=True):
            members = self._members(newest)
            row[members] = 1 / len(members)
        return weights

    def _members(self, newest: int) -> list[int]:
        """Return which windows are the context of one of them: itself, and those before it that count."""
        members, latest = [newest], newest
        oldest = self._times[newest] - self._reach
        while True:
            latest = bisect_right(self._times, self._times[latest] - SPACING + _TOLERANCE, 0, latest) - 1
            if latest < 0 or self._times[latest] < oldest:
                return members
            if not self._is_silent[latest]:
                members.append(latest)


def _fill(statistics: NDArray[np.float32], mean: NDArray[np.float64], square: NDArray[np.float64]) -> None:
    """Put in the statistics of contexts, shape (n, 72), given the means over their windows and of the squares."""
    variance = square[:, : CHROMA.stop] - np.square(mean[:, : CHROMA.stop])
    np.maximum(variance, 0, out=variance)
    chroma = mean[:, CHROMA]
    statistics[:, _MEANS] = mean[:, MEANS]
    statistics[:, _SPREADS] = np.sqrt(mean[:, VARIANCES] + variance[:, MEANS])
    statistics[:, _ORDERED_CHROMA] = np.sort(chroma, axis=1)
    statistics[:, _KEY] = keys = _keys(chroma)
    statistics[:, _MODE] = keys[:, 0] - keys[:, 1]
    statistics[:, _UNREST] = np.sqrt(variance[:, CHROMA]).sum(axis=1) / N_CHROMA
    statistics[:, _ONSET] = mean[:, ONSET]


def _keys(chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the best correlation with a major and with a minor key, shape (n, 2)."""
    centered = chroma @ _CENTERING
    norms = np.sqrt(np.einsum("ij,ij->i", centered, centered))
    correlations: NDArray[np.float64] = (centered @ _KEYS.T).reshape(-1, 2, N_CHROMA).max(axis=2)
    correlations /= np.maximum(norms, _SMALLEST_NORM)[:, np.newaxis]
    return correlations

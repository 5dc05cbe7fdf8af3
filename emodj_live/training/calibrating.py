"""Measure, on songs that a model was not trained on, how far to trust it and where its values lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_ndtr

from emodj_live.calibration import N_QUANTILES, Calibration
from emodj_live.training.tracked import Tracked, track
from emodj_live.training.windows import WindowTable

_DEVIATIONS = 0.01, 10.0


def fit_calibration(table: WindowTable, predictions: NDArray[np.float64]) -> Calibration | None:
    """Return the deviations and quantiles of predictions for songs that their model had not been trained on.

    An axis' deviation is the one that makes the true signs most likely: the standard deviation of the errors would be
    too modest, since errors of size are not errors of sign. Every song counts the same, whatever its length. As in
    Platt's scaling (1999), a truth is believed to all but 1 / (songs + 2): that all signs came true on a few songs does
    not make a model certain.

    Parameters
    ----------
    table : WindowTable
    predictions : ndarray of float64, shape (n, 2)
        Of every window of the table.

    Returns
    -------
    Calibration or None
        None if no song has a labeled window that is not silent.
    """
    tracked = track(table, predictions)
    if not tracked.songs:
        return None
    rows = np.concatenate([song.rows for song in tracked.songs])
    weights = np.concatenate([np.full(len(song.rows), 1 / len(song.rows)) for song in tracked.songs])
    values, signs = tracked.smoothed[rows], _signs(tracked)
    doubt = 1 / (len(tracked.songs) + 2)
    valence, arousal = (_deviation(values[:, axis], signs[:, axis], weights, doubt) for axis in (0, 1))
    shares = np.linspace(0, 1, N_QUANTILES)
    quantiles = np.quantile(values, shares, axis=0, weights=weights, method="inverted_cdf")
    return Calibration((valence, arousal), quantiles)


def _signs(tracked: Tracked) -> NDArray[np.bool_]:
    """Return whether valence and arousal are truly positive at every row that counts, shape (n, 2)."""
    return np.array([tracked.truth(song, row).signs for song in tracked.songs for row in song.rows.tolist()])


def _deviation(
    values: NDArray[np.float64], signs: NDArray[np.bool_], weights: NDArray[np.float64], doubt: float
) -> float:
    """Return the deviation under which the signs are most likely: each has the chance Phi(+-value / deviation)."""
    towards = np.where(signs, values, -values)

    def loss(logarithm: float) -> float:
        distances = towards / np.exp(logarithm)
        likelihoods = (1 - doubt) * log_ndtr(distances) + doubt * log_ndtr(-distances)
        return -float(np.average(likelihoods, weights=weights))

    found = minimize_scalar(loss, bounds=np.log(_DEVIATIONS), method="bounded")
    return float(np.exp(found.x))

"""How good predictions are: per window, after the tracker's smoothing, and per song.

It scores any model's predictions for any annotated clips, with the tracker's own smoothing and thresholds: what is
scored is what a listener gets.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.calibration import Calibration
from emodj_live.emotion import Quadrant
from emodj_live.smoothing import SMOOTHING
from emodj_live.training.metrics import AXES, Confusion, Metrics, area, by_axis, correlation, spread_ratio
from emodj_live.training.reliability import pooled_calibration, reliability
from emodj_live.training.scores import LEVELS, Scores
from emodj_live.training.tracked import HeardSong, Tracked, smooth, track
from emodj_live.training.windows import WindowTable

__all__ = [
    "AXES",
    "Metrics",
    "Scores",
    "constant_errors",
    "evaluate",
    "fold_spread",
    "pooled_calibration",
    "smooth",
]


def evaluate(
    table: WindowTable,
    predictions: NDArray[np.float64],
    *,
    smoothing: float = SMOOTHING,
    calibration: Calibration | None = None,
) -> Scores:
    """Score predictions against the labels of one data set.

    Parameters
    ----------
    table : WindowTable
        All windows of the clips, from the start of each.
    predictions : ndarray of float64, shape (n, 2)
        Valence and arousal of every window of the table, as ``model.predict(table.features)`` returns them; they are
        clipped to [-1, 1] as in the tracker.
    smoothing : float
        Time constant of the tracker's average [s].
    calibration : Calibration, optional
        What the model says about its own answers; without it certainty is not scored.

    Returns
    -------
    Scores
    """
    tracked = track(table, predictions, smoothing=smoothing)
    rows = table.labeled & np.array([song.is_graded for song in table.songs])[table.clips]
    graded, judged = tracked.graded, tracked.judged
    labels, means = _means(graded)
    return Scores(
        songs={"all": len(tracked.songs), "graded": len(graded), "judged": len(judged)},
        window=by_axis(table.labels[rows], tracked.raw[rows]),
        smoothed=by_axis(table.labels[rows], tracked.smoothed[rows]),
        song=by_axis(labels, means),
        auc=_areas(judged),
        confusion=Confusion.of([song.truth for song in judged], [song.named for song in judged]),
        together=_together(tracked),
        spread={axis: spread_ratio(labels[:, column], means[:, column]) for column, axis in enumerate(AXES)},
        flips=_flips(tracked),
        calibration=reliability([tracked], calibration) if calibration else None,
    )


def _means(songs: Sequence[HeardSong]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean labels and the mean predictions of songs, each of shape (n, 2)."""
    labels = np.array([song.labels for song in songs]).reshape(-1, 2)
    return labels, np.array([song.means for song in songs]).reshape(-1, 2)


def _areas(songs: Sequence[HeardSong]) -> dict[str, float | None]:
    signs = np.array([song.truth.signs for song in songs], bool).reshape(-1, 2)
    _, means = _means(songs)
    return {axis: area(signs[:, column], means[:, column]) for column, axis in enumerate(AXES)}


def _together(tracked: Tracked) -> dict[str, float | None]:
    labels, means = _means(tracked.graded or tracked.songs)
    return {"predicted": correlation(*means.T), "labels": correlation(*labels.T) if tracked.graded else None}


def _flips(tracked: Tracked) -> dict[str, float | None]:
    """Count changes over the rows that have a label and follow a row of the same clip that also has one."""
    table = tracked.table
    labeled = table.labeled
    steps = 1 + np.flatnonzero(labeled[1:] & labeled[:-1] & (np.diff(table.clips) == 0))
    names = {"raw": _quadrants(tracked.raw), "named": tracked.named, "labels": _quadrants(table.labels)}
    return {name: _changes(quadrants, steps.tolist()) for name, quadrants in names.items()}


def _quadrants(points: NDArray[np.float64]) -> list[Quadrant]:
    return [Quadrant.of(valence, arousal) for valence, arousal in points.tolist()]


def _changes(quadrants: Sequence[Quadrant], steps: Sequence[int]) -> float | None:
    return sum(quadrants[row] is not quadrants[row - 1] for row in steps) / len(steps) if steps else None


def fold_spread(
    table: WindowTable, predictions: NDArray[np.float64], folds: NDArray[np.int64], *, smoothing: float = SMOOTHING
) -> dict[str, Any]:
    """Return how much the songs' figures differ from fold to fold.

    Parameters
    ----------
    table : WindowTable
        Of one data set.
    predictions : ndarray of float64, shape (n, 2)
        Of every window, out of fold.
    folds : ndarray of int64, shape (n,)
        The fold of each window.
    smoothing : float
        Time constant of the tracker's average [s].

    Returns
    -------
    dict
        ``auc``, ``quadrants``, ``r`` and ``r2`` as in `Scores.brief`, each the standard deviation over the folds in
        which it is defined, or None if there are fewer than two.
    """
    members = [folds == fold for fold in np.unique(folds)]
    briefs = [evaluate(table.at(rows), predictions[rows], smoothing=smoothing).brief() for rows in members]
    plain: dict[str, Any] = {
        name: {axis: _deviation([brief[name][axis] for brief in briefs]) for axis in AXES}
        for name in ("auc", "r", "r2")
    }
    return plain | {"quadrants": _deviation([brief["quadrants"] for brief in briefs])}


def _deviation(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return round(statistics.stdev(defined), 4) if len(defined) > 1 else None


def constant_errors(
    table: WindowTable, predictions: NDArray[np.float64], *, smoothing: float = SMOOTHING
) -> dict[str, Any]:
    """Return the errors of predictions that do not depend on the music, to compare with.

    Parameters
    ----------
    table : WindowTable
        Of one data set.
    predictions : ndarray of float64, shape (n, 2)
        The same for all windows, or for all windows of a fold.
    smoothing : float
        Time constant of the tracker's average [s].

    Returns
    -------
    dict
        By level and axis, ``mae`` and ``rmse`` as in `Scores.as_json`.
    """
    scores = evaluate(table, predictions, smoothing=smoothing).as_json()
    return {
        level: {axis: {name: scores[level][axis][name] for name in ("mae", "rmse")} for axis in AXES}
        for level in LEVELS
    }

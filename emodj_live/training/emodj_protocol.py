"""EmoDJ's own protocol, as in its notebook: leaky, and kept only so that figures can be compared.

It splits windows at random, so that the same recording is on both sides; and since 98 % of the variance of emoMusic's
labels lies between songs, recognizing the recording is enough to score well.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_1samp
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import KFold, train_test_split
from sklearn.preprocessing import StandardScaler

from emodj_live.training.emodj_matrix import Matrix
from emodj_live.training.estimators import new_regressor
from emodj_live.training.evaluation import AXES, Metrics
from emodj_live.training.progress import Progress
from emodj_live.workers import as_completed

COSTS = (1.0, 10.0, 100.0, 1000.0)
SEEDS = (0, 1, 2)
PUBLISHED: dict[str, dict[str, float]] = {
    "r2": {"valence": 0.45, "arousal": 0.66},
    "mae": {"valence": 0.136, "arousal": 0.129},
    "against": {"valence": 0.198, "arousal": 0.156},  # the MAE that its t-tests compare with
}
PUBLISHED_DISTANCE = 0.204
_ROWS_AT_ONCE = 2048


def run(
    matrix: Matrix,
    *,
    costs: Sequence[float] = COSTS,
    seeds: Sequence[int] = SEEDS,
    jobs: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run the grid search and the random splits.

    Parameters
    ----------
    matrix : Matrix
    costs : sequence of float
        Candidates for C.
    seeds : sequence of int
        Of the random 95/5 splits; EmoDJ's are not seeded.
    jobs : int
        Processes to use.
    progress : Progress, optional

    Returns
    -------
    dict
        Plain JSON: ``rows``, ``columns``, ``left_out``, ``grid`` (by axis: the best C, its R2 in 5 folds and on the
        held-out quarter), ``splits`` (by axis the mean MAE and p of the t-test; the mean ``distance``), and
        ``published``, EmoDJ's figures.
    """
    progress = progress or Progress(quiet=True)
    scaled = StandardScaler().fit_transform(matrix.features.astype(np.float64))
    labels = matrix.labels.astype(np.float64)
    fitter = _Fitter(scaled, labels, jobs, progress)
    return {
        "rows": len(scaled),
        "columns": scaled.shape[1],
        "left_out": dict(matrix.left_out),
        "grid": _grid(fitter, tuple(costs)),
        "splits": _random_splits(fitter, seeds),
        "published": {**PUBLISHED, "distance": PUBLISHED_DISTANCE},
    }


@dataclass(frozen=True, eq=False)
class _Task:
    axis: int
    cost: float
    training: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Fitter:
    """Fits regressors in worker processes, and shows how many are done."""

    scaled: NDArray[np.float64]
    labels: NDArray[np.float64]
    jobs: int
    progress: Progress

    def errors(self, tasks: Sequence[_Task], what: str) -> list[NDArray[np.float64]]:
        """Return prediction minus label on the test rows of each task."""
        work = (joblib.delayed(_errors)(number, self.scaled, self.labels, task) for number, task in enumerate(tasks))
        results = dict(self.progress.counting(as_completed(work, self.jobs), len(tasks), what))
        return [results[number] for number in range(len(tasks))]

    def r2(self, tasks: Sequence[_Task], what: str) -> list[float]:
        """Return the R2 on the test rows of each task."""
        truths = [self.labels[task.test, task.axis] for task in tasks]
        errors = self.errors(tasks, what)
        scores = [Metrics.of(truth, truth + error).r2 for truth, error in zip(truths, errors, strict=True)]
        return [0.0 if score is None else score for score in scores]


def _errors(
    number: int, scaled: NDArray[np.float64], labels: NDArray[np.float64], task: _Task
) -> tuple[int, NDArray[np.float64]]:
    """Fit one regressor and return the errors of its predictions; libsvm's own predict would take hours."""
    regressor = new_regressor("auto", task.cost, 0.1)
    regressor.fit(scaled[task.training], labels[task.training, task.axis])
    vectors, dual, gamma = regressor.support_vectors_, np.ravel(regressor.dual_coef_), 1 / scaled.shape[1]
    predicted = np.full(len(task.test), np.ravel(regressor.intercept_)[0])
    for start in range(0, len(predicted) if len(vectors) else 0, _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        predicted[rows] += rbf_kernel(scaled[task.test[rows]], vectors, gamma=gamma) @ dual
    return number, predicted - labels[task.test, task.axis]


def _grid(fitter: _Fitter, costs: Sequence[float]) -> dict[str, Any]:
    """Do what ``GridSearchCV(SVR(kernel="rbf", gamma="auto"), {"C": costs}, cv=5)`` does, and show every fold."""
    training, test = train_test_split(np.arange(len(fitter.labels)), test_size=0.25, random_state=5)
    folds = [(training[fit], training[rest]) for fit, rest in KFold(5).split(training)]
    tasks = [_Task(axis, cost, *fold) for axis in (0, 1) for cost in costs for fold in folds]
    r2 = np.reshape(fitter.r2(tasks, "folds of EmoDJ's grid"), (2, len(costs), len(folds))).mean(axis=2)
    best = [costs[int(index)] for index in r2.argmax(axis=1)]
    held_out = fitter.r2([_Task(axis, best[axis], training, test) for axis in (0, 1)], "EmoDJ's held-out quarter")
    return {
        name: {"C": best[axis], "r2_folds": round(float(r2[axis].max()), 4), "r2_held_out": round(held_out[axis], 4)}
        for axis, name in enumerate(AXES)
    }


def _random_splits(fitter: _Fitter, seeds: Sequence[int]) -> dict[str, Any]:
    """Split 95/5 at random and average over the splits."""
    rows = np.arange(len(fitter.labels))
    splits = [train_test_split(rows, test_size=0.05, random_state=seed) for seed in seeds]
    tasks = [_Task(axis, 1.0, *split) for split in splits for axis in (0, 1)]
    errors = fitter.errors(tasks, "EmoDJ's random splits")
    by_axis = errors[0::2], errors[1::2]
    maes = [np.array([abs(error).mean() for error in axis]) for axis in by_axis]
    distances = [np.hypot(valence, arousal).mean() for valence, arousal in zip(*by_axis, strict=True)]
    result: dict[str, Any] = {
        name: {"mae": round(float(maes[axis].mean()), 4), "p": _p_below(maes[axis], PUBLISHED["against"][name])}
        for axis, name in enumerate(AXES)
    }
    return {**result, "seeds": list(seeds), "distance": round(float(np.mean(distances)), 4)}


def _p_below(values: NDArray[np.float64], bound: float) -> float | None:
    """Return p of the one-sided one-sample t-test that the mean is below a bound, or None if it is not defined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # fewer than two values, or all the same
        p = float(ttest_1samp(values, bound, alternative="less").pvalue)
    return p if np.isfinite(p) else None

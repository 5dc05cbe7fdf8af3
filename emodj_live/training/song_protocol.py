"""The honest protocol: the songs that are scored were used neither for training, nor for its scaler or its choices.

What is split are groups: all songs of an artist, or all versions of a recording, are on the same side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from emodj_live.calibration import Calibration
from emodj_live.features import FeatureSpec
from emodj_live.training.calibrating import fit_calibration
from emodj_live.training.evaluation import constant_errors, evaluate, fold_spread, pooled_calibration
from emodj_live.training.fitting import fit_model
from emodj_live.training.hyperparameters import EMODJ, Hyperparameters
from emodj_live.training.options import TrainingOptions
from emodj_live.training.progress import Progress
from emodj_live.training.windows import WindowTable
from emodj_live.training.workers import as_completed, in_order

FOLDS = 5
_CURVE = 1 / 8, 1 / 4, 1 / 2  # shares of the training groups, before all of them

Choice = Callable[[WindowTable], Hyperparameters]  # from the training songs of a fold to what to train with


class Fixed:
    """A choice that does not depend on the songs."""

    def __init__(self, parameters: Hyperparameters) -> None:
        self._parameters = parameters

    def __call__(self, _: WindowTable) -> Hyperparameters:
        """Return the parameters."""
        return self._parameters


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What models say about songs that they were not trained on.

    Attributes
    ----------
    table : WindowTable
    predictions : ndarray of float64, shape (n, 2)
        Of every window of the table, by the model of the other folds.
    constant : ndarray of float64, shape (n, 2)
        The mean of the labels that this model was trained on.
    folds : ndarray of int64, shape (n,)
        The fold of each window.
    """

    table: WindowTable
    predictions: NDArray[np.float64]
    constant: NDArray[np.float64]
    folds: NDArray[np.int64]

    @property
    def n_folds(self) -> int:
        """How many folds there are."""
        return int(self.folds.max()) + 1

    def by_dataset(self) -> Iterator[tuple[str, OutOfFold]]:
        """Yield the name of each data set with its windows alone."""
        datasets = self.table.datasets
        for name in dict.fromkeys(datasets.tolist()):
            rows = datasets == name
            parts = self.table.at(rows), self.predictions[rows], self.constant[rows], self.folds[rows]
            yield name, OutOfFold(*parts)


def cross_validate(
    table: WindowTable,
    spec: FeatureSpec,
    choose: Choice,
    *,
    stride: int = TrainingOptions.stride,
    folds: int = FOLDS,
    share: float = 1.0,
    jobs: int = 1,
    progress: Progress | None = None,
    what: str = "folds by song",
) -> OutOfFold | None:
    """Predict every window by a model that was trained on none of its group.

    Parameters
    ----------
    table : WindowTable
    spec : FeatureSpec
    choose : callable
        Takes the training songs of a fold and returns the `Hyperparameters`. It must be picklable.
    stride : int
        Train on every `stride`-th labeled window; all of them are scored.
    folds : int
        Fewer if there are fewer groups.
    share : float
        Train on only this share of the other folds' groups.
    jobs : int
        Processes to use.
    progress : Progress, optional
    what : str
        What the progress counts.

    Returns
    -------
    OutOfFold or None
        None unless two groups have labeled windows that are not silent.
    """
    tests = list(_tests(table, folds))
    if len(tests) < 2:
        return None
    work = (
        joblib.delayed(_fold)(number, table, spec, test, choose, stride, share) for number, test in enumerate(tests)
    )
    predictions, constant = np.empty((len(table.labels), 2)), np.empty((len(table.labels), 2))
    numbers = np.empty(len(table.labels), np.int64)
    progress = progress or Progress(quiet=True)
    for number, rows, predicted, mean in progress.counting(as_completed(work, jobs), len(tests), what):
        predictions[rows], constant[rows], numbers[rows] = predicted, mean, number
    return OutOfFold(table, predictions, constant, numbers)


def _tests(table: WindowTable, folds: int) -> Iterator[NDArray[np.int64]]:
    """Yield the groups that each fold tests."""
    groups = table.groups[table.training_rows(1)]
    folds = min(folds, len(np.unique(groups)))
    silent = np.setdiff1d(table.groups, groups)  # nothing can be learned from these, so any one fold may have them
    if folds > 1:
        for number, (_, test) in enumerate(GroupKFold(folds).split(groups, groups=groups)):
            yield np.union1d(groups[test], silent) if number == 0 else np.unique(groups[test])


def _fold(
    number: int,
    table: WindowTable,
    spec: FeatureSpec,
    test: NDArray[np.int64],
    choose: Choice,
    stride: int,
    share: float,
) -> tuple[int, NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Train without some groups, and predict all their windows."""
    rows = np.flatnonzero(np.isin(table.groups, test))
    others = np.random.default_rng(number).permutation(np.setdiff1d(table.groups[table.training_rows(1)], test))
    training = table.of_groups(others[: max(1, round(share * len(others)))])
    model = fit_model(training, spec, choose(training), stride=stride)
    mean = training.labels[training.training_rows(stride)].mean(axis=0)
    return number, rows, model.predict(table.features[rows]), mean


def describe(found: OutOfFold) -> tuple[dict[str, Any], Calibration | None]:
    """Score what was predicted out of fold, and measure how far to trust it.

    Parameters
    ----------
    found : OutOfFold

    Returns
    -------
    figures : dict
        Plain JSON: ``folds``, ``groups``, ``sets`` (for each data set its ``scores``, the errors of the ``constant``
        predictor, and the ``spread`` over folds), and the pooled ``calibration``.
    calibration : Calibration or None
        For the model that is trained on all songs.
    """
    calibration = fit_calibration(found.table, found.predictions)
    pooled = pooled_calibration([(found.table, found.predictions)], calibration) if calibration else None
    figures = {
        "folds": found.n_folds,
        "groups": len(np.unique(found.table.groups)),
        "sets": [_describe_set(name, part, calibration) for name, part in found.by_dataset()],
        "calibration": pooled.as_json() if pooled else None,
    }
    return figures, calibration


def _describe_set(name: str, part: OutOfFold, calibration: Calibration | None) -> dict[str, Any]:
    return {
        "dataset": name,
        "scores": evaluate(part.table, part.predictions, calibration=calibration).as_json(),
        "constant": constant_errors(part.table, part.constant),
        "spread": fold_spread(part.table, part.predictions, part.folds),
    }


def emodj_shape(
    table: WindowTable, spec: FeatureSpec, *, stride: int, jobs: int = 1, progress: Progress | None = None
) -> list[dict[str, Any]] | None:
    """Cross-validate EmoDJ's own model, 264 MFCCs and two exact regressors, on the same songs.

    Parameters
    ----------
    table : WindowTable
    spec : FeatureSpec
    stride, jobs, progress
        As for `cross_validate`.

    Returns
    -------
    list of dict or None
        For each data set ``dataset`` and the brief ``scores``. None if there is only one group.
    """
    shape = replace(spec, context=0.0)
    alone = replace(table, features=np.ascontiguousarray(table.features[:, : spec.n_coefficients]))
    found = cross_validate(
        alone, shape, Fixed(EMODJ), stride=stride, jobs=jobs, progress=progress, what="folds of EmoDJ's shape"
    )
    return brief_by_dataset(found) if found else None


def brief_by_dataset(found: OutOfFold) -> list[dict[str, Any]]:
    """Return the brief scores of each data set."""
    return [
        {"dataset": name, "scores": evaluate(part.table, part.predictions).brief()} for name, part in found.by_dataset()
    ]


def across_sets(
    table: WindowTable, spec: FeatureSpec, parameters: Hyperparameters, *, stride: int, jobs: int = 1
) -> list[dict[str, Any]] | None:
    """Train on each data set alone, and try it on each of the others.

    Parameters
    ----------
    table : WindowTable
    spec : FeatureSpec
    parameters : Hyperparameters
    stride, jobs : int
        As for `cross_validate`.

    Returns
    -------
    list of dict or None
        For each pair ``trained_on``, ``tried_on`` and the brief ``scores``. Songs whose group is on both sides are not
        scored. None if there is only one data set.
    """
    names = list(dict.fromkeys(table.datasets.tolist()))
    if len(names) < 2:
        return None
    work = (joblib.delayed(_across)(table, spec, parameters, stride, name, names) for name in names)
    return [result for results in in_order(work, jobs) for result in results]


def _across(
    table: WindowTable, spec: FeatureSpec, parameters: Hyperparameters, stride: int, name: str, names: Sequence[str]
) -> list[dict[str, Any]]:
    training = table.of_dataset(name)
    if not training.training_rows(stride).size:
        return []
    model = fit_model(training, spec, parameters, stride=stride)
    is_known = np.isin(table.groups, training.groups)
    results = []
    for other in names:
        tried = table.at((table.datasets == other) & ~is_known)
        if other != name and tried.labeled.any():
            scores = evaluate(tried, model.predict(tried.features)).brief()
            results.append({"trained_on": [name], "tried_on": other, "scores": scores})
    return results


def learning_curve(
    found: OutOfFold,
    spec: FeatureSpec,
    parameters: Hyperparameters,
    *,
    stride: int,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Cross-validate with a part of the training groups.

    Parameters
    ----------
    found : OutOfFold
        What was found with all of them.
    spec : FeatureSpec
    parameters : Hyperparameters
    stride, jobs, progress
        As for `cross_validate`.

    Returns
    -------
    list of dict
        For each share of the groups ``groups``, how many a model was trained on, and the brief ``scores`` by data set.
    """
    curve = [(1.0, found)]
    for share in reversed(_CURVE):
        what = f"folds with {share:.0%} of the songs"
        part = cross_validate(
            found.table, spec, Fixed(parameters), stride=stride, share=share, jobs=jobs, progress=progress, what=what
        )
        if part:
            curve.insert(0, (share, part))
    trained_on = len(np.unique(found.table.groups)) * (1 - 1 / found.n_folds)
    return [
        {"groups": round(share * trained_on), "scores": {e["dataset"]: e["scores"] for e in brief_by_dataset(part)}}
        for share, part in curve
    ]

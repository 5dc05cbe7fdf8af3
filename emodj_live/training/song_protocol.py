"""The honest protocol: the songs that are scored were used neither for training, nor for its scaler or its choices.

What is split are groups: all songs of an artist, or all versions of a recording, are on the same side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from emodj_live.training.hyperparameters import Hyperparameters
from emodj_live.training.options import TrainingOptions
from emodj_live.training.progress import Progress
from emodj_live.training.windows import WindowTable
from emodj_live.workers import as_completed

FOLDS = 5

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

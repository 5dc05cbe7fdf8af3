"""The honest protocol: the songs that are scored were used neither for training, nor for its scaler or its choices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from emodj_live.features import FeatureSpec
from emodj_live.training.evaluation import Scores, evaluate
from emodj_live.training.fitting import fit_model
from emodj_live.training.hyperparameters import Hyperparameters
from emodj_live.training.options import TrainingOptions
from emodj_live.training.progress import Progress
from emodj_live.training.windows import WindowTable
from emodj_live.training.workers import as_completed

FOLDS = 5
SHUFFLES = (0, 1, 2)

Choice = Callable[[WindowTable], Hyperparameters]  # from the training songs of a fold to what to train with


def by_song(
    table: WindowTable,
    spec: FeatureSpec,
    choose: Choice,
    *,
    stride: int = TrainingOptions.stride,
    shuffles: Sequence[int] = SHUFFLES,
    jobs: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any] | None:
    """Cross-validate over songs.

    Parameters
    ----------
    table : WindowTable
    spec : FeatureSpec
    choose : callable
        Takes the training songs of a fold and returns the `Hyperparameters`. It must be picklable.
    stride : int
        Train on every `stride`-th labeled window; all of them are scored.
    shuffles : sequence of int
        Seeds of the shuffled splits, in addition to the unshuffled one.
    jobs : int
        Processes to use.
    progress : Progress, optional

    Returns
    -------
    dict or None
        Plain JSON: ``folds``, ``recordings``, the `Scores` of the ``unshuffled`` split, of its ``constant`` predictor
        (the mean of the training labels of each fold), and ``shuffled``, the mean over the shuffled splits. None if
        there is only one recording.
    """
    n_recordings = len(np.unique(table.groups))
    if n_recordings < 2:
        return None
    splits = list(_splits(table, FOLDS, shuffles))
    predictions, constant = _predict(table, spec, choose, splits, stride, jobs, progress or Progress(quiet=True))
    unshuffled, *shuffled = (evaluate(table, predicted) for predicted in predictions)
    return {
        "folds": len(splits[0]),
        "recordings": n_recordings,
        "unshuffled": unshuffled.as_json(),
        "constant": evaluate(table, constant).as_json(),
        "shuffles": len(shuffles),
        "shuffled": Scores.mean(shuffled).as_json() if shuffled else None,
    }


def _predict(
    table: WindowTable,
    spec: FeatureSpec,
    choose: Choice,
    splits: Sequence[Sequence[NDArray[np.int64]]],
    stride: int,
    jobs: int,
    progress: Progress,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predict every window in every split by a model of the other folds.

    Returns
    -------
    predictions : ndarray of float64, shape (n_splits, n, 2)
    constant : ndarray of float64, shape (n, 2)
        Mean of the training labels in the first split.
    """
    numbered = [(number, test) for number, tests in enumerate(splits) for test in tests]
    work = (joblib.delayed(_fold)(number, table, spec, test, choose, stride) for number, test in numbered)
    predictions = np.empty((len(splits), len(table.labels), 2))
    constant = np.empty((len(table.labels), 2))
    for number, rows, predicted, mean in progress.counting(as_completed(work, jobs), len(numbered), "folds by song"):
        predictions[number, rows] = predicted
        if number == 0:
            constant[rows] = mean
    return predictions, constant


def _splits(table: WindowTable, folds: int, shuffles: Sequence[int]) -> Iterator[list[NDArray[np.int64]]]:
    """Yield, for each split, the recordings that each fold tests; there are no more folds than recordings."""
    folds = min(folds, len(np.unique(table.groups)))
    groups = table.groups[table.labeled]
    for seed in (None, *shuffles):
        splitter = GroupKFold(folds) if seed is None else GroupKFold(folds, shuffle=True, random_state=seed)
        yield [np.unique(groups[test]) for _, test in splitter.split(groups, groups=groups)]


def _fold(
    number: int, table: WindowTable, spec: FeatureSpec, test: NDArray[np.int64], choose: Choice, stride: int
) -> tuple[int, NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Train without some recordings, and predict all their windows."""
    rows = np.flatnonzero(np.isin(table.groups, test))
    training = table.of_groups(np.setdiff1d(table.groups, test))
    model = fit_model(training, spec, choose(training), stride=stride)
    mean = training.labels[training.training_rows(stride)].mean(axis=0)
    return number, rows, model.predict(table.features[rows]), mean


class Fixed:
    """A choice that does not depend on the songs."""

    def __init__(self, parameters: Hyperparameters) -> None:
        self._parameters = parameters

    def __call__(self, _: WindowTable) -> Hyperparameters:
        """Return the parameters."""
        return self._parameters


def cross_predict(
    table: WindowTable, spec: FeatureSpec, parameters: Hyperparameters, *, stride: int, folds: int, jobs: int = 1
) -> NDArray[np.float64]:
    """Predict every window by a model that was not trained on its recording.

    Parameters
    ----------
    table : WindowTable
    spec : FeatureSpec
    parameters : Hyperparameters
    stride, folds, jobs : int
        As for `by_song`.

    Returns
    -------
    ndarray of float64, shape (n, 2)
    """
    splits = list(_splits(table, folds, ()))
    predictions, _ = _predict(table, spec, Fixed(parameters), splits, stride, jobs, Progress(quiet=True))
    predicted: NDArray[np.float64] = predictions[0]
    return predicted

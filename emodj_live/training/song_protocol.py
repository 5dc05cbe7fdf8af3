"""The honest protocol: songs that are scored were never heard in training, nor used for its scaler or its choices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from emodj_live.features import FeatureSpec
from emodj_live.training.evaluation import Scores, evaluate
from emodj_live.training.fitting import Hyperparameters, fit_model
from emodj_live.training.progress import Progress
from emodj_live.training.windows import WindowTable

FOLDS = 5
SHUFFLES = (0, 1, 2)

Choice = Callable[[WindowTable], Hyperparameters]  # what to train with, decided on the training songs of a fold alone


def by_song(
    table: WindowTable,
    spec: FeatureSpec,
    choose: Choice,
    *,
    stride: int = 3,
    folds: int = FOLDS,
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
        Train on every `stride`-th labelled window; all of them are scored.
    folds : int
        With fewer recordings there are as many folds as recordings.
    shuffles : sequence of int
        Seeds of the shuffled splits beside the unshuffled one.
    jobs : int
        Processes that work at once.
    progress : Progress, optional

    Returns
    -------
    dict or None
        Plain JSON: ``folds``, ``recordings``, the `Scores` of the ``unshuffled`` split, of its ``constant`` predictor
        (the mean of the training labels of each fold), and ``shuffled``, the mean over the shuffled splits. None if
        there is only one recording.
    """
    progress = progress or Progress(quiet=True)
    recordings = np.unique(table.recordings)
    folds = min(folds, len(recordings))
    if folds < 2:
        return None
    splits = list(_splits(table, folds, shuffles))
    work = (
        joblib.delayed(_fold)(number, table, spec, test, choose, stride)
        for number, tests in enumerate(splits)
        for test in tests
    )
    done = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")(work)
    predictions = np.full((len(splits), len(table.labels), 2), np.nan)
    constant = np.full((len(table.labels), 2), np.nan)
    for number, rows, predicted, mean in progress.track(done, folds * len(splits), "folds by song"):
        predictions[number, rows] = predicted
        if number == 0:
            constant[rows] = mean
    scores = [evaluate(table, predicted) for predicted in predictions]
    return {
        "folds": folds,
        "recordings": len(recordings),
        "unshuffled": scores[0].as_json(),
        "constant": evaluate(table, constant).as_json(),
        "shuffles": len(shuffles),
        "shuffled": Scores.mean(scores[1:]).as_json() if shuffles else None,
    }


def _splits(table: WindowTable, folds: int, shuffles: Sequence[int]) -> Iterator[list[NDArray[np.int64]]]:
    """Yield for each split the recordings that each of its folds is tested on."""
    groups = table.recordings[table.labelled]
    for seed in (None, *shuffles):
        splitter = GroupKFold(folds) if seed is None else GroupKFold(folds, shuffle=True, random_state=seed)
        yield [np.unique(groups[test]) for _, test in splitter.split(groups, groups=groups)]


def _fold(
    number: int, table: WindowTable, spec: FeatureSpec, test: NDArray[np.int64], choose: Choice, stride: int
) -> tuple[int, NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Train without some recordings and predict all windows of those."""
    rows = np.flatnonzero(np.isin(table.recordings, test))
    training = table.of_recordings(np.setdiff1d(table.recordings, test))
    model = fit_model(training, spec, choose(training), stride=stride)
    mean = training.labels[training.training_rows(stride)].mean(axis=0)
    return number, rows, model.predict(table.features[rows]), mean


class Fixed:
    """A choice that does not depend on the songs."""

    def __init__(self, parameters: Hyperparameters) -> None:
        self._parameters = parameters

    def __call__(self, _: WindowTable) -> Hyperparameters:
        """Return them."""
        return self._parameters


def cross_predict(
    table: WindowTable, spec: FeatureSpec, parameters: Hyperparameters, *, stride: int, folds: int, jobs: int = 1
) -> NDArray[np.float64]:
    """Predict every window by a model that has not heard its recording.

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
    tests = next(_splits(table, min(folds, len(np.unique(table.recordings))), ()))
    work = (joblib.delayed(_fold)(0, table, spec, test, Fixed(parameters), stride) for test in tests)
    predictions = np.empty((len(table.labels), 2))
    for _, rows, predicted, _ in joblib.Parallel(n_jobs=jobs)(work):
        predictions[rows] = predicted
    return predictions

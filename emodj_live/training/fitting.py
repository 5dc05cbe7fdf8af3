"""Fit a model, and convert models to scikit-learn's."""

from __future__ import annotations

import os
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVR
from threadpoolctl import threadpool_limits

from emodj_live.context import TIMBRE
from emodj_live.errors import DatasetError, EmodjError
from emodj_live.features import FeatureSpec
from emodj_live.model import EmotionModel
from emodj_live.training.estimators import Samples, fit_condensed, fit_exact
from emodj_live.training.hyperparameters import Hyperparameters
from emodj_live.training.windows import WindowTable

_NOTHING = 1e-11  # a coefficient below this is rounding


def fit_scaler(
    features: NDArray[np.float32],
    n_coefficients: int | None = None,
    context_weight: float = 0.5,
    timbre_weight: float = 1.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and standard deviation of every feature; for a constant feature the latter is 1.

    Parameters
    ----------
    features : ndarray of float32, shape (n, n_features)
    n_coefficients : int, optional
        How many of the features are MFCCs; by default all.
    context_weight : float
        If there are others: the share of a squared distance that they have on average, for which the standard
        deviations of both blocks are multiplied by one number each.
    timbre_weight : float
        How much a distance in mean timbre counts among them, compared with one in any other of them.

    Returns
    -------
    mean, std : ndarray of float64, shape (n_features,)
    """
    mean = features.mean(axis=0, dtype=np.float64)
    std = features.std(axis=0, dtype=np.float64)
    std[std < 1e-9 * np.maximum(1, abs(mean))] = 1
    if n_coefficients is not None and n_coefficients < len(std):
        share = n_coefficients / len(std)
        std[:n_coefficients] *= np.sqrt(share / (1 - context_weight))
        std[n_coefficients:] *= np.sqrt((1 - share) / context_weight) / _emphasis(
            len(std) - n_coefficients, timbre_weight
        )
    return mean, std


def _emphasis(count: int, timbre_weight: float) -> NDArray[np.float64]:
    """Return how much each statistic of the context counts; the mean of the squares is 1."""
    emphasis = np.ones(count)
    emphasis[TIMBRE] = timbre_weight
    emphasis /= np.sqrt(np.mean(emphasis**2))
    return emphasis


def fit_model(
    table: WindowTable, spec: FeatureSpec, parameters: Hyperparameters, *, stride: int = 1, jobs: int = 1
) -> EmotionModel:
    """Train a model.

    Parameters
    ----------
    table : WindowTable
        What to learn from: the labeled windows.
    spec : FeatureSpec
        What the table's features are.
    parameters : Hyperparameters
    stride : int
        Learn from every `stride`-th labeled window of a clip.
    jobs : int
        1 fits in this process; more fit exact regressors in worker processes, one per axis.

    Returns
    -------
    EmotionModel
        With no provenance but the penalty that was used, if there is one. The same input gives the same numbers.

    Raises
    ------
    DatasetError
        If all labeled windows are silent.
    """
    reference_level = table.reference_level()
    rows = table.training_rows(stride)
    weights = parameters.context_weight, parameters.timbre_weight
    mean, std = fit_scaler(table.features[rows], spec.n_coefficients, *weights)
    samples = Samples((table.features[rows] - mean) / std, table.labels[rows], table.weights(rows))
    gamma = 1 / spec.n_features if parameters.gamma is None else parameters.gamma
    if parameters.estimator == "condensed":
        with threadpool_limits(limits=1, user_api="blas"):  # how many share a sum decides how it is rounded
            (vectors, coefficients, intercepts), alpha = fit_condensed(samples, gamma, parameters)
        used = {"alpha": alpha}
    else:
        (vectors, coefficients, intercepts), used = fit_exact(samples, gamma, parameters, jobs), {}
    return EmotionModel(
        spec=spec,
        mean=mean,
        std=std,
        support_vectors=vectors,
        coefficients=coefficients,
        intercepts=intercepts,
        gamma=gamma,
        reference_level=reference_level,
        provenance=used,
    )


def check_learned(model: EmotionModel) -> None:
    """Raise a `DatasetError` if a model learned nothing because all labels are the same, or within epsilon."""
    if np.abs(model.coefficients).max() < _NOTHING:
        raise DatasetError(
            "The labels hardly vary, so nothing can be learned; use more songs, or with --estimator svr a smaller "
            "--epsilon."
        )


def to_sklearn(model: EmotionModel) -> tuple[SVR, SVR]:
    """Rebuild the two scikit-learn regressors of a model.

    Parameters
    ----------
    model : EmotionModel

    Returns
    -------
    valence, arousal : sklearn.svm.SVR
        Their ``predict`` takes scaled features, ``(features - model.mean) / model.std``, of shape (n, n_features), and
        answers as the model does, whichever estimator it was fitted with: both end in the same arrays.
    """
    used = model.provenance.get("hyperparameters", {})
    regressors = []
    for axis, name in enumerate(("valence", "arousal")):
        cost = used.get("C", {}).get(name, 1.0)
        epsilon = used.get("epsilon", {}).get(name, 0.1)
        regressors.append(_rebuild(model, axis, cost, epsilon))
    return regressors[0], regressors[1]


def _rebuild(model: EmotionModel, axis: int, cost: float, epsilon: float) -> SVR:
    """Fit a regressor to two points, so that it has every attribute of its version, then exchange what was fitted."""
    rows = np.flatnonzero(model.coefficients[:, axis])
    rows = rows if rows.size else np.array([0])
    vectors = np.ascontiguousarray(model.support_vectors[rows], np.float64)
    regressor = SVR(kernel="rbf", gamma=model.gamma, C=cost, epsilon=epsilon)
    regressor.fit(np.vstack([vectors[0], vectors[0] + 1]), [-1.0 - epsilon, 1.0 + epsilon])
    regressor.support_ = np.arange(len(rows), dtype=np.int32)
    regressor.support_vectors_ = vectors
    regressor._n_support = np.array([len(rows), 0], dtype=np.int32)[: len(regressor._n_support)]
    regressor.dual_coef_ = regressor._dual_coef_ = np.ascontiguousarray(model.coefficients[rows, axis][None])
    regressor.intercept_ = model.intercepts[axis : axis + 1].copy()
    regressor._intercept_ = regressor.intercept_.copy()
    regressor.shape_fit_ = vectors.shape
    return regressor


def export_sklearn(model: EmotionModel, folder: str | os.PathLike[str]) -> list[Path]:
    """Write a model's regressors and scaler as joblib files, for programs that already use such files.

    Parameters
    ----------
    model : EmotionModel
    folder : path-like
        Made if it does not exist. It will hold ``valence.joblib`` and ``arousal.joblib`` (each an `SVR` that predicts
        from scaled features), ``mean.joblib`` and ``std.joblib``. joblib files are pickles: open only those you trust.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    EmodjError
        If they cannot be written.
    """
    folder = Path(folder)
    valence, arousal = to_sklearn(model)
    contents = {"valence": valence, "arousal": arousal, "mean": model.mean, "std": model.std}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            joblib.dump(content, folder / f"{name}.joblib")
    except OSError as error:
        raise EmodjError(f"{folder}: cannot be written: {error.strerror or error}.") from error
    return [folder / f"{name}.joblib" for name in contents]

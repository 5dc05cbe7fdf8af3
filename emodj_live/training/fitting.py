"""Fit the scaler and the two support vector regressors, and convert models to scikit-learn's."""

from __future__ import annotations

import os
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVR

from emodj_live.errors import DatasetError, EmodjError
from emodj_live.features import FeatureSpec
from emodj_live.model import EmotionModel
from emodj_live.training.hyperparameters import Hyperparameters
from emodj_live.training.windows import WindowTable
from emodj_live.training.workers import in_order

_CACHE_MB = 1000  # for the kernel; libsvm's default of 200 is too small from 5000 rows on


def fit_scaler(features: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and standard deviation of every feature; for a constant feature the latter is 1.

    Parameters
    ----------
    features : ndarray of float32, shape (n, n_features)

    Returns
    -------
    mean, std : ndarray of float64, shape (n_features,)
    """
    mean = features.mean(axis=0, dtype=np.float64)
    std = features.std(axis=0, dtype=np.float64)
    std[std < 1e-9 * np.maximum(1, abs(mean))] = 1
    return mean, std


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
        1 fits in this process; more fit in worker processes, one per axis.

    Returns
    -------
    EmotionModel
        Without provenance. The same input gives the same numbers.

    Raises
    ------
    DatasetError
        If all labeled windows are silent.
    """
    rows = table.training_rows(stride)
    features, labels = table.features[rows], table.labels[rows]
    mean, std = fit_scaler(features)
    scaled = (features - mean) / std
    work = (joblib.delayed(_fit_axis)(scaled, labels[:, axis], parameters, axis) for axis in (0, 1))
    fits = in_order(work, jobs)
    union, coefficients = _shared_support(*((support, dual) for support, dual, _ in fits))
    return EmotionModel(
        spec=spec,
        mean=mean,
        std=std,
        support_vectors=scaled[union].astype(np.float32),
        coefficients=coefficients,
        intercepts=np.array([intercept for _, _, intercept in fits]),
        gamma=parameters.gamma,
        reference_level=table.reference_level(),
    )


def _shared_support(
    *fits: tuple[NDArray[np.intp], NDArray[np.float64]],
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the rows that support any regressor, and the coefficients of all regressors for them."""
    union = np.unique(np.concatenate([support for support, _ in fits]))
    if not union.size:  # all labels are within epsilon: the regressors are constant, and any one vector will do
        union = np.zeros(1, np.intp)
    coefficients = np.zeros((len(union), len(fits)))
    for axis, (support, dual) in enumerate(fits):
        coefficients[np.searchsorted(union, support), axis] = dual
    return union, coefficients


def check_learned(model: EmotionModel) -> None:
    """Raise a `DatasetError` if a model learned nothing because all labels lie within epsilon of each other."""
    if not model.coefficients.any():
        raise DatasetError("The labels hardly vary, so nothing can be learned; use more songs or a smaller --epsilon.")


def new_regressor(gamma: float | str, cost: float, epsilon: float) -> SVR:
    """Return an unfitted support vector regressor.

    Parameters
    ----------
    gamma : float or str
    cost, epsilon : float

    Returns
    -------
    SVR
    """
    return SVR(kernel="rbf", gamma=gamma, C=cost, epsilon=epsilon, cache_size=_CACHE_MB)


def _fit_axis(
    scaled: NDArray[np.float64], labels: NDArray[np.float64], parameters: Hyperparameters, axis: int
) -> tuple[NDArray[np.intp], NDArray[np.float64], float]:
    """Return one regressor's support rows, dual coefficients and intercept."""
    regressor = new_regressor(parameters.gamma, parameters.cost[axis], parameters.epsilon[axis])
    regressor.fit(scaled, labels)
    order = np.argsort(regressor.support_)
    support = np.asarray(regressor.support_)[order].astype(np.intp)
    dual = np.asarray(regressor.dual_coef_, np.float64).reshape(-1)[order]
    return support, dual, float(np.ravel(regressor.intercept_)[0])


def to_sklearn(model: EmotionModel) -> tuple[SVR, SVR]:
    """Rebuild the two scikit-learn regressors of a model.

    Parameters
    ----------
    model : EmotionModel

    Returns
    -------
    valence, arousal : sklearn.svm.SVR
        Their ``predict`` takes scaled features, ``(features - model.mean) / model.std``, of shape (n, n_features).
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

"""The two ways to fit valence and arousal over one RBF kernel. Both end in vectors, coefficients and intercepts."""

from __future__ import annotations

from dataclasses import dataclass

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVR

from emodj_live.model import Kernel
from emodj_live.training.hyperparameters import Hyperparameters
from emodj_live.workers import in_order

Fitted = tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]  # vectors, coefficients, intercepts
_CACHE_MB = 1000  # for the kernel; libsvm's default of 200 is too small from 5000 rows on
_TOLERANCE = 1e-4  # between the answers that were fitted and those of the live kernel, which is float32
_TRIED_ROWS = 2000
_HARDER = 10.0


@dataclass(frozen=True, eq=False)
class Samples:
    """What to learn from.

    Attributes
    ----------
    scaled : ndarray of float64, shape (n, n_features)
    labels : ndarray of float64, shape (n, 2)
    weights : ndarray of float64, shape (n,)
        How much each counts.
    """

    scaled: NDArray[np.float64]
    labels: NDArray[np.float64]
    weights: NDArray[np.float64]


def fit_condensed(samples: Samples, gamma: float, parameters: Hyperparameters) -> tuple[Fitted, float]:
    """Fit one ridge regression for both values over the kernels of a few of the samples (Williams and Seeger 2001).

    The regression has no intercept of its own: its answers are deviations from the mean label, so that music unlike all
    that was trained on, far from every center, gets the mean label and therefore little certainty.

    Everything is solved in float64: in float32 the same normal equations fall apart. Where the centers' own kernel
    matrix is nearly singular, coefficients grow until the float32 kernel of the live path no longer gives the answers
    that were fitted; the penalty is raised until both agree.

    Parameters
    ----------
    samples : Samples
    gamma : float
    parameters : Hyperparameters
        Its `centers` and `alpha`.

    Returns
    -------
    vectors : ndarray of float32, shape (m, n_features)
        The centers.
    coefficients : ndarray of float64, shape (m, 2)
    intercepts : ndarray of float64, shape (2,)
    alpha : float
        The penalty that was used.
    """
    count = min(parameters.centers, len(samples.scaled))
    kernel_map = Nystroem(gamma=gamma, n_components=count, random_state=0).fit(samples.scaled)
    mapped = kernel_map.transform(samples.scaled)
    centers = np.asarray(kernel_map.components_, np.float64)
    tried = samples.scaled[:: max(1, len(samples.scaled) // _TRIED_ROWS)]
    rounding = Kernel(centers.astype(np.float32), gamma)(tried) - rbf_kernel(tried, centers, gamma=gamma)
    alpha, mean = parameters.alpha, np.average(samples.labels, axis=0, weights=samples.weights)
    while True:
        ridge = Ridge(alpha, fit_intercept=False)
        ridge.fit(mapped, samples.labels - mean, sample_weight=samples.weights)
        coefficients = kernel_map.normalization_.T @ ridge.coef_.T
        if np.abs(rounding @ coefficients).max() <= _TOLERANCE:
            return (centers.astype(np.float32), coefficients, mean), alpha
        alpha *= _HARDER


def fit_exact(samples: Samples, gamma: float, parameters: Hyperparameters, jobs: int = 1) -> Fitted:
    """Fit two support vector regressors, as EmoDJ does.

    Parameters
    ----------
    samples : Samples
    gamma : float
    parameters : Hyperparameters
        Its `cost` and `epsilon`.
    jobs : int
        1 fits here; more fit in worker processes, one per axis.

    Returns
    -------
    vectors : ndarray of float32, shape (m, n_features)
        The support vectors of either regressor.
    coefficients : ndarray of float64, shape (m, 2)
        Dual coefficients, 0 where a vector supports only the other regressor.
    intercepts : ndarray of float64, shape (2,)
    """
    fits = in_order((joblib.delayed(_fit_axis)(samples, gamma, parameters, axis) for axis in (0, 1)), jobs)
    union, coefficients = _shared_support(*((support, dual) for support, dual, _ in fits))
    vectors = samples.scaled[union].astype(np.float32)
    return vectors, coefficients, np.array([intercept for _, _, intercept in fits])


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
    samples: Samples, gamma: float, parameters: Hyperparameters, axis: int
) -> tuple[NDArray[np.intp], NDArray[np.float64], float]:
    """Return one regressor's support rows, dual coefficients and intercept."""
    regressor = new_regressor(gamma, parameters.cost[axis], parameters.epsilon[axis])
    regressor.fit(samples.scaled, samples.labels[:, axis], sample_weight=samples.weights)
    order = np.argsort(regressor.support_)
    support = np.asarray(regressor.support_)[order].astype(np.intp)
    dual = np.asarray(regressor.dual_coef_, np.float64).reshape(-1)[order]
    return support, dual, float(np.ravel(regressor.intercept_)[0])

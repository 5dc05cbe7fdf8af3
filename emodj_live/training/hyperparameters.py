"""What a fit leaves open, and how it is written on a command line. Standard library only, so that --help is quick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Estimator = Literal["condensed", "svr"]
_LARGEST = 1e12
_LARGEST_GAMMA = 1e3  # that a model file can hold
_LARGEST_TIMBRE = 100.0


def _check_positive(name: str, value: float, largest: float = _LARGEST) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= largest:
        raise ValueError(f"{name} must be a positive number up to {largest:g}, got {str(value)[:40]}")


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """What a fit leaves open.

    Attributes
    ----------
    estimator : str
        ``"svr"`` fits two exact support vector regressors, as EmoDJ does; ``"condensed"`` fits one ridge regression for
        both values over the kernels of a few centers (Nystroem).
    gamma : float or None
        Width of the RBF kernel, which both values share; None is 1 / (number of features).
    context_weight : float
        Share of the context's statistics in the distance between two feature vectors, if there is a context; the
        MFCCs have the rest.
    timbre_weight : float
        How far apart two moments are in their mean timbre (the mean MFCCs of the context but the first), compared with
        any other of its statistics, where that counts 1. Timbre tells a recording from another more than a mood: less
        of it carries further to artists that were not trained on.
    cost : tuple of float
        C of valence and of arousal, of ``"svr"``.
    epsilon : tuple of float
        Half width of the tube without loss, of valence and of arousal, of ``"svr"``.
    centers : int
        How many centers ``"condensed"`` has at most.
    alpha : float
        Penalty of the ridge regression of ``"condensed"``.

    Raises
    ------
    ValueError
        If a value cannot be fitted with.
    """

    estimator: Estimator = "condensed"
    gamma: float | None = None
    context_weight: float = 0.9
    timbre_weight: float = 0.35
    cost: tuple[float, float] = (1.0, 1.0)
    epsilon: tuple[float, float] = (0.1, 0.1)
    centers: int = 1500
    alpha: float = 0.2

    def __post_init__(self) -> None:
        if self.estimator not in get_args(Estimator):
            raise ValueError(f"estimator must be one of {', '.join(get_args(Estimator))}, got {self.estimator!r}")
        if self.gamma is not None:
            _check_positive("gamma", self.gamma, _LARGEST_GAMMA)
        _check_positive("context_weight", self.context_weight, 1 - 1e-6)
        _check_positive("timbre_weight", self.timbre_weight, _LARGEST_TIMBRE)
        _check_positive("centers", self.centers)
        if self.centers != int(self.centers):
            raise ValueError(f"centers must be a whole number, got {self.centers}")
        _check_positive("alpha", self.alpha)
        for name, values in (("cost", self.cost), ("epsilon", self.epsilon)):
            if len(values) != 2:
                raise ValueError(f"{name} must be two numbers, of valence and of arousal")
        for cost, epsilon in zip(self.cost, self.epsilon, strict=True):
            _check_positive("cost", cost)
            if epsilon:
                _check_positive("epsilon", epsilon)


EMODJ = Hyperparameters("svr")
"""EmoDJ's own: exact regressors with C = 1 and epsilon = 0.1; gamma is 1/264, its number of features."""


def fraction(gamma: float) -> str:
    """Return gamma as ``1/264`` where it is the inverse of a whole number."""
    inverse = 1 / gamma
    return f"1/{inverse:.0f}" if inverse >= 1 and abs(inverse - round(inverse)) < 1e-12 * inverse else f"{gamma:.12g}"


def pair(values: tuple[float, float]) -> str:
    """Return the values of both axes as ``VALENCE,AROUSAL``, or as one number if they are equal."""
    return f"{values[0]:.12g}" if values[0] == values[1] else f"{values[0]:.12g},{values[1]:.12g}"


def described(parameters: Hyperparameters) -> str:
    """Return the parameters that the estimator uses, as text."""
    gamma = "1/features" if parameters.gamma is None else fraction(parameters.gamma)
    if parameters.estimator == "svr":
        own = f"C {pair(parameters.cost)}, epsilon {pair(parameters.epsilon)}"
    else:
        own = f"alpha {parameters.alpha:g}"
    weights = f"context weight {parameters.context_weight:g}, timbre weight {parameters.timbre_weight:g}"
    return f"gamma {gamma}, {own}, {weights}"

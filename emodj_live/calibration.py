"""How far to trust a value, and where it lies among music: what a model knows about its own answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Quadrant

N_QUANTILES = 101
_SHARES = np.linspace(0, 1, N_QUANTILES)
_AXES = "valence", "arousal"
_DEVIATION_BOUNDS = 1e-6, 1e3
_LARGEST = 1e9


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was measured on music that a model had not been trained on.

    Attributes
    ----------
    deviations : tuple of float
        Of valence and of arousal: how far smoothed predictions lie from the truth, as the standard deviation of a
        normal distribution that makes the signs come true as often as is said.
    quantiles : ndarray of float64, shape (101, 2)
        The percentiles 0 to 100 of smoothed valence and arousal over the training music.

    Raises
    ------
    ValueError
        If a deviation is not positive, or the quantiles do not have that shape, do not ascend, or are not within
        [-1, 1].
    """

    deviations: tuple[float, float]
    quantiles: NDArray[np.float64]

    def __post_init__(self) -> None:
        low, high = _DEVIATION_BOUNDS
        deviations = tuple(float(deviation) for deviation in self.deviations)
        if len(deviations) != 2 or not all(low <= deviation <= high for deviation in deviations):
            raise ValueError(f"deviations must be two numbers from {low:g} to {high:g}")
        quantiles = np.array(self.quantiles, np.float64)
        if quantiles.shape != (N_QUANTILES, 2):
            raise ValueError(f"quantiles must have shape ({N_QUANTILES}, 2), got {quantiles.shape}")
        if not (np.abs(quantiles) <= 1).all() or (np.diff(quantiles, axis=0) < 0).any():
            raise ValueError("quantiles must ascend within [-1, 1]")
        object.__setattr__(self, "deviations", deviations)
        object.__setattr__(self, "quantiles", quantiles)

    def certainty(self, valence: float, arousal: float, quadrant: Quadrant) -> float:
        """Return the probability that a quadrant is the true one.

        Parameters
        ----------
        valence, arousal : float
            Smoothed.
        quadrant : Quadrant
            The one that is named.

        Returns
        -------
        float
            The chance that valence has the quadrant's sign times the chance that arousal has it, each the normal
            distribution's Phi(+-value / deviation): 0.25 at the origin.
        """
        return math.prod(
            0.5 * (1 + math.erf((value if is_positive else -value) / deviation / math.sqrt(2)))
            for value, is_positive, deviation in zip((valence, arousal), quadrant.signs, self.deviations, strict=True)
        )

    def ranks(self, valence: float, arousal: float) -> tuple[float, float]:
        """Return the share of music that is less pleasant, and the share that is calmer.

        Parameters
        ----------
        valence, arousal : float
            Smoothed.

        Returns
        -------
        tuple of float
            Each in [0, 1].
        """
        valence_rank, arousal_rank = (
            float(np.interp(value, self.quantiles[:, axis], _SHARES)) for axis, value in enumerate((valence, arousal))
        )
        return valence_rank, arousal_rank

    def parameters(self) -> dict[str, Any]:
        """Return plain JSON values, from which `from_parameters` makes an equal calibration."""
        return {
            "deviations": dict(zip(_AXES, self.deviations, strict=True)),
            "quantiles": {axis: self.quantiles[:, column].tolist() for column, axis in enumerate(_AXES)},
        }

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Calibration:
        """Return the calibration that `parameters` was called on.

        Parameters
        ----------
        parameters : mapping

        Returns
        -------
        Calibration

        Raises
        ------
        ValueError
            If they are not of that shape, or out of bounds.
        """
        if set(parameters) != {"deviations", "quantiles"}:
            raise ValueError("its calibration must have exactly deviations and quantiles")
        deviations, quantiles = _by_axis(parameters["deviations"]), _by_axis(parameters["quantiles"])
        if not all(_is_number(deviation) for deviation in deviations):
            raise ValueError("its calibration's deviations must be numbers")
        for values in quantiles:
            if not isinstance(values, list) or len(values) != N_QUANTILES or not all(map(_is_number, values)):
                raise ValueError(f"its calibration's quantiles must be lists of {N_QUANTILES} numbers")
        valence_deviation, arousal_deviation = deviations
        return cls((valence_deviation, arousal_deviation), np.array(quantiles, np.float64).T)


def _by_axis(values: object) -> list[Any]:
    """Return what a mapping says about valence and about arousal."""
    if not isinstance(values, Mapping) or set(values) != set(_AXES):
        raise ValueError("its calibration must be about exactly valence and arousal")
    return [values[axis] for axis in _AXES]


def _is_number(value: object) -> bool:
    """Return whether a value is a number, and not one that is too large to count with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def calibration_of(model: object) -> Calibration | None:
    """Return what a model knows about its own answers; None if it knows nothing.

    Parameters
    ----------
    model : Model

    Returns
    -------
    Calibration or None
    """
    return getattr(model, "calibration", None)

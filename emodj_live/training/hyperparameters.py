"""What a fit leaves open, and how it is written on a command line. Standard library only, so that --help is quick."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """What a fit leaves open.

    Attributes
    ----------
    gamma : float
        Width of the RBF kernel, which both regressors share.
    cost : tuple of float
        C of valence and of arousal.
    epsilon : tuple of float
        Half width of the tube without loss, of valence and of arousal.
    """

    gamma: float = 1 / 264
    cost: tuple[float, float] = (1.0, 1.0)
    epsilon: tuple[float, float] = (0.1, 0.1)


def fraction(gamma: float) -> str:
    """Return gamma as ``1/264`` where it is the inverse of a whole number."""
    inverse = 1 / gamma
    return f"1/{inverse:.0f}" if inverse >= 1 and abs(inverse - round(inverse)) < 1e-12 * inverse else f"{gamma:.12g}"


def pair(values: tuple[float, float]) -> str:
    """Return the values of both axes as ``VALENCE,AROUSAL``, or as one number if they are equal."""
    return f"{values[0]:.12g}" if values[0] == values[1] else f"{values[0]:.12g},{values[1]:.12g}"

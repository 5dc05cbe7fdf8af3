"""Figures that compare predictions with labels. One that is not defined is None, never NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from emodj_live.emotion import Quadrant

AXES = ("valence", "arousal")
_EPSILON = 1e-15  # a variance below this is rounding


@dataclass(frozen=True, slots=True)
class Metrics:
    """How well predictions of one axis agree with labels. A figure that is not defined is None.

    Attributes
    ----------
    r2 : float or None
        Coefficient of determination.
    r : float or None
        Pearson's correlation.
    ccc : float or None
        Lin's concordance correlation (1989).
    mae, rmse : float or None
        Mean absolute error and root mean square error.
    """

    r2: float | None
    r: float | None
    ccc: float | None
    mae: float | None
    rmse: float | None

    @classmethod
    def of(cls, labels: NDArray[np.float64], predictions: NDArray[np.float64]) -> Metrics:
        """Compare predictions with labels.

        Parameters
        ----------
        labels, predictions : ndarray of float64, shape (n,)

        Returns
        -------
        Metrics
        """
        if not labels.size:
            return cls(None, None, None, None, None)
        errors = predictions - labels
        spread, spread_predicted = labels.var(), predictions.var()
        together = ((labels - labels.mean()) * (predictions - predictions.mean())).mean()
        disagreement = spread + spread_predicted + (labels.mean() - predictions.mean()) ** 2
        return cls(
            r2=float(1 - (errors**2).mean() / spread) if spread > _EPSILON else None,
            r=correlation(labels, predictions),
            ccc=float(2 * together / disagreement) if disagreement > _EPSILON else None,
            mae=float(abs(errors).mean()),
            rmse=float(np.sqrt((errors**2).mean())),
        )


def by_axis(labels: NDArray[np.float64], predictions: NDArray[np.float64]) -> dict[str, Metrics]:
    """Compare predictions with labels, each of shape (n, 2), axis by axis."""
    return {axis: Metrics.of(labels[:, column], predictions[:, column]) for column, axis in enumerate(AXES)}


def correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Return Pearson's correlation, or None if there are no values or one side does not vary."""
    if not first.size or min(first.var(), second.var()) <= _EPSILON:
        return None
    together = ((first - first.mean()) * (second - second.mean())).mean()
    return float(together / math.sqrt(first.var() * second.var()))


def spread_ratio(labels: NDArray[np.float64], predictions: NDArray[np.float64]) -> float | None:
    """Return how widely predictions spread beside labels: the ratio of the standard deviations."""
    if not labels.size or labels.var() <= _EPSILON:
        return None
    return float(predictions.std() / labels.std())


def area(is_positive: NDArray[np.bool_], values: NDArray[np.float64]) -> float | None:
    """Return the area under the ROC curve of a sign, or None unless both signs occur."""
    if not is_positive.any() or is_positive.all():
        return None
    return float(roc_auc_score(is_positive, values))


@dataclass(frozen=True, slots=True)
class Confusion:
    """Which quadrants songs have, and which they were given.

    Attributes
    ----------
    table : tuple of tuple of int
        Songs by true quadrant (rows) and by named quadrant (columns), both in the order of `Quadrant`.
    """

    table: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, truths: Sequence[Quadrant], named: Sequence[Quadrant]) -> Confusion:
        """Count pairs of a true and a named quadrant."""
        pairs = list(zip(truths, named, strict=True))
        return cls(tuple(tuple(pairs.count((row, column)) for column in Quadrant) for row in Quadrant))

    @property
    def right(self) -> float | None:
        """Share of songs that were given their quadrant; None if there are none."""
        total = sum(map(sum, self.table))
        return sum(self.table[index][index] for index in range(len(self.table))) / total if total else None

    @property
    def chance(self) -> float | None:
        """Share that the most frequent quadrant gets right if it is named for every song; None if there are none."""
        total = sum(map(sum, self.table))
        return max(map(sum, self.table)) / total if total else None

    def as_json(self) -> dict[str, Any]:
        """Return the table, with the shares that follow from it."""
        return {"right": self.right, "chance": self.chance, "table": [list(row) for row in self.table]}


def rounded(value: Any) -> Any:
    """Return plain values for JSON with every float rounded to 4 places."""
    if isinstance(value, Mapping):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value

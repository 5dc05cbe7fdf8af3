"""How good predictions are: per window, after the tracker's smoothing, and per song.

It scores any model's predictions for any annotated clips, with the tracker's own smoothing and thresholds: what is
scored is what a listener gets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Quadrant
from emodj_live.gain import SILENCE
from emodj_live.smoothing import SMOOTHING, Smoother
from emodj_live.training.windows import WindowTable

AXES = ("valence", "arousal")
WINDOW_SECONDS = 0.5


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
        varies = spread > _EPSILON and spread_predicted > _EPSILON
        disagreement = spread + spread_predicted + (labels.mean() - predictions.mean()) ** 2
        return cls(
            r2=float(1 - (errors**2).mean() / spread) if spread > _EPSILON else None,
            r=float(together / math.sqrt(spread * spread_predicted)) if varies else None,
            ccc=float(2 * together / disagreement) if disagreement > _EPSILON else None,
            mae=float(abs(errors).mean()),
            rmse=float(np.sqrt((errors**2).mean())),
        )

    @classmethod
    def mean(cls, metrics: Sequence[Metrics]) -> Metrics:
        """Return the mean of each figure over those that are defined."""
        values = {}
        for field in fields(cls):
            defined = [value for each in metrics if (value := getattr(each, field.name)) is not None]
            values[field.name] = sum(defined) / len(defined) if defined else None
        return cls(**values)


_EPSILON = 1e-15  # a variance below this is rounding


@dataclass(frozen=True, slots=True)
class Scores:
    """How good predictions are. Each mapping has `Metrics` for ``"valence"`` and ``"arousal"``.

    Attributes
    ----------
    window : mapping
        Every labeled window alone.
    smoothed : mapping
        The tracker's smoothed value at every labeled window, tracked from the clip's start.
    song : mapping
        Mean of the smoothed values over a song's labeled windows that are not silent, as in `SongProfile`.
    flips : mapping
        Share of steps between labeled neighbors at which the quadrant changes: of the ``"raw"`` predictions, as
        ``"named"`` by the tracker, and of the ``"labels"``. None if there are no such steps.
    """

    window: Mapping[str, Metrics]
    smoothed: Mapping[str, Metrics]
    song: Mapping[str, Metrics]
    flips: Mapping[str, float | None]

    def as_json(self) -> dict[str, Any]:
        """Return all figures as plain values for JSON, rounded to 4 places."""
        plain: dict[str, Any] = _rounded(asdict(self))
        return plain

    @classmethod
    def mean(cls, scores: Sequence[Scores]) -> Scores:
        """Return the mean of each figure over several scores."""
        levels = {
            level: {axis: Metrics.mean([getattr(each, level)[axis] for each in scores]) for axis in AXES}
            for level in ("window", "smoothed", "song")
        }
        flips = {}
        for name in scores[0].flips:
            shares = [share for each in scores if (share := each.flips[name]) is not None]
            flips[name] = sum(shares) / len(shares) if shares else None
        return cls(**levels, flips=flips)


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(part) for name, part in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def evaluate(table: WindowTable, predictions: NDArray[np.float64], *, smoothing: float = SMOOTHING) -> Scores:
    """Score predictions against labels.

    Parameters
    ----------
    table : WindowTable
        All windows of the clips, from the start of each.
    predictions : ndarray of float64, shape (n, 2)
        Valence and arousal of every window of the table, as ``model.predict(table.features)`` returns them; they are
        clipped to [-1, 1] as in the tracker.
    smoothing : float
        Time constant of the tracker's average [s].

    Returns
    -------
    Scores
    """
    predictions = np.clip(predictions, -1, 1)
    smoothed = np.empty_like(predictions)
    names: list[Quadrant] = []
    for clip in table.by_clip():
        smoothed[clip], named = smooth(predictions[clip], table.levels[clip], smoothing=smoothing)
        names += named
    rows = table.labeled
    means = [_song_means(table, values) for values in (table.labels, smoothed)]
    steps = _steps(table)
    return Scores(
        window=_by_axis(table.labels[rows], predictions[rows]),
        smoothed=_by_axis(table.labels[rows], smoothed[rows]),
        song=_by_axis(*means),
        flips={
            "raw": _flips(list(_quadrants(predictions)), steps),
            "named": _flips(names, steps),
            "labels": _flips(list(_quadrants(table.labels)), steps),
        },
    )


def smooth(
    predictions: NDArray[np.float64],
    levels: NDArray[np.float64],
    *,
    smoothing: float = SMOOTHING,
    step: float = WINDOW_SECONDS,
    silence: float = SILENCE,
) -> tuple[NDArray[np.float64], list[Quadrant]]:
    """Track a clip's predictions from its start.

    Parameters
    ----------
    predictions : ndarray of float64, shape (n, 2)
        Valence and arousal of each window, in [-1, 1].
    levels : ndarray of float64, shape (n,)
        Level of each window [dBFS].
    smoothing, step : float
        Time constant of the average, and time from one window to the next [s].
    silence : float
        Windows below this level change nothing [dBFS].

    Returns
    -------
    smoothed : ndarray of float64, shape (n, 2)
    quadrants : list of Quadrant
        As the tracker names them.
    """
    smoother = Smoother(step, smoothing)
    smoothed = np.empty_like(predictions)
    quadrants = []
    for row, (valence, arousal), level in zip(smoothed, predictions.tolist(), levels, strict=True):
        smoother.update(valence, arousal, is_silent=bool(level < silence))
        row[:] = smoother.valence, smoother.arousal
        quadrants.append(smoother.quadrant)
    return smoothed, quadrants


def _by_axis(labels: NDArray[np.float64], predictions: NDArray[np.float64]) -> dict[str, Metrics]:
    return {axis: Metrics.of(labels[:, column], predictions[:, column]) for column, axis in enumerate(AXES)}


def _song_means(table: WindowTable, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the labeled windows that are not silent of each clip that has any, shape (n_clips, 2).

    Of smoothed values it is what `Profiler` calls the mean, which would take an `Emotion` for every window.
    """
    counts = table.labeled & (table.levels >= SILENCE)
    means = [values[clip][counts[clip]].mean(axis=0) for clip in table.by_clip() if counts[clip].any()]
    return np.array(means).reshape(-1, 2)


def _steps(table: WindowTable) -> NDArray[np.int64]:
    """Return the rows that have a label and follow a row of the same clip that also has one."""
    labeled = table.labeled
    return 1 + np.flatnonzero(labeled[1:] & labeled[:-1] & (np.diff(table.clips) == 0))


def _quadrants(points: NDArray[np.float64]) -> Iterator[Quadrant]:
    for valence, arousal in points.tolist():
        yield Quadrant.of(valence, arousal)


def _flips(quadrants: Sequence[Quadrant], steps: NDArray[np.int64]) -> float | None:
    if not steps.size:
        return None
    return sum(quadrants[row] is not quadrants[row - 1] for row in steps.tolist()) / steps.size

"""What scoring comes to: all figures of one data set, in full and in brief."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emodj_live.training.metrics import AXES, Confusion, Metrics, rounded
from emodj_live.training.reliability import Reliability

LEVELS = ("window", "smoothed", "song")


@dataclass(frozen=True, slots=True)
class Scores:
    """How good predictions are for one data set. A figure that is not defined is None.

    `window`, `smoothed` and `song` have `Metrics` for ``"valence"`` and ``"arousal"``, over songs whose labels are
    values. `auc` and `confusion` are over songs whose quadrant listeners told, or else over all by the signs of their
    labels. A song's score is the mean of the smoothed values over its labeled windows that are not silent, after the
    first 3 s.

    Attributes
    ----------
    songs : mapping
        How many songs there are: ``"all"``, ``"graded"`` with values as labels, and ``"judged"`` by quadrant.
    window : mapping
        Every labeled window alone.
    smoothed : mapping
        The tracker's smoothed value at every labeled window, tracked from the clip's start.
    song : mapping
        The songs' scores.
    auc : mapping
        By axis, the area under the ROC curve of the sign: how often, of two songs with different signs, the right one
        has the higher score. 0.5 is chance.
    confusion : Confusion
        Of the songs' quadrants, by the signs of their scores.
    together : mapping
        Correlation between valence and arousal over songs: ``"predicted"``, and of the ``"labels"``. Over graded songs
        if there are any, else without that of the labels.
    spread : mapping
        By axis, the standard deviation of the songs' scores as a share of that of their labels.
    flips : mapping
        Share of steps between labeled neighbors at which the quadrant changes: of the ``"raw"`` predictions, as
        ``"named"`` by the tracker, and of the ``"labels"``.
    calibration : Reliability or None
        Said certainty against how often it was right.
    """

    songs: Mapping[str, int]
    window: Mapping[str, Metrics]
    smoothed: Mapping[str, Metrics]
    song: Mapping[str, Metrics]
    auc: Mapping[str, float | None]
    confusion: Confusion
    together: Mapping[str, float | None]
    spread: Mapping[str, float | None]
    flips: Mapping[str, float | None]
    calibration: Reliability | None

    def as_json(self) -> dict[str, Any]:
        """Return all figures as plain values for JSON, rounded to 4 places."""
        plain: dict[str, Any] = rounded(
            {
                "songs": dict(self.songs),
                **{level: _plain(getattr(self, level)) for level in LEVELS},
                **{name: dict(getattr(self, name)) for name in ("auc", "together", "spread", "flips")},
                "quadrants": self.confusion.as_json(),
                "calibration": self.calibration.as_json() if self.calibration else None,
            }
        )
        return plain

    def brief(self) -> dict[str, Any]:
        """Return the songs' figures alone, for comparisons: rounded to 4 places, for JSON.

        Returns
        -------
        dict
            ``songs`` and ``auc`` as in `Scores`, ``quadrants`` (the share that is right) and ``chance``, and ``r``
            and ``r2`` of the songs by axis.
        """
        plain: dict[str, Any] = rounded(
            {
                "songs": dict(self.songs),
                "auc": dict(self.auc),
                "quadrants": self.confusion.right,
                "chance": self.confusion.chance,
                "r": {axis: self.song[axis].r for axis in AXES},
                "r2": {axis: self.song[axis].r2 for axis in AXES},
            }
        )
        return plain


def _plain(metrics: Mapping[str, Metrics]) -> dict[str, dict[str, float | None]]:
    return {axis: {name: getattr(each, name) for name in Metrics.__slots__} for axis, each in metrics.items()}

"""From single windows to a mood: an average, and a quadrant's name that does not flicker."""

from __future__ import annotations

import math

from emodj_live.emotion import Quadrant

SMOOTHING = 3.0  # [s] the default time constant
HYSTERESIS = 0.05


class Smoother:
    """Exponential average of valence and arousal, and the quadrant's name with hysteresis.

    ``y += alpha * (x - y)`` with ``alpha = 1 - exp(-step / tau)``, so that it does not depend on the step.

    Parameters
    ----------
    step : float
        Time from one window to the next [s].
    tau : float
        Time constant [s]; 0 passes raw values through.
    """

    def __init__(self, step: float, tau: float) -> None:
        self._alpha = 1 - math.exp(-step / tau) if tau else 1.0
        self.reset()

    def reset(self) -> None:
        """Forget everything that was heard."""
        self.valence = self.arousal = 0.0
        self._axes: tuple[bool, bool] | None = None  # whether valence and arousal count as positive

    def update(self, valence: float, arousal: float, *, is_silent: bool) -> None:
        """Take in the raw values of the next window; a silent one changes nothing."""
        if is_silent:
            return
        if self._axes is None:
            self.valence, self.arousal = valence, arousal
            self._axes = Quadrant.of(valence, arousal).signs
            return
        self.valence = (1 - self._alpha) * self.valence + self._alpha * valence
        self.arousal = (1 - self._alpha) * self.arousal + self._alpha * arousal
        self._axes = _sign(self.valence, self._axes[0]), _sign(self.arousal, self._axes[1])

    @property
    def quadrant(self) -> Quadrant:
        """The quadrant that counts now."""
        if self._axes is None:
            return Quadrant.of(self.valence, self.arousal)
        return _QUADRANTS[self._axes]


_QUADRANTS = {quadrant.signs: quadrant for quadrant in Quadrant}


def _sign(value: float, was_positive: bool) -> bool:
    """Return whether an axis counts as positive: it changes only `HYSTERESIS` beyond zero."""
    return value >= -HYSTERESIS if was_positive else value > HYSTERESIS

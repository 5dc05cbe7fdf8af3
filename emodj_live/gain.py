"""Level: what counts as silence, and the automatic gain that brings the long-term level to the model's.

A microphone that is 20 dB too quiet makes any music look calm to a model that has never heard a quiet one.
"""

from __future__ import annotations

import math

SILENCE = -60.0  # [dBFS] the default threshold
LOWEST_LEVEL = -120.0  # [dBFS] what digital silence is written as
LOWEST, HIGHEST = -10.0, 30.0  # [dB]
_TIME_CONSTANT = 40.0  # [s]


class AutomaticGain:
    """Follow the mean level of what is not silent, and return how far it is from the reference.

    The mean covers everything heard so far until that is `_TIME_CONSTANT` long, and is exponential from then on: quick
    at the beginning, then too slow to pump within a song.

    Parameters
    ----------
    reference : float
        Level to bring the audio to [dBFS].
    step : float
        Time from one window to the next [s].
    """

    def __init__(self, reference: float, step: float) -> None:
        self._reference = reference
        self._step = step
        self._slowest = 1 - math.exp(-step / _TIME_CONSTANT)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._heard = 0.0  # [s]
        self._mean = 0.0  # [dBFS]

    def update(self, level: float, *, is_silent: bool) -> float:
        """Take in the level of the next window as it came in, and return the gain for it.

        Parameters
        ----------
        level : float
            [dBFS]
        is_silent : bool
            A silent window changes nothing.

        Returns
        -------
        float
            [dB], from `LOWEST` to `HIGHEST`; 0 before any sound.
        """
        if not is_silent:
            self._heard += self._step
            self._mean += max(self._slowest, self._step / self._heard) * (level - self._mean)
        if not self._heard:
            return 0.0
        return min(HIGHEST, max(LOWEST, self._reference - self._mean))

"""What the sound itself is like at this moment: its level and its spectrum, for the meters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SILENT = -120.0  # [dBFS]
BANDS = 46  # a sixth of an octave each
_LOWEST_BAND = 49.0  # [Hz] its middle
_PER_OCTAVE = 6
_LENGTH = 2048  # samples that the spectrum is taken of: 93 ms
_LEVEL_LENGTH = 1024  # samples that the level is taken of
_BOTTOM, _TOP = -72.0, -8.0  # [dB] of a band with no bar and with a full one, at 1 kHz
_TILT = 3.0  # [dB] a octave, by which music falls and bars do not
_PATIENCE = 0.15  # [s] without sound, after which there is none
_FALL = 1.4  # of a whole bar in a second
_LEVEL_FALL = 30.0  # [dB] in a second


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """What the meters show.

    Attributes
    ----------
    level : float
        RMS of the last 50 ms, falling no faster than the eye follows [dBFS].
    peak : float
        The highest level of the last seconds [dBFS].
    bands : ndarray of float32, shape (46,)
        How full the bar of each band is, from low to high, in [0, 1].
    """

    level: float = SILENT
    peak: float = SILENT
    bands: NDArray[np.float32] | None = None


class Ears:
    """The last moments of the sound, and the motion of meters that follow it.

    Parameters
    ----------
    sample_rate : float
        Of the blocks [Hz].
    """

    _PEAK_HOLD = 2.0  # [s]

    def __init__(self, sample_rate: float = 22050.0) -> None:
        self._sample_rate = sample_rate
        self._recent = np.zeros(_LENGTH, np.float32)
        self._heard_at = self._looked_at = self._peak_at = -math.inf
        self._level = self._peak = SILENT
        self._bands = np.zeros(BANDS, np.float32)

    def hear(self, block: NDArray[np.float32], now: float) -> None:
        """Take in a block.

        Parameters
        ----------
        block : ndarray of float32, shape (n,)
        now : float
            The time [s].
        """
        count = min(len(block), _LENGTH)
        if not count:
            return
        self._recent[: _LENGTH - count] = self._recent[count:]
        self._recent[_LENGTH - count :] = block[len(block) - count :]
        self._heard_at = now

    def sound(self, now: float) -> Sound:
        """Return what the meters show at a time: up at once, and down gently.

        Parameters
        ----------
        now : float
            The time [s], not before the last one.

        Returns
        -------
        Sound
        """
        passed = min(1.0, now - self._looked_at)
        self._looked_at = now
        is_heard = now - self._heard_at < _PATIENCE
        level = _level(self._recent[-_LEVEL_LENGTH:]) if is_heard else SILENT
        bands = _bands(self._recent, self._sample_rate) if is_heard else np.zeros(BANDS, np.float32)
        self._level = max(level, self._level - _LEVEL_FALL * passed, SILENT)
        self._bands = np.maximum(bands, self._bands - np.float32(_FALL * passed))
        if self._level >= self._peak or now - self._peak_at > self._PEAK_HOLD:
            self._peak, self._peak_at = self._level, now
        return Sound(self._level, self._peak, self._bands)


def _level(samples: NDArray[np.float32]) -> float:
    power = float(np.dot(samples, samples)) / len(samples)
    return max(SILENT, 10 * math.log10(power)) if power > 0 else SILENT


@lru_cache(4)
def _filters(sample_rate: float) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return the window, the matrix from powers to bands (a row each), and what each band gains [dB]."""
    window = np.hanning(_LENGTH).astype(np.float32)
    window /= window.sum() / 2  # a full-scale sine has a power of 1 at its frequency
    frequencies = np.fft.rfftfreq(_LENGTH, 1 / sample_rate)
    middles = _LOWEST_BAND * 2 ** (np.arange(BANDS) / _PER_OCTAVE)
    half = np.maximum(middles * (2 ** (0.5 / _PER_OCTAVE) - 1), frequencies[1] / 2)  # a band has one line at least
    distances = np.abs(frequencies - middles[:, np.newaxis]) / half[:, np.newaxis]
    weights = np.clip(1.5 - distances / 1.0, 0, 1).astype(np.float32)
    tilt = _TILT * np.log2(middles / 1000).astype(np.float32)
    return window, weights, tilt.astype(np.float32)


def _bands(samples: NDArray[np.float32], sample_rate: float) -> NDArray[np.float32]:
    window, weights, tilt = _filters(sample_rate)
    powers = np.square(np.abs(np.fft.rfft(samples * window))).astype(np.float32)
    levels = 10 * np.log10(weights @ powers + 1e-12) + tilt
    return np.clip((levels - _BOTTOM) / (_TOP - _BOTTOM), 0, 1).astype(np.float32)

"""From a program's own audio to the tracker's: any number format, any channels, any rate, any block size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from emodj_live.blocks import LARGEST_SAMPLE
from emodj_live.sources.resample import Resampler

_MOST_CHANNELS = 64  # more are more likely to be frames


def full_scale_one(samples: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return samples of any number format as float32 with full scale +-1.

    Parameters
    ----------
    samples : ndarray of int16, int32, uint8 or floating point
        Unsigned ones are silent at half their range.

    Returns
    -------
    ndarray of float32, of the same shape

    Raises
    ------
    TypeError
        If they are of another type.
    """
    kind = samples.dtype.kind
    if kind == "f":
        return samples.astype(np.float32, copy=False)
    if kind == "u" and samples.dtype.itemsize == 1:
        return (samples.astype(np.float32) - np.float32(128)) / np.float32(128)
    if kind == "i" and samples.dtype.itemsize in (2, 4):
        scale = np.float32(2.0 ** (1 - 8 * samples.dtype.itemsize))
        return samples.astype(np.float32) * scale
    raise TypeError(f"samples must be int16, int32, uint8 or floating point, got {samples.dtype}")


class Adapter:
    """Turn blocks of a program's own audio into blocks for `EmotionTracker.process`, as one stream.

    The blocks may be of any size; how the audio is cut changes nothing.

    Parameters
    ----------
    input_rate : float
        Rate of the audio [Hz].
    sample_rate : float
        Rate that the tracker wants [Hz], which is ``model.spec.sample_rate``.

    Raises
    ------
    ValueError
        If a rate is not positive.

    Examples
    --------
    >>> adapter = Adapter(44100)
    >>> stereo = np.zeros((44100, 2), np.int16)
    >>> len(adapter.process(stereo)) + len(adapter.flush())
    22050
    """

    def __init__(self, input_rate: float, *, sample_rate: float = 22050) -> None:
        for name, rate in (("input_rate", input_rate), ("sample_rate", sample_rate)):
            if not isinstance(rate, int | float | np.number) or not (math.isfinite(rate) and rate > 0):
                raise ValueError(f"{name} must be a positive number of samples per second, got {rate!r}")
        self.input_rate = input_rate
        self.sample_rate = sample_rate
        self.reset()

    def reset(self) -> None:
        """Start anew: the next frames are the first of a new stream, with any number of channels."""
        self._resampler = Resampler(self.input_rate, self.sample_rate)
        self._channels: int | None = None

    def process(self, frames: NDArray[np.generic]) -> NDArray[np.float32]:
        """Convert the next frames.

        Parameters
        ----------
        frames : ndarray of int16, int32, uint8 or floating point, shape (n,) or (n, channels)
            Full scale is that of the integer type, or +-1. Channels are mixed in equal parts.

        Returns
        -------
        ndarray of float32, shape (m,)
            A little of it may still be inside the resampler, and come with the next frames or `flush`.

        Raises
        ------
        TypeError
            If the frames are of another type.
        ValueError
            If they are of another shape, of another number of channels than before, not finite, or a thousand times
            full scale.
        """
        frames = np.asarray(frames)
        if frames.ndim == 1:
            frames = frames[:, np.newaxis]
        self._check_shape(frames)
        if frames.dtype.kind == "f" and not (np.abs(frames) < LARGEST_SAMPLE).all():
            raise ValueError("frames must be finite with full scale +-1, got NaN, infinity or huge ones")
        samples = full_scale_one(frames)
        self._channels = frames.shape[1]
        return self._resampler.process(samples)

    def flush(self) -> NDArray[np.float32]:
        """End the stream: return what is still inside, and start anew.

        Returns
        -------
        ndarray of float32, shape (m,)
        """
        rest = self._resampler.process(np.empty((0, 1), np.float32), last=True)
        self.reset()
        return rest

    def _check_shape(self, frames: NDArray[np.generic]) -> None:
        if frames.ndim != 2 or not 1 <= frames.shape[1] <= _MOST_CHANNELS:
            raise ValueError(f"frames must have the shape (n,) or (n, channels), got {frames.shape}")
        if self._channels not in (None, frames.shape[1]):
            raise ValueError(f"frames must have {self._channels} channels as before, got {frames.shape[1]}")

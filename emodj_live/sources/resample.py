"""From a device's or file's own frames to the tracker's samples: finite, mono, at the model's rate."""

from __future__ import annotations

import logging

import numpy as np
import soxr
from numpy.typing import NDArray

from emodj_live.blocks import LARGEST_SAMPLE

logger = logging.getLogger(__name__)

_LOWEST_RATE, _HIGHEST_RATE = 1000, 1_000_000  # [Hz] outside of which no audio is, and a resampler takes gigabytes
_MOST_CHANNELS = 256
_LARGEST = np.nextafter(np.float32(LARGEST_SAMPLE), np.float32(0))


def check_rate(name: str, rate: float) -> None:
    """Refuse a program's argument that cannot be a sample rate.

    Parameters
    ----------
    name : str
        What the argument is called.
    rate : float
        Sample rate [Hz].

    Raises
    ------
    ValueError
        If it is not a number from 1 000 to 1 000 000.
    """
    if not (isinstance(rate, int | float | np.number) and _LOWEST_RATE <= rate <= _HIGHEST_RATE):  # which NaN is not
        raise ValueError(f"{name} must be from {_LOWEST_RATE} to {_HIGHEST_RATE} Hz, got {rate!r}")


def check_format(rate: float, channels: int) -> None:
    """Refuse a file or stream that claims to be what no audio is.

    Parameters
    ----------
    rate : float
        Its sample rate [Hz].
    channels : int
        Its number of channels.

    Raises
    ------
    ValueError
        If either is out of bounds.
    """
    if not (_LOWEST_RATE <= rate <= _HIGHEST_RATE and 1 <= channels <= _MOST_CHANNELS):
        raise ValueError(f"unsupported format: {channels} channel{'s' * (channels != 1)} at {rate:.10g} Hz")


class Resampler:
    """Mix to mono and resample, as one stream, however it is cut into blocks.

    Every sample that comes out is finite and below `LARGEST_SAMPLE`, so a tracker accepts it.

    Parameters
    ----------
    input_rate, output_rate : float
        Sample rates [Hz]. Equal rates pass samples through unchanged.

    Attributes
    ----------
    unusable : int
        How many samples, over all channels, were not finite or not below `LARGEST_SAMPLE`. They are replaced by 0: one
        of them would spoil hundreds.
    """

    def __init__(self, input_rate: float, output_rate: float) -> None:
        self._stream = None
        if input_rate != output_rate:
            self._stream = soxr.ResampleStream(input_rate, output_rate, 1, dtype="float32", quality="HQ")
        self.unusable = 0

    def process(self, frames: NDArray[np.float32], *, last: bool = False) -> NDArray[np.float32]:
        """Resample the next frames.

        Parameters
        ----------
        frames : ndarray of float32, shape (n, channels)
        last : bool
            Whether the stream ends here, so that what is still inside comes out too.

        Returns
        -------
        ndarray of float32, shape (m,)
        """
        mono = _mixed(frames)
        if not _is_usable(mono):
            frames, unusable = silence_unusable(frames)
            self.unusable += unusable
            mono = _mixed(frames)
        if self._stream is None:
            resampled: NDArray[np.float32] = mono.copy()  # the caller may use its frames again
        else:
            resampled = self._stream.resample_chunk(np.ascontiguousarray(mono), last=last)
        # The resampler overshoots, and a sum of floats may be rounded up.
        return resampled if _is_usable(resampled) else resampled.clip(-_LARGEST, _LARGEST)


def silence_unusable(frames: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """Replace samples that are not finite or absurdly large by 0.

    Parameters
    ----------
    frames : ndarray of float32

    Returns
    -------
    frames : ndarray of float32, of the same shape
    count : int
        How many samples were replaced.
    """
    usable = np.abs(frames) < LARGEST_SAMPLE
    return np.where(usable, frames, np.float32(0)), int(usable.size - np.count_nonzero(usable))


def with_channels(frames: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Return frames with another number of channels: those that there are, or as many times their mean.

    Parameters
    ----------
    frames : ndarray of float32, shape (n, m)
    channels : int

    Returns
    -------
    ndarray of float32, shape (n, channels)
    """
    if frames.shape[1] == channels:
        return frames
    return np.repeat(frames.mean(axis=1, keepdims=True), channels, axis=1)


def warn_low_rate(name: object, input_rate: float, sample_rate: float) -> None:
    """Log a warning about a stream whose rate is below the model's.

    Parameters
    ----------
    name : object
        What the stream is called.
    input_rate, sample_rate : float
        Its own rate, and the model's [Hz].
    """
    if input_rate < sample_rate:
        message = "%s: a sample rate of %g Hz lacks the top of the spectrum; results will be less accurate."
        logger.warning(message, name, input_rate)


def warn_unusable(name: object, count: int) -> None:
    """Log a warning about a stream that had unusable samples, once it has ended.

    Parameters
    ----------
    name : object
        What the stream is called.
    count : int
        How many there were.
    """
    if count:
        samples = "1 sample was" if count == 1 else f"{count} samples were"
        logger.warning("%s: %s not finite or absurdly large; treated as silence.", name, samples)


def _is_usable(samples: NDArray[np.float32]) -> bool:
    """Return whether all samples are below the largest one, which NaN is not."""
    return not samples.size or bool(max(samples.max(), -samples.min()) < LARGEST_SAMPLE)


def _mixed(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the channels; by BLAS, which takes a tenth of the time of ``frames.mean(axis=1)``."""
    channels = frames.shape[1]
    if channels == 1:
        return frames[:, 0]
    with np.errstate(invalid="ignore", over="ignore"):  # of unusable samples, which are found in what comes out
        mono: NDArray[np.float32] = frames @ np.full(channels, 1 / channels, np.float32)
    return mono

"""From a device's or file's own frames to the tracker's samples: finite, mono, at the model's rate."""

from __future__ import annotations

import logging

import numpy as np
import soxr
from numpy.typing import NDArray

from emodj_live.blocks import LARGEST_SAMPLE

logger = logging.getLogger(__name__)


class Resampler:
    """Mix to mono and resample, as one stream, however it is cut into blocks.

    Parameters
    ----------
    input_rate, output_rate : float
        [Hz]. Equal rates pass samples through unchanged.

    Attributes
    ----------
    unusable : int
        Samples that were not finite, or a thousand times full scale and more, and became 0, over all channels. One of
        them would poison hundreds.
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
        if mono.size and not max(mono.max(), -mono.min()) < LARGEST_SAMPLE:  # which NaN is not either
            usable = np.abs(frames) < LARGEST_SAMPLE
            self.unusable += int(usable.size - np.count_nonzero(usable))
            mono = _mixed(np.where(usable, frames, np.float32(0)))
        if self._stream is None:
            return mono.copy()  # the caller may use its frames again
        resampled: NDArray[np.float32] = self._stream.resample_chunk(np.ascontiguousarray(mono), last=last)
        return resampled


def warn_low_rate(name: object, input_rate: float, sample_rate: float) -> None:
    """Report a stream whose rate is below the model's.

    Parameters
    ----------
    name : object
        What the stream is called.
    input_rate, sample_rate : float
        Its own rate, and the model's [Hz].
    """
    if input_rate < sample_rate:
        message = "%s: its rate of %g Hz leaves out the top of the spectrum; emotions will be less exact."
        logger.warning(message, name, input_rate)


def tell_of_unusable(name: object, resampler: Resampler) -> None:
    """Report a stream that had unusable samples, at its end.

    Parameters
    ----------
    name : object
        What the stream is called.
    resampler : Resampler
        What it went through.
    """
    if resampler.unusable:
        message = "%s: %d samples are not finite or beyond reason; they count as silence."
        logger.warning(message, name, resampler.unusable)


def _mixed(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the channels; by BLAS, which takes a tenth of the time of ``frames.mean(axis=1)``."""
    channels = frames.shape[1]
    if channels == 1:
        return frames[:, 0]
    mono: NDArray[np.float32] = frames @ np.full(channels, 1 / channels, np.float32)
    return mono

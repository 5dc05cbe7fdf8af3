"""From a device's or file's own frames to the tracker's samples: finite, mono, at the model's rate."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray


class Resampler:
    """Mix to mono and resample, as one stream, however it is cut into blocks.

    Parameters
    ----------
    input_rate, output_rate : float
        [Hz]. Equal rates pass samples through unchanged.

    Attributes
    ----------
    not_finite : int
        Samples that were NaN or infinite and became 0, over all channels. One of them would poison hundreds.
    """

    def __init__(self, input_rate: float, output_rate: float) -> None:
        self._stream = None
        if input_rate != output_rate:
            self._stream = soxr.ResampleStream(input_rate, output_rate, 1, dtype="float32", quality="HQ")
        self.not_finite = 0

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
        finite = np.isfinite(frames)
        if not finite.all():
            self.not_finite += int(finite.size - np.count_nonzero(finite))
            frames = np.where(finite, frames, np.float32(0))
        mono = frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float32)
        mono = np.ascontiguousarray(mono)
        if self._stream is None:
            return mono
        resampled: NDArray[np.float32] = self._stream.resample_chunk(mono, last=last)
        return resampled

"""From a program's own audio to the tracker's: any sample format, any channels, any rate, any block size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emodj_live.blocks import LARGEST_SAMPLE
from emodj_live.sources.pcm import Pcm, to_float32
from emodj_live.sources.resample import Resampler, check_rate

_MOST_CHANNELS = 64  # a second dimension that is longer is more likely to be the frames


class Adapter:
    """Turn blocks of a program's own audio into blocks for `EmotionTracker.process`, as one stream.

    The blocks may be of any size; how the audio is cut changes nothing.

    Parameters
    ----------
    input_rate : float
        Sample rate of the audio [Hz].
    channels : int, optional
        Number of channels. Flat audio (one-dimensional arrays, bytes) has this many interleaved channels; by default it
        is mono, and for two-dimensional arrays the second dimension says how many.
    sample_rate : float
        Rate that the tracker expects [Hz], which is ``model.sample_rate``.
    format : str, optional
        What bytes hold, such as ``"s16le"``: u8, or s16, s24, s32, f32 or f64 followed by le or be. With a format the
        adapter takes bytes, without one it takes arrays.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> adapter = Adapter(44100)
    >>> stereo = np.zeros((44100, 2), np.int16)
    >>> len(adapter.process(stereo)) + len(adapter.flush())
    22050
    >>> adapter = Adapter(44100, channels=2, format="s16le")
    >>> len(adapter.process(bytes(44100 * 2 * 2))) + len(adapter.flush())
    22050
    """

    def __init__(
        self,
        input_rate: float,
        *,
        channels: int | None = None,
        sample_rate: float = 22050,
        format: str | None = None,  # noqa: A002
    ) -> None:
        check_rate("input_rate", input_rate)
        check_rate("sample_rate", sample_rate)
        if channels is not None and not (
            isinstance(channels, int | np.integer)
            and not isinstance(channels, bool)
            and 1 <= channels <= _MOST_CHANNELS
        ):
            raise ValueError(f"channels must be an integer from 1 to {_MOST_CHANNELS}, got {channels!r}")
        self.input_rate = input_rate
        self.channels = channels
        self.sample_rate = sample_rate
        self._pcm = None if format is None else Pcm(input_rate, channels or 1, format)
        self.reset()

    def reset(self) -> None:
        """Start afresh: the next frames are the first of a new stream."""
        self._resampler = Resampler(self.input_rate, self.sample_rate)
        self._channels = self.channels
        self._rest = b""  # of a frame whose other bytes have not come yet

    def process(self, frames: NDArray[np.generic] | bytes | bytearray | memoryview) -> NDArray[np.float32]:
        """Convert the next frames.

        Parameters
        ----------
        frames : ndarray of int16, int32, uint8 or floating point, shape (n,) or (n, channels); or bytes
            Full scale is that of the integer type, or +-1. Channels are mixed in equal parts. An array must hold whole
            frames; of bytes, an incomplete frame at the end is kept until the rest of it comes.

        Returns
        -------
        ndarray of float32, shape (m,)
            A little of the audio may still be inside the resampler, and come with the next frames or `flush`.

        Raises
        ------
        TypeError
            If the frames are of another type, or if they are bytes and the adapter has no format, or the reverse.
        ValueError
            If they are of another shape or have another number of channels than before, or if samples are not finite or
            are a thousand times full scale.
        """
        if isinstance(frames, bytes | bytearray | memoryview):
            samples = self._decoded(bytes(frames))
        elif self._pcm is not None:
            raise TypeError(f"an adapter with a format takes bytes, got {type(frames).__name__}")
        else:
            samples = np.asarray(frames)
        shaped = self._shaped(samples)
        if shaped.dtype.kind == "f" and not (np.abs(shaped) < LARGEST_SAMPLE).all():
            raise ValueError("frames must be finite with full scale +-1, got NaN, infinity or huge values")
        converted = to_float32(shaped)
        self._channels = shaped.shape[1]
        return self._resampler.process(converted)

    def flush(self) -> NDArray[np.float32]:
        """End the stream: return what is still inside, and start afresh.

        Returns
        -------
        ndarray of float32, shape (m,)
        """
        rest = self._resampler.process(np.empty((0, 1), np.float32), last=True)
        self.reset()
        return rest

    def _decoded(self, data: bytes) -> NDArray[np.float32]:
        """Decode whole frames, and keep the rest."""
        if self._pcm is None:
            raise TypeError(
                "bytes need a sample format; say which, for example Adapter(44100, channels=2, format='s16le')"
            )
        data = self._rest + data
        whole = len(data) // self._pcm.frame_size * self._pcm.frame_size
        self._rest = data[whole:]
        return self._pcm.decode(data[:whole])

    def _shaped(self, frames: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return frames of shape (n, channels), or raise an error that says what is wrong with their shape."""
        if frames.ndim == 1:
            channels = self.channels or 1
            if frames.size % channels:
                raise ValueError(f"interleaved frames of {channels} channels cannot have {frames.size} samples")
            frames = frames.reshape(-1, channels)
        if frames.ndim != 2 or not 1 <= frames.shape[1] <= _MOST_CHANNELS:
            raise ValueError(f"frames must have the shape (n,) or (n, channels), got {frames.shape}")
        if self._channels not in (None, frames.shape[1]):
            raise ValueError(f"frames must have {self._channels} channels, got {frames.shape[1]}")
        return frames

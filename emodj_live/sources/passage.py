"""One song on its way to the loudspeaker and, as it is heard, to the tracker.

What is decoded waits in two queues. PortAudio's thread takes frames out of one; the tracker gets the samples of the
other when the frames of the same sound have been heard.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Generator

import numpy as np
import soxr
from numpy.typing import NDArray

from emodj_live.sources.demo import DemoSource
from emodj_live.sources.file import FileSource
from emodj_live.sources.resample import Resampler, silence_unusable, warn_unusable, with_channels

FADE = 0.01  # [s] in which the middle of a song fades in or out: without that it would click
_PIECE = 0.01  # [s] of a block: how finely emotions can follow the sound


class Passage:
    """A song as an output device plays it, until it is restarted.

    Parameters
    ----------
    file : FileSource or DemoSource
        The song.
    sample_rate : float
        The device's [Hz].
    channels : int
        How many channels the device gets.

    Attributes
    ----------
    waiting : int
        Frames that are decoded and that PortAudio has not got yet.
    is_complete : bool
        Whether everything is decoded.
    error : Exception or None
        Why decoding ended too early.
    """

    def __init__(self, file: FileSource | DemoSource, sample_rate: float, channels: int) -> None:
        self._file = file
        self._rate = sample_rate
        self._channels = channels
        self._lock = threading.Lock()
        self.restart()

    def restart(self, position: float | None = None) -> None:
        """Begin afresh.

        Parameters
        ----------
        position : float, optional
            Where in the song [s]; by default at its start.
        """
        with self._lock:
            self._start = self._file.start if position is None else position
            self._decoding = self._decode(position)  # the one before closes its file
            self.is_complete = False
            self.error: Exception | None = None
            self._frames: deque[NDArray[np.float32]] = deque()  # for the loudspeaker
            self._samples: deque[NDArray[np.float32]] = deque()  # for the tracker
            self.waiting = 0
            self._handed_over = 0  # frames that PortAudio has got
            self._given = 0  # samples that the tracker has got
            self._mark: tuple[float, int, int] | None = None  # when a buffer is heard, its first frame, and its length
            self._heard = 0.0  # frames
            self._fade_in = 0 if position is None else round(FADE * self._rate)  # frames
            self._fade_out = 0
            self._successor: Passage | None = None

    # ------------------------------------------------------------------------------------------------ the decoder

    def decode(self) -> None:
        """Decode a few seconds more, for both queues."""
        try:
            frames, samples = next(self._decoding)
        except StopIteration:
            self.is_complete = True
        except Exception as error:  # it is for who follows this song, and not for who decodes ahead
            self.error = error
            self.is_complete = True
        else:
            length = max(1, round(_PIECE * self._file.sample_rate))
            self._samples.extend(samples[start : start + length] for start in range(0, len(samples), length))
            with self._lock:
                self._frames.append(frames)
                self.waiting += len(frames)

    def _decode(self, position: float | None) -> Generator[tuple[NDArray[np.float32], NDArray[np.float32]], None, None]:
        """Yield frames for the loudspeaker, and the same sound as samples for the tracker."""
        file, loudspeaker = self._file, _Converter(self._file.input_rate, self._rate, self._channels)
        resampler = Resampler(file.input_rate, file.sample_rate)
        for frames in file.frames(position):
            yield loudspeaker.process(silence_unusable(frames)[0]), resampler.process(frames)
        end = np.empty((0, file.channels), np.float32)
        yield loudspeaker.process(end, last=True), resampler.process(end, last=True)
        warn_unusable(file.title, resampler.unusable)

    def close(self) -> None:
        """Stop decoding, and close the file."""
        self._decoding.close()

    # ------------------------------------------------------------------------------------------------ the tracker

    @property
    def is_spent(self) -> bool:
        """Whether the tracker has got everything."""
        return self.is_complete and not self._samples

    def due(self, now: float | None) -> NDArray[np.float32] | None:
        """Return the next samples for the tracker, shape (n,), if they have been heard; otherwise None."""
        if not self._samples:
            return None
        end = (self._given + len(self._samples[0])) / self._file.sample_rate * self._rate
        if self.heard(now) < (min(end, self.length) if self.is_complete else end):  # resamplers may round differently
            return None
        samples = self._samples.popleft()
        self._given += len(samples)
        return samples

    def heard(self, now: float | None) -> float:
        """Return how many frames have left the loudspeaker.

        Parameters
        ----------
        now : float or None
            The time by the device's clock [s]; None if there is none any more, and what was known last counts.

        Returns
        -------
        float
        """
        with self._lock:
            if self._mark is not None and now is not None:
                moment, first, length = self._mark
                self._heard = max(self._heard, first + min((now - moment) * self._rate, length))
            return self._heard

    def position(self, now: float | None) -> float:
        """Return the place in the song of what leaves the loudspeaker [s]."""
        return self._start + self.heard(now) / self._rate

    def behind(self, now: float | None) -> float:
        """Return how far the tracker's samples are behind the sound [s]."""
        return max(0.0, self.heard(now) / self._rate - self._given / self._file.sample_rate)

    def has_given_way(self, now: float | None) -> bool:
        """Return whether the song that fades in is by now the louder one."""
        following = self._successor
        return following is not None and following.heard(now) >= following._fade_in / 2

    # ---------------------------------------------------------------------------------------------- the loudspeaker

    @property
    def length(self) -> int:
        """How many frames are decoded."""
        with self._lock:
            return self._handed_over + self.waiting

    @property
    def has_begun(self) -> bool:
        """Whether PortAudio has got some of it."""
        return self._handed_over > 0

    def fade_into(self, following: Passage, length: int) -> None:
        """Let the last frames, and the first ones of the song that follows, be heard together."""
        self._successor = following
        self._fade_out = following._fade_in = length

    def take(self, out: NDArray[np.float32], moment: float | None = None) -> None:
        """Add the next frames to a buffer, as many as there are.

        Parameters
        ----------
        out : ndarray of float32, shape (n, channels)
        moment : float, optional
            When the buffer will be heard [s].
        """
        with self._lock:
            count, filled = min(len(out), self.waiting), 0
            gains = self._gains(count)
            while filled < count:
                piece = self._frames.popleft()
                taken = min(len(piece), count - filled)
                out[filled : filled + taken] += piece[:taken] * gains[filled : filled + taken]
                filled += taken
                if taken < len(piece):
                    self._frames.appendleft(piece[taken:])
            if count and moment is not None:
                self._mark = (moment, self._handed_over, count)
            self._handed_over += count
            self.waiting -= count

    def _gains(self, count: int) -> NDArray[np.float32]:
        """Return the gain of each of the next frames, shape (count, 1): two songs that mix have equal power."""
        gains = np.ones((count, 1), np.float32)
        if self._handed_over < self._fade_in:
            gains[:, 0] *= _rise((self._handed_over + 0.5 + np.arange(count)) / self._fade_in)
        if self.waiting - count < self._fade_out:
            gains[:, 0] *= _rise((self.waiting - 0.5 - np.arange(count)) / self._fade_out)
        return gains


def _rise(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return gains that go from 0 to 1, and whose squares and those of the way back add up to 1."""
    return np.sin(math.pi / 2 * np.minimum(1, shares))


class _Converter:
    """To a device's sample rate and channels, as one stream."""

    def __init__(self, input_rate: float, output_rate: float, channels: int) -> None:
        self._channels = channels
        self._stream = None
        if input_rate != output_rate:
            self._stream = soxr.ResampleStream(input_rate, output_rate, channels, dtype="float32", quality="HQ")

    def process(self, frames: NDArray[np.float32], *, last: bool = False) -> NDArray[np.float32]:
        """Return the next frames, shape (n, channels), in memory of their own."""
        frames = with_channels(frames, self._channels)
        if self._stream is None:
            return frames.copy()
        resampled: NDArray[np.float32] = self._stream.resample_chunk(np.ascontiguousarray(frames), last=last)
        return resampled.reshape(-1, self._channels)

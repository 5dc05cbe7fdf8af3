"""Play a file and track it at once: each block comes when its last sample has left the loudspeaker.

What has been heard is read from the output stream's own clock and the times that PortAudio gives for its buffers; the
wall clock would run ahead of the sound by the latency, and would drift away from it with every underflow.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from emodj_live.blocks import Block, Gap, SourceStatus
from emodj_live.errors import SourceError
from emodj_live.sources.demo import DemoSource
from emodj_live.sources.devices import find_device, sounddevice
from emodj_live.sources.file import FileSource
from emodj_live.sources.resample import Resampler, silence_unusable, warn_unusable

_AHEAD = 2.0  # [s] of audio that is decoded ahead of the sound
_PIECE = 0.01  # [s] of a block: how finely emotions can follow the sound
_WAIT = 0.005  # [s]
_STALLED = 3.0  # [s] without a callback, after which the device counts as gone
_SUSPENDED = 1.0  # [s] between two checks, which says that the whole process was stopped
_NOTHING = np.empty(0, np.float32)


class PlayedSource:
    """The blocks of a file that is played through an output device, in step with what is heard.

    Parameters
    ----------
    file : FileSource or DemoSource
        What to play, from its start and for its duration.
    device : int, str or None
        Number of the output device, a part of its name, or None for the default.
    delay : float
        How much later than PortAudio believes the sound is heard [s], for example with Bluetooth loudspeakers.

    Attributes
    ----------
    device : Device
        The output device.
    underflows : int
        How many times the device ran out of audio.
    is_paused : bool
        Set it to pause the sound, and the blocks with it.

    Raises
    ------
    SourceError
        If there is no such device or PortAudio is missing; when iterated, if the device cannot be opened.
    """

    def __init__(self, file: FileSource | DemoSource, *, device: int | str | None = None, delay: float = 0.0) -> None:
        self.file = file
        self.device = find_device(device, "output")
        self.sample_rate = file.sample_rate
        self.is_paused = False
        self.underflows = 0
        self._delay = delay
        self._channels = min(2, file.channels, self.device.channels)
        self._stream: Any = None
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._waiting: deque[NDArray[np.float32]] = deque()  # decoded for playing, not yet handed to PortAudio
        self._waiting_frames = 0
        self._handed_over = 0  # frames given to PortAudio
        self._heard_before = 0.0  # frames, once the stream is closed
        self._given = 0  # samples given to the tracker
        self._mark: tuple[float, int, int] | None = None  # when a buffer is heard, its first frame, and its length
        self._total: float = math.inf  # frames to play, once they are counted
        self._called_at = self._checked_at = time.monotonic()
        self._resample = None
        if self.file.input_rate != self.device.sample_rate:
            rates = self.file.input_rate, self.device.sample_rate
            self._resample = soxr.ResampleStream(*rates, self._channels, dtype="float32", quality="HQ")

    @property
    def title(self) -> str:
        """The file's title."""
        return self.file.title

    @property
    def position(self) -> float:
        """Time in the file of what leaves the loudspeaker now [s]."""
        return self.file.start + self._heard_frames() / self.device.sample_rate

    @property
    def behind(self) -> float:
        """How far the blocks are behind the sound [s]."""
        return max(0.0, self.position - self.file.start - self._given / self.sample_rate)

    def status(self) -> SourceStatus:
        """Return what the file says of itself, with the position of the sound and how its playback is doing."""
        return replace(
            self.file.status(),
            position=self.position,
            underflows=self.underflows,
            behind=self.behind,
            is_paused=self.is_paused,
        )

    def _heard_frames(self) -> float:
        """Return how many frames have left the loudspeaker."""
        with self._lock:
            mark = self._mark
        if mark is None or self._stream is None:
            return self._heard_before
        moment, first, length = mark
        since: float = (self._stream.time - self._delay - moment) * self.device.sample_rate
        return max(0.0, first + min(since, length))

    def __iter__(self) -> Iterator[Block | Gap]:
        """Play the file, and yield its audio as it is heard."""
        self._clear()
        if self.file.start:
            yield Gap(round(self.file.start * self.sample_rate))
        pieces = self._pieces()
        piece = next(pieces, None)  # decodes ahead, so that there is something to play from the start
        self._open()
        try:
            while piece is not None:
                samples, end = piece
                while self._heard_frames() < min(end, self._total):
                    self._check()
                    time.sleep(_WAIT)
                    yield _NOTHING
                self._given += len(samples)
                yield samples
                piece = next(pieces, None)
        finally:
            self._close()

    # -------------------------------------------------------------------------------------------------- the sound

    def _open(self) -> None:
        module = sounddevice()
        try:
            self._stream = module.OutputStream(
                device=self.device.index,
                samplerate=self.device.sample_rate,
                channels=self._channels,
                dtype="float32",
                latency="high",
                callback=self._callback,
            )
            self._called_at = time.monotonic()
            self._stream.start()
        except module.PortAudioError as error:
            self._close()
            why = f"{error.args[0]}; choose another output."
            raise SourceError(f"{self.device.name}: cannot play at {self.device.sample_rate:g} Hz: {why}") from error

    def _close(self) -> None:
        self._heard_before = self._heard_frames()
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(sounddevice().PortAudioError):
                stream.abort()
            with contextlib.suppress(sounddevice().PortAudioError):
                stream.close()

    def _callback(self, out: NDArray[np.float32], count: int, moment: Any, status: Any) -> None:
        """Hand frames over to PortAudio, and note when they will be heard."""
        self._called_at = time.monotonic()
        with self._lock:
            first, filled = self._handed_over, 0
            while filled < count and self._waiting and not self.is_paused:
                piece = self._waiting[0]
                taken = min(len(piece), count - filled)
                out[filled : filled + taken] = piece[:taken]
                filled += taken
                self._waiting[0] = piece[taken:]
                if taken == len(piece):
                    self._waiting.popleft()
            out[filled:] = 0
            self._handed_over += filled
            self._waiting_frames -= filled
            if filled:
                self._mark = (moment.outputBufferDacTime, first, filled)
            starved = filled < count and not self.is_paused and self._total == math.inf
        self.underflows += bool(status.output_underflow or starved)

    def _check(self) -> None:
        """Raise an error if the device is gone, but not if the process was suspended and could not be called."""
        now = time.monotonic()
        if now - self._checked_at > _SUSPENDED:
            self._called_at = now
        self._checked_at = now
        if now - self._called_at > _STALLED:
            raise SourceError(f"{self.device.name}: stopped accepting audio; was it disconnected?")

    # ------------------------------------------------------------------------------------------------ the decoder

    def _pieces(self) -> Iterator[tuple[NDArray[np.float32], float]]:
        """Decode ahead of the sound, and yield each piece for the tracker with the frame that is heard at its end."""
        blocks = self._blocks()
        length = max(1, round(_PIECE * self.sample_rate))
        ready: deque[NDArray[np.float32]] = deque()
        given = 0
        while True:
            while self._waiting_frames < _AHEAD * self.device.sample_rate:
                if (samples := next(blocks, None)) is None:
                    break
                ready.extend(samples[start : start + length] for start in range(0, len(samples), length))
            if not ready:
                return
            given += len(ready[0])
            yield ready.popleft(), given / self.sample_rate * self.device.sample_rate

    def _blocks(self) -> Iterator[NDArray[np.float32]]:
        """Decode the file, queue each block for playing, and yield it for the tracker."""
        resampler = Resampler(self.file.input_rate, self.sample_rate)
        for frames in self.file.frames():
            self._queue(silence_unusable(frames)[0])
            yield resampler.process(frames)
        self._queue(np.empty((0, self.file.channels), np.float32), last=True)
        with self._lock:
            self._total = self._handed_over + self._waiting_frames
        yield resampler.process(np.empty((0, self.file.channels), np.float32), last=True)
        warn_unusable(self.file.title, resampler.unusable)

    def _queue(self, frames: NDArray[np.float32], *, last: bool = False) -> None:
        """Queue frames for playing, at the device's rate and with no more channels than it has."""
        if frames.shape[1] > self._channels:
            frames = np.repeat(frames.mean(axis=1, keepdims=True), self._channels, axis=1)
        if self._resample is not None:
            frames = self._resample.resample_chunk(np.ascontiguousarray(frames), last=last)
            frames = frames.reshape(-1, self._channels)
        if len(frames):
            with self._lock:
                self._waiting.append(frames.copy())
                self._waiting_frames += len(frames)

"""A live input: microphone, line in, or the monitor of what the machine plays.

PortAudio's thread copies and queues, nothing else. What comes out behind the queue is a stream with a true time axis:
whatever was lost on the way, by whomever, is a `Gap` in it.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.blocks import Gap
from emodj_live.errors import SourceError
from emodj_live.options import SourceOptions
from emodj_live.sources.arrivals import Block, BlockQueue, Timeline
from emodj_live.sources.devices import Device, find_device, restart_portaudio, sounddevice
from emodj_live.sources.resample import Resampler, warn_low_rate

logger = logging.getLogger(__name__)

_LATENCY = 0.05  # [s] asked of PortAudio: some 80 blocks a second
_HEARTBEAT = 0.1  # [s] the longest wait without giving the caller a chance to stop
_FIRST_BLOCK_TIMEOUT = 5.0  # [s] an opened device may take seconds to deliver
_BLOCK_TIMEOUT = 2.0  # [s]
_RETRY = 0.5  # [s]
_NOTHING = np.empty(0, np.float32)


class MicrophoneSource:
    """The blocks of a live input.

    The stream is opened at the device's own rate, mixed to mono and resampled. When the device goes away the source
    says so, waits for it to come back, and carries on: the time in between is a `Gap`. While nothing arrives it yields
    empty blocks, so that whoever iterates gets a chance to stop.

    Parameters
    ----------
    device : int, str or None
        Number of the device, a part of its name, or None for the default.
    sample_rate : int
        Rate of the blocks [Hz].
    queue_seconds : float
        How much audio may wait for a slow consumer before the oldest is dropped [s].
    may_restart_portaudio : bool
        Whether to let PortAudio look for devices anew when one does not come back otherwise. That closes every stream
        of the process, so a program that plays sound too should not allow it.
    clock : callable
        Time that passes [s].

    Attributes
    ----------
    device : Device
        What it listens to.
    is_connected : bool
        Sound arrives.
    lost : float
        What was lost so far, by whomever [s].
    last_arrival : float
        When the newest block that was handed out came from PortAudio, by the clock [s].
    age : float
        How long before that the device had taken it in, by PortAudio's own account [s].

    Raises
    ------
    SourceError
        If there is no such device or PortAudio is missing; when iterated, if it cannot be opened.
    """

    def __init__(
        self,
        device: int | str | None = None,
        *,
        sample_rate: int = 22050,
        queue_seconds: float = 5.0,
        may_restart_portaudio: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not queue_seconds > 0:
            raise ValueError(f"queue_seconds must be positive, got {queue_seconds}")
        self.sample_rate = sample_rate
        self.device = find_device(device, "input")
        self.is_connected = False
        self.lost = 0.0
        self.last_arrival = self.age = 0.0
        self._follows_default = device is None
        self._may_restart = may_restart_portaudio
        self._queue_seconds = queue_seconds
        self._clock = clock
        self._stream: Any = None
        self._yielded = 0

    @property
    def title(self) -> str:
        """Name of the device."""
        return self.device.name

    @property
    def position(self) -> float:
        """Time in the stream up to which sound was handed out, gaps included [s]."""
        return self._yielded / self.sample_rate

    @property
    def behind(self) -> float:
        """How long ago the newest sound that was handed out reached the device [s]."""
        return self._clock() - self.last_arrival + max(0.0, self.age)

    def __iter__(self) -> Iterator[NDArray[np.float32] | Gap]:
        """Open the device and yield what it hears, for ever."""
        self._begin(self.device.sample_rate)
        warn_low_rate(self.device.name, self.device.sample_rate, self.sample_rate)
        try:
            self._open(self.device)
            while True:
                yield from self._listen()
                yield from self._reconnect()
        finally:
            self._close()

    def _begin(self, rate: float) -> None:
        self._timeline = Timeline(rate)
        self._resampler = Resampler(rate, self.sample_rate)
        self._yielded = 0
        self._silent_since: float | None = None

    # ------------------------------------------------------------------------------------------------- the device

    def _open(self, device: Device) -> None:
        """Open a device that was found."""
        module = sounddevice()
        queue = BlockQueue(round(self._queue_seconds * device.sample_rate))
        received = 0

        def callback(frames: NDArray[np.float32], count: int, moment: Any, status: Any) -> None:
            nonlocal received
            age = moment.currentTime - moment.inputBufferAdcTime
            queue.put(Block(frames.copy(), received, self._clock(), age, status.input_overflow))
            received += count

        try:
            self._stream = module.InputStream(
                device=device.index,
                samplerate=device.sample_rate,
                channels=min(2, device.channels),
                dtype="float32",
                latency=_LATENCY,
                callback=callback,
            )
            self._stream.start()
        except module.PortAudioError as error:
            self._close()
            why = f"{error.args[0]}; is it allowed, not muted and not in use?"
            raise SourceError(f"{device.name}: cannot be opened at {device.sample_rate:g} Hz: {why}") from error
        self.device, self._queue, self._expected, self._is_new = device, queue, 0, True

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        self.is_connected = False
        if stream is not None:
            with contextlib.suppress(sounddevice().PortAudioError):
                stream.abort()
            with contextlib.suppress(sounddevice().PortAudioError):
                stream.close()

    def _is_active(self) -> bool:
        try:
            return bool(self._stream.active)
        except sounddevice().PortAudioError:
            return False

    def _reopen(self) -> None:
        """Open the device again, under whatever number it has now."""
        name = None if self._follows_default else f"{self.device.name}, {self.device.host_api}"
        self._open(find_device(name, "input"))

    def _reconnect(self) -> Iterator[NDArray[np.float32]]:
        """Wait until the device can be opened again."""
        self._close()
        if self._silent_since is None:
            self._silent_since = self._clock()
            logger.warning("%s: no sound arrives any more; waiting for it to come back.", self.device.name)
            yield self._rest()
        while True:
            next_try = self._clock() + _RETRY
            try:
                self._reopen()
            except SourceError:
                if self._try_restarted():
                    return
            else:
                return
            while (wait := next_try - self._clock()) > 0:
                time.sleep(min(wait, _HEARTBEAT))
                yield _NOTHING

    def _try_restarted(self) -> bool:
        if not self._may_restart:
            return False
        restart_portaudio()
        try:
            self._reopen()
        except SourceError:
            return False
        return True

    # ------------------------------------------------------------------------------------------------- the stream

    def _listen(self) -> Iterator[NDArray[np.float32] | Gap]:
        """Yield what the device hears until it falls silent."""
        deadline = self._clock() + _FIRST_BLOCK_TIMEOUT
        while True:
            block = self._queue.get(_HEARTBEAT)
            if block is not None:
                deadline = self._clock() + _BLOCK_TIMEOUT
                yield from self._deliver(block)
            elif self._clock() > deadline or not self._is_active():
                return
            else:
                yield _NOTHING

    def _deliver(self, block: Block) -> Iterator[NDArray[np.float32] | Gap]:
        dropped = block.position - self._expected
        self._expected = block.position + len(block.frames)
        self._timeline.skip(dropped)
        broken = block.overflowed or self._is_new
        lost = dropped + self._timeline.advance(len(block.frames), block.arrival, broken=broken)
        self._note_connected(block.arrival)
        if lost:
            yield from self._gap(lost, self._timeline.position - len(block.frames))
        self.last_arrival, self.age = block.arrival, block.age
        samples = self._resampler.process(block.frames)
        self._yielded += len(samples)
        yield samples

    def _note_connected(self, arrival: float) -> None:
        self._is_new, self.is_connected = False, True
        if self._silent_since is not None:
            logger.warning("%s: is back after %.1f s.", self.device.name, arrival - self._silent_since)
            self._silent_since = None

    def _rest(self) -> NDArray[np.float32]:
        """Return what is still inside the resampler, and let it start afresh."""
        rest = self._resampler.process(np.empty((0, 1), np.float32), last=True)
        self._yielded += len(rest)
        self._resampler = Resampler(self.device.sample_rate, self.sample_rate)
        return rest

    def _gap(self, lost: int, position: int) -> Iterator[NDArray[np.float32] | Gap]:
        """End the stretch before a loss of so many frames, and go on at a position behind it."""
        yield self._rest()
        rate = self.device.sample_rate
        gap = max(0, round(position * self.sample_rate / rate) - self._yielded)
        self._yielded += gap
        self.lost += lost / rate
        logger.warning("%s: lost %.2f s of sound (%.2f s in all).", self.device.name, lost / rate, self.lost)
        yield Gap(gap)


def open_source(_value: bool, options: SourceOptions, sample_rate: int) -> MicrophoneSource:
    """Open the source of ``--mic``. The process has no other sound, so PortAudio may be restarted."""
    return MicrophoneSource(options.device, sample_rate=sample_rate, may_restart_portaudio=True)

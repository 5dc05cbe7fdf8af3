"""A live input: microphone, line in, or the monitor of what the machine plays.

What comes out is a stream with a true time axis: whatever was lost on the way, by the device, by PortAudio or by us, is
a `Gap` in it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import numpy as np

from emodj_live.blocks import Block, Gap, SourceStatus
from emodj_live.errors import SourceError, one_line
from emodj_live.options import SourceOptions
from emodj_live.sources.arrivals import TimedFrames, Timeline
from emodj_live.sources.devices import Device, find_device, restart_portaudio
from emodj_live.sources.recording import Recording, recorded_channels
from emodj_live.sources.resample import Resampler, check_rate, warn_low_rate

logger = logging.getLogger(__name__)

_HEARTBEAT = 0.03  # [s] the longest wait for audio, so that it yields at least 30 times a second
_FIRST_FRAMES_TIMEOUT = 5.0  # [s] an opened device may take seconds to deliver
_FRAMES_TIMEOUT = 2.0  # [s]
_RETRY = 0.5  # [s]
_NOTHING = np.empty(0, np.float32)


class MicrophoneSource:
    """The blocks of a live input.

    The stream is opened at the device's own rate, mixed to mono and resampled. If the device goes away, the source logs
    a warning, waits for the device to come back, and continues: the time in between is a `Gap`. While nothing arrives
    it yields empty blocks, so that whoever iterates gets a chance to stop.

    Parameters
    ----------
    device : int, str or None
        Number of the device, a part of its name, or None for the default.
    sample_rate : int
        Rate of the blocks [Hz].
    queue_seconds : float
        How much audio may wait for a slow consumer before the oldest is dropped [s].
    may_restart_portaudio : bool
        Whether to make PortAudio look for devices again if one does not come back otherwise. That closes every stream
        of the process, so a program that also plays sound should not allow it.
    clock : callable
        The time [s].

    Attributes
    ----------
    device : Device
        The input device.
    is_connected : bool
        Whether audio arrives.
    lost : float
        Audio lost so far, wherever that was [s].
    last_arrival : float
        When the newest audio that was handed out came from PortAudio, by the clock [s].
    age : float
        How long before that the device had recorded it, as PortAudio says [s].

    Raises
    ------
    SourceError
        If there is no such device or PortAudio is missing; when iterated, if the device cannot be opened.
    ValueError
        If `sample_rate` or `queue_seconds` is out of range.
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
        check_rate("sample_rate", sample_rate)
        self.sample_rate = sample_rate
        self.device = self._find(device)
        self.is_connected = False
        self.lost = 0.0
        self.last_arrival = self.age = 0.0
        self._follows_default = device is None
        self._may_restart = may_restart_portaudio
        self._queue_seconds = queue_seconds
        self._clock = clock
        self._recording: Recording | None = None
        self._yielded = 0

    @property
    def title(self) -> str:
        """Name of the device."""
        return self._name

    @property
    def _name(self) -> str:
        return one_line(self.device.name)

    @property
    def position(self) -> float:
        """Time in the stream up to which audio was handed out, gaps included [s]."""
        return self._yielded / self.sample_rate

    @property
    def behind(self) -> float | None:
        """How long ago the newest audio that was handed out was heard [s]; None while the device is away."""
        return self._clock() - self.last_arrival + max(0.0, self.age) if self.is_connected else None

    def status(self) -> SourceStatus:
        """Return what it says of itself."""
        return SourceStatus(
            position=self.position,
            input_rate=self.device.sample_rate,
            channels=recorded_channels(self.device),
            lost=self.lost,
            behind=self.behind,
            is_connected=self.is_connected,
            alarm="" if self.is_connected else "no audio arrives; waiting for the device",
        )

    def __iter__(self) -> Iterator[Block | Gap]:
        """Open the device and yield what it records, without an end."""
        self._begin(self.device.sample_rate)
        warn_low_rate(self._name, self.device.sample_rate, self.sample_rate)
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
        self._away_since: float | None = None

    # ------------------------------------------------------------------------------------------------- the device

    def _find(self, device: int | str | None) -> Device:
        """Find the device that is asked for."""
        return find_device(device, "input")

    def _is_outdated(self) -> bool:
        """Return whether another device than the open one is to be heard from now on."""
        return False

    def _open(self, device: Device) -> None:
        """Open a device that was found, which may have another rate than before."""
        self._recording = Recording(device, queue_seconds=self._queue_seconds, clock=self._clock)
        if device.sample_rate != self.device.sample_rate:
            self._timeline.change_rate(device.sample_rate)
            self._resampler = Resampler(device.sample_rate, self.sample_rate)
        self.device, self._expected, self._is_new = device, 0, True

    def _close(self) -> None:
        recording, self._recording = self._recording, None
        self.is_connected = False
        if recording is not None:
            recording.close()

    def _reopen(self) -> bool:
        """Open the device again, by name, because its number may have changed, and return whether that worked."""
        name = self.device.monitor or f"{self.device.name}, {self.device.host_api}"
        try:
            self._open(self._find(None if self._follows_default else name))
        except SourceError:
            return False
        return True

    def _reconnect(self) -> Iterator[Block | Gap]:
        """Wait until the device can be opened again."""
        self._close()
        if self._away_since is None:
            self._away_since = self._clock()
            logger.warning("%s: no audio arrives; waiting for the device.", self._name)
            yield self._rest()
        while True:
            next_attempt = self._clock() + _RETRY
            if self._reopen():
                return
            if self._may_restart:
                restart_portaudio()
                if self._reopen():
                    return
            while (wait := next_attempt - self._clock()) > 0:
                time.sleep(min(wait, _HEARTBEAT))
                yield _NOTHING

    # ------------------------------------------------------------------------------------------------- the stream

    def _listen(self) -> Iterator[Block | Gap]:
        """Yield what the device records until nothing arrives any more."""
        recording = self._recording
        deadline = self._clock() + _FIRST_FRAMES_TIMEOUT
        while recording is not None and not self._is_outdated():
            arrived = recording.get(_HEARTBEAT)
            if arrived is not None:
                deadline = self._clock() + _FRAMES_TIMEOUT
                yield from self._deliver(arrived)
            elif self._clock() > deadline or not recording.is_active:
                return
            else:
                yield _NOTHING

    def _deliver(self, arrived: TimedFrames) -> Iterator[Block | Gap]:
        """Yield the samples of some frames, after a gap if something was lost before them."""
        count = len(arrived.frames)
        dropped = arrived.position - self._expected
        self._expected = arrived.position + count
        self._timeline.skip(dropped)
        broken = arrived.overflowed or self._is_new
        lost = dropped + self._timeline.advance(count, arrived.arrival, broken=broken)
        self._note_connected(arrived.arrival)
        if lost:
            yield from self._gap(lost, self._timeline.position - count)
        self.last_arrival, self.age = arrived.arrival, arrived.age
        samples = self._resampler.process(arrived.frames)
        self._yielded += len(samples)
        yield samples

    def _note_connected(self, arrival: float) -> None:
        self._is_new, self.is_connected = False, True
        if self._away_since is not None:
            logger.warning("%s: is back after %.1f s.", self._name, arrival - self._away_since)
            self._away_since = None

    def _rest(self) -> Block:
        """Return what is still inside the resampler, and start a new one."""
        rest = self._resampler.process(np.empty((0, 1), np.float32), last=True)
        self._yielded += len(rest)
        self._resampler = Resampler(self.device.sample_rate, self.sample_rate)
        return rest

    def _gap(self, lost: int, position: int) -> Iterator[Block | Gap]:
        """Yield what came before the loss, then a `Gap` up to a position.

        The length of the gap follows from the position, so that rounding errors do not add up.
        """
        yield self._rest()
        rate = self.device.sample_rate
        gap = max(0, round(position * self.sample_rate / rate) - self._yielded)
        self._yielded += gap
        self.lost += lost / rate
        logger.warning("%s: lost %.2f s of audio (%.2f s in all).", self._name, lost / rate, self.lost)
        yield Gap(gap)


def open_source(_value: bool, options: SourceOptions, sample_rate: int) -> MicrophoneSource:
    """Open the source of ``--mic``. The process has no other sound, so PortAudio may be restarted."""
    return MicrophoneSource(options.device, sample_rate=sample_rate, may_restart_portaudio=True)

"""An open input device: PortAudio's stream and the queue it fills."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import SourceError
from emodj_live.sources.arrivals import FrameQueue, TimedFrames
from emodj_live.sources.devices import Device, sounddevice

_LATENCY = 0.05  # [s] asked of PortAudio: some 80 blocks a second
_MOST_CHANNELS = 2
_WANTED = "PULSE_SOURCE"  # read by the sound server's library whenever a stream is opened
_OPENING = threading.Lock()


def recorded_channels(device: Device) -> int:
    """Return how many of a device's channels are recorded.

    Parameters
    ----------
    device : Device

    Returns
    -------
    int
    """
    return min(_MOST_CHANNELS, device.channels)


class Recording:
    """A stream from an input device. PortAudio's thread copies and queues, nothing else.

    Parameters
    ----------
    device : Device
        It is opened at its own rate.
    queue_seconds : float
        How much audio may wait before the oldest is dropped [s].
    clock : callable
        The time [s].

    Raises
    ------
    SourceError
        If the device cannot be opened.
    """

    def __init__(self, device: Device, *, queue_seconds: float, clock: Callable[[], float]) -> None:
        self._queue = FrameQueue(round(queue_seconds * device.sample_rate))
        self._clock = clock
        self._received = 0  # frames
        self._stream: Any = None
        module = sounddevice()
        try:
            with _recording_from(device.monitor):
                self._stream = module.InputStream(
                    device=device.index,
                    samplerate=device.sample_rate,
                    channels=recorded_channels(device),
                    dtype="float32",
                    latency=_LATENCY,
                    callback=self._callback,
                )
            self._stream.start()
        except module.PortAudioError as error:
            self.close()
            advice = "check that it is allowed, not muted and not in use"
            message = f"cannot be opened at {device.sample_rate:g} Hz: {error.args[0]}; {advice}."
            raise SourceError(f"{device.name}: {message}") from error

    def _callback(self, frames: NDArray[np.float32], count: int, moment: Any, status: Any) -> None:
        age = moment.currentTime - moment.inputBufferAdcTime
        self._queue.put(TimedFrames(frames.copy(), self._received, self._clock(), age, status.input_overflow))
        self._received += count

    def get(self, timeout: float) -> TimedFrames | None:
        """Return the oldest frames that wait, or None if there are none within `timeout` seconds.

        Parameters
        ----------
        timeout : float
            [s]

        Returns
        -------
        TimedFrames or None
        """
        return self._queue.get(timeout)

    @property
    def is_active(self) -> bool:
        """Whether PortAudio still expects audio from the device."""
        try:
            return bool(self._stream.active)
        except sounddevice().PortAudioError:
            return False

    def close(self) -> None:
        """Close the device."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(sounddevice().PortAudioError):
                stream.abort()
            with contextlib.suppress(sounddevice().PortAudioError):
                stream.close()


@contextlib.contextmanager
def _recording_from(monitor: str) -> Iterator[None]:
    """Make the sound server's device record a monitor, if there is one to record; afterwards all is as before.

    The monitor has to be named: PipeWire takes ``@DEFAULT_MONITOR@`` for the default input.
    """
    with _OPENING:  # nobody else may open a stream meanwhile
        before = os.environ.get(_WANTED)
        if monitor:
            os.environ[_WANTED] = monitor
        try:
            yield
        finally:
            if before is not None:
                os.environ[_WANTED] = before
            else:
                os.environ.pop(_WANTED, None)

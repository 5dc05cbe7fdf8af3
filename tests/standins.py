"""Simulated devices: what sounddevice is to `MicrophoneSource` and `Deck`, for tests and for the soak benchmark.

The input device's sound decides what is heard and when, so hours pass in seconds and losses lie where they are wanted.
The output device plays when the test says so.
PYTEST_DONT_REWRITE: it has no asserts, and is imported as a module too.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import ModuleType, SimpleNamespace
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

RATE = 44100
BLOCK = 551  # frames: 80 blocks a second
DEVICE_DELAY = 0.03  # [s] from the microphone to the callback

Block = tuple[NDArray[np.float32], bool]


class Sound(Protocol):
    """What the device records."""

    now: float
    """The time [s]."""

    def block(self) -> Block | None:
        """Return the next frames and whether some were lost before them; None when the device falls silent."""


class Script:
    """Noise with losses at given places; its time is that of the sound.

    Parameters
    ----------
    seconds : float
        Length of the sound, losses included [s].
    losses : sequence of (float, float, bool)
        Where each loss is [s], how long it is [s], and whether PortAudio says so.
    away : (float, float), optional
        When the device goes away [s], and for how long [s].
    level : float
        RMS of the noise.

    Attributes
    ----------
    now : float
        The time [s].
    made : float
        Sound so far, whether it was lost or not [s].
    """

    def __init__(
        self,
        seconds: float,
        losses: Sequence[tuple[float, float, bool]] = (),
        *,
        away: tuple[float, float] | None = None,
        level: float = 0.1,
    ) -> None:
        self.now = self.made = 0.0
        self._frames = round(seconds * RATE)
        self._at = 0
        self._losses = [(round(at * RATE), round(amount * RATE), flag) for at, amount, flag in sorted(losses)]
        self._away = [(round(away[0] * RATE), round(away[1] * RATE))] if away else []
        self._noise = np.random.default_rng(0).normal(scale=level, size=(RATE + BLOCK, 1)).astype(np.float32)

    def clock(self) -> float:
        """Return the time [s]."""
        return self.now

    def block(self) -> Block | None:
        """Return the next frames and whether some were lost before them."""
        if self._away and self._at >= self._away[0][0]:
            self._at += self._away.pop(0)[1]
            return None
        is_flagged = False
        if self._losses and self._at >= self._losses[0][0]:
            _, amount, is_flagged = self._losses.pop(0)
            self._at += amount
        if self._at >= self._frames:
            return None
        start = self._at % RATE
        self._at += BLOCK
        self.made = self.now = self._at / RATE
        return self._noise[start : start + BLOCK], is_flagged


class InputStream:
    """What sounddevice's stream is to a recording. `stand_in` gives it its sound."""

    sound: Sound
    has_room: Callable[[], bool] | None
    opened: list[dict[str, object]]

    def __init__(self, *, callback: Callable[..., None], **options: object) -> None:
        self.opened.append(options)
        self._callback = callback
        self._thread: threading.Thread | None = None
        self.active = False

    def start(self) -> None:
        """Begin to call back; without a thread all that the device hears comes at once."""
        self.active = True
        if self.has_room is None:
            self._run()
        else:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while self.active and (next_block := self.sound.block()):
            frames, overflowed = next_block
            moment = SimpleNamespace(currentTime=self.sound.now, inputBufferAdcTime=self.sound.now - DEVICE_DELAY)
            self._callback(frames, len(frames), moment, SimpleNamespace(input_overflow=overflowed))
            while self.has_room and self.active and not self.has_room():
                time.sleep(1e-4)
        self.active = False

    def abort(self) -> None:
        """End."""
        self.active = False
        if self._thread:
            self._thread.join()

    def close(self) -> None:
        """Do nothing: there is no device."""


def stand_in(sound: Sound, *, has_room: Callable[[], bool] | None = None) -> ModuleType:
    """Return a module that looks like sounddevice with one input device.

    Parameters
    ----------
    sound : Sound
        What the device records.
    has_room : callable, optional
        Whether more sound may wait behind the callback. The device then has a thread of its own, as PortAudio's have;
        by default everything comes as soon as the device is opened.

    Returns
    -------
    module
        Its ``InputStream.opened`` holds the options of every stream that was opened.
    """
    module = ModuleType("sounddevice")
    module.PortAudioError = type("PortAudioError", (Exception,), {})
    attributes = {"sound": sound, "has_room": staticmethod(has_room) if has_room else None, "opened": []}
    module.InputStream = type("InputStream", (InputStream,), attributes)
    module.default = SimpleNamespace(device={"input": 0, "output": -1})
    device = {"index": 0, "name": "stand-in", "hostapi": 0, "max_input_channels": 1, "default_samplerate": float(RATE)}
    module.query_devices = lambda *_: device
    module.query_hostapis = lambda _: {"name": "none", "default_input_device": 0}
    module._terminate = module._initialize = lambda: None
    return module


# -------------------------------------------------------------------------------------------------- the output device

OUTPUT_RATE = 22050
LATENCY = 0.1  # [s] from the callback to the loudspeaker
BUFFER = 220  # frames


class OutputStream:
    """A stream whose callback is called when the test says so.

    Attributes
    ----------
    heard : list of ndarray
        What was played, buffer by buffer.
    time : float
        By the device's clock [s].
    is_open : bool
        Whether it has not been closed.
    """

    opened: list[OutputStream]
    refuses = False

    def __init__(self, *, samplerate: float, channels: int, callback: Callable[..., None], **_: object) -> None:
        self.rate, self.channels, self.time = samplerate, channels, 50.0
        self._callback = callback
        self.heard: list[NDArray[np.float32]] = []
        self.is_open = True
        self.opened.append(self)

    def start(self) -> None:
        """Begin, unless the device refuses."""
        if self.refuses:
            raise sys.modules["sounddevice"].PortAudioError("Device unavailable")

    def turn(self, frames: int = BUFFER, *, underflow: bool = False) -> None:
        """Let PortAudio ask for a buffer, and time pass as long as it lasts."""
        out = np.full((frames, self.channels), np.nan, np.float32)
        moment = SimpleNamespace(outputBufferDacTime=self.time + LATENCY)
        self._callback(out, frames, moment, SimpleNamespace(output_underflow=underflow))
        self.heard.append(out)
        self.time += frames / self.rate

    def abort(self) -> None:
        """End."""
        self.is_open = False

    def close(self) -> None:
        """End."""
        self.is_open = False


def output_stand_in(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Replace sounddevice by a module with one output device, and return it.

    Its ``device`` may be changed, and ``OutputStream.opened`` has every stream that was opened.
    """
    module = ModuleType("sounddevice")
    module.PortAudioError = type("PortAudioError", (Exception,), {})
    module.device = {"index": 0, "name": "loudspeaker", "hostapi": 0, "max_output_channels": 2}
    module.device["default_samplerate"] = float(OUTPUT_RATE)
    module.default = SimpleNamespace(device={"output": 0})
    module.query_devices = lambda *_: module.device
    module.query_hostapis = lambda _: {"name": "stand-in"}
    module.OutputStream = type("OutputStream", (OutputStream,), {"opened": []})
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return module

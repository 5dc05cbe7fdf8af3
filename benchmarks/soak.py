"""A night in minutes: the real microphone source and tracker on a stand-in for PortAudio.

The stand-in's stream has a thread of its own, as PortAudio's has, that calls the callback whenever there is room behind
it, and time passes by the sound that it made. The device's clock runs 50 ppm fast. Every few seconds the thread is late
for up to a second and then catches up in a burst, which loses nothing; with `--losses` it now and then loses sound as
well, every other time with the flag that says so, at the end of a stretch of known length.

Expected are all windows that fit into the stretches between losses. With losses that carry a flag exactly these come;
one without is noticed half a second late, and its gap is put there, which may cost a window or spare one. Memory is
that of the whole process, from ten simulated minutes after the start.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import numpy as np
import psutil
from measure import arguments, report

from emodj_live import EmotionModel, EmotionTracker
from emodj_live.emotion import Emotion
from emodj_live.sources.microphone import MicrophoneSource

_RATE = 44100
_BLOCK = 551
_DRIFT = 50e-6
_WARM_UP = 600.0  # [s] simulated
_ROOM = 3.0  # [s] that may wait behind the callback
_LOSS_EVERY = 97.0  # [s]


class Night:
    """The sound of a night, its time, and what went wrong in it."""

    def __init__(self, seconds: float, *, losses: bool) -> None:
        self.now = 0.0  # [s]
        self.made = 0.0  # [s] of sound that the device took in, whether it was lost or not
        self.lost: list[tuple[float, float]] = []  # where, how much [s]
        self.hiccups = 0
        self._seconds = seconds
        self._losses = losses
        self._random = np.random.default_rng(0)
        noise = self._random.normal(scale=0.1, size=(7 * _RATE, 1)).astype(np.float32)
        self._sound = noise * (1 + np.sin(np.arange(len(noise)) / 9000))[:, np.newaxis].astype(np.float32)
        self._late_until = 0.0
        self._next_hiccup, self._next_loss = 20.0, _LOSS_EVERY

    def clock(self) -> float:
        """Return the simulated time [s]."""
        return self.now

    def block(self) -> tuple[np.ndarray, bool] | None:
        """Return the next block and whether it says that sound was lost before it; None when the night is over."""
        if self.made >= self._seconds:
            return None
        overflowed = self._losses and self._lose()
        start = round(self.made * _RATE) % (len(self._sound) - _BLOCK)
        self.made += _BLOCK / _RATE
        due = self.made * (1 + _DRIFT)
        if due > self._next_hiccup:
            self._late_until = due + self._random.uniform(0.05, 1)
            self._next_hiccup = due + self._random.uniform(3, 30)
            self.hiccups += 1
        self.now = max(self.now, max(due, self._late_until) + self._random.exponential(0.002))
        return self._sound[start : start + _BLOCK], overflowed

    def _lose(self) -> bool:
        if self.made < self._next_loss:
            return False
        amount = self._random.uniform(0.2, 1.5)
        self.lost.append((self.made, amount))
        self.made += amount
        self._next_loss = self.made + _LOSS_EVERY
        return len(self.lost) % 2 == 0

    def expected(self, window: float) -> int:
        """Return how many windows fit between the losses."""
        begins = [0.0, *(at + amount for at, amount in self.lost)]
        ends = [*(at for at, _ in self.lost), self.made]
        return sum(int((end - begin) / window + 1e-6) for begin, end in zip(begins, ends, strict=True))


class InputStream:
    """What sounddevice's stream is to `MicrophoneSource`."""

    night: Night
    has_room: Callable[[], bool]

    def __init__(self, *, callback: Callable[..., None], **_: object) -> None:
        self._callback = callback
        self.active = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to call back."""
        self.active = True
        self._thread.start()

    def _run(self) -> None:
        while self.active and (next_block := self.night.block()):
            frames, overflowed = next_block
            moment = SimpleNamespace(currentTime=self.night.now, inputBufferAdcTime=self.night.now - 0.03)
            self._callback(frames, len(frames), moment, SimpleNamespace(input_overflow=overflowed))
            while self.active and not self.has_room():
                time.sleep(1e-4)
        self.active = False

    def abort(self) -> None:
        """End."""
        self.active = False
        self._thread.join()

    def close(self) -> None:
        """Do nothing: there is no device."""


def stand_in() -> ModuleType:
    """Return a module that looks like sounddevice with one input device."""
    module = ModuleType("sounddevice")
    module.PortAudioError = type("PortAudioError", (Exception,), {})
    module.InputStream = InputStream
    module.default = SimpleNamespace(device={"input": 0, "output": -1})
    device = {"index": 0, "name": "night", "hostapi": 0, "max_input_channels": 1, "default_samplerate": float(_RATE)}
    module.query_devices = lambda *_: device
    module.query_hostapis = lambda _: {"name": "stand-in"}
    return module


def soak(hours: float, *, losses: bool) -> dict[str, object]:
    """Listen to a whole night."""
    night = Night(3600 * hours, losses=losses)
    sys.modules["sounddevice"] = stand_in()
    InputStream.night = night
    model = EmotionModel.load()
    source = MicrophoneSource(sample_rate=model.spec.sample_rate, clock=night.clock)
    tracker = EmotionTracker(model, gain="auto")
    InputStream.has_room = staticmethod(lambda: night.made - source.position < _ROOM)
    memory = psutil.Process().memory_info
    at_start, delivered, newest = 0, 0, 0.0

    def sink(emotion: Emotion) -> None:
        nonlocal at_start, delivered, newest
        delivered += 1
        newest = emotion.time
        if not at_start and newest > min(_WARM_UP, 900 * hours):
            at_start = memory().rss

    logging.getLogger("emodj_live").setLevel(logging.ERROR)
    began = time.monotonic()
    for block in source:
        for emotion in tracker.process(block):
            sink(emotion)
        if delivered and not source.is_connected:  # the night is over
            break
    window = model.spec.window_length / model.spec.sample_rate
    return {
        "hours": hours,
        "took_s": time.monotonic() - began,
        "hiccups": night.hiccups,
        "windows_expected": night.expected(window),
        "windows_delivered": delivered,
        "last_time_s": newest,
        "time_axis_off_ms": 1e3 * (source.position - night.made),
        "losses": len(night.lost),
        "lost_s": sum(amount for _, amount in night.lost),
        "lost_s_counted": source.lost,
        "rss_mb_at_start": at_start / 2**20,
        "rss_mb_at_end": memory().rss / 2**20,
        "growth_mb": (memory().rss - at_start) / 2**20,
    }


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--hours", type=float, default=8, help="simulated (8)")
    parser.add_argument("--losses", action="store_true", help=f"lose sound as well, every {_LOSS_EVERY:g} s")
    options = parser.parse_args()
    report("soak", soak(options.hours, losses=options.losses), as_json=options.json)


if __name__ == "__main__":
    main()

"""Simulate a night in minutes: the real microphone source and tracker on a stand-in for PortAudio.

The stand-in has a thread, as PortAudio has, which calls the callback whenever the queue has room,
and time passes by the sound that it made. The device's clock runs 50 ppm fast. Every few seconds the thread is late
for up to a second and then catches up in a burst, which loses nothing; with `--losses` it now and then loses sound as
well, every other time with the flag that says so, at the end of a stretch of known length.

All windows that fit into the stretches between losses are expected. If all losses carry a flag, exactly these arrive; a
loss without one is noticed half a second late, and its gap is put there, which may cost a window or spare one. Memory
is that of the whole process, from ten simulated minutes after the start.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import numpy as np
import psutil
from measure import arguments, report

from emodj_live import EmotionModel, EmotionTracker
from emodj_live.emotion import Emotion
from emodj_live.sources.microphone import MicrophoneSource

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from standins import BLOCK, RATE, stand_in

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
        noise = self._random.normal(scale=0.1, size=(7 * RATE, 1)).astype(np.float32)
        self._sound = noise * (1 + np.sin(np.arange(len(noise)) / 9000))[:, np.newaxis].astype(np.float32)
        self._late_until = 0.0
        self._next_hiccup, self._next_loss = 20.0, _LOSS_EVERY

    def clock(self) -> float:
        """Return the simulated time [s]."""
        return self.now

    def block(self) -> tuple[np.ndarray, bool] | None:
        """Return the next block and whether sound was lost before it with a flag; None when the night is over."""
        if self.made >= self._seconds:
            return None
        overflowed = self._losses and self._lose()
        start = round(self.made * RATE) % (len(self._sound) - BLOCK)
        self.made += BLOCK / RATE
        due = self.made * (1 + _DRIFT)
        if due > self._next_hiccup:
            self._late_until = due + self._random.uniform(0.05, 1)
            self._next_hiccup = due + self._random.uniform(3, 30)
            self.hiccups += 1
        self.now = max(self.now, max(due, self._late_until) + self._random.exponential(0.002))
        return self._sound[start : start + BLOCK], overflowed

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


def soak(hours: float, *, losses: bool) -> dict[str, object]:
    """Listen to a whole night, and return the figures."""
    night = Night(3600 * hours, losses=losses)
    sys.modules["sounddevice"] = stand_in(night, has_room=lambda: night.made - source.position < _ROOM)
    model = EmotionModel.load()
    source = MicrophoneSource(sample_rate=model.sample_rate, clock=night.clock)
    tracker = EmotionTracker(model, gain="auto")
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
    window = model.window_length / model.sample_rate
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

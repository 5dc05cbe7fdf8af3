"""Frames from PortAudio's thread: how they wait for the caller's thread, and how much was lost on the way.

No device and no clock; the queue's lock is all that is not pure.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TimedFrames:
    """The frames of one callback, and when they came."""

    frames: NDArray[np.float32]
    position: int  # of the first frame among all that were recorded since the stream was opened
    arrival: float  # [s] on the monotonic clock
    age: float  # [s] how long before the arrival the device recorded the first frame, by PortAudio's clock
    overflowed: bool  # PortAudio says that frames before these were lost


class FrameQueue:
    """Frames on their way from PortAudio's thread to the caller's: a bounded queue that drops the oldest.

    Parameters
    ----------
    capacity : int
        Frames that may wait.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._queue: deque[TimedFrames] = deque()
        self._waiting = 0
        self._ready = threading.Condition()

    def put(self, arrived: TimedFrames) -> None:
        """Add frames; the oldest make room for them."""
        with self._ready:
            self._queue.append(arrived)
            self._waiting += len(arrived.frames)
            while self._waiting > self._capacity and len(self._queue) > 1:
                self._waiting -= len(self._queue.popleft().frames)
            self._ready.notify()

    def get(self, timeout: float) -> TimedFrames | None:
        """Return the oldest frames, or None if there are none within `timeout` seconds."""
        with self._ready:
            if not self._queue and not self._ready.wait_for(lambda: bool(self._queue), timeout):
                return None
            oldest = self._queue.popleft()
            self._waiting -= len(oldest.frames)
            return oldest


class Timeline:
    """Work out how much was lost, from how many frames arrived and when.

    The lateness of some frames is when they arrived, minus the time of the last of them by count. It wavers a little
    above a baseline that follows the drift between the two clocks. Frames that are missing raise it for good.

    Parameters
    ----------
    rate : float
        Frames per second.
    """

    _DRIFT = 1e-3  # two clocks never differ by more
    _JITTER = 0.01  # [s] lateness that means nothing even where something was lost
    _TOLERANCE = 0.1  # [s] lateness that may be the scheduler's
    _SETTLING = 1.0  # [s] after a break, in which further frames show whether too much was counted
    _PATIENCE = 0.5  # [s] for which all frames have to be late before any count as lost

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self.position = 0  # frames since the first of the stream, including those that were lost
        self._baseline = math.inf
        self._last_arrival = 0.0
        self._broken_at = -math.inf
        self._too_much = 0.0  # [s] counted as lost beyond what was
        self._late_since: float | None = None
        self._least_excess = 0.0

    def change_rate(self, rate: float) -> None:
        """Continue at another rate, from the same time on.

        Parameters
        ----------
        rate : float
            Frames per second.
        """
        self.position = round(self.position / self._rate * rate)
        self._rate = rate

    def skip(self, frames: int) -> None:
        """Count frames that are known to be lost."""
        self.position += frames

    def advance(self, frames: int, arrival: float, *, broken: bool) -> int:
        """Count frames that arrived, and return how many were lost before them.

        Parameters
        ----------
        frames : int
            How many arrived.
        arrival : float
            When they arrived [s].
        broken : bool
            Whether it is known that something was lost right before them, though not how much.

        Returns
        -------
        int
        """
        lateness = arrival - (self.position + frames) / self._rate
        self._follow(lateness, arrival, broken=broken)
        seconds = self._lost_seconds(lateness - self._baseline, arrival, broken=broken)
        lost = max(0, round((seconds - self._taken_back(seconds)) * self._rate))
        self.position += frames + lost
        return lost

    def _follow(self, lateness: float, arrival: float, *, broken: bool) -> None:
        """Let the baseline follow: down at once, up as fast as clocks may drift while frames arrive."""
        drift = 0.0 if broken else self._DRIFT * (arrival - self._last_arrival)
        risen = lateness if math.isinf(self._baseline) else self._baseline + drift
        if arrival - self._broken_at < self._SETTLING:
            self._too_much += max(0.0, self._baseline - lateness)
        if broken:
            self._broken_at = arrival
        self._baseline = min(lateness, risen)
        self._last_arrival = arrival

    def _taken_back(self, seconds: float) -> float:
        """Return how much less to count as lost, because too much was counted the last time.

        What is lost at a break is measured by one arrival, which may be a little late. Those after it show by how much.
        """
        taken = min(seconds, self._too_much)
        self._too_much -= taken
        return taken

    def _lost_seconds(self, excess: float, arrival: float, *, broken: bool) -> float:
        if broken or excess < self._TOLERANCE:
            self._late_since = None
            return excess if broken and excess > self._JITTER else 0.0
        if self._late_since is None:
            self._late_since, self._least_excess = arrival, excess
        self._least_excess = min(self._least_excess, excess)
        if arrival - self._late_since < self._PATIENCE:
            return 0.0
        self._late_since = None
        return self._least_excess

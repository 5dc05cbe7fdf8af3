"""Blocks from PortAudio's thread: how they wait for the caller's, and how much was lost on the way.

Pure but for the queue's lock: no device, no clock of its own.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Block:
    """What the callback hands over."""

    frames: NDArray[np.float32]
    position: int  # of its first frame among all that the callback was given since the stream was opened
    arrival: float  # [s] on the monotonic clock
    age: float  # [s] how long before its arrival the device took in its first frame, by PortAudio's clock
    overflowed: bool  # PortAudio says that frames before this block were lost


class BlockQueue:
    """Blocks on their way from PortAudio's thread to the caller's: bounded, and the oldest go first.

    Parameters
    ----------
    capacity : int
        Frames that may wait.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._blocks: deque[Block] = deque()
        self._waiting = 0
        self._ready = threading.Condition()

    def put(self, block: Block) -> None:
        """Add a block; the oldest make room for it."""
        with self._ready:
            self._blocks.append(block)
            self._waiting += len(block.frames)
            while self._waiting > self._capacity and len(self._blocks) > 1:
                self._waiting -= len(self._blocks.popleft().frames)
            self._ready.notify()

    def get(self, timeout: float) -> Block | None:
        """Return the oldest block, or None if there is none within `timeout` seconds."""
        with self._ready:
            if not self._blocks and not self._ready.wait_for(lambda: bool(self._blocks), timeout):
                return None
            block = self._blocks.popleft()
            self._waiting -= len(block.frames)
            return block

    def clear(self) -> None:
        """Drop what waits."""
        with self._ready:
            self._blocks.clear()
            self._waiting = 0


class Timeline:
    """Tell how much was lost, from how many frames came and when.

    A block's lateness is its arrival less the time that its last frame has by count. It wavers a little above a
    baseline that follows the drift between the two clocks. Frames that are missing raise it for good.

    Parameters
    ----------
    rate : float
        Frames per second.
    """

    _DRIFT = 1e-3  # no two clocks differ by more
    _JITTER = 0.01  # [s] lateness that says nothing even where something was lost
    _TOLERANCE = 0.1  # [s] lateness that may be the scheduler's
    _SETTLING = 1.0  # [s] after a break in which blocks show whether too much was counted
    _PATIENCE = 0.5  # [s] for which every block has to be late before frames count as lost

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self.position = 0  # frames since the stream's first, those that were lost included
        self._baseline = math.inf
        self._last_arrival = 0.0
        self._broken_at = -math.inf
        self._too_much = 0.0  # [s] counted as lost beyond what was
        self._late_since: float | None = None
        self._least_excess = 0.0

    def skip(self, frames: int) -> None:
        """Take note of frames that are known to be lost."""
        self.position += frames

    def advance(self, frames: int, arrival: float, *, broken: bool) -> int:
        """Take in a block and return how many frames were lost before it.

        Parameters
        ----------
        frames : int
            Length of the block.
        arrival : float
            When it came [s].
        broken : bool
            It is known that something was lost right before it, though not how much.

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
        """Let the baseline follow: down at once, up as fast as clocks may drift while frames come."""
        drift = 0.0 if broken else self._DRIFT * (arrival - self._last_arrival)
        risen = lateness if math.isinf(self._baseline) else self._baseline + drift
        if arrival - self._broken_at < self._SETTLING:
            self._too_much += max(0.0, risen - lateness)
        if broken:
            self._broken_at = arrival
        self._baseline = min(lateness, risen)
        self._last_arrival = arrival

    def _taken_back(self, seconds: float) -> float:
        """Return how much less to count as lost, because the last time it was that much too much.

        What is lost at a break is measured by one block, and that may be late by a little. The blocks behind it tell.
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

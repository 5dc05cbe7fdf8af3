"""How the point moves: evenly from one emotion to the next, for every output that shows what is between them.

`Glide` says where the point is at a time, and knows no clock. `Pacer` calls whoever wants to know so many times a
second, without drift.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple

FASTEST = 60.0  # [Hz]
TAIL = 7.0  # [s]
_SHARE = 0.96  # of a step, after which the point has arrived
_LONGEST = 1.0  # [s] of gliding
_DEFAULT_STEP = 0.5  # [s]
UNEVEN = 0.03  # [s] by which paced emotions come too early or too late: their source's blocks are so long

Point = tuple[float, float]


class TailPoint(NamedTuple):
    """Where the point was some time ago.

    Attributes
    ----------
    valence, arousal : float
    age : float
        How long ago [s].
    """

    valence: float
    arousal: float
    age: float


@dataclass(frozen=True, slots=True)
class _Leg:
    """One way from a point to another."""

    start: Point
    end: Point
    begun: float  # [s]
    duration: float  # [s]

    def at(self, now: float) -> Point:
        if now - self.begun >= self.duration:
            return self.end  # exactly, where the sum below may differ in the last digit
        share = max(0.0, (now - self.begun) / self.duration)
        (x, y), (to_x, to_y) = self.start, self.end
        return x + (to_x - x) * share, y + (to_y - y) * share


class Glide:
    """The way of the point: at an even speed, so that it arrives shortly before the next emotion comes.

    One thread may move it while others ask where it is.

    Parameters
    ----------
    margin : float
        How long before the next emotion it arrives at least [s]. Whoever asks for it at a rate needs a period, and
        `UNEVEN` more, to see each emotion's own point.
    """

    def __init__(self, margin: float = 0.0) -> None:
        self._margin = margin
        self._legs: deque[_Leg] = deque()
        self._time: float | None = None  # of the newest emotion in its stream [s]

    def move(self, point: Point, time: float, now: float) -> None:
        """Set out for a point.

        Parameters
        ----------
        point : (float, float)
            Valence and arousal.
        time : float
            Of the emotion, in its stream [s]: how far emotions are apart says how long the way may take.
        now : float
            The time [s].
        """
        step = _DEFAULT_STEP if self._time is None or time <= self._time else time - self._time
        start = point if self.at(now) is None else self.at(now)
        duration = max(0.0, min(_SHARE * step, step - self._margin, _SHARE * _LONGEST))
        self._legs.append(_Leg(start or point, point, now, duration))
        self._time = time
        while self._legs and now - self._legs[0].begun > TAIL + _LONGEST:
            self._legs.popleft()

    def forget(self) -> None:
        """Begin anew: the next point is the first."""
        self._legs.clear()
        self._time = None

    def at(self, now: float) -> Point | None:
        """Return where the point is; None before the first one."""
        return self._legs[-1].at(now) if self._legs else None

    def tail(self, now: float) -> list[TailPoint]:
        """Return where it has been in the last seconds: the corners of its way, newest first."""
        point = self.at(now)
        if point is None:
            return []
        corners = [TailPoint(*point, 0.0)]
        until = now
        for leg in reversed(self._legs):
            arrived = leg.begun + leg.duration
            if until >= arrived:
                corners.append(TailPoint(*leg.end, now - arrived))
            corners.append(TailPoint(*leg.start, now - leg.begun))
            until = leg.begun
            if corners[-1].age > TAIL:
                break
        return corners


class Pacer:
    """Call a function so many times a second on a thread of its own; use it in a ``with`` statement.

    The calls have absolute deadlines, so they do not drift. If one comes late the next ones are on time again, and
    calls whose time has passed are left out instead of being made up for in a burst.

    Parameters
    ----------
    function : callable
        Called first as soon as it is started. If it raises, there are no more calls, and `close` raises
        its error.
    rate : float
        Calls a second, at most 60.
    clock : callable
        The time [s].
    wait : callable, optional
        Waits for a number of seconds, and returns whether the pacer is to end; by default until it is closed.

    Raises
    ------
    ValueError
        If the rate is not positive or above 60.
    """

    def __init__(
        self,
        function: Callable[[], object],
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        if not 0 < rate <= FASTEST:
            raise ValueError(f"rate must be above 0 and at most {FASTEST:g} a second, got {rate}")
        self._function = function
        self._period = 1 / rate
        self._clock = clock
        self._end = threading.Event()
        self._wait = wait or self._end.wait
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._call, name="emodj-live pacer", daemon=True)

    def __enter__(self) -> Pacer:
        """Begin."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self.close()

    def start(self) -> None:
        """Begin; once only.

        Raises
        ------
        RuntimeError
            If it has begun before.
        """
        self._thread.start()

    def close(self) -> None:
        """End the calls and wait for the last one; closing it twice does no harm.

        Raises
        ------
        Exception
            What the function raised, once.
        """
        self._end.set()
        if self._thread.ident is not None:
            self._thread.join()
        error, self._error = self._error, None
        if error:
            raise error

    def _call(self) -> None:
        due = self._clock()
        try:
            while not self._wait(max(0.0, due - self._clock())):
                self._function()
                due = next_deadline(due, self._clock(), self._period)
        except Exception as error:  # it belongs to whoever closes the pacer
            self._error = error


def next_deadline(due: float, now: float, period: float) -> float:
    """Return the first deadline after one that has passed, of those that lie on the same grid and are still ahead.

    Parameters
    ----------
    due : float
        The deadline that has passed [s].
    now : float
        The time [s].
    period : float
        Between deadlines [s].

    Returns
    -------
    float

    Examples
    --------
    >>> next_deadline(10.0, 10.25, 0.5), next_deadline(10.0, 11.75, 0.5)
    (10.5, 12.0)
    """
    return due + period * max(1, math.ceil((now - due) / period))

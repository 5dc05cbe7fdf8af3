"""How the point moves: it glides from one emotion to the next, and a tail of the last seconds follows it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

TAIL = 7.0  # [s]
_SHARE = 0.96  # of a step, after which the point has arrived
_LONGEST = 1.0  # [s] of gliding
_DEFAULT_STEP = 0.5  # [s]

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
        share = min(1.0, max(0.0, (now - self.begun) / self.duration)) if self.duration else 1.0
        (x, y), (to_x, to_y) = self.start, self.end
        return x + (to_x - x) * share, y + (to_y - y) * share


class Glide:
    """The way of the point: at an even speed, so that it arrives shortly before the next emotion comes."""

    def __init__(self) -> None:
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
        self._legs.append(_Leg(start or point, point, now, _SHARE * min(step, _LONGEST)))
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

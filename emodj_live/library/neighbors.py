"""The songs nearest to a point of the plane, by Euclidean distance of mean valence and arousal: EmoDJ's rule.

The R*Tree finds the songs in a box, and their exact values decide. The box grows until it holds enough songs, and
further while filters leave too few of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from emodj_live.library.index import Library
from emodj_live.library.query import PLAYABLE, Box, Query, condition
from emodj_live.library.song import Song

Point = tuple[float, float]
"""Valence and arousal."""

_GROWTH = 4
_FEWEST, _MANY = 1.5, 3  # songs in a box for each that is wanted: a disc inside of it has three quarters of them
_MOST = 5000  # songs in a box; if more are needed, looking at every song in the index is faster
_SMALLEST = 1 / 1024  # half a side of the first box
_HALVINGS = 20
_STRIPS = 16
_ROUNDED_UP = 1 + 1e-9

_IN_BOXES = """SELECT place.id FROM (VALUES {}) AS box CROSS JOIN place
    WHERE place.max_valence >= box.column1 AND place.min_valence <= box.column2
    AND place.max_arousal >= box.column3 AND place.min_arousal <= box.column4"""
_PLANE = Box(-1, 1, -1, 1)
_NOWHERE = "SELECT id FROM place WHERE 0"
_SQUARE = """(song.valence - point.valence) * (song.valence - point.valence)
    + (song.arousal - point.arousal) * (song.arousal - point.arousal)"""
_NEAREST = f"""CROSS JOIN (SELECT ? AS valence, ? AS arousal) AS point
    WHERE {{}} AND {{}} AND ({_SQUARE}, song.id) > (?, ?) ORDER BY {_SQUARE}, song.id LIMIT ?"""


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A song, and how far away it is.

    Attributes
    ----------
    song : Song
    distance : float
        Euclidean distance of its mean valence and arousal from the point.
    """

    song: Song
    distance: float


def nearest(library: Library, point: Point, query: Query | None = None, *, at_once: int = 16) -> Iterator[Neighbor]:
    """Return all songs from the nearest to the farthest; of equally near ones the one with the lowest id comes first.

    Songs whose files are gone, and songs without any sound, are left out. They are looked for as they are needed: the
    first ones take about a millisecond in a collection of whatever size.

    Parameters
    ----------
    library : Library
    point : tuple of float
        Valence and arousal; it may lie outside the plane.
    query : Query, optional
        What the songs must be like.
    at_once : int
        How many to look for at first: best as many as will be taken.

    Returns
    -------
    iterator of Neighbor

    Raises
    ------
    ValueError
        If a coordinate is not a finite number, or `at_once` is not positive.

    Examples
    --------
    >>> from itertools import islice
    >>> with Library("music.db") as library:  # doctest: +SKIP
    ...     near = list(islice(nearest(library, (0.3, -0.2)), 10))
    """
    if not all(map(math.isfinite, point)):
        raise ValueError(f"a point must be two finite numbers, got {point}")
    if at_once < 1:
        raise ValueError(f"at_once must be a positive number, got {at_once}")
    return _Search(library, point, query or Query()).neighbors(at_once)


class _Search:
    """One search. It remembers how large its box was, and the distance and id of the last song that was found."""

    def __init__(self, library: Library, point: Point, query: Query) -> None:
        self._library = library
        self._point = point
        self._condition = condition(library, query)
        self._bounds = query.box
        self._is_by_box = not self._condition.is_narrow
        self._half = 0.0  # of the box's side
        self._count = 0
        self._last = (-1.0, 0)

    def neighbors(self, wanted: int) -> Iterator[Neighbor]:
        while True:
            found = 0
            for song in self._next(wanted):
                found += 1
                square = self._square(song)
                self._last = (square, song.id or 0)
                yield Neighbor(song, math.sqrt(square))
            if found < wanted:
                return
            self._count += found
            wanted *= _GROWTH

    def _square(self, song: Song) -> float:
        """Return the square of the distance, by the same operations as in SQL."""
        valence, arousal = self._point
        return (song.valence - valence) * (song.valence - valence) + (song.arousal - arousal) * (song.arousal - arousal)

    def _next(self, wanted: int) -> Iterator[Song]:
        """Return the nearest songs behind the last one; fewer than `wanted` only if there are no more."""
        aim = self._count + wanted
        while self._is_by_box and aim <= _MOST:
            if (half := self._half_side(aim)) is None:
                return iter(self._songs(wanted, [self._bounds]))
            self._half = half
            found = list(self._songs(wanted, [self._box(half)]))
            if len(found) == wanted:
                reach = math.sqrt(self._square(found[-1])) * _ROUNDED_UP
                return iter(found) if reach <= half else self._songs(wanted, self._disc(reach))
            aim *= _GROWTH
        self._is_by_box = False
        return self._songs(wanted if wanted <= _MOST else -1, None)

    def _half_side(self, aim: int) -> float | None:
        """Return half a side of a box with more than `aim` songs, but not many more; None if there are not so many."""
        low, high = self._half, max(2 * self._half, _SMALLEST)
        fewest, most = round(_FEWEST * aim), _MANY * aim
        while (count := self._count_songs(high, most)) < fewest:
            if high > 1 + max(map(abs, self._point)):  # it contains the whole plane
                return None
            low, high = high, 2 * high
        for _ in range(_HALVINGS):
            if count < most:
                break
            middle = (low + high) / 2
            inside = self._count_songs(middle, most)
            low, high, count = (low, middle, inside) if inside >= fewest else (middle, high, count)
        return high

    def _count_songs(self, half: float, most: int) -> int:
        """Return how many songs are in a box, or `most` if there are more."""
        region, edges = self._region([self._box(half)])
        return int(self._library.query(f"SELECT count(*) FROM ({region} LIMIT ?)", (*edges, most))[0][0])  # noqa: S608

    def _songs(self, wanted: int, boxes: Sequence[Box] | None) -> Iterator[Song]:
        """Return the nearest songs behind the last one, of those in some boxes, or of all."""
        region, edges = self._region(boxes or [])
        sql = _NEAREST.format(PLAYABLE if boxes is None else f"song.id IN ({region})", self._condition.text)
        return self._library.songs(sql, (*self._point, *edges, *self._condition.parameters, *self._last, wanted))

    def _region(self, boxes: Sequence[Box]) -> tuple[str, list[float]]:
        """Return SQL for the ids of the songs in some boxes, within the query's bounds, and its parameters."""
        inside = [box & self._bounds for box in boxes]
        inside = [box for box in inside if box.left <= box.right and box.bottom <= box.top]
        edges = [edge for box in inside for edge in (box.left, box.right, box.bottom, box.top)]
        return (_IN_BOXES.format(", ".join(["(?, ?, ?, ?)"] * len(inside))) if inside else _NOWHERE), edges

    def _box(self, half: float) -> Box:
        valence, arousal = self._point
        return Box(valence - half, valence + half, arousal - half, arousal + half)

    def _disc(self, radius: float) -> list[Box]:
        """Return boxes that together cover a disc, and little besides: one box alone might reach into the crowd."""
        (valence, arousal), bounds = self._point, self._bounds & _PLANE
        reach = _across(radius, max(bounds.bottom - arousal, arousal - bounds.top, 0.0))
        first, last = max(bounds.left, valence - reach), min(bounds.right, valence + reach)
        cuts = [first + (last - first) * number / _STRIPS for number in range(_STRIPS + 1)]
        boxes = []
        for left, right in pairwise(cuts):
            half = _across(radius, max(left - valence, valence - right, 0.0))
            boxes.append(Box(left, right, arousal - half, arousal + half))
        return boxes


def _across(radius: float, distance: float) -> float:
    """Return half the length of a disc's chord at a distance from the middle."""
    return math.sqrt(max(0.0, (radius - distance) * (radius + distance)))

"""Songs in an order that follows their emotion: from mood to mood, around a point, or EmoDJ's chain."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Quadrant
from emodj_live.library.index import Library
from emodj_live.library.moods import Survey, survey
from emodj_live.library.neighbors import Point
from emodj_live.library.picker import DETOUR, Picker, artist_of
from emodj_live.library.query import PLAYABLE, Query, condition
from emodj_live.library.song import Song


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long a playlist is to be: a number of songs, or a time.

    Attributes
    ----------
    songs : int or None
        How many.
    seconds : float or None
        How long [s]. The playlist is longer or shorter by half a song at most, if there are enough songs.

    Raises
    ------
    ValueError
        Unless exactly one of the two is given, and is positive.
    """

    songs: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.songs, self.seconds) if value is not None]
        if len(given) != 1 or not 0 < given[0] < math.inf:
            raise ValueError(f"a length must be either a number of songs or of seconds, got {self}")


@dataclass
class _Progress:
    """How far a playlist has come."""

    length: Length
    typical: float  # [s] how long a song is
    songs: int = 0
    seconds: float = 0.0

    @property
    def left(self) -> int:
        """How many songs are still to come, as far as can be said."""
        if self.length.seconds is None:
            return (self.length.songs or 0) - self.songs
        share = (self.length.seconds - self.seconds) / self.typical
        return max(0 if self.songs else 1, math.floor(share + 0.5))

    @property
    def longest(self) -> float:
        """How long the next song may be [s]: beyond that, the playlist would be too long by more than half a song."""
        return math.inf if self.length.seconds is None else self.length.seconds - self.seconds + self.typical / 2

    def add(self, song: Song) -> None:
        self.songs += 1
        self.seconds += song.duration


Place: TypeAlias = "Quadrant | Point | Song"
"""A mood of the collection, valence and arousal, or a song: where it lies."""


def walk(library: Library, start: Place, end: Place, length: Length, query: Query | None = None) -> Iterator[Song]:
    """Yield songs along a straight line through the plane, in even steps from its start to its end.

    At every step it is the nearest song. None comes twice, and no artist twice in a row if another one is nearby. Where
    there are fewer than twice as many songs as are wanted, those nearest to the line come in its direction instead:
    steps would use up the songs at its end before it is reached.

    Parameters
    ----------
    library : Library
    start, end : Quadrant, tuple of float, or Song
        A mood is where it lies in this collection, as in `survey`.
    length : Length
        There are fewer songs if the collection does not have enough of them.
    query : Query, optional
        What the songs must be like.

    Yields
    ------
    Song

    Raises
    ------
    LibraryError
        If the collection has no songs.

    Examples
    --------
    >>> with Library("music.db") as library:  # doctest: +SKIP
    ...     evening = list(walk(library, Quadrant.CALM, Quadrant.HAPPY, Length(seconds=3600)))
    """
    known = survey(library)
    first, last = np.array(_point(start, known)), np.array(_point(end, known))
    progress = _Progress(length, known.duration)
    available = _count(library, query or Query(), enough=2 * progress.left)
    if math.isfinite(available):
        yield from _lined_up(Picker(library, query, varies_artists=False), first, last, progress)
        return
    picker, share = Picker(library, query), 0.0
    while (left := progress.left) > 0:
        if progress.songs:
            share += (1 - share) / left
        valence, arousal = (first + share * (last - first)).tolist()
        song = picker.pick((valence, arousal), longest=progress.longest)
        if song is None:
            return
        progress.add(song)
        yield song


def _lined_up(
    picker: Picker, first: NDArray[np.float64], last: NDArray[np.float64], progress: _Progress
) -> Iterator[Song]:
    """Yield the songs nearest to a line, in its direction, and no artist twice in a row if another one is nearby."""
    middle, line = ((first + last) / 2).tolist(), last - first
    songs = list(iter(lambda: picker.pick(middle), None))
    points = np.array([(song.valence, song.arousal) for song in songs]).reshape(-1, 2) - first
    along = points @ line / max(float(line @ line), 1e-12)  # 0 at the line's beginning, 1 at its end
    off = np.linalg.norm(points - np.clip(along, 0, 1)[:, np.newaxis] * line, axis=1)
    chosen = []
    for number in np.argsort(off, kind="stable").tolist():
        if progress.left > 0 and songs[number].duration <= progress.longest:
            progress.add(songs[number])
            chosen.append(number)
    chosen.sort(key=lambda number: along[number])
    detour, artist = DETOUR / max(float(np.linalg.norm(line)), DETOUR), ""
    while chosen:
        near = [number for number in chosen if along[number] <= along[chosen[0]] + detour]
        others = (number for number in near if not artist or artist_of(songs[number]) != artist)
        number = next(others, chosen[0])
        chosen.remove(number)
        artist = artist_of(songs[number])
        yield songs[number]


def around(library: Library, place: Place, length: Length, query: Query | None = None) -> Iterator[Song]:
    """Yield the songs around a place, the nearest first. None comes twice, nor an artist in a row if another is nearby.

    Parameters
    ----------
    library : Library
    place : Quadrant, tuple of float, or Song
        A song of the collection is itself the first one.
    length : Length
        There are fewer songs if the collection does not have enough of them.
    query : Query, optional
        What the others must be like.

    Yields
    ------
    Song

    Raises
    ------
    LibraryError
        If the collection has no songs.
    """
    known = survey(library)
    point, progress = _point(place, known), _Progress(length, known.duration)
    return _follow(Picker(library, query), place, progress, point, moves=False)


def chain(library: Library, first: Song, length: Length, query: Query | None = None) -> Iterator[Song]:
    """Yield a song, and then always the one nearest to the last that has not come yet: EmoDJ's rule.

    Parameters
    ----------
    library : Library
    first : Song
        If it is not in the index, or its file is gone, the chain begins with the song nearest to it.
    length : Length
        There are fewer songs if the collection does not have enough of them.
    query : Query, optional
        What the others must be like.

    Yields
    ------
    Song

    Raises
    ------
    LibraryError
        If the collection has no songs.
    """
    known = survey(library)
    point, progress = _point(first, known), _Progress(length, known.duration)
    return _follow(Picker(library, query, varies_artists=False), first, progress, point, moves=True)


def _follow(picker: Picker, start: Place, progress: _Progress, point: Point, *, moves: bool) -> Iterator[Song]:
    """Yield the start if it is a song of the collection, then songs near a point, which may move to each of them."""
    song = start if isinstance(start, Song) and start.id is not None and not start.is_missing else None
    if song:
        picker.remember(song)
    while progress.left > 0:
        song = song or picker.pick(point, longest=progress.longest)
        if song is None:
            return
        progress.add(song)
        yield song
        point, song = ((song.valence, song.arousal) if moves else point), None


def _point(place: Place, known: Survey) -> Point:
    if isinstance(place, Quadrant):
        return known.moods[place]
    return (place.valence, place.arousal) if isinstance(place, Song) else place


def _count(library: Library, query: Query, *, enough: int) -> float:
    """Return how many different recordings there are; infinity if there are enough."""
    asked = condition(library, query)
    different = f"SELECT DISTINCT +song.content FROM song WHERE {PLAYABLE} AND {asked.text} LIMIT ?"  # noqa: S608
    count: int = library.query(f"SELECT count(*) FROM ({different})", (*asked.parameters, enough))[0][0]  # noqa: S608
    return count if count < enough else math.inf

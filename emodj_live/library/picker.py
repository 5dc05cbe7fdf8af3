"""One song after the other, none twice: what playlists, and players that are steered while they play, are made of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice

from emodj_live.library.index import Library
from emodj_live.library.neighbors import Neighbor, Point, nearest
from emodj_live.library.query import Query
from emodj_live.library.song import Song

DETOUR = 0.1
"""How much farther away a song may be, so that no artist comes twice in a row; models are off by more than that."""

_LOOKAHEAD = 100  # songs to look at for another artist
_AT_ONCE = 6  # songs: mostly one of them is new, and by another artist


class Picker:
    """Picks songs one by one: each time the nearest to a point that was not picked before.

    Copies of one recording count as one song.

    Parameters
    ----------
    library : Library
    query : Query, optional
        What the songs must be like.
    varies_artists : bool
        Whether to prefer a song of another artist to one of the artist who was picked last, if it is at most 0.1
        farther away and among the 100 nearest.

    Examples
    --------
    >>> with Library("music.db") as library:  # doctest: +SKIP
    ...     picker = Picker(library)
    ...     first = picker.pick((0.2, -0.1))
    ...     following = picker.pick((first.valence, first.arousal))
    """

    def __init__(self, library: Library, query: Query | None = None, *, varies_artists: bool = True) -> None:
        self._library = library
        self._query = query
        self._varies_artists = varies_artists
        self._songs: set[int] = set()  # that were picked, and copies of them
        self._contents: set[bytes] = set()
        self._artist = ""
        self._point: Point | None = None
        self._waiting: list[Neighbor] = []  # found at this point, but not picked
        self._coming: Iterator[Neighbor] = iter(())

    def pick(self, point: Point, *, longest: float = math.inf) -> Song | None:
        """Return the next song.

        Parameters
        ----------
        point : tuple of float
            Valence and arousal.
        longest : float
            How long it may last [s].

        Returns
        -------
        Song or None
            None if no such song is left.
        """
        if point != self._point:
            self._point, self._waiting = point, []
            self._coming = nearest(self._library, point, self._query, at_once=_AT_ONCE)
        fitting = (neighbor for neighbor in self._left() if neighbor.song.duration <= longest)
        first = next(fitting, None)
        if first is None:
            return None
        song = first.song
        if self._is_again(song):
            ahead = islice(fitting, _LOOKAHEAD - 1)
            near = (each.song for each in ahead if each.distance <= first.distance + DETOUR)
            song = next((other for other in near if not self._is_again(other)), song)
        self.remember(song)
        return song

    def remember(self, song: Song) -> None:
        """Take a song as the last one that was picked: neither it nor a copy of it comes later.

        Parameters
        ----------
        song : Song
        """
        self._artist = artist_of(song)
        if song.id is not None:
            self._songs.add(song.id)
            self._contents.add(self._content(song))

    def _left(self) -> Iterator[Neighbor]:
        """Yield the songs that were not picked yet, from the nearest to the point on."""
        self._waiting = [neighbor for neighbor in self._waiting if neighbor.song.id not in self._songs]
        yield from [neighbor for neighbor in self._waiting if self._is_new(neighbor.song)]
        for neighbor in self._coming:
            if self._is_new(neighbor.song):
                self._waiting.append(neighbor)
                yield neighbor

    def _is_new(self, song: Song) -> bool:
        if song.id in self._songs:
            return False
        if self._content(song) in self._contents:
            self._songs.add(song.id or 0)
            return False
        return True

    def _content(self, song: Song) -> bytes:
        found = self._library.query("SELECT content FROM song WHERE id = ?", (song.id,))
        return bytes(found[0][0]) if found else b""  # it was removed at this moment

    def _is_again(self, song: Song) -> bool:
        return self._varies_artists and bool(self._artist) and artist_of(song) == self._artist


def artist_of(song: Song) -> str:
    """Return a name by which artists are compared; empty if it is not known.

    Parameters
    ----------
    song : Song

    Returns
    -------
    str
    """
    return (song.artist or "").casefold()

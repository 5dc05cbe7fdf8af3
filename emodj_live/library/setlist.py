"""What an evening plays: the songs so far, the present one, and those to come, which may be steered toward a mood.

Songs are taken from their order as late as possible, so that an evening begins at once, however large the collection.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, islice

from emodj_live.emotion import Quadrant
from emodj_live.library.song import Song, text


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One entry of a set list; a playlist may have the same file twice.

    Attributes
    ----------
    path : bytes
        The file, absolute.
    name : str
        What to call it.
    """

    path: bytes
    name: str

    @classmethod
    def of(cls, song: Song) -> Track:
        """Return the track that plays a song."""
        return cls(song.path, song.name)

    @classmethod
    def at(cls, path: bytes) -> Track:
        """Return the track that plays a file that is not in the index."""
        return cls(path, text(os.path.basename(path)))  # noqa: PTH119 (of bytes))


class SetList:
    """The tracks of an evening in their order, from which a mood may lead away and back.

    Parameters
    ----------
    tracks : iterable of Track
        The order to begin with.
    toward : callable
        Takes a `Quadrant`, and returns an iterable of tracks, those nearest to the mood first.

    Attributes
    ----------
    present : Track or None
        What plays.
    mood : Quadrant or None
        Where the tracks to come lead; None for the order of the beginning.

    Examples
    --------
    >>> songs = SetList([Track(b"/a.mp3", "a"), Track(b"/b.mp3", "b")], lambda mood: [])
    >>> songs.advance().name, [track.name for track in songs.coming(3)]
    ('a', ['b'])
    """

    def __init__(self, tracks: Iterable[Track], toward: Callable[[Quadrant], Iterable[Track]]) -> None:
        self.present: Track | None = None
        self.mood: Quadrant | None = None
        self._toward = toward
        self._before: list[Track] = []
        self._used: set[bytes] = set()  # what has been played or could not be: a mood does not lead to it
        self._astray: set[bytes] = set()  # the same, while a mood led
        self._order = self._line = _Line(tracks, self._astray)

    def coming(self, count: int) -> list[Track]:
        """Return the next tracks.

        Parameters
        ----------
        count : int
            How many at most.

        Returns
        -------
        list of Track
        """
        found = self._line.first(count)
        if not found and self.mood:  # nothing is left that a mood could lead to
            self.steer(None)
            found = self._line.first(count)
        return found

    def advance(self) -> Track | None:
        """Go on to the next track.

        Returns
        -------
        Track or None
            None at the end.
        """
        if self.present is not None:
            self._before.append(self.present)
        self.present = self._take()
        return self.present

    def drop(self) -> None:
        """Leave out the next track, which cannot be played."""
        self._take()

    def go_back(self, *, again: bool = False) -> None:
        """Let the track before the present one come next, and then the present one.

        Parameters
        ----------
        again : bool
            Whether it shall be the present one, from its start. It is if there is none before it.
        """
        before = [] if again or not self._before else [self._before.pop()]
        self._line.prepend([*before, *([self.present] if self.present else [])])
        self.present = None

    def steer(self, mood: Quadrant | None) -> None:
        """Choose what comes: tracks near a mood that were not played yet, or the order of the beginning.

        Parameters
        ----------
        mood : Quadrant or None
        """
        self.mood = mood
        self._line = _Line(self._toward(mood), self._used) if mood else self._order

    def _take(self) -> Track | None:
        if not self.coming(1):
            return None
        track = self._line.take()
        self._used.add(track.path)
        if self.mood:
            self._astray.add(track.path)
        return track


class _Line:
    """Tracks to come, without those that are used up."""

    def __init__(self, tracks: Iterable[Track], used: set[bytes]) -> None:
        self._again: deque[Track] = deque()  # come whether they are used up or not
        self._ahead: deque[Track] = deque()
        self._rest = iter(tracks)
        self._used = used

    def first(self, count: int) -> list[Track]:
        self._ahead = deque(track for track in self._ahead if track.path not in self._used)
        lacking = count - len(self._again) - len(self._ahead)
        new = (track for track in self._rest if track.path not in self._used)
        self._ahead.extend(islice(new, max(0, lacking)))
        return list(islice(chain(self._again, self._ahead), count))

    def take(self) -> Track:
        return (self._again or self._ahead).popleft()

    def prepend(self, tracks: list[Track]) -> None:
        self._again.extendleft(reversed(tracks))

"""Plays a set list on one deck: the next song is decoded ahead, and what it feels like is shown as it is heard."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from emodj_live import Dashboard, Deck, EmotionTracker, FileSource, PlayedSource, Quadrant, SourceError
from emodj_live.blocks import Block, Gap
from emodj_live.console import request_stop
from emodj_live.errors import LibraryError
from emodj_live.library.setlist import SetList, Track
from emodj_live.sinks.terminal.keys import LAST_SONG, VIEW_KEYS, Key

logger = logging.getLogger(__name__)

_SHOWN = 3  # titles to come
_RESTARTS = 3.0  # [s] from when on "previous" begins the song again
_SEEKS = {"left": -10.0, "right": 10.0}  # [s]
MOOD_KEYS = {str(number): mood for number, mood in enumerate(Quadrant, start=1)}
"""The keys that steer; letters are the dashboard's."""

KEYS = (
    Key("n", "next", "next song"),
    Key("p", "back", "this song again, in its first seconds the one before"),
    Key("space", "pause", "pause, and go on"),
    Key("← →", "seek", f"go {_SEEKS['right']:g} seconds back or on"),
    *(Key(key, mood.value, f"go on with songs that are {mood.value}, and back") for key, mood in MOOD_KEYS.items()),
    *VIEW_KEYS,
    Key("q", "quit", "quit"),
)
"""The keys that the player and its dashboard obey."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    track: Track
    source: PlayedSource


class Player:
    """Plays a set list, until it ends or `stop` is set.

    Parameters
    ----------
    songs : SetList
    deck : Deck
    tracker : EmotionTracker
    stop : threading.Event
    dashboard : Dashboard, optional
        Shows the emotions and gives the keys; it is entered already.
    tell : callable, optional
        Called with each track when it begins.

    Examples
    --------
    >>> with Deck() as deck:  # doctest: +SKIP
    ...     Player(songs, deck, EmotionTracker(load_model()), threading.Event(), tell=print).run()
    """

    def __init__(
        self,
        songs: SetList,
        deck: Deck,
        tracker: EmotionTracker,
        stop: threading.Event,
        *,
        dashboard: Dashboard | None = None,
        tell: Callable[[Track], object] | None = None,
    ) -> None:
        self._songs = songs
        self._deck = deck
        self._tracker = tracker
        self._stop = stop
        self._dashboard = dashboard
        self._tell = tell
        self._next: _Prepared | None = None
        self._has_played = self._is_new = False

    def run(self) -> None:
        """Play. A song that cannot be played is left out, with a notice.

        Raises
        ------
        LibraryError
            If nothing could be played.
        SourceError
            If the output device cannot be opened, or goes away.
        """
        while not self._stop.is_set() and (present := self._advance()) is not None:
            self._play(present)
        if not (self._has_played or self._stop.is_set()):
            raise LibraryError("no song could be played; choose others, or scan their folders again.")

    def _advance(self) -> PlayedSource | None:
        self._prepare()
        prepared, self._next = self._next, None
        if prepared is None:
            return None
        self._songs.advance()
        if self._tell:
            self._tell(prepared.track)
        return prepared.source

    def _play(self, source: PlayedSource) -> None:
        if self._dashboard:
            self._dashboard.follow(source)
            self._dashboard.show("")
        self._is_new = True
        sinks = [self._dashboard] if self._dashboard else []
        try:
            self._tracker.run(source, *sinks, stop=self._stop, after_block=partial(self._after_block, source))
        except SourceError as error:
            if self._deck.has_failed:
                raise
            logger.warning("skipped %s", error)
        self._has_played |= source.position > 0

    # ------------------------------------------------------------------------------------------------- what comes next

    def _prepare(self) -> None:
        """Have the song that comes next on the deck, and no other."""
        while coming := self._songs.coming(1):
            if self._next and self._next.track is coming[0]:
                return
            self._clear()
            if source := self._open(coming[0]):
                self._next = _Prepared(coming[0], source)
                self._deck.queue(source)
                return
            self._songs.drop()
        self._clear()

    def _clear(self) -> None:
        if self._next:
            self._deck.clear()
            self._next = None

    def _open(self, track: Track) -> PlayedSource | None:
        try:
            file = FileSource(os.fsdecode(track.path), sample_rate=self._tracker.model.sample_rate)
        except SourceError as error:
            logger.warning("skipped %s", error)
            return None
        return PlayedSource(file, output=self._deck)

    # ----------------------------------------------------------------------------------------------------------- keys

    def _after_block(self, source: PlayedSource, block: Block | Gap) -> None:
        if self._is_new:  # not before its first block, which would wait for the next file to be found and opened
            self._is_new = False
            self._prepare()
            self._note()
        if self._dashboard:
            if key := self._dashboard.key():
                self._dashboard.show("")  # a message hides the songs to come
                self._obey(key, source)
                self._note()
            self._dashboard.after_block(block)

    def _obey(self, key: str, source: PlayedSource) -> None:
        if key == " ":
            source.is_paused = not source.is_paused
        elif key == "q":
            request_stop(self._stop)
        elif key == "n":
            self._go_on(source)
        elif key == "p":
            self._songs.go_back(again=source.position > _RESTARTS)
            self._prepare()
            self._leave(source)
        elif mood := MOOD_KEYS.get(key):
            self._songs.steer(None if mood is self._songs.mood else mood)
            self._prepare()
        elif key in _SEEKS and (seek := getattr(source, "seek", None)):
            seek(max(0.0, source.position + _SEEKS[key]))
        elif self._dashboard:
            self._dashboard.press(key)

    def _go_on(self, source: PlayedSource) -> None:
        """Go on to the next song; behind the last one there is a shell, which would get the keys that follow."""
        if self._songs.coming(1):
            self._leave(source)
        elif self._dashboard:
            self._dashboard.show(LAST_SONG, passing=True)

    def _leave(self, source: PlayedSource) -> None:
        """Go on with the next song, the first seconds of which are decoded while this one is still heard."""
        if self._next and not self._next.source.passage.waiting:
            self._next.source.passage.decode()
        source.is_paused = False
        self._tracker.stop()

    def _note(self) -> None:
        """Say on the dashboard what comes next, and why."""
        if self._dashboard:
            titles = ", ".join(track.name for track in self._songs.coming(_SHOWN))
            toward = f", toward {self._songs.mood.value}" if self._songs.mood else ""
            self._dashboard.note = f"next{toward}: {titles}" if titles else "the last song"

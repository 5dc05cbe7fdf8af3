"""Keys that act on what is followed: pause, seek, the next song, quit. The dashboard's own only change the view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from emodj_live.blocks import status_of
from emodj_live.console import request_stop
from emodj_live.emotion import Emotion
from emodj_live.sinks.terminal.dashboard import Dashboard
from emodj_live.sinks.terminal.keys import LAST_SONG, VIEW_KEYS, Key
from emodj_live.work import Work

_STRIDE = 5.0  # [s] that an arrow seeks
_BEGINNING = 3.0  # [s] after which the song before means the beginning of this one


class Controls:
    """A dashboard as a sink, with a heartbeat that obeys keys.

    Parameters
    ----------
    dashboard : Dashboard
    work : Work
        What is followed.
    """

    def __init__(self, dashboard: Dashboard, work: Work) -> None:
        self._dashboard = dashboard
        self._work = work
        self._source: Any = work.source
        self._target: float | None = None  # of a seek that the stream has not followed yet [s]
        self._actions: dict[str, Callable[[], object]] = {"q": self._quit}
        if hasattr(self._source, "is_paused"):
            self._actions[" "] = self._pause
        if hasattr(self._source, "seek"):
            self._actions |= {"n": self._go_on, "p": lambda: self._seek_to(0.0)} if work.is_last else {}
            self._actions |= {"left": lambda: self._seek(-_STRIDE), "right": lambda: self._seek(_STRIDE)}
        if work.count > 1:
            self._actions |= {"n": self._go_on, "p": self._go_back}
        dashboard.keys = self._keys()

    def __call__(self, emotion: Emotion) -> None:
        """Pass an emotion on."""
        self._dashboard(emotion)

    def after_block(self, block: object) -> None:
        """Obey the keys that were pressed, and draw."""
        if hasattr(block, "position"):  # the stream goes on elsewhere
            self._target = None
        while key := self._dashboard.key():
            if action := self._actions.get(key):
                action()
            else:
                self._dashboard.press(key)
        self._dashboard.after_block(block)

    def _keys(self) -> Sequence[Key]:
        """Return the keys that have an effect, in the order in which they are shown."""
        known = {
            " ": Key("space", "pause", "pause, and go on"),
            "left": Key("← →", "seek", f"go {_STRIDE:g} seconds back or on"),
            "n": Key("n p", "song", "next song, or the one before"),
        }
        own = [shown for key, shown in known.items() if key in self._actions and (key != "n" or self._work.count > 1)]
        return (*own, *VIEW_KEYS, Key("q", "quit", "quit"))

    def _quit(self) -> None:
        request_stop(self._work.stop)

    def _pause(self) -> None:
        self._source.is_paused = not self._source.is_paused

    def _seek(self, by: float) -> None:
        start = status_of(self._source).position if self._target is None else self._target
        self._seek_to(max(0.0, start + by))

    def _seek_to(self, position: float) -> None:
        try:
            self._source.seek(position)
            self._target = position
        except TypeError:  # what is paced or played cannot be begun elsewhere
            self._dashboard.show("this source can only be heard from its beginning", passing=True)

    def _go_on(self) -> None:
        """Go on to the next song; behind the last one there is a shell, which would get the keys that follow."""
        if self._work.is_last:
            self._dashboard.show(LAST_SONG, passing=True)
        else:
            self._work.skip(1)

    def _go_back(self) -> None:
        """Go to the beginning of the song or, near its beginning, to the song before."""
        self._work.skip(0 if status_of(self._source).position > _BEGINNING else -1)

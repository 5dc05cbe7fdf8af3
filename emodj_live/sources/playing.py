"""Which song a player says it plays, on desktops where players say so (MPRIS) and ``playerctl`` is installed.

Nothing waits for it: it is asked on a thread of its own, and without it there is no title.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from types import TracebackType

from emodj_live.errors import one_line

_PAUSE = 3.0  # [s] between two questions
_TIMEOUT = 2.0  # [s]
_PLAYERCTL = "playerctl"
_QUESTION = "--all-players", "metadata", "--format", "{{status}}\t{{artist}}\t{{title}}"


class NowPlaying:
    """Ask again and again, while it is used in a ``with`` statement, what is playing.

    Attributes
    ----------
    title : str
        Artist and title of the song; empty if no player plays, or none says what.
    """

    def __init__(self) -> None:
        self.title = ""
        self._ended = threading.Event()

    def __enter__(self) -> NowPlaying:
        self._ended = threading.Event()
        if shutil.which(_PLAYERCTL):
            threading.Thread(target=self._ask_on, args=(self._ended,), name="now playing", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask no more."""
        self._ended.set()
        self.title = ""

    def _ask_on(self, ended: threading.Event) -> None:
        while not ended.is_set():
            title = _answer()
            if not ended.is_set():
                self.title = title
            ended.wait(_PAUSE)


def _answer() -> str:
    """Ask once."""
    try:
        done = subprocess.run(  # noqa: S603 (a fixed command)
            [_PLAYERCTL, *_QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return _title(done.stdout.decode(errors="replace"))


def _title(answer: str) -> str:
    """Return artist and title of the first of all players that plays."""
    for line in answer.splitlines():
        status, artist, title = (*line.split("\t", 2), "", "")[:3]
        if status == "Playing":
            return one_line(" - ".join(part for part in (artist.strip(), title.strip()) if part))
    return ""

"""Single keys from the terminal, without waiting for one and without Enter."""

from __future__ import annotations

import os
import re
import sys
import time
from collections import deque
from contextlib import suppress
from typing import Any

BACKGROUND_QUERY = "\x1b]11;?\x1b\\"  # the terminal answers on its keyboard's line, if it does at all
_ANSWER = re.compile(r"11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")
_NAMES = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
_WINDOWS_NAMES = {"H": "up", "P": "down", "M": "right", "K": "left", "G": "home", "O": "end"}
_KEY = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # an answer
    r"|\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|\x1b[^\[\]O]"  # a key with a name, or with Alt
    r"|[^\x1b]",
    re.DOTALL,
)
_PATIENCE = 0.3  # [s] for the rest of what begins with Escape
_ANSWER_TIME = 0.5  # [s] in which a terminal may still answer


def is_foreground(descriptor: int) -> bool:
    """Return whether this program may use a terminal: a shell keeps its background jobs off it.

    Parameters
    ----------
    descriptor : int
        An open terminal.

    Returns
    -------
    bool
        True also where there is no job control, as on Windows.
    """
    if sys.platform == "win32":
        return True
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:  # it is not the terminal that controls this process
        return True


class Keyboard:
    """The keys of the controlling terminal, even if standard input is a file or a pipe.

    Where there is no terminal, there are no keys.

    Attributes
    ----------
    background : str
        The terminal's background as ``#rrggbb``, once it has answered `BACKGROUND_QUERY`; empty before.
    """

    def __init__(self) -> None:
        self.background = ""
        self._descriptor: int | None = None
        self._settings: list[Any] | None = None  # of the terminal, before they were changed
        self._keys: deque[str] = deque()
        self._rest = ""
        self._rest_since = 0.0
        self._asked_at: float | None = None

    def take(self) -> None:
        """Switch the terminal to single keys without echo; Ctrl-C and Ctrl-Z keep their meaning."""
        if sys.platform == "win32":
            return
        import termios

        self._descriptor = _open_terminal()
        if self._descriptor is None or not is_foreground(self._descriptor):
            return
        with suppress(termios.error):
            self._settings = termios.tcgetattr(self._descriptor)
            settings = termios.tcgetattr(self._descriptor)
            settings[3] &= ~(termios.ECHO | termios.ICANON)
            settings[6][termios.VMIN], settings[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, settings)

    @property
    def is_taken(self) -> bool:
        """Whether keys come one by one, so that an answer of the terminal would not be shown."""
        return self._settings is not None

    def expect_answer(self) -> None:
        """Know that the terminal was asked for its background."""
        self._asked_at = time.monotonic()

    def give_back(self) -> None:
        """Restore the terminal's settings, unless a shell has the terminal and has set its own."""
        if sys.platform == "win32" or self._descriptor is None:
            return
        import termios

        self._await_answer()
        if self._settings is not None and is_foreground(self._descriptor):
            with suppress(termios.error):
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._settings)
        os.close(self._descriptor)
        self._descriptor = self._settings = None
        self._keys.clear()
        self._rest = ""

    def _await_answer(self) -> None:
        """Wait for an answer that may still come, a moment at most: later it would be typed into the shell."""
        while self._asked_at is not None and time.monotonic() - self._asked_at < _ANSWER_TIME:
            self._fetch()
            time.sleep(0.005)
        self._asked_at = None

    def read(self) -> str:
        """Return the next key that was pressed.

        Returns
        -------
        str
            One character, or the name of a key: up, down, left, right, home, end, escape. Empty if there is none.
        """
        if not self._keys:
            self._fetch()
        return self._keys.popleft() if self._keys else ""

    def _fetch(self) -> None:
        if sys.platform == "win32":
            self._fetch_on_windows()
            return
        if self._descriptor is None or not is_foreground(self._descriptor):
            return
        try:
            arrived = os.read(self._descriptor, 4096).decode(errors="ignore")
        except OSError:  # none was pressed, or the terminal is gone
            arrived = ""
        self._take_in(arrived, time.monotonic())

    def _take_in(self, arrived: str, now: float) -> None:
        """Split what arrived into keys and answers; what is incomplete has a moment to become complete."""
        if not self._rest:
            self._rest_since = now
        self._rest += arrived
        while found := _KEY.match(self._rest):
            self._rest, self._rest_since = self._rest[found.end() :], now
            self._add(found.group())
        if self._rest and now - self._rest_since > _PATIENCE:
            if self._rest == "\x1b":
                self._keys.append("escape")
            self._rest = ""

    def _add(self, text: str) -> None:
        if text.startswith("\x1b]"):
            if answer := _ANSWER.search(text):
                self.background = "#" + "".join(_two_digits(part) for part in answer.groups())
                self._asked_at = None
        elif text.startswith(("\x1b[", "\x1bO")):
            if name := _NAMES.get(text[-1]):
                self._keys.append(name)
        elif len(text) == 1:
            self._keys.append(text)

    def _fetch_on_windows(self) -> None:
        if sys.platform == "win32":
            import msvcrt

            while msvcrt.kbhit():
                key = msvcrt.getwch()
                name = _WINDOWS_NAMES.get(msvcrt.getwch(), "") if key in "\0\xe0" else key
                self._keys.extend([name] if name else [])


def _two_digits(part: str) -> str:
    """Return a color's part with as many digits as it came with as one with two."""
    return f"{round(int(part, 16) / (16 ** len(part) - 1) * 255):02x}"


def _open_terminal() -> int | None:
    """Open the controlling terminal or, where there is none, the one that standard input is.

    It is opened anew, because a reader that does not wait must not change the mode of what others read from.
    """
    if sys.platform != "win32":
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
        with suppress(OSError):
            return os.open("/dev/tty", flags)
        with suppress(OSError):
            return os.open(os.ttyname(0), flags)
    return None

"""Single keys from the terminal, without waiting for one and without Enter."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any


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
    """

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._settings: list[Any] | None = None  # of the terminal, before they were changed

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

    def give_back(self) -> None:
        """Restore the terminal's settings, unless a shell has the terminal and has set its own."""
        if sys.platform == "win32" or self._descriptor is None:
            return
        import termios

        if self._settings is not None and is_foreground(self._descriptor):
            with suppress(termios.error):
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._settings)
        os.close(self._descriptor)
        self._descriptor = self._settings = None

    def read(self) -> str:
        """Return the next key that was pressed.

        Returns
        -------
        str
            One character, or empty if there is none.
        """
        if sys.platform == "win32":
            import msvcrt

            return msvcrt.getwch() if msvcrt.kbhit() else ""
        if self._descriptor is None or not is_foreground(self._descriptor):
            return ""
        try:
            return os.read(self._descriptor, 1).decode(errors="ignore")
        except OSError:  # none was pressed, or the terminal is gone
            return ""


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

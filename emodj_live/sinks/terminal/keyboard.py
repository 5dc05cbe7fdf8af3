"""Single keys from the terminal, without waiting and without an Enter."""

from __future__ import annotations

import sys
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any


class Keyboard:
    """Read keys while in a ``with`` statement; the terminal is left as it was.

    Where standard input is not a terminal there are simply no keys.
    """

    def __init__(self) -> None:
        self._is_terminal = sys.stdin is not None and sys.stdin.isatty()
        self._exit = ExitStack()

    def __enter__(self) -> Keyboard:
        """Switch the terminal to single keys; Ctrl-C stays what it is."""
        if self._is_terminal and sys.platform != "win32":
            import termios
            import tty

            try:
                before = termios.tcgetattr(sys.stdin)
                tty.setcbreak(sys.stdin)
            except termios.error:  # as in the background, where the terminal is somebody else's
                self._is_terminal = False
                return self
            self._exit.callback(_restore, before)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Switch it back."""
        self._exit.close()

    def read(self) -> str:
        """Return the next key that was pressed.

        Returns
        -------
        str
            One character, or empty if there is none.
        """
        if not self._is_terminal:
            return ""
        if sys.platform == "win32":
            import msvcrt

            return msvcrt.getwch() if msvcrt.kbhit() else ""
        import os
        import select

        ready, _, _ = select.select([sys.stdin], [], [], 0)
        return os.read(sys.stdin.fileno(), 1).decode(errors="ignore") if ready else ""


def _restore(attributes: list[Any]) -> None:
    import termios

    with suppress(termios.error):
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, attributes)

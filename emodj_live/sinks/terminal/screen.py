"""The terminal as the dashboard takes it over, and as it gives it back: at any time, any number of times, and whole."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress

from rich.console import Console

from emodj_live.sinks.terminal.encoder import changes
from emodj_live.sinks.terminal.frame import Cells, Frame
from emodj_live.sinks.terminal.interruptions import uninterrupted
from emodj_live.sinks.terminal.keyboard import BACKGROUND_QUERY, Keyboard, is_foreground

_ENTER = "\x1b[?1049h\x1b[?25l"  # the alternate screen, and no cursor
_CLEAR = "\x1b[2J"
_LEAVE = f"{_CLEAR}\x1b[?1049l\x1b[?25h"  # cleared, because tmux shows the rest of an enlarged screen on the other one


class Screen:
    """The alternate screen of a terminal, and its keys.

    Parameters
    ----------
    console : rich.console.Console
        Where to draw.
    asks : bool
        Whether to ask the terminal for its background.
    """

    def __init__(self, console: Console, *, asks: bool = False) -> None:
        self._console = console
        self._asks = asks
        self._keyboard = Keyboard()
        self._is_taken = False
        self._shown: Cells | None = None
        self._descriptor: int | None = None
        with suppress(OSError):  # a terminal in memory has none
            self._descriptor = console.file.fileno() if console.is_terminal else None

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self._console.size

    @property
    def background(self) -> str:
        """The terminal's background as ``#rrggbb``; empty while it has not said so."""
        return self._keyboard.background

    @property
    def cells(self) -> Cells | None:
        """What it shows; None if that is not known."""
        return self._shown

    def take(self) -> bool:
        """Take the terminal over, unless a shell has put the program into the background.

        Returns
        -------
        bool
            Whether the terminal is ours; in the background it is given back, if it still was.

        Raises
        ------
        OSError
            If the terminal is gone.
        """
        if not self._may_draw():
            self.give_back()
            return False
        if self._is_taken:
            return True
        with uninterrupted():
            if not self._is_taken:
                self._is_taken = True
                atexit.register(self.give_back)
                self._shown = None
                self._console.file.flush()
                self._keyboard.take()
                self._write(_ENTER)
                if self._asks and self._keyboard.is_taken:
                    self._asks = False
                    self._keyboard.expect_answer()
                    self._write(BACKGROUND_QUERY)
        return True

    def give_back(self) -> None:
        """Leave the terminal as it was before; has no effect if it was not taken over."""
        with uninterrupted():
            if self._is_taken:
                self._keyboard.give_back()
                with suppress(OSError):  # a terminal that is gone needs nothing
                    self._write(_LEAVE)
                self._is_taken = False
                atexit.unregister(self.give_back)

    def _may_draw(self) -> bool:
        return self._descriptor is None or is_foreground(self._descriptor)

    def show(self, frame: Frame) -> None:
        """Put the cells that have changed on the terminal.

        Parameters
        ----------
        frame : Frame
            Of the terminal's size.

        Raises
        ------
        OSError
            If the terminal is gone.
        """
        before, self._shown = self._shown, frame.cells  # Ctrl-Z may come meanwhile: nothing is on the screen after it
        if before is None or before.shape != frame.cells.shape:
            self._write(_CLEAR + changes(None, frame.cells))
        elif written := changes(before, frame.cells):
            self._write(written)

    def key(self) -> str:
        """Return the next key that was pressed; empty if there is none."""
        return self._keyboard.read() if self._is_taken else ""

    def _write(self, text: str) -> None:
        """Write past all buffers, where an exception would leave a piece of a frame for later."""
        if self._descriptor is None or sys.platform == "win32":
            self._console.file.write(text)
            self._console.file.flush()
            return
        data = text.encode(self._console.encoding, errors="replace")
        while data and self._is_taken:  # until Ctrl-Z gives the screen back
            data = data[os.write(self._descriptor, data) :]

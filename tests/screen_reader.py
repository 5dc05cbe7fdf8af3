"""What a terminal shows after all that was written to it: a terminal that knows just what the dashboard writes.

Anything else in the stream is an error here, because a real terminal might do something else with it.
PYTEST_DONT_REWRITE: it has no asserts, and is imported as a module too.
"""

from __future__ import annotations

import re

import numpy as np
from rich.cells import cell_len

from emodj_live.sinks.terminal.frame import BOLD, DEFAULT, DIM, PALETTE, REVERSE, Frame, Pen, number_of

_TOKEN = re.compile(
    r"\x1b\[(?P<numbers>[0-9;]*)(?P<command>[HJm])"
    r"|\x1b\[\?(?P<mode>\d+)(?P<switch>[hl])"
    r"|(?P<question>\x1b\]11;\?\x1b\\)"
    r"|(?P<character>[^\x1b])"
)
_WEIGHTS = {1: BOLD, 2: DIM, 7: REVERSE}


class ScreenReader:
    """A terminal's screen.

    Parameters
    ----------
    width, height : int
        In cells.

    Attributes
    ----------
    frame : Frame
        What it shows.
    is_alternate : bool
        Whether the alternate screen is shown.
    outside : str
        All that was written while it was not.
    """

    def __init__(self, width: int, height: int) -> None:
        self.frame = Frame(width, height)
        self.is_alternate = False
        self.outside = ""
        self._x = self._y = 0
        self._pen = Pen(DEFAULT, DEFAULT)
        self._rest = ""

    def feed(self, text: str) -> ScreenReader:
        """Take in what was written; what is incomplete waits for the rest."""
        text, at = self._rest + text, 0
        while found := _TOKEN.match(text, at):
            at = found.end()
            self._take(found)
        self._rest = text[at:]
        if len(self._rest) > 40:
            raise ValueError(f"no terminal need understand {self._rest[:40]!r}")
        return self

    @property
    def rows(self) -> list[str]:
        """What it shows, row by row, as text."""
        return ["".join(segment.text for segment in line) for line in self.frame.lines()]

    @property
    def text(self) -> str:
        """What it shows, as text."""
        return "\n".join(self.rows)

    def _take(self, found: re.Match[str]) -> None:
        if found["mode"] == "1049":
            self.is_alternate = found["switch"] == "h"
            self.frame = Frame(self.frame.width, self.frame.height)
        elif found["character"] and not self.is_alternate:
            self.outside += found["character"]
        elif found["character"]:
            self._write(found["character"])
        elif found["command"] == "H":
            self._y, self._x = (int(number) - 1 for number in found["numbers"].split(";"))
        elif found["command"] == "J":
            self.frame = Frame(self.frame.width, self.frame.height)
        elif found["command"] == "m":
            self._style([int(number or 0) for number in found["numbers"].split(";")])

    def _write(self, character: str) -> None:
        width = cell_len(character)
        if not (self._x + width <= self.frame.width and self._y < self.frame.height):
            raise ValueError(f"written beyond the edge: {character!r} at {self._x}, {self._y}")
        if width == 0:
            return
        self.frame.put(self._x, self._y, [character, ""][:width], self._pen)
        self._x += width

    def _style(self, codes: list[int]) -> None:
        codes = list(codes)
        while codes:
            code = codes.pop(0)
            if code == 0:
                self._pen = Pen(DEFAULT, DEFAULT)
            elif code in _WEIGHTS:
                self._pen = self._pen._replace(weight=self._pen.weight | _WEIGHTS[code])
            else:
                name = "ground" if 40 <= code < 50 or 100 <= code else "ink"
                self._pen = self._pen._replace(**{name: self._color(code, codes)})

    def _color(self, code: int, rest: list[int]) -> int:
        if code % 10 == 8 and code < 50:
            if rest.pop(0) == 5:
                return PALETTE + rest.pop(0)
            red, green, blue = (rest.pop(0) for _ in range(3))
            return red << 16 | green << 8 | blue
        if code in (39, 49):
            return DEFAULT
        return PALETTE + (code % 10 if code < 50 else 8 + code % 10)


def blank(width: int, height: int) -> np.ndarray:
    """Return the cells of an empty screen."""
    return Frame(width, height).cells


__all__ = ["ScreenReader", "blank", "number_of"]

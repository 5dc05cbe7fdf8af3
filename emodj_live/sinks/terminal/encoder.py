"""From one frame to the next in as few bytes as a terminal needs: the cells that changed, and colors that differ.

Rich's own way prints whole rows, with every color spelled out: 100 kB a second where the plane glows.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import numpy as np

from emodj_live.sinks.terminal.frame import (
    BOLD,
    DEFAULT,
    DIM,
    GLYPH,
    GROUND,
    INK,
    PALETTE,
    REVERSE,
    UPPER_HALF,
    Cells,
    character_of,
)

_LONGEST_BRIDGE = 3  # unchanged cells between two that changed, which are cheaper to write than to jump over
_SPACE = ord(" ")
_RESET = "\x1b[m"
_UNSET = DEFAULT, DEFAULT, 0


def changes(before: Cells | None, now: Cells) -> str:
    """Return what turns one frame on a terminal into another.

    Parameters
    ----------
    before : ndarray of int32, shape (4, height, width), or None
        What the terminal shows; None if nothing is known, so that everything has to be written.
    now : ndarray of int32, shape (4, height, width)
        What it is to show.

    Returns
    -------
    str
        Moves of the cursor, colors and characters. Colors are expected to be the terminal's own before, and are so
        again afterwards. Empty if nothing has changed.
    """
    writer = _Writer()
    for y, start, end in _runs(before, now):
        writer.write(y, start, now[:, y, start:end].tolist())
    return writer.text()


def _runs(before: Cells | None, now: Cells) -> Iterator[tuple[int, int, int]]:
    """Yield row, first column and the column after the last one of each run of cells that has to be written."""
    _, height, width = now.shape
    if before is None:
        yield from ((y, 0, width) for y in range(height))
        return
    is_blank = (before[GLYPH] == _SPACE) & (now[GLYPH] == _SPACE)  # so its ink cannot be seen
    changed = (before[GLYPH] != now[GLYPH]) | (before[GROUND:] != now[GROUND:]).any(axis=0)
    changed |= (before[INK] != now[INK]) & ~is_blank
    wide = now[GLYPH, :, 1:] == 0  # a right half: one half cannot be written without the other
    if wide.any():
        changed[:, :-1] |= wide & changed[:, 1:]
        changed[:, 1:] |= wide & changed[:, :-1]
    places = np.flatnonzero(changed)
    if not len(places):
        return
    is_break = (np.diff(places) > _LONGEST_BRIDGE + 1) | (np.diff(places // width) != 0)
    bounds = [0, *(np.flatnonzero(is_break) + 1).tolist(), len(places)]
    for first, after in pairwise(bounds):
        y, start = divmod(int(places[first]), width)
        yield y, start, int(places[after - 1]) - y * width + 1


class _Writer:
    """Writes runs of cells, and remembers what colors the terminal has."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._ink, self._ground, self._weight = _UNSET

    def text(self) -> str:
        """Return all that was written, with the colors left as they were found."""
        if (self._ink, self._ground, self._weight) != _UNSET:
            self._parts.append(_RESET)
        return "".join(self._parts)

    def write(self, y: int, x: int, cells: list[list[int]]) -> None:
        """Write a run of cells."""
        self._parts.append(f"\x1b[{y + 1};{x + 1}H")
        write, is_after_wide = self._parts.append, False
        for column, (glyph, ink, ground, weight) in enumerate(zip(*cells, strict=True), x):
            if glyph == 0:
                is_after_wide = True
                continue
            if is_after_wide:  # terminals do not agree on how wide a character is
                write(f"\x1b[{y + 1};{column + 1}H")
                is_after_wide = False
            if glyph == UPPER_HALF and not weight:
                self._write_halves(ink, ground)
            else:
                self._style(self._ink if glyph == _SPACE and not weight & REVERSE else ink, ground, weight)
                write(chr(glyph) if glyph < 0x110000 else character_of(glyph))

    def _write_halves(self, upper: int, lower: int) -> None:
        """Write a cell of two colors with whichever half block needs the fewest changes of color."""
        if upper == lower:
            self._style(self._ink, lower, 0)
            self._parts.append(" ")
        elif DEFAULT not in (upper, lower) and (upper == self._ground or lower == self._ink):
            self._style(lower, upper, 0)
            self._parts.append("▄")
        else:
            self._style(upper, lower, 0)
            self._parts.append("▀")

    def _style(self, ink: int, ground: int, weight: int) -> None:
        if weight != self._weight:
            self._parts.append(_weight_code(weight))
            self._ink, self._ground, self._weight = DEFAULT, DEFAULT, weight
        if ink != self._ink and ground != self._ground:
            self._parts.append(f"\x1b[{_color_code(ink, 30)};{_color_code(ground, 40)}m")
        elif ink != self._ink:
            self._parts.append(f"\x1b[{_color_code(ink, 30)}m")
        elif ground != self._ground:
            self._parts.append(f"\x1b[{_color_code(ground, 40)}m")
        self._ink, self._ground = ink, ground


def _weight_code(weight: int) -> str:
    marks = ((BOLD, "1"), (DIM, "2"), (REVERSE, "7"))
    return f"\x1b[{';'.join(['0', *(code for mark, code in marks if weight & mark)])}m"


@lru_cache(65536)
def _color_code(color: int, base: int) -> str:
    """Return a color's code as ink (base 30) or as ground (base 40)."""
    if color == DEFAULT:
        return str(base + 9)
    if color < PALETTE:
        red, green, blue = color.to_bytes(3, "big")
        return f"{base + 8};2;{red};{green};{blue}"
    number = color - PALETTE
    if number < 16:
        return str(base + number if number < 8 else base + 52 + number)
    return f"{base + 8};5;{number}"

"""What a frame is made of: a grid of cells, each with a character and its colors, as numbers.

Numbers, because a frame is drawn thirty times a second beside the music: what has not changed is copied and compared as
a whole, by NumPy. `Frame.lines` gives Rich's segments of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

DEFAULT = -1  # the terminal's own color
KEEP = -2  # whatever color is there
PALETTE = 1 << 24  # from here on a number of the terminal's palette, below it red, green and blue
BOLD, DIM, REVERSE = 1, 2, 4
UPPER_HALF = ord("▀")
GLYPH, INK, GROUND, WEIGHT = range(4)  # of the planes of a frame's numbers

Cells: TypeAlias = NDArray[np.int32]
"""Shape (4, height, width): characters, inks, grounds and weights."""

_CLUSTERS: list[str] = []  # characters with accents on them, which one number cannot say
_CLUSTER_NUMBERS: dict[str, int] = {}
_FIRST_CLUSTER = 0x110000
_MOST_CLUSTERS = 10_000


class Pen(NamedTuple):
    """How characters look.

    Attributes
    ----------
    ink, ground : int
        Color of the character and behind it: `DEFAULT`, ``0xrrggbb``, or `PALETTE` and a number of the palette. The
        ground may also be `KEEP`.
    weight : int
        `BOLD`, `DIM` and `REVERSE`, added up.
    """

    ink: int = DEFAULT
    ground: int = KEEP
    weight: int = 0


PLAIN = Pen()


class Frame:
    """A grid of cells; what is drawn beyond an edge is cut off.

    Parameters
    ----------
    width, height : int
        In cells.
    cells : ndarray of int32, shape (4, height, width), optional
        To begin with; by default the frame is empty.

    Attributes
    ----------
    cells : ndarray of int32, shape (4, height, width)
        Characters (0 is the right half of the one before), inks, grounds, weights.
    """

    def __init__(self, width: int, height: int, cells: Cells | None = None) -> None:
        self.width = width
        self.height = height
        if cells is None:
            cells = np.empty((4, height, width), np.int32)
            cells[GLYPH], cells[INK], cells[GROUND], cells[WEIGHT] = ord(" "), DEFAULT, DEFAULT, 0
        self.cells = cells

    def copy(self) -> Frame:
        """Return an equal frame that can be drawn on."""
        return Frame(self.width, self.height, self.cells.copy())

    def put(self, x: int, y: int, text: str | Sequence[str], pen: Pen = PLAIN) -> None:
        """Write a text of single-width characters, or the cells that `text_cells` returns."""
        if not 0 <= y < self.height or x >= self.width:
            return
        text, x = text[max(0, -x) :], max(0, x)
        text = text[: self.width - x]
        place = slice(x, x + len(text))
        self.cells[GLYPH, y, place] = _numbers(text)
        self._color(y, place, pen)

    def fill(self, x: int, y: int, width: int, height: int, pen: Pen, character: str = " ") -> None:
        """Fill a rectangle with a character."""
        rows, columns = slice(max(0, y), max(0, y + height)), slice(max(0, x), max(0, x + width))
        self.cells[GLYPH, rows, columns] = ord(character)
        self._color(rows, columns, pen)

    def _color(self, rows: int | slice, columns: slice, pen: Pen) -> None:
        self.cells[INK, rows, columns] = pen.ink
        self.cells[WEIGHT, rows, columns] = pen.weight
        if pen.ground != KEEP:
            self.cells[GROUND, rows, columns] = pen.ground

    def lines(self) -> list[list[Segment]]:
        """Return the rows as Rich's segments, one for each run of equal style."""
        return [_segments(*row) for row in zip(*(plane.tolist() for plane in self.cells), strict=True)]


def _numbers(text: str | Sequence[str]) -> NDArray[np.int32] | list[int]:
    if isinstance(text, str):
        return np.frombuffer(text.encode("utf-32-le"), np.int32)
    return [number_of(cell) for cell in text]


def number_of(character: str) -> int:
    """Return the number that stands for the character of a cell.

    Parameters
    ----------
    character : str
        Empty for the right half of the one before; it may have accents, each a character of its own.

    Returns
    -------
    int
    """
    if len(character) < 2:
        return ord(character) if character else 0
    if character not in _CLUSTER_NUMBERS:
        if len(_CLUSTERS) == _MOST_CLUSTERS:
            return ord(character[0])
        _CLUSTER_NUMBERS[character] = _FIRST_CLUSTER + len(_CLUSTERS)
        _CLUSTERS.append(character)
    return _CLUSTER_NUMBERS[character]


def character_of(number: int) -> str:
    """Return the character that a number stands for: the reverse of `number_of`."""
    if number >= _FIRST_CLUSTER:
        return _CLUSTERS[number - _FIRST_CLUSTER]
    return chr(number) if number else ""


def _segments(glyphs: list[int], inks: list[int], grounds: list[int], weights: list[int]) -> list[Segment]:
    styles = list(zip(inks, grounds, weights, strict=True))
    segments, start = [], 0
    for style, cells in groupby(styles):
        end = start + sum(1 for _ in cells)
        segments.append(Segment("".join(map(character_of, glyphs[start:end])), _rich_style(*style)))
        start = end
    return segments


@lru_cache(4096)
def _rich_style(ink: int, ground: int, weight: int) -> Style:
    return Style(
        color=_rich_color(ink),
        bgcolor=_rich_color(ground),
        bold=bool(weight & BOLD) or None,
        dim=bool(weight & DIM) or None,
        reverse=bool(weight & REVERSE) or None,
    )


def _rich_color(color: int) -> Color | None:
    if color == DEFAULT:
        return None
    if color >= PALETTE:
        return Color.from_ansi(color - PALETTE)
    return Color.from_rgb(*color.to_bytes(3, "big"))

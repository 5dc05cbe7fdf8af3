"""A frame as an SVG picture: blocks and braille dots as shapes, so that they fit together, and the rest as text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from typing import TypeAlias
from xml.sax.saxutils import escape

from rich.color import Color
from rich.terminal_theme import TerminalTheme

from emodj_live.colors import blend
from emodj_live.sinks.terminal.frame import (
    BOLD,
    DEFAULT,
    DIM,
    PALETTE,
    REVERSE,
    Cells,
    character_of,
)

WIDTH, HEIGHT = 8, 16  # of a cell, in the picture's own units
_FONT = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace"
_SIZE = 13  # of the font
_BASELINE = 12
_MARGIN = 12  # around the cells
_BRAILLE = (
    (0x01, 0, 0),
    (0x02, 0, 1),
    (0x04, 0, 2),
    (0x08, 1, 0),
    (0x10, 1, 1),
    (0x20, 1, 2),
    (0x40, 0, 3),
    (0x80, 1, 3),
)
_SPACE = ord(" ")
_Cell: TypeAlias = tuple[int, str, str, int]
"""Character, its color, what is behind it, and whether it is bold."""

_SIXTEEN = (
    *((0, 0, 0), (205, 49, 49), (13, 188, 121), (200, 165, 0), (36, 114, 200), (188, 63, 188), (17, 168, 205)),
    *((200, 200, 200), (118, 118, 118), (241, 76, 76), (35, 209, 139), (245, 245, 67), (59, 142, 234)),
    *((214, 112, 214), (41, 184, 219), (255, 255, 255)),
)


def svg(cells: Cells, background: str, foreground: str, *, title: str = "") -> str:
    """Return a picture of cells.

    Parameters
    ----------
    cells : ndarray of int32, shape (4, height, width)
        As a frame's.
    background, foreground : str
        The terminal's own colors, as ``#rrggbb``.
    title : str
        What a viewer may say about it.

    Returns
    -------
    str
        An SVG document.
    """
    _, height, width = cells.shape
    across, down = width * WIDTH + 2 * _MARGIN, height * HEIGHT + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}" width="{across}" height="{down}">'
        f"<title>{escape(title)}</title>"
        f'<rect width="{across}" height="{down}" rx="8" fill="{background}"/>'
        f'<g transform="translate({_MARGIN} {_MARGIN})" font-family="{_FONT}" font-size="{_SIZE}" '
        f'shape-rendering="crispEdges">{drawn(cells, background, foreground)}</g></svg>\n'
    )


def drawn(cells: Cells, background: str, foreground: str, *, x: int = 0, y: int = 0, hides: bool = False) -> str:
    """Return the shapes and texts of cells.

    Parameters
    ----------
    cells : ndarray of int32, shape (4, height, width)
    background, foreground : str
        The terminal's own colors, as ``#rrggbb``.
    x, y : int
        Where they stand [cells].
    hides : bool
        Whether what is below them is covered, so that the background is drawn too.

    Returns
    -------
    str
        SVG elements.
    """
    shapes = _Shapes()
    texts: list[str] = []
    for row, planes in enumerate(cells.transpose(1, 0, 2).tolist(), y):
        colored = [
            (glyph, *_colors(ink, ground, weight, background, foreground), weight & BOLD)
            for glyph, ink, ground, weight in zip(*planes, strict=True)
        ]
        for column, run in _runs(colored, lambda cell: cell[2]):
            if run[0][2] != background or hides:
                box = _box((x + column) * WIDTH, row * HEIGHT, len(run) * WIDTH, HEIGHT)
                shapes.grounds[run[0][2]].append(box)
        for column, run in _runs(colored, lambda cell: (_is_text(cell[0]), cell[1], cell[3])):
            left, top = (x + column) * WIDTH, row * HEIGHT
            glyphs, inked = [cell[0] for cell in run], run[0][1]
            if _is_text(glyphs[0]):
                texts += _texts(left, top, glyphs, inked, is_bold=bool(run[0][3]))
            for number, glyph in enumerate(glyphs):
                boxes = (_box(left + number * WIDTH + a, top + b, c, d) for a, b, c, d in _boxes_of(glyph))
                shapes.inks[inked] += boxes
    return "".join([*shapes.elements(), *texts])


def _runs(cells: list[_Cell], kind: Callable[[_Cell], object]) -> Iterator[tuple[int, list[_Cell]]]:
    """Yield the first column and the cells of each run of one kind."""
    column = 0
    for _, run in groupby(cells, key=kind):
        found = list(run)
        yield column, found
        column += len(found)


class _Shapes:
    """Boxes by their colors: those behind characters, and those that are characters."""

    def __init__(self) -> None:
        self.grounds: dict[str, list[str]] = defaultdict(list)
        self.inks: dict[str, list[str]] = defaultdict(list)

    def elements(self) -> Iterator[str]:
        for layer in (self.grounds, self.inks):
            yield from (f'<path fill="{color}" d="{"".join(boxes)}"/>' for color, boxes in layer.items() if boxes)


def _colors(ink: int, ground: int, weight: int, background: str, foreground: str) -> tuple[str, str]:
    """Return the colors of a character and of what is behind it."""
    inked, grounded = rgb(ink, foreground), rgb(ground, background)
    if weight & REVERSE:
        inked, grounded = grounded, inked
    return blend(inked, background, 0.4) if weight & DIM else inked, grounded


@cache
def _is_text(glyph: int) -> bool:
    """Return whether a character is drawn as text; a space is, because it stands in texts."""
    return not any(True for _ in _boxes_of(glyph))


def _texts(x: int, y: int, glyphs: list[int], color: str, *, is_bold: bool) -> Iterator[str]:
    """Yield the words of a run, where more than one space lies between them each for itself."""
    weight = ' font-weight="bold"' if is_bold else ""
    for place, word in _words(glyphs):
        text = escape("".join(map(character_of, word)))
        begin, length = x + place * WIDTH, len(word) * WIDTH
        yield f'<text x="{begin}" y="{y + _BASELINE}" textLength="{length}" fill="{color}"{weight}>{text}</text>'


def _words(glyphs: list[int]) -> Iterator[tuple[int, list[int]]]:
    """Yield the places and characters of what single spaces or none hold together."""
    start: int | None = None
    for place, glyph in enumerate([*glyphs, _SPACE, _SPACE]):
        is_end = glyph == _SPACE and (place + 1 >= len(glyphs) or glyphs[place + 1] == _SPACE)
        if start is None and glyph != _SPACE:
            start = place
        elif start is not None and is_end:
            yield start, glyphs[start:place]
            start = None


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}z"


def _boxes_of(glyph: int) -> Iterator[tuple[float, float, float, float]]:
    """Yield the boxes that a character consists of: left, top, width, height; none if it is drawn as text."""
    if glyph == ord("▀"):
        yield 0, 0, WIDTH, HEIGHT / 2
    elif 0x2581 <= glyph <= 0x2588:
        part = (glyph - 0x2580) * HEIGHT / 8
        yield 0, HEIGHT - part, WIDTH, part
    elif 0x2589 <= glyph <= 0x258F:
        yield 0, 0, (0x2590 - glyph) * WIDTH / 8, HEIGHT
    elif glyph == ord("▐"):
        yield WIDTH / 2, 0, WIDTH / 2, HEIGHT
    elif glyph in (ord("━"), ord("╸")):
        yield 0, HEIGHT / 2 - 1, WIDTH if glyph == ord("━") else WIDTH / 2, 2
    elif glyph == ord("─"):
        yield 0, HEIGHT / 2 - 0.5, WIDTH, 1
    elif glyph == ord("│"):
        yield WIDTH / 2 - 0.5, 0, 1, HEIGHT
    elif 0x2800 < glyph <= 0x28FF:
        for bit, column, row in _BRAILLE:
            if (glyph - 0x2800) & bit:
                yield column * WIDTH / 2 + 1.2, row * HEIGHT / 4 + 1.2, 1.6, 1.6


def rgb(color: int, default: str) -> str:
    """Return the color of a cell as ``#rrggbb``.

    Parameters
    ----------
    color : int
        As in a `Pen`.
    default : str
        What `DEFAULT` is.

    Returns
    -------
    str
    """
    if color == DEFAULT:
        return default
    if color < PALETTE:
        return f"#{color:06x}"
    return Color.from_ansi(color - PALETTE).get_truecolor(_THEME).hex


_THEME = TerminalTheme((0, 0, 0), (255, 255, 255), list(_SIXTEEN[:8]), list(_SIXTEEN[8:]))

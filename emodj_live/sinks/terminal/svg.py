"""A frame as an SVG picture: blocks and braille dots as shapes, so that they fit together, and the rest as text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.terminal_theme import TerminalTheme

from emodj_live.colors import blend
from emodj_live.sinks.terminal.frame import (
    BOLD,
    DEFAULT,
    DIM,
    PALETTE,
    REVERSE,
    WEIGHT,
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


def drawn(cells: Cells, background: str, foreground: str, mask: NDArray[np.bool_] | None = None) -> str:
    """Return the shapes and texts of cells.

    Parameters
    ----------
    cells : ndarray of int32, shape (4, height, width)
    background, foreground : str
        The terminal's own colors, as ``#rrggbb``.
    mask : ndarray of bool, shape (height, width), optional
        Which cells to draw, over what is there. By default all are drawn, on nothing but the background.

    Returns
    -------
    str
        SVG elements.
    """
    grounds, inks, texts = _Boxes(), _Boxes(), []
    wanted = np.ones(cells.shape[1:], bool) if mask is None else mask
    for row in np.flatnonzero(wanted.any(axis=1)).tolist():
        planes = zip(*cells[:, row].tolist(), strict=True)
        colored = [
            (glyph, *_colors(ink, ground, weight, background, foreground)) for glyph, ink, ground, weight in planes
        ]
        bold = (cells[WEIGHT, row] & BOLD).astype(bool).tolist()
        for column in np.flatnonzero(wanted[row]).tolist():
            glyph, ink, ground = colored[column]
            if mask is not None or ground != background:
                grounds.add(ground, column * WIDTH, row * HEIGHT, WIDTH, HEIGHT)
            for x, y, width, height in _boxes_of(glyph):
                inks.add(ink, column * WIDTH + x, row * HEIGHT + y, width, height)
        for column, word, ink, is_bold in _words(colored, bold, wanted[row].tolist()):
            texts.append(_text(column * WIDTH, row * HEIGHT + _BASELINE, word, ink, is_bold=is_bold))
    return "".join([*grounds.elements(), *inks.elements(), *texts])


class _Boxes:
    """Boxes by their colors; those that lie side by side are one."""

    def __init__(self) -> None:
        self._boxes: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)

    def add(self, color: str, x: float, y: float, width: float, height: float) -> None:
        boxes = self._boxes[color]
        if boxes and boxes[-1][1] == y and boxes[-1][3] == height and boxes[-1][0] + boxes[-1][2] == x:
            x, width = boxes[-1][0], boxes.pop()[2] + width
        boxes.append((x, y, width, height))

    def elements(self) -> Iterator[str]:
        for color, boxes in self._boxes.items():
            path, at = "", (0.0, 0.0)
            for x, y, width, height in boxes:
                path += f"m{x - at[0]:g} {y - at[1]:g}h{width:g}v{height:g}h{-width:g}z"
                at = x, y
            yield f'<path fill="{color}" d="{path}"/>'


def _colors(ink: int, ground: int, weight: int, background: str, foreground: str) -> tuple[str, str]:
    """Return the colors of a character and of what is behind it."""
    inked, grounded = rgb(ink, foreground), rgb(ground, background)
    if weight & REVERSE:
        inked, grounded = grounded, inked
    return blend(inked, background, 0.4) if weight & DIM else inked, grounded


def _words(
    cells: list[tuple[int, str, str]], bold: list[bool], wanted: list[bool]
) -> Iterator[tuple[int, list[int], str, bool]]:
    """Yield first column, characters, color and boldness of what is text: words that single spaces hold together."""
    word: list[int] = []
    style = ("", False)
    for column, ((glyph, ink, _), is_bold, is_wanted) in enumerate(zip(cells, bold, wanted, strict=True)):
        is_text = is_wanted and not _boxes_of(glyph)
        fits = is_text and word and (glyph == _SPACE or (ink, is_bold) == style)
        if word and (not fits or (glyph == _SPACE and word[-1] == _SPACE)):
            yield (column - len(word), [*word[:-1]] if word[-1] == _SPACE else word, *style)
            word = []
        if is_text and (word or glyph != _SPACE):
            style = (ink, is_bold) if not word else style
            word.append(glyph)
    if word:
        yield (len(cells) - len(word), word, *style)


def _text(x: int, y: int, glyphs: list[int], color: str, *, is_bold: bool) -> str:
    weight, length = ' font-weight="bold"' if is_bold else "", len(glyphs) * WIDTH
    text = escape("".join(map(character_of, glyphs)))
    return f'<text x="{x}" y="{y}" textLength="{length}" fill="{color}"{weight}>{text}</text>'


@cache
def _boxes_of(glyph: int) -> tuple[tuple[float, float, float, float], ...]:
    """Return the boxes that a character consists of: left, top, width, height; none if it is drawn as text."""
    return tuple(_parts(glyph))


def _parts(glyph: int) -> Iterator[tuple[float, float, float, float]]:
    """Yield left, top, width and height of the boxes that a character consists of."""
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
                yield column * WIDTH / 2 + 1, row * HEIGHT / 4 + 1, 2, 2


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

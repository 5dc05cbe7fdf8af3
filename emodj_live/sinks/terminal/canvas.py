"""A grid of characters to draw on, and what is drawn on it more than once: bars, plots and large words.

Cheap on purpose: a frame is drawn five times a second, beside the music.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import groupby

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
_BRAILLE_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # left and right column, from above
_GLYPHS = {
    "a": (" ██ ", "█  █", "████", "█  █", "█  █"),
    "c": (" ███", "█   ", "█   ", "█   ", " ███"),
    "d": ("███ ", "█  █", "█  █", "█  █", "███ "),
    "e": ("████", "█   ", "███ ", "█   ", "████"),
    "h": ("█  █", "█  █", "████", "█  █", "█  █"),
    "l": ("█   ", "█   ", "█   ", "█   ", "████"),
    "m": ("█   █", "██ ██", "█ █ █", "█   █", "█   █"),
    "n": ("█  █", "██ █", "█ ██", "█  █", "█  █"),
    "p": ("███ ", "█  █", "███ ", "█   ", "█   "),
    "s": (" ███", "█   ", " ██ ", "   █", "███ "),
    "t": ("█████", "  █  ", "  █  ", "  █  ", "  █  "),
    "y": ("█   █", " █ █ ", "  █  ", "  █  ", "  █  "),
}
PLAIN = Style()


class Canvas:
    """Characters with styles; what is drawn beyond an edge is cut off.

    Parameters
    ----------
    width, height : int
        In cells.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._characters = [[" "] * width for _ in range(height)]
        self._styles = [[PLAIN] * width for _ in range(height)]

    def put(self, x: int, y: int, text: Sequence[str], style: Style | None = None) -> None:
        """Write a text of single-width characters, or cells; without a style it takes that of the cells below."""
        if not 0 <= y < self.height or x >= self.width:
            return
        text, x = text[max(0, -x) :], max(0, x)
        text = text[: self.width - x]
        self._characters[y][x : x + len(text)] = text
        if style is not None:
            self._styles[y][x : x + len(text)] = [style] * len(text)

    def fill(self, x: int, y: int, width: int, height: int, style: Style) -> None:
        """Give a rectangle a style and clear it."""
        for row in range(y, y + height):
            self.put(x, row, " " * width, style)

    def lines(self) -> list[list[Segment]]:
        """Return the rows as runs of equal style."""
        rows = zip(self._characters, self._styles, strict=True)
        return [_segments(characters, styles) for characters, styles in rows]


def _segments(characters: list[str], styles: list[Style]) -> list[Segment]:
    segments, start = [], 0
    for _, cells in groupby(styles, key=id):
        end = start + sum(1 for _ in cells)
        segments.append(Segment("".join(characters[start:end]), styles[start]))
        start = end
    return segments


def text_cells(text: str, width: int) -> list[str]:
    """Return the cells of any text, such as a song's title, cut to a width.

    Parameters
    ----------
    text : str
        With characters of any width; those that cannot be shown become "?".
    width : int
        In cells.

    Returns
    -------
    list of str
        One for each cell: a wide character is followed by an empty one, and accents stand with what they are on.
    """
    cells: list[str] = []
    for character in text:
        category = unicodedata.category(character)
        if category == "Cf" or "\ufe00" <= character <= "\ufe0f":  # joiners and the like: terminals do not agree
            continue
        shown = character if character.isprintable() else "?"
        size = cell_len(shown)
        if size:
            cells += [shown, ""][:size]
        elif cells:
            cells[-1] += shown
    if len(cells) <= width:
        return cells
    cut = max(0, width - 1)
    if cut and not cells[cut]:  # in the middle of a wide character
        cells[cut - 1] = " "
    return [*cells[:cut], "…"]


def bar(share: float, width: int) -> str:
    """Return a bar that fills a share of a width, in steps of an eighth of a cell."""
    eighths = round(min(1, max(0, share)) * width * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[part] if part else "")).ljust(width)


def plot(values: Sequence[float | None], width: int, height: int) -> list[str]:
    """Return a line plot of values in [-1, 1] in braille dots, two to a cell across and four down.

    Parameters
    ----------
    values : sequence of float or None
        From left to right, two for each cell; None leaves a hole.
    width, height : int
        In cells.

    Returns
    -------
    list of str
        The rows from above.
    """
    dots = [[0] * width for _ in range(height)]
    before: int | None = None
    for column, value in enumerate(values[: 2 * width]):
        if value is None:
            before = None
            continue
        row = round((1 - min(1, max(-1, value))) / 2 * (4 * height - 1))
        for y in range(min(row, row if before is None else before), max(row, row if before is None else before) + 1):
            dots[y // 4][column // 2] |= _BRAILLE_DOTS[column % 2][y % 4]
        before = row
    return ["".join(chr(0x2800 + cell) if cell else " " for cell in row) for row in dots]


def large_letters(word: str) -> list[str]:
    """Return a word in letters three rows high."""
    rows = [" ".join(_GLYPHS[letter][row] for letter in word) for row in range(5)]
    rows.append(" " * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(_HALVES[a != " ", b != " "] for a, b in zip(*pair, strict=True)) for pair in pairs]

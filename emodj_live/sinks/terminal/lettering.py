"""Texts as cells: any song's title, whatever its characters, and words in large letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len

_DOUBLED = {ord(" "): "  ", ord("█"): "██"}
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
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


@lru_cache(256)
def text_cells(text: str, width: int) -> Sequence[str]:
    """Return the cells of any text, such as a song's title, cut to a width.

    Parameters
    ----------
    text : str
        With characters of any width; those that cannot be shown become "?".
    width : int
        In cells.

    Returns
    -------
    sequence of str
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
        return tuple(cells)
    cut = max(0, width - 1)
    if cut and not cells[cut]:  # in the middle of a wide character
        cells[cut - 1] = " "
    return (*cells[:cut], "…")


def large_letters(word: str, rows: int = 3) -> list[str]:
    """Return a word in letters three or five rows high."""
    if rows >= 5:
        return [" ".join(_GLYPHS[letter][row] for letter in word).translate(_DOUBLED) for row in range(5)]
    lines = [" ".join(_GLYPHS[letter][row] for letter in word) for row in range(5)]
    lines.append(" " * len(lines[0]))
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return ["".join(_HALVES[a != " ", b != " "] for a, b in zip(*pair, strict=True)) for pair in pairs]

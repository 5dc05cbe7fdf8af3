"""Texts as cells: any song's title, whatever its characters, and words in large letters."""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len

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


def large_letters(word: str) -> list[str]:
    """Return a word in letters three rows high."""
    rows = [" ".join(_GLYPHS[letter][row] for letter in word) for row in range(5)]
    rows.append(" " * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(_HALVES[a != " ", b != " "] for a, b in zip(*pair, strict=True)) for pair in pairs]

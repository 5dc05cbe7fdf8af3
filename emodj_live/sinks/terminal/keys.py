"""What keys do, in one line and in a box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from emodj_live.sinks.terminal.frame import Frame
from emodj_live.sinks.terminal.lettering import text_cells
from emodj_live.sinks.terminal.look import Look

_BETWEEN = "  "


class Key(NamedTuple):
    """A key, and what it does.

    Attributes
    ----------
    name : str
        As it is shown, such as "space".
    does : str
        In a word, for the line.
    explained : str
        In some more, for the box.
    """

    name: str
    does: str
    explained: str


LAST_SONG = "this is the last song"
"""What is said where a key would go on to the next one."""

ZOOM = Key("z", "zoom", "zoom to where music lies, and back")
VIEW_KEYS = (
    ZOOM,
    Key("v", "view", "next view: plane, arc, color"),
    Key("s", "save", "save this screen as an SVG picture"),
    Key("?", "keys", "show or hide this list"),
)


def draw_line(frame: Frame, keys: Sequence[Key], look: Look) -> None:
    """Draw the keys that a row has room for; the last ones, which help and quit, come first.

    Parameters
    ----------
    frame : Frame
        One row.
    keys : sequence of Key
    look : Look
    """
    x = 0
    for key in _fitting(keys, frame.width):
        frame.put(x, 0, key.name, look.strong)
        frame.put(x + len(key.name) + 1, 0, key.does, look.faint)
        x += _width(key)


def _width(key: Key) -> int:
    return len(key.name) + 1 + len(key.does) + len(_BETWEEN)


def _fitting(keys: Sequence[Key], width: int) -> list[Key]:
    left = width + len(_BETWEEN)
    chosen = set()
    for key in (*keys[-2:], *keys[:-2]):
        if _width(key) <= left:
            chosen.add(key)
            left -= _width(key)
    return [key for key in keys if key in chosen]


def draw_box(frame: Frame, keys: Sequence[Key], look: Look) -> None:
    """Draw all keys in a box in the middle, over what is there; where they have no room, the last two are kept.

    Parameters
    ----------
    frame : Frame
    keys : sequence of Key
    look : Look
    """
    names = max(len(key.name) for key in keys)
    width = min(frame.width, names + max(len(key.explained) for key in keys) + 8)
    padding = int(frame.height >= len(keys) + 4)
    height = min(frame.height, len(keys) + 2 + 2 * padding)
    rows = max(0, height - 2 - 2 * padding)
    keys = keys if len(keys) <= rows else (*keys[: max(0, rows - 2)], *keys[-2:][-rows:]) if rows else ()
    x, y = (frame.width - width) // 2, (frame.height - height) // 2
    frame.fill(x, y, width, height, look.box)
    frame.put(x, y, "╭" + "─" * (width - 2) + "╮", look.box._replace(ink=look.line.ink))
    frame.put(x, y + height - 1, "╰" + "─" * (width - 2) + "╯", look.box._replace(ink=look.line.ink))
    for row in range(y + 1, y + height - 1):
        for column in (x, x + width - 1):
            frame.put(column, row, "│", look.box._replace(ink=look.line.ink))
    for row, key in enumerate(keys, y + 1 + padding):
        frame.put(x + 3, row, key.name.rjust(names), look.strong._replace(ground=look.box.ground))
        frame.put(x + 3 + names + 2, row, text_cells(key.explained, max(0, width - names - 7)), look.box)

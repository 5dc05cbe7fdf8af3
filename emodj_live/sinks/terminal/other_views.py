"""The other views: the arc of the song over its whole time, and the mood as one color that fills the screen."""

from __future__ import annotations

import numpy as np

from emodj_live.arc import Arc
from emodj_live.blocks import SourceStatus
from emodj_live.colors import color_of, ink_on
from emodj_live.emotion import Emotion
from emodj_live.gliding import Point
from emodj_live.sinks.terminal.curves import SCALE_WIDTH, draw_curve
from emodj_live.sinks.terminal.frame import DEFAULT, GLYPH, PALETTE, Frame, Pen
from emodj_live.sinks.terminal.layout import Rect
from emodj_live.sinks.terminal.lettering import large_letters, text_cells
from emodj_live.sinks.terminal.look import Depth, Look
from emodj_live.sinks.terminal.strip import bar_of, window

_ROOMY = 14  # rows, from which there are blank ones
_LEAST_FOR_ROW = 3  # rows
_WIDE = 60  # columns, from which letters are larger


def draw_arc(frame: Frame, arc: Arc, status: SourceStatus, look: Look) -> None:
    """Draw valence and arousal over the whole song, or over the last minutes of what has no end.

    Parameters
    ----------
    frame : Frame
    arc : Arc
        What is known of the moods so far.
    status : SourceStatus
        Where the song is, and how long.
    look : Look
    """
    blank = int(frame.height >= _ROOMY)
    top, rows = blank, frame.height - 2 * blank
    begin, end = window(status.position, status.length)
    x, width = bar_of(frame.width, status.position, status.length, is_exact=status.is_length_exact)
    if width < 1:
        return
    values = arc.over(begin, end, 2 * width).astype(np.float64)
    mark = x + min(width - 1, int((status.position - begin) / (end - begin) * width))
    for axis, name in enumerate(("valence", "arousal")):
        height = (rows - blank) // 2
        y = top + axis * (height + blank)
        frame.put(x, y, name, look.strong)
        curve = Rect(x, y + 1, width + SCALE_WIDTH, height - 1)
        draw_curve(frame, curve, values[:, axis], values, look)
        for row in range(curve.y, curve.y + curve.height):
            if frame.cells[GLYPH, row, mark] == ord(" "):
                frame.put(mark, row, "│", look.faint)


def draw_color(frame: Frame, emotion: Emotion, point: Point, below: tuple[str, str], look: Look) -> None:
    """Fill the screen with the color of the mood, and write its name in the middle.

    Parameters
    ----------
    frame : Frame
    emotion : Emotion
        The newest, for the words.
    point : (float, float)
        Valence and arousal, for the color.
    below : (str, str)
        What stands in the last row: at its left, as far as there is room, and at its right.
    look : Look
    """
    pen = _ground(point, look)
    frame.fill(0, 0, frame.width, frame.height, pen)
    rows = large_letters(emotion.quadrant.value, 5 if frame.width >= _WIDE else 3)
    if frame.height < 8 or frame.width < len(rows[0]) + 2:
        rows = [emotion.mood.upper()]
    y = (frame.height - len(rows)) // 2
    for row, text in enumerate(rows):
        frame.put((frame.width - len(text)) // 2, y + row, text, pen)
    if frame.height >= 8:
        words = f"{emotion.mood}   valence {emotion.valence:+.2f}   arousal {emotion.arousal:+.2f}"
        if len(words) <= frame.width:
            frame.put((frame.width - len(words)) // 2, y + len(rows) + 1, words, pen)
    if frame.height >= _LEAST_FOR_ROW:
        left, right = below
        last = frame.part(1, frame.height - 1, max(1, frame.width - 2), 1)
        last.put(last.width - len(right), 0, right, pen)
        last.put(0, 0, text_cells(left, max(0, last.width - len(right) - 2)), pen)


def _ground(point: Point, look: Look) -> Pen:
    valence, arousal = (round(value, 2) for value in point)  # so that the screen is not written anew all the time
    if look.depth is Depth.NONE:
        return Pen(ground=DEFAULT)
    ground = int(look.moods(np.array([valence, arousal])))
    if look.depth is Depth.SIXTEEN:
        return Pen(PALETTE + (7 if ground == PALETTE + 4 else 0), ground)
    return Pen(look.color(ink_on(color_of(valence, arousal))), ground)

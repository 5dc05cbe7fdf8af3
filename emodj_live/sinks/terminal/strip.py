"""The song as a strip of its mood colors, which also shows where it is: the played part bright, the rest faint.

The words of the moods stand in it, so that it says the same without colors.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from emodj_live.colors import blend, color_of, ink_on
from emodj_live.emotion import Quadrant, clock
from emodj_live.sinks.terminal.arc import Arc
from emodj_live.sinks.terminal.frame import BOLD, DEFAULT, DIM, KEEP, PALETTE, Cells, Frame, Pen
from emodj_live.sinks.terminal.look import Depth, Look

_UPCOMING = 0.38  # how much of a color is left on the part that has not been played
_STEPS = (60.0, 120.0, 300.0, 600.0)  # [s] what a strip without an end may show


def draw_strip(
    frame: Frame, y: int, arc: Arc, position: float, length: float | None, look: Look, *, is_exact: bool = True
) -> None:
    """Draw a row with the time, the strip and the length.

    Parameters
    ----------
    frame : Frame
    y : int
    arc : Arc
        What is known of the moods so far.
    position : float
        Where the song is [s].
    length : float or None
        How long it is [s]; None if it has no end. An estimate may be too low.
    look : Look
    is_exact : bool
        Whether the length is exact.
    """
    begin, end = window(position, length)
    left = clock(math.floor(position), 0).strip()
    right = "live" if length is None else ("" if is_exact else "~") + clock(round(end), 0).strip()
    start = len(left) + 1
    width = frame.width - start - len(right) - 1
    frame.put(0, y, left, look.strong)
    frame.put(frame.width - len(right), y, right, look.faint)
    if width > 0:
        halves = min(2 * width - 1, int((position - begin) / (end - begin) * 2 * width))
        moods = _columns(arc.points.tobytes(), arc.start, begin, end, width)
        frame.cells[:, y, start : start + width] = _row(moods, halves, look)


def window(position: float, length: float | None) -> tuple[float, float]:
    """Return from when to when the time is shown: all of a song, or the last minutes of what has no end.

    Parameters
    ----------
    position : float
        Where it is [s].
    length : float or None
        How long it is [s]; None if it has no end.

    Returns
    -------
    (float, float)
        [s]
    """
    if length is not None:
        return 0.0, max(length, position, 1e-9)
    seconds = next((step for step in _STEPS if position <= step), _STEPS[-1])
    end = max(math.ceil(2 * position) / 2, seconds)
    return end - seconds, end


@lru_cache(4)
def _columns(points: bytes, start: float, begin: float, end: float, width: int) -> bytes:
    """Return the mood of each column, as bytes of float32, which can be looked up."""
    return Arc(np.frombuffer(points, np.float32).reshape(-1, 2), start).over(begin, end, width).tobytes()


@lru_cache(4)
def _row(columns: bytes, halves: int, look: Look) -> Cells:
    """Return the cells of a strip of which so many half columns have been played: shape (4, width)."""
    moods = np.frombuffer(columns, np.float32).reshape(-1, 2)
    frame, words = Frame(len(moods), 1), _words(moods)
    if look.depth is Depth.NONE:
        _draw_plain(frame, words, halves // 2)
    else:
        _draw_colors(frame, moods, words, halves // 2, look)
    frame.put(halves // 2, 0, "▐" if halves % 2 else "▌", Pen(look.mark, KEEP))
    return frame.cells[:, 0]


def _words(moods: NDArray[np.float32]) -> list[tuple[int, str]]:
    """Return the columns where words stand, one in each stretch of a mood that has room for it."""
    names = ["" if math.isnan(valence) else Quadrant.of(valence, arousal).value for valence, arousal in moods.tolist()]
    words, start = [], 0
    for name, stretch in groupby(names):
        length = sum(1 for _ in stretch)
        if name and length >= len(name) + 2:
            words.append((start + 1, name))
        start += length
    return words


def _draw_colors(frame: Frame, moods: NDArray[np.float32], words: list[tuple[int, str]], played: int, look: Look) -> None:
    """Draw each known mood as a colored cell, and a line where nothing is known."""
    known = np.nan_to_num(moods)
    bright, faint = look.moods(known), look.moods(known, _UPCOMING)
    for column, is_known in enumerate(np.isfinite(moods[:, 0]).tolist()):
        is_played = column < played
        if not is_known:
            frame.put(column, 0, "━" if is_played else "─", Pen() if is_played else look.line)
        elif look.depth is Depth.SIXTEEN and not is_played:
            frame.put(column, 0, "▄", Pen(int(bright[column]), DEFAULT))
        else:
            frame.put(column, 0, " ", Pen(DEFAULT, int((bright if is_played else faint)[column])))
    for start, word in words:
        for column, letter in enumerate(word, start):
            frame.put(column, 0, letter, _letter_pen(moods[column].tolist(), column < played, look))


def _letter_pen(mood: list[float], is_played: bool, look: Look) -> Pen:
    """Return what can be read on the color of a mood."""
    if look.depth is Depth.SIXTEEN:
        return Pen(PALETTE, KEEP) if is_played else Pen(weight=DIM)
    color = color_of(*mood)
    return Pen(look.color(ink_on(color if is_played else blend(look.background, color, _UPCOMING))), KEEP)


def _draw_plain(frame: Frame, words: list[tuple[int, str]], played: int) -> None:
    """Draw lines and words alone."""
    line = "━" * played + "─" * (frame.width - played)
    for start, word in words:
        line = line[:start] + word + line[start + len(word) :]
    frame.put(0, 0, line[:played], Pen(weight=BOLD))
    frame.put(played, 0, line[played:], Pen(weight=DIM))

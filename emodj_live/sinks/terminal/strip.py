"""The song as a strip of its mood colors, which also shows where it is: the played part bright, the rest faint.

The words of the moods stand in it, so that it says the same without colors.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from emodj_live.arc import Arc
from emodj_live.colors import blend, color_of, ink_on
from emodj_live.emotion import Quadrant, clock
from emodj_live.sinks.terminal.frame import (
    BOLD,
    DEFAULT,
    DIM,
    GLYPH,
    GROUND,
    INK,
    KEEP,
    PALETTE,
    WEIGHT,
    Cells,
    Frame,
    Pen,
)
from emodj_live.sinks.terminal.look import Depth, Look

_UPCOMING = 0.38  # how much of a color is left on the part that has not been played
_STEPS = (60.0, 120.0, 300.0, 600.0)  # [s] what a strip without an end may show


def draw_strip(
    frame: Frame, arc: Arc, position: float, length: float | None, look: Look, *, is_exact: bool = True
) -> None:
    """Draw the time, the strip and the length.

    Parameters
    ----------
    frame : Frame
        One row.
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
    left, right = _labels(position, length, is_exact)
    start, width = bar_of(frame.width, position, length, is_exact=is_exact)
    frame.put(0, 0, left, look.strong)
    frame.put(frame.width - len(right), 0, right, look.faint)
    if width > 0:
        halves = min(2 * width - 1, int((position - begin) / (end - begin) * 2 * width))
        moods = _columns(arc.points.tobytes(), arc.start, begin, end, width)
        frame.cells[:, 0, start : start + width] = _row(moods, halves, look)


def bar_of(columns: int, position: float, length: float | None, *, is_exact: bool = True) -> tuple[int, int]:
    """Return the first column and the width of the strip itself in a row of so many columns."""
    left, right = _labels(position, length, is_exact)
    return len(left) + 1, columns - len(left) - len(right) - 2


def _labels(position: float, length: float | None, is_exact: bool) -> tuple[str, str]:
    """Return what stands at the left and at the right of a strip: the time, and the length."""
    end = clock(round(window(position, length)[1]), 0).strip()
    return clock(math.floor(position), 0).strip(), "live" if length is None else ("" if is_exact else "~") + end


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


def _draw_colors(
    frame: Frame, moods: NDArray[np.float32], words: list[tuple[int, str]], played: int, look: Look
) -> None:
    """Draw each known mood as a colored cell, and a line where nothing is known."""
    known = np.nan_to_num(moods)
    bright, faint = look.moods(known), look.moods(known, _UPCOMING)
    is_known, is_played = np.isfinite(moods[:, 0]), np.arange(len(moods)) < played
    is_thin = ~is_known | (~is_played if look.depth < Depth.TRUE else False)
    line = np.where(is_played, ord("━"), ord("─"))
    cells = frame.cells[:, 0]
    cells[GLYPH] = np.where(is_known, np.where(is_thin, ord("▄"), ord(" ")), line)
    cells[INK] = np.where(is_known, bright, np.where(is_played, DEFAULT, look.line.ink))
    cells[GROUND] = np.where(is_thin, DEFAULT, np.where(is_played, bright, faint))
    cells[WEIGHT] = np.where(is_known | is_played, 0, look.line.weight)
    for start, word in words:
        mood = np.nanmean(moods[start : start + len(word)], axis=0).round(1).tolist()
        in_played = min(len(word), max(0, played - start))
        frame.put(start, 0, word[:in_played], _letter_pen(*mood, look, is_played=True))
        frame.put(start + in_played, 0, word[in_played:], _letter_pen(*mood, look, is_played=False))


@lru_cache(512)
def _letter_pen(valence: float, arousal: float, look: Look, *, is_played: bool) -> Pen:
    """Return what can be read on the color of a mood."""
    if look.depth < Depth.TRUE and not is_played:
        return look.faint._replace(ground=DEFAULT)
    if look.depth is Depth.SIXTEEN:
        return Pen(PALETTE, KEEP)
    color = color_of(valence, arousal)
    return Pen(look.color(ink_on(color if is_played else blend(look.background, color, _UPCOMING))), KEEP)


def _draw_plain(frame: Frame, words: list[tuple[int, str]], played: int) -> None:
    """Draw lines and words alone."""
    line = "━" * played + "─" * (frame.width - played)
    for start, word in words:
        line = line[:start] + word + line[start + len(word) :]
    frame.put(0, 0, line[:played], Pen(weight=BOLD))
    frame.put(played, 0, line[played:], Pen(weight=DIM))

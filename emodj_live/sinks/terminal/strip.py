"""The song as a strip of its mood colors, which also shows where it is: the played part bright, the rest faint.

The words of the moods stand in it, so that it says the same without colors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, groupby

import numpy as np
from numpy.typing import NDArray

from emodj_live.arc import Arc, quadrants
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
_AROUND = 2  # columns that a word needs besides its own
_NAMES = tuple(quadrant.value for quadrant in Quadrant)
_NUMBERS: dict[Quadrant | None, int] = {quadrant: number for number, quadrant in enumerate(Quadrant)}
_STEPS = (60.0, 120.0, 300.0, 600.0)  # [s] what a strip without an end may show


Stretch = tuple[str, int]
"""What a part of the song is called, and how many columns it has; nothing is known where the name is empty."""


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
        points = arc.points.tobytes()
        moods = _columns(points, arc.start, begin, end, width)
        stretches = _stretches(points, arc.start, begin, end, width)
        frame.cells[:, 0, start : start + width] = _row(moods, stretches, halves, look)


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
def _stretches(points: bytes, start: float, begin: float, end: float, width: int) -> tuple[Stretch, ...]:
    """Return the stretches of a strip, each with the mood that the large word names there."""
    known = np.frombuffer(points, np.float32).reshape(-1, 2)
    numbers = np.array([_NUMBERS.get(quadrant, np.nan) for quadrant in quadrants(known)], np.float32)
    shares = np.array([numbers == number for number in range(len(_NAMES))], np.float32)
    shares[:, np.isnan(numbers)] = np.nan
    pairs = [Arc(shares[pair].T.reshape(-1, 2), start).over(begin, end, width) for pair in (slice(0, 2), slice(2, 4))]
    each = np.column_stack(pairs)
    names = [_NAMES[int(row.argmax())] if np.isfinite(row).all() else "" for row in each]
    return tuple(_merged([(name, sum(1 for _ in stretch)) for name, stretch in groupby(names)]))


def _merged(stretches: list[Stretch]) -> list[Stretch]:
    """Return stretches that have room for their words: shorter ones become part of a longer neighbor."""
    kept: set[int] = set()  # lengths from the left of those that nothing can be done about
    while True:
        starts = [0, *accumulate(length for _, length in stretches)]
        short = [
            (length, number)
            for number, (name, length) in enumerate(stretches)
            if name and length < len(name) + _AROUND and starts[number] not in kept
        ]
        if not short:
            return stretches
        length, number = min(short)
        near = [other for other in (number - 1, number + 1) if 0 <= other < len(stretches) and stretches[other][0]]
        if not near:
            kept.add(starts[number])
            continue
        name = stretches[max(near, key=lambda other: stretches[other][1])][0]
        stretches = [*stretches[:number], (name, length), *stretches[number + 1 :]]
        groups = groupby(stretches, key=lambda stretch: stretch[0])
        stretches = [(name, sum(length for _, length in group)) for name, group in groups]


@lru_cache(4)
def _row(columns: bytes, stretches: tuple[Stretch, ...], halves: int, look: Look) -> Cells:
    """Return the cells of a strip of which so many half columns have been played: shape (4, width)."""
    moods = np.frombuffer(columns, np.float32).reshape(-1, 2)
    frame, words = Frame(len(moods), 1), _words(stretches, halves // 2)
    if look.depth is Depth.NONE:
        _draw_plain(frame, stretches, words, halves // 2)
    else:
        _draw_colors(frame, moods, words, halves // 2, look)
    frame.put(halves // 2, 0, "▐" if halves % 2 else "▌", Pen(look.mark, KEEP))
    return frame.cells[:, 0]


def _words(stretches: Sequence[Stretch], mark: int) -> list[tuple[int, str]]:
    """Return the columns where words stand, one in each stretch that has room for it beside the mark."""
    words, start = [], 0
    for name, length in stretches:
        end, place = start + length, start + 1
        if start <= mark < place + len(name):  # the mark would cut it
            place = mark + 1
        if name and place + len(name) < end:
            words.append((place, name))
        start = end
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


def _draw_plain(frame: Frame, stretches: Sequence[Stretch], words: list[tuple[int, str]], played: int) -> None:
    """Draw lines and words alone, and where one mood becomes another."""
    line = "━" * played + "─" * (frame.width - played)
    for (name, _), (after, _), border in zip(
        stretches, stretches[1:], accumulate(length for _, length in stretches), strict=False
    ):
        if name and after:
            line = line[:border] + "│" + line[border + 1 :]
    for start, word in words:
        line = line[:start] + word + line[start + len(word) :]
    frame.put(0, 0, line[:played], Pen(weight=BOLD))
    frame.put(played, 0, line[played:], Pen(weight=DIM))

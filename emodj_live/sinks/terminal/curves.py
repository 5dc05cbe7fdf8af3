"""Lines of valence and arousal over time, in braille dots, with a scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emodj_live.sinks.terminal.braille import braille
from emodj_live.sinks.terminal.frame import DEFAULT, GLYPH, GROUND, INK, WEIGHT, Frame
from emodj_live.sinks.terminal.layout import Rect
from emodj_live.sinks.terminal.look import Depth, Look

SCALE_WIDTH = 6  # columns
_STEP = 0.1  # of the scale
_LEAST = 0.2  # from its bottom to its top
_GAP = 6.0  # [s] without an emotion, which leave a hole
_MARGIN = 0.01


def spread(
    points: Sequence[tuple[float, float, float]], now: float, seconds: float, columns: int
) -> NDArray[np.float64]:
    """Put points in time on columns that do not move against the music, so that a curve shifts as a whole.

    Parameters
    ----------
    points : sequence of (float, float, float)
        Time [s], valence, arousal; in time order.
    now : float
        The time at the right edge [s].
    seconds : float
        How much time all columns are.
    columns : int

    Returns
    -------
    ndarray of float64, shape (columns, 2)
        NaN where there is nothing.
    """
    found = np.full((columns, 2), np.nan)
    if not points:
        return found
    each = seconds / columns
    values = np.array(points, np.float64)
    places = np.floor(values[:, 0] / each).astype(np.intp) - math.floor(now / each) + columns - 1
    values, places = values[places >= 0], places[places >= 0]
    longest = max(1, int(_GAP / each))  # a hole that is no gap: emotions are further apart than columns
    before: int | None = None
    for place, value in zip(places.tolist(), values[:, 1:], strict=True):
        if before is not None and place - before <= longest:
            found[before + 1 : place + 1] = value
        found[place] = value
        before = place
    return found


def limits(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the bottom and the top of a scale for some values, in whole tenths and with zero on it."""
    known = values[np.isfinite(values)]
    if not len(known):
        return -0.1, 0.1
    low = math.floor((float(known.min()) - _MARGIN) / _STEP + 1e-6) * _STEP
    high = math.ceil((float(known.max()) + _MARGIN) / _STEP - 1e-6) * _STEP
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low < _LEAST:
        low, high = (low, low + _LEAST) if high > _STEP / 2 else (high - _LEAST, high)
    return max(-1.0, low), min(1.0, high)


def draw_curve(
    frame: Frame, place: Rect, values: NDArray[np.floating], moods: NDArray[np.floating], look: Look
) -> None:
    """Draw a curve with its scale at the right.

    Parameters
    ----------
    frame : Frame
    place : Rect
    values : ndarray, shape (2 * (place.width - SCALE_WIDTH),)
        From left to right, two for each cell; NaN leaves a hole.
    moods : ndarray, shape (2 * (place.width - SCALE_WIDTH), 2)
        Valence and arousal, for the color, and for a scale that both curves share.
    look : Look
    """
    width = place.width - SCALE_WIDTH
    if width < 1 or place.height < 1:
        return
    low, high = limits(moods)
    area = (slice(place.y, place.y + place.height), slice(place.x, place.x + width))
    glyphs, inks = _dots(values, width, place.height, low, high), _inks(moods, look)
    for plane, content in ((GLYPH, glyphs), (INK, inks), (GROUND, DEFAULT), (WEIGHT, 0)):
        frame.cells[(plane, *area)] = content
    for value, row in ((high, 0), (low, place.height - 1)) if place.height > 1 else ():
        frame.put(place.x + width + 1, place.y + row, _named(value), look.faint)


def _named(value: float) -> str:
    return f"{value:+.1f}" if abs(value) > _STEP / 2 else " 0"


def _dots(values: NDArray[np.floating], width: int, height: int, low: float, high: float) -> NDArray[np.int32]:
    """Return the characters of a curve, with a dotted line at zero."""
    dots = np.zeros((4 * height, 2 * width), bool)
    if low <= 0 <= high:
        dots[round(high / (high - low) * (4 * height - 1)), ::4] = True
    before: int | None = None
    for column, value in enumerate(values.tolist()):
        if math.isnan(value):
            before = None
            continue
        row = round((high - min(high, max(low, value))) / (high - low) * (4 * height - 1))
        start, end = sorted((row, row if before is None else before))
        dots[start : end + 2, column] = True  # two dots strong
        before = row
    return braille(dots)


def _inks(moods: NDArray[np.floating], look: Look) -> NDArray[np.int32]:
    """Return the ink of each column of a curve."""
    points = moods[1::2]
    if look.depth is Depth.NONE:
        return np.full(len(points), DEFAULT, np.int32)
    is_known = np.isfinite(points).all(axis=1)
    return np.where(is_known, look.lines(np.nan_to_num(points)), look.line.ink).astype(np.int32)

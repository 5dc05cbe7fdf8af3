"""The plane on a terminal with all colors: a soft field, a halo of what may be, and a comet, two pixels to a cell."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emodj_live.colors import to_rgb
from emodj_live.gliding import TAIL
from emodj_live.sinks.terminal.contrast import clear
from emodj_live.sinks.terminal.frame import GLYPH, GROUND, INK, UPPER_HALF, WEIGHT, Cells
from emodj_live.sinks.terminal.look import Look, mood_colors, packed, unpacked
from emodj_live.sinks.terminal.plane import Span, Spot, axes, labels, sampled

_HALO_SHADES = 8
_FADES = 14  # steps in which the tail fades
_HEAD, _SOFT = 2.1, 1.5  # radius of the point, and of its soft edge [pixels]
_STREAK = 0.85  # how strong it is on its way since the last frame
_AXIS = 0.13  # how strong an axis is
_NEAR = 4  # pixels around the head that may be part of it
_LEGIBLE = 3.3  # contrast of a word to what is behind it
_HALO_GRID = 2  # pixels, in whose steps the halo moves

Pixels = NDArray[np.float32]
Lettering = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]  # characters, inks, grounds


def paint(width: int, height: int, span: Span, look: Look, spot: Spot | None) -> Cells:
    """Paint the plane.

    Parameters
    ----------
    width, height : int
        In cells.
    span : Span
        What part of it is shown.
    look : Look
    spot : Spot or None
        None while nothing has been heard.

    Returns
    -------
    ndarray of int32, shape (4, height, width)
        As a frame's.
    """
    if spot is None:
        cells = _cells(_lit(width, 2 * height, span, look, None, (0.0, 0.0)))
        _write(cells, _lettering(width, height, span, look, None, (0.0, 0.0)))
        return cells
    across, down = width, 2 * height
    place = span.place(np.array([spot.point, spot.before]), across, down)
    center = tuple(_HALO_GRID * int(part / _HALO_GRID + 0.5) for part in place[0])
    pixels = _lit(across, down, span, look, center, spot.spread).copy()
    _draw_tail(pixels, sampled(spot.tail, span, across, down), span, look)
    rows, columns = _draw_head(pixels, place[0], place[1], look)
    cells = _cells(pixels)
    lettering = _lettering(width, height, span, look, center, spot.spread)
    _write(cells, lettering)
    rows //= 2
    is_word = lettering[0][rows, columns] > 0
    if is_word.any():
        _write_on_head(cells, pixels, rows[is_word], columns[is_word])
    return cells


@lru_cache(8)
def _field(across: int, down: int, span: Span, look: Look) -> tuple[Pixels, Pixels]:
    """Return the plane's colors in full strength, and how strong they are where nothing happens."""
    points = span.grid(across, down)
    colors = mood_colors(points)
    x, y = np.meshgrid(np.linspace(-1, 1, across), np.linspace(-1, 1, down))
    edge = np.clip(1 - np.hypot(x, y) ** 4 / 4, 0, 1)
    strengths = (0.30 if look.is_light else 0.2) * (0.5 + 0.5 * edge)
    return colors, strengths.astype(np.float32)


@lru_cache(4)
def _lit(
    across: int, down: int, span: Span, look: Look, center: tuple[int, int] | None, spread: tuple[float, float]
) -> NDArray[np.int32]:
    """Return the plane with its halo and its axes, as packed colors: shape (down, across)."""
    colors, strengths = _field(across, down, span, look)
    if center is not None:
        strengths = strengths + ((0.45 if look.is_light else 0.6) - strengths) * _halo(
            across, down, span, center, spread
        )
    background = np.array(to_rgb(look.background), np.float32)
    lit = background + strengths[..., np.newaxis] * (colors - background)
    foreground, (column, row) = np.array(to_rgb(look.foreground), np.float32), axes(span, across, down)
    if column is not None:
        lit[:, column] += _AXIS * (foreground - lit[:, column])
    if row is not None:
        lit[row] += _AXIS * (foreground - lit[row])
    return packed(lit)


def _halo(across: int, down: int, span: Span, center: tuple[int, int], spread: tuple[float, float]) -> Pixels:
    """Return how bright the halo is, in few shades so that few cells change when it moves."""
    (left, right), (bottom, top) = span.valence, span.arousal
    x = (np.arange(across) - center[0]) / (spread[0] / (right - left) * (across - 1))
    y = (np.arange(down) - center[1]) / (spread[1] / (top - bottom) * (down - 1))
    light = np.exp(-0.5 * (np.square(x) + np.square(y)[:, np.newaxis]))
    return np.power(np.rint(light**0.7 * _HALO_SHADES) / _HALO_SHADES, 1 / 0.7).astype(np.float32)


def _draw_tail(pixels: NDArray[np.int32], places: NDArray[np.float64], span: Span, look: Look) -> None:
    """Draw a line that fades with age over what is there."""
    ages = places[:, 2]
    places, ages = places[ages < TAIL], ages[ages < TAIL]
    if not len(places):
        return
    down, across = pixels.shape
    corners = np.minimum(places[:, :2].astype(np.intp), [across - 2, down - 2])
    rest = places[:, :2] - corners
    light = 0.85 * (1 - ages / TAIL) ** 1.3
    alpha = np.zeros((down, across), np.float32)
    for right, below in ((0, 0), (1, 0), (0, 1), (1, 1)):
        share = np.abs(1 - right - rest[:, 0]) * np.abs(1 - below - rest[:, 1])
        np.maximum.at(alpha, (corners[:, 1] + below, corners[:, 0] + right), (light * share).astype(np.float32))
    alpha = np.rint(np.minimum(1, 1.35 * alpha) * _FADES) / _FADES
    rows, columns = np.nonzero(alpha)
    _tint(pixels, rows, columns, alpha[rows, columns], _trace(across, down, span, look)[rows, columns])


@lru_cache(4)
def _trace(across: int, down: int, span: Span, look: Look) -> Pixels:
    """Return the color of a tail at every pixel."""
    colors, _ = _field(across, down, span, look)
    foreground = np.array(to_rgb("#101018" if look.is_light else "#ffffff"), np.float32)
    return colors + 0.5 * (foreground - colors)


def _draw_head(
    pixels: NDArray[np.int32], place: NDArray[np.float64], before: NDArray[np.float64], look: Look
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draw the point, stretched over the way since the last frame; return the rows and the columns of its pixels."""
    down, across = pixels.shape
    low = np.maximum(np.minimum(place, before).astype(int) - _NEAR, 0)
    high = np.minimum(np.maximum(place, before).astype(int) + _NEAR, [across - 1, down - 1])
    x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    here, behind = np.hypot(x - place[0], y - place[1]), _distance(x - before[0], y - before[1], place - before)
    alpha = np.maximum(_roundness(here), _STREAK * _roundness(behind))
    alpha = np.rint(alpha * _FADES) / _FADES
    rows, columns = np.nonzero(alpha)
    color = np.array(to_rgb("#08080c" if look.is_light else "#ffffff"), np.float32)
    shares = alpha[rows, columns].astype(np.float32)
    rows, columns = rows + low[1], columns + low[0]
    _tint(pixels, rows, columns, shares, color)
    return rows, columns


def _roundness(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of the point there is at a distance from its middle: one pixel is the brightest."""
    roundness: NDArray[np.float64] = np.clip((_HEAD - distance) / _SOFT, 0, 1)
    return roundness


def _distance(x: NDArray[np.float64], y: NDArray[np.float64], way: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far points are from a way that begins at the origin."""
    length = float(way @ way)
    along = np.clip((x * way[0] + y * way[1]) / length, 0, 1) if length > 0 else np.zeros_like(x)
    distance: NDArray[np.float64] = np.hypot(x - along * way[0], y - along * way[1])
    return distance


def _tint(
    pixels: NDArray[np.int32],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    alpha: NDArray[np.float32],
    color: Pixels,
) -> None:
    """Mix a color into some pixels."""
    there = unpacked(pixels[rows, columns])
    pixels[rows, columns] = packed(there + alpha[:, np.newaxis] * (color - there))


def _cells(pixels: NDArray[np.int32]) -> Cells:
    """Return cells of two pixels each."""
    cells = np.empty((4, len(pixels) // 2, pixels.shape[1]), np.int32)
    cells[GLYPH], cells[INK], cells[GROUND], cells[WEIGHT] = UPPER_HALF, pixels[::2], pixels[1::2], 0
    return cells


def _mean(upper: NDArray[np.int32], lower: NDArray[np.int32]) -> NDArray[np.int32]:
    return (upper & lower) + (((upper ^ lower) & 0xFEFEFE) >> 1)


def _write(cells: Cells, lettering: Lettering) -> None:
    """Write the words over what is there, also over the tail."""
    words, inks, grounds = lettering
    rows, columns = np.nonzero(words)
    for plane, content in ((GLYPH, words), (INK, inks), (GROUND, grounds)):
        cells[plane, rows, columns] = content[rows, columns]


def _write_on_head(cells: Cells, pixels: NDArray[np.int32], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> None:
    """Let the point shine behind letters."""
    grounds = _mean(pixels[2 * rows, columns], pixels[2 * rows + 1, columns])
    cells[GROUND, rows, columns] = grounds
    cells[INK, rows, columns] = packed(clear(unpacked(cells[INK, rows, columns]), unpacked(grounds), _LEGIBLE))


@lru_cache(4)
def _lettering(
    width: int, height: int, span: Span, look: Look, center: tuple[int, int] | None, spread: tuple[float, float]
) -> Lettering:
    """Return the characters of the words, 0 where there is none, and their colors on what is behind them."""
    words, inks = (plane.copy() for plane in _words(width, height, span, look))
    lit = _lit(width, 2 * height, span, look, center, spread)
    grounds = _mean(lit[::2], lit[1::2])
    there = words > 0
    inks[there] = packed(clear(unpacked(inks[there]), unpacked(grounds[there]), _LEGIBLE))
    return words, inks, grounds


@lru_cache(8)
def _words(width: int, height: int, span: Span, look: Look) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the characters of the words and their inks; 0 where there is none."""
    words, inks = np.zeros((2, height, width), np.int32)
    for label in labels(span, width, height):
        place = slice(label.x, label.x + len(label.text))
        words[label.y, place] = [ord(letter) for letter in label.text]
        inks[label.y, place] = look.ink_of(*label.mood).ink if label.mood else look.faint.ink
    words[words == ord(" ")] = 0
    return words, inks

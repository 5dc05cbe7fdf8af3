"""The plane on a terminal with few colors or none: everything in braille dots, so that nothing needs a shade.

A dotted lattice in the colors of its places is the field, a dotted ellipse the halo. Dots of different things share a
cell, so the tail does not erase the axes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emodj_live.gliding import TAIL
from emodj_live.sinks.terminal.braille import braille, cells_of
from emodj_live.sinks.terminal.frame import BOLD, DEFAULT, DIM, GLYPH, GROUND, INK, REVERSE, WEIGHT, Cells, Frame, Pen
from emodj_live.sinks.terminal.look import Depth, Look
from emodj_live.sinks.terminal.plane import Span, Spot, axes, labels, sampled

_LATTICE, _WIDE_LATTICE = 4, 8  # dots between those of the field, where they have shades and where not
_HEAD = 2.3  # radius [dots]
_NEAR = 5  # dots around the head that may be part of it
_HALO_DOTS = 3.5  # dots between those of the halo
_BLANK = 0x2800  # the first braille character
_THINNING = ((2.5, 1), (4.5, 2), (TAIL, 4))  # up to which age [s] every which place of the tail has a dot

Dots = NDArray[np.bool_]


class _Layer(NamedTuple):
    """Dots that are drawn with one pen."""

    dots: Dots
    pen: Pen


def paint(width: int, height: int, span: Span, look: Look, spot: Spot | None) -> Cells:
    """Paint the plane; as `emodj_live.sinks.terminal.glow.paint`."""
    still = _still(width, height, span, look)
    cells = still.cells.copy()
    if spot is None:
        return cells
    across, down = 2 * width, 4 * height
    all_dots = _still_dots(width, height, span, look).copy()
    is_word, layers = _is_word(still), _layers(across, down, span, look, spot)
    for layer in layers:
        all_dots |= layer.dots
        there = cells_of(layer.dots) & ~is_word
        cells[INK][there], cells[WEIGHT][there] = layer.pen.ink, layer.pen.weight
    cells[WEIGHT][cells_of(layers[-1].dots) & is_word] |= REVERSE  # the point, behind letters
    cells[GLYPH] = np.where(is_word, cells[GLYPH], braille(all_dots))
    return cells


def _is_word(still: Frame) -> NDArray[np.bool_]:
    is_word: NDArray[np.bool_] = (still.cells[GLYPH] > ord(" ")) & (still.cells[GLYPH] < _BLANK)
    return is_word


def _layers(across: int, down: int, span: Span, look: Look, spot: Spot) -> list[_Layer]:
    """Return what moves, the foremost last."""
    halo, tail, head = np.zeros((3, down, across), bool)
    places = sampled(spot.tail, span, across, down)
    start = 0.0
    for end, every in _THINNING:
        part = places[(places[:, 2] >= start) & (places[:, 2] < end)]
        rounded = np.unique(np.rint(part[:, :2]).astype(np.intp), axis=0)
        rounded = rounded[(rounded.sum(axis=1) % every) == 0]
        tail[rounded[:, 1], rounded[:, 0]] = True
        start = end
    place, before = span.place(np.array([spot.point, spot.before]), across, down)
    _draw_ellipse(halo, place, span, spot.spread)
    _draw_head(head, place, before)
    ink = look.ink_of(*spot.point)
    return [
        _Layer(halo, look.ink_of(*spot.point, is_muted=True)),
        _Layer(tail, ink),
        _Layer(head, _head_pen(look)),
    ]


def _head_pen(look: Look) -> Pen:
    return Pen(DEFAULT if look.depth <= Depth.SIXTEEN else look.color(look.foreground), weight=BOLD)


def _draw_ellipse(dots: Dots, center: NDArray[np.float64], span: Span, spread: tuple[float, float]) -> None:
    down, across = dots.shape
    (left, right), (bottom, top) = span.valence, span.arousal
    radii = spread[0] / (right - left) * (across - 1), spread[1] / (top - bottom) * (down - 1)
    angles = np.linspace(0, 2 * np.pi, max(8, round(2 * np.pi * max(radii) / _HALO_DOTS)), endpoint=False)
    x = np.rint(np.rint(center[0]) + radii[0] * np.cos(angles)).astype(np.intp)
    y = np.rint(np.rint(center[1]) + radii[1] * np.sin(angles)).astype(np.intp)
    is_inside = (x >= 0) & (x < across) & (y >= 0) & (y < down)
    dots[y[is_inside], x[is_inside]] = True


def _draw_head(dots: Dots, place: NDArray[np.float64], before: NDArray[np.float64]) -> None:
    """Draw a disc at each place that the point has passed since the last frame."""
    steps = int(np.abs(place - before).max()) + 1
    for x, y in np.rint(place + np.linspace(1, 0, steps, endpoint=False)[:, np.newaxis] * (before - place)).tolist():
        _draw_disc(dots, int(x), int(y))


def _draw_disc(dots: Dots, x: int, y: int) -> None:
    disc, middle = _disc(), _NEAR
    down, across = dots.shape
    left, upper = max(0, x - middle), max(0, y - middle)
    right, lower = min(across, x + middle + 1), min(down, y + middle + 1)
    dots[upper:lower, left:right] |= disc[
        upper - y + middle : lower - y + middle, left - x + middle : right - x + middle
    ]


@lru_cache(1)
def _disc() -> Dots:
    steps = np.arange(-_NEAR, _NEAR + 1)
    disc: Dots = np.hypot(steps, steps[:, np.newaxis]) <= _HEAD
    return disc


@lru_cache(8)
def _still_dots(width: int, height: int, span: Span, look: Look) -> Dots:
    """Return the dots that do not move: lattice and axes."""
    lattice, axis = _lattice(width, height, span, look)
    return lattice | axis


def _lattice(width: int, height: int, span: Span, look: Look) -> tuple[Dots, Dots]:
    lattice, axis = np.zeros((2, 4 * height, 2 * width), bool)
    column, row = axes(span, 2 * width, 4 * height)
    apart = _LATTICE if look.depth is Depth.PALETTE else _WIDE_LATTICE
    lattice[(row or 0) % apart :: apart, (column or 0) % apart :: apart] = True
    if column is not None:
        axis[(row or 0) % 2 :: 2, column] = True
    if row is not None:
        axis[row, (column or 0) % 2 :: 2] = True
    return lattice, axis


@lru_cache(8)
def _still(width: int, height: int, span: Span, look: Look) -> Frame:
    """Return what does not move: lattice, axes and words."""
    frame = Frame(width, height)
    lattice, axis = _lattice(width, height, span, look)
    moods = look.moods(span.grid(width, height))
    frame.cells[INK] = DEFAULT if look.depth is Depth.NONE else moods
    frame.cells[WEIGHT] = DIM if look.depth <= Depth.SIXTEEN else 0
    there = cells_of(axis)
    frame.cells[INK][there], frame.cells[WEIGHT][there] = look.faint.ink, look.faint.weight
    frame.cells[GLYPH] = braille(lattice | axis)
    frame.cells[GROUND] = DEFAULT
    for label in labels(span, width, height):
        frame.put(label.x, label.y, label.text, look.ink_of(*label.mood) if label.mood else look.faint)
    return frame

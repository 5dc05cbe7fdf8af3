"""The valence-arousal plane: where its points lie on the screen, and the words on it. Two painters fill it.

`glow` paints it on terminals with all colors, in half blocks; `dots` on the others, in braille.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Quadrant
from emodj_live.gliding import Point, TailPoint

_LEAST_FOR_AXES = 36  # columns of a plane that has names on its axes
_MARGIN = 2  # columns
_ZOOMED = "zoom"


@dataclass(frozen=True)
class Span:
    """What part of the plane is shown.

    Attributes
    ----------
    valence, arousal : (float, float)
        From where to where.
    """

    valence: tuple[float, float] = (-1.0, 1.0)
    arousal: tuple[float, float] = (-1.0, 1.0)

    def place(self, points: NDArray[np.floating], across: int, down: int, *, clips: bool = True) -> NDArray[np.float64]:
        """Return where points lie on a grid, counted from the middle of its upper left place.

        Parameters
        ----------
        points : ndarray, shape (n, 2)
            Valence and arousal.
        across, down : int
            Size of the grid.
        clips : bool
            Whether what is beyond the span lies on its edge.

        Returns
        -------
        ndarray of float64, shape (n, 2)
            Column and row.
        """
        (left, right), (bottom, top) = self.valence, self.arousal
        shares = (points - np.array([left, top])) / np.array([right - left, bottom - top])
        shares = np.clip(shares, 0, 1) if clips else shares
        places: NDArray[np.float64] = shares * np.array([across - 1, down - 1])
        return places

    def grid(self, across: int, down: int) -> NDArray[np.float64]:
        """Return valence and arousal of every place of a grid: shape (down, across, 2)."""
        valences = np.linspace(*self.valence, across)
        arousals = np.linspace(self.arousal[1], self.arousal[0], down)
        return np.stack(np.meshgrid(valences, arousals), axis=-1)


@dataclass(frozen=True)
class Spot:
    """What is on the plane.

    Attributes
    ----------
    point : (float, float)
        Where it is now: valence and arousal.
    before : (float, float)
        Where it was a frame ago.
    tail : sequence of TailPoint
        Where it has been, newest first.
    spread : (float, float)
        Standard deviation of what the model knows, of valence and of arousal.
    """

    point: Point
    before: Point
    tail: Sequence[TailPoint]
    spread: tuple[float, float]


@dataclass(frozen=True)
class Label:
    """A word on the plane.

    Attributes
    ----------
    x, y : int
        Its first cell.
    text : str
    mood : (float, float) or None
        The emotion whose color it has; None for what is no mood.
    """

    x: int
    y: int
    text: str
    mood: Point | None


def axes(span: Span, across: int, down: int) -> tuple[int | None, int | None]:
    """Return the column and the row of a grid in which the axes are; None for one that is not shown."""
    column, row = span.place(np.zeros((1, 2)), across, down)[0].round().astype(int).tolist()
    is_across, is_down = (low < 0 < high for low, high in (span.valence, span.arousal))
    return column if is_across else None, row if is_down else None


def labels(span: Span, width: int, height: int) -> list[Label]:
    """Return the words on a plane: its quadrants and, if there is room, its axes.

    Parameters
    ----------
    span : Span
    width, height : int
        Of the plane, in cells.

    Returns
    -------
    list of Label
    """
    found = [_quadrant_label(quadrant, width, height) for quadrant in Quadrant]
    column, half = axes(span, width, 2 * height)
    if span != Span():
        is_left = column is None or column > _MARGIN + len(_ZOOMED)  # where the name of an axis does not stand
        found.append(Label(_MARGIN if is_left else width - len(_ZOOMED) - _MARGIN, 0, _ZOOMED, None))
    row = None if half is None else half // 2
    if width < _LEAST_FOR_AXES or column is None or row is None:
        return found
    names = [
        (column + 2, 0, "excited"),
        (column + 2, height - 1, "calm"),
        (_MARGIN, row + 1, "unpleasant"),
        (width - len("pleasant") - _MARGIN, row + 1, "pleasant"),
    ]
    return found + [Label(x, y, text, None) for x, y, text in names if 0 <= y < height]


def _quadrant_label(quadrant: Quadrant, width: int, height: int) -> Label:
    is_pleasant, is_excited = quadrant.signs
    text = quadrant.value.upper()
    x = width - len(text) - _MARGIN if is_pleasant else _MARGIN
    return Label(x, 1 if is_excited else height - 2, text, (0.5 * (2 * is_pleasant - 1), 0.5 * (2 * is_excited - 1)))


def sampled(tail: Sequence[TailPoint], span: Span, across: int, down: int) -> NDArray[np.float64]:
    """Return the places that a tail passes on a grid, so close that none of the grid's is left out, and none beyond it.

    Parameters
    ----------
    tail : sequence of TailPoint
    span : Span
    across, down : int
        Size of the grid.

    Returns
    -------
    ndarray of float64, shape (n, 3)
        Column, row and age [s].
    """
    corners = np.array(tail, np.float64).reshape(-1, 3)
    places = np.column_stack([span.place(corners[:, :2], across, down, clips=False), corners[:, 2]])
    lengths = np.abs(np.diff(places[:, :2], axis=0)).max(axis=1, initial=0)
    ends = np.concatenate([[0.0], np.cumsum(np.maximum(lengths, 1e-9))])
    steps = np.arange(0, ends[-1] + 0.5, 0.5)
    found = np.column_stack([np.interp(steps, ends, places[:, column]) for column in range(3)])
    last = np.array([across - 1, down - 1])
    is_inside = ((found[:, :2] > -0.5) & (found[:, :2] < last + 0.5)).all(axis=1)
    found[:, :2] = np.clip(found[:, :2], 0, last)
    return found[is_inside]

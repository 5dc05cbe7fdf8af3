"""What stands where on a screen of a certain size: the plane alone on a small one, more as there is room."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

SMALLEST = (60, 18)  # columns and rows for more than the plane
_SMALLEST_PLANE = (16, 6)
_ROOMY = 24  # rows, from which there are blank ones
_PLANE_SHAPE = 2.15  # columns for a row, so that it looks square
_WIDEST_METER = 64  # columns
_LOW = 22  # rows, below which a wide screen has its parts side by side
_GAP = 3  # columns between the parts
_LETTERS = 3  # rows of large letters


class Rect(NamedTuple):
    """A part of the screen, in cells."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Layout:
    """What stands where; None is not there.

    Attributes
    ----------
    plane, mood, valence, arousal, meters, cover : Rect or None
    head, strip, details, keys : int or None
        Rows across the whole screen.
    caption : Rect or None
        A line or two below a plane that is alone, or beside it.
    """

    plane: Rect | None = None
    mood: Rect | None = None
    valence: Rect | None = None
    arousal: Rect | None = None
    meters: Rect | None = None
    cover: Rect | None = None
    head: int | None = None
    strip: int | None = None
    details: int | None = None
    keys: int | None = None
    caption: Rect | None = None

    @property
    def body(self) -> tuple[int, int]:
        """First row of the part between head and strip, and how many there are."""
        top = 0 if self.head is None else self.head + 1
        return top, (self.strip or 0) - top


@lru_cache(16)
def layout(width: int, height: int, has_cover: bool = False) -> Layout:
    """Return what stands where.

    Parameters
    ----------
    width, height : int
        Of the screen, in cells.
    has_cover : bool
        Whether there is a picture to be shown.

    Returns
    -------
    Layout
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return _small(width, height)
    blank = 1 if height >= _ROOMY else 0
    top, bottom = 1 + blank, height - 3 - blank
    rows = bottom - top
    plane = Rect(0, top, min(int(_PLANE_SHAPE * rows), int(0.6 * width)), rows)
    x = plane.width + _GAP
    side = Rect(x, top, width - x, rows)
    frame = Layout(plane=plane, head=0, strip=height - 3, details=height - 2, keys=height - 1)
    if rows < _LOW and side.width >= 80:
        return _side_by_side(frame, side)
    return _stacked(frame, side, has_cover)


def _small(width: int, height: int) -> Layout:
    """Return the plane alone, with a caption below it or, on a low and wide screen, beside it."""
    if width < _SMALLEST_PLANE[0] or height < _SMALLEST_PLANE[1]:
        return Layout(caption=Rect(0, 0, width, height))
    beside = width - int(_PLANE_SHAPE * height) - _GAP
    if beside >= 28:
        columns = width - beside
        return Layout(plane=Rect(0, 0, columns - _GAP, height), caption=Rect(columns, 0, beside, height))
    return Layout(plane=Rect(0, 0, width, height - 1), caption=Rect(0, height - 1, width, 1))


def _side_by_side(frame: Layout, side: Rect) -> Layout:
    """Return mood and curves in one column and the meters in another."""
    meters = min(_WIDEST_METER, side.width // 2 - _GAP)
    curves = side._replace(width=side.width - meters - _GAP)
    placed = _stacked(frame, curves, has_cover=False, has_meters=False)
    return _with(placed, meters=Rect(side.x + curves.width + _GAP, side.y, meters, side.height))


def _stacked(frame: Layout, side: Rect, has_cover: bool, *, has_meters: bool = True) -> Layout:
    """Return mood, curves and meters one below the other."""
    blank = 1 if side.height >= _ROOMY - 6 else 0
    mood = side._replace(height=_LETTERS + 1)
    left = side.height - mood.height - blank
    meters = max(4, min(14, round(0.42 * left))) if has_meters else 0
    curves = left - meters - (blank if has_meters else 0)
    upper = (curves - blank) // 2
    valence = side._replace(y=mood.y + mood.height + blank, height=upper)
    arousal = side._replace(y=valence.y + upper + blank, height=curves - blank - upper)
    placed = _with(frame, mood=mood, valence=valence, arousal=arousal)
    if not has_meters:
        return placed
    meters_width = min(side.width, _WIDEST_METER)
    cover = None
    if has_cover and side.width >= 2 * meters + _GAP + 24 and meters >= 6:
        cover = Rect(side.x + side.width - 2 * meters, side.y + side.height - meters, 2 * meters, meters)
        meters_width = min(meters_width, cover.x - _GAP - side.x)
    return _with(
        placed, meters=Rect(side.x, side.y + side.height - meters, meters_width, meters), cover=cover
    )


def _with(before: Layout, **parts: Rect | None) -> Layout:
    return Layout(**{**before.__dict__, **parts})

"""What stands where on a screen of a certain size: the plane alone on a small one, more as there is room."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

SMALLEST = (60, 18)  # columns and rows for more than the plane
_SMALLEST_PLANE = (16, 6)
_LEAST_BESIDE = 16  # columns of a caption that stands beside the plane
_WIDE = 72  # columns, from which there is a margin
_ROOMY = 24  # rows, from which there are blank ones
_PLANE_SHAPE = 2.15  # columns for a row, so that it looks square
_SQUATTEST = 1.6  # columns for a row, below which it looks stretched
_LEAST_BELOW = 14  # rows of the parts below a plane
_WIDEST_METER = 64  # columns
_LOW = 22  # rows, below which a wide screen has its parts side by side
_GAP = 3  # columns between the parts
_LETTERS, _LARGER_LETTERS = 3, 5  # rows of large letters
_ROOM_FOR_LARGER = 60, 40  # columns and rows beside the plane
_LEAST_SIDE = 26  # columns: the longest word in large letters, and one


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
    head, strip, details, keys : Rect or None
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
    head: Rect | None = None
    strip: Rect | None = None
    details: Rect | None = None
    keys: Rect | None = None
    caption: Rect | None = None

    @property
    def body(self) -> Rect | None:
        """All between head and strip."""
        if self.head is None or self.strip is None:
            return None
        return self.head._replace(y=self.head.y + 1, height=self.strip.y - self.head.y - 1)


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
    blank, margin = int(height >= _ROOMY), int(width >= _WIDE)
    row = Rect(margin, 0, width - 2 * margin, 1)
    top, bottom = 1 + blank, height - 3 - blank
    room = row._replace(y=top, height=bottom - top)
    plane, side = _beside(room)
    if plane.height < room.height:
        above, below = _above(room)
        plane, side = (above, below) if above.width * above.height > plane.width * plane.height else (plane, side)
    strip, details, keys = (row._replace(y=height - 3 + number) for number in range(3))
    frame = Layout(plane=plane, head=row, strip=strip, details=details, keys=keys)
    if room.height < _LOW and side.width >= 80:
        return _side_by_side(frame, side)
    return _stacked(frame, side, has_cover)


def _small(width: int, height: int) -> Layout:
    """Return the plane alone, with a caption below it or, on a low and wide screen, beside it."""
    if width < _SMALLEST_PLANE[0] or height < _SMALLEST_PLANE[1]:
        return Layout(caption=Rect(0, 0, width, height))
    beside = width - int(_PLANE_SHAPE * height) - _GAP
    if beside >= _LEAST_BESIDE:
        columns = width - beside
        return Layout(plane=Rect(0, 0, columns - _GAP, height), caption=Rect(columns, 0, beside, height))
    return Layout(plane=Rect(0, 0, width, height - 1), caption=Rect(0, height - 1, width, 1))


def _beside(room: Rect) -> tuple[Rect, Rect]:
    """Return the plane and, beside it, the place for the other parts."""
    columns = min(int(_PLANE_SHAPE * room.height), int(0.6 * room.width), room.width - _GAP - _LEAST_SIDE)
    plane = room._replace(width=columns, height=min(room.height, int(columns / _SQUATTEST)))
    x = plane.x + plane.width + _GAP
    return plane, room._replace(x=x, width=room.x + room.width - x)


def _above(room: Rect) -> tuple[Rect, Rect]:
    """Return the plane and, below it, the place for the other parts: for screens that are high and narrow."""
    rows = max(0, min(int(room.width / _PLANE_SHAPE), room.height - 1 - _LEAST_BELOW))
    y = room.y + rows + 1
    plane = room._replace(width=min(room.width, int(_PLANE_SHAPE * rows)), height=rows)
    return plane, room._replace(y=y, height=room.y + room.height - y)


def _side_by_side(frame: Layout, side: Rect) -> Layout:
    """Return mood and curves in one column and the meters in another."""
    meters = min(_WIDEST_METER, side.width // 2 - _GAP)
    curves = side._replace(width=side.width - meters - _GAP)
    placed = _stacked(frame, curves, has_cover=False, has_meters=False)
    return _with(placed, meters=Rect(side.x + curves.width + _GAP, side.y, meters, side.height))


def _stacked(frame: Layout, side: Rect, has_cover: bool, *, has_meters: bool = True) -> Layout:
    """Return mood, curves and meters one below the other."""
    blank = 1 if side.height >= _ROOMY - 6 else 0
    is_large = side.width >= _ROOM_FOR_LARGER[0] and side.height >= _ROOM_FOR_LARGER[1]
    mood = side._replace(height=(_LARGER_LETTERS if is_large else _LETTERS) + 1)
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
    return _with(placed, meters=Rect(side.x, side.y + side.height - meters, meters_width, meters), cover=cover)


def _with(before: Layout, **parts: Rect | None) -> Layout:
    return Layout(**{**before.__dict__, **parts})

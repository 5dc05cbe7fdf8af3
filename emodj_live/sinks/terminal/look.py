"""How things look on a certain terminal: how many colors it has, and whether its background is dark or light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from emodj_live.colors import blend, color_of, contrast, to_hex, to_rgb
from emodj_live.emotion import Quadrant
from emodj_live.sinks.terminal.contrast import CLEAR, clear, luminance
from emodj_live.sinks.terminal.frame import BOLD, DEFAULT, DIM, PALETTE, REVERSE, Pen

DARK, LIGHT = "#121216", "#fbfbf8"  # backgrounds, where a terminal does not say what its own is
_SIXTEEN = {Quadrant.HAPPY: 3, Quadrant.TENSE: 1, Quadrant.SAD: 4, Quadrant.CALM: 6}  # yellow, red, blue, cyan
_BRIGHT = 8  # between a color of the palette's first half and its bright sister
_READABLE = 4.5  # contrast of texts, as WCAG 2 asks for
_FADED, _LESS_FADED = 0.5, 0.2  # share of gray in an uncertain mood's name; a palette would make it all gray
_CUBE_STEPS = np.array([0, 95, 135, 175, 215, 255], np.float32)
_VIVID = 0.35  # how much stronger colors are in a palette
_LINE = 1.1  # how strong the color of a thin line is on a dark background, compared with that of an area
_LATTICE = 33  # points of the plane along an axis for which colors are computed; between them they are interpolated

Colors = NDArray[np.int32]


class Depth(IntEnum):
    """How many colors a terminal has."""

    NONE = 0
    SIXTEEN = 4
    PALETTE = 8
    TRUE = 24


@dataclass(frozen=True)
class Look:
    """Colors for one kind of terminal.

    Attributes
    ----------
    depth : Depth
    background : str
        As ``#rrggbb``.
    """

    depth: Depth = Depth.TRUE
    background: str = DARK

    @cached_property
    def is_light(self) -> bool:
        """Whether the background is light."""
        return contrast(self.background, "#000000") > contrast(self.background, "#ffffff")

    @cached_property
    def foreground(self) -> str:
        """About what the terminal writes with, as ``#rrggbb``."""
        return "#202024" if self.is_light else "#e6e6ea"

    def paint(self, colors: NDArray[np.floating]) -> Colors:
        """Return colors as this terminal has them.

        Parameters
        ----------
        colors : ndarray, shape (..., 3)
            Red, green and blue, each in [0, 1].

        Returns
        -------
        ndarray of int32, shape (...)
            As in a `Pen`. On a terminal of 16 colors they are its default color, because those have no shades.
        """
        if self.depth is Depth.TRUE:
            return packed(colors)
        if self.depth is Depth.PALETTE:
            return _of_palette(colors)
        return np.full(colors.shape[:-1], DEFAULT, np.int32)

    @lru_cache(1024)  # noqa: B019 (a look is a value, and there are few)
    def color(self, color: str) -> int:
        """Return one color as this terminal has it."""
        return int(self.paint(np.array(to_rgb(color), np.float32)))

    @lru_cache(1024)  # noqa: B019
    def mixed(self, color: str, share: float) -> int:
        """Return a color of which only a share is left on the background."""
        return self.color(blend(self.background, color, share))

    @lru_cache(1024)  # noqa: B019
    def _readable(self, color: str) -> str:
        goal = "#000000" if self.is_light else "#ffffff"
        shades = (blend(color, goal, step / 10) for step in range(11))
        return next((shade for shade in shades if contrast(shade, self.background) >= _READABLE), goal)

    def ink_of(self, valence: float, arousal: float, *, is_muted: bool = False) -> Pen:
        """Return what to write with in the color of an emotion, so that it can be read."""
        return self._ink(round(valence, 2), round(arousal, 2), is_muted)

    @lru_cache(1024)  # noqa: B019
    def _ink(self, valence: float, arousal: float, is_muted: bool) -> Pen:
        if self.depth is Depth.NONE:
            return Pen(weight=DIM if is_muted else BOLD)
        if self.depth is Depth.SIXTEEN:
            number = _SIXTEEN[Quadrant.of(valence, arousal)] + (0 if self.is_light else _BRIGHT)
            return Pen(PALETTE + number, weight=DIM if is_muted else BOLD)
        color = color_of(valence, arousal)
        if self.depth is Depth.PALETTE:
            red, green, blue = np.clip(_vivid(np.array(to_rgb(color))), 0, 1).tolist()
            color = to_hex((red, green, blue))
        color = self._readable(color)
        return Pen(self.mixed(color, 0.68) if is_muted else self.color(color), weight=0 if is_muted else BOLD)

    @property
    def _caution(self) -> float:
        """How much more contrast than needed to ask for, because the color that a terminal has is another one."""
        return 1.3 if self.depth is Depth.PALETTE else 1.07

    @lru_cache(64)  # noqa: B019
    def name_of(self, quadrant: Quadrant, *, is_muted: bool = False) -> Pen:
        """Return what to write the name of a mood with; a muted one is grayer, and as bright."""
        valence, arousal = (0.5 if is_positive else -0.5 for is_positive in quadrant.signs)
        if self.depth <= Depth.SIXTEEN:
            return self.ink_of(valence, arousal, is_muted=is_muted)
        color = np.array(to_rgb(quadrant.color))
        if is_muted:
            faded = _FADED if self.depth is Depth.TRUE else _LESS_FADED
            color = color + faded * (luminance(color) ** (1 / 2.2) - color)
        if self.depth is Depth.PALETTE:
            color = _vivid(color)
        readable = clear(color, np.array(to_rgb(self.background)), _READABLE * self._caution**1.5)
        return Pen(int(self.paint(readable)), weight=0 if is_muted else BOLD)

    def lines(self, points: NDArray[np.floating], share: float = 1.0) -> Colors:
        """Return the colors of many emotions for lines and bars: as `moods`, but clear against the background."""
        if self.depth <= Depth.SIXTEEN:
            return self.moods(points)
        background = np.array(to_rgb(self.background), np.float32)
        return self.paint(background + share * (mood_colors(points, _clear_lattice(self)) - background))

    def moods(self, points: NDArray[np.floating], share: float = 1.0) -> Colors:
        """Return the colors of many emotions.

        Parameters
        ----------
        points : ndarray, shape (..., 2)
            Valence and arousal.
        share : float
            How much of each is left on the background; above 1 it stands out more.

        Returns
        -------
        ndarray of int32, shape (...)
        """
        if self.depth is Depth.SIXTEEN:
            numbers = [_SIXTEEN[Quadrant.of(*point)] for point in points.reshape(-1, 2).tolist()]
            return PALETTE + np.array(numbers, np.int32).reshape(points.shape[:-1])
        background = np.array(to_rgb(self.background), np.float32)
        colors = mood_colors(points)
        if self.depth is Depth.PALETTE:  # whose grays are nearer than its colors
            colors = _vivid(colors)
        return self.paint(background + share * (colors - background))

    @cached_property
    def faint(self) -> Pen:
        """What to write notes with."""
        if self.depth <= Depth.SIXTEEN:
            return Pen(weight=DIM)
        return Pen(self.mixed(self.foreground, 0.73 if self.is_light else 0.58))

    @cached_property
    def line(self) -> Pen:
        """What to draw lines and empty tracks with."""
        if self.depth <= Depth.SIXTEEN:
            return Pen(weight=DIM)
        return Pen(self.mixed(self.foreground, 0.28))

    @cached_property
    def mark(self) -> int:
        """Ink that stands out from every color."""
        if self.depth <= Depth.SIXTEEN:
            return DEFAULT
        return self.color("#000000" if self.is_light else "#ffffff")

    @cached_property
    def strong(self) -> Pen:
        """What to write headings with."""
        return Pen(weight=BOLD)

    @cached_property
    def alarm(self) -> Pen:
        """What to write alarms with."""
        if self.depth is Depth.NONE:
            return Pen(weight=BOLD | REVERSE)
        if self.depth is Depth.SIXTEEN:
            return Pen(PALETTE + 15, PALETTE + 1, BOLD)
        return Pen(self.color("#ffffff"), self.color("#c00000"), BOLD)

    @cached_property
    def box(self) -> Pen:
        """What to draw a box over other things with."""
        if self.depth <= Depth.SIXTEEN:
            return Pen(ground=DEFAULT)
        return Pen(DEFAULT, self.mixed(self.foreground, 0.08))

    def signal(self, name: str) -> Pen:
        """Return what to draw a meter with: "good", "high" or "bad"."""
        number, color = {"good": (2, "#3fb37f"), "high": (3, "#d9a521"), "bad": (1, "#e04a3f")}[name]
        if self.depth is Depth.NONE:
            return Pen()
        return Pen(PALETTE + number if self.depth is Depth.SIXTEEN else self.color(color))


def look_of(console: Console, background: str) -> Look:
    """Return how to draw on a console.

    Parameters
    ----------
    console : rich.console.Console
    background : str
        As ``#rrggbb``.

    Returns
    -------
    Look
    """
    if console.no_color:
        return Look(Depth.NONE, background)
    depths = {"truecolor": Depth.TRUE, "256": Depth.PALETTE, "standard": Depth.SIXTEEN, "windows": Depth.SIXTEEN}
    return Look(depths.get(console.color_system or "", Depth.NONE), background)


def packed(colors: NDArray[np.floating]) -> Colors:
    """Return colors as ``0xrrggbb``, in steps so fine that nobody sees them and so coarse that neighbors are equal.

    Parameters
    ----------
    colors : ndarray, shape (..., 3)
        Red, green and blue, each in [0, 1].

    Returns
    -------
    ndarray of int32, shape (...)
    """
    parts = np.clip((colors * 255 + 2).astype(np.int32), 0, 255) & 0xFC
    parts |= parts >> 6  # so that white stays white
    return (parts[..., 0] << 16) | (parts[..., 1] << 8) | parts[..., 2]


def unpacked(colors: Colors) -> NDArray[np.float32]:
    """Return red, green and blue, each in [0, 1], of colors that are ``0xrrggbb``."""
    shifts = np.array([16, 8, 0], np.int32)
    return ((colors[..., np.newaxis] >> shifts) & 0xFF).astype(np.float32) / np.float32(255)


def _of_palette(colors: NDArray[np.floating]) -> Colors:
    """Return the nearest of the 240 fixed colors of a palette of 256: a cube of 6 x 6 x 6, and 24 grays."""
    values = np.clip(colors, 0, 1).astype(np.float32) * 255
    cube = np.abs(values[..., np.newaxis] - _CUBE_STEPS).argmin(-1)
    gray = np.clip(np.rint((values.mean(-1) - 8) / 10), 0, 23).astype(np.int32)
    cube_distance = np.square(values - _CUBE_STEPS[cube]).sum(-1)
    gray_distance = np.square(values - (8 + 10 * gray)[..., np.newaxis]).sum(-1)
    numbers = 16 + cube @ np.array([36, 6, 1])
    chosen: Colors = PALETTE + np.where(gray_distance < cube_distance, 232 + gray, numbers).astype(np.int32)
    return chosen


def _vivid(colors: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return stronger colors."""
    stronger: NDArray[np.floating] = colors + _VIVID * (colors - colors.mean(axis=-1, keepdims=True))
    return stronger


def mood_colors(points: NDArray[np.floating], lattice: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Return red, green and blue of many emotions, as `color_of` has them.

    Parameters
    ----------
    points : ndarray, shape (..., 2)
        Valence and arousal; what is beyond [-1, 1] counts as its edge.
    lattice : ndarray of float32, shape (33, 33, 3), optional
        Other colors, of 33 valences and as many arousals.

    Returns
    -------
    ndarray of float32, shape (..., 3)
        Each in [0, 1].
    """
    lattice = _lattice() if lattice is None else lattice
    places = (np.clip(points, -1, 1) + 1) / 2 * (_LATTICE - 1)
    corners = np.minimum(places.astype(np.intp), _LATTICE - 2)
    x, y = corners[..., 0], corners[..., 1]
    right, up = ((places - corners)[..., axis, np.newaxis] for axis in (0, 1))
    lower = lattice[x, y] * (1 - right) + lattice[x + 1, y] * right
    upper = lattice[x, y + 1] * (1 - right) + lattice[x + 1, y + 1] * right
    mixed: NDArray[np.float32] = (lower * (1 - up) + upper * up).astype(np.float32)
    return mixed


@cache
def _lattice() -> NDArray[np.float32]:
    values: Sequence[float] = np.linspace(-1, 1, _LATTICE).tolist()
    return np.array([[to_rgb(color_of(valence, arousal)) for arousal in values] for valence in values], np.float32)


@lru_cache(8)
def _clear_lattice(look: Look) -> NDArray[np.float32]:
    background = np.array(to_rgb(look.background))
    colors = _lattice() if look.is_light else background + _LINE * (_lattice() - background)
    if look.depth is Depth.PALETTE:
        colors = _vivid(colors)
    return clear(colors, background, CLEAR * look._caution).astype(np.float32)

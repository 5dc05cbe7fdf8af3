"""A poster of a song, fit to be shared: ``--poster``. Its title, its arc in mood colors, its path, and it in words."""

from __future__ import annotations

import logging
import unicodedata
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.colors import blend, color_of, to_rgb
from emodj_live.emotion import Emotion, Quadrant
from emodj_live.errors import one_line
from emodj_live.sinks.pictures import matplotlib, reach_of
from emodj_live.sinks.plot import PlotSink, open_pictures
from emodj_live.sinks.plot import parse as parse
from emodj_live.sinks.titles import bare
from emodj_live.work import Output

logger = logging.getLogger(__name__)

_SIZE = (9.0, 11.25)  # [inches]; 1080 x 1350 dots, four to five
_MARGIN = 0.08  # of the width
_NIGHT, _INK, _DIM = "#0e0f13", "#f4f1ea", "#9a9aa2"
_TITLE_SIZES = (46, 38, 31, 25)  # [points]; the first in which the title has room
_TITLE_LINES, _SMALLEST_LINES = 2, 3
_BARS = 96  # of the arc
_PATH = 320  # points of the path at most
_HUES, _CELLS = 48, 300  # of the plane along each side: of its colors, and of the light on them
_SPREADS = (0.3, 0.02)  # of the light around the path and of its glow, relative to the plane
_MENTIONED, _SHOWN = 0.15, 0.005  # from which share on a mood is mentioned, and shown with its share
_SMALL = 10  # [points] of captions
_ELLIPSIS = "\u2026"
_LETTERS = (  # fonts with letters that the usual one lacks; those that are installed are used
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *("Hiragino Sans", "PingFang SC", "Apple SD Gothic Neo", "Arial Unicode MS"),
    *("Yu Gothic", "Microsoft YaHei", "Malgun Gothic", "Segoe UI Symbol"),
)
_USUAL = "DejaVu Sans"


class PosterSink(PlotSink):
    """Collect emotions, and draw a poster of them when it is closed.

    Parameters
    ----------
    path : path-like
        The picture: .png, .svg or .pdf; a .png has 1080 x 1350 dots.
    title : str
        The title of the song.

    Raises
    ------
    SinkError
        If matplotlib is missing or the file cannot be written, now or when it is closed.
    ValueError
        If the path has another suffix.
    """

    def _draw(self, emotions: Sequence[Emotion]) -> Any:
        return draw(emotions, self.title)


@dataclass(frozen=True)
class _Song:
    """What there is to draw."""

    points: NDArray[np.float64]  # valence and arousal of each emotion
    times: NDArray[np.float64]
    heard: NDArray[np.bool_]  # which of them are not silent
    shares: dict[Quadrant, float]  # of what is heard, by the sides of the axes where the path is
    means: dict[Quadrant, tuple[float, float]]  # of the points on each side

    @classmethod
    def of(cls, emotions: Sequence[Emotion]) -> _Song:
        heard = np.array([not emotion.is_silent for emotion in emotions])
        points = np.array([(emotion.valence, emotion.arousal) for emotion in emotions])
        named = [Quadrant.of(*point) for point in points[heard].tolist()]
        sides = {
            quadrant: points[heard][[name is quadrant for name in named]] for quadrant in Quadrant if quadrant in named
        }
        return cls(
            points,
            np.array([emotion.time for emotion in emotions]),
            heard,
            {quadrant: named.count(quadrant) / max(1, len(named)) for quadrant in Quadrant},
            {quadrant: (float(side[:, 0].mean()), float(side[:, 1].mean())) for quadrant, side in sides.items()},
        )

    @property
    def middle(self) -> tuple[float, float]:
        """Mean of what is heard."""
        valence, arousal = self.points[self.heard].mean(axis=0) if self.heard.any() else (0.0, 0.0)
        return float(valence), float(arousal)


def draw(emotions: Sequence[Emotion], title: str) -> Any:
    """Draw the poster.

    Parameters
    ----------
    emotions : sequence of Emotion
        At least one, in time order.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    song = _Song.of(emotions)
    ground = blend(_NIGHT, color_of(*song.middle), 0.08)
    figure = matplotlib().figure.Figure(figsize=_SIZE, facecolor=ground)
    printable = bare(one_line(title).encode(errors="replace").decode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that no font has, about which there is a line of its own
        with_title = _draw_title(figure, printable)
    figure.text(_MARGIN, with_title - 0.012, _in_words(song), size=15, color=_DIM, va="top", family=_fonts())
    _draw_plane(figure.add_axes((_MARGIN, 0.285, 1 - 2 * _MARGIN, (with_title - 0.07 - 0.285))), song, ground)
    _draw_arc(figure.add_axes((_MARGIN, 0.135, 1 - 2 * _MARGIN, 0.115)), song)
    _draw_shares(figure, song)
    figure.text(1 - _MARGIN, 0.033, "emodj-live", size=10, color=_DIM, ha="right", alpha=0.7)
    return figure


# ----------------------------------------------------------------------------------------------------- the title


def _draw_title(figure: Any, title: str) -> float:
    """Write the title as large as it can be; return where it ends."""
    written = figure.text(_MARGIN, 0.945, "", color=_INK, va="top", family=_fonts(), linespacing=1.1)
    written.set(parse_math=False, weight="normal" if _missing(title, [_USUAL]) else "bold")  # others may have no bold
    if _missing(title, _fonts()):
        logger.warning("no font has all letters of %r; install one that does, such as fonts-noto-cjk.", title)
    room = (1 - 2 * _MARGIN) * figure.bbox.width
    lines: list[str] = []
    for size in _TITLE_SIZES:
        written.set_size(size)
        most = _SMALLEST_LINES if size == _TITLE_SIZES[-1] else _TITLE_LINES
        lines = _wrapped(title, lambda text: _width(written, text), room)
        if len(lines) <= most:
            break
    else:
        lines = _cut(lines, most, lambda text: _width(written, text), room)
    written.set_text("\n".join(lines))
    if not title.strip():
        return 0.945
    bottom: float = figure.transFigure.inverted().transform(written.get_window_extent())[0][1]
    return bottom


def _width(written: Any, text: str) -> float:
    written.set_text(text)
    width: float = written.get_window_extent().width
    return width


def _wrapped(title: str, width: Any, room: float) -> list[str]:
    """Return the title in lines that have room; scripts without spaces may be broken anywhere."""
    lines = [""]
    for piece in _pieces(title):
        if width((lines[-1] + piece).rstrip()) <= room:
            lines[-1] += piece
        elif lines[-1]:
            lines.append(piece.lstrip())
        else:
            lines[-1] = piece
        while width(lines[-1].rstrip()) > room:  # one endless word
            fits = next(n for n in range(len(lines[-1]) - 1, 0, -1) if n == 1 or width(lines[-1][:n]) <= room)
            lines[-1:] = [lines[-1][:fits], lines[-1][fits:]]
    return [line.rstrip() for line in lines]


def _pieces(title: str) -> list[str]:
    """Return where a title may be broken: words with the space after them, and single wide letters."""
    pieces = [""]
    for letter in title:
        before = pieces[-1][-1:]
        is_begin = _is_wide(letter) or (before == " " and letter != " ") or (_is_wide(before) and letter.isalnum())
        if is_begin:
            pieces.append(letter)
        else:
            pieces[-1] += letter
    return pieces


def _is_wide(letter: str) -> bool:
    return bool(letter) and unicodedata.east_asian_width(letter) in "WF"


def _cut(lines: list[str], most: int, width: Any, room: float) -> list[str]:
    """Return the first lines, the last of them with an ellipsis."""
    last = lines[most - 1]
    while width(last + _ELLIPSIS) > room:
        last = last[:-1].rstrip()
    return [*lines[: most - 1], last + _ELLIPSIS]


@cache
def _fonts() -> tuple[str, ...]:
    """Return the usual font, and those installed that have other letters."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return (_USUAL, *(name for name in _LETTERS if name in installed))


def _missing(title: str, fonts: Sequence[str]) -> set[str]:
    """Return the letters that none of the fonts has."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = {code for name in fonts for code in get_font(findfont(FontProperties(family=name))).get_charmap()}
    return {letter for letter in title if ord(letter) not in known and not letter.isspace()}


# ------------------------------------------------------------------------------------------------------ in words


def _in_words(song: _Song) -> str:
    """Return what the song is, and how long."""
    minutes, seconds = divmod(round(float(song.times[-1])), 60)
    length = f"{minutes}:{seconds:02d}"
    if not song.heard.any():
        return f"nothing but silence  \u00b7  {length}"
    main = [quadrant.value for share, quadrant in _in_order(song.shares) if share >= _MENTIONED]
    words = ", ".join(main[:-1]) + " and " * (len(main) > 1) + main[-1]
    return f"{words}  \u00b7  {length}"


def _in_order(shares: dict[Quadrant, float]) -> list[tuple[float, Quadrant]]:
    """Return the moods and their shares, the largest first."""
    return sorted(((share, quadrant) for quadrant, share in shares.items()), key=lambda each: -each[0])


def _draw_shares(figure: Any, song: _Song) -> None:
    """Write which moods there are, each with a dot of the color that it has here; a bar would say the same twice."""
    shares = [(share, quadrant) for share, quadrant in _in_order(song.shares) if share >= _SHOWN]
    for place, (share, quadrant) in enumerate(shares):
        x = _MARGIN + place * (1 - 2 * _MARGIN) / 4
        figure.text(x, 0.083, "\u25cf", size=17, color=color_of(*song.means[quadrant]), va="center")
        figure.text(x + 0.032, 0.084, f"{quadrant}", size=14, color=_INK, va="center")
        figure.text(x + 0.032, 0.061, f"{100 * share:.0f} %", size=12, color=_DIM, va="center")


# ----------------------------------------------------------------------------------------------- the plane and the arc


def _draw_plane(axes: Any, song: _Song, ground: str) -> None:
    """Draw the path from its beginning, a ring, to its end, a dot, over the colors of the plane."""
    box = axes.get_window_extent()
    reach = reach_of(song.points)
    wide = reach * box.width / box.height
    axes.set(xlim=(-wide, wide), ylim=(-reach, reach))
    axes.axis("off")
    _draw_field(axes, song, wide, reach, ground)
    for span in (axes.axhline, axes.axvline):
        span(0, color=_INK, linewidth=0.7, alpha=0.25, zorder=1)
    for quadrant in Quadrant:
        side, up = (1 if is_positive else -1 for is_positive in quadrant.signs)
        text = {"ha": "right" if side > 0 else "left", "va": "top" if up > 0 else "bottom"}
        axes.text(0.95 * side * wide, 0.93 * up * reach, quadrant.value, color=_INK, alpha=0.6, size=14, **text)
    for word, x, y, corner in (
        ("pleasant", 0.98 * wide, 0, ("right", "bottom")),
        ("unpleasant", -0.98 * wide, 0, ("left", "bottom")),
        ("excited", 0, 0.98 * reach, ("left", "top")),
        ("calm", 0, -0.98 * reach, ("left", "bottom")),
    ):
        _caption(axes, word, (x, y), (4 * (corner[0] == "left" and not x), 3 * (not y)), corner)
    if song.heard.any():
        _draw_path(axes, song)


def _caption(axes: Any, text: str, at: tuple[float, float], shift: tuple[float, float], place: tuple[str, str]) -> None:
    """Write a small word beside a place; the shift is in points."""
    options = {"color": _INK, "alpha": 0.55, "size": _SMALL, "ha": place[0], "va": place[1], "zorder": 4}
    axes.annotate(text, at, shift, textcoords="offset points", **options)


def _draw_field(axes: Any, song: _Song, wide: float, reach: float, ground: str) -> None:
    """Draw the colors of the plane, brighter where the song is, and the glow of its path."""
    colors = [
        [to_rgb(color_of(x, y)) for x in np.linspace(-wide, wide, _HUES)] for y in np.linspace(reach, -reach, _HUES)
    ]
    across, up = np.linspace(-wide, wide, _CELLS), np.linspace(reach, -reach, _CELLS)
    seen = _finely(song.points[song.heard]) if song.heard.any() else np.zeros((1, 2))
    around, glow = (_light(across, up, seen, spread * reach) for spread in _SPREADS)
    strength = 0.14 + 0.30 * around + 0.36 * np.minimum(1, 2 * glow)
    shade = np.empty((_CELLS, _CELLS, 4))
    shade[..., :3], shade[..., 3] = to_rgb(ground), 1 - strength
    corner = 0.05 * reach
    frame = matplotlib().patches.FancyBboxPatch(
        (-wide + corner, corner - reach), 2 * (wide - corner), 2 * (reach - corner), boxstyle=f"round,pad={corner}"
    )
    frame.set(facecolor="none", edgecolor="none", transform=axes.transData)
    axes.add_patch(frame)
    for image in (np.array(colors), shade):
        shown = axes.imshow(image, extent=(-wide, wide, -reach, reach), aspect="auto", interpolation="bicubic")
        shown.set_clip_path(frame)


def _light(
    across: NDArray[np.float64], up: NDArray[np.float64], points: NDArray[np.float64], spread: float
) -> NDArray[np.float64]:
    """Return how much light lamps at the points give to each cell, the brightest 1, shape (rows, columns)."""
    near_x = np.exp(-0.5 * np.square((across[:, np.newaxis] - points[:, 0]) / spread))
    near_y = np.exp(-0.5 * np.square((up[:, np.newaxis] - points[:, 1]) / spread))
    light = near_y @ near_x.T
    brightest: NDArray[np.float64] = light / light.max()
    return brightest


def _finely(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points that lie close to each other on the path through some points."""
    points = _thinned(points, _PATH)
    at = np.linspace(0, len(points) - 1, max(1, 3 * len(points)))
    return np.stack([np.interp(at, np.arange(len(points)), values) for values in points.T], axis=1)


def _draw_path(axes: Any, song: _Song) -> None:
    points = _thinned(song.points[song.heard], _PATH)
    steps = list(pairwise(points.tolist()))
    colors = [blend(color_of(*end), "#ffffff", 0.25) for _, end in steps]
    lines = matplotlib().collections.LineCollection(steps, colors=colors, linewidths=2.6, capstyle="round", zorder=3)
    axes.add_collection(lines, autolim=False)
    axes.plot(*points[0], "o", color=_INK, markerfacecolor="none", markersize=10, markeredgewidth=2, zorder=4)
    axes.plot(*points[-1], "o", color=_INK, markersize=9, zorder=4)
    side = 1 if points[-1, 0] >= points[0, 0] else -1  # where the end is, seen from the start
    for text, at, way in (("start", points[0], -side), ("end", points[-1], side)):
        _caption(axes, text, (at[0], at[1]), (9 * way, 0), ("left" if way > 0 else "right", "center"))


def _draw_arc(axes: Any, song: _Song) -> None:
    """Draw the song from left to right, a bar for each part: the color is its mood, the height its arousal."""
    count = min(_BARS, len(song.points))
    parts = np.array_split(np.arange(len(song.points)), count)
    points = np.array([song.points[part].mean(axis=0) for part in parts])
    heard = np.array([song.heard[part].any() for part in parts])
    low, high = song.points[:, 1].min(), song.points[:, 1].max()
    heights = 0.2 + 0.8 * (points[:, 1] - low) / max(high - low, 0.2)
    heights = np.where(heard, heights, 0.04)
    colors = [color_of(*point) if is_heard else _DIM for point, is_heard in zip(points, heard, strict=True)]
    width = 0.5 * axes.get_window_extent().width / max(count, 24) * 72 / axes.figure.dpi
    for place, (height, color) in enumerate(zip(heights, colors, strict=True)):
        axes.plot([place, place], [-height, height], color=color, linewidth=width, solid_capstyle="round")
    axes.set(xlim=(-0.5, max(count, 24) - 0.5), ylim=(-1.15, 1.15))
    for word, x, side in (("start", 0, "left"), ("end", 1, "right"), ("arousal", 0.5, "center")):
        axes.text(x, -0.02, word, transform=axes.transAxes, color=_DIM, size=_SMALL, ha=side, va="top")
    axes.axis("off")


def _thinned(points: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Return at most so many points, each the mean of some that follow each other, from the first to the last."""
    if len(points) <= most:
        return points
    return np.array([part.mean(axis=0) for part in np.array_split(points, most)])


def open_output(path: Path, files: Sequence[str]) -> AbstractContextManager[Output]:
    """Open the output of ``--poster``: a picture for each work, numbered if there are several."""
    return open_pictures(PosterSink, path, files)

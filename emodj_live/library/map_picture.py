"""A picture of a collection on the plane: a few songs are dots with names, thousands are dots, more are a cloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.colors import blend, color_of, to_rgb
from emodj_live.emotion import Quadrant
from emodj_live.errors import one_line
from emodj_live.library.neighbors import Point
from emodj_live.sinks.pictures import FAINT, INK, draw_quadrants, matplotlib, reach_of

MOST_NAMES = 25
"""How many songs can be named in a picture."""

_SIZE, _KEY = (8.4, 8.8), 3.6  # [inches] of the picture, and of the names beside it
_MOST_DOTS = 3000
_CELLS = 160  # of a cloud, along each side
_LONGEST = 44  # characters of a name
_MOODS = "where playlists find happy, tense, sad and calm songs"
_VIVID = 2.5  # songs are near the middle, where colors are faint; colors are taken so much farther out


def draw_map(points: NDArray[np.float64], names: Sequence[str], moods: Mapping[Quadrant, Point], *, title: str) -> Any:
    """Draw songs on the plane.

    Parameters
    ----------
    points : ndarray of float64, shape (n, 2)
        Their valence and arousal, at least one.
    names : sequence of str
        What they are called, if there are at most 25; otherwise nothing.
    moods : mapping of Quadrant to tuple of float
        Where playlists look for the moods, as in `Survey`.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SinkError
        If matplotlib is missing.
    """
    width, height = _SIZE
    figure = matplotlib().figure.Figure(figsize=(width + _KEY * bool(names), height), layout="compressed")
    figure.get_layout_engine().set(rect=(0, 0, width / figure.get_figwidth(), 1))
    figure.suptitle(one_line(title).encode(errors="replace").decode(), parse_math=False, color=INK)
    axes = figure.subplots()
    reach = reach_of(points.tolist())
    draw_quadrants(axes, reach)
    if len(points) > _MOST_DOTS:
        _draw_cloud(axes, points, reach)
    else:
        _draw_dots(axes, points)
    if names:
        _draw_names(figure, axes, points, names, reach)
    _draw_moods(figure, axes, moods)
    return figure


def _draw_dots(axes: Any, points: NDArray[np.float64]) -> None:
    colors = [_color(valence, arousal) for valence, arousal in points.tolist()]
    size = min(80.0, max(12.0, 12_000 / len(points)))
    axes.scatter(*points.T, s=size, c=colors, edgecolors="white", linewidths=0.5, zorder=2)


def _draw_cloud(axes: Any, points: NDArray[np.float64], reach: float) -> None:
    """Draw how many songs are where: the more, the stronger the color, by the logarithm, so that single ones show."""
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], _CELLS, [[-reach, reach]] * 2)
    middles = ((np.arange(_CELLS) + 0.5) / _CELLS * 2 * reach - reach).tolist()
    image = np.empty((_CELLS, _CELLS, 4))
    image[..., :3] = [[to_rgb(_color(valence, arousal)) for valence in middles] for arousal in middles]
    image[..., 3] = np.log1p(counts) / np.log1p(counts.max())
    axes.imshow(image, extent=[-reach, reach] * 2, origin="lower", interpolation="bilinear", zorder=2)


def _color(valence: float, arousal: float) -> str:
    return blend(color_of(_VIVID * valence, _VIVID * arousal), "#000000", 0.3)


def _draw_moods(figure: Any, axes: Any, moods: Mapping[Quadrant, Point]) -> None:
    x, y = zip(*moods.values(), strict=True)
    axes.scatter(x, y, s=90, facecolors="none", edgecolors=INK, linewidths=1.4, label=_MOODS, zorder=3)
    figure.legend(loc="outside lower center", frameon=False, labelcolor=FAINT)


def _draw_names(figure: Any, axes: Any, points: NDArray[np.float64], names: Sequence[str], reach: float) -> None:
    """Give the dots numbers, from above, and write beside the plane which song is which."""
    lines = []
    for number, index in enumerate(np.argsort(-points[:, 1], kind="stable").tolist(), 1):
        aside, above = ((points - points[index]) / reach).T
        is_crowded = ((aside > 0) & (aside < 0.08) & (np.abs(above) < 0.03)).any()  # at its right
        place = {"xytext": (-6 if is_crowded else 6, 0), "ha": "right" if is_crowded else "left", "va": "center"}
        axes.annotate(str(number), points[index], textcoords="offset points", color=INK, fontsize=8, zorder=4, **place)
        name = one_line(names[index]).encode(errors="replace").decode()
        lines.append(f"{number:>2}  {name if len(name) <= _LONGEST else name[: _LONGEST - 1] + '…'}")
    left = 1 - _KEY / figure.get_figwidth()
    figure.text(left, 0.95, "\n".join(lines), color=INK, fontsize=8, va="top", linespacing=1.6, parse_math=False)

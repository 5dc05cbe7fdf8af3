"""What pictures have in common: matplotlib without its global state, the inks, the plane with its quadrants, files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from emodj_live.colors import blend
from emodj_live.emotion import Quadrant
from emodj_live.errors import SinkError
from emodj_live.extras import missing

SUFFIXES = (".png", ".svg", ".pdf")
"""The kinds of picture, by how their names end."""

INK, FAINT = "#202020", "#707070"
PALE = {quadrant: blend(quadrant.color, "#ffffff", 0.7) for quadrant in Quadrant}
"""The grounds of the quadrants."""

_REACHES = (0.2, 0.4, 0.6, 0.8)
_CORNERS = {Quadrant.HAPPY: (0, 0), Quadrant.TENSE: (-1, 0), Quadrant.SAD: (-1, -1), Quadrant.CALM: (0, -1)}


def matplotlib() -> Any:
    """Return matplotlib without its global state: no pyplot, no window.

    Raises
    ------
    SinkError
        If it is not installed.
    """
    try:
        import matplotlib.collections
        import matplotlib.figure
        import matplotlib.patches
        import matplotlib.ticker
    except ImportError as error:
        raise SinkError(missing("plot", "a plot", ["matplotlib"])) from error
    return matplotlib


def reach_of(points: Iterable[Sequence[float]]) -> float:
    """Return how far a picture of the plane has to go from the middle, so that all points are well inside.

    Parameters
    ----------
    points : iterable of sequence of float
        Valence and arousal of each.

    Returns
    -------
    float
        At most 1, the edge of the plane.
    """
    farthest = 1.04 * max(abs(value) for point in points for value in point)
    return next((reach for reach in _REACHES if farthest <= reach), 1.0)


def draw_quadrants(axes: Any, reach: float = 1.0) -> None:
    """Draw the plane without anything on it: the quadrants with their names, the axes, the marks.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    reach : float
        How far it goes from the middle in each direction.
    """
    for quadrant, (left, bottom) in _CORNERS.items():
        x, y = (reach * corner for corner in (left, bottom))
        axes.fill_between([x, x + reach], y, y + reach, color=PALE[quadrant], linewidth=0)
        text = {"ha": "right" if left == 0 else "left", "va": "top" if bottom == 0 else "bottom"}
        inside = 0.95 * reach
        axes.text(
            inside if left == 0 else -inside, inside if bottom == 0 else -inside, quadrant.value, color=FAINT, **text
        )
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.axvline(0, color=FAINT, linewidth=0.8)
    ticks = [reach * part for part in (-1, -0.5, 0, 0.5, 1)]
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=ticks, yticks=ticks, aspect="equal")
    axes.set(xlabel="valence", ylabel="arousal")


def rendered(figure: Any, path: Path) -> bytes:
    """Return a picture as its file holds it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : Path
        Its suffix, one of `SUFFIXES`, says which kind of picture it is.

    Returns
    -------
    bytes
    """
    drawn = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters in a title that the font lacks
        figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=120)
    return drawn.getvalue()

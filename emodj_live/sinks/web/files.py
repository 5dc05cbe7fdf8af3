"""The files that pages are made of, each under an address of its own: no part of a request ever becomes a path."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emodj_live.colors import color_of
from emodj_live.emotion import WORDS, Quadrant

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_SHARED = ("plane.js", "glide.js", "words.js", "base.css", "icon.svg")
_LATTICE = 33  # colors along an axis of the plane; between them pages interpolate


def static_route(path: str, name: str, package: str = "emodj_live.sinks.web") -> Route:
    """Return a route that answers with a file from the folder ``static`` of a package.

    Parameters
    ----------
    path : str
        Of the address, such as ``/live.css``.
    name : str
        Of the file.
    package : str
        Where the folder is.

    Returns
    -------
    Route
    """
    content = (files(package) / "static" / name).read_bytes()
    media_type = _TYPES[name.rpartition(".")[2]]

    async def answer(_request: Request) -> Response:
        return Response(content, media_type=media_type)

    return Route(path, answer)


def shared_routes() -> list[Route]:
    """Return the routes of what several pages use: ``/plane.js`` draws the plane, ``/colors.js`` has its colors.

    Returns
    -------
    list of Route
    """

    async def colors(_request: Request) -> Response:
        return Response(colors_script(), media_type=_TYPES["js"])

    return [*(static_route(f"/{name}", name) for name in _SHARED), Route("/colors.js", colors)]


@cache
def colors_script() -> str:
    """Return a script with the colors of the plane, so that a page has the same ones as every other output.

    Returns
    -------
    str
        A module that exports ``SIZE``, the number of colors along an axis; ``COLORS``, six digits for each, from left
        to right and from the lowest arousal to the highest; and ``QUADRANTS``, for each its name, signs and color;
        ``WORDS``, how a quadrant is named from which certainty on.
    """
    steps = [2 * step / (_LATTICE - 1) - 1 for step in range(_LATTICE)]
    digits = "".join(color_of(valence, arousal)[1:] for arousal in steps for valence in steps)
    quadrants = [
        {"name": one.value, "valence": 2 * one.signs[0] - 1, "arousal": 2 * one.signs[1] - 1, "color": one.color}
        for one in Quadrant
    ]
    values = {"SIZE": _LATTICE, "COLORS": digits, "QUADRANTS": quadrants, "WORDS": WORDS}
    return "".join(f"export const {name} = {json.dumps(value)};\n" for name, value in values.items())

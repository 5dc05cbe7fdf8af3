"""What ``emodj-library serve`` answers: the page of a collection, its files, and the routes behind it."""

from __future__ import annotations

from starlette.applications import Starlette

from emodj_live.library.pages import routes
from emodj_live.library.readers import Readers
from emodj_live.sinks.web.files import shared_routes, static_route

_PACKAGE = "emodj_live.library"
_FILES = (
    *("collection.css", "collection.js", "api.js", "arc.js", "dots.js", "drawing.js", "gestures.js", "lists.js"),
    *("look.js", "map.js", "player.js", "view.js", "way.js"),
)


def collection_site(readers: Readers) -> Starlette:
    """Return the application of ``emodj-library serve``.

    Parameters
    ----------
    readers : Readers
        Of the index.

    Returns
    -------
    Starlette
        With the page at ``/``, its files, and the routes of `pages.routes`.
    """
    page = static_route("/", "collection.html", _PACKAGE)
    files = [static_route(f"/{name}", name, _PACKAGE) for name in _FILES]
    return Starlette(routes=[page, *files, *shared_routes(), *routes(readers)])

"""What the live page's server answers: the page, the overlay, their files, and the emotions in three forms."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from emodj_live.sinks.web.files import shared_routes, static_route
from emodj_live.sinks.web.hub import Hub
from emodj_live.sinks.web.stream import EventStream

_JSON = "application/json"
_FILES = ("live.css", "live.js", "overlay.css", "overlay.js", "stream.js", "strip.js")


def live_site(hub: Hub) -> Starlette:
    """Return the application of ``--web``.

    Parameters
    ----------
    hub : Hub
        Where its emotions come from.

    Returns
    -------
    Starlette
        With ``/``, ``/overlay``, ``/events``, ``/now``, ``/history``, and the files of both pages.
    """

    async def events(_request: Request) -> Response:
        listener = hub.listen()
        if listener is None:
            return Response("too many streams\n", 503, {"retry-after": "5"}, "text/plain")
        return EventStream(hub, listener)

    async def now(_request: Request) -> Response:
        newest = hub.newest()
        return Response(status_code=204) if newest is None else Response(newest, media_type=_JSON)

    async def history(_request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for piece in hub.history():
                yield piece  # the next one when this client has room for it

        return StreamingResponse(pieces(), media_type=_JSON)

    return Starlette(
        routes=[
            static_route("/", "live.html"),
            static_route("/overlay", "overlay.html"),
            *(static_route(f"/{name}", name) for name in _FILES),
            *shared_routes(),
            Route("/events", events),
            Route("/now", now),
            Route("/history", history),
        ]
    )

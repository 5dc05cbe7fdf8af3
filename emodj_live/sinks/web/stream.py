"""A response that goes on: server-sent events from the hub to one client, until one of them ends."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from emodj_live.sinks.web.hub import Hub, Listener

_PAUSE = 10.0  # [s] without news, after which a client is sent something, so that one that is gone is noticed


class EventStream(Response):
    """The events of a hub.

    Parameters
    ----------
    hub : Hub
    listener : Listener
        What `Hub.listen` gave; it leaves when the response ends.
    """

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, listener: Listener) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._hub = hub
        self._listener = listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what comes."""
        watch = asyncio.ensure_future(self._end_with_client(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while scope["method"] != "HEAD" and (taken := await self._listener.take(_PAUSE)) is not None:
                await send({"type": "http.response.body", "body": taken or b":\n\n", "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            watch.cancel()
            self._hub.leave(self._listener)

    async def _end_with_client(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._listener.end()

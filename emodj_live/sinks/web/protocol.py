"""How connections are kept in bounds: uvicorn's HTTP protocol, with limits on how many there are and how slow they are.

uvicorn has a limit on requests at a time, but waits without end for one to become complete, and for a client to read.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 200
PATIENCE = 10.0  # [s] until a request is complete, and while a client reads nothing of what is sent
_HIGH_WATER = 32_768  # bytes that may wait for a client before what writes them waits too
_KERNEL_BUFFER = 65_536
_BAD_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n"
    b"content-length: 18\r\nconnection: close\r\n\r\nnot a web request\n"
)

_silence = logging.Logger("emodj_live.web", logging.CRITICAL + 1)  # what strangers send is nothing to print


class BoundedProtocol(H11Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; if there are too many, one that has not asked yet makes room."""
        super().connection_made(transport)
        self.logger = self.access_logger = _silence
        self._waiting_since: float | None = time.monotonic()
        self._stalled_since: float | None = None
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        _bound(transport.get_extra_info("socket"))
        bounded = [one for one in self.connections if isinstance(one, BoundedProtocol)]
        alive = [one for one in bounded if not one.transport.is_closing()]
        if len(alive) > MOST_CONNECTIONS:
            max(alive, key=lambda one: (one.waited(), one is self)).transport.abort()

    def waited(self) -> float:
        """Return for how long it has not asked anything [s]; -1 while it is answered."""
        return -1.0 if self._waiting_since is None else time.monotonic() - self._waiting_since

    def handle_events(self) -> None:
        """Read what has come; a whole request ends the wait for one."""
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body:
            self._waiting_since = None

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._waiting_since = time.monotonic()
        super().on_response_complete()

    def resume_writing(self) -> None:
        """Go on writing: the client has read, however slowly, so it is not stalled."""
        self._stalled_since = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (uvicorn's)
        """Answer what is not HTTP; if it comes in the middle of an answer, end the connection."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE) or self.cycle is not None:
            self.transport.abort()
            return
        self.transport.write(_BAD_REQUEST)
        self.transport.close()

    def end_if_overdue(self, patience: float) -> None:
        """End the connection if its client has been slow for too long."""
        now = time.monotonic()
        is_stalled = self.flow.write_paused or (
            self.transport.is_closing() and self.transport.get_write_buffer_size() > 0
        )
        self._stalled_since = (self._stalled_since or now) if is_stalled else None
        is_overdue = any(
            since is not None and now - since >= patience for since in (self._waiting_since, self._stalled_since)
        )
        if is_overdue:
            self.transport.abort()


def _bound(connection: Any) -> None:
    """Let the system keep little for a client that does not read, and notice one that is gone without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BUFFER)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)

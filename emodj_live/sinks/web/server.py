"""An HTTP server that runs beside other work: uvicorn in a thread and an event loop of its own, behind the guard.

::

    with WebServer(app, parse_address("8000")) as server:
        print(server.link)
        ...                        # other work, or wait_for(stop) to do nothing else

The application is any ASGI application, such as Starlette's; it runs on the server's event loop. Other threads reach
that loop through `call` and `leave`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from types import TracebackType
from typing import Any

import uvicorn

from emodj_live.errors import SinkError
from emodj_live.sinks.web.address import Address, token_for
from emodj_live.sinks.web.guard import HEADER_LIMIT, App, Guard
from emodj_live.sinks.web.protocol import PATIENCE, BoundedProtocol

logger = logging.getLogger(__name__)

_BACKLOG = 128
_LONGEST_START = 30.0  # [s]
_PERIOD = 0.02  # [s] from one look at what was left to the next


class WebServer:
    """A server for one application, from `__enter__` to `close`.

    Parameters
    ----------
    app : ASGI application
        Behind a `Guard`: it need not check hosts or tokens, and sees only GET and HEAD.
    address : Address
        As `parse_address` reads it; port 0 lets the system choose one.
    origins : collection of str
        Pages of other sites that may read what is answered.
    patience : float
        How long a client may take for a request, or read nothing of an answer, before its connection is closed [s].

    Attributes
    ----------
    address : Address
        With the port that was chosen.
    token : str or None
        What requests have to show: see `token_for`.
    link : str
        What to type into a browser, with the token.

    Raises
    ------
    SinkError
        When it is made, if the address cannot be used.
    """

    def __init__(
        self, app: App, address: Address, origins: Collection[str] = (), *, patience: float = PATIENCE
    ) -> None:
        self.token = token_for(address)
        self._socket = _listening(address)
        self.address = replace(address, port=int(self._socket.getsockname()[1]))
        self.link = self.address.link(self.token)
        self._patience = patience
        self._is_closing = False
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._left: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        config = uvicorn.Config(
            Guard(app, self.address, self.token, origins),
            loop="asyncio",
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=HEADER_LIMIT,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="emodj-live web", daemon=True)

    def __enter__(self) -> WebServer:
        """Start, and return when requests are answered."""
        self._thread.start()
        if not self._ready.wait(_LONGEST_START) or not self.is_running:
            self.close()
            raise SinkError(f"{self.address.link()}: the web server did not start; try another port.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self.close()

    @property
    def is_running(self) -> bool:
        """Whether requests are answered."""
        return self._loop is not None and self._server.started and self._thread.is_alive()

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Let a function be called on the server's event loop, soon; this returns at once.

        Before the server has started nothing happens.

        Parameters
        ----------
        function : callable
        *arguments

        Raises
        ------
        SinkError
            If the server has ended.
        """
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop is closed
            raise self._ended() from None

    def leave(self, function: Callable[..., object], *arguments: Any) -> None:
        """Let a function be called on the server's event loop within 20 ms; functions keep their order.

        Unlike `call`, this does not wake the server's thread, which would at once compete with the one that calls.

        Parameters
        ----------
        function : callable
        *arguments

        Raises
        ------
        SinkError
            If the server has ended.
        """
        if self._thread.ident is not None and not self._thread.is_alive():
            raise self._ended()
        self._left.append((function, arguments))

    def _ended(self) -> SinkError:
        return SinkError(f"{self.address.link()}: the web server has ended.")

    def close(self) -> None:
        """End all connections and the thread; closing it twice does no harm."""
        self._is_closing = True
        if self._thread.ident is not None:
            self._thread.join(timeout=5)
        self._socket.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            logger.error("web: the server has ended: %s", error)  # noqa: TRY400 (one line, no traceback)
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log)
        serving = loop.create_task(self._server.serve(sockets=[self._socket]))
        taking = loop.create_task(self._take_what_is_left())
        while not serving.done():
            if self._server.started and not self._ready.is_set():
                self._loop = loop
                self._ready.set()
            if self._is_closing and not self._server.should_exit:
                await asyncio.sleep(3 * _PERIOD)  # what was left goes out first
                self._server.should_exit = True
            await asyncio.wait([serving], timeout=2 * _PERIOD)
            self._look_after_connections()
        taking.cancel()
        await serving

    async def _take_what_is_left(self) -> None:
        while True:
            while self._left:
                function, arguments = self._left.popleft()
                try:
                    function(*arguments)
                except Exception as error:  # of one message, which the others need not pay for
                    logger.error("web: a message was lost: %s", error)  # noqa: TRY400 (one line, no traceback)
            await asyncio.sleep(_PERIOD)

    def _look_after_connections(self) -> None:
        """End those that are too slow; at the end, all."""
        for connection in list(self._server.server_state.connections):
            if isinstance(connection, BoundedProtocol):
                connection.end_if_overdue(0.0 if self._server.should_exit else self._patience)
                if self._server.should_exit:
                    connection.transport.close()


def wait_for(stop: threading.Event) -> None:
    """Wait until an event is set, also by a signal's handler on this thread.

    Parameters
    ----------
    stop : threading.Event
        As `emodj_live.console.ending_signals` sets it. Its own ``wait`` holds a lock that a handler would wait for.
    """
    while not stop.is_set():
        time.sleep(0.1)


def _listening(address: Address) -> socket.socket:
    """Return a socket that is bound to an address."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with contextlib.ExitStack() as stack:
            bound = stack.enter_context(socket.socket(family, kind, protocol))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(place)
            bound.listen(_BACKLOG)
            stack.pop_all()
            return bound
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SinkError(f"{address.host}:{address.port}: cannot be served at ({reason}); choose another one.") from None


def _log(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log in one line what asyncio would log with a traceback."""
    error = context.get("exception")
    if not isinstance(error, ConnectionError):
        logger.error("web: %s", type(error).__name__ if error else context.get("message"))

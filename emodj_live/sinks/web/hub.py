"""What every client of the page gets: the newest, the last ten minutes, and what comes, without waiting for anybody.

All of it happens on the server's event loop, so nothing needs a lock; the tracker only leaves a call there. A message
is encoded once for all clients. Each has a bounded queue, and one that does not read is left out when it is full.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

MOST_STREAMS = 64
HISTORY = 600.0  # [s]
MOST_REMEMBERED = 6000
_PIECE = 50  # emotions: some 20 kB
_QUEUE = 4096  # messages: a reader's who is slow for a moment, also if a file is tracked as fast as possible

Values = Mapping[str, Any]


class Listener:
    """One client's queue of encoded messages."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._has_news = asyncio.Event()
        self.is_ended = False

    def put(self, message: bytes) -> bool:
        """Add a message; return False if there is no room."""
        if len(self._waiting) >= _QUEUE:
            return False
        self._waiting.append(message)
        self._has_news.set()
        return True

    def end(self) -> None:
        """Let `take` return what is left, and then nothing."""
        self.is_ended = True
        self._has_news.set()

    async def take(self, patience: float) -> bytes | None:
        """Return all that waits; nothing after as many seconds without news, None at the end."""
        if not self._waiting and not self.is_ended:
            nudge = asyncio.get_running_loop().call_later(patience, self._has_news.set)
            await self._has_news.wait()
            nudge.cancel()
        self._has_news.clear()
        if self.is_ended and not self._waiting:
            return None
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken


class Hub:
    """Where messages come in and clients listen; only for the server's event loop.

    Parameters
    ----------
    clock : callable
        Time that passes [s].
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._listeners: set[Listener] = set()
        self._remembered: deque[tuple[float, bytes]] = deque(maxlen=MOST_REMEMBERED)
        self._state = b""

    def emotion(self, values: Values) -> None:
        """Take in an emotion."""
        encoded = _json(values)
        self._remembered.append((self._clock(), encoded))
        self._send(b"data: %b\n\n" % encoded)

    def point(self, values: Values) -> None:
        """Take in where the point is between two emotions."""
        self._send(b"event: point\ndata: %b\n\n" % _json(values))

    def state(self, values: Values) -> None:
        """Take in what is heard and how it is; whoever comes later gets it first."""
        self._state = b"event: state\ndata: %b\n\n" % _json(values)
        self._send(self._state)

    def newest(self) -> bytes | None:
        """Return the newest emotion as JSON; None before the first."""
        return self._remembered[-1][1] if self._remembered else None

    def history(self) -> Iterator[bytes]:
        """Return the emotions of the last ten minutes as pieces of a JSON array, oldest first.

        In pieces, because the whole may be megabytes, for each of very many clients that read slowly.
        """
        begin = self._clock() - HISTORY
        kept = [encoded for when, encoded in self._remembered if when >= begin]
        yield b"["
        for start in range(0, len(kept), _PIECE):
            yield b"," * bool(start) + b",".join(kept[start : start + _PIECE])
        yield b"]"

    def listen(self) -> Listener | None:
        """Return a queue that gets what comes from now on; None if there are as many as there may be."""
        if len(self._listeners) >= MOST_STREAMS:
            return None
        listener = Listener()
        listener.put(b"retry: 1000\n\n" + self._state)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Send a client nothing more."""
        self._listeners.discard(listener)

    def _send(self, message: bytes) -> None:
        for listener in [one for one in self._listeners if not one.put(message)]:
            listener.end()
            self.leave(listener)


def _json(values: Values) -> bytes:
    return json.dumps(values, allow_nan=False, separators=(",", ":")).encode("ascii")

"""A song's file over HTTP: whole, or the part of it that a player asks for (RFC 9110, section 14).

Starlette's `FileResponse` takes a path and opens it when the first byte is due: by then the file may be gone, be
another one or be a pipe that never ends, after its size was promised. Here it is opened first, and everything that is
promised is about the open file.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import AsyncIterator
from email.utils import formatdate
from typing import IO

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

_CHUNK = 1 << 17  # [bytes]
_RANGE = re.compile(r"bytes=\s*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))\s*", re.IGNORECASE | re.ASCII)
_TYPES = {
    "aac": "audio/aac",
    "aif": "audio/aiff",
    "aiff": "audio/aiff",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "m4b": "audio/mp4",
    "mka": "audio/x-matroska",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp2": "audio/mpeg",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "webm": "video/webm",
    "wma": "audio/x-ms-wma",
}


def media_type(path: bytes) -> str:
    """Return what kind of media a file is by its name; never a kind that a browser would run.

    Parameters
    ----------
    path : bytes

    Returns
    -------
    str
        Such as ``audio/mpeg``; ``application/octet-stream`` if the name says nothing.
    """
    ending = path.rpartition(b".")[2].decode("ascii", "replace").lower()
    return _TYPES.get(ending, "application/octet-stream")


def part_of(header: str | None, size: int) -> range | None:
    """Return the bytes that a ``Range`` header asks for.

    Parameters
    ----------
    header : str or None
    size : int
        Of the whole [bytes].

    Returns
    -------
    range or None
        Empty if nothing of it exists; None if the whole is to be sent, which is also the answer to several ranges at
        once, to other units and to what makes no sense.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None:
        return None
    first, last, length = match.groups()
    if length is not None:
        return range(max(0, size - int(length)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(size, int(last) + 1 if last else size))


class SongFile:
    """The answer to a request for a song's file, open until it has been sent.

    Parameters
    ----------
    path : bytes
    request : Request
        ``GET`` or ``HEAD``.

    Raises
    ------
    OSError
        If the file cannot be opened, or is something else, such as a folder or a pipe.
    """

    def __init__(self, path: bytes, request: Request) -> None:
        self._file = _opened(path)
        status = os.fstat(self._file.fileno())
        self._headers = {
            "accept-ranges": "bytes",
            "cache-control": "private, no-cache",
            "content-type": media_type(path),
            "etag": f'"{status.st_mtime_ns:x}-{status.st_size:x}"',
            "last-modified": formatdate(status.st_mtime, usegmt=True),
        }
        self._size = status.st_size
        self._part = self._asked(request)

    def _asked(self, request: Request) -> range | None:
        """Return the part that is asked for; None if the file has changed since the asker saw it."""
        unchanged = self._headers["etag"], self._headers["last-modified"]
        if request.method != "GET" or request.headers.get("if-range", unchanged[0]) not in unchanged:
            return None
        return part_of(request.headers.get("range"), self._size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer: 200 and the whole, 206 and a part, or 416 if the part does not exist."""
        with self._file:
            await self._answer(is_head=scope["method"] == "HEAD")(scope, receive, send)

    def _answer(self, *, is_head: bool) -> Response:
        headers, part = self._headers, self._part
        if part is not None and not part:
            return Response(status_code=416, headers={**headers, "content-range": f"bytes */{self._size}"})
        sent = range(self._size) if part is None else part
        headers = {**headers, "content-length": str(len(sent))}
        if part is not None:
            headers["content-range"] = f"bytes {part[0]}-{part[-1]}/{self._size}"
        if is_head:
            return Response(headers=headers)
        return StreamingResponse(self._bytes(sent), 200 if part is None else 206, headers)

    async def _bytes(self, part: range) -> AsyncIterator[bytes]:
        """Yield a part of the file. What has been cut off meanwhile is sent as zeros: its length was promised."""
        self._file.seek(part.start)
        left = len(part)
        while left:
            wanted = min(left, _CHUNK)
            chunk = (await run_sync(self._file.read, wanted)).ljust(wanted, b"\0")
            yield chunk
            left -= len(chunk)


def _opened(path: bytes) -> IO[bytes]:
    """Open a regular file; a pipe is not waited for."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("it is no file")
    return os.fdopen(descriptor, "rb", buffering=0)

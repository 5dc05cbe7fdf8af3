"""What is on a song's sleeve: its title, artist and album, and the cover as a small picture.

A process of its own reads them, with the library's reader of tags: that takes as long as many blocks of audio, and
files come from anywhere. This is the one module of the live path that names the library, and only that process imports
it.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from emodj_live import child

SIDE = 64  # of a cover, at most [pixels]
_PROGRAM = "from emodj_live.sleeve import tell; tell(sys.argv[1])"


@dataclass(frozen=True, slots=True, eq=False)
class Sleeve:
    """What is known of a song.

    Attributes
    ----------
    title, artist, album : str
        Empty if the file does not say, or if the extra "tags" is not installed.
    cover : ndarray of uint8, shape (height, width, 3), or None
        Red, green and blue; at most 64 x 64.
    """

    title: str = ""
    artist: str = ""
    album: str = ""
    cover: NDArray[np.uint8] | None = None


class SleeveReader:
    """Reads a sleeve in a process of its own; use it in a ``with`` statement, at whose end the process has ended too.

    Parameters
    ----------
    path : str
        An audio file.
    """

    def __init__(self, path: str) -> None:
        self._found = Sleeve()
        self._process = child.start(_PROGRAM, path)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> SleeveReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        child.end(self._process)
        self._reader.join()

    def sleeve(self) -> Sleeve:
        """Return what is known so far."""
        return self._found

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 (it is a pipe)
        with self._process.stdout as output:
            header, _, pixels = output.read().partition(b"\n")
        if self._process.wait() == 0 and header:
            self._found = _parsed(header, pixels)


def _parsed(header: bytes, pixels: bytes) -> Sleeve:
    told = json.loads(header)
    width, height = told.pop("size")
    cover = np.frombuffer(pixels, np.uint8).reshape(height, width, 3) if width else None
    return Sleeve(**told, cover=cover)


def tell(path: str) -> None:
    """Write what is on the sleeve of a file to standard output: a line of JSON, and the pixels of the cover.

    Parameters
    ----------
    path : str
    """
    from emodj_live.library import tags

    found, picture = tags.read(path), tags.cover(path, SIDE)
    texts = {name: getattr(found, name) or "" for name in ("title", "artist", "album")}
    size = picture.size if picture else (0, 0)
    sys.stdout.buffer.write(
        json.dumps({**texts, "size": size}).encode() + b"\n" + (picture.tobytes() if picture else b"")
    )

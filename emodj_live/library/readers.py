"""Connections to one index for a server whose threads ask at the same time.

A `Library` lets one thread ask at a time: a search through a million songs would make everybody wait. Each question
therefore borrows a connection of its own, and the next one uses it again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emodj_live.library.index import Library


class Readers:
    """Read-only connections to an index, as many as are needed at once. Call `close` in the end.

    Parameters
    ----------
    path : path-like
        The database.

    Attributes
    ----------
    path : Path
        The database.

    Raises
    ------
    LibraryError
        If it cannot be used; its text says why.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._file = _identity(self.path)
        self._free = [Library(self.path, read_only=True)]
        self._is_closed = False

    @contextmanager
    def borrow(self) -> Iterator[Library]:
        """Lend a connection that nobody else uses.

        Yields
        ------
        Library

        Raises
        ------
        LibraryError
            If another connection is needed and cannot be opened.
        """
        file = _identity(self.path)
        with self._lock:
            if file != self._file:  # another index is there now, in which the numbers mean other songs
                outdated, self._free, self._file = self._free, [], file
            else:
                outdated = []
            library = self._free.pop() if self._free else None
        for each in outdated:
            each.close()
        if library is None:
            library = Library(self.path, read_only=True)
        try:
            yield library
        finally:
            self._take_back(library, file)

    def _take_back(self, library: Library, file: tuple[int, int] | None) -> None:
        with self._lock:
            if not self._is_closed and file == self._file:
                self._free.append(library)
                return
        library.close()

    def close(self) -> None:
        """Close all connections, those that are lent out as soon as they come back."""
        with self._lock:
            self._is_closed, libraries, self._free = True, self._free, []
        for library in libraries:
            library.close()


def _identity(path: Path) -> tuple[int, int] | None:
    """Return which file is at a path, whatever was there before; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino

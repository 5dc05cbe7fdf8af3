"""The index of a collection: songs in and out of its database."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import LibraryError
from emodj_live.library.schema import TIMEOUT, connect, default_database, errors_of, transaction
from emodj_live.library.song import COLUMNS, Song, absolute, text

_MOST_NAMED = 5  # songs, when a name fits several
_AT_ONCE = 256  # rows
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Stamp:
    """What shows, without opening a file, whether it has changed.

    Attributes
    ----------
    size : int
        [bytes]
    mtime : int
        When it was last written to [ns].
    """

    size: int
    mtime: int

    @classmethod
    def of(cls, path: bytes | str | os.PathLike[str]) -> Stamp:
        """Return a file's stamp.

        Parameters
        ----------
        path : path-like or bytes

        Returns
        -------
        Stamp

        Raises
        ------
        OSError
            If there is no such file, or it cannot be looked at.
        """
        status = os.stat(path)  # noqa: PTH116 (of bytes)
        return cls(status.st_size, status.st_mtime_ns)


class Library:
    """The songs of a collection and what they sound like, in one SQLite file.

    Use it in a ``with`` statement, or call `close`. Any thread may use it.

    Parameters
    ----------
    path : path-like, optional
        The database, which is created if need be; by default ``library.db`` in the user's data folder.
    read_only : bool
        Whether nothing will be written; the database must exist then.
    timeout : float
        How long to wait while another program writes [s].

    Attributes
    ----------
    path : Path
        The database.

    Raises
    ------
    LibraryError
        Here and in every method: if the database cannot be used; its text says why.

    Examples
    --------
    >>> with Library("music.db") as library:  # doctest: +SKIP
    ...     calmest = min(library.songs(), key=lambda song: song.arousal)
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, read_only: bool = False, timeout: float = TIMEOUT
    ) -> None:
        self.path = default_database() if path is None else Path(path)
        self._connection = connect(self.path, read_only=read_only, timeout=timeout)
        self._connection.create_function("folded", 1, _folded, deterministic=True)
        self._lock = threading.RLock()

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; what was written is kept. Closing twice does nothing."""
        with self._lock, errors_of(self.path):
            self._connection.close()

    # --------------------------------------------------------------------------------------------------- to ask

    def __len__(self) -> int:
        """How many songs there are, those that are missing left out."""
        return int(self.query("SELECT count(*) FROM song WHERE NOT is_missing")[0][0])

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Run one statement of SQL and return all its rows.

        Parameters
        ----------
        sql : str
        parameters : sequence

        Returns
        -------
        list of sqlite3.Row
        """
        with self._lock, errors_of(self.path):
            return self._connection.execute(sql, list(map(_storable, parameters))).fetchall()

    def songs(self, rest: str = "WHERE NOT is_missing", parameters: Sequence[Any] = ()) -> Iterator[Song]:
        """Yield songs one by one.

        Parameters
        ----------
        rest : str
            What follows ``SELECT ... FROM song`` in SQL; by default the songs that are not missing.
        parameters : sequence
            For its question marks.

        Yields
        ------
        Song
        """
        columns = ", ".join(f"song.{name}" for name in COLUMNS)
        with self._lock, errors_of(self.path):
            cursor = self._connection.execute(f"SELECT {columns} FROM song {rest}", list(map(_storable, parameters)))  # noqa: S608
        while rows := self._more(cursor):
            yield from map(Song.from_row, rows)

    def _more(self, cursor: sqlite3.Cursor) -> list[Any]:
        with self._lock, errors_of(self.path):
            return cursor.fetchmany(_AT_ONCE)

    def song(self, number: int) -> Song | None:
        """Return the song with an id, or None if there is none.

        Parameters
        ----------
        number : int

        Returns
        -------
        Song or None
        """
        return next(self.songs("WHERE id = ?", (number,)), None)

    def song_at(self, path: bytes | str | os.PathLike[str]) -> Song | None:
        """Return the song of a file, or None if it is not in the index.

        Parameters
        ----------
        path : path-like or bytes

        Returns
        -------
        Song or None
        """
        return next(self.songs("WHERE path = ?", (absolute(path),)), None)

    def find(self, name: str) -> Song:
        """Return the one song that a name fits.

        Parameters
        ----------
        name : str
            An id, the path of a file, or a part of artist and title or of the path, in upper or lower case; a whole
            title goes before parts.

        Returns
        -------
        Song

        Raises
        ------
        LibraryError
            If no song fits, or several do.
        """
        if (name.isdecimal() and (song := self.song(int(name)))) or (song := self.song_at(name)):
            return song
        for condition in (
            "folded(title) = ?1",
            "instr(folded(coalesce(artist || ' - ', '') || title), ?1) OR instr(folded(path), ?1)",
        ):
            found = list(
                self.songs(
                    f"WHERE NOT is_missing AND ({condition}) LIMIT ?2", (_folded(os.fsencode(name)), _MOST_NAMED + 1)
                )
            )
            if len(found) == 1:
                return found[0]
            if found:
                raise LibraryError(_several(name, found))
        raise LibraryError(
            f"{name}: no song in the index has such an id, path or title; list them with: emodj-library list."
        )

    def arc(self, number: int) -> NDArray[np.float32]:
        """Return how a song's valence and arousal go.

        Parameters
        ----------
        number : int
            The song's id.

        Returns
        -------
        ndarray of float32, shape (n, 2)
            Every 0.5 s, as in `SongProfile`; empty if there is no such song.
        """
        rows = self.query("SELECT points FROM arc WHERE song = ?", (number,))
        points = np.frombuffer(rows[0]["points"], "<f2") if rows else np.empty(0, "<f2")
        return points.astype(np.float32).reshape(-1, 2)

    def failures(self) -> list[tuple[bytes, str]]:
        """Return the files that are no songs, each with the reason in one sentence, in the order of their paths."""
        return [(bytes(row[0]), row[1]) for row in self.query("SELECT path, reason FROM failure ORDER BY path")]

    # ------------------------------------------------------------------------------------------------- to write

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything inside the ``with`` statement, or nothing; no other program or thread writes meanwhile.

        Inside another one of these it is a part of that one.
        """
        with self._lock, errors_of(self.path):
            if self._connection.in_transaction:
                yield
            else:
                with transaction(self._connection):
                    yield

    def put(self, song: Song, stamp: Stamp, *, content: bytes, model: str, arc: NDArray[np.floating[Any]]) -> int:
        """Add the song of a file, or replace it; that the file failed before is forgotten.

        Parameters
        ----------
        song : Song
            Its `id` is not used: a path that is known keeps its id.
        stamp : Stamp
            Of the file, taken before it was read.
        content : bytes
            Digest of the file's bytes.
        model : str
            Digest of the model file.
        arc : ndarray, shape (n, 2)

        Returns
        -------
        int
            The song's id.
        """
        values = {**song.columns(), "size": stamp.size, "mtime": stamp.mtime, "content": content, "model": model}
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        changes = ", ".join(f"{name} = excluded.{name}" for name in values)
        sql = f"INSERT INTO song({names}) VALUES ({marks}) ON CONFLICT(path) DO UPDATE SET {changes} RETURNING id"  # noqa: S608
        with self.transaction():
            number = int(self.query(sql, tuple(values.values()))[0][0])
            self.query("REPLACE INTO arc VALUES (?, ?)", (number, np.asarray(arc, "<f2").tobytes()))
            self.query("DELETE FROM failure WHERE path = ?", (song.path,))
        return number

    def restamp(self, number: int, stamp: Stamp, content: bytes) -> None:
        """Note that a song's file was changed but its sound was not, as by writing tags.

        Parameters
        ----------
        number : int
            The song's id.
        stamp : Stamp
            Of the file as it is now.
        content : bytes
            Digest of its bytes as they are now.
        """
        self.query(
            "UPDATE song SET size = ?, mtime = ?, content = ? WHERE id = ?", (stamp.size, stamp.mtime, content, number)
        )

    def mark_missing(self, numbers: Iterable[int], *, is_missing: bool = True) -> None:
        """Note that the files of some songs are gone, or are there again.

        Parameters
        ----------
        numbers : iterable of int
            The songs' ids.
        is_missing : bool
        """
        with self.transaction():
            for number in numbers:
                self.query("UPDATE song SET is_missing = ? WHERE id = ?", (is_missing, number))


def _storable(value: Any) -> Any:
    """Return what SQLite takes: its whole numbers have 64 bits, and its texts no halves of characters."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return max(-_LARGEST, min(value, _LARGEST)) if isinstance(value, int) else value


def _folded(value: object) -> str | None:
    """Return a title or a path without the difference of upper and lower case; SQLite's own ``lower`` knows ASCII."""
    if value is None:
        return None
    return (text(value) if isinstance(value, bytes) else str(value)).casefold()


def _several(name: str, found: Sequence[Song]) -> str:
    listed = "; ".join(f"{song.id}: {song.name}" for song in found[:_MOST_NAMED])
    more = " and more" if len(found) > _MOST_NAMED else ""
    return f"{name}: fits several songs ({listed}{more}); give more of the name, or the number."

"""What a scan asks the index about files, and what it writes there about them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import Enum

from emodj_live.library.analysis import Failed, Heard, Known, Task
from emodj_live.library.index import Library, Stamp
from emodj_live.library.song import COLUMNS

_AT_ONCE = 1000  # rows
_VALUES = (*(name for name in COLUMNS if name not in ("id", "path")), "size", "mtime", "content", "model")
_LISTED = ", ".join(_VALUES)


class State(Enum):
    """What the index knows about a file."""

    DUE = "due"  # to be listened to
    UNCHANGED = "unchanged"
    FAILED = "failed"  # before, and there is no reason to try again


class Reuse(Enum):
    """How a file came by the values of a song with the same content."""

    TOUCHED = "touched"  # it is that song's file: only its time of change is another one
    MOVED = "moved"  # that song's file is gone, so it is the same song at another place
    COPIED = "copied"  # that song's file is there
    NONE = "none"  # there is no such song any more


class Bookkeeping:
    """The index as one scan sees it.

    Parameters
    ----------
    library : Library
    model : str
        Digest of the model that listens.
    decoders : str
        What decodes: files that failed are tried again when it changes.
    """

    def __init__(self, library: Library, *, model: str, decoders: str) -> None:
        self._library = library
        self._query = library.query
        self._model = model
        self._decoders = decoders

    # ---------------------------------------------------------------------------------------------------- to ask

    def state(self, path: bytes, stamp: Stamp) -> State:
        """Return what is known about a file; one that was missing and is unchanged is noted as there again."""
        failures = self._query("SELECT size, mtime, model, decoders FROM failure WHERE path = ?", (path,))
        if failures and tuple(failures[0]) == (stamp.size, stamp.mtime, self._model, self._decoders):
            return State.FAILED
        rows = self._query("SELECT size, mtime, model, id, is_missing FROM song WHERE path = ?", (path,))
        if not rows or tuple(rows[0])[:3] != (stamp.size, stamp.mtime, self._model):
            return State.DUE
        number, is_missing = rows[0][3:]
        if is_missing:
            self._library.mark_missing([number], is_missing=False)
        return State.UNCHANGED

    def task(self, path: bytes, stamp: Stamp) -> Task:
        """Return what is to be done with a file: contents of this size that are known need not be listened to."""
        rows = self._query("SELECT DISTINCT content FROM song WHERE size = ? AND model = ?", (stamp.size, self._model))
        return Task(path, stamp, tuple(bytes(row[0]) for row in rows))

    def knows(self, top: bytes, *, only_there: bool = False) -> bool:
        """Return whether there is a song of a file or in a folder; with `only_there` one that is not missing."""
        condition = "AND NOT is_missing" if only_there else ""
        sql = f"SELECT 1 FROM song WHERE (path = ? OR (path > ? AND path < ?)) {condition} LIMIT 1"  # noqa: S608
        return bool(self._query(sql, (top, *_inside(top))))

    def _paths(self, table: str, top: bytes) -> Iterator[bytes]:
        """Yield the paths in a table that are this one or inside of it, in order."""
        sql = f"SELECT path FROM {table} WHERE path = ? OR (path > ? AND path < ?) ORDER BY path LIMIT {_AT_ONCE}"  # noqa: S608
        same, (last, end) = top, _inside(top)
        while rows := self._query(sql, (same, last, end)):
            yield from (row[0] for row in rows)
            same, last = b"", max(last, rows[-1][0])

    # -------------------------------------------------------------------------------------------------- to write

    def keep(self, heard: Heard) -> bool:
        """Write down a song, and return whether it is new."""
        path = heard.task.path
        with self._library.transaction():
            is_new = not self._query("SELECT 1 FROM song WHERE path = ?", (path,))
            if is_new and (number := self._gone(heard.content)):  # it was moved, and is listened to all the same
                self._query("UPDATE song SET path = ? WHERE id = ?", (path, number))
                is_new = False
            self._library.put(heard.song, heard.task.stamp, content=heard.content, model=self._model, arc=heard.arc)
        return is_new

    def reuse(self, known: Known) -> Reuse:
        """Let a file have the values of a song with the same content."""
        path, stamp = known.task.path, known.task.stamp
        with self._library.transaction():
            sql = "SELECT path, id FROM song WHERE content = ? AND model = ? ORDER BY id"
            songs = dict(map(tuple, self._query(sql, (known.content, self._model))))
            if path in songs:
                reuse, number = Reuse.TOUCHED, songs[path]
            elif gone := next((other for other in songs if is_gone(other)), None):
                reuse, number = Reuse.MOVED, songs[gone]
                self._query("DELETE FROM song WHERE path = ?", (path,))
            elif songs:
                reuse, number = Reuse.COPIED, self._copy(next(iter(songs.values())), path)
            else:
                return Reuse.NONE
            sql = "UPDATE song SET path = ?, size = ?, mtime = ?, is_missing = 0 WHERE id = ?"
            self._query(sql, (path, stamp.size, stamp.mtime, number))
            self._query("DELETE FROM failure WHERE path = ?", (path,))
        return reuse

    def _gone(self, content: bytes) -> int | None:
        """Return a song of this content whose file is gone."""
        rows = self._query("SELECT path, id FROM song WHERE content = ? ORDER BY id", (content,))
        return next((row["id"] for row in rows if is_gone(row["path"])), None)

    def _copy(self, source: int, path: bytes) -> int:
        """Copy a song's values to another path, and return the id of the copy."""
        changes = ", ".join(f"{name} = excluded.{name}" for name in _VALUES)
        sql = (
            f"INSERT INTO song(path, {_LISTED}) SELECT ?, {_LISTED} FROM song WHERE id = ? "  # noqa: S608
            f"ON CONFLICT(path) DO UPDATE SET {changes} RETURNING id"
        )
        number = int(self._query(sql, (path, source))[0][0])
        self._query("INSERT OR REPLACE INTO arc SELECT ?, points FROM arc WHERE song = ?", (number, source))
        return number

    def note_failure(self, failed: Failed) -> bool:
        """Write down why a file is no song, and return whether that is news.

        What was known of its song is of other sound, and removed; but a file that cannot even be read may be the same
        as before, and its song counts as missing.
        """
        path, stamp = failed.task.path, failed.task.stamp
        with self._library.transaction():
            before = self._query("SELECT size, mtime, reason FROM failure WHERE path = ?", (path,))
            sql = "INSERT OR REPLACE INTO failure(path, size, mtime, model, decoders, reason) VALUES (?, ?, ?, ?, ?, ?)"
            self._query(sql, (path, stamp.size, stamp.mtime, self._model, failed.decoders, failed.reason))
            if failed.decoders:
                self._query("DELETE FROM song WHERE path = ?", (path,))
            else:
                self._query("UPDATE song SET is_missing = 1 WHERE path = ?", (path,))
        return not before or tuple(before[0]) != (stamp.size, stamp.mtime, failed.reason)

    def mark_vanished(self, top: bytes) -> int:
        """Mark the songs of a file or folder whose files are gone, and return how many that are news.

        Failures of files that are gone are forgotten.
        """
        count = 0
        for path in filter(is_gone, self._paths("song", top)):
            count += len(
                self._query("UPDATE song SET is_missing = 1 WHERE path = ? AND NOT is_missing RETURNING id", (path,))
            )
        for path in filter(is_gone, self._paths("failure", top)):
            self._query("DELETE FROM failure WHERE path = ?", (path,))
        return count

    def prune(self, top: bytes) -> int:
        """Remove the missing songs of a file or folder, and return how many those were."""
        sql = "DELETE FROM song WHERE is_missing AND (path = ? OR (path > ? AND path < ?)) RETURNING id"
        return len(self._query(sql, (top, *_inside(top))))


def _inside(folder: bytes) -> tuple[bytes, bytes]:
    """Return two paths between which, in the order of bytes, are those inside a folder."""
    separator = os.fsencode(os.sep)
    begin = folder.rstrip(separator) + separator
    return begin, begin[:-1] + bytes([begin[-1] + 1])


def is_gone(path: bytes) -> bool:
    """Return whether there is nothing at a path; what cannot be looked at may well be there.

    Parameters
    ----------
    path : bytes

    Returns
    -------
    bool
    """
    try:
        os.stat(path)  # noqa: PTH116 (of bytes)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False

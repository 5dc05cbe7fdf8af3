"""The tags of a song in the index: looked at, changed, and the index told of it, so that nothing is scanned again."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO

from emodj_live.library.analysis import content_digest
from emodj_live.library.index import Library, Stamp
from emodj_live.library.song import Song, text
from emodj_live.library.tagging.edits import SongError, Tags, TagsError, edited
from emodj_live.library.tagging.fields import Found, Plan
from emodj_live.library.tagging.kinds import open_tags
from emodj_live.library.tagging.replacing import check_unused, check_writable, clear_leftovers, copy_beside

Planner = Callable[[Found, Song], Plan]
"""Says what is to be done, given what the fields of a file say and its song."""


class Tagger:
    """Changes tags of songs.

    Parameters
    ----------
    library : Library
    planner : callable
        Gets what a file's fields say, and the song; returns a `Plan`.
    writes : bool
        Whether to write; otherwise everything is looked at and nothing is changed.

    Attributes
    ----------
    linked : int
        How many of the files that were written had other hard links.
    """

    def __init__(self, library: Library, planner: Planner, *, writes: bool = False) -> None:
        self.linked = 0
        self._library = library
        self._planner = planner
        self._writes = writes
        self._folders: set[bytes] = set()  # in which no leftover is

    def __call__(self, song: Song) -> Plan:
        """Look at the tags of a song, and change them if need be.

        Parameters
        ----------
        song : Song
            Of the index.

        Returns
        -------
        Plan
            What was done, or would be done.

        Raises
        ------
        SongError
            If the file is not what was scanned, cannot be tagged, or is not to be written to; it is as it was then.
        LibraryError
            If the index cannot be used.
        """
        path = os.path.realpath(song.path)
        try:
            stamp = self._checked(song, path)
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (of bytes)
                tags = open_tags(file, text(path))
                plan = self._planner(tags.found, song)
                if plan.changes:
                    check_writable(path)
                if plan.changes and self._writes:
                    check_unused(file, path)
                    self._write(path, stamp, file, tags, plan)
        except TagsError as error:
            raise SongError(f"{text(song.path)}: cannot be tagged: {error}.") from error
        except OSError as error:
            raise SongError(f"{text(song.path)}: cannot be read: {error.strerror or error}.") from error
        return plan

    def _checked(self, song: Song, path: bytes) -> Stamp:
        """Return the stamp of a file, which must be that of the index."""
        stamp = Stamp.of(path)
        rows = self._library.query("SELECT size, mtime FROM song WHERE id = ?", (song.id,))
        if [tuple(row) for row in rows] != [(stamp.size, stamp.mtime)]:
            raise SongError(f"{text(song.path)}: has changed since it was scanned; scan it again first.")
        return stamp

    def _write(self, path: bytes, stamp: Stamp, file: IO[bytes], tags: Tags, plan: Plan) -> None:
        """Let a changed copy take the place of the file, and the index know it."""
        folder = os.path.dirname(path)  # noqa: PTH120 (of bytes)
        if folder not in self._folders:
            clear_leftovers(folder)
            self._folders.add(folder)
        with copy_beside(path, edited(file, tags.edits(plan.changes))) as copy:
            content, new = content_digest(copy), Stamp.of(copy)
            if Stamp.of(path) != stamp:
                raise SongError(f"{text(path)}: has changed just now; scan it again first.")
            linked = os.stat(path).st_nlink > 1  # noqa: PTH116 (of bytes)
            with self._library.transaction():  # so that a full disk or a locked index leaves the song alone
                for number in self._rows(path, stamp):
                    self._library.restamp(number, new, content)
                os.replace(copy, path)  # noqa: PTH105 (of bytes)
            self.linked += linked

    def _rows(self, path: bytes, stamp: Stamp) -> list[int]:
        """Return the songs of the index that are this file, under whatever name."""
        rows = self._library.query("SELECT id, path FROM song WHERE size = ? AND mtime = ?", (stamp.size, stamp.mtime))
        return [row["id"] for row in rows if os.path.realpath(bytes(row["path"])) == path]

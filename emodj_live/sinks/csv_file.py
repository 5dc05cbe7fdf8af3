"""Emotions as a table in a file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from types import TracebackType

from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError

HEADER = (*(field.name for field in fields(Emotion)), "source")


class CsvSink:
    """Write each emotion as a row, flushed at once, so that a crash loses none.

    Parameters
    ----------
    path : path-like
        The file. It is written anew, its first row names the columns: every field of `Emotion`, then ``source``.
    source : str
        What the last column says.

    Attributes
    ----------
    source : str
        May be set between emotions, where one file takes several songs.

    Raises
    ------
    SinkError
        If the file cannot be written; then or later.
    ValueError
        When called, if it is closed.

    Examples
    --------
    >>> with CsvSink(os.devnull, source="song.mp3") as table:
    ...     tracker.run(FileSource("song.mp3"), table)  # doctest: +SKIP
    """

    def __init__(self, path: str | os.PathLike[str], *, source: str = "") -> None:
        self.path = Path(path)
        self.source = source
        with self._told():
            self._file = self.path.open("w", newline="", encoding="utf-8", errors="backslashreplace")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._write(HEADER)

    def __enter__(self) -> CsvSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def __call__(self, emotion: Emotion) -> None:
        """Write one row."""
        if self._file.closed:
            raise ValueError(f"the table {self.path} is closed")
        self._write((*emotion.as_dict().values(), self.source))

    def close(self) -> None:
        """Close the file; twice does no harm."""
        with self._told():
            self._file.close()

    def _write(self, row: tuple[object, ...]) -> None:
        with self._told():
            self._rows.writerow(row)
            self._file.flush()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in one sentence what went wrong with the file, and let go of it."""
        try:
            yield
        except OSError as error:
            if hasattr(self, "_file"):
                with suppress(OSError):  # what could not be written still cannot
                    self._file.close()
            raise SinkError(f"{self.path}: cannot be written: {error.strerror or error}.") from error

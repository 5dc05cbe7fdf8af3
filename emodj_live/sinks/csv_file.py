"""Emotions as a table in a file: ``--csv``."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from types import TracebackType

from emodj_live.blocks import Sink
from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError
from emodj_live.work import Output, Work, refuse_inputs

HEADER = (*(field.name for field in fields(Emotion)), "source")


class CsvSink:
    """Write each emotion as a row, flushed at once, so that a crash loses none.

    Parameters
    ----------
    path : path-like
        The file. It is overwritten; its first row names the columns: every field of `Emotion`, then ``source``.
    source : str
        What the last column says.

    Attributes
    ----------
    source : str
        May be set between emotions, if one file takes several songs.

    Raises
    ------
    SinkError
        If the file cannot be written, now or later.
    ValueError
        When called after it was closed.

    Examples
    --------
    >>> with CsvSink(os.devnull, source="song.mp3") as table:
    ...     tracker.run(FileSource("song.mp3"), table)  # doctest: +SKIP
    """

    def __init__(self, path: str | os.PathLike[str], *, source: str = "") -> None:
        self.path = Path(path)
        self.source = source
        with self._reporting():
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
        self._write((*emotion.as_dict().values(), as_text(self.source)))

    def close(self) -> None:
        """Close the file; closing it twice does no harm."""
        with self._reporting():
            self._file.close()

    def _write(self, row: tuple[object, ...]) -> None:
        with self._reporting():
            self._rows.writerow(row)
            self._file.flush()

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Turn what goes wrong with the file into one sentence, and close it."""
        try:
            yield
        except OSError as error:
            if hasattr(self, "_file"):
                with suppress(OSError):  # what could not be written still cannot
                    self._file.close()
            raise SinkError(f"{self.path}: cannot be written: {error.strerror or error}.") from error


def as_text(cell: str) -> str:
    """Return a text that spreadsheets take for text: one that could be a formula gets an apostrophe in front.

    Parameters
    ----------
    cell : str
        Such as the name of a stranger's file.

    Returns
    -------
    str

    Notes
    -----
    As OWASP advises against CSV injection: https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and cell != "-" else cell


def parse(text: str) -> Path:
    """Take a file for a table, but none that ``--csv *.wav`` would overwrite by mistake.

    Parameters
    ----------
    text : str
        The option's value.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If it does not end in .csv.
    """
    path = Path(text)
    if path.suffix.lower() != ".csv" and (path.is_file() or not path.exists()):
        raise ValueError(f"{text} does not end in .csv")
    return path


@contextmanager
def open_output(path: Path, files: Sequence[str]) -> Iterator[Output]:
    """Open the output of ``--csv``: one table for all works.

    Parameters
    ----------
    path : Path
    files : sequence of str
        The audio files, none of which may be overwritten.

    Yields
    ------
    Output

    Raises
    ------
    SinkError
        If the file cannot be written, or is one of the audio files.
    """
    refuse_inputs(path, files)
    with CsvSink(path) as table:

        @contextmanager
        def follow(work: Work) -> Iterator[Sink]:
            table.source = work.name
            yield table

        yield follow

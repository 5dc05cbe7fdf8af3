"""Comma-separated tables as they come with data sets, each cell checked when it is read.

A misread table would train a wrong model without any error, so whatever cannot be right is one sentence that names the
file and the line.
"""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emodj_live.errors import DatasetError, one_line

_LONGEST_QUOTE = 40  # characters of a file's own text in a message


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    path : Path
        The table's file.
    line : int
        Where the row ends in it, counted from 1.
    cells : mapping of str to str
        By the column's name in lower case.
    """

    path: Path
    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Return a cell, empty if the table has no such column."""
        return self.cells.get(column.casefold(), "")

    def number(self, column: str, low: float, high: float) -> float | None:
        """Return a cell's number, None if it is empty; raise a `DatasetError` if it is no number from low to high."""
        cell = self.text(column)
        if not cell or cell.casefold() == "nan":
            return None
        try:
            value = float(cell)
        except ValueError:
            raise self.error(f"{column} {shortened(cell)!r} is not a number; write one such as 0.25") from None
        if not low <= value <= high:
            raise self.error(f"{column} {shortened(cell)} is outside [{low:g}, {high:g}]; rescale or correct it")
        return value

    def error(self, problem: str) -> DatasetError:
        """Return an error that says where in which file the problem is."""
        return DatasetError(f"{self.path}: line {self.line}: {problem}.")


def read_table(path: Path, needed: Iterable[str] = (), *, lenient: bool = False) -> list[Row]:
    """Read a table whose first row names its columns; the case of the names does not matter.

    Parameters
    ----------
    path : Path
    needed : iterable of str
        Columns that it must have.
    lenient : bool
        Whether undecodable text, superfluous cells and a lack of rows are let through: for tables of artists alone.

    Returns
    -------
    list of Row

    Raises
    ------
    DatasetError
        If the file cannot be read, lacks a column or all rows, or has a column twice, or a row has more cells than
        there are columns.
    """
    rows = read_rows(path, errors="replace" if lenient else "strict")
    names = [" ".join(cell.casefold().split()) for cell in rows[0][1]] if rows else []
    for column in needed:
        if column.casefold() not in names:
            raise DatasetError(f"{path}: has no column {column}; separate columns by commas.")
    for column in filter(None, names):
        if names.count(column) > 1 and not lenient:
            raise DatasetError(f"{path}: has column {shortened(column)} twice; keep one.")
    if len(rows) < 2 and not lenient:
        raise DatasetError(f"{path}: has no row below its header; one for each clip is needed.")
    table = []
    for line, cells in rows[1:]:
        row = Row(path, line, dict(zip(names, cells, strict=False)))
        if any(cells[len(names) :]) and not lenient:
            raise row.error("has more cells than the header has columns; quote cells that have a comma")
        table.append(row)
    return table


def read_rows(path: Path, *, errors: str = "strict") -> list[tuple[int, list[str]]]:
    """Return line number and cells of every row, stripped of surrounding space; empty rows are left out."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe may never be written to, and some devices never end
            raise DatasetError(f"{path}: is not a regular file; replace it by the annotations themselves.")
        with path.open(encoding="utf-8-sig", newline="", errors=errors) as file:
            reader = csv.reader(file, skipinitialspace=True)
            rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is not comma-separated text in UTF-8; save it as that.") from error
    except csv.Error as error:
        raise DatasetError(f"{path}: is not comma-separated text: {shortened(str(error), 100)}.") from error
    return [(line, cells) for line, cells in rows if any(cells)]


def by_song(rows: Iterable[Row], column: str) -> dict[str, Row]:
    """Return rows by the song that a column names, each once.

    Raises
    ------
    DatasetError
        If a row names none, or one that an earlier row named.
    """
    songs: dict[str, Row] = {}
    for row in rows:
        song = row.text(column)
        if not song:
            raise row.error(f"has no {column}; fill it in or delete the row")
        if song in songs:
            raise row.error(f"song {shortened(song)} is also in line {songs[song].line}; keep one of the two rows")
        songs[song] = row
    return songs


def shortened(text: str, length: int = _LONGEST_QUOTE) -> str:
    """Return a piece of a file's text as it may be printed in a message: short and on one line."""
    text = one_line(text)
    return text if len(text) <= length else f"{text[: length - 3]}..."

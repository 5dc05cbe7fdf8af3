"""Songs on standard output: a table for people, lines in a pipe, JSON Lines or CSV for programs."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from emodj_live.colors import blend
from emodj_live.emotion import Quadrant, clock
from emodj_live.errors import SinkError, one_line
from emodj_live.library.song import Song, text
from emodj_live.sinks.csv_file import as_text
from emodj_live.sinks.lines import write_line

_AT_ONCE = 500  # rows of a table
COLORS = {quadrant: blend(quadrant.color, "#ffffff", 0.35) for quadrant in Quadrant}
"""Of the moods, as they can be read on a dark terminal and on a light one."""


@dataclass(frozen=True, slots=True)
class Row:
    """A song to print.

    Attributes
    ----------
    song : Song
    distance : float or None
        How far away it is, if that is to be shown.
    """

    song: Song
    distance: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the song's JSON, with the distance if there is one."""
        extra = {} if self.distance is None else {"distance": self.distance}
        return self.song.as_dict() | extra


def add_forms(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how songs are printed.

    Parameters
    ----------
    parser : ArgumentParser
    """
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="JSON Lines: an object for each song")
    forms.add_argument("--csv", action="store_true", help="a table of comma-separated values, with a header")


def print_rows(rows: Iterable[Row], options: argparse.Namespace) -> int:
    """Print songs in the form that is asked for.

    Parameters
    ----------
    rows : iterable of Row
    options : Namespace
        Of a parser that `add_forms` was used on.

    Returns
    -------
    int
        How many those were.

    Raises
    ------
    SinkError
        If standard output cannot be written to.
    """
    if options.json:
        return write_lines(json.dumps(row.as_dict(), allow_nan=False) for row in rows)
    if options.csv:
        clean = one_line if sys.stdout.isatty() else str  # a name must not command a terminal
        return write_lines(map(clean, _csv_lines(rows))) - 1
    console = Console(highlight=False)
    return print_table(rows, console) if console.is_terminal else write_lines(map(_line, rows))


def write_lines(lines: Iterable[str]) -> int:
    """Write lines to standard output.

    Parameters
    ----------
    lines : iterable of str

    Returns
    -------
    int
        How many those were.

    Raises
    ------
    SinkError
        If standard output cannot be written to.
    """
    count = 0
    for line in lines:
        write_line(sys.stdout, line)
        count += 1
    return count


def write_bytes(data: bytes) -> None:
    """Write bytes to standard output.

    Parameters
    ----------
    data : bytes

    Raises
    ------
    SinkError
        If standard output cannot be written to.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SinkError(f"standard output: cannot be written: {error.strerror or error}.") from error


# ------------------------------------------------------------------------------------------------------------- CSV


def _csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    for number, row in enumerate(rows):
        values = row.as_dict()
        values |= values.pop("shares")
        if number == 0:
            yield _csv_line(values)
        yield _csv_line(as_text(value) if isinstance(value, str) else value for value in values.values())


def _csv_line(values: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


# ------------------------------------------------------------------------------------------------ lines and a table


def _line(row: Row) -> str:
    song = row.song
    distance = "" if row.distance is None else f"distance {row.distance:.3f}  "
    return (
        f"{song.id or '-':>7}  {distance}valence {song.valence:+.2f}  arousal {song.arousal:+.2f}  {song.mood:<13}"
        f"  {clock(song.duration, 0):>7}  {one_line(text(song.path))}"
    )


def print_table(rows: Iterable[Row], console: Console) -> int:
    """Print songs as a table, in pieces, so that a large one begins at once.

    Parameters
    ----------
    rows : iterable of Row
    console : Console

    Returns
    -------
    int
        How many those were.
    """
    each, count = iter(rows), 0
    while some := list(islice(each, _AT_ONCE)):
        table = _table(has_header=count == 0, has_distance=some[0].distance is not None)
        for row in some:
            table.add_row(*_cells(row))
        console.print(table)
        count += len(some)
    return count


def _table(*, has_header: bool, has_distance: bool) -> Table:
    table = Table(box=None, show_header=has_header, expand=True, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("id", justify="right", width=7)
    if has_distance:
        table.add_column("distance", justify="right", width=8)
    table.add_column("mood", width=13, no_wrap=True)
    for name in ("valence", "arousal", "length"):
        table.add_column(name, justify="right", width=7)
    table.add_column("song", ratio=1, no_wrap=True, overflow="ellipsis")
    return table


def _cells(row: Row) -> Iterator[Text]:
    song = row.song
    yield Text(str(song.id or ""))
    if row.distance is not None:
        yield Text(f"{row.distance:.3f}")
    yield Text(song.mood, style=COLORS[song.quadrant])
    yield from (Text(f"{value:+.2f}") for value in (song.valence, song.arousal))
    yield Text(clock(song.duration, 0).strip())
    yield Text(one_line(song.name))

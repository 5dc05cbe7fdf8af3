"""``emodj-library show``: all that is known about a song, and how its valence and arousal go."""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from emodj_live.emotion import Quadrant, clock
from emodj_live.errors import one_line
from emodj_live.library.commands.printing import COLORS
from emodj_live.library.index import Library
from emodj_live.library.song import Song, text
from emodj_live.sinks.lines import write_line
from emodj_live.sinks.terminal.braille import braille

_ROWS = 6  # of a curve
_WIDEST = 120  # columns
_SCALE = 6  # columns
_MARGIN = 0.01  # that rounding to float16 may have added


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments.

    Parameters
    ----------
    parser : ArgumentParser
    """
    parser.add_argument("song", metavar="SONG", help="its id, its file, or a part of its title or path")
    parser.add_argument("--json", action="store_true", help="one JSON object, with the arc")


def run(options: argparse.Namespace, library: Library) -> int:
    """Show a song.

    Parameters
    ----------
    options : Namespace
    library : Library

    Returns
    -------
    int
        0.

    Raises
    ------
    LibraryError
        If no song fits, or several do.
    SinkError
        If standard output cannot be written to.
    """
    song = library.find(options.song)
    arc = library.arc(song.id or 0)
    if options.json:
        points = [None if math.isnan(valence) else [valence, arousal] for valence, arousal in arc.tolist()]
        write_line(sys.stdout, json.dumps(song.as_dict() | {"arc": points}, allow_nan=False))
        return 0
    width = min(_WIDEST, shutil.get_terminal_size().columns)
    console = Console(highlight=False, soft_wrap=True)
    with console.capture() as shown:
        for line in _lines(song, arc, width):
            console.print(line)
    write_line(sys.stdout, shown.get().removesuffix("\n"))
    return 0


def _lines(song: Song, arc: NDArray[np.float32], width: int) -> Iterator[Text]:
    yield Text(one_line(song.name), style="bold")
    yield Text(one_line(text(song.path)) + (", which is gone" if song.is_missing else ""))
    album = f"{one_line(song.album)}, " if song.album else ""
    yield Text(f"{album}{clock(song.duration, 0).strip()}, {song.level:.1f} dBFS, song {song.id} of the index")
    yield Text()
    certain = "" if song.certainty is None else f"  {100 * song.certainty:.0f} % certain"
    yield Text.assemble("mood     ", (song.mood, COLORS[song.quadrant]), certain)
    for name, more in (("valence", "more pleasant"), ("arousal", "more excited")):
        value, deviation, rank = (getattr(song, f"{name}{part}") for part in ("", "_std", "_rank"))
        ranked = "" if rank is None else f"  {more} than {100 * rank:.0f} % of music"
        yield Text(f"{name}  {value:+.2f} ± {deviation:.2f}{ranked}")
    shares = [(f"{100 * song.shares[mood]:.0f} % {mood}", COLORS[mood]) for mood in Quadrant if song.shares[mood] > 0]
    silent = [f"{100 * song.silence:.0f} % silent"] if song.silence > 0 else []
    yield Text.assemble("time     ", Text(", ").join([*(Text(*share) for share in shares), *map(Text, silent)]))
    yield from _curves(arc, song.duration, width)


# ------------------------------------------------------------------------------------------------------------ curves


def _curves(arc: NDArray[np.float32], duration: float, width: int) -> Iterator[Text]:
    """Draw valence and arousal over time, on one scale."""
    if not np.isfinite(arc).any():
        return
    reach = max(1, math.ceil(10 * float(np.nanmax(np.abs(arc))) - _MARGIN)) / 10
    for axis, name in enumerate(("valence", "arousal")):
        yield Text()
        yield Text(name, style="bold")
        scale = {0: f"{reach:+.1f}", _ROWS - 1: f"{-reach:+.1f}"}
        for row, characters in enumerate(_curve(arc[:, axis], reach, width - _SCALE)):
            yield Text(f"{scale.get(row, ''):<{_SCALE}}{characters}".rstrip())
    end = clock(duration, 0).strip()
    yield Text(f"{'':<{_SCALE}}0:00{end:>{width - _SCALE - 4}}")


def _curve(values: NDArray[np.float32], reach: float, width: int) -> list[str]:
    """Return the rows of a curve from above, with a dotted line at 0."""
    columns = _spread(values, 2 * width)
    dots = np.zeros((4 * _ROWS, 2 * width), bool)
    heights = np.rint((1 - columns / reach) / 2 * (4 * _ROWS - 1))
    dots[2 * _ROWS, ::4] = True
    before = math.nan
    for column, height in enumerate(heights.tolist()):
        if not math.isnan(height):
            other = height if math.isnan(before) else before
            dots[int(min(height, other)) : int(max(height, other)) + 1, column] = True
        before = height
    return ["".join(map(chr, row)) for row in braille(dots).tolist()]


def _spread(values: NDArray[np.float32], columns: int) -> NDArray[np.float64]:
    """Return the mean of the values that fall on each column; NaN where there are none."""
    edges = np.linspace(0, len(values), columns + 1)
    starts = np.minimum(edges[:-1].astype(int), len(values) - 1)
    ends = np.maximum(starts + 1, edges[1:].astype(int))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a mean of nothing
        return np.array([np.nanmean(values[start:end]) for start, end in zip(starts, ends, strict=True)], np.float64)

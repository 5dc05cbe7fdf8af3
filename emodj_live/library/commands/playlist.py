"""``emodj-library playlist``: songs from mood to mood, around a mood or a song, or in EmoDJ's order."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from emodj_live.emotion import clock
from emodj_live.errors import LibraryError
from emodj_live.library.commands.filters import add_filters
from emodj_live.library.commands.orders import add_orders, check_order, ordered
from emodj_live.library.commands.printing import Row, print_table, write_bytes, write_lines
from emodj_live.library.index import Library
from emodj_live.library.moods import survey
from emodj_live.library.order import Length
from emodj_live.library.playlist_file import WRITTEN, as_m3u8, can_be_listed, write_playlist
from emodj_live.library.song import Song

logger = logging.getLogger(__name__)

_HOUR = 60.0  # [min] if nothing else is asked for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments.

    Parameters
    ----------
    parser : ArgumentParser
    """
    add_orders(parser, default=f"{_HOUR:g}")
    add = parser.add_argument
    add("-o", "--output", type=_file, metavar="FILE", help="write a playlist (.m3u8 or .m3u), instead of to stdout")
    add("--absolute", action="store_true", help="whole paths, instead of paths from where the playlist is")
    add("--json", action="store_true", help="JSON Lines on stdout: an object for each song")
    add_filters(parser, has_mood=False)


def _file(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in WRITTEN:
        raise argparse.ArgumentTypeError(f"{text} does not end in {' or '.join(WRITTEN)}")
    return path


def run(options: argparse.Namespace, library: Library) -> int:
    """Put songs in order, and write or print them.

    Parameters
    ----------
    options : Namespace
    library : Library

    Returns
    -------
    int
        0, also if there are fewer songs than were asked for.

    Raises
    ------
    LibraryError
        If no song fits, it is not clear which song is meant, or the playlist cannot be written.
    SinkError
        If standard output cannot be written to.
    SourceError
        If a file that is not in the index cannot be listened to.
    """
    check_order(options)
    songs = list(ordered(options, library, Length(seconds=60 * _HOUR)))
    if not songs:
        raise LibraryError("no song fits; leave out a filter, or ask for a longer playlist.")
    _note_shortage(songs, options, library)
    if options.output:
        write_playlist(options.output, songs, is_absolute=options.absolute)
    _print(songs, options)
    return 0


def _note_shortage(songs: Sequence[Song], options: argparse.Namespace, library: Library) -> None:
    """Log a notice if the playlist is shorter than was asked for, by more than half a song."""
    seconds = sum(song.duration for song in songs)
    if options.number:
        is_short = len(songs) < options.number
    else:
        is_short = seconds < 60 * (options.minutes or _HOUR) - survey(library).duration / 2
    if is_short:
        logger.warning("only %s: there are no more that fit.", _amount(songs))


def _print(songs: Sequence[Song], options: argparse.Namespace) -> None:
    console = Console(highlight=False)
    if options.json:
        write_lines(json.dumps(song.as_dict(), allow_nan=False) for song in songs)
    elif console.is_terminal:
        print_table(map(Row, songs), console)
    elif not options.output:
        write_bytes(as_m3u8(songs, None if options.absolute else os.curdir))
    if options.output and not options.quiet:
        sys.stderr.write(f"{options.output}: {_amount(list(filter(can_be_listed, songs)))}\n")


def _amount(songs: Sequence[Song]) -> str:
    count = "1 song" if len(songs) == 1 else f"{len(songs)} songs"
    return f"{count}, {clock(sum(song.duration for song in songs), 0).strip()}"

"""``emodj-library playlist``: songs from mood to mood, around a mood or a song, or in EmoDJ's order."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from emodj_live.emotion import Quadrant, clock
from emodj_live.errors import LibraryError
from emodj_live.library.commands.filters import MOODS, add_filters, count, number, query_of
from emodj_live.library.commands.printing import Row, print_table, write_bytes, write_lines
from emodj_live.library.index import Library
from emodj_live.library.locating import locate
from emodj_live.library.moods import survey
from emodj_live.library.order import Length, around, chain, walk
from emodj_live.library.playlist_file import WRITTEN, as_m3u8, write_playlist
from emodj_live.library.song import Song

logger = logging.getLogger(__name__)

_HOUR = 60.0  # [min] if nothing else is asked for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments.

    Parameters
    ----------
    parser : ArgumentParser
    """
    mood: dict[str, Any] = {"choices": MOODS, "metavar": "MOOD"}
    ways = parser.add_argument_group(f"in which order (MOOD is {', '.join(MOODS[:-1])} or {MOODS[-1]})")
    ways.add_argument("--from", dest="start", **mood, help="from this mood ...")
    ways.add_argument("--to", dest="end", **mood, help="... to this one in even steps")
    ways.add_argument("--mood", dest="around", **mood, help="the songs nearest to this mood")
    ways.add_argument("--near", metavar="SONG", help="a song and those nearest to it")
    ways.add_argument(
        "--emodj", metavar="SONG", help="a song, and then always the one nearest to the last: EmoDJ's order"
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("-n", "--number", type=count, metavar="N", help="number of songs")
    length.add_argument("--minutes", type=number(1, float("inf")), default=_HOUR, help="length (default 60)")
    add = parser.add_argument
    add("-o", "--output", type=_file, metavar="FILE", help="write a playlist (.m3u8 or .m3u), instead of to stdout")
    add("--absolute", action="store_true", help="whole paths, instead of paths from where the playlist is")
    add("--json", action="store_true", help="JSON Lines on stdout: an object for each song")
    add_filters(parser, has_mood=False)
    parser.set_defaults(fail=parser.error)


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
    length = Length(songs=options.number) if options.number else Length(seconds=60 * options.minutes)
    _check(options)
    songs = list(_ordered(options, library, length))
    if not songs:
        raise LibraryError("no song fits; ask for less, or for a longer playlist.")
    _note_shortage(songs, options, library)
    if options.output:
        write_playlist(options.output, songs, is_absolute=options.absolute)
    _print(songs, options)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Refuse anything but exactly one order."""
    ways = {"--from": options.start or options.end, "--mood": options.around}
    given = [name for name, value in {**ways, "--near": options.near, "--emodj": options.emodj}.items() if value]
    if len(given) != 1:
        options.fail("choose one order: --from MOOD --to MOOD, --mood MOOD, --near SONG or --emodj SONG")
    if bool(options.start) != bool(options.end):
        options.fail("--from and --to belong together")


def _ordered(options: argparse.Namespace, library: Library, length: Length) -> Iterator[Song]:
    query = query_of(options)
    if options.start:
        return walk(library, Quadrant(options.start), Quadrant(options.end), length, query)
    if options.emodj:
        return chain(library, locate(library, options.emodj), length, query)
    place = Quadrant(options.around) if options.around else locate(library, options.near)
    return around(library, place, length, query)


def _note_shortage(songs: Sequence[Song], options: argparse.Namespace, library: Library) -> None:
    """Log a notice if the playlist is shorter than was asked for, by more than half a song."""
    seconds = sum(song.duration for song in songs)
    if options.number:
        is_short = len(songs) < options.number
    else:
        is_short = seconds < 60 * options.minutes - survey(library).duration / 2
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
        sys.stderr.write(f"{options.output}: {_amount(songs)}\n")


def _amount(songs: Sequence[Song]) -> str:
    count = "1 song" if len(songs) == 1 else f"{len(songs)} songs"
    return f"{count}, {clock(sum(song.duration for song in songs), 0).strip()}"

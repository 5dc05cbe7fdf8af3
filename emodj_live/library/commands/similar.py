"""``emodj-library similar``: the songs nearest to a song, or to a point of the plane."""

from __future__ import annotations

import argparse
import logging
from itertools import islice

from emodj_live.library.commands.filters import add_filters, coordinate, count, query_of
from emodj_live.library.commands.list import why_nothing
from emodj_live.library.commands.printing import Row, add_forms, print_rows
from emodj_live.library.index import Library
from emodj_live.library.locating import locate
from emodj_live.library.neighbors import nearest

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments.

    Parameters
    ----------
    parser : ArgumentParser
    """
    near = parser.add_mutually_exclusive_group(required=True)
    near.add_argument("song", nargs="?", metavar="SONG", help="its id, its file, or a part of its title or path")
    near.add_argument(
        "--at", nargs=2, type=coordinate, metavar=("VALENCE", "AROUSAL"), help="a point, each from -1 to 1"
    )
    parser.add_argument("-n", "--number", type=count, default=10, metavar="N", help="how many at most (default 10)")
    add_forms(parser)
    add_filters(parser)


def run(options: argparse.Namespace, library: Library) -> int:
    """List the nearest songs, the nearest first; the song itself is not among them.

    Parameters
    ----------
    options : Namespace
    library : Library

    Returns
    -------
    int
        0, also if no song fits.

    Raises
    ------
    LibraryError
        If it is not clear which song is meant.
    SourceError
        If a file that is not in the index cannot be listened to.
    """
    song = locate(library, options.song) if options.song else None
    point = (song.valence, song.arousal) if song else tuple(options.at)
    near = nearest(library, point, query_of(options), at_once=options.number + 1)
    others = (each for each in near if not song or each.song.id != song.id)
    rows = (Row(each.song, each.distance) for each in islice(others, options.number))
    if not print_rows(rows, options):
        logger.warning("%s", why_nothing(library))
    return 0

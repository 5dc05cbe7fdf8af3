"""``emodj-library list``: the songs, filtered and sorted."""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace

from emodj_live.library.commands.filters import add_filters, count, query_of
from emodj_live.library.commands.printing import Row, add_forms, print_rows
from emodj_live.library.index import Library
from emodj_live.library.query import SORTS, select

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments.

    Parameters
    ----------
    parser : ArgumentParser
    """
    add = parser.add_argument
    add("words", nargs="*", metavar="TEXT", help="words in artist, title, album or path, as with --text")
    add("--sort", choices=tuple(SORTS), default="path", metavar="BY", help=f"{', '.join(SORTS)} (default path)")
    add("-r", "--reverse", action="store_true", help="highest, longest or last in the alphabet first")
    add("-n", "--number", type=count, metavar="N", help="how many at most (default all)")
    add("--missing", action="store_true", help="the songs whose files are gone, instead of those that are there")
    add_forms(parser)
    add_filters(parser)


def run(options: argparse.Namespace, library: Library) -> int:
    """List songs.

    Parameters
    ----------
    options : Namespace
    library : Library

    Returns
    -------
    int
        0, also if no song fits.
    """
    asked = query_of(options)
    songs = select(
        library,
        replace(asked, text=" ".join([asked.text, *options.words])),
        sort=options.sort,
        is_reversed=options.reverse,
        count=options.number,
        is_missing=options.missing,
    )
    if not print_rows(map(Row, songs), options):
        logger.warning("%s", why_nothing(library))
    return 0


def why_nothing(library: Library) -> str:
    """Return a sentence for a list without songs.

    Parameters
    ----------
    library : Library

    Returns
    -------
    str
    """
    if len(library):
        return "no song is like that."
    if library.query("SELECT 1 FROM song LIMIT 1"):
        return f"{library.path}: all of its songs are missing; if their drive is there again, scan it."
    return f"{library.path}: has no songs yet; scan some with: emodj-library scan FOLDER."

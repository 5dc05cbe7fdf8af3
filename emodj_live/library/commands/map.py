"""``emodj-library map``: the collection on the plane, as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from emodj_live.atomic_file import replaced
from emodj_live.errors import LibraryError, SinkError
from emodj_live.library.commands.filters import add_filters, query_of
from emodj_live.library.index import Library
from emodj_live.library.map_picture import MOST_NAMES, draw_map
from emodj_live.library.moods import survey
from emodj_live.library.query import places, select
from emodj_live.sinks.pictures import matplotlib, rendered
from emodj_live.sinks.plot import parse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments.

    Parameters
    ----------
    parser : ArgumentParser
    """
    parser.add_argument("file", type=_picture, metavar="FILE", help="the picture: .png, .svg or .pdf")
    add_filters(parser)


def _picture(text: str) -> Path:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(options: argparse.Namespace, library: Library) -> int:
    """Draw the songs that the filters leave.

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
        If no song is left.
    SinkError
        If matplotlib is missing, or the picture cannot be written.
    """
    matplotlib()  # fail at once
    query, moods = query_of(options), survey(library).moods
    points = places(library, query)
    if not len(points):
        raise LibraryError("no song is like that; ask for less.")
    songs = select(library, query, sort="id") if len(points) <= MOST_NAMES else ()
    names = [song.name for song in songs if song.silence < 1]
    title = "1 song" if len(points) == 1 else f"{len(points):,} songs".replace(",", " ")
    picture = rendered(draw_map(points, names, moods, title=title), options.file)
    with replaced(options.file, SinkError) as file:
        file.write(picture)
    return 0

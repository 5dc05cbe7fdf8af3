"""The options that say in which order songs come, the same for a playlist that is written and one that is played."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from emodj_live.emotion import Quadrant
from emodj_live.library.commands.filters import MOODS, count, number, query_of
from emodj_live.library.index import Library
from emodj_live.library.locating import locate
from emodj_live.library.order import Length, around, chain, walk
from emodj_live.library.song import Song


def add_orders(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Add the options for an order and a length.

    Parameters
    ----------
    parser : ArgumentParser
    default : str
        How long the list is without an option for it, in words.
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
    length.add_argument("--minutes", type=number(1, float("inf")), help=f"length (default {default})")
    parser.set_defaults(fail=parser.error)


def chosen(options: argparse.Namespace) -> list[str]:
    """Return the names of the orders that were asked for.

    Parameters
    ----------
    options : Namespace
        Of a parser that `add_orders` was used on.

    Returns
    -------
    list of str
    """
    ways = {"--from": options.start or options.end, "--mood": options.around}
    return [name for name, value in {**ways, "--near": options.near, "--emodj": options.emodj}.items() if value]


def check_order(options: argparse.Namespace) -> None:
    """Refuse anything but exactly one order.

    Parameters
    ----------
    options : Namespace
    """
    if len(chosen(options)) != 1:
        options.fail("choose one order: --from MOOD --to MOOD, --mood MOOD, --near SONG or --emodj SONG")
    if bool(options.start) != bool(options.end):
        options.fail("--from and --to belong together")


def ordered(options: argparse.Namespace, library: Library, default: Length) -> Iterator[Song]:
    """Yield the songs in the order that was asked for.

    Parameters
    ----------
    options : Namespace
        Checked by `check_order`.
    library : Library
    default : Length
        If no other length was asked for.

    Returns
    -------
    iterator of Song

    Raises
    ------
    LibraryError
        If it is not clear which song is meant, or there are no songs.
    SourceError
        If a file that is not in the index cannot be listened to.
    """
    query, length = query_of(options), _length(options) or default
    if options.start:
        return walk(library, Quadrant(options.start), Quadrant(options.end), length, query)
    if options.emodj:
        return chain(library, locate(library, options.emodj), length, query)
    place = Quadrant(options.around) if options.around else locate(library, options.near)
    return around(library, place, length, query)


def _length(options: argparse.Namespace) -> Length | None:
    if options.number:
        return Length(songs=options.number)
    return Length(seconds=60 * options.minutes) if options.minutes else None

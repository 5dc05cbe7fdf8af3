"""The options that say which songs, the same for all subcommands, and how values are written."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from emodj_live.emotion import Quadrant
from emodj_live.library.query import Query

_MOST = 10**9  # songs
MOODS = tuple(quadrant.value for quadrant in Quadrant)


def add_filters(parser: argparse.ArgumentParser, *, has_mood: bool = True) -> None:
    """Add the options of a `Query`.

    Parameters
    ----------
    parser : ArgumentParser
    has_mood : bool
        Whether ``--mood`` is one of them.
    """
    add = parser.add_argument_group("which songs").add_argument
    if has_mood:
        add("--mood", choices=MOODS, metavar="MOOD", help=f"in this quadrant: {', '.join(MOODS)}")
    for axis in ("valence", "arousal"):
        add(f"--min-{axis}", type=coordinate, metavar="X", help=f"lowest {axis}, from -1 to 1")
        add(f"--max-{axis}", type=coordinate, metavar="X", help=f"highest {axis}")
    add("--min-certainty", type=share, metavar="X", help="lowest certainty, from 0 to 1")
    add("--longer", dest="min_duration", type=duration, metavar="M:SS", help="at least so long")
    add("--shorter", dest="max_duration", type=duration, metavar="M:SS", help="at most so long")
    add("--artist", default="", metavar="NAME", help="the artist, or a part of the name")
    add("--album", default="", metavar="NAME", help="a part of the album's name")
    add("--text", default="", metavar="WORDS", help="words in artist, title, album or path")


def query_of(options: argparse.Namespace) -> Query:
    """Return what the options ask for.

    Parameters
    ----------
    options : Namespace
        Of a parser that `add_filters` was used on.

    Returns
    -------
    Query
    """
    given: dict[str, Any] = {field.name: getattr(options, field.name, None) for field in fields(Query)}
    return Query(**given | {"mood": Quadrant(given["mood"]) if given["mood"] else None})


def number(low: float, high: float) -> Callable[[str], float]:
    """Return how to read a number within bounds.

    Parameters
    ----------
    low, high : float

    Returns
    -------
    callable
        Takes a text, and raises an ``argparse.ArgumentTypeError`` if it is not such a number.
    """

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high or math.isinf(value):
            bounds = f"from {low:g} to {high:g}" if math.isfinite(high) else f"from {low:g} on"
            raise argparse.ArgumentTypeError(f"{text!r} is not a number {bounds}")
        return value

    return read


coordinate = number(-1, 1)
share = number(0, 1)


def count(text: str) -> int:
    """Read a number of songs, from 1 on."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of songs, such as 10")
    return min(int(text), _MOST)


def duration(text: str) -> float:
    """Read a time as h:mm:ss, m:ss or seconds, and return it in seconds."""
    parts = text.split(":")
    if not 1 <= len(parts) <= 3 or not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 4:30, or seconds")
    return float(sum(int(part) * 60**place for place, part in enumerate(reversed(parts))))

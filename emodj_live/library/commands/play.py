"""``emodj-library play``: an evening of songs, from a playlist or in an order that follows their emotion."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Iterable, Iterator

from emodj_live import Dashboard, Deck, EmotionTracker, load_model
from emodj_live.calibration import calibration_of
from emodj_live.console import TERMINATION, ending_signals
from emodj_live.emotion import Quadrant
from emodj_live.errors import one_line
from emodj_live.library.commands.filters import add_filters, number, query_of
from emodj_live.library.commands.orders import add_orders, check_order, chosen, ordered
from emodj_live.library.index import Library
from emodj_live.library.order import Length, around
from emodj_live.library.player import KEYS, Player
from emodj_live.library.playlist_file import read_playlist
from emodj_live.library.setlist import SetList, Track
from emodj_live.library.song import absolute
from emodj_live.sinks.lines import write_line

logger = logging.getLogger(__name__)

_ENDLESS = Length(songs=sys.maxsize)
_HOUR = Length(seconds=3600)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments.

    Parameters
    ----------
    parser : ArgumentParser
    """
    add = parser.add_argument
    add("playlist", nargs="?", metavar="PLAYLIST_FILE", help="an m3u, m3u8 or pls, instead of an order")
    add_orders(parser, default="60 with --from and --to, else until no song is left")
    add("-d", "--device", type=_device, metavar="DEVICE", help="number of the output, or part of its name")
    add("--crossfade", type=number(0, 60), default=0.0, metavar="SECONDS", help="how long two songs overlap")
    add_filters(parser, has_mood=False)


def _device(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def run(options: argparse.Namespace, library: Library) -> int:
    """Play songs.

    Parameters
    ----------
    options : Namespace
    library : Library

    Returns
    -------
    int
        0, also if some songs could not be played.

    Raises
    ------
    LibraryError
        If nothing could be played, it is not clear which song is meant, or the playlist cannot be read.
    SinkError
        If standard output cannot be written to.
    SourceError
        If there is no such output device, it cannot be opened, or it goes away.
    """
    _check(options)
    stop = threading.Event()
    songs = SetList(_tracks(options, library), lambda mood: _toward(mood, options, library))
    with (
        ending_signals(stop, signal.SIGINT, *TERMINATION),
        Deck(options.device, crossfade=options.crossfade) as deck,
    ):
        _play(songs, deck, stop)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Refuse anything but a playlist or exactly one order."""
    if not options.playlist:
        check_order(options)
    elif chosen(options) or options.number or options.minutes:
        options.fail("a playlist has an order and a length of its own; choose one or the other")


def _tracks(options: argparse.Namespace, library: Library) -> Iterable[Track]:
    if options.playlist:
        return _listed(options.playlist, library)
    return map(Track.of, ordered(options, library, _HOUR if options.start else _ENDLESS))


def _listed(playlist: str, library: Library) -> Iterator[Track]:
    """Return what a playlist lists, in the index or not; which of it is there turns out when its turn comes."""
    entries = read_playlist(absolute(playlist))
    if entries.urls:
        logger.warning("%s: %d of its entries are addresses, which are left out.", playlist, entries.urls)
    return (_track_at(path, library) for path in entries.paths)


def _track_at(path: bytes, library: Library) -> Track:
    song = library.song_at(path)
    return Track.of(song) if song else Track.at(path)


def _toward(mood: Quadrant, options: argparse.Namespace, library: Library) -> Iterator[Track]:
    """Yield songs near a mood; none if there is no song in the index."""
    if len(library):
        yield from map(Track.of, around(library, mood, _ENDLESS, query_of(options)))


def _play(songs: SetList, deck: Deck, stop: threading.Event) -> None:
    model = load_model()
    tracker = EmotionTracker(model)
    if not Dashboard.is_supported():
        Player(songs, deck, tracker, stop, tell=_tell).run()
        return
    with Dashboard(calibration=calibration_of(model)) as dashboard:
        dashboard.keys = KEYS
        Player(songs, deck, tracker, stop, dashboard=dashboard).run()


def _tell(track: Track) -> None:
    write_line(sys.stdout, one_line(track.name))

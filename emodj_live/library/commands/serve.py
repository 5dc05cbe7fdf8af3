"""``emodj-library serve``: the collection in a browser."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from contextlib import closing, suppress

from emodj_live.console import TERMINATION, ending_signals
from emodj_live.library.index import Library
from emodj_live.sinks.web.address import Address, parse_address, require_web


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments.

    Parameters
    ----------
    parser : ArgumentParser
    """
    parser.add_argument(
        "address",
        type=_address,
        metavar="[HOST:]PORT",
        help="such as 8000, for this machine alone, or 0.0.0.0:8000, for all with the link that is printed",
    )


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(options: argparse.Namespace, library: Library) -> int:
    """Serve the collection until Ctrl-C or SIGTERM.

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
        If the index cannot be used.
    SinkError
        If the address cannot be used, or a package is missing.
    """
    require_web("emodj-library serve")
    from emodj_live.library.readers import Readers
    from emodj_live.library.site import collection_site
    from emodj_live.sinks.web.server import WebServer, wait_for

    stop = threading.Event()
    with (
        ending_signals(stop, signal.SIGINT, *TERMINATION),
        closing(Readers(library.path)) as readers,
        WebServer(collection_site(readers), options.address) as server,
    ):
        with suppress(OSError):  # a link that nobody reads is no reason to end
            sys.stderr.write(f"{server.link}\n")
        wait_for(stop)
    return 0

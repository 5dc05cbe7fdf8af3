"""``emodj-library failures``: the files that are no songs, and why."""

from __future__ import annotations

import argparse
import json
import sys

from emodj_live.errors import one_line
from emodj_live.library.index import Library
from emodj_live.library.song import text
from emodj_live.sinks.lines import write_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments.

    Parameters
    ----------
    parser : ArgumentParser
    """
    parser.add_argument("--json", action="store_true", help="JSON Lines: path and reason")


def run(options: argparse.Namespace, library: Library) -> int:
    """Print a line for each file.

    Parameters
    ----------
    options : Namespace
    library : Library

    Returns
    -------
    int
        0.
    """
    for path, reason in library.failures():
        name = text(path)
        line = json.dumps({"path": name, "reason": reason}) if options.json else one_line(f"{name}: {reason}")
        write_line(sys.stdout, line)
    return 0

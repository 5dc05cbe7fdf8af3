"""``emodj-library``: a collection's index on the command line.

Each subcommand is one module and one row of `SUBCOMMANDS`; only the module of the one that is used is imported.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from emodj_live import __version__
from emodj_live.console import fill_missing_streams, own_stderr
from emodj_live.errors import EmodjError
from emodj_live.library.index import Library
from emodj_live.program import exit_code, notices, report

_NAME = "emodj-library"


@dataclass(frozen=True, slots=True)
class Subcommand:
    """One thing that can be done with a collection.

    Attributes
    ----------
    name : str
        The word after ``emodj-library``.
    help : str
        What ``--help`` says.
    module : str
        Has ``add_arguments(parser)`` and ``run(options, library) -> int``, which gets the parsed arguments and an open
        `Library`, and returns an exit code or raises an `EmodjError`. It is imported if the subcommand is used.
    writes : bool
        Whether it writes to the index, which is created then if need be.
    """

    name: str
    help: str
    module: str
    writes: bool = False


SUBCOMMANDS: tuple[Subcommand, ...] = (
    Subcommand("scan", "listen to folders, files and playlists", "emodj_live.library.commands.scan", writes=True),
    Subcommand("failures", "list the files that could not be used, and why", "emodj_live.library.commands.failures"),
    Subcommand("list", "show songs, filtered and sorted", "emodj_live.library.commands.list"),
    Subcommand("show", "show all that is known about a song, and its arc", "emodj_live.library.commands.show"),
    Subcommand("map", "draw the collection on the plane", "emodj_live.library.commands.map"),
    Subcommand("similar", "find the songs nearest to a song or a point", "emodj_live.library.commands.similar"),
    Subcommand("playlist", "put songs in an order that follows their emotion", "emodj_live.library.commands.playlist"),
    Subcommand("play", "play a playlist, or songs in such an order", "emodj_live.library.commands.play"),
    Subcommand("tag", "write moods into the files' own tags", "emodj_live.library.commands.tag", writes=True),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    int
        0 for a normal end, 1 for an error reported in one line, 130 after Ctrl-C. Wrong arguments raise
        ``SystemExit(2)``.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the songs share the cores; a window is too little to share
    fill_missing_streams()
    return exit_code(partial(_main, argv))


def _main(argv: Sequence[str] | None) -> int:
    with _interrupts():
        options = _parser().parse_args(argv)
        with own_stderr(show=options.verbose), notices(_NAME, quiet=options.quiet):
            try:
                writes = options.subcommand.writes and getattr(options, "write", True)  # tag shows what it would do
                with Library(options.db, read_only=not writes) as library:
                    code: int = import_module(options.subcommand.module).run(options, library)
                    return code
            except EmodjError as error:
                return report(_NAME, error)


@contextmanager
def _interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt at Ctrl-C, even where it was ignored, as in a shell's background jobs."""
    if threading.current_thread() is not threading.main_thread():  # no other thread may set a handler
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# --------------------------------------------------------------------------------------------------------- arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_NAME, description="A music collection's emotions: scanned once, then found, ordered and played."
    )
    _add_common(parser)
    parser.add_argument("--version", action="version", version=f"{_NAME} {__version__}")
    chosen = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_SubcommandParser)
    for row in SUBCOMMANDS:
        chosen.add_parser(row.name, help=row.help, description=f"{row.help[0].upper()}{row.help[1:]}.", row=row)
    return parser


def _add_common(parser: argparse.ArgumentParser, *, default: Any = None) -> None:
    """Add the options that are the same for all subcommands, and are accepted before and after their names."""
    off = default or False
    parser.add_argument("--db", metavar="FILE", default=default, help="the index (default: in your data folder)")
    parser.add_argument("-q", "--quiet", action="store_true", default=off, help="no progress, summary or notices")
    parser.add_argument("-v", "--verbose", action="store_true", default=off, help="show messages from decoders")


class _SubcommandParser(argparse.ArgumentParser):
    """A parser that imports its subcommand's module when it is used."""

    def __init__(self, *, row: Subcommand, **options: Any) -> None:
        super().__init__(**options)
        self._row = row

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        import_module(self._row.module).add_arguments(self)
        _add_common(self, default=argparse.SUPPRESS)
        self.set_defaults(subcommand=self._row)
        return super().parse_known_args(args, namespace)

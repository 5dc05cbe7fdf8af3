"""The command line: from arguments to an exit code.

Nothing heavy is imported before Ctrl-C has its handler, so that it counts from the first moment.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from emodj_live.arguments import parse
from emodj_live.console import TERMINATION, discard_stdout, ending_signals, fill_missing_streams, own_stderr
from emodj_live.errors import EmodjError, one_line
from emodj_live.inputs import is_live
from emodj_live.options import Options


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    int
        0 for a normal end, 1 for an error reported in one line, 130 if an offline run was interrupted. Wrong arguments
        raise ``SystemExit(2)``.
    """
    # A window's worth of arithmetic is too little to share: threads would cost more than they gain, beside a player.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    fill_missing_streams()
    stop = threading.Event()
    try:
        with ending_signals(stop, signal.SIGINT):
            options = parse(argv)
            with (
                ending_signals(stop, *(TERMINATION if is_live(options) else ())),
                own_stderr(show=options.verbose),
                _notices(quiet=options.quiet),
            ):
                return _run(options, stop)
    except BrokenPipeError:
        discard_stdout()
        return 0
    except KeyboardInterrupt:
        return 130


def _run(options: Options, stop: threading.Event) -> int:
    try:
        if options.lists_devices:
            return _list_devices()
        from emodj_live.session import Session

        return Session(options, stop, _report).run()
    except EmodjError as error:
        return _report(error)


def _report(error: EmodjError) -> int:
    """Print an error in one line, and return the exit code for it."""
    with suppress(OSError):  # a message that nobody reads is not another error
        print(f"emodj-live: {error}", file=sys.stderr)
    return 1


def _list_devices() -> int:
    from emodj_live.sinks.lines import write_line
    from emodj_live.sources.devices import list_devices

    found = {"input": list_devices("input"), "output": list_devices("output")}
    for kind, devices in found.items():
        write_line(sys.stdout, f"{kind} devices (* is the default):")
        for device in [str(device) for device in devices] or ["none"]:
            write_line(sys.stdout, f"  {device}")
    return 0


class _OneLine(logging.Formatter):
    """Keeps what a file's name may hold from the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


@contextmanager
def _notices(*, quiet: bool) -> Iterator[None]:
    """Print what the library logs, and let no odd file name stop the output."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("emodj-live: %(message)s"))
    library = logging.getLogger("emodj_live")
    library.addHandler(handler)
    level = library.level
    library.setLevel(logging.ERROR if quiet else logging.WARNING)
    try:
        yield
    finally:
        library.removeHandler(handler)
        library.setLevel(level)

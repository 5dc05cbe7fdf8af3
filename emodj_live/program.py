"""What the commands have in common: notices on stderr, an error in one line, a closed pipe, Ctrl-C."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from emodj_live.console import discard_stdout
from emodj_live.errors import EmodjError, one_line

INTERRUPTED = 130  # as a shell counts it


def report(name: str, error: EmodjError) -> int:
    """Print an error in one line.

    Parameters
    ----------
    name : str
        Of the program.
    error : EmodjError

    Returns
    -------
    int
        The exit code for it, 1.
    """
    with suppress(OSError):  # a message that nobody reads is not another error
        sys.stderr.write(f"{name}: {error}\n")
    return 1


def exit_code(work: Callable[[], int]) -> int:
    """Run a program, whose reader may close the pipe and whose user may press Ctrl-C.

    Parameters
    ----------
    work : callable
        Returns an exit code.

    Returns
    -------
    int
        That of `work`; 0 if the reader of standard output closed the pipe; 130 after Ctrl-C.
    """
    try:
        code = work()
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


@contextmanager
def notices(name: str, *, quiet: bool) -> Iterator[None]:
    """Print what the library logs, and let no odd file name stop the output.

    Parameters
    ----------
    name : str
        Of the program.
    quiet : bool
        Whether to leave out warnings.
    """
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(f"{name}: %(message)s"))
    library = logging.getLogger("emodj_live")
    library.addHandler(handler)
    level = library.level
    library.setLevel(logging.ERROR if quiet else logging.WARNING)
    try:
        yield
    finally:
        library.removeHandler(handler)
        library.setLevel(level)


class _OneLine(logging.Formatter):
    """Keeps what a file's name may hold from the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))

"""What a program on a terminal does to its own process: its standard streams and its signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType
from typing import IO


@contextmanager
def own_stderr(*, show: bool = False) -> Iterator[None]:
    """Keep file descriptor 2 to ourselves, because decoders and sound systems write to it past Python.

    Parameters
    ----------
    show : bool
        Whether to show at the end what they wrote; else it is dropped.
    """
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error stream to protect
        yield
        return
    python_stderr = sys.stderr
    with _somewhere(show) as caught, os.fdopen(saved, "w", errors="backslashreplace", buffering=1) as ours:
        if python_stderr is sys.__stderr__:  # else somebody has redirected it already: leave it to them
            sys.stderr = ours
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            sys.stderr = python_stderr
            if show:
                caught.seek(0)
                sys.stderr.write(caught.read().decode(errors="replace"))


def _somewhere(kept: bool) -> IO[bytes]:
    """Open a file for what nobody may want to see: if it is to be kept, one that can be read again."""
    if kept:
        with suppress(OSError):  # there is no room
            return TemporaryFile()
    return Path(os.devnull).open("r+b", buffering=0)  # a buffer would want to seek, which not every system's can


def abandon_stdout() -> None:
    """Let the interpreter's last flush of a broken pipe go nowhere."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


@contextmanager
def signals(stop: Callable[[], None], *numbers: signal.Signals) -> Iterator[None]:
    """Let signals end the work in good order, as if the music were over; a second one ends it at once.

    They get their handler explicitly: a shell's background job starts with SIGINT ignored. SIGHUP alone stays ignored
    where it is, which is what nohup is for.

    Parameters
    ----------
    stop : callable
        Called at the first signal.
    *numbers : signal.Signals
    """
    asked = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        stop()

    heard = [number for number in numbers if number.name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def have_streams() -> None:
    """Put nothing where a standard stream is missing, lest what belongs to one land in another."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 (it is for the whole process)


replace_missing_streams = have_streams


@contextmanager
def ending_signals(stop, *numbers):  # temporary
    with signals(stop.set, *numbers):
        yield

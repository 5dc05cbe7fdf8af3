"""What a program on a terminal does to its own process: standard streams, stderr's descriptor, and signals."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType
from typing import IO

TERMINATION = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals other than Ctrl-C's that ask a program to end; Windows has no SIGHUP."""

_ONE_REQUEST = 1.0  # [s] signals within this time of the first one are the same request


@contextmanager
def own_stderr(*, show: bool = False) -> Iterator[None]:
    """Keep file descriptor 2 to ourselves, because decoders and sound systems write to it past Python.

    Parameters
    ----------
    show : bool
        Whether to show at the end what they wrote; otherwise it is discarded.
    """
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error stream to protect
        yield
        return
    python_stderr = sys.stderr
    with _capture_file(keep=show) as captured, os.fdopen(saved, "w", errors="backslashreplace", buffering=1) as ours:
        if python_stderr is sys.__stderr__:  # otherwise the program has redirected it already
            sys.stderr = ours
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            sys.stderr = python_stderr
            if show:
                captured.seek(0)
                sys.stderr.write(captured.read().decode(errors="replace"))


def _capture_file(*, keep: bool) -> IO[bytes]:
    """Open a file to write to: a temporary one if its content is to be kept, otherwise the null device."""
    if keep:
        with suppress(OSError):  # the disk is full
            return TemporaryFile()
    return Path(os.devnull).open("r+b", buffering=0)  # a buffer would seek, which not every system's null device can


def fill_missing_streams() -> None:
    """Replace missing standard streams by the null device, so that a file opened later does not take their descriptor.

    ``sys.stdin`` stays None, so that whoever wants to read from it can report that it is closed.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free descriptor, which is this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 (it is for the whole process)


def discard_stdout() -> None:
    """Send standard output to the null device, so that the interpreter's last flush of a closed pipe succeeds."""
    with Path(os.devnull).open("wb") as null_device:
        os.dup2(null_device.fileno(), sys.stdout.fileno())


_being_set: list[threading.Event] = []


def request_stop(stop: threading.Event) -> None:
    """Set an event that a signal handler may set at the same time.

    ``Event.set`` holds a lock: a handler that interrupts it on the same thread and sets the event too would wait for
    itself for ever.

    Parameters
    ----------
    stop : threading.Event
    """
    if stop not in _being_set:
        _being_set.append(stop)
        try:
            stop.set()
        finally:
            _being_set.remove(stop)


@contextmanager
def ending_signals(
    stop: threading.Event, *numbers: signal.Signals, clock: Callable[[], float] = time.monotonic
) -> Iterator[None]:
    """Let signals end the work in good order: the first one sets an event, which the work looks at before every block.

    A signal that comes a second or more after the first one raises KeyboardInterrupt, for work that hangs. Any that
    comes sooner is the same request: a shell, a supervisor and an impatient finger often send two at once.

    SIGINT gets its handler even where it was ignored: a shell starts its background jobs like that. SIGHUP stays
    ignored if it was, because that is what nohup is for. On other threads than the main one this does nothing.

    Parameters
    ----------
    stop : threading.Event
        Set at the first signal; also pass it to ``tracker.run(..., stop=stop)``.
    *numbers : signal.Signals
    clock : callable
        Time that passes [s].
    """
    first: float | None = None

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal first
        if first is None:
            first = clock()
            request_stop(stop)
        elif clock() - first >= _ONE_REQUEST:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # no other thread may set a handler
        yield
        return
    handled = [number for number in numbers if number.name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Signals that come while the dashboard has the terminal: none of them may leave it half taken over."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP")  # Windows lacks the last three
_SIGNALS = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]


def _is_main_thread() -> bool:
    """Whether this thread may set signal handlers."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay signals until the end of the ``with`` statement, so that its body runs as a whole."""
    arrived: list[int] = []
    before = {}
    try:
        for number in _SIGNALS if _is_main_thread() else ():
            if callable(handler := signal.getsignal(number)):
                before[number] = handler
                signal.signal(number, lambda number, _frame: arrived.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in arrived:
            signal.raise_signal(number)


@contextmanager
def stepping_aside(give_back: Callable[[], object], resume: Callable[[], object]) -> Iterator[None]:
    """Give the terminal back before a signal stops or ends the process, as Ctrl-Z and ``kill`` do.

    Signals that the program handles or ignores are left to it.

    Parameters
    ----------
    give_back : callable
        Gives the terminal back.
    resume : callable
        Called when a stopped process continues.
    """

    def handle(number: int, _frame: FrameType | None) -> None:
        give_back()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)  # it ends here, or it stops here until a shell continues it
        signal.signal(number, handle)
        resume()

    default = [number for number in _SIGNALS if _is_main_thread() and signal.getsignal(number) == signal.SIG_DFL]
    for number in default:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in default:
            signal.signal(number, signal.SIG_DFL)

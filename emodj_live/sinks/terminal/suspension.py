"""Ctrl-Z, for what has taken the terminal over."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def suspendable(leave: Callable[[], object], enter: Callable[[], object]) -> Iterator[None]:
    """Give the terminal back while Ctrl-Z has stopped the process, and take it over again when that goes on.

    Parameters
    ----------
    leave, enter : callable
        Give the terminal back, and take it over.
    """
    is_main = threading.current_thread() is threading.main_thread()  # no other may set a handler
    if not (is_main and hasattr(signal, "SIGTSTP")):  # which Windows has not
        yield
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        leave()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # from here it goes on when somebody says so
        signal.signal(number, handle)
        enter()

    before = signal.signal(signal.SIGTSTP, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before)

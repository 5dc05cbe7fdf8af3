"""What the library reports while a dashboard is on the terminal, where the next frame would wipe out a printed line."""

from __future__ import annotations

import logging
from collections.abc import Callable


class Notices(logging.Handler):
    """Show what the library logs on the dashboard while it is there, and log the newest of it again afterwards.

    Parameters
    ----------
    show : callable
        Takes the text of a notice.
    """

    _KEPT = 20

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__()
        self._show = show
        self._records: list[logging.LogRecord] = []
        self._library = logging.getLogger("emodj_live")

    def __enter__(self) -> Notices:
        """Take the place of the library's log handlers."""
        self._before = self._library.handlers[:], self._library.propagate
        self._library.handlers[:] = [self]
        self._library.propagate = False
        return self

    def __exit__(self, *_: object) -> None:
        """Put the handlers back."""
        self._library.handlers[:], self._library.propagate = self._before

    def emit(self, record: logging.LogRecord) -> None:
        """Show a notice."""
        self._records = [*self._records, record][-self._KEPT :]
        self._show(record.getMessage())

    def repeat(self) -> None:
        """Log the newest notices again, for the handlers that are back in their place."""
        for record in self._records:
            self._library.handle(record)

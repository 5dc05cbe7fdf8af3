"""What the library reports while a dashboard is on the terminal, whose next frame would wipe out a printed line."""

from __future__ import annotations

import logging
from collections.abc import Callable


class Notices(logging.Handler):
    """Show notices on the dashboard while it is there, and repeat the newest behind it.

    Parameters
    ----------
    show : callable
        Takes the text of a notice.
    """

    _KEPT = 20

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__()
        self._show = show
        self._told: list[logging.LogRecord] = []
        self._library = logging.getLogger("emodj_live")

    def __enter__(self) -> Notices:
        """Take the library's notices over from whoever has them."""
        self._before = self._library.handlers[:], self._library.propagate
        self._library.handlers[:] = [self]
        self._library.propagate = False
        return self

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        self._library.handlers[:], self._library.propagate = self._before

    def emit(self, record: logging.LogRecord) -> None:
        """Show one."""
        self._told = [*self._told, record][-self._KEPT :]
        self._show(record.getMessage())

    def repeat(self) -> None:
        """Hand the newest notices to whoever had them before."""
        for record in self._told:
            self._library.handle(record)

"""The dashboard as an output of the command line: with keys that pause and quit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from emodj_live.blocks import Block, Gap, Seek, Sink
from emodj_live.console import request_stop
from emodj_live.emotion import Emotion
from emodj_live.sinks.terminal.dashboard import Dashboard
from emodj_live.work import Work


@contextmanager
def dashboard_output(work: Work) -> Iterator[Sink]:
    """Show a source on the terminal while it is followed.

    Parameters
    ----------
    work : Work

    Yields
    ------
    Sink
        With a heartbeat that draws and obeys the keys.
    """
    with Dashboard(work.source) as dashboard:
        yield _Controls(dashboard, work)


class _Controls:
    """A dashboard with keys: space pauses a source that can pause, and q quits."""

    def __init__(self, dashboard: Dashboard, work: Work) -> None:
        self._dashboard = dashboard
        self._work = work

    def __call__(self, emotion: Emotion) -> None:
        self._dashboard(emotion)

    def after_block(self, block: Block | Gap | Seek) -> None:
        key = self._dashboard.key()
        if key == "q":
            request_stop(self._work.stop)
        elif key == " " and hasattr(self._work.source, "is_paused"):
            self._work.source.is_paused = not self._work.source.is_paused
        self._dashboard.after_block(block)

"""The dashboard as an output of the command line: one screen for all songs, with keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType

from emodj_live.blocks import Sink
from emodj_live.calibration import Calibration
from emodj_live.sinks.terminal.controls import Controls
from emodj_live.sinks.terminal.dashboard import Dashboard
from emodj_live.work import Work


class DashboardOutput:
    """An `Output` that shows one source after the other on the same screen; use it in a ``with`` statement.

    The screen is taken over for the first source, and given back at the end of the ``with`` statement.

    Parameters
    ----------
    calibration : Calibration, optional
        What the model knows about its own answers.
    background : {"dark", "light"}, optional
        Of the terminal.
    """

    def __init__(self, calibration: Calibration | None = None, background: str | None = None) -> None:
        self._dashboard = Dashboard(calibration=calibration, background=background)
        self._exit = ExitStack()
        self.is_open = False

    def __enter__(self) -> DashboardOutput:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the screen back."""
        self.close()

    def close(self) -> None:
        """Give the screen back; closing it twice does no harm."""
        self.is_open = False
        self._exit.close()

    def show(self, message: str) -> None:
        """Show a message."""
        self._dashboard.show(message)

    @contextmanager
    def __call__(self, work: Work) -> Iterator[Sink]:
        """Show a source while it is followed.

        Parameters
        ----------
        work : Work

        Yields
        ------
        Sink
            With a heartbeat that draws and obeys the keys.
        """
        place = f"{work.number + 1} of {work.count}" if work.count > 1 else ""
        self._dashboard.follow(work.source, place=place, ahead=work.ahead, sleeve=work.sleeve)
        controls = Controls(self._dashboard, work)
        if not self.is_open:
            self._exit.enter_context(self._dashboard)
            self.is_open = True
        yield controls

"""The dashboard on the terminal: the valence-arousal plane with its trail, the last minute, the state of the source.

It collects what a `View` shows, and draws it when it is called, at most five times a second and on no thread of its
own.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType

from rich.console import Console

from emodj_live.blocks import Seek, status_of, title_of
from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError
from emodj_live.sinks.terminal.interruptions import stepping_aside
from emodj_live.sinks.terminal.notices import Notices
from emodj_live.sinks.terminal.screen import Screen
from emodj_live.sinks.terminal.view import MINUTE, View, render

_SHORTEST_INTERVAL = 0.2  # [s] between frames
_LONGEST_INTERVAL = 0.5


@contextmanager
def _terminal_errors() -> Iterator[None]:
    """Turn the error of a terminal that is gone into a `SinkError`."""
    try:
        yield
    except OSError as error:
        raise SinkError(f"the terminal: cannot be written to: {error.strerror or error}.") from error


class Dashboard:
    """A sink that shows emotions on a terminal; use it in a ``with`` statement.

    Meanwhile it has the whole terminal: the screen, the keys, Ctrl-Z, and what the library logs, which is shown as a
    message and logged again at the end. Everything is given back as it was. While a shell has put the program into the
    background, the dashboard leaves the terminal alone; it appears when the program comes to the foreground.

    Parameters
    ----------
    source : Source, optional
        What is tracked. Its ``title`` and its ``status()``, if it has them, are shown.
    note : str
        A line of the program's own, shown with the state of the source.
    console : rich.console.Console, optional
        Where to draw.
    clock, cpu_clock : callable
        Time that passes, and time that this process has used [s].

    Attributes
    ----------
    note : str
        May be set at any time.

    Raises
    ------
    SinkError
        Whenever it draws, if the terminal is gone.

    Examples
    --------
    >>> from emodj_live import DemoSource, EmotionModel, EmotionTracker, PacedSource
    >>> source = PacedSource(DemoSource())
    >>> with Dashboard(source) as dashboard:  # doctest: +SKIP
    ...     EmotionTracker(EmotionModel.load()).run(source, dashboard, after_block=dashboard.after_block)
    """

    def __init__(
        self,
        source: object = None,
        *,
        note: str = "",
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self.note = note
        self._source = source
        self._screen = Screen(console or Console())
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._emotions: deque[Emotion] = deque()
        self._message = ""
        self._drawn_at = float("-inf")
        self._is_fresh = False
        self._cpu_mark = (clock(), cpu_clock())
        self._cpu = 0.0
        self._exit = ExitStack()

    @staticmethod
    def is_supported() -> bool:
        """Return whether standard output is a terminal that can show more than lines."""
        encoding = (getattr(sys.stdout, "encoding", None) or "").lower()
        is_able = os.environ.get("TERM") not in ("dumb", "unknown") and encoding.startswith("utf")
        return is_able and sys.stdout.isatty() and not Console().legacy_windows

    def __enter__(self) -> Dashboard:
        """Take over the terminal."""
        with ExitStack() as stack:
            notices = Notices(self.show)
            stack.callback(notices.repeat)  # once the screen is given back
            stack.enter_context(notices)
            stack.enter_context(stepping_aside(self._screen.give_back, self._draw_soon))
            stack.callback(self._screen.give_back)
            self.draw()
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        self._exit.close()

    def key(self) -> str:
        """Return the next key that was pressed.

        Keys come from the terminal even if standard input is a file or a pipe.

        Returns
        -------
        str
            One character, or empty if there is none.
        """
        return self._screen.key()

    def __call__(self, emotion: Emotion) -> None:
        """Take in an emotion, and draw if it is time.

        Parameters
        ----------
        emotion : Emotion
        """
        self._emotions.append(emotion)
        while emotion.time - self._emotions[0].time > MINUTE:
            self._emotions.popleft()
        self._is_fresh = True
        self.after_block()

    def follow(self, source: object) -> None:
        """Begin a new stream: forget the emotions of the one before.

        Parameters
        ----------
        source : Source
        """
        self._source = source
        self._emotions.clear()
        self._is_fresh = True

    def show(self, message: str) -> None:
        """Show a message until the next one.

        Parameters
        ----------
        message : str
        """
        self._message = message
        self._is_fresh = True

    def after_block(self, block: object = None) -> None:
        """Draw if there is something new and the last frame is old enough, or in any case after half a second.

        Pass it to the tracker: ``tracker.run(source, dashboard, after_block=dashboard.after_block)``.

        Parameters
        ----------
        block : ndarray of float32, Gap or Seek, optional
            After a `Seek` the emotions before it are forgotten.
        """
        if isinstance(block, Seek):
            self._emotions.clear()
            self._is_fresh = True
        if self._clock() - self._drawn_at >= (_SHORTEST_INTERVAL if self._is_fresh else _LONGEST_INTERVAL):
            self.draw()

    def draw(self) -> None:
        """Put what has changed on the terminal, if the program is in the foreground there."""
        self._drawn_at = self._clock()
        self._is_fresh = False
        self._measure_cpu()
        with _terminal_errors():
            if self._screen.take():
                size = self._screen.size
                self._screen.show(render(self._view(), *size), size)

    def _view(self) -> View:
        return View(
            title=title_of(self._source),
            status=status_of(self._source),
            emotions=tuple(self._emotions),
            cpu=self._cpu,
            note=self.note,
            message=self._message,
        )

    def _draw_soon(self) -> None:
        """Draw at the next occasion, because the terminal may show something else."""
        self._drawn_at = float("-inf")

    def _measure_cpu(self) -> None:
        now, used = self._clock(), self._cpu_clock()
        if now - self._cpu_mark[0] >= 1:
            self._cpu = (used - self._cpu_mark[1]) / (now - self._cpu_mark[0])
            self._cpu_mark = now, used

"""The dashboard on the terminal: the valence-arousal plane with its trail, the last minute, the state of the source.

It collects what a `View` shows and puts what has changed on the terminal when it is called, at most five times a
second, on no thread of its own.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import TracebackType

from rich.console import Console
from rich.control import Control
from rich.segment import Segment, Segments

from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError
from emodj_live.sinks.status import Status
from emodj_live.sinks.view import MINUTE, View, render

_FASTEST = 0.2  # [s] between frames
_SLOWEST = 0.5


class Dashboard:
    """A sink that shows emotions on a terminal; use it in a ``with`` statement.

    Parameters
    ----------
    status : callable
        Returns the `Status` of the source as it is now.
    console : rich.console.Console, optional
        Where to draw.
    clock, cpu_clock : callable
        Time that passes, and time that this process has used [s].

    Raises
    ------
    SinkError
        Whenever it draws, if the terminal is not there any more.
    """

    def __init__(
        self,
        status: Callable[[], Status],
        *,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self._status = status
        self._console = console or Console()
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._emotions: deque[Emotion] = deque()
        self._message = ""
        self._shown: list[list[Segment]] = []
        self._size = (0, 0)
        self._drawn_at = float("-inf")
        self._is_fresh = False
        self._cpu_mark = (clock(), cpu_clock())
        self._cpu = 0.0
        self._exit = ExitStack()

    def __enter__(self) -> Dashboard:
        """Take over the terminal."""
        with ExitStack() as stack:
            stack.enter_context(self._console.screen(hide_cursor=True))
            self._size = 0, 0  # what the terminal showed before is not there any more
            self.draw()
            self._exit = stack.pop_all()  # not before the first frame: if that fails, nobody calls __exit__
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was; if it has gone, there is nothing to leave."""
        with suppress(OSError):
            self._exit.close()

    def __call__(self, emotion: Emotion) -> None:
        """Take in an emotion, and draw if it is time."""
        self._emotions.append(emotion)
        while emotion.time - self._emotions[0].time > MINUTE:
            self._emotions.popleft()
        self._is_fresh = True
        self.tick()

    def reset(self) -> None:
        """Forget the emotions so far: what comes next is a new stream, whose time begins anew."""
        self._emotions.clear()
        self._is_fresh = True

    def tell(self, message: str) -> None:
        """Show a message until the next one."""
        self._message = message
        self._is_fresh = True

    def tick(self) -> None:
        """Draw if there is something new and the last frame is old enough, or if that is older still."""
        if self._clock() - self._drawn_at >= (_FASTEST if self._is_fresh else _SLOWEST):
            self.draw()

    def draw(self) -> None:
        """Put what has changed on the terminal."""
        self._drawn_at = self._clock()
        self._is_fresh = False
        self._measure_cpu()
        view = View(self._status(), tuple(self._emotions), self._cpu, self._message)
        width, height = self._console.size
        lines = render(view, width, height)
        if (width, height) != self._size:
            self._size = width, height
            self._shown = [[] for _ in lines]
            self._console.control(Control.clear())
        changed: list[Segment] = []
        for row, (line, shown) in enumerate(zip(lines, self._shown, strict=True)):
            if line != shown:
                changed += [Control.move_to(0, row).segment, *line]
        self._shown = lines
        try:
            self._console.print(Segments(changed), end="", soft_wrap=True)
        except OSError as error:
            raise SinkError(f"the terminal: cannot be written to: {error.strerror or error}.") from error

    def _measure_cpu(self) -> None:
        now, used = self._clock(), self._cpu_clock()
        if now - self._cpu_mark[0] >= 1:
            self._cpu = (used - self._cpu_mark[1]) / (now - self._cpu_mark[0])
            self._cpu_mark = now, used

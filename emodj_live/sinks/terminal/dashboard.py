"""The dashboard on the terminal: the valence-arousal plane with its trail, the last minute, the state of the source.

It collects what a `View` shows and puts what has changed on the terminal when it is called, at most five times a
second, on no thread of its own.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType

from rich.console import Console
from rich.control import Control
from rich.segment import Segment, Segments

from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError
from emodj_live.sinks.status import Status
from emodj_live.sinks.terminal.keyboard import Keyboard
from emodj_live.sinks.terminal.notices import Notices
from emodj_live.sinks.terminal.suspension import suspendable
from emodj_live.sinks.terminal.view import MINUTE, View, render

_FASTEST = 0.2  # [s] between frames
_SLOWEST = 0.5


@contextmanager
def _told() -> Iterator[None]:
    """Say in one sentence that the terminal has gone."""
    try:
        yield
    except OSError as error:
        raise SinkError(f"the terminal: cannot be written to: {error.strerror or error}.") from error


class Dashboard:
    """A sink that shows emotions on a terminal; use it in a ``with`` statement.

    While it is there it has the whole terminal: the screen, the keys, Ctrl-Z, and what the library reports, which is
    shown as a message and repeated at the end. Everything is given back as it was.

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
        self._keyboard = Keyboard()
        self._terminal = self._exit = ExitStack()

    @staticmethod
    def is_possible() -> bool:
        """Whether standard output is a terminal that can show more than lines."""
        encoding = (getattr(sys.stdout, "encoding", None) or "").lower()
        is_able = os.environ.get("TERM") not in ("dumb", "unknown") and encoding.startswith("utf")
        return is_able and sys.stdout.isatty()

    def __enter__(self) -> Dashboard:
        """Take over the terminal."""
        with ExitStack() as stack:
            notices = Notices(self.tell)
            stack.callback(notices.repeat)  # once the screen is given back
            stack.enter_context(notices)
            self._take()
            stack.callback(self._leave)
            stack.enter_context(suspendable(self._leave, self._take))
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        self._exit.close()

    def _take(self) -> None:
        with ExitStack() as stack, _told():
            stack.enter_context(self._console.screen(hide_cursor=True))
            stack.enter_context(self._keyboard)
            self._size = 0, 0  # what the terminal showed before is not there any more
            self.draw()
            self._terminal = stack.pop_all()

    def _leave(self) -> None:
        with suppress(OSError):  # if the terminal has gone, there is nothing to leave
            self._terminal.close()

    def key(self) -> str:
        """Return the next key that was pressed.

        Returns
        -------
        str
            One character, or empty if there is none.
        """
        return self._keyboard.read()

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
        """Show a message until the next one.

        Parameters
        ----------
        message : str
        """
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
        with _told():
            self._put(lines, (width, height))

    def _put(self, lines: list[list[Segment]], size: tuple[int, int]) -> None:
        if size != self._size:
            self._size = size
            self._shown = [[] for _ in lines]
            self._console.control(Control.clear())
        changed: list[Segment] = []
        for row, (line, shown) in enumerate(zip(lines, self._shown, strict=True)):
            if line != shown:
                changed += [Control.move_to(0, row).segment, *line]
        self._shown = lines
        self._console.print(Segments(changed), end="", soft_wrap=True)

    def _measure_cpu(self) -> None:
        now, used = self._clock(), self._cpu_clock()
        if now - self._cpu_mark[0] >= 1:
            self._cpu = (used - self._cpu_mark[1]) / (now - self._cpu_mark[0])
            self._cpu_mark = now, used

"""The dashboard on the terminal: the valence-arousal plane with its point and tail, the sound, the song, the keys.

It collects what a `View` shows, and draws it when it is called, some thirty times a second and on no thread of its own.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import TracebackType

import numpy as np
from rich.console import Console

from emodj_live.arc import Arc
from emodj_live.blocks import Seek, status_of, title_of
from emodj_live.calibration import Calibration
from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError
from emodj_live.sinks.terminal import background as backgrounds
from emodj_live.sinks.terminal.interruptions import stepping_aside
from emodj_live.sinks.terminal.keys import Key
from emodj_live.sinks.terminal.layout import layout
from emodj_live.sinks.terminal.look import Look, look_of
from emodj_live.sinks.terminal.notices import Notices
from emodj_live.sinks.terminal.plane import Span
from emodj_live.sinks.terminal.screen import Screen
from emodj_live.sinks.terminal.snapshot import save
from emodj_live.sinks.terminal.state import Stream
from emodj_live.sinks.terminal.view import Mode, View, render
from emodj_live.sinks.titles import bare
from emodj_live.sleeve import Sleeve

_SHORTEST_INTERVAL = 0.028  # [s] between frames
_SOON = 0.01  # [s] after a frame, from when on numbers do not wait
_SAMPLE_RATE = 22050.0  # [Hz] of a source that does not say
_SPREAD = 0.15, 0.15  # of what is not known better
_NOTICE = 4.0  # [s] that a passing message is shown
_GRAVE = 0.1  # [s] behind the sound, below which nobody notices
_SETTLING = 2.0  # [s] after a start, in which it says nothing to be behind
_ZOOM = 2, 98  # percentiles of music between which the zoomed plane lies


def _title(sleeve: Sleeve) -> str:
    """Return artist and title, if the title is known."""
    return " - ".join(part for part in (sleeve.artist, sleeve.title) if part) if sleeve.title else ""


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
    background : {"dark", "light"}, optional
        Of the terminal. By default it is what the environment variable ``EMODJ_BACKGROUND`` says, or the terminal
        itself if it answers, or ``COLORFGBG``, or else dark.
    calibration : Calibration, optional
        What the model knows about its own answers: how large the halo is, and where music lies on the plane.
    console : rich.console.Console, optional
        Where to draw.
    clock, cpu_clock : callable
        Time that passes, and time that this process has used [s].

    Attributes
    ----------
    note : str
        May be set at any time.
    keys : sequence of Key
        Keys that the program obeys, to be shown; may be set at any time.

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
        background: str | None = None,
        calibration: Calibration | None = None,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self.note = note
        self.keys: Sequence[Key] = ()
        self._console = console or Console()
        self._chosen_background = backgrounds.chosen(background)
        self._screen = Screen(self._console, asks=self._asks())
        self._calibration = calibration
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._message = self._notice = ""
        self._noticed_at = 0.0
        self._mode, self._is_zoomed, self._shows_keys = Mode.PLANE, False, False
        self._drawn_at = float("-inf")
        self._is_fresh = self._has_heartbeat = False
        self._cpu_mark = (clock(), cpu_clock())
        self._cpu = 0.0
        self._behind: float | None = None
        self._exit = ExitStack()
        self.follow(source)

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
        """Take in an emotion. It is drawn with the block's heartbeat or, if there is none, at once.

        Parameters
        ----------
        emotion : Emotion
        """
        self._stream.add(emotion, self._clock())
        self._is_fresh = True
        if not self._has_heartbeat:
            self._draw_if_due()

    def follow(
        self,
        source: object,
        *,
        place: str = "",
        ahead: Callable[[], Arc] | None = None,
        sleeve: Callable[[], Sleeve] | None = None,
    ) -> None:
        """Begin a new stream: forget the emotions of the one before.

        Parameters
        ----------
        source : Source
        place : str
            Which of several it is, such as "3 of 12".
        ahead : callable, optional
            Returns what is known of the moods of the whole song.
        sleeve : callable, optional
            Returns what is known of its title, artist, album and cover.
        """
        self._source, self._place, self._sleeve = source, place, sleeve or Sleeve
        self._stream = Stream(float(getattr(source, "sample_rate", None) or _SAMPLE_RATE), ahead)
        self._is_fresh = True
        self._settle()

    def show(self, message: str, *, passing: bool = False) -> None:
        """Show a message until the next one.

        Parameters
        ----------
        message : str
        passing : bool
            Whether it goes away by itself after 4 s; then what was shown before is shown again.
        """
        if passing:
            self._notice, self._noticed_at = message, self._clock()
        else:
            self._message, self._notice = message, ""
        self._is_fresh = True

    def press(self, key: str) -> bool:
        """Do what a key of the dashboard's own does: see `emodj_live.sinks.terminal.keys.VIEW_KEYS`.

        Parameters
        ----------
        key : str
            As `key` returns it.

        Returns
        -------
        bool
            Whether it is one of them.
        """
        if self._shows_keys and key in ("?", "escape"):
            self._shows_keys = False
        elif key == "?":
            self._shows_keys = True
        elif key == "v":
            self._mode = self._mode.next
            if self._mode is Mode.ARC and layout(*self._screen.size).body is None:  # it has no room
                self._mode = self._mode.next
        elif key == "z":
            self._is_zoomed ^= self._mode is Mode.PLANE
        elif key == "s":
            if (cells := self._screen.cells) is not None:
                self.show(save(cells, self._look(), title_of(self._source)), passing=True)
        else:
            return False
        self._is_fresh = True
        return True

    def after_block(self, block: object = None) -> None:
        """Draw if the last frame is old enough, or if there is a new emotion.

        Pass it to the tracker: ``tracker.run(source, dashboard, after_block=dashboard.after_block)``.

        Parameters
        ----------
        block : ndarray of float32, Gap or Seek, optional
            What the meters follow; the first emotion after a `Seek` replaces those before it.
        """
        self._has_heartbeat = True
        if isinstance(block, Seek):
            self._stream.go_elsewhere()
            self._is_fresh = True
            self._settle()
        elif isinstance(block, np.ndarray):
            self._stream.ears.hear(block, self._clock())
        self._draw_if_due()

    def _draw_if_due(self) -> None:
        if self._clock() - self._drawn_at >= (_SOON if self._is_fresh else _SHORTEST_INTERVAL):
            self.draw()

    def draw(self) -> None:
        """Put what has changed on the terminal, if the program is in the foreground there."""
        before, self._drawn_at = self._drawn_at, self._clock()
        self._is_fresh = False
        with _terminal_errors():
            if self._screen.take():
                self._screen.show(render(self._view(before), *self._screen.size, self._look()))

    def _view(self, drawn_at: float) -> View:
        now, stream = self._drawn_at, self._stream
        status, sleeve = status_of(self._source), self._sleeve()
        self._measure(status.behind)
        return View(
            title=_title(sleeve) or bare(title_of(self._source)),
            album=sleeve.album,
            cover=sleeve.cover,
            place=self._place,
            status=replace(status, behind=self._behind),
            emotions=stream.emotions,
            since=stream.since,
            spot=stream.spot(now, drawn_at, self._spread()),
            span=self._span(),
            sound=stream.ears.sound(now),
            arc=stream.arc,
            cpu=self._cpu,
            note=self.note,
            message=self._shown_message(now),
            keys=self.keys,
            mode=self._mode,
            shows_keys=self._shows_keys,
        )

    def _shown_message(self, now: float) -> str:
        """Return the passing message while it is new, or else the lasting one."""
        return self._notice if self._notice and now - self._noticed_at < _NOTICE else self._message

    def _asks(self) -> bool:
        return not self._chosen_background and not self._console.no_color and backgrounds.may_ask()

    def _look(self) -> Look:
        return look_of(self._console, self._chosen_background or self._screen.background or backgrounds.guessed())

    def _spread(self) -> tuple[float, float]:
        return self._calibration.deviations if self._calibration else _SPREAD

    def _span(self) -> Span:
        """Return what part of the plane is shown: all of it or, zoomed, where most of the music lies."""
        if not self._is_zoomed:
            return Span()
        if self._calibration is None:
            return Span((-0.5, 0.5), (-0.5, 0.5))
        low, high = self._calibration.quantiles[list(_ZOOM)].tolist()
        return Span((min(low[0], -0.1), max(high[0], 0.1)), (min(low[1], -0.1), max(high[1], 0.1)))

    def _draw_soon(self) -> None:
        """Draw at the next occasion, because the terminal may show something else."""
        self._drawn_at = float("-inf")

    def _measure(self, behind: float | None) -> None:
        """Take what changes all the time once a second, because a number that flickers cannot be read."""
        now = self._clock()
        if now - self._cpu_mark[0] >= 1:
            used = self._cpu_clock()
            self._cpu = (used - self._cpu_mark[1]) / (now - self._cpu_mark[0])
            self._cpu_mark = now, used
            is_grave = behind is not None and behind >= _GRAVE and now - self._began >= _SETTLING
            self._behind = behind if is_grave else None

    def _settle(self) -> None:
        """Say nothing of being behind for a moment: whatever begins or goes on elsewhere has to catch up first."""
        self._began, self._behind = self._clock(), None

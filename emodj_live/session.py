"""One call of the command line: its model, its sources one after the other, and where their emotions go."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from emodj_live.ahead import Ahead
from emodj_live.blocks import Block, Gap, Seek, Sink, status_of
from emodj_live.calibration import calibration_of
from emodj_live.console import discard_stdout
from emodj_live.emotion import Emotion
from emodj_live.errors import EmodjError, SourceError, one_line
from emodj_live.inputs import count_of, input_of, is_live, works
from emodj_live.kinds import load_model
from emodj_live.options import Options
from emodj_live.outputs import Outputs
from emodj_live.profile import Profiler, SongProfile, too_short
from emodj_live.sinks.lines import json_line, lines_output
from emodj_live.sleeve import SleeveReader
from emodj_live.sources.resample import warn_low_rate
from emodj_live.tracker import EmotionTracker
from emodj_live.work import Output, Turns, Work

if TYPE_CHECKING:
    from emodj_live.sinks.terminal.output import DashboardOutput

logger = logging.getLogger(__name__)

_INTERRUPTED = 130  # as a shell counts it
_LOOKS = 0.1  # [s] from one look at whether to end to the next
_FASTER = 1.5  # below this it ran at the speed of the music


class Session:
    """Track what the options name.

    Parameters
    ----------
    options : Options
    stop : threading.Event
        Ends the session when it is set.
    report : callable
        Reports an error that does not end the session, and returns the exit code for it.
    """

    def __init__(self, options: Options, stop: threading.Event, report: Callable[[EmodjError], int]) -> None:
        self._options = options
        self._stop = stop
        self._report = report
        self._input = input_of(options)
        self._turns = Turns(count_of(options))
        self._tracker: EmotionTracker | None = None
        self._screen: DashboardOutput | None = None
        self._held_back: list[Callable[[], object]] = []  # what is printed once the screen is given back

    def run(self) -> int:
        """Track one source after the other.

        Returns
        -------
        int
            The exit code.
        """
        self._model = load_model(self._options.tracking.model)
        if self._input.is_live:
            self._warm_up()
        with ExitStack() as stack:
            stack.callback(self._print_held_back)
            show = stack.enter_context(self._show())
            options = self._options
            outputs = Outputs(show, options.outputs, options.files, options.sending)
            self._outputs = stack.enter_context(outputs)
            code = self._follow_all()
            self._stay_up()
            return code

    def _follow_all(self) -> int:
        self._code = self._followed = 0
        try:
            for work in self._works():
                self._attempt(work)
                if self._stop.is_set() or self._outputs.is_exhausted:
                    break
        except BrokenPipeError:  # the only output's reader has read enough
            discard_stdout()
        if self._stop.is_set() and not is_live(self._options):
            return _INTERRUPTED
        return self._code or int(self._outputs.has_failed)

    def _stay_up(self) -> None:
        """Let what was heard last be looked at until Ctrl-C, if an output is made for that."""
        is_wanted = self._outputs.is_staying and not self._options.exits
        if not (is_wanted and self._followed) or self._stop.is_set():
            return
        if self._screen:
            self._screen.close()
        self._print_held_back()
        logger.warning("the music has ended; the page stays up until Ctrl-C.")
        while not self._stop.is_set():  # its own wait would hold a lock that a signal's handler waits for
            time.sleep(_LOOKS)

    def _works(self) -> Iterator[Work | SourceError]:
        """Yield the works; if they are to be repeated, as long as one of them could be followed."""
        while True:
            before = self._followed
            yield from works(self._options, self._model.sample_rate, self._stop, self._turns)
            if not self._options.loop or self._followed == before:
                return

    def _attempt(self, work: Work | SourceError) -> None:
        """Follow one source; if that fails, report it, because the others may be fine."""
        try:
            if isinstance(work, SourceError):
                raise work
            if not self._stop.is_set():
                self._follow(work)
                self._followed += 1
        except EmodjError as error:
            self._code = 1
            self._say(partial(self._report, error), str(error))

    def _say(self, action: Callable[[], object], message: str = "") -> None:
        """Print something now or, while a screen is shown, after it; a message is shown there already."""
        if self._screen is None or not self._screen.is_open:
            action()
            return
        self._held_back.append(action)
        if message:
            self._screen.show(message)

    def _print_held_back(self) -> None:
        for action in self._held_back:
            action()
        self._held_back.clear()

    def _skip(self, by: int) -> None:
        """Go on to another source."""
        self._is_skipped = True
        self._turns.skip(by)
        if self._tracker:
            self._tracker.stop()

    def _warm_up(self) -> None:
        """Do everything once, so that the first block does not wait for it."""
        EmotionTracker(self._model).process(np.zeros(self._model.window_length, np.float32))

    def _show(self) -> AbstractContextManager[Output]:
        """Return the output that shows the emotions."""
        if self._options.json:
            return nullcontext(lines_output(lambda emotion, work: json_line(emotion, work.name)))
        if not (self._options.is_watched and _can_draw()):
            digits = 1 if (10 * self._options.tracking.step).is_integer() else 2
            return nullcontext(lines_output(lambda emotion, _work: emotion.line(digits=digits)))
        from emodj_live.sinks.terminal.output import DashboardOutput

        self._screen = DashboardOutput(calibration_of(self._model), self._options.background)
        return self._screen

    def _follow(self, work: Work) -> None:
        """Follow one source to its end, and print its summary."""
        if not self._input.is_live and (input_rate := status_of(work.source).input_rate):
            warn_low_rate(work.name, input_rate, self._model.sample_rate)
        profiler = Profiler(start=work.start, keeps_arc=False, calibration=calibration_of(self._model))
        self._tracker = tracker = self._new_tracker()
        self._is_skipped = False
        began = time.monotonic()
        is_last = work.number + 1 == work.count and not self._options.loop
        work = replace(work, skip=self._skip, spread=self._spread(), is_last=is_last)
        with self._looking_ahead(work) as work, self._outputs.following(work) as sinks:
            ends = self._end_of_duration(tracker)

            def after_block(block: Block | Gap | Seek) -> None:
                profiler.after_block(block)
                sinks.after_block(block)

            tracker.run(work.source, sinks, profiler, *ends, stop=self._stop, after_block=after_block)
        elapsed = time.monotonic() - began
        if not (profiler.count or self._stop.is_set() or self._is_skipped):
            raise too_short(work.name, self._model)
        if (profiler.count or not self._is_skipped) and not (self._options.quiet or self._options.json):
            text = summary(work.name, profiler.profile(), profiler.count, elapsed)
            self._say(partial(self._print, text))

    def _print(self, text: str) -> None:
        with suppress(OSError):  # a summary that nobody reads is not an error
            (sys.stdout if self._options.is_watched else sys.stderr).write(text + "\n")

    @contextmanager
    def _looking_ahead(self, work: Work) -> Iterator[Work]:
        """Let somebody who looks at a song see its moods before they are heard, and its sleeve."""
        with ExitStack() as stack:
            if self._screen and work.again:
                ahead = stack.enter_context(Ahead([*self._options_ahead(), *work.again]))
                work = replace(work, ahead=ahead.arc)
            if self._screen and work.path:
                work = replace(work, sleeve=stack.enter_context(SleeveReader(work.path)).sleeve)
            yield work

    def _spread(self) -> tuple[float, float] | None:
        """Return how far what the model says lies from the truth, as far as that is known."""
        calibration = calibration_of(self._model)
        return calibration.deviations if calibration else None

    def _options_ahead(self) -> list[str]:
        """Return the options that track a source as this session does."""
        tracking = self._options.tracking
        options = [f"--smooth={tracking.smoothing}", f"--silence={tracking.silence}"]
        options += [f"--model={tracking.model}"] if tracking.model else []
        return options + ([f"--gain={tracking.gain}"] if tracking.gain is not None else [])

    def _new_tracker(self) -> EmotionTracker:
        tracking = self._options.tracking
        return EmotionTracker(
            self._model,
            step=max(1, round(tracking.step * self._model.sample_rate)),
            smoothing=tracking.smoothing,
            silence=tracking.silence,
            gain=self._input.gain if tracking.gain is None else tracking.gain,
        )

    def _end_of_duration(self, tracker: EmotionTracker) -> list[Sink]:
        """Return a sink that ends a live source, which does not end by itself, after the duration asked for."""
        duration = self._options.source.duration

        def end(emotion: Emotion) -> None:
            if duration is not None and emotion.time >= duration:
                tracker.stop()

        return [end] if self._input.is_live and duration is not None else []


def _can_draw() -> bool:
    from emodj_live.sinks.terminal.dashboard import Dashboard

    return Dashboard.is_supported()


def summary(name: str, profile: SongProfile, count: int, elapsed: float) -> str:
    """Return the summary of what was tracked, in words.

    Parameters
    ----------
    name : str
        What was tracked.
    profile : SongProfile
    count : int
        How many emotions there were.
    elapsed : float
        How long that took [s].

    Returns
    -------
    str
        A few lines without the last line's end.
    """
    if not any(profile.shares.values()):
        return f"{one_line(name)}: nothing heard" + f" in {profile.duration:.1f} s of silence" * bool(count)
    shares = {quadrant.value: share * (1 - profile.silence) for quadrant, share in profile.shares.items()}
    shares["silent"] = profile.silence
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    is_faster = elapsed > 0 and profile.duration > _FASTER * elapsed
    speed = f" ({profile.duration / elapsed:.0f} times as fast as it plays)" if is_faster else ""
    return (
        f"{one_line(name)}: {profile.mood}, mean valence {profile.valence:+.2f}, mean arousal {profile.arousal:+.2f}\n"
        f"  {', '.join(f'{what} {100 * share:.0f} %' for what, share in ordered if share)}\n"
        f"  {count} emotion{'s' * (count != 1)}; {profile.duration:.1f} s of music tracked in {elapsed:.2f} s{speed}"
    )

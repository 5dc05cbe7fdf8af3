"""One call of the command line: its model, its sources one after the other, and where their emotions go."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from emodj_live.blocks import Block, Gap, Seek, Sink, status_of
from emodj_live.calibration import calibration_of
from emodj_live.console import discard_stdout
from emodj_live.emotion import Emotion
from emodj_live.errors import EmodjError, SourceError, one_line
from emodj_live.inputs import input_of, is_live, works
from emodj_live.kinds import load_model
from emodj_live.options import Options
from emodj_live.outputs import Outputs
from emodj_live.profile import Profiler, SongProfile, too_short
from emodj_live.sinks.lines import json_line, lines_output
from emodj_live.sources.resample import warn_low_rate
from emodj_live.tracker import EmotionTracker
from emodj_live.work import Output, Work

_INTERRUPTED = 130  # as a shell counts it
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
        with Outputs(self._show(), self._options.outputs, self._options.files) as self._outputs:
            return self._follow_all()

    def _follow_all(self) -> int:
        self._code = 0
        try:
            for work in works(self._options, self._model.sample_rate, self._stop):
                self._attempt(work)
                if self._stop.is_set() or self._outputs.is_exhausted:
                    break
        except BrokenPipeError:  # the only output's reader has read enough
            discard_stdout()
        if self._stop.is_set() and not is_live(self._options):
            return _INTERRUPTED
        return self._code or int(self._outputs.has_failed)

    def _attempt(self, work: Work | SourceError) -> None:
        """Follow one source; if that fails, report it, because the others may be fine."""
        try:
            if isinstance(work, SourceError):
                raise work
            if not self._stop.is_set():
                self._follow(work)
        except EmodjError as error:
            self._code = self._report(error)

    def _warm_up(self) -> None:
        """Do everything once, so that the first block does not wait for it."""
        EmotionTracker(self._model).process(np.zeros(self._model.window_length, np.float32))

    def _show(self) -> Output:
        """Return the output that shows the emotions."""
        if self._options.json:
            return lines_output(lambda emotion, work: json_line(emotion, work.name))
        if not (self._options.is_watched and _can_draw()):
            digits = 1 if (10 * self._options.tracking.step).is_integer() else 2
            return lines_output(lambda emotion, _work: emotion.line(digits=digits))
        from emodj_live.sinks.terminal.output import dashboard_output

        return dashboard_output

    def _follow(self, work: Work) -> None:
        """Follow one source to its end, and print its summary."""
        if not self._input.is_live and (input_rate := status_of(work.source).input_rate):
            warn_low_rate(work.name, input_rate, self._model.sample_rate)
        profiler = Profiler(start=work.start, keeps_arc=False, calibration=calibration_of(self._model))
        tracker = self._new_tracker()
        began = time.monotonic()
        with self._outputs.following(work) as sinks:
            ends = self._end_of_duration(tracker)

            def after_block(block: Block | Gap | Seek) -> None:
                profiler.after_block(block)
                sinks.after_block(block)

            tracker.run(work.source, sinks, profiler, *ends, stop=self._stop, after_block=after_block)
        elapsed = time.monotonic() - began
        if not (profiler.count or self._stop.is_set()):
            raise too_short(work.name, self._model)
        if not (self._options.quiet or self._options.json):
            stream = sys.stdout if self._options.is_watched else sys.stderr
            with suppress(OSError):  # a summary that nobody reads is not an error
                stream.write(summary(work.name, profiler.profile(), profiler.count, elapsed) + "\n")

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

"""One call of the command line: its model, its sources one after the other, and what it shows of them."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from emodj_live.blocks import Gap
from emodj_live.console import signals
from emodj_live.emotion import Emotion
from emodj_live.errors import EmodjError, SourceError, one_line
from emodj_live.model import EmotionModel
from emodj_live.outputs import Outputs
from emodj_live.sinks.lines import LineSink, json_line, text_line
from emodj_live.sinks.status import Status
from emodj_live.sinks.summary import Summary
from emodj_live.sources.demo import DemoSource
from emodj_live.sources.file import FileSource
from emodj_live.sources.microphone import MicrophoneSource
from emodj_live.sources.pacing import PacedSource
from emodj_live.sources.playback import PlayedSource
from emodj_live.sources.resample import warn_low_rate
from emodj_live.sources.stream import StreamSource
from emodj_live.tracker import EmotionTracker

logger = logging.getLogger(__name__)

_INTERRUPTED = 130  # as a shell counts it
_TO_END_LIVE_WORK = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@dataclass(frozen=True)
class _Work:
    """A source, and what the session needs to know of it."""

    name: str  # in messages, JSON and tables
    title: str  # in pictures
    source: Iterable[NDArray[np.float32] | Gap]
    status: Callable[[], Status]
    start: float = 0.0  # [s]
    pausable: PacedSource | PlayedSource | None = None


class Session:
    """Track what the options name.

    Parameters
    ----------
    options : argparse.Namespace
        As `emodj_live.cli` parses them.
    tell : callable
        Tells of an error that does not end the whole, and returns the exit code for it.
    """

    def __init__(self, options: argparse.Namespace, tell: Callable[[EmodjError], int]) -> None:
        self._options = options
        self._tell = tell
        on_terminal = sys.stdout.isatty() and not (options.plain or options.json)
        self._has_dashboard = False
        if on_terminal:
            from emodj_live.sinks.terminal.dashboard import Dashboard

            self._has_dashboard = Dashboard.is_possible()
        self._is_stream = options.files == ["-"]
        self._is_live = options.mic or options.play or self._is_stream or (on_terminal and not options.fast)
        self._summary_stream = sys.stdout if on_terminal else sys.stderr
        self._is_stopped = False
        self._tracker: EmotionTracker | None = None

    def run(self) -> int:
        """Track one source after the other.

        Returns
        -------
        int
            The exit code.
        """
        with signals(self._stop, signal.SIGINT, *(_TO_END_LIVE_WORK if self._is_live else ())):
            self._model = EmotionModel.load(self._options.model)
            with Outputs(self._options) as self._outputs:
                return self._follow_all()

    def _follow_all(self) -> int:
        code = 0
        for number, name in enumerate(self._options.files or [None]):
            if self._is_stopped or self._outputs.is_spent:
                break
            try:
                self._track(self._work(name), number)
            except EmodjError as error:
                code = self._tell(error)
        if self._is_stopped and not self._is_live:
            return _INTERRUPTED
        return code or int(self._outputs.has_failed)

    def _stop(self) -> None:
        self._is_stopped = True
        if self._tracker:
            self._tracker.stop()

    # ------------------------------------------------------------------------------------------------- the sources

    def _work(self, name: str | None) -> _Work:
        if self._options.mic:
            return self._microphone()
        rate = self._model.spec.sample_rate
        if self._is_stream:
            return self._stream(rate)
        if name is None:
            return self._file("demo", DemoSource(sample_rate=rate))
        span = {"start": self._options.start, "duration": self._options.duration}
        return self._file(name, FileSource(name, sample_rate=rate, **span))

    def _microphone(self) -> _Work:
        self._warm_up()
        source = MicrophoneSource(
            self._options.device, sample_rate=self._model.spec.sample_rate, may_restart_portaudio=True
        )

        def status() -> Status:
            lost = f", {source.lost:.2f} s lost" if source.lost else ""
            waiting = "" if source.is_connected else "no sound arrives; waiting for the device"
            return Status(
                title=source.title,
                detail=f"{source.device.sample_rate:g} Hz{lost}",
                position=source.position,
                behind=source.behind if source.is_connected else None,
                alarm=waiting,
            )

        return _Work(source.title, source.title, source, status)

    def _stream(self, rate: int) -> _Work:
        """Return what another program writes into our standard input."""
        if sys.stdin is None:
            raise SourceError("standard input: is closed; pipe audio into it.")
        self._warm_up()
        source = StreamSource(sys.stdin.buffer, sample_rate=rate, raw=self._options.raw, title="standard input")

        def status() -> Status:
            detail = f"{source.input_rate} Hz, {_channels(source.channels)}" if source.channels else "no sound yet"
            return Status(title=source.title, detail=detail, position=source.position)

        return _Work("-", source.title, source, status)

    def _warm_up(self) -> None:
        """Do everything once, so that the first block does not wait for it."""
        length = self._model.spec.window_length
        EmotionTracker(self._model).process(np.zeros(length, np.float32))

    def _file(self, name: str, source: FileSource | DemoSource) -> _Work:
        warn_low_rate(name, source.input_rate, source.sample_rate)
        paced: PacedSource | PlayedSource | None = self._play(source) if self._options.play else None
        if paced is None and self._is_live:
            paced = PacedSource(source)

        def status() -> Status:
            underflows = paced.underflows if isinstance(paced, PlayedSource) else 0
            return Status(
                title=source.title,
                detail=f"{source.input_rate} Hz, {_channels(source.channels)}"
                + f", {underflows} underflows" * bool(underflows),
                position=paced.position if paced else 0.0,
                length=source.length,
                is_length_exact=source.is_length_exact,
                behind=paced.behind if paced else None,
                alarm="paused: press space to go on" if paced and paced.is_paused else "",
            )

        return _Work(name, source.title, source if paced is None else paced, status, source.start, paced)

    def _play(self, source: FileSource | DemoSource) -> PlayedSource | None:
        try:
            return PlayedSource(source, device=self._options.device, delay=self._options.delay_ms / 1000)
        except SourceError as error:
            if self._options.device is not None:
                raise
            logger.warning("it goes on without sound: %s", error)
            return None

    # ---------------------------------------------------------------------------------------------------- the work

    def _track(self, work: _Work, number: int) -> None:
        """Follow one source to its end."""
        summary = Summary()
        began = time.monotonic()
        self._tracker = self._new_tracker()
        with ExitStack() as shown:
            source, show = self._shown(work, shown)
            sink = shown.enter_context(self._outputs.following(work.name, work.title, number, show))
            self._tracker.run(self._until_stopped(source), sink, summary, *self._end_of_duration())
        elapsed = time.monotonic() - began
        if not (summary.count or self._is_stopped):
            length = self._model.spec.window_length / self._model.spec.sample_rate
            raise SourceError(f"{work.name}: is shorter than one window of {length:g} s; choose a longer file or part.")
        if not (self._options.quiet or self._options.json):
            text = summary.text(one_line(work.name), summary.time - work.start, elapsed)
            with suppress(OSError):  # that nobody reads it is no reason to stop
                self._summary_stream.write(text + "\n")

    def _until_stopped(self, source: Iterable[NDArray[np.float32] | Gap]) -> Iterator[NDArray[np.float32] | Gap]:
        """Yield a source's blocks; a stop that came before the tracker was running counts too."""
        for block in source:
            if self._is_stopped:
                return
            yield block

    def _new_tracker(self) -> EmotionTracker:
        return EmotionTracker(
            self._model,
            step=max(1, round(self._options.step * self._model.spec.sample_rate)),
            smoothing=self._options.smooth,
            silence=self._options.silence,
            gain=self._options.gain,
        )

    def _end_of_duration(self) -> list[Callable[[Emotion], None]]:
        """Return a sink that ends a device's stream, which has no end of its own, if that is asked for."""
        duration, tracker = self._options.duration, self._tracker

        def end(emotion: Emotion) -> None:
            if tracker and emotion.time >= duration:
                tracker.stop()

        return [end] if (self._options.mic or self._is_stream) and duration else []

    def _shown(
        self, work: _Work, stack: ExitStack
    ) -> tuple[Iterable[NDArray[np.float32] | Gap], Callable[[Emotion], object]]:
        """Return the source and the sink that show it as the options say."""
        if not self._has_dashboard:
            digits = 1 if (10 * self._options.step).is_integer() else 2
            form = partial(json_line, source=work.name) if self._options.json else partial(text_line, digits=digits)
            return work.source, LineSink(sys.stdout, form)
        from emodj_live.sinks.terminal.dashboard import Dashboard

        dashboard = stack.enter_context(Dashboard(work.status))

        def after_each_block() -> None:
            self._obey(dashboard.key(), work)
            dashboard.tick()

        return _each(work.source, after_each_block), dashboard

    def _obey(self, key: str, work: _Work) -> None:
        if key == "q":
            self._stop()
        elif key == " " and work.pausable:
            work.pausable.is_paused = not work.pausable.is_paused


def _channels(count: int) -> str:
    return f"{count} channel{'s' * (count != 1)}"


def _each(
    source: Iterable[NDArray[np.float32] | Gap], action: Callable[[], None]
) -> Iterator[NDArray[np.float32] | Gap]:
    """Yield a source's blocks, with an action after each has been dealt with."""
    for block in source:
        yield block
        action()

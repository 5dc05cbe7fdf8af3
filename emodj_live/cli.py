"""The command line: the only place that parses, prints and exits."""

from __future__ import annotations

import argparse
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from tempfile import TemporaryFile
from types import FrameType
from typing import TYPE_CHECKING

from emodj_live import __version__
from emodj_live.errors import EmodjError, SourceError

if TYPE_CHECKING:
    from emodj_live.emotion import Emotion
    from emodj_live.model import EmotionModel
    from emodj_live.sources.demo import DemoSource
    from emodj_live.sources.file import FileSource
    from emodj_live.tracker import EmotionTracker


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    int
        0 for a normal end, 1 for an error told in one line, 130 for Ctrl-C on unpaced work. Wrong arguments raise
        ``SystemExit(2)``.
    """
    arguments = _parse(argv)
    try:
        with _own_stderr(show=arguments.verbose), _messages(arguments):
            return _Session(arguments).run()
    except BrokenPipeError:
        _abandon_stdout()
        return 0
    except KeyboardInterrupt:
        return 130


def console() -> None:
    """Run the command line and exit the process: the console script."""
    sys.exit(main())


# ------------------------------------------------------------------------------------------------------- arguments


def _seconds(text: str, *, zero: bool) -> float:
    """Parse a number of seconds for argparse."""
    value = float(text)
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise argparse.ArgumentTypeError(f"{text} is not {'0 or ' if zero else ''}a positive number of seconds")
    return value


def _step(text: str) -> float:
    value = _seconds(text, zero=False)
    if not 0.01 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.01 s and an hour")
    return value


def _level(text: str) -> float:
    value = float(text)
    if math.isnan(value):
        raise argparse.ArgumentTypeError(f"{text} is not a level in dBFS")
    return value


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="emodj-live",
        description="Tell, while music plays, what it feels like: valence and arousal, twice a second.",
    )
    positive, not_negative = partial(_seconds, zero=False), partial(_seconds, zero=True)
    parser.add_argument("files", nargs="*", metavar="FILE", help="audio file: wav, flac, ogg, opus, mp3, aiff, ...")
    parser.add_argument("--demo", action="store_true", help="track a piece that the program plays itself")
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="write JSON Lines and nothing else to stdout")
    output.add_argument("--plain", action="store_true", help="write lines as to a pipe, also on a terminal")
    output.add_argument("--fast", action="store_true", help="as fast as it can, also on a terminal")
    output.add_argument("-q", "--quiet", action="store_true", help="no summary and no notices")
    output.add_argument("-v", "--verbose", action="store_true", help="show what decoders and devices complain about")
    tracking = parser.add_argument_group("tracking")
    tracking.add_argument("--step", type=_step, default=0.5, metavar="SECONDS", help="from one emotion to the next (0.5)")
    tracking.add_argument("--smooth", type=not_negative, default=3.0, metavar="SECONDS", help="average, 0 is off (3)")
    tracking.add_argument("--silence", type=_level, default=-60.0, metavar="DB", help="below this is silence (-60 dBFS)")
    tracking.add_argument("--start", type=not_negative, default=0.0, metavar="SECONDS", help="where in a file to begin")
    tracking.add_argument("--duration", type=positive, metavar="SECONDS", help="how much of a file to track")
    tracking.add_argument("--model", metavar="FILE", help="another model (or name it in EMODJ_MODEL)")
    parser.add_argument("--version", action="version", version=f"emodj-live {__version__}")
    arguments = parser.parse_args(argv)
    if bool(arguments.files) == arguments.demo:
        parser.error("name audio files, or --demo")
    return arguments


# --------------------------------------------------------------------------------------------------------- process


@contextmanager
def _own_stderr(*, show: bool) -> Iterator[None]:
    """Keep file descriptor 2 to ourselves, because decoders and sound systems write to it past Python.

    What they wrote is shown at the end if `show`, else dropped.
    """
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error stream to protect
        yield
        return
    python_stderr = sys.stderr
    with TemporaryFile() as caught, os.fdopen(saved, "w", errors="backslashreplace", buffering=1) as ours:
        if python_stderr is sys.__stderr__:  # else somebody has redirected it already: leave it to them
            sys.stderr = ours
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            sys.stderr = python_stderr
            if show:
                caught.seek(0)
                sys.stderr.write(caught.read().decode(errors="replace"))


@contextmanager
def _messages(arguments: argparse.Namespace) -> Iterator[None]:
    """Show what the library reports, and let no odd file name stop the output."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("emodj-live: %(message)s"))
    handler.setLevel(logging.ERROR if arguments.quiet else logging.WARNING)
    library = logging.getLogger("emodj_live")
    library.addHandler(handler)
    try:
        yield
    finally:
        library.removeHandler(handler)


def _abandon_stdout() -> None:
    """Let the interpreter's last flush of a broken pipe go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _signals(stop: Callable[[], None], *, live: bool) -> Iterator[None]:
    """Let Ctrl-C, and SIGTERM where live, end the work in good order.

    SIGINT gets its handler explicitly: a shell's background job starts with it ignored. What is live ends as if the
    music were over; a second signal ends it at once.
    """
    asked = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked or not live:
            raise KeyboardInterrupt
        asked = True
        stop()

    numbers = (signal.SIGINT, signal.SIGTERM) if live else (signal.SIGINT,)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# ------------------------------------------------------------------------------------------------------------ work


class _Session:
    """One call of the program: its model, its sources one after the other, its exit code."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        on_terminal = sys.stdout.isatty() and not (arguments.plain or arguments.json)
        self._live = on_terminal and not arguments.fast
        self._summary_stream = sys.stdout if on_terminal else sys.stderr
        self._stopped = False
        self._tracker: EmotionTracker | None = None

    def run(self) -> int:
        with _signals(self._stop, live=self._live):
            try:
                model = self._load_model()
            except EmodjError as error:
                return self._tell(error)
            code = 0
            for name in self._arguments.files or [None]:
                if self._stopped:
                    break
                try:
                    self._track(model, name)
                except EmodjError as error:
                    code = self._tell(error)
            return code

    def _load_model(self) -> EmotionModel:
        from emodj_live.model import EmotionModel

        return EmotionModel.load(self._arguments.model)

    def _stop(self) -> None:
        self._stopped = True
        if self._tracker:
            self._tracker.stop()

    def _tell(self, error: EmodjError) -> int:
        print(f"emodj-live: {error}", file=sys.stderr)
        return 1

    def _source(self, name: str | None, sample_rate: int) -> FileSource | DemoSource:
        if name is None:
            from emodj_live.sources.demo import DemoSource

            return DemoSource(sample_rate=sample_rate)
        from emodj_live.sources.file import FileSource

        return FileSource(
            name, sample_rate=sample_rate, start=self._arguments.start, duration=self._arguments.duration
        )

    def _track(self, model: EmotionModel, name: str | None) -> None:
        """Follow one source to its end."""
        from emodj_live.sinks.summary import Summary
        from emodj_live.sources.pacing import paced
        from emodj_live.tracker import EmotionTracker

        rate = model.spec.sample_rate
        source = self._source(name, rate)
        self._tracker = EmotionTracker(
            model,
            step=max(1, round(self._arguments.step * rate)),
            smoothing=self._arguments.smooth,
            silence=self._arguments.silence,
        )
        summary = Summary()
        began = time.monotonic()
        self._tracker.run(paced(source, rate) if self._live else source, self._lines(name or "demo"), summary)
        elapsed = time.monotonic() - began
        if not summary.count and not self._stopped:
            length = model.spec.window_length / rate
            raise SourceError(f"{name}: is shorter than one window of {length:g} s; choose more of it or a longer file.")
        if not (self._arguments.quiet or self._arguments.json):
            music = summary.time - (0 if name is None else self._arguments.start)
            print(summary.text(name or "demo", music, elapsed), file=self._summary_stream)

    def _lines(self, name: str) -> Callable[[Emotion], None]:
        from emodj_live.sinks.lines import LineSink, json_line, text_line

        return LineSink(sys.stdout, partial(json_line, source=name) if self._arguments.json else text_line)

"""Where a session's emotions go besides the screen: opened before the start, guarded on the way, closed at the end.

What shows the emotions, lines or dashboard, is an output like the others. One that fails is told of once and left out,
and the exit code will be 1; the rest goes on, and when nothing is left the session ends. Lines that go to the null
device do not count as a rest.
"""

from __future__ import annotations

import argparse
import logging
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from emodj_live.console import abandon_stdout
from emodj_live.emotion import Emotion
from emodj_live.errors import EmodjError, SinkError

if TYPE_CHECKING:
    from emodj_live.sinks.csv_file import CsvSink
    from emodj_live.sinks.plot import PlotSink

logger = logging.getLogger(__name__)

Sink = Callable[[Emotion], object]


class Outputs:
    """All outputs that the options name.

    Parameters
    ----------
    options : argparse.Namespace
        As `emodj_live.cli` parses them.

    Attributes
    ----------
    has_failed : bool
        An output has failed on the way.

    Raises
    ------
    SinkError
        If one cannot be opened.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.has_failed = False
        self._is_shown = True  # the lines or the dashboard work
        self._plots: dict[int, PlotSink] = {}  # one for each source, by its number
        self._table: CsvSink | None = None
        self._streams: list[Sink] = []  # for all sources
        with ExitStack() as stack:
            self._open(options, stack)
            self._close = stack.pop_all()

    def _open(self, options: argparse.Namespace, stack: ExitStack) -> None:
        if options.plot:
            from emodj_live.sinks.plot import PlotSink

            self._plots = dict(enumerate(map(PlotSink, _numbered(options.plot, max(1, len(options.files))))))
        if options.osc:
            from emodj_live.sinks.osc import OscSink

            self._streams.append(stack.enter_context(OscSink(*options.osc)))
        if options.csv:
            from emodj_live.sinks.csv_file import CsvSink

            self._table = CsvSink(options.csv)  # the last: it writes at once
            stack.callback(self._table.close)
            self._streams.append(self._table)

    def __enter__(self) -> Outputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all."""
        self._close.close()

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left that works."""
        is_shown = self._is_shown and not _is_null_device(sys.stdout)
        return self.has_failed and not (is_shown or self._streams or self._plots)

    @contextmanager
    def following(self, name: str, title: str, number: int, show: Sink) -> Iterator[Sink]:
        """Take in the emotions of one source.

        Parameters
        ----------
        name, title : str
            What it is called in tables, and in pictures.
        number : int
            Of the source, from 0.
        show : callable
            The sink that shows the emotions.

        Yields
        ------
        callable
            The sink for all of them.
        """
        plot = self._plots.get(number)
        sinks: list[Sink] = [*([show] if self._is_shown else []), *self._streams, *([plot] if plot else [])]
        if self._table:
            self._table.source = name
        if plot:
            plot.title = title

        def hand_out(emotion: Emotion) -> None:
            for sink in sinks[:]:
                try:
                    sink(emotion)
                except SinkError as error:
                    sinks.remove(sink)
                    self._fail(sink, error)
                except BrokenPipeError:
                    if len(sinks) == 1:
                        raise
                    sinks.remove(sink)
                    self._hide()
                    logger.warning("standard output: nobody reads it any more. The rest goes on.")

        try:
            yield hand_out
        except EmodjError:
            self._draw(number)
            raise
        self._draw(number)

    def _draw(self, number: int) -> None:
        if plot := self._plots.get(number):
            try:
                plot.close()
            except SinkError as error:
                self._fail(plot, error)
            self._plots.pop(number, None)

    def _hide(self) -> None:
        """Show nothing any more."""
        self._is_shown = False
        abandon_stdout()

    def _fail(self, sink: Sink, error: SinkError) -> None:
        """Leave an output out from now on, and tell of it; raise the error if it was the last."""
        self.has_failed = True
        if sink in self._streams:
            self._streams.remove(sink)
        elif sink in self._plots.values():
            self._plots = {number: plot for number, plot in self._plots.items() if plot is not sink}
        else:
            self._hide()
        if self.is_spent:
            raise error
        logger.error("%s The rest goes on.", error)


def _numbered(path: Path, count: int) -> list[Path]:
    """Return a path for each of so many files: with one of them, the path itself."""
    if count == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, count + 1)]


def _is_null_device(stream: TextIO) -> bool:
    """Return whether what is written to a stream goes nowhere."""
    try:
        found = os.fstat(stream.fileno())
        return stat.S_ISCHR(found.st_mode) and found.st_rdev == Path(os.devnull).stat().st_rdev
    except (OSError, ValueError):  # it is no file at all, as in a test
        return False

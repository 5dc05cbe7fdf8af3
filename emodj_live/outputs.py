"""Where a session's emotions go: opened before the start, guarded while it runs, closed at the end.

Outputs are a list of one kind, `emodj_live.work.Output`; the lines or the dashboard are one of them. Those that an
option names have a row in `OUTPUTS`: a new one is one module and one row. An output that fails is reported once and
left out, and the exit code will be 1; the others continue. When the last one fails, tracking stops. Lines that go to
the null device do not count as a working output.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from emodj_live.console import discard_stdout
from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError
from emodj_live.options import SendingOptions
from emodj_live.work import Output, Work

if TYPE_CHECKING:
    from emodj_live.blocks import Block, Gap, Seek, Sink

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutputOption:
    """An option of the command line that names an output.

    Attributes
    ----------
    name : str
        ``--name``.
    metavar, help : str
        What ``--help`` says.
    module : str
        Has ``parse(text)``, which returns the option's value or raises a `ValueError`, and ``open_output(value,
        files)``, which returns a context manager around an `Output`. It is imported if the option is used.
    settings : tuple of str
        Which of the `SendingOptions` ``open_output`` also takes, by name.
    is_live : bool
        Whether it is for somebody who listens, so that files go at the speed of the music unless ``--fast`` is given.
    stays : bool
        Whether it stays up after the last source, until Ctrl-C.
    """

    name: str
    metavar: str
    help: str
    module: str
    settings: tuple[str, ...] = ()
    is_live: bool = False
    stays: bool = False

    def parse(self, text: str) -> Any:
        """Return the value that a text stands for."""
        return import_module(self.module).parse(text)

    def open(self, value: Any, files: Sequence[str], sending: SendingOptions) -> AbstractContextManager[Output]:
        """Open the output."""
        settings = {name: getattr(sending, name) for name in self.settings}
        opened: AbstractContextManager[Output] = import_module(self.module).open_output(value, files, **settings)
        return opened


OUTPUTS = (  # opened in this order: the table last, because it is written at once
    OutputOption(
        "plot",
        "FILE",
        "also draw each song: .png, .svg or .pdf (numbered if there are several songs)",
        "emodj_live.sinks.plot",
    ),
    OutputOption(
        "poster",
        "FILE",
        "also draw a poster of each song: .png, .svg or .pdf (numbered if there are several songs)",
        "emodj_live.sinks.poster",
    ),
    OutputOption(
        "osc",
        "[HOST:]PORT",
        "also send OSC: /emodj/valence and so on",
        "emodj_live.sinks.osc",
        settings=("rate", "osc_prefix"),
    ),
    OutputOption(
        "mqtt",
        "HOST[:PORT]",
        "also keep the newest emotion at an MQTT broker, for Home Assistant (mqtts://HOST for TLS)",
        "emodj_live.sinks.mqtt",
        settings=("mqtt_topic",),
        is_live=True,
    ),
    OutputOption(
        "text",
        "FILE",
        "also keep the newest emotion in a .txt file, for OBS",
        "emodj_live.sinks.text_file",
        is_live=True,
    ),
    OutputOption(
        "web",
        "[HOST:]PORT",
        "also show it on a web page, for this computer or, with a HOST such as 0.0.0.0, for others too",
        "emodj_live.sinks.web.output",
        settings=("rate", "web_origin"),
        is_live=True,
        stays=True,
    ),
    OutputOption("csv", "FILE", "also write a table with a row per emotion", "emodj_live.sinks.csv_file"),
)


def stays_up(options: Mapping[str, Any]) -> bool:
    """Return whether one of the outputs stays up after the last source.

    Parameters
    ----------
    options : mapping
        The values of the outputs' options, by name.

    Returns
    -------
    bool
    """
    return any(row.stays and row.name in options for row in OUTPUTS)


class Outputs:
    """All outputs of a session.

    Parameters
    ----------
    show : Output
        The lines or the dashboard.
    values : mapping
        For each of the `OUTPUTS` that is wanted, by name, the value of its option.
    files : sequence of str
        The audio files that will be tracked.
    sending : SendingOptions, optional
        How they send.

    Attributes
    ----------
    has_failed : bool
        Whether an output has failed.

    Raises
    ------
    SinkError
        If one cannot be opened.
    """

    def __init__(
        self,
        show: Output,
        values: Mapping[str, Any],
        files: Sequence[str] = (),
        sending: SendingOptions | None = None,
    ) -> None:
        self.has_failed = False
        self._show = show
        wanted = [row for row in OUTPUTS if row.name in values]
        with ExitStack() as stack:
            opened = (row.open(values[row.name], files, sending or SendingOptions()) for row in wanted)
            named = [stack.enter_context(output) for output in opened]
            self._outputs = [show, *reversed(named)]
            self._staying = [output for row, output in zip(wanted, named, strict=True) if row.stays]
            self._close = stack.pop_all()

    def __enter__(self) -> Outputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all."""
        self._close.close()

    @property
    def is_exhausted(self) -> bool:
        """Whether outputs have failed and none is left that works."""
        left = [output for output in self._outputs if output is not self._show or not _is_null_device(sys.stdout)]
        return self.has_failed and not left

    @property
    def is_staying(self) -> bool:
        """Whether one of those that still work stays up after the last source."""
        return any(output in self._outputs for output in self._staying)

    @contextmanager
    def following(self, work: Work) -> Iterator[GuardedSinks]:
        """Take in the emotions of one source.

        Parameters
        ----------
        work : Work

        Yields
        ------
        GuardedSinks
            The sink for all outputs.
        """
        with ExitStack() as stack:
            sinks = {}
            for output in list(self._outputs):
                try:
                    sinks[output] = stack.enter_context(self._reporting(output(work)))
                except SinkError as error:
                    self._drop(output, error)
            yield GuardedSinks(sinks, self._drop)

    @contextmanager
    def _reporting(self, followed: AbstractContextManager[Sink]) -> Iterator[Sink]:
        """Report a sink that fails to close; the others are unaffected."""
        with ExitStack() as stack:
            sink = stack.enter_context(followed)
            close = stack.pop_all()
            try:
                yield sink
            finally:
                try:
                    close.close()
                except SinkError as error:
                    self.has_failed = True
                    logger.error("%s", error)  # noqa: TRY400 (one line, no traceback)

    def _drop(self, output: Output, error: SinkError | BrokenPipeError) -> None:
        """Leave an output out from now on and report it; raise the error if it was the last."""
        if isinstance(error, BrokenPipeError) and len(self._outputs) == 1:
            raise error
        self._outputs.remove(output)
        if output is self._show:
            discard_stdout()
        if isinstance(error, BrokenPipeError):
            logger.warning("standard output: the reader closed the pipe; other outputs continue.")
            return
        self.has_failed = True
        if self.is_exhausted:
            raise error
        logger.error("%s Other outputs continue.", error)


class GuardedSinks:
    """A sink that passes emotions on to many, and leaves out those that fail.

    Parameters
    ----------
    sinks : mapping of Output to Sink
    drop : callable
        Called with an output that failed and its error.
    """

    def __init__(
        self, sinks: Mapping[Output, Sink], drop: Callable[[Output, SinkError | BrokenPipeError], None]
    ) -> None:
        self._sinks = dict(sinks)
        self._heartbeats = {output: sink.after_block for output, sink in sinks.items() if hasattr(sink, "after_block")}
        self._drop = drop

    def __call__(self, emotion: Emotion) -> None:
        """Pass an emotion on."""
        for output, sink in list(self._sinks.items()):
            self._call(output, sink, emotion)

    def after_block(self, block: Block | Gap | Seek) -> None:
        """Pass the heartbeat on to those that have one."""
        for output, beat in list(self._heartbeats.items()):
            self._call(output, beat, block)

    def _call(self, output: Output, function: Callable[[Any], object], value: object) -> None:
        try:
            function(value)
        except (SinkError, BrokenPipeError) as error:
            del self._sinks[output]
            self._heartbeats.pop(output, None)
            self._drop(output, error)


def _is_null_device(stream: TextIO) -> bool:
    """Return whether what is written to a stream is thrown away."""
    try:
        found = os.fstat(stream.fileno())
        return stat.S_ISCHR(found.st_mode) and found.st_rdev == Path(os.devnull).stat().st_rdev
    except (OSError, ValueError):  # it is not a file, as in a test
        return False

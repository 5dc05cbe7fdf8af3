"""What a session listens to. A new source is one module, and one row here, from which its option is made.

Audio files and standard input have no option: they are what the command line's arguments name.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from emodj_live.errors import SourceError
from emodj_live.options import Options, SourceOptions
from emodj_live.work import Work

if TYPE_CHECKING:
    from emodj_live.blocks import Source

logger = logging.getLogger(__name__)

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class InputOption:
    """A kind of source.

    Attributes
    ----------
    name : str
        ``--name``, if it has an option.
    help : str
        What ``--help`` says.
    module : str
        Has ``open_source(value, options, sample_rate)``, which returns a `Source` or raises a `SourceError`; `value` is
        the option's, `options` are `SourceOptions`. It is imported if the option is used.
    metavar : str or None
        Name of the option's value; None if it takes none.
    is_live : bool
        Whether audio comes at its own pace, and cannot be played, paced or begun elsewhere.
    gain : float or "auto"
        What suits it [dB].
    """

    name: str
    help: str
    module: str
    metavar: str | None = None
    is_live: bool = False
    gain: float | Literal["auto"] = 0.0

    def open(self, value: Any, options: SourceOptions, sample_rate: int) -> Source:
        """Open the source."""
        source: Source = import_module(self.module).open_source(value, options, sample_rate)
        return source


INPUTS = (
    InputOption("demo", "a built-in demo piece", "emodj_live.sources.demo"),
    InputOption(
        "mic",
        "the microphone, or the input that --device names",
        "emodj_live.sources.microphone",
        is_live=True,
        gain="auto",
    ),
    InputOption(
        "system",
        "what this computer plays, or the output that --device names",
        "emodj_live.sources.system",
        is_live=True,
        gain="auto",
    ),
)
FILE = InputOption("file", "an audio file", "emodj_live.sources.file")
STREAM = InputOption("stream", "standard input", "emodj_live.sources.stream", is_live=True)


def input_of(options: Options) -> InputOption:
    """Return the kind of source that the options ask for.

    Parameters
    ----------
    options : Options

    Returns
    -------
    InputOption
    """
    for row in INPUTS:
        if row.name in options.inputs:
            return row
    return STREAM if options.files == (STANDARD_INPUT,) else FILE


def is_live(options: Options) -> bool:
    """Return whether the work goes at the speed of the music, so that stopping it is a normal end.

    Parameters
    ----------
    options : Options

    Returns
    -------
    bool
    """
    return options.realtime or options.play or input_of(options).is_live


def count_of(options: Options) -> int:
    """Return how many sources the options name.

    Parameters
    ----------
    options : Options

    Returns
    -------
    int
    """
    return len(options.files) or 1


def works(
    options: Options, sample_rate: int, stop: threading.Event, numbers: Iterable[int] | None = None
) -> Iterator[Work | SourceError]:
    """Open one source after the other.

    Parameters
    ----------
    options : Options
    sample_rate : int
        The model's [Hz].
    stop : threading.Event
        Of the session.
    numbers : iterable of int, optional
        Which of the sources, in which order; by default all.

    Yields
    ------
    Work or SourceError
        Instead of a source that cannot be opened, its error: the others may be fine.
    """
    from emodj_live.blocks import title_of

    row = input_of(options)
    values = options.files or (options.inputs[row.name],)
    for number in range(len(values)) if numbers is None else numbers:
        value = values[number]
        try:
            source = row.open(value, options.source, sample_rate)
            title = title_of(source)
            name = value if row is FILE else STANDARD_INPUT if row is STREAM else title
            yield Work(
                source=_at_its_pace(source, row, options),
                number=number,
                count=len(values),
                name=name,
                title=title,
                path=value if row is FILE else "",
                start=options.source.start,
                stop=stop,
                again=() if row.is_live else ("--", str(Path(value).absolute())) if row is FILE else (f"--{row.name}",),
            )
        except SourceError as error:
            yield error


def _at_its_pace(source: Source, row: InputOption, options: Options) -> Source:
    """Return a source that is played or paced, if that is asked for."""
    if options.play:
        from emodj_live.sources.playback import PlayedSource

        try:
            return PlayedSource(cast("Any", source), device=options.source.device, delay=options.delay)
        except SourceError as error:
            if options.source.device is not None:
                raise
            logger.warning("continuing without playback: %s", error)
    elif row.is_live or not options.realtime:
        return source
    from emodj_live.sources.pacing import PacedSource

    return PacedSource(source)

"""One line per emotion: for people (``str(emotion)``) and for programs (JSON Lines)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from emodj_live.blocks import Sink
from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError
from emodj_live.work import Output, Work


def json_line(emotion: Emotion, source: str) -> str:
    """Return an emotion as one JSON object: every field under its own name, and `source`.

    Parameters
    ----------
    emotion : Emotion
    source : str
        Where the audio came from, for programs that read several.

    Returns
    -------
    str
        Without a line end, never with NaN.
    """
    return json.dumps(emotion.as_dict() | {"source": source}, allow_nan=False)


class LineSink:
    """Write each emotion as a line, flushed at once, so that a pipe gets it in time.

    Parameters
    ----------
    stream : text file
        Where to write.
    form : callable
        Makes a line of an emotion; by default ``str``.

    Raises
    ------
    SinkError
        When called, if the stream cannot be written to. A closed pipe is a `BrokenPipeError` instead.
    """

    def __init__(self, stream: TextIO, form: Callable[[Emotion], str] = str) -> None:
        self._stream = stream
        self._form = form

    def __call__(self, emotion: Emotion) -> None:
        """Write one line."""
        write_line(self._stream, self._form(emotion))


def write_line(stream: TextIO, line: str) -> None:
    """Write a line to standard output or the like, and flush it.

    Parameters
    ----------
    stream : text file
    line : str
        Without its end.

    Raises
    ------
    SinkError
        If the stream cannot be written to. A closed pipe is a `BrokenPipeError` instead.
    """
    try:
        stream.write(line + "\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SinkError(f"standard output: cannot be written: {error.strerror or error}.") from error


def lines_output(form: Callable[[Emotion, Work], str]) -> Output:
    """Return the output that writes lines to standard output.

    Parameters
    ----------
    form : callable
        Makes a line of an emotion and the work that it belongs to.

    Returns
    -------
    Output
    """

    @contextmanager
    def follow(work: Work) -> Iterator[Sink]:
        yield LineSink(sys.stdout, lambda emotion: form(emotion, work))

    return follow

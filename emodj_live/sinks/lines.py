"""One line per emotion: for people, and for programs (JSON Lines)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TextIO

from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError


def clock(seconds: float, digits: int = 1) -> str:
    """Return a time as h:mm:ss.s with so many digits at its end, hours only where there are some."""
    minutes, rest = divmod(round(seconds, digits), 60)
    hours, minutes = divmod(int(minutes), 60)
    shown = f"{rest:0{3 + digits}.{digits}f}"
    return f"{hours}:{minutes:02d}:{shown}" if hours else f"{minutes:2d}:{shown}"


def text_line(emotion: Emotion, *, digits: int = 1) -> str:
    """Return an emotion as a readable line without its end.

    Parameters
    ----------
    emotion : Emotion
    digits : int
        Of the seconds, behind the point.

    Returns
    -------
    str
        Time, valence, arousal, quadrant and level, in columns.
    """
    notes = "  silent" * emotion.is_silent + "  clipped" * emotion.is_clipped
    return (
        f"{clock(emotion.time, digits)}  valence {emotion.valence:+.2f}  arousal {emotion.arousal:+.2f}"
        f"  {emotion.quadrant.value:<5}  {emotion.level:6.1f} dBFS{notes}"
    )


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
        Where to.
    form : callable
        What makes a line of an emotion, such as `text_line`.

    Raises
    ------
    SinkError
        When called, if the stream cannot be written to. That nobody reads it any more is a `BrokenPipeError`.
    """

    def __init__(self, stream: TextIO, form: Callable[[Emotion], str]) -> None:
        self._stream = stream
        self._form = form

    def __call__(self, emotion: Emotion) -> None:
        """Write one line."""
        try:
            self._stream.write(self._form(emotion) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise SinkError(f"standard output: cannot be written: {error.strerror or error}.") from error

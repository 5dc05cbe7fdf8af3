"""The newest emotion as a text in a file, for programs that show one, such as OBS: ``--text``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from emodj_live.atomic_file import replaced
from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError
from emodj_live.work import Output, refuse_inputs


class TextSink:
    """Write each emotion over the one before: the mood in a line, valence and arousal in another.

    A program that reads the file at any moment finds one whole text, because the file is replaced in one step.

    Parameters
    ----------
    path : path-like
        The file. It is emptied at once, which shows whether it can be written.

    Raises
    ------
    SinkError
        If the file cannot be written, now or later.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._has_failed = False
        if self.path.exists() and not self.path.is_file():
            raise SinkError(f"{self.path}: cannot be written: it is a folder or a device, not a file.")
        self._write("")

    def __call__(self, emotion: Emotion) -> None:
        """Write one emotion."""
        self._write(text(emotion))

    def clear(self) -> None:
        """Leave an empty file, so that nobody shows a mood that is over; nothing if it could not be written before."""
        if not self._has_failed:
            self._write("")

    def _write(self, content: str) -> None:
        target = self.path.resolve()  # a link stays a link
        try:
            with replaced(target, SinkError, is_lasting=False) as file:
                file.write(content.encode())
        except SinkError as error:
            self._has_failed = True
            raise SinkError(str(error).replace(str(target), str(self.path), 1)) from error


def text(emotion: Emotion) -> str:
    """Return what the file says of an emotion.

    Parameters
    ----------
    emotion : Emotion

    Returns
    -------
    str
        Two lines, each with its end.
    """
    return f"{emotion.mood}\nvalence {emotion.valence:+.2f}  arousal {emotion.arousal:+.2f}\n"


def parse(text: str) -> Path:
    """Take a file for a text, but none that ``--text *.wav`` would overwrite by mistake.

    Parameters
    ----------
    text : str
        The option's value.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If it does not end in .txt.
    """
    path = Path(text)
    if path.suffix.lower() != ".txt":
        raise ValueError(f"{text} does not end in .txt")
    return path


@contextmanager
def open_output(path: Path, files: Sequence[str]) -> Iterator[Output]:
    """Open the output of ``--text``: one file for all works, empty at the end.

    Parameters
    ----------
    path : Path
    files : sequence of str
        The audio files, none of which may be overwritten.

    Yields
    ------
    Output

    Raises
    ------
    SinkError
        If the file cannot be written, or is one of the audio files.
    """
    refuse_inputs(path, files)
    sink = TextSink(path)
    try:
        yield lambda _work: nullcontext(sink)
    finally:
        sink.clear()

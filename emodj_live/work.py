"""The work at hand: one source to follow, and what its outputs need to know of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from emodj_live.errors import SinkError

if TYPE_CHECKING:
    from emodj_live.arc import Arc
    from emodj_live.blocks import Sink, Source
    from emodj_live.sleeve import Sleeve


@dataclass(frozen=True, eq=False)
class Work:
    """One source to follow.

    Attributes
    ----------
    source : Source
    number : int
        Its place among the sources of this call, from 0.
    count : int
        How many sources this call has.
    name : str
        What it is called in messages, JSON and tables.
    title : str
        What it is called in pictures.
    path : str
        Of the audio file; empty if it is none.
    start : float
        Where in the song it begins [s].
    stop : threading.Event
        Ends this work and all that would follow; an output with keys may set it.
    skip : callable
        Ends this work alone; the next is so many further on: ``skip(1)`` goes on to the one after it, ``skip(-1)`` back
        to the one before it.
    again : tuple of str
        Arguments of a command line that name the same source, to follow it a second time; empty if it cannot be.
    ahead : callable or None
        Returns what is known of the moods of the whole song.
    spread : (float, float) or None
        Standard deviation of what the model says, of valence and of arousal; None if it is not known.
    sleeve : callable or None
        Returns what is known of its title, artist, album and cover.
    is_last : bool
        Whether none comes after it.
    """

    source: Source
    number: int = 0
    count: int = 1
    name: str = ""
    title: str = ""
    path: str = ""
    start: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    skip: Callable[[int], object] = field(default=lambda _by: None)
    again: tuple[str, ...] = ()
    spread: tuple[float, float] | None = None
    ahead: Callable[[], Arc] | None = None
    sleeve: Callable[[], Sleeve] | None = None
    is_last: bool = False


class Turns:
    """Whose turn it is among several sources: one after the other, unless somebody skips.

    Parameters
    ----------
    count : int
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._by = 1

    def __iter__(self) -> Iterator[int]:
        number = 0
        while number < self.count:
            self._by = 1
            yield number
            number = max(0, number + self._by)

    def skip(self, by: int) -> None:
        """Let the turn after the present one be so many further on."""
        self._by = by


Output: TypeAlias = "Callable[[Work], AbstractContextManager[Sink]]"
"""Takes the work at hand and gives a context manager around a sink for its emotions.

A sink that has an ``after_block`` is called there after every block, as by `EmotionTracker.run`.
"""


def refuse_inputs(path: str | os.PathLike[str], files: Sequence[str]) -> None:
    """Refuse to write over an audio file, even through a link.

    Parameters
    ----------
    path : path-like
        What would be written.
    files : sequence of str
        The audio files.

    Raises
    ------
    SinkError
        If it is one of them.
    """
    for file in files:
        try:
            is_same = Path(path).samefile(file)
        except OSError:  # one of them does not exist
            continue
        if is_same:
            raise SinkError(f"{path}: is the same file as the input {file}; choose another name for the output.")

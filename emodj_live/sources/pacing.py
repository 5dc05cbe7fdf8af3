"""Slow a source down to the speed of the music."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from emodj_live.blocks import Block, Gap, Seek, Source, SourceStatus, status_of, title_of

_PIECE = 0.03  # [s] so that it yields at least 30 times a second
_NOTHING = np.empty(0, np.float32)


class PacedSource:
    """A source's audio in small pieces, each when its last sample is due.

    Parameters
    ----------
    source : iterable of ndarray of float32, Gap or Seek
        What to slow down. A `Gap` or `Seek` passes at once.
    sample_rate : int, optional
        Sample rate of the source [Hz]; needed if the source has no `sample_rate` of its own.
    clock, sleep : callable
        The time [s], and a function that waits for a number of seconds.

    Attributes
    ----------
    position : float
        Time in the stream up to which audio was handed out, gaps included [s].
    is_paused : bool
        Set it to pause.

    Raises
    ------
    ValueError
        If the sample rate is not known or not positive.
    """

    def __init__(
        self,
        source: Source,
        sample_rate: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        rate = getattr(source, "sample_rate", None) if sample_rate is None else sample_rate
        if rate is None or not rate > 0:
            message = "sample_rate must be a positive number of samples per second, such as model.sample_rate, got"
            raise ValueError(f"{message} {rate}")
        self._source: Any = source
        self.sample_rate: int = rate
        self._clock = clock
        self._sleep = sleep
        self.is_paused = False
        self.position = 0.0
        self._due = clock()
        self._seeks: deque[Seek] = deque(maxlen=1)  # the newest one that has not been followed yet

    @property
    def title(self) -> str:
        """The source's title."""
        return title_of(self._source)

    @property
    def behind(self) -> float:
        """How long ago the newest piece was due [s]."""
        return max(0.0, self._clock() - self._due)

    def status(self) -> SourceStatus:
        """Return what the source says of itself, with the position and the delay of what was handed out."""
        return replace(status_of(self._source), position=self.position, behind=self.behind, is_paused=self.is_paused)

    def seek(self, position: float) -> None:
        """Go on at another place; the stream has a `Seek` there. Safe from any thread.

        Parameters
        ----------
        position : float
            Time in the source [s]; not before its start. Behind its end the stream ends.

        Raises
        ------
        TypeError
            If the source has no ``blocks_from(position)``, as a `FileSource` has.
        ValueError
            If `position` is not a number.
        """
        if not callable(getattr(self._source, "blocks_from", None)):
            raise TypeError(f"only a source with blocks_from, such as a FileSource, can be sought in: {self._source!r}")
        self._seeks.append(Seek(max(position, getattr(self._source, "start", 0.0))))

    def __iter__(self) -> Iterator[Block | Gap | Seek]:
        """Yield the pieces; while paused, empty ones."""
        self._due = self._clock()
        self.position = 0.0
        blocks = iter(self._source)
        try:
            yield from self._paced(blocks)
            while self._seeks:
                seek = self._seeks.pop()
                _close(blocks)
                blocks = self._source.blocks_from(seek.position)
                self._due, self.position = self._clock(), seek.position
                yield seek
                yield from self._paced(blocks)
        finally:
            self._seeks.clear()
            _close(blocks)

    def _paced(self, blocks: Iterator[Block | Gap | Seek]) -> Iterator[Block | Gap | Seek]:
        """Yield the pieces of blocks until they end, or somebody seeks."""
        length = max(1, round(_PIECE * self.sample_rate))
        for block in blocks:
            if isinstance(block, Gap):
                self.position += block.samples / self.sample_rate
            elif isinstance(block, Seek):
                self.position = block.position
            if isinstance(block, Gap | Seek):
                yield block
                continue
            for start in range(0, len(block), length):
                piece = block[start : start + length]
                yield from self._pause()
                if self._seeks:
                    return
                self._due += len(piece) / self.sample_rate
                self.position += len(piece) / self.sample_rate
                if (wait := self._due - self._clock()) > 0:
                    self._sleep(wait)
                yield piece

    def close(self) -> None:
        """Close the source, if it can be closed."""
        _close(self._source)

    def _pause(self) -> Iterator[Block]:
        while self.is_paused and not self._seeks:
            began = self._clock()
            self._sleep(_PIECE)
            yield _NOTHING
            self._due += self._clock() - began


def _close(owner: object) -> None:
    if close := getattr(owner, "close", None):
        close()

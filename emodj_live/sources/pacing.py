"""Slow a source down to the speed of the music."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from emodj_live.blocks import Block, Gap, Source, SourceStatus, status_of, title_of

_PIECE = 0.03  # [s] so that it yields at least 30 times a second
_NOTHING = np.empty(0, np.float32)


class PacedSource:
    """A source's audio in small pieces, each when its last sample is due.

    Parameters
    ----------
    source : iterable of ndarray of float32 or Gap
        What to slow down. A `Gap` passes at once.
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
        self._source = source
        self.sample_rate: int = rate
        self._clock = clock
        self._sleep = sleep
        self.is_paused = False
        self.position = 0.0
        self._due = clock()

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

    def __iter__(self) -> Iterator[Block | Gap]:
        """Yield the pieces; while paused, empty ones."""
        length = max(1, round(_PIECE * self.sample_rate))
        self._due = self._clock()
        self.position = 0.0
        blocks = iter(self._source)
        try:
            yield from self._paced(blocks, length)
        finally:
            if close := getattr(blocks, "close", None):
                close()

    def _paced(self, blocks: Iterator[Block | Gap], length: int) -> Iterator[Block | Gap]:
        for block in blocks:
            if isinstance(block, Gap):
                self.position += block.samples / self.sample_rate
                yield block
                continue
            for start in range(0, len(block), length):
                piece = block[start : start + length]
                yield from self._pause()
                self._due += len(piece) / self.sample_rate
                self.position += len(piece) / self.sample_rate
                if (wait := self._due - self._clock()) > 0:
                    self._sleep(wait)
                yield piece

    def close(self) -> None:
        """Close the source, if it can be closed."""
        if close := getattr(self._source, "close", None):
            close()

    def _pause(self) -> Iterator[Block]:
        while self.is_paused:
            began = self._clock()
            self._sleep(_PIECE)
            yield _NOTHING
            self._due += self._clock() - began

"""Let a source come at the speed of the music instead of as fast as it can."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from emodj_live.blocks import Gap

_PIECE = 0.05  # [s]
_NOTHING = np.empty(0, np.float32)


class PacedSource:
    """A source's audio in small pieces, each when its last sample would have been heard.

    Parameters
    ----------
    source : iterable of ndarray of float32 or Gap
        What to slow down. A `Gap` passes at once.
    sample_rate : int, optional
        Of the source [Hz]; needed where that has no `sample_rate` of its own.
    clock, sleep : callable
        Time that passes [s], and how to wait for it.

    Attributes
    ----------
    heard : float
        Position in the stream, gaps included [s].
    is_paused : bool
        Set it to pause.

    Raises
    ------
    ValueError
        If the sample rate is not known or not positive.
    """

    def __init__(
        self,
        source: Iterable[NDArray[np.float32] | Gap],
        sample_rate: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        rate = getattr(source, "sample_rate", None) if sample_rate is None else sample_rate
        if rate is None or not rate > 0:
            message = "sample_rate must be a positive number of samples per second, such as model.spec.sample_rate, got"
            raise ValueError(f"{message} {rate}")
        self._source = source
        self.sample_rate: int = rate
        self._clock = clock
        self._sleep = sleep
        self.is_paused = False
        self.heard = 0.0
        self._due = clock()

    @property
    def behind(self) -> float:
        """How long ago the newest piece should have been heard [s]."""
        return max(0.0, self._clock() - self._due)

    def __iter__(self) -> Iterator[NDArray[np.float32] | Gap]:
        """Yield the pieces; while paused, empty ones."""
        length = max(1, round(_PIECE * self.sample_rate))
        self._due = self._clock()
        self.heard = 0.0
        blocks = iter(self._source)
        try:
            yield from self._paced(blocks, length)
        finally:
            if close := getattr(blocks, "close", None):
                close()

    def _paced(self, blocks: Iterator[NDArray[np.float32] | Gap], length: int) -> Iterator[NDArray[np.float32] | Gap]:
        for block in blocks:
            if isinstance(block, Gap):
                self.heard += block.samples / self.sample_rate
                yield block
                continue
            for start in range(0, len(block), length):
                piece = block[start : start + length]
                yield from self._pause()
                self._due += len(piece) / self.sample_rate
                self.heard += len(piece) / self.sample_rate
                if (wait := self._due - self._clock()) > 0:
                    self._sleep(wait)
                yield piece

    def close(self) -> None:
        """Close the source, if it can be closed."""
        if close := getattr(self._source, "close", None):
            close()

    def _pause(self) -> Iterator[NDArray[np.float32]]:
        while self.is_paused:
            began = self._clock()
            self._sleep(_PIECE)
            yield _NOTHING
            self._due += self._clock() - began

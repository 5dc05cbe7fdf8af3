"""Blocks in, windows out: where a stream of any-sized pieces becomes windows on a fixed grid.

One buffer and one position, so that the windows depend on the samples alone and never on how they were cut.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from emodj_live.blocks import Block, Gap

_WINDOWS_PER_BATCH = 16


class RingBuffer:
    """Cut a stream into windows of equal length and distance, in constant memory.

    Parameters
    ----------
    window_length : int
        Samples in a window.
    step : int
        Samples from the start of one window to the start of the next. Smaller than `window_length` means overlap;
        larger leaves samples out.

    Raises
    ------
    ValueError
        If either is smaller than 1.

    Examples
    --------
    >>> ring = RingBuffer(window_length=3, step=2)
    >>> for ends, windows in ring.push(np.arange(6, dtype=np.float32)):
    ...     print(list(ends), windows.tolist())
    [3, 5] [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]]
    """

    def __init__(self, window_length: int, step: int) -> None:
        if window_length < 1 or step < 1:
            raise ValueError(f"window_length and step must be at least 1, got {window_length} and {step}")
        self.window_length = window_length
        self.step = step
        self._buffer = np.empty(window_length + (_WINDOWS_PER_BATCH - 1) * min(step, window_length), np.float32)
        self.clear()

    def clear(self) -> None:
        """Forget everything: the next sample is the first of a new stream."""
        self._position = 0
        self._restart()

    def _restart(self) -> None:
        self._fill = 0  # samples in the buffer; the next window starts at its beginning
        self._skip = 0  # samples to leave out before the next window starts

    def move(self, position: int) -> None:
        """Go on at another place of the stream; windows start afresh with the next sample.

        Parameters
        ----------
        position : int
            Of the next sample, counted from the stream's first.
        """
        self._position = position
        self._restart()

    def push(self, block: Block | Gap) -> Iterator[tuple[range, NDArray[np.float32]]]:
        """Take in a block and yield the windows that it completes.

        Parameters
        ----------
        block : ndarray of float32, shape (n,), or Gap
            The next samples, or how many were lost. After a gap, windows start afresh with the next
            sample.

        Yields
        ------
        ends : range, length k
            Position of the end of each window: samples since the stream's first, gaps included, or as `move` said.
        windows : ndarray of float32, shape (k, window_length)
            Read-only view, valid until the next one is asked for.
        """
        if isinstance(block, Gap):
            self.move(self._position + block.samples)
            return
        while block.size:
            block = self._take(block)
            count = max(0, (self._fill - self.window_length) // self.step + 1)
            if count:
                first_end = self._position - self._fill + self.window_length
                ends = range(first_end, first_end + count * self.step, self.step)
                windows = np.lib.stride_tricks.sliding_window_view(self._buffer, self.window_length)
                yield ends, windows[: (count - 1) * self.step + 1 : self.step]
                self._drop(count * self.step)

    def _take(self, block: Block) -> Block:
        """Copy what fits and return the rest of the block."""
        skipped = min(self._skip, block.size)
        taken = min(block.size - skipped, self._buffer.size - self._fill)
        self._buffer[self._fill : self._fill + taken] = block[skipped : skipped + taken]
        self._skip -= skipped
        self._fill += taken
        self._position += skipped + taken
        return block[skipped + taken :]

    def _drop(self, count: int) -> None:
        """Move the buffer's beginning on by `count` samples, some of which may still have to come."""
        kept = max(0, self._fill - count)
        self._skip = max(0, count - self._fill)
        self._buffer[:kept] = self._buffer[count : count + kept]
        self._fill = kept

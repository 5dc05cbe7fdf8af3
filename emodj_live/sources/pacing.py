"""Let a source come at the speed of the music instead of as fast as it can."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from emodj_live.ring import Gap

_PIECE_SECONDS = 0.05


def paced(
    source: Iterable[NDArray[np.float32] | Gap],
    sample_rate: int,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[NDArray[np.float32] | Gap]:
    """Yield a source's audio in small pieces, each when its last sample would have been heard.

    Parameters
    ----------
    source : iterable of ndarray of float32 or Gap
        What to slow down. A `Gap` passes at once.
    sample_rate : int
        Of the source [Hz].
    clock, sleep : callable
        Time that passes [s], and how to wait for it.

    Yields
    ------
    ndarray of float32 or Gap
    """
    length = max(1, round(_PIECE_SECONDS * sample_rate))
    began = clock()
    heard = 0
    for block in source:
        if isinstance(block, Gap):
            yield block
            continue
        for start in range(0, len(block), length):
            piece = block[start : start + length]
            heard += len(piece)
            if (wait := began + heard / sample_rate - clock()) > 0:
                sleep(wait)
            yield piece

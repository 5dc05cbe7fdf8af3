"""What a tracker takes in: sources, opened and closed whatever happens, and their blocks, checked."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from emodj_live.ring import BEYOND_REASON, Gap

logger = logging.getLogger(__name__)


@contextmanager
def opened(source: Iterable[NDArray[np.float32] | Gap]) -> Iterator[Iterator[NDArray[np.float32] | Gap]]:
    """Iterate over a source, and close it however that ends.

    Parameters
    ----------
    source : iterable of ndarray of float32 or Gap
        If it or its iterator has a ``close()``, that is called at the end.

    Yields
    ------
    iterator of ndarray of float32 or Gap

    Raises
    ------
    TypeError
        If it is no source but a path or a single array.
    """
    if isinstance(source, str | bytes | os.PathLike):
        raise TypeError(f"a source must yield blocks of samples; for a file take FileSource({source!r})")
    if isinstance(source, np.ndarray) and source.ndim < 2:
        raise TypeError("a source must yield blocks of samples; for one array take [array]")
    owners: list[object] = [source]
    try:
        blocks = iter(source)
        if blocks is not source:
            owners.insert(0, blocks)
        yield blocks
    except BaseException:
        if failure := _close(owners):
            logger.warning("the source could not be closed: %s", failure)
        raise
    if failure := _close(owners):
        raise failure


def _close(owners: list[object]) -> Exception | None:
    """Close what can be closed, and return the first failure."""
    failure = None
    for owner in owners:
        if close := getattr(owner, "close", None):
            try:
                close()
            except Exception as error:
                failure = failure or error
    return failure


def checked(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a block of a caller's as float32, or say what is wrong with it.

    Parameters
    ----------
    block : ndarray of float, shape (n,)

    Returns
    -------
    ndarray of float32, shape (n,)

    Raises
    ------
    TypeError
        If it does not hold floating-point numbers.
    ValueError
        If it is not one-dimensional or has samples that are not finite, or a thousand times full scale.
    """
    block = np.asarray(block)
    if block.dtype.kind != "f":
        raise TypeError(f"a block must hold floating-point samples, got {block.dtype}; Adaptor converts any audio")
    if block.ndim != 1:
        raise ValueError(f"a block must be mono, of shape (n,), got {block.shape}; Adaptor converts any audio")
    if not (np.abs(block) < BEYOND_REASON).all():
        raise ValueError("a block must hold finite samples with full scale +-1, got NaN, infinity or huge ones")
    return block.astype(np.float32, copy=False)

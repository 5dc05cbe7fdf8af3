"""What flows: blocks of samples, the marks between them, and what a source says of itself.

A source is any iterable of blocks and a sink any callable that takes an `Emotion`. Neither has a base class: a test's
source is ``[array]``, and ``print`` is a sink. What a source may offer beyond its blocks is optional: ``sample_rate``,
``title``, ``status()`` and ``close()``. The functions here ask for it, so that nobody else has to.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Emotion

logger = logging.getLogger(__name__)

LARGEST_SAMPLE = 1000.0  # full scale is 1: no music has such a sample


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio that a source lost: time moves on by that much, and no emotion is made up for it.

    Attributes
    ----------
    samples : int
        Length of the gap, at the model's sample rate.

    Raises
    ------
    ValueError
        If `samples` is not a non-negative integer.
    """

    samples: int

    def __post_init__(self) -> None:
        if isinstance(self.samples, bool) or not isinstance(self.samples, int | np.integer) or self.samples < 0:
            raise ValueError(f"samples must be a non-negative integer, got {self.samples!r}")


@dataclass(frozen=True, slots=True)
class Seek:
    """The stream goes on at another place of the song: what was heard before is forgotten, and time counts from there.

    Attributes
    ----------
    position : float
        Time in the song of the next sample [s].

    Raises
    ------
    ValueError
        If `position` is not 0 or a positive number.
    """

    position: float

    def __post_init__(self) -> None:
        is_number = isinstance(self.position, int | float | np.number) and not isinstance(self.position, bool)
        if not (is_number and 0 <= self.position < math.inf):
            raise ValueError(f"position must be 0 or a positive number of seconds, got {self.position!r}")


Block: TypeAlias = NDArray[np.float32]
"""Consecutive samples: mono float32 of shape (n,), any n, full scale is +-1."""

Source: TypeAlias = Iterable[Block | Gap | Seek]
"""Any iterable of blocks; it may also yield a `Gap` where audio was lost, and a `Seek` where it goes on elsewhere."""

Sink: TypeAlias = Callable[[Emotion], object]
"""Any callable that takes an `Emotion`; what it returns is ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """How a source is doing: what dashboards, pages and players show beside the emotions.

    Attributes
    ----------
    position : float
        Time in the stream up to which audio was handed out, gaps included [s].
    length : float or None
        Length of the stream [s]; None if it is unknown or has no end.
    is_length_exact : bool
        Whether `length` is exact; otherwise it is an estimate.
    input_rate : float or None
        Sample rate of the file, stream or device itself [Hz]; None while it is unknown.
    channels : int or None
        Channels of the file, stream or device itself; None while they are unknown.
    lost : float
        Audio lost so far [s].
    underflows : int
        How many times an output device ran out of audio.
    behind : float or None
        How long ago the newest audio that was handed out was heard [s]; None if that has no meaning.
    is_paused : bool
        Whether the source is paused.
    is_connected : bool
        Whether audio arrives; False while a device is away.
    alarm : str
        What is wrong with the source now, in words; empty if nothing is.
    """

    position: float = 0.0
    length: float | None = None
    is_length_exact: bool = True
    input_rate: float | None = None
    channels: int | None = None
    lost: float = 0.0
    underflows: int = 0
    behind: float | None = None
    is_paused: bool = False
    is_connected: bool = True
    alarm: str = ""


def status_of(source: object) -> SourceStatus:
    """Return what a source says of itself; the defaults if it says nothing.

    Parameters
    ----------
    source : Source

    Returns
    -------
    SourceStatus
    """
    status = getattr(source, "status", None)
    return status() if callable(status) else SourceStatus()


def title_of(source: object) -> str:
    """Return the title of a source; empty if it has none.

    Parameters
    ----------
    source : Source

    Returns
    -------
    str
    """
    return str(getattr(source, "title", ""))


def check_source(source: Source, sample_rate: float) -> None:
    """Refuse what cannot be tracked.

    Parameters
    ----------
    source : Source
    sample_rate : float
        The model's [Hz].

    Raises
    ------
    TypeError
        If the source is a path or a single array.
    ValueError
        If the source has a ``sample_rate`` and it is not the model's.
    """
    if isinstance(source, str | bytes | os.PathLike):
        raise TypeError(f"a source must yield blocks of samples; for a file, use FileSource({source!r})")
    if isinstance(source, np.ndarray) and source.ndim < 2:
        raise TypeError("a source must yield blocks of samples; for one array, use [array]")
    rate = getattr(source, "sample_rate", None)
    if rate is not None and rate != sample_rate:
        raise ValueError(
            f"the source yields audio at {rate} Hz but the model expects {sample_rate} Hz; "
            f"pass sample_rate={sample_rate} to the source"
        )


@contextmanager
def iterating(source: Source) -> Iterator[Iterator[Block | Gap | Seek]]:
    """Iterate over a source, and close it however that ends.

    Parameters
    ----------
    source : Source
        If it or its iterator has a ``close()``, that is called at the end.

    Yields
    ------
    iterator of ndarray of float32, Gap or Seek
    """
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


def checked(block: NDArray[np.floating]) -> Block:
    """Return a caller's block as float32, or raise an error that says what is wrong with it.

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
        If it is not one-dimensional, or has samples that are not finite or are a thousand times full scale.
    """
    block = np.asarray(block)
    if block.dtype.kind != "f":
        raise TypeError(f"a block must hold floating-point samples, got {block.dtype}; Adapter converts other audio")
    if block.ndim != 1:
        raise ValueError(f"a block must be mono, of shape (n,), got {block.shape}; Adapter converts other audio")
    if not (np.abs(block) < LARGEST_SAMPLE).all():
        raise ValueError("a block must hold finite samples with full scale +-1, got NaN, infinity or huge values")
    return block.astype(np.float32, copy=False)

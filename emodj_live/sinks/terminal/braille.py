"""Braille characters: eight dots to a cell, two across and four down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.int32)
_BLANK = 0x2800


def braille(dots: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the characters for some dots.

    Parameters
    ----------
    dots : ndarray of bool, shape (4 * height, 2 * width)

    Returns
    -------
    ndarray of int32, shape (height, width)
        Spaces where there is no dot.
    """
    height, width = dots.shape[0] // 4, dots.shape[1] // 2
    bits = (dots.reshape(height, 4, width, 2) * _BITS[:, np.newaxis]).sum(axis=(1, 3), dtype=np.int32)
    return np.where(bits > 0, _BLANK + bits, ord(" ")).astype(np.int32)


def cells_of(dots: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return in which cells there is a dot: shape (height, width)."""
    found: NDArray[np.bool_] = dots.reshape(dots.shape[0] // 4, 4, dots.shape[1] // 2, 2).any(axis=(1, 3))
    return found

"""The cover of a song in half blocks: two pixels to a cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emodj_live.sinks.terminal.frame import GLYPH, GROUND, INK, UPPER_HALF, WEIGHT, Cells
from emodj_live.sinks.terminal.look import Look
from emodj_live.sinks.terminal.memo import remembering


@remembering
def paint(picture: NDArray[np.uint8], width: int, height: int, look: Look) -> Cells:
    """Paint a picture as large as it fits, in the middle of some cells.

    Parameters
    ----------
    picture : ndarray of uint8, shape (rows, columns, 3)
    width, height : int
        In cells.
    look : Look

    Returns
    -------
    ndarray of int32, shape (4, height, width)
        As a frame's.
    """
    rows, columns, _ = picture.shape
    scale = min(width / columns, 2 * height / rows)
    across, down = max(1, round(columns * scale)), max(1, round(rows * scale))
    pixels = np.full((2 * height, width, 3), np.nan, np.float32)
    top, left = (2 * height - down) // 2, (width - across) // 2
    pixels[top : top + down, left : left + across] = _resized(
        picture.astype(np.float32) / np.float32(255), across, down
    )
    is_empty = np.isnan(pixels[..., 0])
    colors = look.paint(np.nan_to_num(pixels))
    colors[is_empty] = look.color(look.background)
    cells = np.zeros((4, height, width), np.int32)
    cells[GLYPH], cells[INK], cells[GROUND], cells[WEIGHT] = UPPER_HALF, colors[::2], colors[1::2], 0
    return cells


def _resized(picture: NDArray[np.float32], across: int, down: int) -> NDArray[np.float32]:
    """Return a picture in another size: each pixel is the mean of what it covers."""
    return _shrunk(_shrunk(picture, down).swapaxes(0, 1), across).swapaxes(0, 1)


def _shrunk(picture: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Resize along the first axis, by differences of the running sum."""
    sums = np.concatenate([np.zeros((1, *picture.shape[1:]), np.float32), np.cumsum(picture, axis=0)])
    edges = np.linspace(0, len(picture), length + 1)
    whole = np.minimum(edges.astype(np.intp), len(picture) - 1)
    rest = (edges - whole).astype(np.float32)[:, np.newaxis, np.newaxis]
    at_edges = sums[whole] + rest * (sums[whole + 1] - sums[whole])
    shrunk: NDArray[np.float32] = np.diff(at_edges, axis=0) * np.float32(length / len(picture))
    return shrunk

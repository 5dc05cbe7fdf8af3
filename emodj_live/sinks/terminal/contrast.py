"""Colors that can be told from what is behind them, for many at once: `emodj_live.colors.contrast` is for two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLEAR = 3.0  # contrast of shapes, as WCAG 2 asks for
_MIDDLE = 0.179  # luminance from which black has more contrast than white
_SHADES = 21  # from a color to black or white


def luminance(colors: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return how bright colors are, as WCAG 2 defines it, of red, green and blue in [0, 1]: shape (..., 3) to (...)."""
    light = np.where(colors > 0.04045, ((np.maximum(colors, 0) + 0.055) / 1.055) ** 2.4, colors / 12.92)
    bright: NDArray[np.floating] = light @ np.array([0.2126, 0.7152, 0.0722])
    return bright


def contrasts(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the contrast of colors, shape (..., 3), to others: as `emodj_live.colors.contrast`."""
    bright, other = luminance(first) + 0.05, luminance(second) + 0.05
    return np.asarray(np.maximum(bright / other, other / bright))


def clear(colors: NDArray[np.floating], grounds: NDArray[np.floating], least: float = CLEAR) -> NDArray[np.floating]:
    """Return colors that have contrast to what is behind them: darker or brighter ones, where they lack it.

    Parameters
    ----------
    colors, grounds : ndarray, shape (..., 3)
        Red, green and blue, each in [0, 1].
    least : float
        The contrast.

    Returns
    -------
    ndarray, shape (..., 3)
    """
    found = np.array(np.clip(colors, 0, 1), np.float64)
    grounds = np.broadcast_to(grounds, colors.shape)
    lacks = contrasts(found, grounds) < least
    if not lacks.any():
        return found
    lacking, behind = colors[lacks], grounds[lacks]
    goals = (luminance(behind) < _MIDDLE).astype(np.float64)[..., np.newaxis]
    steps = np.linspace(0, 1, _SHADES)[:, np.newaxis, np.newaxis]
    shades = lacking + steps * (goals - lacking)
    first = (contrasts(shades, behind) >= least).argmax(axis=0)
    found[lacks] = shades[first, np.arange(len(first))]
    return found

"""Colors between colors."""

from __future__ import annotations


def blend(first: str, second: str, share: float) -> str:
    """Mix two colors.

    Parameters
    ----------
    first, second : str
        As ``#rrggbb``.
    share : float
        Of the second, from 0 to 1.

    Returns
    -------
    str
        As ``#rrggbb``.
    """
    pairs = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)

"""Whether the terminal's background is dark or light: said by the user, by the terminal, by its environment, or guessed."""

from __future__ import annotations

import os
from collections.abc import Mapping

from emodj_live.sinks.terminal.look import DARK, LIGHT

VARIABLE = "EMODJ_BACKGROUND"
NAMES = {"dark": DARK, "light": LIGHT}
_LIGHT_NUMBERS = {"7", *map(str, range(9, 16))}  # of the palette
_MUTE = {"linux", "dumb", "unknown"}  # terminals that are not asked, because some of them write the question out


def chosen(name: str | None = None, environment: Mapping[str, str] = os.environ) -> str:
    """Return the background that was asked for.

    Parameters
    ----------
    name : str, optional
        "dark" or "light"; by default what the environment says.
    environment : mapping
        Its ``EMODJ_BACKGROUND`` may be "dark" or "light".

    Returns
    -------
    str
        As ``#rrggbb``; empty if none was.

    Raises
    ------
    ValueError
        If `name` is something else.
    """
    if name is not None and name not in NAMES:
        raise ValueError(f"background must be 'dark' or 'light', got {name!r}")
    return NAMES.get(name or environment.get(VARIABLE, ""), "")


def guessed(environment: Mapping[str, str] = os.environ) -> str:
    """Return the background that the environment hints at, as ``#rrggbb``: a dark one if it does not."""
    number = environment.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT if number in _LIGHT_NUMBERS else DARK


def may_ask(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the terminal can be asked for its background."""
    return environment.get("TERM", "") not in _MUTE

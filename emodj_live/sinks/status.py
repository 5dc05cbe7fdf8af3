"""What a dashboard shows of the source, apart from its emotions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """What there is to say of a source.

    Attributes
    ----------
    title : str
        Song or device.
    detail : str
        Rate, channels, losses and the like.
    position : float
        Where in the stream we are [s].
    length : float or None
        Of the stream, if it has an end [s].
    is_length_exact : bool
        Otherwise it is an estimate.
    behind : float or None
        How far the display is behind the sound [s].
    alarm : str
        What is wrong with the source now; empty if nothing is.
    """

    title: str
    detail: str = ""
    position: float = 0.0
    length: float | None = None
    is_length_exact: bool = True
    behind: float | None = None
    alarm: str = ""

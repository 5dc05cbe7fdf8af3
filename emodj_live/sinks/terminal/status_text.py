"""What a source says of itself, in words."""

from __future__ import annotations

from emodj_live.blocks import SourceStatus


def describe(status: SourceStatus) -> str:
    """Return what comes in and what went wrong with it so far: "44100 Hz, 2 channels, 0.50 s lost, 3 underflows".

    Parameters
    ----------
    status : SourceStatus

    Returns
    -------
    str
        Empty if there is nothing to say.
    """
    parts = []
    if status.input_rate is not None:
        parts.append(f"{status.input_rate:.10g} Hz")
    if status.channels is not None:
        parts.append(_counted(status.channels, "channel"))
    if status.lost:
        parts.append(f"{status.lost:.2f} s lost")
    if status.underflows:
        parts.append(_counted(status.underflows, "underflow"))
    return ", ".join(parts)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def alarm_of(status: SourceStatus) -> str:
    """Return what is wrong with the source now, or else that it is paused; empty if neither is so.

    Parameters
    ----------
    status : SourceStatus

    Returns
    -------
    str
    """
    return status.alarm or ("paused: press space to continue" if status.is_paused else "")

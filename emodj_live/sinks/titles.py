"""Titles for other programs: a file may be called anything, and a network or a program does not take everything."""

from __future__ import annotations

_LONGEST = 1000  # characters: a datagram has room for some 60 000 bytes


def sendable(title: str) -> str:
    r"""Return a title or a name that every program can read.

    Parameters
    ----------
    title : str
        Such as one made of a file's name, which may have bytes that stand for no character.

    Returns
    -------
    str
        At most 1000 characters, all of which UTF-8 can write; "?" stands for the others.

    Examples
    --------
    >>> sendable("caf\udce9.mp3")
    'caf?.mp3'
    """
    return title[:_LONGEST].encode(errors="replace").decode()

"""What a song is called: where its name is shown large, and for programs that do not take every name."""

from __future__ import annotations

import re

_FILE_TYPE = re.compile(r"\.(aac|aiff?|ape|au|caf|flac|m4a|mka|mp[234]|oga|ogg|opus|wav|webm|wma|wv)$", re.IGNORECASE)
_LONGEST = 1000  # characters: a datagram has room for some 60 000 bytes


def bare(title: str) -> str:
    """Return a title without the suffix of an audio file, which it has if it is only the file's name.

    Parameters
    ----------
    title : str

    Returns
    -------
    str

    Examples
    --------
    >>> bare("01 Song.flac")
    '01 Song'
    """
    return _FILE_TYPE.sub("", title)


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

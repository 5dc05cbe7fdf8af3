"""What a song is called where its name is shown large: on the screen and on posters."""

from __future__ import annotations

import re

_FILE_TYPE = re.compile(r"\.(aac|aiff?|ape|au|caf|flac|m4a|mka|mp[234]|oga|ogg|opus|wav|webm|wma|wv)$", re.IGNORECASE)


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

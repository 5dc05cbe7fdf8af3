"""The song that somebody means, also if it is not in the index: it is listened to then."""

from __future__ import annotations

import os

from emodj_live.library.index import Library
from emodj_live.library.song import Song
from emodj_live.listener import Model


def locate(library: Library, name: str, model: Model | None = None) -> Song:
    """Return the song that a name means.

    Parameters
    ----------
    library : Library
    name : str
        An id, the path of a file, or a part of artist and title or of a path, as for `Library.find`.
    model : Model, optional
        Listens to a file that is not in the index; by default the bundled one.

    Returns
    -------
    Song
        Without an id if it is not in the index.

    Raises
    ------
    LibraryError
        If no song fits, or several do.
    SourceError
        If there is such a file, but it is not in the index and cannot be listened to.
    """
    is_new = not name.isdecimal() and library.song_at(name) is None and os.path.isfile(name)  # noqa: PTH113
    if not is_new:
        return library.find(name)
    from emodj_live.profile import analyze

    return Song.from_profile(name, analyze(name, model))

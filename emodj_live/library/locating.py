"""The song that somebody means, also if it is not in the index: it is listened to then."""

from __future__ import annotations

import logging
import os

from emodj_live.kinds import model_from_bytes
from emodj_live.library.analysis import model_digest, read_model
from emodj_live.library.index import Library
from emodj_live.library.song import Song
from emodj_live.profile import analyze

logger = logging.getLogger(__name__)


def locate(library: Library, name: str, model: str | os.PathLike[str] | None = None) -> Song:
    """Return the song that a name means.

    Parameters
    ----------
    library : Library
    name : str
        The id of a song, the path of a file, in the index or not, or what else `Library.find` takes.
    model : path-like, optional
        The model file that listens to a file that is not in the index, as for `load_model`.

    Returns
    -------
    Song
        Without an id if it is not in the index.

    Raises
    ------
    LibraryError
        If no song fits, or several do.
    ModelError
        If the model is needed and cannot be loaded.
    SourceError
        If the file is not in the index, and cannot be listened to.
    """
    is_new = not name.isdecimal() and os.path.isfile(name) and library.song_at(name) is None  # noqa: PTH113 (long names)
    return _listen_to(library, name, model) if is_new else library.find(name)


def _listen_to(library: Library, name: str, model: str | os.PathLike[str] | None) -> Song:
    data = read_model(model)
    newest = library.query("SELECT model FROM song ORDER BY id DESC LIMIT 1")
    if newest and newest[0]["model"] != model_digest(data):
        logger.warning("%s: is compared with songs that another model has listened to; scan those again.", name)
    return Song.from_profile(name, analyze(name, model_from_bytes(data)))

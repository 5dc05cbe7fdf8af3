"""What can be known about an audio file without listening to it, and about what would decode it."""

from __future__ import annotations

import os
from contextlib import suppress

import soundfile

from emodj_live.sources import ffmpeg

_NAMES = "title", "artist", "album"


def names(path: str | bytes | os.PathLike[str]) -> dict[str, str]:
    """Return what libsndfile finds of a file's title, artist and album.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    dict of str
        Those that it finds, as they stand in the file.
    """
    with suppress(OSError, soundfile.LibsndfileError), soundfile.SoundFile(os.fsencode(path)) as file:
        return {name: said for name in _NAMES if (said := getattr(file, name))}
    return {}


def decoders() -> str:
    """Return what decodes files here; what one could not decode, a newer one may.

    Returns
    -------
    str
        Such as "libsndfile 1.2.2, ffmpeg".
    """
    return f"libsndfile {soundfile.__libsndfile_version__}{', ffmpeg' if ffmpeg.is_available() else ''}"

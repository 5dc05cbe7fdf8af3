"""Which module knows the tags of a file: by the bytes that it begins with."""

from __future__ import annotations

import io
from typing import IO

from emodj_live.library.tagging import flac, iff, mp4, ogg
from emodj_live.library.tagging.edits import KindError, Tags, TagsError
from emodj_live.library.tagging.id3 import Tag
from emodj_live.library.tagging.id3_fields import Id3Tags

_MPEG_NAMES = ".mp3", ".mp2", ".mpga", ".aac"  # of files that may begin with anything


def open_tags(file: IO[bytes], name: str) -> Tags:
    """Find out the kind of a file, and read its fields.

    Parameters
    ----------
    file : binary file
        As long as the tags are used.
    name : str
        Of the file, for its extension.

    Returns
    -------
    Tags

    Raises
    ------
    TagsError
        If files of this kind cannot be tagged, or this one is damaged.
    """
    file.seek(0)
    start = file.read(12)
    if start[:4] == flac.MAGIC:
        return flac.FlacTags(file)
    if start[:4] == ogg.MAGIC:
        return ogg.OggTags(file)
    if start[:4] in iff.MAGICS:
        return iff.IffTags(file)
    if start[4:8] == mp4.MAGIC:
        return mp4.Mp4Tags(file)
    if start[:3] == b"ID3":
        return _after_id3(file)
    if (start[:1] == b"\xff" and start[1] >= 0xE0) or name.lower().endswith(_MPEG_NAMES):
        return Id3Tags(None)
    raise KindError("its kind of file is not supported, only MP3, FLAC, Ogg, Opus, MP4 (m4a), WAV and AIFF")


def _after_id3(file: IO[bytes]) -> Tags:
    """Return the tags of a file that begins with an ID3 tag: in front of FLAC that is none of its own."""
    try:
        tag = Tag(file)
    except ValueError:
        raise TagsError("its ID3 tag is damaged") from None
    if tag.end > file.seek(0, io.SEEK_END):
        raise TagsError("its ID3 tag is damaged")
    file.seek(tag.end)
    return flac.FlacTags(file, tag.end) if file.read(4) == flac.MAGIC else Id3Tags(tag)

"""What a file says of its song: title, artist, album, cover. The one module that reads with mutagen.

Files come from anywhere, so nothing in here raises an error, and nothing takes much memory: mutagen reads at most a few
megabytes of a file, and of ID3 only those frames that are wanted, because it would decompress all of them.
"""

from __future__ import annotations

import base64
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from emodj_live.errors import one_line
from emodj_live.library.tagging import flac, ogg
from emodj_live.library.tagging.id3 import Tag
from emodj_live.library.tagging.iff import MAGICS, find_chunk

if TYPE_CHECKING:
    from PIL.Image import Image

_LARGEST_TEXT = 1 << 16  # [bytes] of a frame that may be a title
_LONGEST_TEXT = 200  # of a title, an artist or an album
_MOST_READ = 1 << 23  # [bytes] of a file, of which mutagen takes a few times as much
_CALL = 64  # [bytes] that a call counts as, so that there are not too many small pieces
_MOST_PIXELS = 1 << 24  # of a cover, which takes 64 MB
_V1 = 128  # [bytes] of an ID3v1 tag
_FRAMES = "TIT2", "TPE1", "TALB", "TT2", "TP1", "TAL"
_TITLE = "tit2", "title", "\xa9nam"
_ARTIST = "tpe1", "artist", "\xa9art", "author"
_ALBUM = "talb", "album", "\xa9alb", "wm/albumtitle"


@dataclass(frozen=True, slots=True)
class SongTags:
    """What a file says of its song: each one printable line of at most 200 characters, or None.

    Attributes
    ----------
    title, artist, album : str or None
    """

    title: str | None = None
    artist: str | None = None
    album: str | None = None


def read(path: str | bytes | os.PathLike[str]) -> SongTags:
    """Read title, artist and album of a file, if mutagen is installed.

    Parameters
    ----------
    path : path-like
        MP3, FLAC, Ogg Vorbis, Opus, MP4 (m4a), WAV and AIFF with ID3, WMA, Monkey's Audio, WavPack, Musepack ...

    Returns
    -------
    SongTags
        Without what it does not say, or what cannot be read.

    Examples
    --------
    >>> read("no such file")
    SongTags(title=None, artist=None, album=None)
    """
    try:
        with _opened(path) as file:
            texts = _texts(file)
    except Exception:  # damaged tags surprise mutagen in many ways
        return SongTags()
    return SongTags(*(next((texts[key] for key in keys if key in texts), None) for keys in (_TITLE, _ARTIST, _ALBUM)))


def cover(path: str | bytes | os.PathLike[str], side: int = 512) -> Image | None:
    """Read the cover of a file, if mutagen and Pillow are installed.

    Parameters
    ----------
    path : path-like
        As for `read`.
    side : int
        What its longer side is at most [pixels].

    Returns
    -------
    PIL.Image.Image or None
        In RGB; None if there is no JPEG, PNG, GIF, WebP or BMP of at most 16 megapixels and 8 MB.

    Examples
    --------
    >>> cover("no such file") is None
    True
    """
    try:
        with _opened(path) as file:
            return _picture(_cover_bytes(file), side)
    except Exception:
        return None


@contextmanager
def _opened(path: str | bytes | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a regular file; a pipe might never answer."""
    name = Path(os.fsdecode(path))
    if not name.is_file():
        raise FileNotFoundError(name)
    with name.open("rb") as file:
        yield file


class _Bounded:
    """A file of which just some megabytes can be read, as mutagen sees it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = _MOST_READ
        self.name = file.name
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data) + _CALL
        if self._left <= 0:
            raise OSError("the tags are too large")
        return data


def _texts(file: IO[bytes]) -> dict[str, str]:
    """Return what the file says, by the names that its kind of tag uses, in lower case."""
    found: dict[str, str] = {}
    for key, value in _pairs(_tags(file, _FRAMES, _LARGEST_TEXT)):
        text = _line(value)
        if text:
            found.setdefault(key.lower(), text)
    return found


def _pairs(tags: Any) -> Iterator[tuple[str, Any]]:
    """Yield keys and values of any kind of tags."""
    for key in tags.keys() if tags is not None else ():
        yield key, tags[key]


def _line(value: Any) -> str | None:
    """Return one or several texts as one printable line, or None if nothing is left."""
    texts = getattr(value, "text", value)
    texts = list(texts) if isinstance(texts, list | tuple) else [texts]
    joined = ", ".join(dict.fromkeys(str(text) for text in texts[:_LONGEST_TEXT]))[: 4 * _LONGEST_TEXT]
    return one_line(" ".join(joined.split()))[:_LONGEST_TEXT].strip() or None


def _tags(file: IO[bytes], names: tuple[str, ...], largest: int) -> Any:
    """Return a mapping of what a file says, of ID3 only the frames of these names; None if there is nothing."""
    import mutagen
    import mutagen.id3

    tag = _id3(file)
    begin = tag.end if tag else 0
    file.seek(begin)
    magic = file.read(4)
    if magic in (flac.MAGIC, ogg.MAGIC):
        return (flac.FlacTags(file, begin) if magic == flac.MAGIC else ogg.OggTags(file)).found
    if tag:
        return mutagen.id3.ID3(io.BytesIO(tag.only(names, largest) + _v1(file)))
    file.seek(0)
    kind = mutagen.File(_Bounded(file), options=_kinds())
    return mutagen.id3.ID3(io.BytesIO(_v1(file))) if kind is None else kind.tags


def _id3(file: IO[bytes]) -> Tag | None:
    """Return the first ID3v2 tag of a file: at its beginning, or in a chunk of WAV and AIFF."""
    file.seek(0)
    chunk = find_chunk(file) if file.read(4) in MAGICS else None
    try:
        return Tag(file, chunk.content if chunk else 0)
    except ValueError:
        return None


def _kinds() -> list[Any]:
    """Return the kinds of files that mutagen is asked about."""
    from mutagen.asf import ASF
    from mutagen.monkeysaudio import MonkeysAudio
    from mutagen.mp4 import MP4
    from mutagen.musepack import Musepack
    from mutagen.wavpack import WavPack

    return [ASF, MonkeysAudio, MP4, Musepack, WavPack]


def _v1(file: IO[bytes]) -> bytes:
    """Return the ID3v1 tag at the end of a file, if there may be one."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _V1))
    return file.read(_V1)


def _cover_bytes(file: IO[bytes]) -> bytes:
    """Return the first front cover of a file, or else its first picture."""
    tags = _tags(file, ("APIC", "PIC"), _MOST_READ)
    pictures = [picture for key, value in _pairs(tags) for picture in _pictures(key.lower(), value)]
    pictures = pictures or _flac_pictures(file)
    front = [picture for picture in pictures if getattr(picture, "type", 3) == 3]
    picture = (front or pictures)[0]
    return bytes(getattr(picture, "data", picture))


def _pictures(key: str, value: Any) -> list[Any]:
    """Return the pictures in a tag."""
    if key == "metadata_block_picture":
        from mutagen.flac import Picture

        return [Picture(base64.b64decode(text)) for text in value]
    if key == "covr":
        return list(value)
    return [value] if key.startswith("apic") else []


def _flac_pictures(file: IO[bytes]) -> list[Any]:
    """Return the pictures that are blocks of a FLAC file."""
    from mutagen.flac import FLAC

    file.seek(0)
    return list(FLAC(_Bounded(file)).pictures)


def _picture(data: bytes, side: int) -> Image:
    """Decode a picture, unless it is too large, and make it small."""
    from PIL import Image

    with warnings.catch_warnings():  # about many pixels
        warnings.simplefilter("ignore")
        opened = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "GIF", "WEBP", "BMP"))
    with opened as picture:
        if picture.width * picture.height > _MOST_PIXELS:
            raise ValueError("too many pixels")
        picture.draft("RGB", (side, side))  # a JPEG is then decoded at a fraction of its size
        picture.thumbnail((side, side))
        return picture.convert("RGB")

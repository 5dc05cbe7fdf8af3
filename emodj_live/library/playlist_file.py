"""Playlists as files: m3u, m3u8 and pls.

Paths are bytes, as the file system has them. A playlist may spell them otherwise, because it comes from another
program, system or time: the spelling that leads to a file counts. What is written here is an m3u8: names in UTF-8, and
each path byte by byte as the file system has it, so that it leads to its file whatever its encoding.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from urllib.parse import unquote_to_bytes
from urllib.request import url2pathname

from emodj_live.atomic_file import replaced
from emodj_live.errors import LibraryError, one_line
from emodj_live.library.song import Song, absolute, text

SUFFIXES = frozenset({b".m3u", b".m3u8", b".pls"})
"""How the names of playlists end, in small letters."""

logger = logging.getLogger(__name__)

WRITTEN = ".m3u8", ".m3u"
"""How the names of playlists end that are written."""

_LARGEST = 1 << 28  # [bytes] some millions of songs
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_OF_A_STREAM = b"#EXT-X-"
_ADDRESS = re.compile(rb"([a-z][a-z0-9+.-]+):(//)?", re.IGNORECASE)  # a drive has a single letter
_LOCAL_HOSTS = (b"", b"localhost", b"127.0.0.1")
_PLS_ENTRY = re.compile(rb"\s*file\d+\s*=(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entries:
    """What a playlist names.

    Attributes
    ----------
    paths : tuple of bytes
        Absolute paths, in the playlist's order; whether there are such files nobody has promised.
    urls : int
        How many other entries are addresses on a network.
    """

    paths: tuple[bytes, ...]
    urls: int


def read_playlist(path: bytes) -> Entries:
    """Read a playlist.

    Relative paths count from the playlist's folder. ``file:`` addresses are paths too. Comments such as ``#EXTINF`` are
    left out.

    Parameters
    ----------
    path : bytes
        Absolute. If it ends in ``.pls`` the file is one of that kind, otherwise an m3u in whatever encoding.

    Returns
    -------
    Entries

    Raises
    ------
    LibraryError
        If it cannot be read, or is not a playlist of songs.
    """
    lines = _contents(path).splitlines()
    if any(line.startswith(_OF_A_STREAM) for line in lines):
        raise LibraryError(f"{os.fsdecode(path)}: lists the pieces of a stream, not songs; name the songs themselves.")
    found, urls = [], 0
    for entry in _pls_entries(lines) if path.lower().endswith(b".pls") else _m3u_entries(lines):
        local = _local(entry)
        if local is None:
            urls += 1
        else:
            found.append(_existing(os.path.dirname(path), local))
    return Entries(tuple(found), urls)


def _contents(path: bytes) -> bytes:
    """Return the bytes of a playlist, in UTF-8 if it says that it is in UTF-16."""
    name = os.fsdecode(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # reading it may never end
            raise LibraryError(f"{name}: is a pipe or a device, not a playlist; save it as a file first.")
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise LibraryError(f"{name}: cannot be read: {error.strerror or error}.") from error
    if data.startswith(_UTF16_MARKS):
        data = data.decode("utf-16", "replace").encode()
    if len(data) > _LARGEST or b"\0" in data:
        raise LibraryError(f"{name}: is not a playlist; name a text file that lists songs.")
    return data.removeprefix(_UTF8_MARK)


def _m3u_entries(lines: list[bytes]) -> Iterator[bytes]:
    return (line for line in lines if line.strip() and not line.lstrip().startswith(b"#"))


def _pls_entries(lines: list[bytes]) -> Iterator[bytes]:
    matches = (_PLS_ENTRY.match(line) for line in lines)
    return (match[1].lstrip() for match in matches if match and match[1].strip())


def is_address(text: bytes) -> bool:
    """Return whether a path is an address, such as ``https://example.org/song.mp3``."""
    match = _ADDRESS.match(text.strip())
    return match is not None and bool(match[2])


def _local(entry: bytes) -> bytes | None:
    """Return the path that an entry names; None if it is an address somewhere else."""
    match = _ADDRESS.match(entry.strip())
    is_file = match is not None and match[1].lower() == b"file"
    if match is None or not (is_file or match[2]):
        return entry
    if not is_file:
        return None
    rest = entry.strip()[match.end() :]
    host, slash, path = rest.partition(b"/") if match[2] else (b"", b"", rest)
    if host.lower() not in _LOCAL_HOSTS:
        return None
    if os.name == "nt":
        return os.fsencode(url2pathname(os.fsdecode(slash + path)))
    return unquote_to_bytes(slash + path)


def _existing(folder: bytes, entry: bytes) -> bytes:
    """Return the absolute path of an entry in the first spelling that leads to something, or else as it stands."""
    paths = (os.path.abspath(os.path.join(folder, spelling)) for spelling in _spellings(entry))
    first = next(paths)
    return next((path for path in chain([first], paths) if os.path.lexists(path)), first)


def _spellings(entry: bytes) -> Iterator[bytes]:
    """Yield the ways to understand an entry: as it stands, without blanks around it, and as other systems write it."""
    yield entry
    stripped = entry.strip()
    recoded = (stripped.decode(encoding, "replace").encode() for encoding in ("cp1252", "latin-1"))
    for spelling in (stripped, *recoded):
        yield spelling
        yield spelling.replace(b"\\", b"/")
    yield unquote_to_bytes(stripped)


# ------------------------------------------------------------------------------------------------------------ to write


def as_m3u8(songs: Iterable[Song], folder: str | bytes | os.PathLike[str] | None = None) -> bytes:
    """Return songs as an m3u8.

    Parameters
    ----------
    songs : iterable of Song
        Those whose path contains a line break are left out, with a notice: a playlist cannot name them.
    folder : path-like or bytes, optional
        Where the playlist will be, for paths that lead from there to the songs; by default the paths are absolute.

    Returns
    -------
    bytes
        For each song a line with its length and its name, and a line with its path.
    """
    start = None if folder is None else os.path.realpath(os.fsencode(folder))  # ".." leads out of the real folder
    lines = [b"#EXTM3U"]
    for song in songs:
        if not can_be_listed(song):
            logger.warning("%s: is left out, because a playlist cannot name a file with a line break.", text(song.path))
            continue
        lines.append(f"#EXTINF:{round(song.duration)},{one_line(song.name)}".encode("utf-8", "replace"))
        lines.append(song.path if start is None else _relative(song.path, start))
    return b"\n".join([*lines, b""])


def can_be_listed(song: Song) -> bool:
    """Return whether a playlist can name a song: not if there is a line break in its path.

    Parameters
    ----------
    song : Song

    Returns
    -------
    bool
    """
    return song.path.splitlines() == [song.path] and not song.path.endswith((b"\r", b"\n"))


def _relative(path: bytes, start: bytes) -> bytes:
    """Return a path as it is seen from a folder, in a form that nobody takes for a comment or an address."""
    try:
        seen = os.path.relpath(path, start)
    except ValueError:  # it is on another drive
        return path
    first = seen.split(os.fsencode(os.sep), 1)[0]
    return seen if seen[:1].strip() and not first.startswith(b"#") and b":" not in first else os.path.join(b".", seen)


def write_playlist(path: str | os.PathLike[str], songs: Iterable[Song], *, is_absolute: bool = False) -> None:
    """Write songs to an m3u8 file, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file, which ends in .m3u8 or .m3u. One that exists is replaced.
    songs : iterable of Song
        As for `as_m3u8`.
    is_absolute : bool
        Whether to name each song by its whole path, so that the playlist can be moved, instead of by the way from the
        playlist to it, so that both can be moved together.

    Raises
    ------
    LibraryError
        If the file cannot be written.
    ValueError
        If its name has another ending.

    Examples
    --------
    >>> with Library("music.db") as library:  # doctest: +SKIP
    ...     write_playlist("calm.m3u8", around(library, Quadrant.CALM, Length(songs=20)))
    """
    place = Path(path)
    if place.suffix.lower() not in WRITTEN:
        raise ValueError(f"a playlist's name must end in {' or '.join(WRITTEN)}, got {place}")
    if place.is_dir():
        raise LibraryError(f"{place}: is a folder; give the path of a file for the playlist.")
    data = as_m3u8(songs, None if is_absolute else os.path.dirname(absolute(path)))
    with replaced(place, LibraryError) as file:
        file.write(data)

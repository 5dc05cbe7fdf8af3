"""From the paths that somebody names to the audio files that are meant: folders, single files and playlists.

What is media in a folder is decided by names alone, so that a second scan of a collection opens no file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from emodj_live.errors import LibraryError
from emodj_live.library.playlist_file import SUFFIXES as PLAYLISTS
from emodj_live.library.playlist_file import is_address, read_playlist

_READ_BY_LIBSNDFILE = b"8svx aif aifc aiff au caf flac mp1 mp2 mp3 oga ogg opus rf64 snd svx voc w64 wav wave"
_READ_BY_FFMPEG = (
    b"3g2 3gp aa3 aac ac3 adts amr ape asf avi awb divx dff dsf dts dtshd eac3 f4a f4v flv m2ts m4a m4b m4r m4v mka mkv"
    b" mlp mov mp4 mpa mpc mpeg mpg mts mxf ogm ogv oma ra rm rmvb shn spx tak thd tta vob weba webm wma wmv wv xwma"
)
MEDIA = frozenset((_READ_BY_LIBSNDFILE + b" " + _READ_BY_FFMPEG).split())
"""What follows the last dot in the names of audio files and videos, in small letters."""

_NO_MUSIC = frozenset({b"$recycle.bin", b"#recycle", b"@eadir", b"lost+found", b"system volume information"})
_NOT_HIDDEN = frozenset(b".0123456789 ")  # after a first dot, as in "...And Justice for All" and ".38 Special"

_Identity = tuple[int, int] | bytes  # device and number, whatever the path; or a path that leads nowhere


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was named and leads to no file.

    Attributes
    ----------
    path : bytes
        Absolute.
    reason : str
        One sentence that begins with the path, as the errors' do.
    """

    path: bytes
    reason: str


class FoundMedia:
    """The audio files that some paths name. Iterating over it looks for them, and yields their absolute paths.

    It remembers folders and what was named one by one, not the files in folders; of these it holds one folder's names.

    Parameters
    ----------
    paths : iterable of path-like
        Files, which are all taken for audio; playlists; and folders, in which hidden ones and whatever is not media by
        its name are passed over, playlists included.

    Attributes
    ----------
    skipped_urls : int
        How many addresses on a network playlists had so far.
    problems : list of Problem
        What was missing or could not be read so far, each path once. The caller may empty the list in between.
    """

    def __init__(self, paths: Iterable[str | bytes | os.PathLike[str]]) -> None:
        self._named = [os.fsencode(path) for path in paths]
        self._clear()

    def _clear(self) -> None:
        self.skipped_urls = 0
        self.problems: list[Problem] = []
        self._folders: dict[_Identity, bool] = {}  # all so far, and whether they could be read
        self._links: deque[bytes] = deque()  # to folders, which are followed last: real folders keep their own paths
        self._playlists: set[_Identity] = set()
        self._singles: dict[_Identity, set[bytes]] = {}  # names of those named one by one, by folder
        self._folder: tuple[bytes, _Identity] = b"", b""  # the last of those folders: its path, and what it is

    def __iter__(self) -> Iterator[bytes]:
        """Yield each file once: those of a folder in the order of their names, and then those of its folders."""
        self._clear()
        for path in self._each_named():
            if os.path.isdir(path):
                yield from self._walk(path)
            else:
                yield path
        while self._links:
            yield from self._walk(self._links.popleft())

    # ------------------------------------------------------------------------------------------------ what is named

    def _each_named(self) -> Iterator[bytes]:
        """Yield each folder and each new file that is named, directly or by playlists."""
        waiting = [(iter(self._absolute()), b"")]
        while waiting:
            paths, playlist = waiting[-1]
            path = next(paths, None)
            if path is None:
                waiting.pop()
            elif os.path.splitext(path)[1].lower() in PLAYLISTS and os.path.isfile(path):
                waiting.append((iter(self._entries(path)), path))
            elif self._is_new(path) and self._exists(path, playlist):
                yield path

    def _absolute(self) -> Iterator[bytes]:
        for path in self._named:
            if is_address(path) and not os.path.lexists(path):
                self._report(path, "is an address, not a file; download it first")
            else:
                yield os.path.abspath(path) if path else path  # an empty one is not the current folder

    def _entries(self, path: bytes) -> tuple[bytes, ...]:
        """Return what a playlist names; nothing if that is known already or cannot be found out."""
        try:
            identity = _identity(path)
            if identity in self._playlists:
                return ()
            self._playlists.add(identity)
            entries = read_playlist(path)
        except OSError as error:
            self._report(path, f"cannot be read: {error.strerror or error}")
            return ()
        except LibraryError as error:
            self.problems.append(Problem(path, str(error)))
            return ()
        self.skipped_urls += entries.urls
        return entries.paths

    def _is_new(self, path: bytes) -> bool:
        """Return whether a file has not been found before, and remember it."""
        folder, name = os.path.split(path)
        if folder != self._folder[0]:
            self._folder = folder, _identity_or_path(folder)
        identity = self._folder[1]
        names = self._singles.setdefault(identity, set())
        is_known = name in names or (self._folders.get(identity, False) and _is_wanted(name))
        names.add(name)
        return not is_known

    def _exists(self, path: bytes, playlist: bytes = b"") -> bool:
        """Return whether there is a file or folder to read; if not, report it."""
        if why := _trouble(path):
            self._report(path, f"{why}; {os.fsdecode(playlist)} lists it" if playlist else f"{why}; check its name")
        return not why

    def _report(self, path: bytes, reason: str) -> None:
        self.problems.append(Problem(path, str(LibraryError(f"{os.fsdecode(path)}: {reason}."))))

    # ---------------------------------------------------------------------------------------------------- folders

    def _walk(self, top: bytes) -> Iterator[bytes]:
        """Yield the media in a folder and in all real folders in it."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            names, folders = self._read(folder)
            for name in names:
                yield os.path.join(folder, name)
            waiting += reversed(folders)

    def _read(self, folder: bytes) -> tuple[list[bytes], list[bytes]]:
        """Return the names of the media in a folder and the paths of the folders, unless it was read before."""
        names: list[bytes] = []
        folders: list[bytes] = []
        links: list[bytes] = []
        try:
            identity = _identity(folder)
            if identity in self._folders:
                return names, folders
            self._folders[identity] = False
            known = self._singles.get(identity, ())
            with os.scandir(folder) as entries:
                for entry in entries:
                    if _is_folder(entry):
                        if not _is_hidden(entry.name):
                            (links if entry.is_symlink() else folders).append(entry.path)
                    elif _is_wanted(entry.name) and entry.name not in known:
                        names += [entry.name] if _is_file(entry) else []  # a link that leads nowhere is no media
            self._folders[identity] = True
        except OSError as error:
            self._report(folder, f"cannot be read: {error.strerror or error}; check its permissions")
        self._links.extend(sorted(links))
        return sorted(names), sorted(folders)


def find_media(paths: Iterable[str | bytes | os.PathLike[str]]) -> FoundMedia:
    """Find the audio files that some paths name.

    Parameters
    ----------
    paths : iterable of path-like
        Files, folders and playlists (m3u, m3u8, pls).

    Returns
    -------
    FoundMedia
        To be iterated over.

    Examples
    --------
    >>> found = find_media(["Music", "party.m3u"])  # doctest: +SKIP
    >>> for path in found:  # doctest: +SKIP
    ...     print(path)
    b'/home/me/Music/song.mp3'
    """
    return FoundMedia(paths)


def _identity(path: bytes) -> _Identity:
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _identity_or_path(path: bytes) -> _Identity:
    try:
        return _identity(path)
    except (OSError, ValueError):
        return path


def _trouble(path: bytes) -> str:
    """Return why there is no file or folder to read; empty if there is one."""
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last one is of a zero byte in the path
        return "is a link that leads nowhere" if os.path.islink(path) else "there is no such file"
    except OSError as error:
        return "is a link that leads nowhere" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "is a pipe or a device, not a file"


def _is_wanted(name: bytes) -> bool:
    """Return whether a file in a folder is media, by its name."""
    _, dot, suffix = name.rpartition(b".")
    return bool(dot) and suffix.lower() in MEDIA and not _is_hidden(name)


def _is_hidden(name: bytes) -> bool:
    """Return whether a name in a folder hides it, or says that what is in it is no collection."""
    if name.startswith(b"."):
        return name[1] not in _NOT_HIDDEN
    return name.lower() in _NO_MUSIC


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_file(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False

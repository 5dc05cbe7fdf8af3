"""A song's file is replaced by a changed copy in one step, so that it is whole at any time.

To write in place would be dangerous: all that follows a tag that gets longer has to move, and a full disk, a crash or a
pulled plug in the middle of it costs the song. A copy beside the song needs its space for a moment, and then takes its
name: whoever is playing the old file hears it to its end. The copy keeps permissions, owner and extended attributes. A
symbolic link goes on to point to the file. Another hard link keeps the song without the change, which is what backups
and shared downloads need.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from emodj_live.library.song import text
from emodj_live.library.tagging.edits import SongError

_PREFIX, _SUFFIX = b".emodj-", b".part"


def check_writable(path: bytes) -> None:
    """Raise an error if a file, or its folder, is not to be written to.

    Parameters
    ----------
    path : bytes
        Without symbolic links.

    Raises
    ------
    SongError
    """
    status = os.stat(path)  # noqa: PTH116 (of bytes)
    if not status.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise SongError(f"{text(path)}: is read-only; its tags were left alone.")
    if not os.access(os.path.dirname(path), os.W_OK):  # noqa: PTH120 (of bytes)
        raise SongError(f"{text(path)}: its folder is read-only; its tags were left alone.")
    if sys.platform != "win32" and os.geteuid() not in (0, status.st_uid):  # the copy would belong to another one
        raise SongError(f"{text(path)}: belongs to another user, who should write its tags; they were left alone.")


def check_unused(file: IO[bytes], path: bytes) -> None:
    """Raise an error if another program has a file open, as far as the system knows.

    Linux tells the owner of a file on a local disk: it gives a lease for writing if nobody else has the file open.
    Windows refuses to replace a file that is open. Elsewhere a file in use is replaced, which is safe.

    Parameters
    ----------
    file : binary file
    path : bytes
        What to call it.

    Raises
    ------
    SongError
    """
    if sys.platform != "linux":
        return
    import fcntl

    with suppress(OSError):  # not the owner, or a drive without leases
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)  # instead of SIGIO, which would end the program
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except BlockingIOError:
            raise in_use(path) from None
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def in_use(path: bytes) -> SongError:
    """Return the error of a file that is open in another program.

    Parameters
    ----------
    path : bytes

    Returns
    -------
    SongError
    """
    return SongError(f"{text(path)}: is open in another program, such as a player; close it there, and try again.")


@contextmanager
def copy_beside(path: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Write a changed copy of a file beside it.

    Parameters
    ----------
    path : bytes
        Without symbolic links.
    pieces : iterable of bytes
        What the copy consists of.

    Yields
    ------
    bytes
        The path of the copy, which is complete and on the disk. It is removed at the end unless it has another name by
        then, that of the file.

    Raises
    ------
    SongError
        If it cannot be written, or cannot take the place of the file; the file is as it was then.
    """
    copy = None
    try:
        number, copy = tempfile.mkstemp(dir=os.path.dirname(path), prefix=_PREFIX, suffix=_SUFFIX)  # noqa: PTH120
        with open(number, "wb") as file:  # noqa: PTH123 (a descriptor)
            with suppress(OSError):  # not every network drive has locks
                _lock(file)
            _dress(copy, path)
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        yield copy
    except OSError as error:
        if sys.platform == "win32" and isinstance(error, PermissionError):
            raise in_use(path) from error
        raise SongError(
            f"{text(path)}: cannot be written: {error.strerror or error}; the song is as it was."
        ) from error
    finally:
        if copy is not None:
            with suppress(OSError):  # it is gone if all went well
                os.unlink(copy)  # noqa: PTH108 (of bytes)


def _dress(copy: bytes, path: bytes) -> None:
    """Give a copy the owner, the permissions and the extended attributes of a file."""
    wanted, now = os.stat(path), os.stat(copy)  # noqa: PTH116 (of bytes)
    if sys.platform != "win32" and (wanted.st_uid, wanted.st_gid) != (now.st_uid, now.st_gid):
        os.chown(copy, wanted.st_uid, wanted.st_gid)
    shutil.copystat(path, copy)


def clear_leftovers(folder: bytes) -> None:
    """Remove copies that a killed program left behind in a folder; a living one holds a lock.

    Parameters
    ----------
    folder : bytes
    """
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 (of bytes)
            if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
                _clear(os.path.join(folder, name))  # noqa: PTH118 (of bytes)


def _clear(leftover: bytes) -> None:
    with suppress(OSError), open(leftover, "r+b") as file:  # noqa: PTH123 (of bytes)
        _lock(file)
        os.unlink(leftover)  # noqa: PTH108 (of bytes)


def _lock(file: IO[bytes]) -> None:
    """Lock a file for as long as it is open, or raise an `OSError`."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

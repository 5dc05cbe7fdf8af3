"""Files that are written whole or not at all, and never leave a piece of themselves behind."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from emodj_live.errors import EmodjError, ModelError

_PART = ".part"


@contextmanager
def replaced(path: Path, error: type[EmodjError] = ModelError, *, is_lasting: bool = True) -> Iterator[IO[bytes]]:
    """Write a file, whole or not at all.

    Parameters
    ----------
    path : Path
        What is there is replaced in one step, at the end.
    error : type
        What to raise; by default the error of a file that belongs to a model.
    is_lasting : bool
        Whether it has to survive a power cut, for which the disk is waited for.

    Yields
    ------
    binary file

    Raises
    ------
    EmodjError
        Of that type, if it cannot be written.
    """
    try:
        _clear_leftovers(path)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=_PART, delete=False) as file:
            try:
                with suppress(OSError):  # not every network drive has locks
                    _lock(file)
                yield file
                file.flush()
                if is_lasting:
                    os.fsync(file.fileno())
                file.close()
                Path(file.name).chmod(0o644)
                Path(file.name).replace(path)
            except BaseException:
                file.close()
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as cause:
        raise error(f"{path}: cannot be written: {cause.strerror or cause}.") from cause


def _clear_leftovers(path: Path) -> None:
    """Remove what earlier writers of this file left behind when they were killed.

    A living writer holds a lock; on Windows its open file cannot be removed anyway.
    """
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*{_PART}"):
        with suppress(OSError), ExitStack() as stack:
            if sys.platform != "win32":
                _lock(stack.enter_context(leftover.open("r+b")))
            leftover.unlink()


def _lock(file: IO[bytes]) -> None:
    """Lock a file for as long as it is open, or raise an `OSError`."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

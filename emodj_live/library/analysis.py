"""What is done with one file of a collection, here, in a worker process, or on another machine.

Everything that goes in and out is small: the model, which is not, is provided to each process once.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import SourceError, one_line
from emodj_live.kinds import model_from_bytes
from emodj_live.library import tags
from emodj_live.library.index import Stamp
from emodj_live.library.song import Song, text
from emodj_live.listener import Model
from emodj_live.model_file import MAX_BYTES, default_path, opened
from emodj_live.profile import analyze
from emodj_live.sources import about

logger = logging.getLogger(__name__)

_PIECE = 2**18  # [bytes] read at once for a digest
_LONGEST_NAME = 200  # of a title, an artist or an album

_models: dict[str, bytes | Model] = {}  # as bytes until they are used


@dataclass(frozen=True, slots=True)
class Task:
    """A file to listen to.

    Attributes
    ----------
    path : bytes
        Absolute.
    stamp : Stamp
        Of the file before it was read.
    known : tuple of bytes
        Digests of contents that need not be listened to.
    """

    path: bytes
    stamp: Stamp
    known: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """A file that was listened to.

    Attributes
    ----------
    task : Task
    content : bytes
        Digest of the file's bytes.
    song : Song
    arc : ndarray of float32, shape (n, 2)
    notices : tuple of str
        What was odd about the file, as far as nobody else was told.
    """

    task: Task
    content: bytes
    song: Song
    arc: NDArray[np.float32] = field(repr=False)
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A file whose content is known.

    Attributes
    ----------
    task : Task
    content : bytes
        One of the task's known ones.
    """

    task: Task
    content: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that could not be listened to.

    Attributes
    ----------
    task : Task
    reason : str
        Why, in one sentence without the path.
    decoders : str or None
        What could not decode it: only with other ones it is of use to try again while the file is the same. None if the
        file could not even be read.
    """

    task: Task
    reason: str
    decoders: str | None


Outcome = Heard | Known | Failed


# -------------------------------------------------------------------------------------------------------- the model


def read_model(path: str | os.PathLike[str] | None = None) -> bytes:
    """Return the bytes of a valid model file.

    Parameters
    ----------
    path : path-like, optional
        As for `load_model`.

    Returns
    -------
    bytes

    Raises
    ------
    ModelError
        If the file is missing or is not a valid model file.
    """
    with opened(default_path() if path is None else Path(path)) as file:
        data = file.read(MAX_BYTES + 1)
        _models[model_digest(data)] = model_from_bytes(data)
    return data


def model_digest(data: bytes) -> str:
    """Return the name of a model: a digest of its file.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    str
    """
    return hashlib.sha256(data).hexdigest()


def provide(data: bytes) -> None:
    """Let this process know a model.

    Parameters
    ----------
    data : bytes
        A valid model file's.
    """
    _models.setdefault(model_digest(data), data)


def _model(digest: str) -> Model:
    model = _models[digest]
    if isinstance(model, bytes):
        model = _models[digest] = model_from_bytes(model)
    return model


# -------------------------------------------------------------------------------------------------------- one file


def listen(task: Task, model: str, log: str | None = None) -> Outcome:
    """Listen to a file.

    Parameters
    ----------
    task : Task
    model : str
        Digest of a model that was provided.
    log : str, optional
        A file to which a line is added before the work begins.

    Returns
    -------
    Outcome
    """
    note(log, "begin", task.path)
    name = os.fsdecode(task.path)
    try:
        content = content_digest(task.path)
        return Known(task, content) if content in task.known else _hear(task, content, _model(model))
    except OSError as error:
        return Failed(task, f"cannot be read: {error.strerror or error}.", None)
    except SourceError as error:
        return Failed(task, _printable(str(error).removeprefix(one_line(f"{name}: "))), about.decoders())
    except Exception as error:  # one odd file among many thousands does not end a scan
        logger.debug("unexpected", exc_info=True)
        return Failed(task, _printable(f"cannot be listened to, for no known reason: {error!r}."), about.decoders())


def _hear(task: Task, content: bytes, model: Model) -> Heard:
    with _notices() as notices:
        profile = analyze(os.fsdecode(task.path), model)
    song = Song.from_profile(task.path, profile, **_names(task.path))
    return Heard(task, content, song, profile.arc, tuple(map(_printable, notices)))


def content_digest(path: bytes | str | os.PathLike[str]) -> bytes:
    """Return a digest of a file's bytes.

    Parameters
    ----------
    path : path-like or bytes

    Returns
    -------
    bytes
        SHA-1, the fastest one that comes with Python: it has to find the same song again, not to resist a forger.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    digest = hashlib.sha1(usedforsecurity=False)
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (of bytes)
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.digest()


def note(log: str | None, what: str, path: bytes) -> None:
    """Add a line to the log, if there is one; lines of several processes do not mix.

    Parameters
    ----------
    log : str or None
        The file.
    what : str
        One word.
    path : bytes
        Of the song.
    """
    if log is None:
        return
    with suppress(OSError):  # a full disk does not end the scan
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(file, f"{what} {_printable(text(path))}\n".encode())
        finally:
            os.close(file)


def _names(path: bytes) -> dict[str, str | None]:
    """Return title, artist and album, as far as the file names them."""
    found = {name: _name(said) for name, said in about.names(path).items()}
    tagged = {name: said for name, said in asdict(tags.read(path)).items() if said}
    return {**found, **tagged}


def _name(said: str) -> str | None:
    return _printable(said.strip()[:_LONGEST_NAME]) or None


def _printable(line: str) -> str:
    return one_line(line).encode("utf-8", "backslashreplace").decode()


@contextmanager
def _notices() -> Iterator[list[str]]:
    """Gather what is logged meanwhile on this thread, if nobody else would show it."""
    gathered = _Gathered()
    logger = logging.getLogger("emodj_live")
    others = [*logger.handlers, *logging.getLogger().handlers]
    if not all(isinstance(handler, _Gathered) for handler in others):
        yield []
        return
    logger.addHandler(gathered)
    try:
        yield gathered.lines
    finally:
        logger.removeHandler(gathered)


class _Gathered(logging.Handler):
    """Keeps the warnings of one thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> Any:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())

"""The file that holds a model: named arrays and one JSON header, never a pickle.

It is an uncompressed zip of NumPy arrays (so ``numpy.load`` reads it too). It does not depend on scikit-learn, and
opening a stranger's runs nothing. This module only writes and reads: what makes a valid model is checked by the
values that are made of it.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from emodj_live.atomic_file import replaced
from emodj_live.errors import ModelError

FORMAT = "emodj-live model"
FORMAT_VERSION = 3
_READABLE_VERSIONS = 2, 3  # 2 had no context and no calibration; 1, which had no kind, is not read
MAX_BYTES = 64 * 2**20
MAX_HEADER_BYTES = 2**16  # Python's objects take up to 500 times the space of their JSON
_HEADER_KEYS = {"format", "format_version", "kind", "parameters", "provenance"}
_ARRAY_HEADER_BYTES = 128
_ARRAY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00\x76\x00\{'descr': '(?P<type>[<|a-z0-9]{2,3})', 'fortran_order': False, "
    rb"'shape': \((?P<shape>\d{1,9},(?: \d{1,9})?)\), \} *\n"
)


@dataclass(frozen=True, eq=False)
class Contents:
    """What a model file holds.

    Attributes
    ----------
    kind : str
        The kind of model, which decides what the rest means.
    parameters : dict
        Plain JSON values.
    arrays : dict of ndarray
        Of one or two dimensions.
    provenance : dict
        Where the model came from, as plain JSON values.
    version : int
        Of the format that the file is in.
    """

    kind: str
    parameters: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    provenance: Mapping[str, Any]
    version: int = FORMAT_VERSION


M_co = TypeVar("M_co", covariant=True)


class Kind(Protocol[M_co]):
    """What the reader needs of one kind of model: usually its class."""

    @property
    def ARRAYS(self) -> Mapping[str, str]:  # noqa: N802 (a class's constant)
        """The arrays that its file holds, with their types, such as ``{"mean": "<f8"}``."""

    def from_contents(self, contents: Contents) -> M_co:
        """Make a model, or raise a `ValueError` that says why it is not a valid one."""


def default_path() -> Path:
    """Return the file that is read if none is named.

    Returns
    -------
    Path
        What the environment variable ``EMODJ_MODEL`` says, else the model that comes with this package.
    """
    if named := os.environ.get("EMODJ_MODEL"):
        return Path(named)
    package = Path(__file__).parent
    installed = package / "models" / "emodj.npz"
    return installed if installed.exists() else package.parent / "models" / "emodj.npz"


# -------------------------------------------------------------------------------------------------------- to write


def write(path: str | os.PathLike[str], contents: Contents) -> None:
    """Write a model file, whole or not at all.

    Parameters
    ----------
    path : path-like
        A file that exists is replaced in one step.
    contents : Contents

    Raises
    ------
    ModelError
        If it cannot be written, or could not be read again.
    """
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": contents.kind,
        "parameters": dict(contents.parameters),
        "provenance": dict(contents.provenance),
    }
    text = json.dumps(header, allow_nan=False).encode()
    arrays = {name: np.ascontiguousarray(array) for name, array in contents.arrays.items()}
    path = Path(path)
    with replaced(path) as file:
        np.savez(file, allow_pickle=False, header=np.frombuffer(text, np.uint8), **arrays)
        try:
            read(file, {contents.kind: {name: array.dtype.str for name, array in arrays.items()}})
        except ValueError as error:
            raise ModelError(f"{path}: was not written: {error}.") from error


# --------------------------------------------------------------------------------------------------------- to read


def load(path: str | os.PathLike[str] | None, kinds: Mapping[str, Kind[M_co]]) -> M_co:
    """Read a model; nothing is believed before it is checked.

    Parameters
    ----------
    path : path-like or None
        None: `default_path`.
    kinds : mapping of Kind
        The kinds of model that the file may hold.

    Returns
    -------
    Model
        Of one of these kinds.

    Raises
    ------
    ModelError
        If the file is missing or is not a valid model file; its text says why.
    """
    with opened(default_path() if path is None else Path(path)) as file:
        contents = read(file, {name: kind.ARRAYS for name, kind in kinds.items()})
        return kinds[contents.kind].from_contents(contents)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to `read` a model from, and turn what is wrong with it into one sentence.

    Parameters
    ----------
    path : Path

    Yields
    ------
    binary file

    Raises
    ------
    ModelError
        If the file cannot be opened, or if the code inside the ``with`` statement finds it unsound.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe may wait for ever, and some devices never end
            raise ModelError(f"{path}: is not a regular file; give the path of a model file.")
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise ModelError(
            f"{path}: no such model file; give another path, or omit it to use the bundled model."
        ) from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except zipfile.BadZipFile as error:
        raise ModelError(f"{path}: is not a model file, or is damaged: {_one_line(error)}.") from error
    except (ValueError, EOFError, RuntimeError, OverflowError) as error:
        raise ModelError(f"{path}: is not a usable model file: {_one_line(error)}.") from error


def _one_line(error: Exception) -> str:
    """Return the text of an error, without line ends and whatever else a stranger's file may have put into it."""
    text = "".join(character if character.isprintable() else " " for character in str(error)[:200])
    return " ".join(text.split()).rstrip(".") or type(error).__name__


def read(file: IO[bytes], kinds: Mapping[str, Mapping[str, str]]) -> Contents:
    """Read a model file; nothing is believed before it is checked.

    Parameters
    ----------
    file : binary file
        As from `opened`.
    kinds : mapping
        For each kind of model the arrays that it has, with their types, such as ``{"mean": "<f8"}``.

    Returns
    -------
    Contents
        Of finite numbers, as large as the file itself at most.

    Raises
    ------
    ValueError
        Or another of the errors that `opened` translates, if it is not a model file of this format and these kinds.
    """
    if file.seek(0, os.SEEK_END) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
    with zipfile.ZipFile(file) as archive:
        _check_members(archive)
        header = _read_header(archive)
        types = kinds.get(header["kind"])
        if types is None:
            raise ValueError(f"it holds a model of kind {header['kind']!r}; known here: {', '.join(kinds)}")
        if sorted(archive.namelist()) != sorted(f"{name}.npy" for name in ("header", *types)):
            raise ValueError(f"it must hold exactly header, {', '.join(types)}")
        arrays = {name: _read_array(archive, name, kind) for name, kind in types.items()}
    return Contents(header["kind"], header["parameters"], arrays, header["provenance"], header["format_version"])


def _check_members(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if "header.npy" not in archive.namelist():
        raise ValueError("it has no header")
    if any(member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 for member in members):
        raise ValueError("its members must be stored, neither compressed nor encrypted")
    if sum(max(member.file_size, member.compress_size) for member in members) > MAX_BYTES:
        raise ValueError(f"its arrays are larger than {MAX_BYTES >> 20} MB")
    if archive.getinfo("header.npy").file_size > _ARRAY_HEADER_BYTES + MAX_HEADER_BYTES:
        raise ValueError(f"its header is larger than {MAX_HEADER_BYTES >> 10} kB")


def _read_array(archive: zipfile.ZipFile, name: str, dtype: str) -> NDArray[Any]:
    """Read one array, if its own header is what `write` writes and agrees with its size.

    NumPy would evaluate that header as a Python expression; here it has to be the one expected, letter for letter.
    """
    content = archive.read(f"{name}.npy")
    found = _ARRAY_HEADER.fullmatch(content[:_ARRAY_HEADER_BYTES])
    if found is None or found["type"].decode() != dtype:
        raise ValueError(f"its {name} must be a plain array of type {dtype} in C order")
    shape = tuple(int(length) for length in found["shape"].split(b",") if length.strip())
    size = _ARRAY_HEADER_BYTES + math.prod(shape) * np.dtype(dtype).itemsize
    if not size == len(content) == archive.getinfo(f"{name}.npy").file_size:
        raise ValueError(f"its {name} is not as long as it says")
    return np.frombuffer(content, dtype, offset=_ARRAY_HEADER_BYTES).reshape(shape)


def _read_header(archive: zipfile.ZipFile) -> dict[str, Any]:
    header = json.loads(_read_array(archive, "header", "|u1").tobytes().decode())
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(f"its header does not say {FORMAT!r}")
    version = header.get("format_version")
    if version not in _READABLE_VERSIONS:
        is_older = isinstance(version, int) and version < FORMAT_VERSION
        readable = " and ".join(map(str, _READABLE_VERSIONS))
        advice = "train the model again, or get a newer file" if is_older else "update emodj-live"
        raise ValueError(f"it has format version {version}, and this program reads {readable}; {advice}")
    if set(header) != _HEADER_KEYS or not isinstance(header["kind"], str):
        raise ValueError(f"its header must have exactly {', '.join(sorted(_HEADER_KEYS))}")
    if not (isinstance(header["provenance"], dict) and isinstance(header["parameters"], dict)):
        raise ValueError("its parameters and its provenance must be JSON objects")  # noqa: TRY004 (of a file)
    return header

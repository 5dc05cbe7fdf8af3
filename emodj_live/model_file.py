"""The file that holds a model, and what such a file may say.

It is an uncompressed zip of NumPy arrays and one JSON header (so ``numpy.load`` reads it too), never a pickle: it does
not depend on scikit-learn, and opening one from a stranger runs nothing.
"""

from __future__ import annotations

import json
import math
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import ModelError
from emodj_live.features import FeatureSpec

FORMAT = "emodj-live model"
FORMAT_VERSION = 1
MAX_BYTES = 64 * 2**20
_HEADER_KEYS = {"format", "format_version", "spec", "gamma", "reference_level", "provenance"}
ARRAYS = ("mel_basis", "mean", "std", "support_vectors", "coefficients", "intercepts")
_MEMBERS = ("header", *ARRAYS)
# What a spec may say: wide enough for any real one, too narrow to make a small file cost much memory or time.
_SPEC_BOUNDS: dict[str, tuple[type, float, float]] = {
    "sample_rate": (int, 1000, 384_000),
    "window_length": (int, 64, 400_000),
    "n_fft": (int, 16, 65_536),
    "hop_length": (int, 1, 65_536),
    "n_mels": (int, 1, 1024),
    "n_mfcc": (int, 1, 128),
    "fmin": (float, 0, 192_000),
    "fmax": (float, 1, 192_000),
    "amin": (float, 1e-30, 1),
    "top_db": (float, 1, 400),
}
_MOST_IN_FRAMES = 2**22  # samples in the frames of one window
GAMMA_BOUNDS = 1e-12, 1e3
LARGEST = 1e9  # of any number in an array: what is beyond is no model, and its square no float32
DTYPES = {"header": "|u1", "mel_basis": "<f4", "support_vectors": "<f4"}
DTYPES |= dict.fromkeys(("mean", "std", "coefficients", "intercepts"), "<f8")
_ARRAY_HEADER_BYTES = 128
_ARRAY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00\x76\x00\{'descr': '(?P<type>[<|a-z0-9]{2,3})', 'fortran_order': False, "
    rb"'shape': \((?P<shape>\d{1,9},(?: \d{1,9})?)\), \} *\n"
)


def shapes(spec: FeatureSpec, n_vectors: int) -> dict[str, tuple[int, ...]]:
    """Return the shape that each array must have.

    Parameters
    ----------
    spec : FeatureSpec
    n_vectors : int
        How many support vectors there are.

    Returns
    -------
    dict of tuple
    """
    return {
        "mel_basis": (spec.n_mels, 1 + spec.n_fft // 2),
        "mean": (spec.n_features,),
        "std": (spec.n_features,),
        "support_vectors": (n_vectors, spec.n_features),
        "coefficients": (n_vectors, 2),
        "intercepts": (2,),
    }


# -------------------------------------------------------------------------------------------------------- to write


def write(path: Path, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a model file, whole or not at all.

    Parameters
    ----------
    path : Path
        Where to.
    header : mapping
        Plain JSON values, without those that name the format.
    arrays : mapping of ndarray
        By their names in `ARRAYS`.

    Raises
    ------
    ModelError
        If it cannot be written, or would be refused by `read`.
    """
    text = json.dumps({"format": FORMAT, "format_version": FORMAT_VERSION, **header}, allow_nan=False)
    members = {name: np.ascontiguousarray(arrays[name], DTYPES[name]) for name in ARRAYS}
    with replaced(path) as file:
        np.savez(file, allow_pickle=False, header=np.frombuffer(text.encode(), np.uint8), **members)
        try:
            read(file)  # nothing is replaced by what could not be read again
        except ValueError as error:
            raise ModelError(f"{path}: is not written: {error}.") from error


@contextmanager
def replaced(path: Path) -> Iterator[IO[bytes]]:
    """Write a file of a model's, whole or not at all.

    Parameters
    ----------
    path : Path
        Where to. What is there is replaced in one step, at the end.

    Yields
    ------
    binary file

    Raises
    ------
    ModelError
        If it cannot be written.
    """
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                file.close()
                Path(file.name).chmod(0o644)
                Path(file.name).replace(path)
            except BaseException:
                file.close()
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ModelError(f"{path}: cannot be written: {error.strerror or error}.") from error


# --------------------------------------------------------------------------------------------------------- to read


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to `read` a model from, and say in one sentence what is wrong with it.

    Parameters
    ----------
    path : Path

    Yields
    ------
    binary file

    Raises
    ------
    ModelError
        If it cannot be opened, or if what is done with it meanwhile finds it unsound.
    """
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise ModelError(f"{path}: there is no such model file; name another, or none for the shipped one.") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except zipfile.BadZipFile as error:
        raise ModelError(f"{path}: is not a model file, or a damaged one: {_one_line(error)}.") from error
    except (ValueError, EOFError, RuntimeError, OverflowError) as error:
        raise ModelError(f"{path}: is not a model file that can be used: {_one_line(error)}.") from error


def _one_line(error: Exception) -> str:
    """Return what an error says, without line ends and what else a stranger's file may have put into it."""
    text = "".join(character if character.isprintable() else " " for character in str(error)[:200])
    return " ".join(text.split()).rstrip(".") or type(error).__name__


def read(file: IO[bytes]) -> dict[str, Any]:
    """Read what a model is made of; nothing is believed before it is checked.

    Parameters
    ----------
    file : binary file
        As from `opened`.

    Returns
    -------
    dict
        What `EmotionModel` takes.

    Raises
    ------
    ValueError
        Or another of the errors that `opened` translates: if it is not a sound model file of this format.
    """
    if file.seek(0, os.SEEK_END) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
    with zipfile.ZipFile(file) as archive:
        _check_members(archive)
        found = {name: _read_shape(archive, name) for name in _MEMBERS}
        header = _read_header(_read_array(archive, "header", found["header"]))
        if len(found["support_vectors"]) != 2 or not found["support_vectors"][0]:
            raise ValueError("it has no support vectors")
        parameters = _read_parameters(header["spec"], found["mel_basis"])
        spec = FeatureSpec(mel_basis=_read_array(archive, "mel_basis", found["mel_basis"]), **parameters)
        for name, shape in shapes(spec, found["support_vectors"][0]).items():
            if found[name] != shape:
                raise ValueError(f"its {name} must have shape {shape}, not {found[name]}")
        return {
            "spec": spec,
            "gamma": _number(header["gamma"], "gamma", *GAMMA_BOUNDS),
            "reference_level": _number(header["reference_level"], "reference_level", -200, 200),
            "provenance": header["provenance"],
            **{name: _read_array(archive, name, found[name]) for name in ARRAYS if name != "mel_basis"},
        }


def _check_members(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if sorted(member.filename for member in members) != sorted(f"{name}.npy" for name in _MEMBERS):
        raise ValueError(f"it must hold exactly {', '.join(_MEMBERS)}")
    if any(member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 for member in members):
        raise ValueError("its members must be stored, neither compressed nor encrypted")
    if sum(max(member.file_size, member.compress_size) for member in members) > MAX_BYTES:
        raise ValueError(f"its arrays are larger than {MAX_BYTES >> 20} MB")


def _read_shape(archive: zipfile.ZipFile, name: str) -> tuple[int, ...]:
    """Return the shape that an array's own header tells, if it is what `save` writes and its size agrees.

    NumPy would evaluate the header as a Python expression; here it has to be that one expression, letter for letter.
    """
    with archive.open(f"{name}.npy") as member:
        found = _ARRAY_HEADER.fullmatch(member.read(_ARRAY_HEADER_BYTES))
    if found is None or found["type"].decode() != DTYPES[name]:
        raise ValueError(f"its {name} must be a plain array of type {DTYPES[name]} in C order")
    shape = tuple(int(length) for length in found["shape"].split(b",") if length.strip())
    size = _ARRAY_HEADER_BYTES + math.prod(shape) * np.dtype(DTYPES[name]).itemsize
    if size != archive.getinfo(f"{name}.npy").file_size:
        raise ValueError(f"its {name} is not as long as it says")
    return shape


def _read_array(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    values = archive.read(f"{name}.npy")[_ARRAY_HEADER_BYTES:]
    return np.frombuffer(values, DTYPES[name]).reshape(shape)


def _read_header(encoded: NDArray[np.uint8]) -> dict[str, Any]:
    header = json.loads(encoded.tobytes().decode())
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(f"its header does not say {FORMAT!r}")
    if header.get("format_version") != FORMAT_VERSION:
        raise ValueError(f"it has format version {header.get('format_version')}, this program reads {FORMAT_VERSION}")
    if set(header) != _HEADER_KEYS or not isinstance(header["provenance"], dict):
        raise ValueError(f"its header must have exactly {', '.join(sorted(_HEADER_KEYS))}")
    return header


def _number(value: object, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"its {name} must be a number from {low:g} to {high:g}, not {str(value)[:40]}")
    return float(value)


def _read_parameters(values: object, mel_shape: tuple[int, ...]) -> dict[str, Any]:
    """Check the parameters of a spec against their bounds, before the mel basis is read."""
    if not isinstance(values, dict) or set(values) != set(_SPEC_BOUNDS):
        raise ValueError(f"its spec must have exactly {', '.join(_SPEC_BOUNDS)}")
    for name, (kind, low, high) in _SPEC_BOUNDS.items():
        _number(values[name], name, low, high)
        if kind is int and not isinstance(values[name], int):
            raise ValueError(f"its {name} must be a whole number, not {values[name]}")
    if values["window_length"] < values["hop_length"] or values["n_mfcc"] > values["n_mels"]:
        raise ValueError("its window is shorter than a hop, or it has more coefficients than mel filters")
    if values["window_length"] // values["hop_length"] * values["n_fft"] > _MOST_IN_FRAMES:
        raise ValueError("its frames would take too much memory")
    if mel_shape != (values["n_mels"], 1 + values["n_fft"] // 2):
        raise ValueError(f"its mel_basis must have shape {(values['n_mels'], 1 + values['n_fft'] // 2)}")
    return values

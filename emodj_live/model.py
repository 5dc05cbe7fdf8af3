"""The model: scale the features, one RBF kernel, two regressors; and the file that holds it.

A model file is an uncompressed zip of NumPy arrays and one JSON header (so ``numpy.load`` reads it too), never a
pickle: it does not depend on scikit-learn, and opening one from a stranger runs nothing.
"""

from __future__ import annotations

import json
import math
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
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
_ROWS_AT_ONCE = 512  # bounds the kernel matrix, whatever is asked for
_WHAT_A_BAD_FILE_RAISES = (ValueError, EOFError, KeyError, NotImplementedError, RuntimeError, OverflowError)
_HEADER_KEYS = {"format", "format_version", "spec", "gamma", "reference_level", "provenance"}
_MEMBERS = ("header", "mel_basis", "mean", "std", "support_vectors", "coefficients", "intercepts")
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
_GAMMA_BOUNDS = 1e-12, 1e3
_LARGEST = 1e9  # of any number in an array: what is beyond is no model, and its square no float32
_SMALLEST_STD = 1e-9


def default_model_path() -> Path:
    """Return the file that `EmotionModel.load` takes when none is named.

    Returns
    -------
    Path
        What the environment variable ``EMODJ_MODEL`` says, else the model that ships with this package.
    """
    if named := os.environ.get("EMODJ_MODEL"):
        return Path(named)
    package = Path(__file__).parent
    installed = package / "models" / "emodj.npz"
    return installed if installed.exists() else package.parent / "models" / "emodj.npz"


@dataclass(frozen=True, eq=False)
class EmotionModel:
    """Two support vector regressors, valence and arousal, over one set of support vectors.

    ``predict(x) = K(scale(x), support_vectors) @ coefficients + intercepts`` with
    ``K(a, b) = exp(-gamma * |a - b|**2)``.

    Attributes
    ----------
    spec : FeatureSpec
        The features that it was trained on.
    mean, std : ndarray of float64, shape (n_features,)
        The scaler.
    support_vectors : ndarray of float32, shape (m, n_features)
        Scaled features: the support vectors of either regressor.
    coefficients : ndarray of float64, shape (m, 2)
        Dual coefficients of valence and arousal, 0 where a vector supports only the other.
    intercepts : ndarray of float64, shape (2,)
        Of valence and arousal.
    gamma : float
        Width of the kernel.
    reference_level : float
        Median level of the windows that it was trained on, silence left out [dBFS].
    provenance : dict
        Where it came from: data, command, versions, scores. Plain JSON values.

    Raises
    ------
    ValueError
        If it has no support vectors, shapes do not fit together, a number is not finite or beyond reason, or a std or
        gamma is not positive.
    """

    spec: FeatureSpec = field(repr=False)
    mean: NDArray[np.float64] = field(repr=False)
    std: NDArray[np.float64] = field(repr=False)
    support_vectors: NDArray[np.float32] = field(repr=False)
    coefficients: NDArray[np.float64] = field(repr=False)
    intercepts: NDArray[np.float64] = field(repr=False)
    gamma: float
    reference_level: float
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not len(self.support_vectors):
            raise ValueError("a model must have support vectors")
        for name, shape in _shapes(self.spec, len(self.support_vectors)).items():
            array = np.ascontiguousarray(self._array(name), _DTYPES[name])
            if array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
            if not (np.abs(array) <= _LARGEST).all():
                raise ValueError(f"{name} has values that are not finite, or beyond reason")
            if name != "mel_basis":
                object.__setattr__(self, name, array)
        if not (_GAMMA_BOUNDS[0] <= self.gamma <= _GAMMA_BOUNDS[1] and (self.std >= _SMALLEST_STD).all()):
            raise ValueError("gamma and every std must be positive and finite, and gamma at most 1000")
        if not math.isfinite(self.reference_level):
            raise ValueError("reference_level must be finite")
        squares = np.einsum("ij,ij->i", self.support_vectors, self.support_vectors, dtype=np.float64)
        object.__setattr__(self, "_offsets", (-self.gamma * squares).astype(np.float32))

    def _array(self, name: str) -> NDArray[Any]:
        array: NDArray[Any] = self.spec.mel_basis if name == "mel_basis" else getattr(self, name)
        return array

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict valence and arousal.

        Parameters
        ----------
        features : ndarray of float32, shape (n, n_features)
            Unscaled, as `FeatureExtractor.extract` gives them.

        Returns
        -------
        ndarray of float64, shape (n, 2)
            Valence and arousal. Not clipped to [-1, 1]: the tracker does that.

        Raises
        ------
        ValueError
            If `features` does not have that shape.
        """
        features = np.asarray(features)
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise ValueError(f"features must have shape (n, {len(self.mean)}), got {features.shape}")
        predicted = np.empty((len(features), 2))
        for start in range(0, len(features), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            predicted[rows] = self._kernel(features[rows]) @ self.coefficients
        predicted += self.intercepts
        return predicted

    def _kernel(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the kernel of every row with every support vector, in float32.

        ``exp(-gamma |x - s|^2) = exp(2 gamma x . s  -  gamma |s|^2  -  gamma |x|^2)``, where only the first term needs
        both: one matrix product.
        """
        scaled = (features - self.mean) / self.std
        exponents: NDArray[np.float32] = (2 * self.gamma * scaled).astype(np.float32) @ self.support_vectors.T
        exponents += self._offsets  # type: ignore[attr-defined]
        exponents -= (self.gamma * (scaled**2).sum(axis=1, keepdims=True)).astype(np.float32)
        np.minimum(exponents, 0, out=exponents)  # a distance is not negative, whatever rounding says far away
        return np.exp(exponents, out=exponents)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file, whole or not at all.

        Parameters
        ----------
        path : path-like
            Where to. A file that is there is replaced in one step, so that it is never half written.

        Raises
        ------
        ModelError
            If it cannot be written.
        """
        path = Path(path)
        header = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "spec": self.spec.parameters(),
            "gamma": self.gamma,
            "reference_level": self.reference_level,
            "provenance": dict(self.provenance),
        }
        encoded = np.frombuffer(json.dumps(header, allow_nan=False).encode(), np.uint8)
        arrays = {name: np.ascontiguousarray(self._array(name), _DTYPES[name]) for name in _MEMBERS if name != "header"}
        try:
            with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
                try:
                    np.savez(file, allow_pickle=False, header=encoded, **arrays)
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

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> EmotionModel:
        """Read a model file; nothing is believed before it is checked.

        Parameters
        ----------
        path : path-like, optional
            The file. None: the one that the environment variable ``EMODJ_MODEL`` names, else the shipped one.

        Returns
        -------
        EmotionModel

        Raises
        ------
        ModelError
            If the file is missing or is not a sound model file of this format; it says why.
        """
        path = default_model_path() if path is None else Path(path)
        try:
            with path.open("rb") as file:
                return _read(file)
        except FileNotFoundError:
            raise ModelError(f"{path}: there is no such model file; train one with train.py or leave it out.") from None
        except OSError as error:
            raise ModelError(f"{path}: cannot be read: {error.strerror or error}.") from error
        except zipfile.BadZipFile as error:
            raise ModelError(f"{path}: is not a model file, or a damaged one: {_one_line(error)}.") from error
        except _WHAT_A_BAD_FILE_RAISES as error:
            raise ModelError(f"{path}: is not a model file that can be used: {_one_line(error)}.") from error


def _one_line(error: Exception) -> str:
    """Return what an error says, without line ends and what else a stranger's file may have put into it."""
    text = "".join(character if character.isprintable() else " " for character in str(error)[:200])
    return " ".join(text.split()).rstrip(".") or type(error).__name__


def _shapes(spec: FeatureSpec, n_vectors: int) -> dict[str, tuple[int, ...]]:
    """Return the shape that each array must have."""
    return {
        "mel_basis": (spec.n_mels, 1 + spec.n_fft // 2),
        "mean": (spec.n_features,),
        "std": (spec.n_features,),
        "support_vectors": (n_vectors, spec.n_features),
        "coefficients": (n_vectors, 2),
        "intercepts": (2,),
    }


_DTYPES = {"header": "|u1", "mel_basis": "<f4", "support_vectors": "<f4"}
_DTYPES |= dict.fromkeys(("mean", "std", "coefficients", "intercepts"), "<f8")
_ARRAY_HEADER_BYTES = 128
_ARRAY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00\x76\x00\{'descr': '(?P<type>[<|a-z0-9]{2,3})', 'fortran_order': False, "
    rb"'shape': \((?P<shape>\d{1,9},(?: \d{1,9})?)\), \} *\n"
)


def _read(file: IO[bytes]) -> EmotionModel:
    """Read a model from an open file; ValueError and the like say what is wrong with it."""
    if file.seek(0, os.SEEK_END) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
    with zipfile.ZipFile(file) as archive:
        _check_members(archive)
        shapes = {name: _read_shape(archive, name) for name in _MEMBERS}
        header = _read_header(_read_array(archive, "header", shapes["header"]))
        if len(shapes["support_vectors"]) != 2 or not shapes["support_vectors"][0]:
            raise ValueError("it has no support vectors")
        parameters = _read_parameters(header["spec"], shapes["mel_basis"])
        spec = FeatureSpec(mel_basis=_read_array(archive, "mel_basis", shapes["mel_basis"]), **parameters)
        for name, shape in _shapes(spec, shapes["support_vectors"][0]).items():
            if shapes[name] != shape:
                raise ValueError(f"its {name} must have shape {shape}, not {shapes[name]}")
        return EmotionModel(
            spec=spec,
            gamma=_number(header["gamma"], "gamma", *_GAMMA_BOUNDS),
            reference_level=_number(header["reference_level"], "reference_level", -200, 200),
            provenance=header["provenance"],
            **{
                name: _read_array(archive, name, shapes[name])
                for name in _MEMBERS
                if name not in ("header", "mel_basis")
            },
        )


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
    if found is None or found["type"].decode() != _DTYPES[name]:
        raise ValueError(f"its {name} must be a plain array of type {_DTYPES[name]} in C order")
    shape = tuple(int(length) for length in found["shape"].split(b",") if length.strip())
    size = _ARRAY_HEADER_BYTES + math.prod(shape) * np.dtype(_DTYPES[name]).itemsize
    if size != archive.getinfo(f"{name}.npy").file_size:
        raise ValueError(f"its {name} is not as long as it says")
    return shape


def _read_array(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    values = archive.read(f"{name}.npy")[_ARRAY_HEADER_BYTES:]
    return np.frombuffer(values, _DTYPES[name]).reshape(shape)


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

"""The model: scale the features, one RBF kernel, two regressors."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live import model_file
from emodj_live.features import FeatureSpec

_ROWS_AT_ONCE = 512  # bounds the kernel matrix, whatever is asked for
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
        for name, shape in model_file.shapes(self.spec, len(self.support_vectors)).items():
            array = np.ascontiguousarray(self._array(name), model_file.DTYPES[name])
            if array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
            if not (np.abs(array) <= model_file.LARGEST).all():
                raise ValueError(f"{name} has values that are not finite, or beyond reason")
            if name != "mel_basis":
                object.__setattr__(self, name, array)
        lowest, highest = model_file.GAMMA_BOUNDS
        if not (lowest <= self.gamma <= highest and (self.std >= _SMALLEST_STD).all()):
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
        header = {
            "spec": self.spec.parameters(),
            "gamma": self.gamma,
            "reference_level": self.reference_level,
            "provenance": dict(self.provenance),
        }
        model_file.write(Path(path), header, {name: self._array(name) for name in model_file.ARRAYS})

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
        with model_file.opened(default_model_path() if path is None else Path(path)) as file:
            return cls(**model_file.read(file))

"""The model: scale the features, one RBF kernel, two values; and how it listens to a stream."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emodj_live import model_file
from emodj_live.calibration import Calibration
from emodj_live.context import Context
from emodj_live.features import FeatureExtractor, FeatureSpec
from emodj_live.listener import Listener

_ROWS_AT_ONCE = 512  # bounds the kernel matrix, however many rows there are
_SMALLEST_STD = 1e-9
_GAMMA_BOUNDS = 1e-12, 1e3
_LEVEL_BOUNDS = -200.0, 200.0  # [dBFS]
_PARAMETERS = {"spec", "gamma", "reference_level", "calibration"}
_UNSAID = {2: {"calibration": None}}  # what files of an older version of the format do not say
_UNSAID_OF_SPEC = {2: {"context": 0.0}}
_LARGEST = 1e9  # of any number in an array: the square of a larger one overflows float32


class Kernel:
    """The RBF kernel with fixed vectors, in float32: ``exp(-gamma |x - s|^2)``.

    It is computed as ``exp(2 gamma x . s  -  gamma |s|^2  -  gamma |x|^2)``, where only the first term needs both: one
    matrix product.

    Parameters
    ----------
    vectors : ndarray of float32, shape (m, n_features)
    gamma : float
    """

    def __init__(self, vectors: NDArray[np.float32], gamma: float) -> None:
        self._vectors = vectors
        self._gamma = gamma
        squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
        self._offsets = (-gamma * squares).astype(np.float32)

    def __call__(self, scaled: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the kernel of every row with every vector.

        Parameters
        ----------
        scaled : ndarray of float64, shape (n, n_features)

        Returns
        -------
        ndarray of float32, shape (n, m)
        """
        exponents: NDArray[np.float32] = (2 * self._gamma * scaled).astype(np.float32) @ self._vectors.T
        exponents += self._offsets
        exponents -= (self._gamma * (scaled**2).sum(axis=1, keepdims=True)).astype(np.float32)
        np.minimum(exponents, 0, out=exponents)  # a distance is not negative, but rounding can make it so
        return np.exp(exponents, out=exponents)


@dataclass(frozen=True, eq=False)
class EmotionModel:
    """Two regressors, valence and arousal, over one set of support vectors.

    ``predict(x) = K(scale(x), support_vectors) @ coefficients + intercepts`` with
    ``K(a, b) = exp(-gamma * |a - b|**2)``.

    Attributes
    ----------
    spec : FeatureSpec
        The features that it was trained on.
    mean, std : ndarray of float64, shape (n_features,)
        The scaler.
    support_vectors : ndarray of float32, shape (m, n_features)
        Scaled features: the support vectors of either regressor, or the centers that both share.
    coefficients : ndarray of float64, shape (m, 2)
        Of valence and arousal, 0 where a vector supports only the other.
    intercepts : ndarray of float64, shape (2,)
        Of valence and arousal.
    gamma : float
        Width of the kernel.
    reference_level : float
        Median level of the windows that it was trained on, without silence [dBFS].
    provenance : dict
        Where it came from: data, command, versions, scores. Plain JSON values.
    calibration : Calibration or None
        What was measured on music that it had not been trained on; None if nothing was.

    Raises
    ------
    ValueError
        If it has no support vectors, shapes do not fit together, a number is not finite or absurdly large, or a std
        or gamma is not positive.
    """

    KIND: ClassVar[str] = "rbf"
    ARRAYS: ClassVar[Mapping[str, str]] = {
        "mel_basis": "<f4",
        "mean": "<f8",
        "std": "<f8",
        "support_vectors": "<f4",
        "coefficients": "<f8",
        "intercepts": "<f8",
    }

    spec: FeatureSpec = field(repr=False)
    mean: NDArray[np.float64] = field(repr=False)
    std: NDArray[np.float64] = field(repr=False)
    support_vectors: NDArray[np.float32] = field(repr=False)
    coefficients: NDArray[np.float64] = field(repr=False)
    intercepts: NDArray[np.float64] = field(repr=False)
    gamma: float
    reference_level: float
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)
    calibration: Calibration | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not len(self.support_vectors):
            raise ValueError("a model must have support vectors")
        n_vectors, n_features = len(self.support_vectors), self.spec.n_features
        self._set_array("mean", (n_features,))
        self._set_array("std", (n_features,))
        self._set_array("support_vectors", (n_vectors, n_features))
        self._set_array("coefficients", (n_vectors, 2))
        self._set_array("intercepts", (2,))
        _check_number("gamma", self.gamma, *_GAMMA_BOUNDS)
        _check_number("reference_level", self.reference_level, *_LEVEL_BOUNDS)
        if not (self.std >= _SMALLEST_STD).all():
            raise ValueError("every std must be positive")
        object.__setattr__(self, "_kernel", Kernel(self.support_vectors, self.gamma))

    def _set_array(self, name: str, shape: tuple[int, ...]) -> None:
        array = np.ascontiguousarray(getattr(self, name), self.ARRAYS[name])
        if array.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
        if not (np.abs(array) <= _LARGEST).all():
            raise ValueError(f"{name} has values that are not finite or are absurdly large")
        object.__setattr__(self, name, array)

    @property
    def sample_rate(self) -> int:
        """Sample rate of the audio that it listens to [Hz]."""
        return self.spec.sample_rate

    @property
    def window_length(self) -> int:
        """Samples in a window."""
        return self.spec.window_length

    def listener(self) -> Listener:
        """Return an ear for one stream: windows in, valence and arousal out.

        Returns
        -------
        Listener
        """
        return _ContextListener(self)

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict valence and arousal.

        Parameters
        ----------
        features : ndarray of float32, shape (n, n_features)
            Unscaled, as `Context.features` gives them; without a context those are the MFCCs that
            `FeatureExtractor.extract` gives.

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
            hint = "; Context makes features of what windows say alone" if self.spec.context else ""
            raise ValueError(f"features must have shape (n, {len(self.mean)}), got {features.shape}{hint}")
        predicted = np.empty((len(features), 2))
        for start in range(0, len(features), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            scaled = (features[rows] - self.mean) / self.std
            predicted[rows] = self._kernel(scaled) @ self.coefficients  # type: ignore[attr-defined]
        predicted += self.intercepts
        return predicted

    # ----------------------------------------------------------------------------------------------------- the file

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file, whole or not at all.

        Parameters
        ----------
        path : path-like
            A file that exists is replaced in one step, so that it is never half written.

        Raises
        ------
        ModelError
            If it cannot be written.
        """
        parameters = {
            "spec": self.spec.parameters(),
            "gamma": self.gamma,
            "reference_level": self.reference_level,
            "calibration": self.calibration.parameters() if self.calibration else None,
        }
        arrays = {"mel_basis": self.spec.mel_basis} | {
            name: getattr(self, name) for name in self.ARRAYS if name != "mel_basis"
        }
        model_file.write(Path(path), model_file.Contents(self.KIND, parameters, arrays, self.provenance))

    @classmethod
    def from_contents(cls, contents: model_file.Contents) -> EmotionModel:
        """Make a model of what its file holds.

        Parameters
        ----------
        contents : Contents

        Returns
        -------
        EmotionModel

        Raises
        ------
        ValueError
            If it is not a valid model.
        """
        arrays, parameters = dict(contents.arrays), {**_UNSAID.get(contents.version, {}), **contents.parameters}
        if set(parameters) != _PARAMETERS:
            raise ValueError(f"its parameters must be exactly {', '.join(sorted(_PARAMETERS))}")
        spec, calibration = parameters.pop("spec"), parameters.pop("calibration")
        if not isinstance(spec, dict) or not isinstance(calibration, dict | None):
            raise ValueError("its spec and its calibration must be JSON objects")  # noqa: TRY004 (of a file)
        fields: dict[str, Any] = {**arrays, **parameters}
        spec = {**_UNSAID_OF_SPEC.get(contents.version, {}), **spec}
        return cls(
            spec=FeatureSpec.from_parameters(spec, fields.pop("mel_basis")),
            **fields,
            calibration=Calibration.from_parameters(calibration) if calibration is not None else None,
            provenance=contents.provenance,
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> EmotionModel:
        """Read a model file of this kind; nothing is believed before it is checked.

        Parameters
        ----------
        path : path-like, optional
            The file. None: the one that the environment variable ``EMODJ_MODEL`` names, else the bundled one.

        Returns
        -------
        EmotionModel

        Raises
        ------
        ModelError
            If the file is missing or is not a valid model file of this format; its text says why.
        """
        return model_file.load(path, {cls.KIND: cls})


class _ContextListener:
    """Hears each window, together with what it remembers of the last seconds if the model has a context."""

    def __init__(self, model: EmotionModel) -> None:
        self._model = model
        self._extractor = FeatureExtractor(model.spec)
        self._context = Context(model.spec)

    def hear(
        self, windows: NDArray[np.float32], times: NDArray[np.float64], is_silent: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        return self._model.predict(self._context.features(self._extractor.describe(windows), times, is_silent))

    def reset(self) -> None:
        self._context.reset()


def _check_number(name: str, value: float, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}, got {str(value)[:40]}")

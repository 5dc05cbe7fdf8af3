"""From a window to its 264 MFCCs, and to what it adds to a context: the one place that knows 12 x 22.

The numbers are those of ``librosa.feature.mfcc`` (librosa 0.11) on the window alone, without librosa: its mel basis
comes with the model as data, so that nothing is imported, compiled or rebuilt while music plays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.window_statistics import LOWEST_RATE, N_MFCC, N_STATISTICS, WIDEST_BIN, WindowStatistics

N_CONTEXT_STATISTICS = 72
_MEL_GROUPS = 8  # mel filters are narrow: multiplying them in groups over their own bins alone costs a quarter
# What each parameter may be: wide enough for any real use, too narrow for a small file to cost much memory or time.
_BOUNDS: dict[str, tuple[type, float, float]] = {
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
    "context": (float, 0, 60),
}
_LARGEST_FRAMES = 2**22  # samples in the frames of one window
_LARGEST_WEIGHT = 1e9


@dataclass(frozen=True, eq=False)
class FeatureSpec:
    """Everything that determines the features.

    The defaults are EmoDJ's and a context: ``librosa.feature.mfcc(y=window, sr=22050, n_mfcc=12)`` with every
    parameter of librosa 0.11 spelled out. The rest is fixed: a periodic Hann window as long as `n_fft`, frames
    centered with zero padding, power spectra, Slaney's mel scale and area normalization, 10 log10, an orthonormal
    DCT-II.

    Attributes
    ----------
    mel_basis : ndarray of float32, shape (n_mels, 1 + n_fft // 2)
        The mel filters, one in a row.
    sample_rate : int
        [Hz]
    window_length : int
        Samples in a window.
    n_fft, hop_length : int
        Length of a Fourier transform and the distance from one frame to the next [samples].
    n_mels, n_mfcc : int
        Number of mel filters, and of coefficients.
    fmin, fmax : float
        Lower and upper end of the mel filters [Hz].
    amin : float
        Power below this counts as this.
    top_db : float
        Floor below the loudest bin of the window [dB].
    context : float
        How far back the statistics reach that follow the MFCCs [s], the present window included; 0 is EmoDJ's own
        way: the MFCCs alone.

    Raises
    ------
    ValueError
        If a parameter is out of bounds, parameters do not fit together, or the mel basis does not fit them.
    """

    mel_basis: NDArray[np.float32] = field(repr=False)
    sample_rate: int = 22050
    window_length: int = 11025
    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 128
    n_mfcc: int = 12
    fmin: float = 0.0
    fmax: float = 11025.0
    amin: float = 1e-10
    top_db: float = 80.0
    context: float = 4.0

    def __post_init__(self) -> None:
        for name, (kind, low, high) in _BOUNDS.items():
            object.__setattr__(self, name, _checked_number(name, getattr(self, name), kind, low, high))
        if self.window_length < self.hop_length:
            raise ValueError("window_length must not be shorter than hop_length")
        if self.n_mfcc > self.n_mels:
            raise ValueError(f"n_mfcc must not exceed n_mels, got {self.n_mfcc} and {self.n_mels}")
        if self.n_frames * self.n_fft > _LARGEST_FRAMES:
            raise ValueError("the frames of one window would take too much memory")
        if self.context:
            self._check_context()
        mel_basis = np.ascontiguousarray(self.mel_basis, np.float32)
        shape = (self.n_mels, 1 + self.n_fft // 2)
        if mel_basis.shape != shape:
            raise ValueError(f"mel_basis must have shape {shape}, got {mel_basis.shape}")
        if not (np.abs(mel_basis) <= _LARGEST_WEIGHT).all():
            raise ValueError("mel_basis has values that are not finite or are absurdly large")
        object.__setattr__(self, "mel_basis", mel_basis)

    def _check_context(self) -> None:
        if self.context < self.window_length / self.sample_rate:
            raise ValueError(f"context must be 0 or at least as long as a window, got {self.context:g}")
        if self.sample_rate <= LOWEST_RATE or self.sample_rate > WIDEST_BIN * self.n_fft or self.n_mels < N_MFCC:
            raise ValueError(
                f"a context needs a sample_rate above {LOWEST_RATE:g}, bins no wider than {WIDEST_BIN:g} Hz "
                f"and n_mels of at least {N_MFCC}, got {self.sample_rate}, {self.sample_rate / self.n_fft:.0f} "
                f"and {self.n_mels}"
            )

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any], mel_basis: NDArray[np.float32]) -> FeatureSpec:
        """Return the spec that `parameters` was called on.

        Parameters
        ----------
        parameters : mapping
            By name, all of them and no other.
        mel_basis : ndarray of float32

        Returns
        -------
        FeatureSpec

        Raises
        ------
        ValueError
            If a name is missing or unknown, or a value is out of bounds.
        """
        if set(parameters) != set(_BOUNDS):
            raise ValueError(f"a spec must have exactly {', '.join(_BOUNDS)}")
        return cls(mel_basis, **parameters)

    @property
    def n_frames(self) -> int:
        """Frames in a window."""
        return 1 + self.window_length // self.hop_length

    @property
    def n_coefficients(self) -> int:
        """How many MFCCs a window has: `n_mfcc` x `n_frames`."""
        return self.n_mfcc * self.n_frames

    @property
    def n_descriptors(self) -> int:
        """How many numbers a window alone gives: its MFCCs, and what it adds to the context if there is one."""
        return self.n_coefficients + (N_STATISTICS if self.context else 0)

    @property
    def n_features(self) -> int:
        """Length of a feature vector: the MFCCs, and the statistics of the context if there is one."""
        return self.n_coefficients + (N_CONTEXT_STATISTICS if self.context else 0)

    def parameters(self) -> dict[str, int | float]:
        """Return all but the mel basis, by name."""
        return {name: getattr(self, name) for name in _BOUNDS}


def _checked_number(name: str, value: object, kind: type, low: float, high: float) -> int | float:
    """Return a number as its type, if it is one and within bounds."""
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not is_number or not low <= value <= high or kind(value) != value:  # type: ignore[operator]
        what = "an integer" if kind is int else "a number"
        raise ValueError(f"{name} must be {what} from {low:g} to {high:g}, got {str(value)[:40]}")
    number: int | float = kind(value)
    return number


def _hann(length: int) -> NDArray[np.float64]:
    """Return the periodic Hann window, as ``scipy.signal.get_window("hann", length)`` does.

    In float64: rounded to float32, its side lobes would fill the valleys of the spectral contrast.
    """
    hann: NDArray[np.float64] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    return hann


def _dct(n_out: int, n_in: int) -> NDArray[np.float64]:
    """Return the first rows of the orthonormal DCT-II, as ``scipy.fft.dct(..., type=2, norm="ortho")`` applies it."""
    angles = np.pi / n_in * np.outer(np.arange(n_out), np.arange(n_in) + 0.5)
    basis: NDArray[np.float64] = np.sqrt(2 / n_in) * np.cos(angles)
    basis[0] /= np.sqrt(2)
    return basis


class FeatureExtractor:
    """Turn windows into MFCCs, and into what they add to a context.

    An extractor reuses its buffers, so it belongs to one thread; many extractors may share a `FeatureSpec`.

    Parameters
    ----------
    spec : FeatureSpec
        What to compute; a model's own is `EmotionModel.spec`.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        self._hann = _hann(spec.n_fft)
        self._statistics = (
            WindowStatistics(spec.sample_rate, spec.window_length, spec.n_fft, spec.hop_length)
            if spec.context
            else None
        )
        n_mfcc = max(spec.n_mfcc, N_MFCC) if spec.context else spec.n_mfcc
        self._dct = 10 * _dct(n_mfcc, spec.n_mels)  # of bels, which saves a pass
        self._padded = np.zeros(spec.window_length + spec.n_fft, np.float32)
        self._window = self._padded[spec.n_fft // 2 : spec.n_fft // 2 + spec.window_length]
        self._frames = np.lib.stride_tricks.sliding_window_view(self._padded, spec.n_fft)[:: spec.hop_length]
        # float64, because numpy.fft takes a quarter of the time for it that it takes for float32 (numpy 2.4)
        self._windowed = np.empty((spec.n_frames, spec.n_fft))
        self._spectrum = np.empty((spec.n_frames, 1 + spec.n_fft // 2), np.complex128)
        self._power, self._scratch = (np.empty(self._spectrum.shape, np.float32) for _ in range(2))
        self._mel = np.empty((spec.n_mels, spec.n_frames), np.float32)
        self._groups = [
            self._group(rows) for rows in np.array_split(np.arange(spec.n_mels), min(_MEL_GROUPS, spec.n_mels))
        ]

    def _group(self, rows: NDArray[np.intp]) -> tuple[slice, slice, NDArray[np.float32]]:
        """Return neighboring mel filters: their rows, the bins they touch, and their weights on those."""
        weights = self.spec.mel_basis[rows]
        touched = np.flatnonzero(weights.any(axis=0))
        bins = slice(touched[0], touched[-1] + 1) if touched.size else slice(0, 1)
        return slice(rows[0], rows[-1] + 1), bins, np.ascontiguousarray(weights[:, bins])

    def extract(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the MFCCs of one window or many; the result for each does not depend on the others.

        Parameters
        ----------
        windows : ndarray of float32, shape (window_length,) or (n, window_length)
            Mono samples at ``spec.sample_rate``, full scale is +-1.

        Returns
        -------
        ndarray of float32, shape (n_coefficients,) or (n, n_coefficients)
            Coefficient-major: ``mfcc.ravel()`` of an ``(n_mfcc, n_frames)`` array.

        Raises
        ------
        ValueError
            If a window does not have ``spec.window_length`` samples.
        """
        windows = self._checked(windows)
        n_mfcc, n_coefficients = self.spec.n_mfcc, self.spec.n_coefficients
        features = np.empty((*windows.shape[:-1], n_coefficients), np.float32)
        for row, window in zip(np.atleast_2d(features), np.atleast_2d(windows), strict=True):
            row[:] = self._mfcc(window)[:n_mfcc].ravel()
        return features

    def describe(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute all that each window says alone, from which a `Context` makes features.

        Parameters
        ----------
        windows : ndarray of float32, shape (window_length,) or (n, window_length)
            As for `extract`.

        Returns
        -------
        ndarray of float32, shape (n_descriptors,) or (n, n_descriptors)
            The MFCCs, then what the window adds to the context if there is one.

        Raises
        ------
        ValueError
            If a window does not have ``spec.window_length`` samples.
        """
        if self._statistics is None:
            return self.extract(windows)
        windows = self._checked(windows)
        n_mfcc, n_coefficients = self.spec.n_mfcc, self.spec.n_coefficients
        described = np.empty((*windows.shape[:-1], self.spec.n_descriptors), np.float32)
        for row, window in zip(np.atleast_2d(described), np.atleast_2d(windows), strict=True):
            mfcc = self._mfcc(window)
            row[:n_coefficients] = mfcc[:n_mfcc].ravel()
            row[n_coefficients:] = self._statistics.of(self._power, self._mel, mfcc[:N_MFCC])
        return described

    def _checked(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        windows = np.asarray(windows)
        if windows.ndim not in (1, 2) or windows.shape[-1] != self.spec.window_length:
            raise ValueError(f"windows must have {self.spec.window_length} samples each, got shape {windows.shape}")
        return windows

    def _mfcc(self, window: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the coefficients of one window, a frame in a column; its power and mel spectra stay in the buffers."""
        self._window[:] = window
        np.multiply(self._frames, self._hann, out=self._windowed)
        np.fft.rfft(self._windowed, out=self._spectrum)
        np.square(self._spectrum.real, out=self._power, casting="same_kind")
        np.square(self._spectrum.imag, out=self._scratch, casting="same_kind")
        self._power += self._scratch
        for rows, bins, weights in self._groups:
            np.matmul(weights, self._power[:, bins].T, out=self._mel[rows])
        bels = np.maximum(self._mel, np.float32(self.spec.amin), out=self._mel)
        np.log10(bels, out=bels)
        np.maximum(bels, bels.max() - np.float32(self.spec.top_db / 10), out=bels)
        mfcc: NDArray[np.float64] = self._dct @ bels  # in float64: 128 terms of -10 bels would lose 1e-3
        return mfcc

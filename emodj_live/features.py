"""From a window to its 264 features: the one place that knows 12 x 22.

The numbers are those of ``librosa.feature.mfcc`` (librosa 0.11) on the window alone, without librosa: its mel basis is
taken over as data, so that nothing is imported, compiled or rebuilt while music plays.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from emodj_live.fft import real_transform

_MEL_GROUPS = 8  # mel filters are narrow: multiplying them in groups over their own bins alone costs a quarter


@dataclass(frozen=True, eq=False)
class FeatureSpec:
    """Everything that decides what a window's features are.

    The defaults are EmoDJ's: ``librosa.feature.mfcc(y=window, sr=22050, n_mfcc=12)`` with every parameter of current
    librosa spelled out. Fixed, because the extractor knows no other: a periodic Hann window as long as `n_fft`,
    frames centred with zero padding, power spectra, Slaney's mel scale and area normalisation, 10 log10, an
    orthonormal DCT-II.

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
        Number of mel filters, and of the coefficients that are kept.
    fmin, fmax : float
        Lower and upper end of the mel filters [Hz].
    amin : float
        Power below this counts as this.
    top_db : float
        Floor below the loudest bin of the window [dB].
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

    def __post_init__(self) -> None:
        shape = (self.n_mels, 1 + self.n_fft // 2)
        if self.mel_basis.shape != shape:
            raise ValueError(f"mel_basis must have shape {shape}, got {self.mel_basis.shape}")

    @property
    def n_frames(self) -> int:
        """Frames in a window."""
        return 1 + self.window_length // self.hop_length

    @property
    def n_features(self) -> int:
        """Length of a feature vector: `n_mfcc` x `n_frames`."""
        return self.n_mfcc * self.n_frames

    def parameters(self) -> dict[str, int | float]:
        """Return all but the mel basis, by name."""
        values = asdict(self)
        del values["mel_basis"]
        return values


def _hann(length: int) -> NDArray[np.float32]:
    """Return the periodic Hann window, as ``scipy.signal.get_window("hann", length)`` does."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


def _dct(n_out: int, n_in: int) -> NDArray[np.float64]:
    """Return the first rows of the orthonormal DCT-II, as ``scipy.fft.dct(..., type=2, norm="ortho")`` applies it."""
    angles = np.pi / n_in * np.outer(np.arange(n_out), np.arange(n_in) + 0.5)
    basis: NDArray[np.float64] = np.sqrt(2 / n_in) * np.cos(angles)
    basis[0] /= np.sqrt(2)
    return basis


class FeatureExtractor:
    """Turn windows into features.

    An extractor reuses its buffers and so belongs to one thread; a `FeatureSpec` may be shared by many.

    Parameters
    ----------
    spec : FeatureSpec
        What to compute; `EmotionModel.spec` is the one that its model was trained with.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        self._hann = _hann(spec.n_fft)
        self._dct = 10 * _dct(spec.n_mfcc, spec.n_mels)  # of bels, which saves a pass
        self._padded = np.zeros(spec.window_length + spec.n_fft, np.float32)
        self._window = self._padded[spec.n_fft // 2 : spec.n_fft // 2 + spec.window_length]
        self._frames = np.lib.stride_tricks.sliding_window_view(self._padded, spec.n_fft)[:: spec.hop_length]
        self._windowed = np.empty((spec.n_frames, spec.n_fft), np.float32)
        self._transform = real_transform()
        self._spectrum = np.empty((spec.n_frames, 1 + spec.n_fft // 2), np.complex64)
        self._power, self._scratch = (np.empty(self._spectrum.shape, np.float32) for _ in range(2))
        self._mel = np.empty((spec.n_mels, spec.n_frames), np.float32)
        self._groups = [
            self._group(rows) for rows in np.array_split(np.arange(spec.n_mels), min(_MEL_GROUPS, spec.n_mels))
        ]

    def _group(self, rows: NDArray[np.intp]) -> tuple[slice, slice, NDArray[np.float32]]:
        """Return neighbouring mel filters: their rows, the bins they touch, and their weights on those."""
        weights = self.spec.mel_basis[rows]
        touched = np.flatnonzero(weights.any(axis=0))
        bins = slice(touched[0], touched[-1] + 1) if touched.size else slice(0, 1)
        return slice(rows[0], rows[-1] + 1), bins, np.ascontiguousarray(weights[:, bins])

    def extract(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the features of one window or of many; each is the same whatever comes with it.

        Parameters
        ----------
        windows : ndarray of float32, shape (window_length,) or (n, window_length)
            Mono samples at ``spec.sample_rate``, full scale is +-1.

        Returns
        -------
        ndarray of float32, shape (n_features,) or (n, n_features)
            MFCCs, coefficient-major: ``mfcc.ravel()`` of an ``(n_mfcc, n_frames)`` array.

        Raises
        ------
        ValueError
            If a window does not have ``spec.window_length`` samples.
        """
        windows = np.asarray(windows)
        if windows.ndim not in (1, 2) or windows.shape[-1] != self.spec.window_length:
            raise ValueError(f"windows must have {self.spec.window_length} samples each, got shape {windows.shape}")
        if windows.ndim == 1:
            return self._mfcc(windows).ravel().astype(np.float32)
        features = np.empty((len(windows), self.spec.n_features), np.float32)
        for row, window in zip(features, windows, strict=True):
            row[:] = self._mfcc(window).ravel()
        return features

    def _mfcc(self, window: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the ``(n_mfcc, n_frames)`` coefficients of one window."""
        self._window[:] = window
        np.multiply(self._frames, self._hann, out=self._windowed)
        self._transform(self._windowed, self._spectrum)
        np.square(self._spectrum.real, out=self._power)
        np.square(self._spectrum.imag, out=self._scratch)
        self._power += self._scratch
        for rows, bins, weights in self._groups:
            np.matmul(weights, self._power[:, bins].T, out=self._mel[rows])
        bels = np.maximum(self._mel, np.float32(self.spec.amin), out=self._mel)
        np.log10(bels, out=bels)
        np.maximum(bels, bels.max() - np.float32(self.spec.top_db / 10), out=bels)
        mfcc: NDArray[np.float64] = self._dct @ bels  # in float64: 128 terms of -10 bels would lose 1e-3
        return mfcc

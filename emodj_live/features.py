"""From a window to its 264 MFCCs, and to what it adds to a context: the one place that knows 12 x 22.

The numbers are those of ``librosa.feature.mfcc`` (librosa 0.11) on the window alone, without librosa: its mel basis
comes with the model as data, so that nothing is imported, compiled or rebuilt while music plays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emodj_live.feature_spec import FeatureSpec
from emodj_live.window_statistics import N_MFCC, WindowStatistics

__all__ = ["FeatureExtractor", "FeatureSpec"]

_MEL_GROUPS = 8  # mel filters are narrow: multiplying them in groups over their own bins alone costs a quarter


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
        # float64, because numpy.fft takes a quarter of the time for it that it takes for float32 (numpy 2.4)
        self._padded = np.zeros(spec.window_length + spec.n_fft)
        self._window = self._padded[spec.n_fft // 2 : spec.n_fft // 2 + spec.window_length]
        self._frames = np.lib.stride_tricks.sliding_window_view(self._padded, spec.n_fft)[:: spec.hop_length]
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
        windows = np.asarray(windows, np.float32)
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

"""What one window adds to a context: sums over its frames, from the spectra that its MFCCs are made of.

Each quantity is librosa's (0.11) of the window alone: MFCCs, spectral contrast (Jiang et al. 2002), chroma from the
STFT (Ellis 2007) and onset strength as spectral flux (Boeck and Widmer 2013). Of all frames only those count whose
Fourier transform lies within the window, since zeros that pad a window are not music.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_MFCC = 20
N_BANDS = 7  # of spectral contrast
N_CHROMA = 12
MEANS = slice(0, N_MFCC + N_BANDS)  # columns of `WindowStatistics.of`: of the MFCCs and the spectral contrast
CHROMA = slice(MEANS.stop, MEANS.stop + N_CHROMA)
VARIANCES = slice(CHROMA.stop, CHROMA.stop + N_MFCC + N_BANDS)
ONSET = slice(VARIANCES.stop, VARIANCES.stop + 2)
N_STATISTICS = ONSET.stop
_LOWEST_BAND = 200.0  # [Hz] upper end of spectral contrast's lowest band; each further one is an octave
_QUANTILE = 0.02  # share of a band's bins that make its peak and its valley
_TOP_BELS = 8.0  # of librosa.power_to_db
_AMIN = 1e-10
_TINY = np.finfo(np.float32).tiny
LOWEST_RATE = 2 * _LOWEST_BAND * 2 ** (N_BANDS - 2)  # [Hz] above this every band has bins
WIDEST_BIN = _LOWEST_BAND / 2  # [Hz]


def inner_frames(window_length: int, n_fft: int, hop_length: int) -> slice:
    """Return the frames whose Fourier transform lies within the window, or all if none does.

    Parameters
    ----------
    window_length, n_fft, hop_length : int
        [samples]

    Returns
    -------
    slice
        Of the window's frames, which are centered at multiples of `hop_length`.
    """
    first = -(-(n_fft // 2) // hop_length)
    last = (window_length - n_fft // 2) // hop_length
    return slice(first, last + 1) if last > first else slice(0, 1 + window_length // hop_length)


def contrast_bands(sample_rate: int, n_fft: int) -> list[tuple[slice, int]]:
    """Return spectral contrast's bands as ``librosa.feature.spectral_contrast`` cuts them.

    Parameters
    ----------
    sample_rate : int
        [Hz]
    n_fft : int

    Returns
    -------
    list of (slice, int)
        The bins of each band, and how many of them make its peak and its valley.
    """
    frequencies = np.arange(1 + n_fft // 2) * sample_rate / n_fft
    edges = [0.0, *(_LOWEST_BAND * 2.0 ** np.arange(N_BANDS))]
    bands = []
    for number, (low, high) in enumerate(pairwise(edges)):
        within = np.flatnonzero((frequencies >= low) & (frequencies <= high))
        first = within[0] - (number > 0)  # librosa adds the bin below, and leaves out the last one
        is_highest = number == N_BANDS - 1
        count = (len(frequencies) if is_highest else within[-1] + 1) - first
        used = count if is_highest else count - 1
        bands.append((slice(int(first), int(first + used)), max(1, int(np.rint(_QUANTILE * count)))))
    return bands


def chroma_filters(sample_rate: int, n_fft: int) -> NDArray[np.float64]:
    """Return ``librosa.filters.chroma(sr=sample_rate, n_fft=n_fft, tuning=0)``.

    Parameters
    ----------
    sample_rate : int
        [Hz]
    n_fft : int

    Returns
    -------
    ndarray of float64, shape (12, 1 + n_fft // 2)
    """
    pitch = N_CHROMA * np.log2(np.arange(1, n_fft) * (sample_rate / n_fft) / (440 / 16))  # in semitones above A0
    pitch = np.concatenate([[pitch[0] - 1.5 * N_CHROMA], pitch])  # that of 0 Hz is made up
    width = np.concatenate([np.maximum(np.diff(pitch), 1.0), [1.0]])
    half = N_CHROMA / 2
    distance = np.remainder(pitch - np.arange(N_CHROMA)[:, np.newaxis] + half, N_CHROMA) - half
    weights = np.exp(-0.5 * (2 * distance / width) ** 2)
    weights /= np.linalg.norm(weights, axis=0)
    weights *= np.exp(-0.5 * ((pitch / N_CHROMA - 5) / 2) ** 2)  # centered five octaves above A0, two octaves wide
    filters: NDArray[np.float64] = np.roll(weights, -3, axis=0)[:, : 1 + n_fft // 2]  # from C on
    return filters


class WindowStatistics:
    """Computes the statistics of windows from their spectra.

    Parameters
    ----------
    sample_rate : int
        [Hz]
    window_length, n_fft, hop_length : int
        [samples]
    """

    def __init__(self, sample_rate: int, window_length: int, n_fft: int, hop_length: int) -> None:
        self.frames = inner_frames(window_length, n_fft, hop_length)
        self._bands = contrast_bands(sample_rate, n_fft)
        ends = np.cumsum([bins.stop - bins.start for bins, _ in self._bands]).tolist()
        self._places = [slice(*ends) for ends in pairwise([0, *ends])]  # of the sorted bands, one after the other
        counts = [count for _, count in self._bands]
        self._extremes, self._averages = _extremes(list(zip(self._places, counts, strict=True)))
        self._chroma = np.ascontiguousarray(chroma_filters(sample_rate, n_fft).T, np.float32)

    def of(
        self, power: NDArray[np.float32], bels: NDArray[np.float32], mfcc: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the statistics of a window.

        Parameters
        ----------
        power : ndarray of float32, shape (n_frames, 1 + n_fft // 2)
            Its power spectra.
        bels : ndarray of float32, shape (n_mels, n_frames)
            Logarithm of its mel spectra.
        mfcc : ndarray of float64, shape (20, n_frames)

        Returns
        -------
        ndarray of float64, shape (68,)
            Means over the frames of the MFCCs and of the spectral contrast, the mean chroma, variances of the MFCCs
            and of the spectral contrast, and mean and deviation of the onset strength.
        """
        power = power[self.frames]
        frames = np.empty((len(power), CHROMA.stop))
        frames[:, :N_MFCC] = mfcc[:, self.frames].T
        frames[:, N_MFCC : MEANS.stop] = self.contrast(power)
        frames[:, CHROMA] = self.chroma(power)
        onset = self.onset(bels[:, self.frames])
        statistics = np.empty(N_STATISTICS)
        statistics[: CHROMA.stop], variances = _moments(frames)
        statistics[VARIANCES] = variances[MEANS]
        mean, variance = _moments(onset)
        statistics[ONSET] = mean, math.sqrt(variance)
        return statistics

    def contrast(self, power: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the spectral contrast [dB] of frames, shape (n_frames, 7)."""
        ordered = np.empty((len(power), self._places[-1].stop), power.dtype)
        for (bins, _), place in zip(self._bands, self._places, strict=True):  # where a bin is an edge, bands overlap
            ordered[:, place] = power[:, bins]
            ordered[:, place].sort(axis=1)
        bels = np.sqrt(ordered[:, self._extremes]) @ self._averages
        np.log10(np.maximum(bels, _AMIN, out=bels), out=bels)
        for extremes in (bels[:, :N_BANDS], bels[:, N_BANDS:]):
            np.maximum(extremes, extremes.max() - _TOP_BELS, out=extremes)
        contrast: NDArray[np.float32] = 10 * (bels[:, :N_BANDS] - bels[:, N_BANDS:])
        return contrast

    def chroma(self, power: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the chroma of frames, the strongest pitch class of each 1, shape (n_frames, 12)."""
        chroma: NDArray[np.float32] = power @ self._chroma
        strongest = chroma.max(axis=1, keepdims=True)
        chroma /= np.maximum(strongest, _TINY, out=strongest)
        return chroma

    def onset(self, bels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the onset strength [dB] of each frame but the first: the mean rise of the mel bands."""
        rises = bels[:, 1:] - bels[:, :-1]
        np.maximum(rises, 0, out=rises)
        strength: NDArray[np.float32] = np.full(len(rises), 10 / len(rises), np.float32) @ rises
        return strength


def _moments(values: NDArray[np.floating[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return mean and variance over the first axis; a product with equal weights is NumPy's quickest mean."""
    weights = np.full(len(values), 1 / len(values), values.dtype)
    mean = weights @ values
    deviations = values - mean
    deviations *= deviations
    return mean, weights @ deviations


def _extremes(bands: Sequence[tuple[slice, int]]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the columns that make the peaks and valleys of sorted bands, and the matrix that averages them.

    Returns
    -------
    bins : ndarray of intp, shape (n,)
    averages : ndarray of float32, shape (n, 14)
        Peaks first.
    """
    chosen = [range(bins.stop - count, bins.stop) for bins, count in bands]
    chosen += [range(bins.start, bins.start + count) for bins, count in bands]
    averages = np.zeros((sum(map(len, chosen)), len(chosen)), np.float32)
    averages[np.arange(len(averages)), np.repeat(np.arange(len(chosen)), [len(bins) for bins in chosen])] = 1
    return np.concatenate(chosen), averages / averages.sum(axis=0)

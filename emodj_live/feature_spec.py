"""What determines the features: every parameter, checked, with its bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.window_statistics import LOWEST_RATE, N_MFCC, N_STATISTICS, WIDEST_BIN

N_CONTEXT_STATISTICS = 72
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

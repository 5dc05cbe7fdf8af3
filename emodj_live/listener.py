"""What a tracker needs of a model: an ear for one stream, and three numbers."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Listener(Protocol):
    """A model's ear for one stream: it may remember what it heard."""

    def hear(
        self, windows: NDArray[np.float32], times: NDArray[np.float64], is_silent: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Predict valence and arousal of the next windows.

        Parameters
        ----------
        windows : ndarray of float32, shape (n, window_length)
            At the model's sample rate, with the gain applied; valid until the call returns.
        times : ndarray of float64, shape (n,)
            End of each window [s], counted from the stream's first sample.
        is_silent : ndarray of bool, shape (n,)
            Whether each window is below the silence threshold. It gets an answer all the same.

        Returns
        -------
        ndarray of float64, shape (n, 2)
            Valence and arousal, finite, not clipped to [-1, 1]: the tracker does that.
        """

    def reset(self) -> None:
        """Forget everything: the next window is the first of a new stream, or the first one after a gap."""


class Model(Protocol):
    """What a tracker needs of a model, of whatever kind.

    Attributes
    ----------
    sample_rate : int
        Of the audio that it listens to [Hz].
    window_length : int
        Samples in a window.
    reference_level : float
        Median level of the windows that it was trained on, without silence [dBFS].

    Notes
    -----
    It may also have a `calibration`, a `Calibration` or None, from which a tracker takes certainty and ranks.
    """

    @property
    def sample_rate(self) -> int:
        """Sample rate of the audio that it listens to [Hz]."""

    @property
    def window_length(self) -> int:
        """Samples in a window."""

    @property
    def reference_level(self) -> float:
        """Median level of the windows that it was trained on, without silence [dBFS]."""

    def listener(self) -> Listener:
        """Return an ear for one stream."""

"""The rows that EmoDJ trains on: clips cut as in its notebook."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import DatasetError
from emodj_live.features import FeatureSpec
from emodj_live.training.extraction import Clip


@dataclass(frozen=True, eq=False)
class Matrix:
    """What EmoDJ trains on.

    Attributes
    ----------
    features : ndarray of float32, shape (n, n_features)
        Song after song.
    labels : ndarray of float16, shape (n, 2)
        Valence and arousal.
    left_out : Counter
        What was left out and how many times.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.float16]
    left_out: Counter[str]


def build_matrix(clips: Sequence[Clip], window_indices: NDArray[np.int64], spec: FeatureSpec) -> Matrix:
    """Cut clips as EmoDJ does: from the first label time on, as many pieces as there are labels.

    A last piece that is shorter than a window keeps its MFCC frames, with zeros for the rest; what is still missing is
    filled by repeating the last vector.

    Parameters
    ----------
    clips : sequence of Clip
    window_indices : ndarray of int64, shape (k,)
        The windows that the annotations have a column for, as `Dataset.window_indices`.
    spec : FeatureSpec

    Returns
    -------
    Matrix
        With k rows per song, less those without a label: 61 rows and 45 384 in all for emoMusic's 744 songs.

    Raises
    ------
    DatasetError
        If no clip reaches its first label.
    """
    first, count = int(window_indices[0]), int(window_indices[-1] - window_indices[0]) + 1
    features, labels, left_out = [], [], Counter[str]()
    for clip in clips:
        pieces = _pieces(clip, first, count, spec)
        if not len(pieces):
            left_out["songs whose clip ends before their first label"] += 1
            continue
        left_out["pieces that repeat the one before"] += count - len(pieces)
        rows = np.minimum(clip.song.window_indices - first, len(pieces) - 1)
        features.append(pieces[rows])
        labels.append(clip.song.labels)
        left_out["empty cells"] += len(window_indices) - len(rows)
    if not features:
        raise DatasetError(f"EmoDJ's protocol: no clip reaches its first label at {first / 2:g} s.")
    return Matrix(np.concatenate(features), np.concatenate(labels).astype(np.float16), +left_out)


def _pieces(clip: Clip, first: int, count: int, spec: FeatureSpec) -> NDArray[np.float32]:
    """Return the features of a clip's pieces, shape (at most `count`, n_features)."""
    whole = clip.windows.descriptors[first : first + count, : spec.n_coefficients]
    if len(whole) == count or len(clip.windows.descriptors) < first or not clip.windows.tail.size:
        return whole
    return np.vstack([whole, _padded_features(clip.windows.tail, spec)])


def _padded_features(samples: NDArray[np.float32], spec: FeatureSpec) -> NDArray[np.float32]:
    """Return the features of a piece that is shorter than a window: its frames, then zeros."""
    from librosa.feature import mfcc

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "n_fft=", UserWarning)  # librosa pads a piece shorter than a transform
        frames = mfcc(
            y=samples,
            sr=spec.sample_rate,
            n_mfcc=spec.n_mfcc,
            n_fft=spec.n_fft,
            hop_length=spec.hop_length,
            n_mels=spec.n_mels,
        )
    padded = np.zeros((spec.n_mfcc, spec.n_frames), np.float32)
    padded[:, : frames.shape[1]] = frames
    return padded.ravel()

"""One clip's audio as a tracker would see it: the features and levels of its windows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emodj_live.features import FeatureExtractor, FeatureSpec
from emodj_live.ring import RingBuffer
from emodj_live.sources.file import FileSource
from emodj_live.tracker import level_dbfs


@dataclass(frozen=True, eq=False)
class ClipWindows:
    """What is computed from a clip's audio alone.

    Attributes
    ----------
    features : ndarray of float32, shape (n, n_features)
        Of every window from the clip's start.
    levels : ndarray of float64, shape (n,)
        [dBFS]
    tail : ndarray of float32, shape (m,)
        The samples that are left after the last whole window.
    """

    features: NDArray[np.float32]
    levels: NDArray[np.float64]
    tail: NDArray[np.float32]


def compute(path: Path, spec: FeatureSpec) -> ClipWindows:
    """Decode a clip and compute its features, with the same source, ring buffer and extractor as the tracker.

    Parameters
    ----------
    path : Path
    spec : FeatureSpec

    Returns
    -------
    ClipWindows

    Raises
    ------
    SourceError
        If the clip cannot be decoded.
    """
    ring = RingBuffer(spec.window_length, spec.window_length)
    extractor = FeatureExtractor(spec)
    features = [np.empty((0, spec.n_features), np.float32)]
    levels: list[float] = []
    tail = np.empty(0, np.float32)
    for block in FileSource(path, sample_rate=spec.sample_rate):
        for _, windows in ring.push(block):
            features.append(extractor.extract(windows))
            levels += [level_dbfs(window) for window in windows]
        tail = np.concatenate([tail, np.asarray(block, np.float32)])
        tail = tail[tail.size // spec.window_length * spec.window_length :]
    return ClipWindows(np.concatenate(features), np.array(levels), tail)

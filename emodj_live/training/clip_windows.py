"""One clip's audio as a tracker would see it: what its windows say alone, and their levels."""

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
    descriptors : ndarray of float32, shape (n, n_descriptors)
        Of every window from the clip's start: its MFCCs, and what it adds to a context.
    levels : ndarray of float64, shape (n,)
        [dBFS]
    tail : ndarray of float32, shape (m,)
        The samples that are left after the last whole window.
    """

    descriptors: NDArray[np.float32]
    levels: NDArray[np.float64]
    tail: NDArray[np.float32]


def compute(path: Path, spec: FeatureSpec) -> ClipWindows:
    """Decode a clip and describe its windows, with the same source, ring buffer and extractor as the tracker.

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
    descriptors = [np.empty((0, spec.n_descriptors), np.float32)]
    levels: list[float] = []
    tail = np.empty(0, np.float32)
    for block in FileSource(path, sample_rate=spec.sample_rate):
        for _, windows in ring.push(block):
            descriptors.append(extractor.describe(windows))
            levels += [level_dbfs(window) for window in windows]
        tail = np.concatenate([tail, np.asarray(block, np.float32)])
        tail = tail[tail.size // spec.window_length * spec.window_length :]
    return ClipWindows(np.concatenate(descriptors), np.array(levels), tail)

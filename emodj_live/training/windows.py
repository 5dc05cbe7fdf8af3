"""The windows of all clips in one table, for training and scoring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emodj_live.context import Context
from emodj_live.errors import DatasetError
from emodj_live.features import FeatureSpec
from emodj_live.gain import SILENCE
from emodj_live.training.dataset import Song
from emodj_live.training.extraction import Clip


@dataclass(frozen=True, eq=False)
class WindowTable:
    """All windows of some clips, clip after clip, each from its start.

    Attributes
    ----------
    features : ndarray of float32, shape (n, n_features)
        With the context that a tracker would have had.
    levels : ndarray of float64, shape (n,)
        RMS level of each window [dBFS].
    labels : ndarray of float64, shape (n, 2)
        Valence and arousal, NaN where there is no label.
    clips : ndarray of int64, shape (n,)
        The number of the clip that a window belongs to, ascending.
    groups : ndarray of int64, shape (n,)
        Clips with the same number must not be on both sides of a split: they are by the same artist, or the same
        recording.
    songs : tuple of Song
        By the number of the clip.
    """

    features: NDArray[np.float32]
    levels: NDArray[np.float64]
    labels: NDArray[np.float64]
    clips: NDArray[np.int64]
    groups: NDArray[np.int64]
    songs: tuple[Song, ...]

    @property
    def labeled(self) -> NDArray[np.bool_]:
        """Which windows have labels, shape (n,)."""
        return ~np.isnan(self.labels[:, 0])

    def by_clip(self) -> Iterator[slice]:
        """Yield the rows of each clip."""
        borders = np.flatnonzero(np.diff(self.clips)) + 1
        for start, end in zip([0, *borders.tolist()], [*borders.tolist(), len(self.clips)], strict=True):
            yield slice(start, end)

    def of_groups(self, groups: NDArray[np.int64]) -> WindowTable:
        """Return only the windows of some groups; clips and groups keep their numbers."""
        return self.at(np.isin(self.groups, groups))

    def of_dataset(self, name: str) -> WindowTable:
        """Return only the windows of a data set; clips and groups keep their numbers."""
        return self.at(self.datasets == name)

    def at(self, rows: NDArray[np.bool_]) -> WindowTable:
        """Return only some windows; clips and groups keep their numbers."""
        arrays = {name: getattr(self, name)[rows] for name in ("features", "levels", "labels", "clips", "groups")}
        return replace(self, **arrays)

    @property
    def datasets(self) -> NDArray[np.str_]:
        """The name of the data set of each window, shape (n,)."""
        return np.array([song.dataset for song in self.songs])[self.clips]

    def training_rows(self, stride: int) -> NDArray[np.int64]:
        """Return every `stride`-th labeled row of each clip, because neighbors are nearly the same.

        Silent windows are left out: the tracker does not use what a model says about them.
        """
        usable = self.labeled & (self.levels >= SILENCE)
        return np.concatenate([(clip.start + np.flatnonzero(usable[clip]))[::stride] for clip in self.by_clip()])

    def weights(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how much each of some rows counts in training, 1 on average.

        The rows of a data set together count as the square root of their number, so that a large set does not drown a
        small one, nor a small one speak for more music than it has.
        """
        _, members, counts = np.unique(self.datasets[rows], return_inverse=True, return_counts=True)
        weights: NDArray[np.float64] = np.sqrt(counts.max() / counts)[members]  # exactly 1 where there is one set
        weights /= weights.mean()
        return weights

    def weight_of(self, dataset: str, rows: NDArray[np.int64]) -> float:
        """Return how much each window of a data set counts in training on some rows; 0 if none is of it."""
        weights = self.weights(rows)[self.datasets[rows] == dataset]
        return float(weights[0]) if weights.size else 0.0

    def reference_level(self) -> float:
        """Return the median level of the labeled windows that are not silent [dBFS].

        Raises
        ------
        DatasetError
            If all are silent.
        """
        levels = self.levels[self.labeled & (self.levels >= SILENCE)]
        if not levels.size:
            raise DatasetError(f"Every labeled window is below {SILENCE:g} dBFS, so there is no music to learn from.")
        return float(np.median(levels))


def tabulate(clips: Sequence[Clip], spec: FeatureSpec) -> WindowTable:
    """Put the windows of all clips into one table.

    Parameters
    ----------
    clips : sequence of Clip
    spec : FeatureSpec
        With which their windows were described.

    Returns
    -------
    WindowTable
        Clips of the same group, recording or content have the same group number. Clips without a usable label are left
        out.
    """
    clips = [clip for clip in clips if clip.n_labeled]
    lengths = [len(clip.windows.levels) for clip in clips]
    return WindowTable(
        features=np.concatenate([_features(clip, spec) for clip in clips]),
        levels=np.concatenate([clip.windows.levels for clip in clips]),
        labels=np.concatenate([clip.labels for clip in clips]),
        clips=np.repeat(np.arange(len(clips)), lengths),
        groups=np.repeat(_groups(clips), lengths),
        songs=tuple(clip.song for clip in clips),
    )


def _features(clip: Clip, spec: FeatureSpec) -> NDArray[np.float32]:
    """Return the features of every window of a clip, as a tracker computes them."""
    windows = clip.windows
    times = np.arange(1.0, 1 + len(windows.levels)) * (spec.window_length / spec.sample_rate)
    return Context(spec).features(windows.descriptors, times, windows.levels < SILENCE)


def _groups(clips: Sequence[Clip]) -> NDArray[np.int64]:
    """Return each clip's group number: clips that share a group, a recording or content, even by way of others."""
    number: dict[str, int] = {}
    numbers = np.arange(len(clips))
    for index, clip in enumerate(clips):
        names = {clip.song.group, clip.song.recording, clip.digest}
        known = {number[name] for name in names if name in number}
        numbers[index] = min(known, default=index)
        for other in known - {int(numbers[index])}:
            numbers[numbers == other] = numbers[index]
            number = {name: int(numbers[index]) if value == other else value for name, value in number.items()}
        number |= dict.fromkeys(names, int(numbers[index]))
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)

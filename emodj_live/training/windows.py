"""The windows of all clips in one table, for training and scoring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import DatasetError
from emodj_live.gain import SILENCE
from emodj_live.training.extraction import Clip


@dataclass(frozen=True, eq=False)
class WindowTable:
    """All windows of some clips, clip after clip, each from its start.

    Attributes
    ----------
    features : ndarray of float32, shape (n, n_features)
    levels : ndarray of float64, shape (n,)
        RMS level of each window [dBFS].
    labels : ndarray of float64, shape (n, 2)
        Valence and arousal, NaN where there is no label.
    clips : ndarray of int64, shape (n,)
        The number of the clip that a window belongs to, ascending.
    recordings : ndarray of int64, shape (n,)
        Clips with the same number are the same recording, which must not be on both sides of a split.
    """

    features: NDArray[np.float32]
    levels: NDArray[np.float64]
    labels: NDArray[np.float64]
    clips: NDArray[np.int64]
    recordings: NDArray[np.int64]

    @property
    def labeled(self) -> NDArray[np.bool_]:
        """Which windows have labels, shape (n,)."""
        return ~np.isnan(self.labels[:, 0])

    def by_clip(self) -> Iterator[slice]:
        """Yield the rows of each clip."""
        borders = np.flatnonzero(np.diff(self.clips)) + 1
        for start, end in zip([0, *borders.tolist()], [*borders.tolist(), len(self.clips)], strict=True):
            yield slice(start, end)

    def of_recordings(self, recordings: NDArray[np.int64]) -> WindowTable:
        """Return only the windows of some recordings."""
        rows = np.isin(self.recordings, recordings)
        arrays = {name: getattr(self, name)[rows] for name in self.__dataclass_fields__}
        return replace(self, **arrays)

    def training_rows(self, stride: int) -> NDArray[np.int64]:
        """Return every `stride`-th labeled row of each clip, because neighbors are nearly the same."""
        labeled = self.labeled
        return np.concatenate([(clip.start + np.flatnonzero(labeled[clip]))[::stride] for clip in self.by_clip()])

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


def tabulate(clips: Sequence[Clip]) -> WindowTable:
    """Put the windows of all clips into one table.

    Parameters
    ----------
    clips : sequence of Clip

    Returns
    -------
    WindowTable
        Clips of the same recording, by name or by content, have the same recording number. Clips without a usable label
        are left out.
    """
    clips = [clip for clip in clips if clip.n_labeled]
    lengths = [len(clip.windows.features) for clip in clips]
    return WindowTable(
        features=np.concatenate([clip.windows.features for clip in clips]),
        levels=np.concatenate([clip.windows.levels for clip in clips]),
        labels=np.concatenate([_labels(clip) for clip in clips]),
        clips=np.repeat(np.arange(len(clips)), lengths),
        recordings=np.repeat(_recordings(clips), lengths),
    )


def _labels(clip: Clip) -> NDArray[np.float64]:
    """Return the labels of every window of a clip, NaN where there is none."""
    labels = np.full((len(clip.windows.features), 2), np.nan)
    is_within = clip.song.window_indices < len(labels)
    labels[clip.song.window_indices[is_within]] = clip.song.labels[is_within]
    return labels


def _recordings(clips: Sequence[Clip]) -> NDArray[np.int64]:
    """Return each clip's recording number: clips that share a name or content, even by way of others, have the same."""
    number: dict[str, int] = {}
    numbers = np.arange(len(clips))
    for index, clip in enumerate(clips):
        known = {number[name] for name in (clip.song.recording, clip.digest) if name in number}
        numbers[index] = min(known, default=index)
        for other in known - {int(numbers[index])}:
            numbers[numbers == other] = numbers[index]
            number = {name: int(numbers[index]) if value == other else value for name, value in number.items()}
        number[clip.song.recording] = number[clip.digest] = int(numbers[index])
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)

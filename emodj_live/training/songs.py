"""A data set in memory: songs with their clips and labels, whatever format they came in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Quadrant
from emodj_live.training.terms import Terms

WHOLE = 2**40  # windows: more than any clip has


@dataclass(frozen=True, eq=False)
class Song:
    """A clip and its labels.

    Attributes
    ----------
    name : str
        Folder of the data set and id of the song.
    dataset : str
        Name of the data set's folder.
    recording : str
        Songs with the same value here are the same recording, also across data sets.
    group : str
        Songs with the same value here must be on the same side of a split, also across data sets: the artist if the
        data set names one, else the recording.
    audio : Path
        The clip.
    window_indices : ndarray of int64, shape (m,)
        The first window of each label, counted from the clip's start. The clip may turn out to be shorter.
    labels : ndarray of float64, shape (m, 2)
        Valence and arousal.
    window_counts : ndarray of int64, shape (m,), or int
        How many windows each label is for; `WHOLE` reaches to the end of any clip.
    quadrant : Quadrant or None
        Where listeners put the whole clip, if the data set says so.
    is_graded : bool
        Whether the labels are values. If not, they are placeholders for the quadrant, and only their signs count.
    """

    name: str
    dataset: str
    recording: str
    group: str
    audio: Path
    window_indices: NDArray[np.int64]
    labels: NDArray[np.float64]
    window_counts: NDArray[np.int64] | int = 1
    quadrant: Quadrant | None = None
    is_graded: bool = True

    def window_labels(self, n_windows: int) -> NDArray[np.float64]:
        """Return the labels of a clip's windows, shape (n_windows, 2), NaN where there is none."""
        labels = np.full((n_windows, 2), np.nan)
        counts = np.broadcast_to(self.window_counts, self.window_indices.shape)
        for first, count, label in zip(self.window_indices.tolist(), counts.tolist(), self.labels, strict=True):
            labels[first : first + count] = label
        return labels


@dataclass(frozen=True, eq=False)
class Dataset:
    """The songs of a folder that have both audio and labels.

    Attributes
    ----------
    name : str
        The folder's own name.
    terms : Terms
        Who made the labels, and on what terms they may be used.
    songs : tuple of Song
        In the order of the annotations.
    window_indices : ndarray of int64, shape (k,)
        The windows that a label of the data set may begin at, ascending.
    left_out : Counter
        What was left out and how many times, as in ``left_out["annotated songs without audio"]``.
    scale, offset : tuple of float
        For valence and arousal: each label is the data set's own times `scale` plus `offset`.
    """

    name: str
    terms: Terms
    songs: tuple[Song, ...]
    window_indices: NDArray[np.int64]
    left_out: Counter[str]
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)


def group_of(name: str) -> str | None:
    """Return the group that an artist's name stands for, in any data set; None if it is no name.

    Case, surrounding and repeated space do not matter.
    """
    normal = " ".join(name.casefold().split()).strip("\"' ")
    return None if normal in ("", "n/a", "unknown", "unknown artist") else f"group: {normal}"

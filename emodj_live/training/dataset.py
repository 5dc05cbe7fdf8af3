"""An annotated data set on disk, recognized by its files wherever its archive was unpacked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import DatasetError
from emodj_live.training import emomusic, label_table, quadrant_folders
from emodj_live.training.emomusic import EmoMusic
from emodj_live.training.folders import refuse_many, walk
from emodj_live.training.label_table import LabelTable
from emodj_live.training.quadrant_folders import QuadrantFolders
from emodj_live.training.songs import WHOLE, Dataset, Song

__all__ = ["WHOLE", "Dataset", "Song", "load_dataset"]

Pair = tuple[float, float]
_ROUNDING = 1e-9  # by which a rescaled label may miss [-1, 1]


def load_dataset(
    folder: str | os.PathLike[str], *, scale: Pair = (1.0, 1.0), offset: Pair = (0.0, 0.0), static: bool = False
) -> Dataset:
    """Find annotations and audio below a folder and match them.

    Parameters
    ----------
    folder : path-like
        Holds one data set, at any depth up to six: emoMusic, or clips with annotations in its format; DEAM; 4Q or
        MERGE, or clips in folders ``Q1`` to ``Q4``; or clips with a table ``labels.csv``. docs/training.md has the
        formats.
    scale, offset : tuple of float
        For valence and arousal: each label becomes ``label * scale + offset``.
    static : bool
        Of emoMusic and DEAM, take the one rating of a whole clip though there are ratings over time.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If there is no usable data set, or more than one, or its files contradict themselves or each other, or a
        rescaled label is outside [-1, 1].
    """
    root = Path(folder)
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder; give the one that the data set was unpacked into.")
    folders = list(walk(root))
    dataset = _find(root, folders, static).load(root, folders)
    songs = tuple(_rescaled(root, song, np.array(scale), np.array(offset)) for song in dataset.songs)
    return replace(dataset, songs=songs, scale=scale, offset=offset)


def _find(root: Path, folders: Sequence[Path], static: bool) -> EmoMusic | LabelTable | QuadrantFolders:
    """Return the one set of annotations, or the folders of clips that are their own."""
    found: list[EmoMusic | LabelTable | QuadrantFolders] = [
        *emomusic.find(root, folders, static=static),
        *label_table.find(folders),
        *quadrant_folders.find(root, folders),
    ]
    if len(found) > 1:
        refuse_many(root, [annotations.file for annotations in found], "annotations")
    if found:
        return found[0]
    if quadrant_folders.has_clips(root, folders):
        return QuadrantFolders(None, None, None)
    raise DatasetError(
        f"{root}: no annotations found: expected {emomusic.EMOMUSIC.arousal} (emoMusic) or {emomusic.DEAM.arousal} "
        f"(DEAM) with its counterpart for valence, {label_table.NAME}, or folders Q1 to Q4; see docs/training.md."
    )


def _rescaled(root: Path, song: Song, scale: NDArray[np.float64], offset: NDArray[np.float64]) -> Song:
    labels = song.labels * scale + offset
    if not (np.abs(labels) <= 1 + _ROUNDING).all():
        worst = labels.flat[np.argmax(np.abs(labels))]
        raise DatasetError(
            f"{root}: with this scale and offset, a label of {song.name} becomes {worst:g}, outside "
            "[-1, 1]; choose others."
        )
    if not song.is_graded and ((song.labels != 0) & (labels * song.labels <= 0)).any():
        raise DatasetError(
            f"{root}: this scale and offset turn the quadrant of {song.name} into another; choose others."
        )
    return replace(song, labels=np.clip(labels, -1, 1))

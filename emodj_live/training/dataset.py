"""An annotated data set on disk, recognized by its files wherever its archive was unpacked."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Quadrant
from emodj_live.errors import DatasetError
from emodj_live.training import terms
from emodj_live.training.annotations import Annotations, read_annotations
from emodj_live.training.terms import Terms

WHOLE = 2**40  # windows: more than any clip has
_DEPTH = 6  # folders below the one named; DEAM with an extra level needs five
_AUDIO_SUFFIXES = {".aif", ".aiff", ".au", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wma"}


@dataclass(frozen=True, slots=True)
class _Layout:
    valence: str
    arousal: str
    audio: tuple[str, ...]


_LAYOUTS = (
    _Layout("valence_cont_average.csv", "arousal_cont_average.csv", ("clips_45seconds", "clips")),  # emoMusic
    _Layout("valence.csv", "arousal.csv", ("MEMD_audio",)),  # DEAM
)


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
        Songs with the same value here must be on the same side of a split: the artist if the data set names one, else
        the recording.
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
        The windows that the annotations have a column for.
    left_out : Counter
        What was left out and how many times, as in ``left_out["annotated songs without audio"]``.
    """

    name: str
    terms: Terms
    songs: tuple[Song, ...]
    window_indices: NDArray[np.int64]
    left_out: Counter[str]


def load_dataset(folder: str | os.PathLike[str]) -> Dataset:
    """Find annotations and audio below a folder and match them.

    Parameters
    ----------
    folder : path-like
        Holds, at any depth up to six, the annotations of emoMusic (``arousal_cont_average.csv`` and
        ``valence_cont_average.csv``) and a folder ``clips_45seconds`` or ``clips``; or those of DEAM (``arousal.csv``
        and ``valence.csv``) and a folder ``MEMD_audio``. A clip's file name without suffix is its song's id.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If there is no usable data set, or more than one, or its files contradict themselves or each other.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder; give the one that the data set was unpacked into.")
    folders = list(_folders(root))
    layout, annotated = _find_annotations(root, folders)
    audio = _find_audio(root, folders, layout)
    annotations = read_annotations(annotated / layout.valence, annotated / layout.arousal)
    name = root.resolve().name
    kind = _kind(layout, annotated, audio)
    songs, left_out = _match(annotations, _clips(audio), name, "DEAM" if kind in (terms.EMOMUSIC, terms.DEAM) else name)
    if not songs:
        raise DatasetError(f"{root}: no annotated song has a clip in {audio.name}; clips must be named by song_id.")
    return Dataset(name, kind, songs, annotations.window_indices, left_out)


def _folders(root: Path) -> Iterator[Path]:
    """Yield a folder and those below it, each once, following links; hidden ones and macOS's shadows are left out."""
    seen: set[str] = set()
    level = [root]
    for _ in range(_DEPTH + 1):
        below: list[Path] = []
        for folder in level:
            if (true_name := os.path.realpath(folder)) in seen:
                continue
            seen.add(true_name)
            yield folder
            try:
                entries = sorted(entry for entry in folder.iterdir() if entry.is_dir())
            except PermissionError:
                continue
            below += [entry for entry in entries if not entry.name.startswith((".", "__MACOSX"))]
        level = below


def _find_annotations(root: Path, folders: list[Path]) -> tuple[_Layout, Path]:
    found = []
    for layout in _LAYOUTS:
        for folder in folders:
            exist = [(folder / name).exists() for name in (layout.valence, layout.arousal)]
            if all(exist):
                found.append((layout, folder))
            elif any(exist):
                has, lacks = (layout.valence, layout.arousal) if exist[0] else (layout.arousal, layout.valence)
                raise DatasetError(f"{folder}: has {has} but no {lacks}; both are needed.")
    if not found:
        raise DatasetError(
            f"{root}: no annotations found: expected {_LAYOUTS[0].arousal} (emoMusic) or {_LAYOUTS[1].arousal} (DEAM), "
            "with its counterpart for valence in the same folder."
        )
    if len(found) > 1:
        places = [folder for _, folder in found]
        raise DatasetError(f"{root}: has annotations in {_listed(places)}; give the folder of one data set.")
    return found[0]


def _find_audio(root: Path, folders: list[Path], layout: _Layout) -> Path:
    for name in layout.audio:
        found = [folder for folder in folders if folder.name == name]
        if len(found) > 1:
            raise DatasetError(f"{root}: has audio in {_listed(found)}; give the folder of one data set.")
        if found:
            return found[0]
    raise DatasetError(
        f"{root}: has annotations but no audio; put the clips into a folder {' or '.join(layout.audio)}."
    )


def _listed(folders: list[Path]) -> str:
    return " and ".join(str(folder) for folder in folders)


def _kind(layout: _Layout, annotated: Path, audio: Path) -> Terms:
    """Recognize a data set by the files that no other has."""
    if layout is _LAYOUTS[1]:
        return terms.DEAM
    if (annotated / "gems_votes.csv").is_file():
        return terms.EMOTIFY
    if audio.name == "clips_45seconds" or (annotated / "static_annotations.csv").is_file():
        return terms.EMOMUSIC
    return terms.UNKNOWN


def _clips(folder: Path) -> dict[str, Path]:
    """Return the audio files of a folder by song id."""
    clips: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _AUDIO_SUFFIXES and not path.name.startswith("."):
            if path.stem in clips:
                raise DatasetError(f"{path}: song {path.stem} also has {clips[path.stem].name}; keep one of them.")
            clips[path.stem] = path
    return clips


def _match(
    annotations: Annotations, clips: dict[str, Path], name: str, recordings: str
) -> tuple[tuple[Song, ...], Counter[str]]:
    """Match labels and clips, and count what has no counterpart."""
    songs = []
    left_out: Counter[str] = Counter()
    for song, labels in zip(annotations.songs, annotations.labels, strict=True):
        usable = ~np.isnan(labels[:, 0])
        if song not in clips:
            left_out["annotated songs without audio"] += 1
        elif not usable.any():
            left_out["songs without a single label"] += 1
        else:
            left_out["empty cells"] += int(np.count_nonzero(~usable))
            indices = annotations.window_indices[usable]
            recording = f"{recordings}/{song}"
            songs.append(Song(f"{name}/{song}", name, recording, recording, clips[song], indices, labels[usable]))
    left_out["clips without labels"] = len(clips.keys() - set(annotations.songs))
    left_out["label times in only one of the two files"] = annotations.one_sided
    return tuple(songs), +left_out

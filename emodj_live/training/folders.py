"""Looking for the files of a data set below the folder that its archives were unpacked into."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from emodj_live.errors import DatasetError

_DEPTH = 6  # folders below the one named; DEAM with an extra level needs five
_AUDIO_SUFFIXES = {".aif", ".aiff", ".au", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wma"}


def walk(root: Path) -> Iterator[Path]:
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


def matching(folders: Iterable[Path], *patterns: str) -> list[Path]:
    """Return what is in some folders and has a name of one of these patterns, each once; hidden files are left out."""
    found = (path for folder in folders for pattern in patterns for path in sorted(folder.glob(pattern)))
    return list(dict.fromkeys(path for path in found if not path.name.startswith(".")))


def audio_in(folder: Path) -> list[Path]:
    """Return the audio files right in a folder, by name."""
    if not os.access(folder, os.R_OK):
        return []
    files = (path for path in sorted(folder.iterdir()) if path.suffix.lower() in _AUDIO_SUFFIXES)
    return [path for path in files if not path.name.startswith(".")]


def by_song(files: Iterable[Path]) -> dict[str, Path]:
    """Return audio files by song id, which is the file's name without suffix.

    Raises
    ------
    DatasetError
        If a song has two.
    """
    clips: dict[str, Path] = {}
    for path in files:
        if path.stem in clips:
            other = clips[path.stem]
            shown = other.name if other.parent == path.parent else str(other)
            raise DatasetError(f"{path}: song {path.stem} also has {shown}; keep one of them.")
        clips[path.stem] = path
    return clips


def refuse_many(root: Path, found: Iterable[Path], what: str) -> None:
    """Raise a `DatasetError` if something that a data set has once was found in several places."""
    if len(places := list(dict.fromkeys(found))) > 1:
        listed = " and ".join(str(place) for place in places)
        raise DatasetError(f"{root}: has {what} in {listed}; give the folder of one data set.")

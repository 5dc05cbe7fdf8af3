"""What the trainer's tests build their data from: generated audio, annotations, and tables of made-up features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from emodj_live import FeatureSpec
from emodj_live.training import Song, WindowTable

RATE = 22050
WINDOW = 11025


def noise(seconds: float, *, level: float = 0.1, seed: int = 0) -> NDArray[np.float32]:
    samples = np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * level
    return samples.astype(np.float32)


def music(seconds: float, brightness: float, seed: int) -> NDArray[np.float32]:
    """Noise through a one-pole filter: the brighter, the more high frequencies."""
    from scipy.signal import lfilter

    samples = lfilter([1], [1, brightness - 1], noise(seconds, seed=seed))
    return (0.1 * samples / np.std(samples)).astype(np.float32)


def write_audio(path: Path, samples: NDArray[np.float32], rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


def write_csv(path: Path, times: Sequence[int], rows: Mapping[str, Sequence[float | str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(["song_id", *(f"sample_{time}ms" for time in times)])]
    lines += [",".join([song, *map(str, values)]) for song, values in rows.items()]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_annotations(
    folder: Path, times: Sequence[int], valence: Mapping[str, Sequence[float | str]], arousal: Mapping | None = None
) -> None:
    write_csv(folder / "valence_cont_average.csv", times, valence)
    write_csv(folder / "arousal_cont_average.csv", times, arousal or valence)


def write_dataset(root: Path, n_songs: int = 6, seconds: float = 4.2) -> Path:
    """Write a small data set in emoMusic's layout whose brightness can be learned: bright is excited and unpleasant."""
    times = range(1000, round(seconds * 1000) - 500, 500)
    brightness = np.linspace(0.05, 0.9, n_songs)
    for song, bright in enumerate(brightness, 1):
        write_audio(root / "clips_45seconds" / f"{song}.wav", music(seconds, bright, song))
    labels = {str(song): [round(bright - 0.5, 3)] * len(times) for song, bright in enumerate(brightness, 1)}
    opposite = {song: [-value for value in values] for song, values in labels.items()}
    write_annotations(root / "annotations", times, opposite, labels)
    return root


def write_labels(root: Path, n_songs: int = 40, seconds: float = 4.2, seed: int = 0) -> Path:
    """Write a small data set with ``labels.csv``, two songs an artist: bright is excited, rough is unpleasant."""
    rows = ["path,valence,arousal,group"]
    for number, (bright, rough) in enumerate(np.random.default_rng(seed).random((n_songs, 2))):
        samples = music(seconds, 0.05 + 0.85 * bright, 1000 * seed + number)
        times = np.arange(len(samples)) / RATE
        tone = np.sin(2 * np.pi * 220 * times + 40 * rough * np.sin(2 * np.pi * 31 * times))
        write_audio(root / "clips" / f"{number}.wav", samples + np.float32(0.2) * tone.astype(np.float32))
        rows.append(f"clips/{number}.wav,{1 - 2 * rough:.3f},{2 * bright - 1:.3f},artist {number // 2}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root


def write_quadrants(root: Path, n_songs: int = 16, seconds: float = 4.2, seed: int = 1) -> Path:
    """Sort clips like those of `write_labels` into folders ``Q1`` to ``Q4``."""
    for row in (write_labels(root, n_songs, seconds, seed) / "labels.csv").read_text().splitlines()[1:]:
        path, valence, arousal, _ = row.split(",")
        quadrant = (1, 2) if float(arousal) > 0 else (4, 3)
        folder = root / f"Q{quadrant[float(valence) <= 0]}"
        folder.mkdir(exist_ok=True)
        (root / path).rename(folder / Path(path).name)
    (root / "labels.csv").unlink()
    return root


def song(path: Path, windows: Sequence[int], labels: object = None) -> Song:
    values = np.zeros((len(windows), 2)) if labels is None else np.asarray(labels, float)
    name = f"set/{path.stem}"
    return Song(name, "set", name, name, path, np.asarray(windows, np.int64), values)


def small_spec(**changes: float) -> FeatureSpec:
    """Make up a spec whose features are not meant to be right, only to be computed without librosa; no context."""
    basis = np.random.default_rng(0).random((40, 1025), np.float32)
    return FeatureSpec(**{"mel_basis": basis, "n_mels": 40, "context": 0.0, **changes})  # type: ignore[arg-type]


def table_of_songs(
    n_songs: int = 20,
    n_windows: int = 20,
    *,
    spread: float = 0.1,
    learnable: bool = False,
    seed: int = 0,
    n_features: int = 264,
    datasets: Sequence[str] = ("set",),
) -> WindowTable:
    """Make up features: every song has its own place among them and its own labels, its windows lie around it.

    Labels are random, or follow from the place if `learnable`. Songs take turns among the data sets.
    """
    random = np.random.default_rng(seed)
    causes = random.standard_normal((n_songs, 3))
    places = causes @ random.standard_normal((3, n_features)) + 0.3 * random.standard_normal((n_songs, n_features))
    labels = np.tanh(causes[:, :2]) if learnable else random.uniform(-0.8, 0.8, (n_songs, 2))
    numbers = np.repeat(np.arange(n_songs), n_windows)
    features = places[numbers] + spread * random.standard_normal((len(numbers), n_features))
    names = (datasets[number % len(datasets)] for number in range(n_songs))
    return WindowTable(
        features=features.astype(np.float32),
        levels=np.full(len(numbers), -20.0),
        labels=labels[numbers] + 0.01 * random.standard_normal((len(numbers), 2)),
        clips=numbers,
        groups=numbers.copy(),
        songs=tuple(replace(song(Path(f"{number}.wav"), ()), dataset=name) for number, name in enumerate(names)),
    )

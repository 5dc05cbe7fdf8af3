"""What the tests share: sound that is made here, a small model, audio files, fresh interpreters.

Nothing is read from the network, from a data set or from the shipped model.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

import emodj_live
from emodj_live import Calibration, Context, EmotionModel, FeatureExtractor, FeatureSpec

SAMPLE_RATE = 22050
WINDOW_LENGTH = 11025
PACKAGE = Path(emodj_live.__file__).parent

Samples = NDArray[np.float32]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts its background jobs, which programs inherit
    signal.signal(signal.SIGINT, signal.default_int_handler)


@cache
def make_music(seconds: float, seed: int = 0, sample_rate: int = SAMPLE_RATE) -> Samples:
    """Return something like music: struck chords and drums whose loudness, brightness and density wander.

    The same arguments give the same samples. Read-only, because it is cached.
    """
    random = np.random.default_rng(seed)
    length = round(seconds * sample_rate)
    music = np.zeros(length + sample_rate)
    beat = sample_rate // 4
    time = np.arange(sample_rate) / sample_rate
    for start in range(0, length, beat):
        mood = 0.5 + 0.5 * np.sin(2 * np.pi * start / sample_rate / 7.3 + np.array([0.0, 2.0, 4.0]) + seed)
        if random.random() < 0.3 + 0.7 * mood[0]:
            root = 55 * 2 ** (random.integers(0, 36) / 12)
            for note in root * 2 ** (np.array([0, 4 if mood[1] > 0.5 else 3, 7]) / 12):
                harmonics = np.arange(1, 9)
                phases = np.outer(2 * np.pi * note * harmonics, time)
                tone = (0.2 + 0.7 * mood[2]) ** harmonics @ np.sin(phases)
                music[start : start + sample_rate] += tone * np.exp(-time * (2 + 8 * mood[0]))
        drum = random.standard_normal(beat) * np.exp(-np.arange(beat) / (0.02 * sample_rate))
        music[start : start + beat] += 2 * mood[0] * drum
        music[start : start + beat] += 0.01 * random.standard_normal(beat)
    music = (0.7 * np.tanh(music[:length] / (3 * music.std()))).astype(np.float32)
    music.flags.writeable = False
    return music


@pytest.fixture(scope="session")
def music() -> Callable[..., Samples]:
    """``music(seconds, seed=0, sample_rate=22050)``: mono float32 that sounds a little like music."""
    return make_music


@pytest.fixture(scope="session")
def librosa():
    """Return the librosa package; what it warns about while it is imported is left alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import librosa
        import librosa.feature
        import librosa.filters

        librosa.feature.mfcc(y=np.zeros(WINDOW_LENGTH, np.float32), sr=SAMPLE_RATE, n_mfcc=12)  # compiles
    return librosa


@pytest.fixture(scope="session")
def spec(librosa) -> FeatureSpec:
    """EmoDJ's features."""
    return FeatureSpec(librosa.filters.mel(sr=SAMPLE_RATE, n_fft=2048, n_mels=128), context=0)


def untrained(spec: FeatureSpec, features: NDArray[np.float32], **fields: object) -> EmotionModel:
    """Return a small model that nobody trained: over these features its predictions wander through all quadrants."""
    random = np.random.default_rng(1)
    mean, std = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64) + 1.0
    vectors = ((features[random.permutation(len(features))[:40]] - mean) / std).astype(np.float32)
    model = EmotionModel(
        spec=spec,
        mean=mean,
        std=std,
        support_vectors=vectors,
        coefficients=random.standard_normal((40, 2)),
        intercepts=np.zeros(2),
        gamma=1 / spec.n_features,
        reference_level=-20.0,
        provenance={"command": "tests/conftest.py", "scores": {"r2": [0.5, None]}},
        **fields,
    )
    predicted = model.predict(features)
    mixing = 0.35 * np.linalg.inv(np.linalg.cholesky(np.cov(predicted.T))).T  # so that the two do not go together
    return replace(model, coefficients=model.coefficients @ mixing, intercepts=-predicted.mean(axis=0) @ mixing)


def training_windows() -> list[Samples]:
    """Return the windows of three pieces."""
    return [make_music(30, seed).reshape(-1, WINDOW_LENGTH) for seed in range(3)]


@pytest.fixture(scope="session")
def model(spec) -> EmotionModel:
    """Return a small model of the MFCCs alone, without a calibration."""
    return untrained(spec, FeatureExtractor(spec).extract(np.concatenate(training_windows())))


@pytest.fixture(scope="session")
def context_spec(spec) -> FeatureSpec:
    """EmoDJ's features and a context of four seconds."""
    return replace(spec, context=4.0)


@pytest.fixture(scope="session")
def context_model(context_spec) -> EmotionModel:
    """Return a small model with a context of four seconds and a calibration."""
    extractor, context, is_silent = FeatureExtractor(context_spec), Context(context_spec), np.zeros(60, bool)
    times = [0.5 * np.arange(1, 61) + 100 * piece for piece in range(3)]
    features = np.concatenate(
        [
            context.features(extractor.describe(windows), ends, is_silent)
            for windows, ends in zip(training_windows(), times, strict=True)
        ]
    )
    model = untrained(context_spec, features)
    quantiles = np.quantile(model.predict(features).clip(-1, 1), np.linspace(0, 1, 101), axis=0)
    return replace(model, calibration=Calibration((0.6, 0.5), quantiles))


@pytest.fixture
def model_path(model, tmp_path) -> Path:
    """Save the model in a file of its own."""
    path = tmp_path / "model.npz"
    model.save(path)
    return path


@pytest.fixture
def write_audio(tmp_path) -> Callable[..., Path]:
    """``write_audio(name, samples, sample_rate=22050, **options of soundfile.write)`` -> path in a fresh folder."""

    def write(name: str, samples: NDArray[np.floating], sample_rate: int = SAMPLE_RATE, **options: object) -> Path:
        path = tmp_path / name
        soundfile.write(path, samples, sample_rate, **options)
        return path

    return write


@pytest.fixture(scope="session")
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """``run_python(code, *arguments)``: run code in a fresh interpreter that finds the package under test."""

    def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def package() -> Path:
    """Return the folder of the package under test."""
    return PACKAGE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run all tests that hear or play sound, one after the other, if there are several."""
    for item in items:
        if item.get_closest_marker("sound"):
            item.add_marker(pytest.mark.xdist_group("sound"))

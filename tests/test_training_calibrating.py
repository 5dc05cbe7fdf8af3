"""Certainty and ranks as they are fitted: they come true, every song counts the same, and nothing is known by heart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr
from test_training_helpers import song

from emodj_live import Calibration, Emotion, EmotionTracker, FileSource, Quadrant
from emodj_live.training import Hyperparameters, WindowTable, default_spec, extract, fit_model, tabulate
from emodj_live.training.calibrating import fit_calibration
from emodj_live.training.evaluation import pooled_calibration

TRUE = 0.45, 0.25  # deviations of valence and arousal


def songs_of_noisy_truth(n_songs: int, n_windows: int = 8, *, seed: int = 0) -> tuple[WindowTable, NDArray[np.float64]]:
    """Return songs whose truth is what is predicted plus normal noise of known deviation; nothing moves in a song."""
    random = np.random.default_rng(seed)
    predicted = random.uniform(-0.6, 0.6, (n_songs, 2))
    truths = predicted + random.standard_normal((n_songs, 2)) * TRUE
    numbers = np.repeat(np.arange(n_songs), n_windows)
    songs = [
        replace(song(Path(f"{number}.wav"), ()), quadrant=Quadrant.of(*truth), is_graded=False)
        for number, truth in enumerate(truths.tolist())
    ]
    count = len(numbers)
    labels = np.where(truths > 0, 0.3, -0.3)[numbers]
    features, levels = np.zeros((count, 264), np.float32), np.full(count, -20.0)
    return WindowTable(features, levels, labels, numbers, numbers.copy(), tuple(songs)), predicted[numbers]


def test_certainty_comes_true_and_deviations_are_those_of_the_noise() -> None:
    calibration = fit_calibration(*songs_of_noisy_truth(4000))
    np.testing.assert_allclose(calibration.deviations, TRUE, rtol=0.1)
    fresh = songs_of_noisy_truth(4000, seed=1)
    found = pooled_calibration([fresh], calibration)
    assert found.error < 0.03
    assert found.bins[0][0] < 0.45 < 0.75 < found.bins[-1][0]
    modest = replace(calibration, deviations=(2 * TRUE[0], 2 * TRUE[1]))
    assert pooled_calibration([fresh], modest).error > 0.08  # so the error above would have shown a wrong deviation


def test_ranks_are_uniform() -> None:
    table, predictions = songs_of_noisy_truth(1000)
    calibration = fit_calibration(table, predictions)
    _, fresh = songs_of_noisy_truth(500, 1, seed=1)
    ranks = np.array([calibration.ranks(*values) for values in fresh.tolist()])
    for axis in (0, 1):
        np.testing.assert_allclose(np.quantile(ranks[:, axis], [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.06)
    assert calibration.quantiles[0].tolist() == predictions.min(axis=0).tolist()
    assert calibration.quantiles[-1].tolist() == predictions.max(axis=0).tolist()


def test_every_song_counts_the_same_whatever_its_length() -> None:
    """One song of many windows, whose signs are wrong and whose values are extreme, among short ones."""
    table, predictions = songs_of_noisy_truth(37)  # no multiple of 37 is a percentile
    rows = np.concatenate([np.zeros(2000, int), np.arange(8, len(predictions))])
    longer = WindowTable(*(getattr(table, name)[rows] for name in ("features", "levels", "labels")),
                         table.clips[rows], table.groups[rows], table.songs)  # fmt: skip
    before, after = fit_calibration(table, predictions), fit_calibration(longer, predictions[rows])
    np.testing.assert_allclose(after.deviations, before.deviations, rtol=1e-6)
    np.testing.assert_allclose(after.quantiles, before.quantiles, atol=1e-12)


def test_the_smoothed_values_count_after_three_seconds_and_not_the_raw_ones() -> None:
    table, predictions = songs_of_noisy_truth(30, 12)
    flicker = predictions + np.where(np.arange(12) % 2, 0.3, -0.3)[np.arange(len(predictions)) % 12, np.newaxis]
    calibration = fit_calibration(table, flicker)
    assert calibration.quantiles[-1, 0] < predictions[:, 0].max() + 0.1
    for clip in table.by_clip():
        flicker[clip.start] = 0.0  # the average begins there, and has forgotten most of it after 3 s
    early = fit_calibration(table, flicker)
    np.testing.assert_allclose(early.quantiles[[0, -1]], calibration.quantiles[[0, -1]], atol=0.3)
    assert abs(early.quantiles[0]).min() > 0.2


def test_a_few_songs_that_are_all_right_do_not_make_a_model_certain() -> None:
    table, predictions = songs_of_noisy_truth(6)
    predictions = np.abs(predictions) * np.sign(table.labels)
    calibration = fit_calibration(table, predictions)
    for values in predictions[::8].tolist():
        for value, deviation in zip(values, calibration.deviations, strict=True):
            assert 0.5 < ndtr(abs(value) / deviation) < 0.97
    weakest = abs(predictions).mean(axis=0)
    chances = ndtr(weakest / np.array(calibration.deviations))
    np.testing.assert_allclose(chances, 1 - 1 / 8, atol=0.1)


def test_no_song_no_calibration() -> None:
    table, predictions = songs_of_noisy_truth(3)
    table.labels[:] = np.nan
    assert fit_calibration(table, predictions) is None


def test_values_beyond_the_scale_are_clipped_as_in_the_tracker() -> None:
    table, predictions = songs_of_noisy_truth(10)
    assert abs(fit_calibration(table, 5 * predictions).quantiles).max() == 1


# --- train as you serve -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("context", [0.0, 4.0, 1.5])
def test_features_certainty_and_ranks_of_the_trainer_are_those_of_a_tracker(write_audio, music, context: float) -> None:
    """The same file through the trainer's table and through a tracker, with silence in it."""
    samples = music(14.0).copy()
    samples[4 * 22050 : 6 * 22050] = 0
    path = write_audio("song.wav", samples)
    spec = default_spec(context)
    table = tabulate(extract([song(path, range(28), np.linspace([-1, 1], [1, -0.5], 28))], spec)[0], spec)
    model = fit_model(table, spec, Hyperparameters(centers=20, alpha=0.1))
    predictions = model.predict(table.features)
    model = replace(model, calibration=fit_calibration(table, predictions))
    heard: list[NDArray[np.float32]] = []
    object.__setattr__(model, "predict", recorded(model, heard))
    emotions = list(EmotionTracker(model).track(FileSource(path)))
    np.testing.assert_allclose(np.concatenate(heard), table.features, rtol=1e-5, atol=1e-3)
    raw = np.array([[emotion.raw_valence, emotion.raw_arousal] for emotion in emotions])
    np.testing.assert_allclose(raw, predictions.clip(-1, 1), atol=2e-5)
    assert sum(emotion.is_silent for emotion in emotions) == 4
    assert_ranks(emotions, model.calibration)


def recorded(model: object, heard: list[NDArray[np.float32]]):  # type: ignore[no-untyped-def]
    predict = model.predict  # type: ignore[attr-defined]

    def record(features: NDArray[np.float32]) -> NDArray[np.float64]:
        heard.append(np.array(features))
        return predict(features)

    return record


def assert_ranks(emotions: list[Emotion], calibration: Calibration) -> None:
    loud = [emotion for emotion in emotions[6:] if not emotion.is_silent]
    ranks = np.array([[emotion.valence_rank, emotion.arousal_rank] for emotion in loud])
    assert (ranks.min(axis=0) < 0.1).all()
    assert (ranks.max(axis=0) > 0.9).all()
    assert all(emotion.certainty > 0.2 for emotion in loud)

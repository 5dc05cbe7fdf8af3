"""Scores: the figures themselves, and that what is scored is what a listener gets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from test_training_helpers import noise, song, table_of_songs, write_audio

from emodj_live import Emotion, EmotionTracker, FileSource, Quadrant
from emodj_live.profile import Profiler
from emodj_live.training import Hyperparameters, Metrics, default_spec, evaluate, extract, fit_model, tabulate
from emodj_live.training.evaluation import smooth


def test_metrics_are_those_of_scikit_learn_and_scipy() -> None:
    random = np.random.default_rng(1)
    labels = random.standard_normal(500)
    predictions = 0.6 * labels + 0.5 * random.standard_normal(500) + 0.3
    metrics = Metrics.of(labels, predictions)
    assert metrics.r2 == pytest.approx(r2_score(labels, predictions))
    assert metrics.r == pytest.approx(pearsonr(labels, predictions).statistic)
    assert metrics.mae == pytest.approx(mean_absolute_error(labels, predictions))
    assert metrics.rmse == pytest.approx(root_mean_squared_error(labels, predictions))
    slope = labels.std() / predictions.std()
    shift = (labels.mean() - predictions.mean()) / np.sqrt(labels.std() * predictions.std())
    bias = 2 / (slope + 1 / slope + shift**2)  # Lin's form: precision times bias
    assert metrics.ccc == pytest.approx(metrics.r * bias)


@pytest.mark.parametrize(
    ("labels", "predictions", "undefined"),
    [
        ([0.1, 0.1], [0.2, 0.3], {"r2", "r"}),
        ([0.1, 0.4], [0.2, 0.2], {"r"}),
        ([0.1, 0.1], [0.1, 0.1], {"r2", "r", "ccc"}),
        ([], [], {"r2", "r", "ccc", "mae", "rmse"}),
    ],
)
def test_what_is_not_defined_is_none(labels: list[float], predictions: list[float], undefined: set[str]) -> None:
    metrics = Metrics.of(np.array(labels), np.array(predictions))
    assert {name for name in Metrics.__slots__ if getattr(metrics, name) is None} == undefined


def test_mean_of_metrics_is_over_those_that_are_defined() -> None:
    mean = Metrics.mean([Metrics(0.2, None, 0.1, 1, 2), Metrics(0.4, None, None, 3, 4)])
    assert (mean.r2, mean.r, mean.ccc, mean.mae, mean.rmse) == (pytest.approx(0.3), None, 0.1, 2, 3)


def test_smoothing_and_song_mean_are_the_trackers_own(tmp_path: Path) -> None:
    """The same clip through `EmotionTracker` and through the evaluation, a silent stretch in it."""
    random = np.random.default_rng(5)
    pieces = [noise(0.5, level=level, seed=seed) for seed, level in enumerate(random.uniform(0.01, 0.3, 24))]
    pieces[0][:] = pieces[9][:] = pieces[10][:] = 0
    path = write_audio(tmp_path / "1.wav", np.concatenate(pieces))
    spec = default_spec()
    labels = random.uniform(-0.9, 0.9, (24, 2))
    table = tabulate(extract([song(path, range(24), labels)], spec)[0])
    model = fit_model(table, spec, Hyperparameters(cost=(10, 10), epsilon=(0.01, 0.01)))
    predictions = model.predict(table.features).clip(-1, 1)
    smoothed, quadrants = smooth(predictions, table.levels)
    profiler = Profiler()
    emotions: list[Emotion] = []
    EmotionTracker(model).run(FileSource(path), emotions.append, profiler)
    assert sum(emotion.is_silent for emotion in emotions) == 3
    np.testing.assert_allclose(smoothed, [[one.valence, one.arousal] for one in emotions], atol=2e-5)
    assert quadrants == [one.quadrant for one in emotions]
    assert len(set(quadrants)) > 1
    profile = profiler.profile()
    heard = table.levels >= -60
    scores = evaluate(table, model.predict(table.features)).song
    for axis, mean in enumerate((profile.valence, profile.arousal)):
        error = mean - labels[heard, axis].mean()
        assert scores[("valence", "arousal")[axis]].mae == pytest.approx(abs(error), abs=2e-5)
        assert abs(error) > 1e-3
        assert abs(predictions[:, axis].mean() - mean) > 1e-3  # the mean of single windows would be another


def test_levels_of_evaluation() -> None:
    """By hand: window, smoothed and song R2 of two clips whose first half has no labels; one window is silent."""
    table = table_of_songs(2, 6)
    table.levels[10] = -70
    for clip in table.by_clip():
        table.labels[clip.start : clip.start + 3] = np.nan
    predictions = np.random.default_rng(0).uniform(-1.5, 1.5, (12, 2))
    scores = evaluate(table, predictions, smoothing=1.0)
    clipped = predictions.clip(-1, 1)
    alpha = 1 - np.exp(-0.5)
    smoothed = clipped.copy()
    for row in [*range(1, 6), *range(7, 12)]:
        smoothed[row] = smoothed[row - 1] + (row != 10) * alpha * (clipped[row] - smoothed[row - 1])
    rows = [3, 4, 5, 9, 10, 11]
    for axis, name in enumerate(("valence", "arousal")):
        truth = table.labels[rows, axis]
        assert scores.window[name].r2 == pytest.approx(r2_score(truth, clipped[rows, axis]))
        assert scores.smoothed[name].r2 == pytest.approx(r2_score(truth, smoothed[rows, axis]))
        songs = [[3, 4, 5], [9, 11]]
        means = [[values[song, axis].mean() for song in songs] for values in (table.labels, smoothed)]
        assert scores.song[name].rmse == pytest.approx(root_mean_squared_error(*means))


def test_flips_are_counted_between_labeled_neighbors() -> None:
    table = table_of_songs(2, 4)
    table.labels[:] = 0.5
    table.labels[5] = np.nan
    predictions = np.array([[0.5, 0.5]] * 8)
    predictions[2] = -0.5  # two flips in the first clip; the step to the second clip is none, nor those at row 5
    predictions[5] = -0.5
    scores = evaluate(table, predictions)
    assert scores.flips == {"raw": pytest.approx(2 / 4), "named": 0, "labels": 0}


def test_names_have_hysteresis() -> None:
    values = np.array([[0.3, 0.3], [-0.04, 0.3], [-0.06, 0.3], [0.04, 0.3], [0.06, 0.3]])
    _, quadrants = smooth(values, np.zeros(5), smoothing=0)
    happy, tense = Quadrant.HAPPY, Quadrant.TENSE
    assert quadrants == [happy, happy, tense, tense, happy]


def test_scores_are_plain_json() -> None:
    table = table_of_songs(1, 3)
    scores = evaluate(table, np.zeros((3, 2))).as_json()
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
    assert scores["window"]["valence"]["r"] is None
    assert set(scores) == {"window", "smoothed", "song", "flips"}

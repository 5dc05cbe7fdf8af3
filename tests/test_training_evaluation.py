"""Scores: the figures themselves, and that what is scored is what a listener gets."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from test_training_helpers import noise, song, table_of_songs, write_audio

from emodj_live import Calibration, EmodjError, Emotion, EmotionTracker, FileSource, Quadrant
from emodj_live.profile import Profiler
from emodj_live.training import (
    Hyperparameters,
    Metrics,
    WindowTable,
    default_spec,
    evaluate,
    extract,
    fit_model,
    tabulate,
)
from emodj_live.training.evaluation import AXES, constant_errors, fold_spread, pooled_calibration, smooth
from emodj_live.training.song_table import song_rows, write_song_rows


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


def test_smoothing_and_song_mean_are_the_trackers_own(tmp_path: Path) -> None:
    """The same clip through `EmotionTracker` and through the evaluation, a silent stretch in it."""
    random = np.random.default_rng(5)
    pieces = [noise(0.5, level=level, seed=seed) for seed, level in enumerate(random.uniform(0.01, 0.3, 24))]
    pieces[0][:] = pieces[9][:] = pieces[10][:] = 0
    path = write_audio(tmp_path / "1.wav", np.concatenate(pieces))
    spec = default_spec()
    labels = random.uniform(-0.9, 0.9, (24, 2))
    table = tabulate(extract([song(path, range(6, 24), labels[6:])], spec)[0], spec)
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
    heard[:6] = False
    scores = evaluate(table, model.predict(table.features)).song
    for axis, (name, whole) in enumerate((("valence", profile.valence), ("arousal", profile.arousal))):
        mean = np.mean([getattr(one, name) for one in emotions if one.time > 3 and not one.is_silent])
        error = mean - labels[heard, axis].mean()
        assert scores[name].mae == pytest.approx(abs(error), abs=2e-5)
        assert abs(error) > 1e-3
        assert abs(whole - mean) > 1e-3  # the profile's includes the first 3 s, in which the average settles
        assert abs(predictions[heard, axis].mean() - mean) > 1e-3  # the mean of single windows would be another


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
    assert set(scores) == {
        *("songs", "window", "smoothed", "song", "auc", "quadrants", "together", "spread", "flips", "calibration")
    }
    brief = evaluate(table, np.zeros((3, 2))).brief()
    assert json.loads(json.dumps(brief, allow_nan=False)) == brief
    assert set(brief) == {"songs", "auc", "quadrants", "chance", "r", "r2"}


# --- songs, signs and quadrants ---------------------------------------------------------------------------------------


def judged_table(
    truths: Sequence[Quadrant | None], *, n_windows: int = 12, is_graded: bool = True, label: float = 0.3
) -> WindowTable:
    """Make up one song for each true quadrant; its labels have the quadrant's signs."""
    table = table_of_songs(len(truths), n_windows)
    signs = np.array([truth.signs if truth else (True, True) for truth in truths]) * 2.0 - 1
    songs = (
        replace(song, quadrant=truth, is_graded=is_graded) for song, truth in zip(table.songs, truths, strict=True)
    )
    return replace(table, labels=np.repeat(label * signs, n_windows, axis=0), songs=tuple(songs))


def constant_songs(values: Sequence[tuple[float, float]], n_windows: int = 12) -> np.ndarray:
    return np.repeat(np.array(values, float), n_windows, axis=0)


def test_a_songs_score_begins_after_three_seconds() -> None:
    table = table_of_songs(2, 8)
    table.labels[:] = np.repeat([[0.2, 0.1], [-0.3, 0.4]], 8, axis=0)
    predictions = np.repeat([[0.2, 0.1], [-0.3, 0.4]], 8, axis=0)
    predictions[[0, 5, 8, 13]] = 0.9  # in the first 3 s of a clip: windows that begin before then
    assert evaluate(table, predictions, smoothing=0).song["valence"].mae == pytest.approx(0, abs=1e-12)
    predictions[6] = [0.6, 0.1]  # one of the two that count
    assert evaluate(table, predictions, smoothing=0).song["valence"].mae == pytest.approx(0.1)
    assert evaluate(table, predictions, smoothing=0).window["valence"].mae > 0.1


def test_a_song_with_labels_in_its_first_seconds_alone_is_scored_there() -> None:
    table = table_of_songs(1, 8)
    table.labels[:] = 0.5
    table.labels[4:] = np.nan
    scores = evaluate(table, np.full((8, 2), 0.25), smoothing=0)
    assert scores.songs["all"] == 1
    assert scores.song["arousal"].mae == pytest.approx(0.25)


def test_placeholders_are_judged_by_their_signs_alone() -> None:
    """A song with values and one with a quadrant: each has its own figures."""
    table = judged_table([Quadrant.SAD, None])
    table = replace(table, songs=(replace(table.songs[0], is_graded=False), table.songs[1]))
    scores = evaluate(table, constant_songs([(-0.9, -0.9), (0.3, 0.3)]))
    assert scores.songs == {"all": 2, "graded": 1, "judged": 1}
    for level in (scores.window, scores.smoothed, scores.song):
        assert level["valence"].mae == pytest.approx(0)  # 0.3 off with the placeholder
    assert scores.confusion.table == ((0,) * 4, (0,) * 4, (0, 0, 1, 0), (0,) * 4)
    assert scores.together == {"predicted": None, "labels": None}  # of one graded song
    placeholders = judged_table([Quadrant.SAD, Quadrant.HAPPY], is_graded=False)
    without = evaluate(placeholders, constant_songs([(0.1, 0.2), (0.3, 0.1)]))
    assert without.songs == {"all": 2, "graded": 0, "judged": 2}
    assert {without.song[axis].r2 for axis in AXES} == {without.song[axis].mae for axis in AXES} == {None}
    assert without.spread == {"valence": None, "arousal": None}
    assert without.together == {"predicted": pytest.approx(-1), "labels": None}


def test_quadrants_of_listeners_count_more_than_labels() -> None:
    table = judged_table([Quadrant.HAPPY, Quadrant.CALM])
    table.labels[:] *= -1  # by these the songs would be sad and tense
    scores = evaluate(table, constant_songs([(0.2, 0.2), (0.2, -0.2)]))
    assert scores.confusion.right == 1
    by_labels = replace(table, songs=tuple(replace(song, quadrant=None) for song in table.songs))
    assert evaluate(by_labels, constant_songs([(0.2, 0.2), (0.2, -0.2)])).confusion.right == 0


def test_confusion_and_chance() -> None:
    happy, tense, sad, calm = Quadrant
    truths = [happy, happy, happy, tense, sad, calm]
    points = [(0.1, 0.1), (0.1, 0.1), (-0.1, 0.1), (-0.1, 0.1), (0.1, -0.1), (0.1, -0.1)]
    scores = evaluate(judged_table(truths), constant_songs(points))
    assert scores.confusion.table == ((2, 1, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1), (0, 0, 0, 1))
    assert scores.confusion.right == pytest.approx(4 / 6)
    assert scores.confusion.chance == 0.5


def test_areas_are_counted_pairs() -> None:
    """By counting, for either sign, the pairs of songs that are in the right order; ties count half."""
    random = np.random.default_rng(3)
    truths = [list(Quadrant)[index] for index in random.integers(0, 4, 30)]
    points = random.uniform(-1, 1, (30, 2)).round(1)
    scores = evaluate(judged_table(truths), constant_songs(points.tolist()))
    for column, axis in enumerate(AXES):
        above = points[[truth.signs[column] for truth in truths], column]
        below = points[[not truth.signs[column] for truth in truths], column]
        order = np.sign(np.round(above[:, np.newaxis] - below, 3))
        assert scores.auc[axis] == pytest.approx((1 + order.mean()) / 2)
    alone = evaluate(judged_table([Quadrant.HAPPY, Quadrant.TENSE]), constant_songs([(0.2, 0.1), (-0.2, 0.1)]))
    assert alone.auc == {"valence": 1, "arousal": None}


def test_together_and_spread() -> None:
    random = np.random.default_rng(0)
    table = table_of_songs(20, 8)
    labels = np.repeat(random.uniform(-0.9, 0.9, (20, 2)), 8, axis=0)
    predictions = labels @ [[0.5, 0.4], [0.0, 0.3]]
    scores = evaluate(replace(table, labels=labels), predictions)
    means, truth = predictions[::8], labels[::8]
    assert scores.together["predicted"] == pytest.approx(np.corrcoef(means.T)[0, 1])
    assert scores.together["labels"] == pytest.approx(np.corrcoef(truth.T)[0, 1])
    assert abs(scores.together["predicted"] - scores.together["labels"]) > 0.1
    for column, axis in enumerate(AXES):
        assert scores.spread[axis] == pytest.approx(means[:, column].std() / truth[:, column].std())


def test_spread_over_folds_is_that_of_the_folds_own_figures() -> None:
    random = np.random.default_rng(1)
    table = table_of_songs(24, 8)
    predictions = table.labels + 0.3 * np.repeat(random.standard_normal((24, 2)), 8, axis=0)
    folds = table.clips % 3
    spread = fold_spread(table, predictions, folds)
    briefs = [evaluate(table.at(folds == fold), predictions[folds == fold]).brief() for fold in range(3)]
    assert spread["r"]["valence"] == pytest.approx(np.std([one["r"]["valence"] for one in briefs], ddof=1), abs=1e-3)
    assert spread["quadrants"] == pytest.approx(np.std([one["quadrants"] for one in briefs], ddof=1), abs=1e-3)
    assert spread["auc"]["arousal"] > 0
    assert json.loads(json.dumps(spread, allow_nan=False)) == spread
    assert fold_spread(table, predictions, np.zeros(len(folds), int))["r2"] == {"valence": None, "arousal": None}


def test_errors_of_a_constant() -> None:
    table = table_of_songs(4, 8)
    table.labels[:] = np.repeat([[0.1, 0.4], [0.3, 0.2], [0.5, 0], [0.7, -0.2]], 8, axis=0)
    errors = constant_errors(table, np.broadcast_to([0.4, 0.1], table.labels.shape))
    assert errors["song"]["valence"] == {"mae": 0.2, "rmse": pytest.approx(np.sqrt(0.05), abs=1e-4)}
    assert set(errors) == {"window", "smoothed", "song"}


# --- certainty --------------------------------------------------------------------------------------------------------


def calibration(deviation: float = 0.2) -> Calibration:
    return Calibration((deviation, deviation), np.linspace([-1, -1], [1, 1], 101))


@pytest.mark.slow
def test_calibrated_certainty_is_found_calibrated_and_other_certainty_is_not() -> None:
    """Songs whose truth is drawn as the model says: signs right with the probability of its deviation."""
    random = np.random.default_rng(2)
    points = random.uniform(-0.5, 0.5, (3000, 2))
    truth = points + 0.2 * random.standard_normal((3000, 2))
    table = judged_table([Quadrant.of(*point) for point in truth.tolist()], n_windows=8)
    predictions = constant_songs(points, 8)
    found = evaluate(table, predictions, calibration=calibration()).calibration
    assert found is not None
    assert (found.songs, len(found.bins)) == (3000, 5)
    assert found.error < 0.03
    assert found.said == pytest.approx(found.right, abs=0.02)
    assert [said for said, _ in found.bins] == sorted(said for said, _ in found.bins)
    too_sure = evaluate(table, predictions, calibration=calibration(0.02)).calibration
    assert too_sure is not None
    assert too_sure.error > 0.15
    assert too_sure.said > too_sure.right + 0.15
    assert evaluate(table, predictions).calibration is None


def test_every_song_counts_the_same_for_certainty() -> None:
    """A song that is right, and one ten times as long that is wrong."""
    table = judged_table([Quadrant.HAPPY, Quadrant.SAD], n_windows=106)
    keep = np.ones(212, bool)
    keep[16:106] = False
    found = evaluate(table.at(keep), np.full((122, 2), 0.3), calibration=calibration()).calibration
    assert found is not None
    assert found.right == pytest.approx(0.5)
    assert found.said == pytest.approx(calibration().certainty(0.3, 0.3, Quadrant.HAPPY))


def test_certainty_is_about_the_tracked_name_and_the_windows_label() -> None:
    """Without a listeners' quadrant each window has its label's; the name has hysteresis; silence does not count."""
    table = judged_table([None], n_windows=10)
    table.labels[:] = 0.3
    table.labels[8:, 0] = -0.3
    table.levels[9] = -70
    predictions = np.full((10, 2), 0.3)
    predictions[7:, 0] = -0.03  # still happy
    found = evaluate(table, predictions, smoothing=0, calibration=calibration()).calibration
    assert found is not None
    sure, unsure = (calibration().certainty(value, 0.3, Quadrant.HAPPY) for value in (0.3, -0.03))
    assert found.said == pytest.approx((sure + 2 * unsure) / 3)
    assert found.right == pytest.approx(2 / 3)


def test_certainty_of_several_sets_is_pooled_by_song() -> None:
    first, second = judged_table([Quadrant.HAPPY] * 3), judged_table([Quadrant.SAD])
    parts = [(first, np.full((36, 2), 0.3)), (second, np.full((12, 2), 0.3))]
    pooled = pooled_calibration(parts, calibration())
    assert pooled is not None
    assert (pooled.songs, pooled.right) == (4, pytest.approx(0.75))
    assert pooled_calibration([], calibration()) is None


def test_five_bins_of_the_same_weight() -> None:
    table = judged_table([Quadrant.HAPPY] * 10, n_windows=7)
    points = [(0.05 * number, 0.5) for number in range(10)]
    found = evaluate(table, constant_songs(points, 7), calibration=calibration()).calibration
    assert found is not None
    said = [calibration().certainty(*point, Quadrant.HAPPY) for point in points]
    np.testing.assert_allclose([one for one, _ in found.bins], np.reshape(said, (5, 2)).mean(axis=1))
    assert found.error == pytest.approx(np.mean([1 - one for one, _ in found.bins]))


# --- one row per song -------------------------------------------------------------------------------------------------


def test_one_row_per_song(tmp_path: Path) -> None:
    table = judged_table([Quadrant.SAD, Quadrant.HAPPY])
    table = replace(table, songs=(replace(table.songs[0], is_graded=False), table.songs[1]))
    table.levels[13:24] = -70  # 11 of the second song's 12 windows: what is left is in its first 3 s
    points = [(-0.2, -0.1), (-0.1, 0.4)]
    rows = song_rows(table, constant_songs(points), calibration())
    sad, happy = rows
    assert list(sad) == list(happy)
    assert (sad["dataset"], sad["song"], sad["group"], sad["windows"]) == ("set", "set/0", "set/0", 6)
    assert (sad["valence"], sad["arousal"]) == (pytest.approx(-0.2), pytest.approx(-0.1))
    assert (sad["label_valence"], sad["label_arousal"]) == (None, None)  # a placeholder is no label
    assert (happy["windows"], happy["label_valence"]) == (1, pytest.approx(0.3))
    assert (sad["true_quadrant"], sad["named_quadrant"]) == ("sad", "sad")
    assert (happy["true_quadrant"], happy["named_quadrant"]) == ("happy", "tense")
    assert happy["certainty"] == pytest.approx(calibration().certainty(-0.1, 0.4, Quadrant.TENSE))
    assert song_rows(table, constant_songs(points))[0]["certainty"] is None
    write_song_rows(rows, tmp_path / "songs.csv")
    with (tmp_path / "songs.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert list(read[0]) == list(sad)
    assert (read[0]["song"], read[0]["label_valence"], read[1]["named_quadrant"]) == ("set/0", "", "tense")
    assert float(read[1]["valence"]) == pytest.approx(-0.1, abs=1e-4)
    with pytest.raises(EmodjError, match="cannot be written"):
        write_song_rows(rows, tmp_path / "nowhere" / "songs.csv")

"""The two protocols: by song nothing leaks; EmoDJ's own is reproduced, leak and all."""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from rich.console import Console
from scipy.stats import ttest_1samp
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from test_training_helpers import RATE, WINDOW, noise, small_spec, song, table_of_songs, write_annotations, write_audio

from emodj_live import DatasetError, EmotionModel
from emodj_live.training import (
    Hyperparameters,
    WindowTable,
    default_spec,
    extract,
    fit_model,
    load_dataset,
    song_protocol,
    tuning,
)
from emodj_live.training.comparisons import across_sets, emodj_shape, learning_curve
from emodj_live.training.emodj_matrix import Matrix, build_matrix
from emodj_live.training.emodj_protocol import run
from emodj_live.training.evaluation import evaluate
from emodj_live.training.hyperparameters import EMODJ
from emodj_live.training.progress import Progress
from emodj_live.training.song_protocol import Fixed, OutOfFold, cross_validate, describe
from emodj_live.training.tuning import Tuner

SPEC = small_spec()
EXACT, CONDENSED = Fixed(Hyperparameters("svr")), Fixed(Hyperparameters(centers=60, alpha=0.1))
BOTH = pytest.mark.parametrize("choice", [EXACT, CONDENSED], ids=["svr", "condensed"])


def r2(found: OutOfFold | None, level: str = "window") -> list[float]:
    scores = evaluate(found.table, found.predictions).as_json()[level]
    return [scores[axis]["r2"] for axis in ("valence", "arousal")]


@BOTH
def test_by_song_does_not_reward_recognizing_a_recording(choice: Fixed) -> None:
    """Songs that are easy to tell apart, with labels that have nothing to do with what they sound like."""
    assert max(r2(cross_validate(table_of_songs(40, 6), SPEC, choice, stride=1))) < 0.1


@pytest.mark.slow
def test_emodjs_protocol_rewards_recognizing_a_recording() -> None:
    table = table_of_songs(60, 10)
    leaky = run(Matrix(table.features, table.labels.astype(np.float16), {}), costs=(1.0, 10.0))
    assert min(leaky["grid"][axis]["r2_held_out"] for axis in ("valence", "arousal")) > 0.8


@BOTH
def test_by_song_finds_what_can_be_learned(choice: Fixed) -> None:
    found = cross_validate(table_of_songs(60, 4, learnable=True), SPEC, choice, stride=1)
    assert (found.n_folds, np.isfinite(found.predictions).all()) == (5, True)
    assert min(r2(found, "song")) > 0.3
    assert max(r2(replace(found, predictions=found.constant))) < 0.02
    np.testing.assert_allclose(
        found.constant[found.folds == 2], [found.table.labels[found.folds != 2].mean(axis=0)] * 48
    )


def test_neither_model_nor_scaler_nor_constant_knows_the_songs_that_are_scored() -> None:
    """Whatever the songs of a fold are changed to, the other songs of the fold are predicted as before."""
    table = table_of_songs(10, 4)
    before = cross_validate(table, SPEC, CONDENSED, stride=2)
    assert {len(set(table.groups[before.folds == fold])) for fold in range(5)} == {2}
    for fold in range(5):
        first, second = np.unique(table.groups[before.folds == fold])
        features, labels = table.features.copy(), table.labels.copy()
        features[table.groups == second], labels[table.groups == second] = 1000, -1
        after = cross_validate(replace(table, features=features, labels=labels), SPEC, CONDENSED, stride=2)
        rows = table.groups == first
        np.testing.assert_array_equal(after.predictions[rows], before.predictions[rows])
        np.testing.assert_array_equal(after.constant[rows], before.constant[rows])
        assert not np.array_equal(after.predictions, before.predictions)


def test_the_choice_is_made_without_the_songs_that_are_scored() -> None:
    table = table_of_songs(10, 4)
    seen: list[set[int]] = []

    def choose(training: WindowTable) -> Hyperparameters:
        seen.append(set(training.groups.tolist()))
        return Hyperparameters()

    found = cross_validate(table, SPEC, choose)
    for fold, groups in enumerate(seen):
        assert groups == set(table.groups[found.folds != fold].tolist())
        assert not groups & set(table.groups[found.folds == fold].tolist())


def groups_of_four() -> WindowTable:
    """Every recording is there four times, under other names and in another data set."""
    table = table_of_songs(24, 8, datasets=("one", "other"))
    table.groups[:] = table.clips // 4
    same = table.clips % 4 == 0
    for copy in range(1, 4):
        table.features[table.clips % 4 == copy] = table.features[same]
        table.labels[table.clips % 4 == copy] = table.labels[same]
    return table


def test_the_same_group_is_never_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    table = groups_of_four()
    found = cross_validate(table, SPEC, EXACT)
    assert max(r2(found)) < 0.1
    for group in range(6):
        assert len(set(found.folds[table.groups == group])) == 1
    leaking = cross_validate(replace(table, groups=table.clips), SPEC, EXACT)
    assert min(r2(leaking)) > 0.5  # so the first figures would have shown a leak


@pytest.mark.parametrize(("songs", "folds"), [(2, 2), (3, 3), (6, 5)])
def test_few_songs_give_few_folds(songs: int, folds: int) -> None:
    assert cross_validate(table_of_songs(songs, 4), SPEC, CONDENSED).n_folds == folds


@pytest.mark.parametrize("songs", [1, 3])
def test_a_single_group_has_no_protocol(songs: int) -> None:
    table = table_of_songs(songs, 4)
    table.groups[:] = 0
    assert cross_validate(table, SPEC, CONDENSED) is None
    assert emodj_shape(table, SPEC, stride=1) is None
    assert Tuner(SPEC)(table) == Hyperparameters()


@pytest.mark.slow
def test_workers_score_the_same() -> None:
    table = table_of_songs(6, 6)
    first, second = (cross_validate(table, SPEC, EXACT, jobs=jobs) for jobs in (1, 2))
    np.testing.assert_array_equal(first.folds, second.folds)
    np.testing.assert_allclose(first.predictions, second.predictions, atol=1e-6)


# --- what is told of it -----------------------------------------------------------------------------------------------


def test_figures_are_by_data_set_and_plain_json() -> None:
    table = table_of_songs(40, 8, learnable=True, datasets=("one", "other"))
    found = cross_validate(table, SPEC, CONDENSED)
    figures, calibration = describe(found)
    assert (figures["folds"], figures["groups"]) == (5, 40)
    assert [each["dataset"] for each in figures["sets"]] == ["one", "other"]
    for each in figures["sets"]:
        rows = table.datasets == each["dataset"]
        alone = evaluate(table.at(rows), found.predictions[rows], calibration=calibration)
        assert each["scores"] == alone.as_json()
        assert each["scores"]["songs"]["all"] == 20
        assert each["constant"]["song"]["valence"]["mae"] > each["scores"]["song"]["valence"]["mae"]
        assert each["spread"]["auc"].keys() == {"valence", "arousal"}
    assert figures["calibration"]["songs"] == 40
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_emodjs_shape_is_scored_on_the_mfccs_alone() -> None:
    """The context's features give the labels away: they must not reach it."""
    spec = small_spec(context=4.0)
    table = table_of_songs(12, 5, n_features=spec.n_features, datasets=("one", "other"))
    table.features[:, 264:] = table.labels[:, :1]
    shape = emodj_shape(table, spec, stride=2)
    alone = replace(table, features=table.features[:, :264])
    found = cross_validate(alone, SPEC, Fixed(EMODJ), stride=2)
    for each, (name, part) in zip(shape, found.by_dataset(), strict=True):
        assert each == {"dataset": name, "scores": evaluate(part.table, part.predictions).brief()}
    own = cross_validate(table, spec, Fixed(Hyperparameters(centers=60, alpha=0.1)), stride=2)
    assert r2(own)[0] > r2(found)[0] + 0.1
    assert Hyperparameters("svr", None, cost=(1.0, 1.0), epsilon=(0.1, 0.1)) == EMODJ


def test_across_sets_scores_no_song_whose_group_was_trained_on() -> None:
    table = groups_of_four()  # each group is in both sets, but for the last two
    table.groups[table.clips >= 20] = table.clips[table.clips >= 20]
    pairs = across_sets(table, SPEC, EXACT(table), stride=1)
    assert [(each["trained_on"], each["tried_on"]) for each in pairs] == [(["one"], "other"), (["other"], "one")]
    for each in pairs:
        training = table.of_dataset(each["trained_on"][0])
        tried = table.at((table.datasets == each["tried_on"]) & (table.clips >= 20))
        model = fit_model(training, SPEC, EXACT(table))
        assert each["scores"] == evaluate(tried, model.predict(tried.features)).brief()
    assert across_sets(table.of_dataset("one"), SPEC, EXACT(table), stride=1) is None
    table.groups[:] = 0
    assert across_sets(table, SPEC, EXACT(table), stride=1) == []


def test_learning_curve_is_by_the_share_of_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of_songs(40, 3, learnable=True)
    trained_on: list[int] = []

    def recorded(training: WindowTable, *arguments: object, **options: object) -> EmotionModel:
        trained_on.append(len(np.unique(training.groups)))
        return fit_model(training, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(song_protocol, "fit_model", recorded)
    whole = cross_validate(table, SPEC, CONDENSED, stride=1)
    trained_on.clear()
    points = learning_curve(whole, SPEC, CONDENSED(table), stride=1)
    assert [point["groups"] for point in points] == [4, 8, 16, 32]
    assert trained_on == [16] * 5 + [8] * 5 + [4] * 5
    r = [point["scores"]["set"]["r"]["valence"] for point in points]
    assert r[-1] > r[0] + 0.1
    assert points[-1]["scores"]["set"] == evaluate(table, whole.predictions).brief()


# --- choosing ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["svr", "condensed"])
def test_tuning_finds_a_better_gamma_and_is_nested(estimator: str) -> None:
    table = table_of_songs(40, 6, learnable=True)
    start = Hyperparameters(estimator, gamma=1 / 20, centers=60)
    tuner = Tuner(SPEC, start, stride=2)
    chosen = tuner(table)
    assert chosen.gamma < start.gamma
    assert chosen == tuner(table)
    nested = cross_validate(table, SPEC, tuner)
    assert sum(r2(nested)) > sum(r2(cross_validate(table, SPEC, Fixed(start))))


def landscape(monkeypatch: pytest.MonkeyPatch, loss: object) -> None:
    monkeypatch.setattr(Tuner, "_score", lambda _, __, tried: tuple(-value for value in loss(tried)))  # type: ignore[operator]


def test_tuning_chooses_each_axis_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up landscape: valence best at C = 30 and epsilon 0.2, arousal at C = 1 and 0.05, gamma at a quarter."""

    def loss(tried: Hyperparameters) -> tuple[float, float]:
        wide = abs(np.log2((tried.gamma or 1 / 264) * 264 * 4)) + abs(tried.context_weight - 0.9)
        valence = abs(np.log(tried.cost[0] / 30)) + abs(tried.epsilon[0] - 0.2)
        return valence + wide, abs(np.log(tried.cost[1])) + abs(tried.epsilon[1] - 0.05) + wide

    landscape(monkeypatch, loss)
    chosen = Tuner(SPEC, Hyperparameters("svr"))(table_of_songs(2, 2))
    assert chosen == Hyperparameters("svr", 1 / 264 / 4, cost=(30.0, 1.0), epsilon=(0.2, 0.05))


@pytest.mark.parametrize(("context", "weights"), [(4.0, (0.7, 0.25)), (0.0, (0.9, 0.35))])
def test_tuning_of_condensed(monkeypatch: pytest.MonkeyPatch, context: float, weights: tuple[float, float]) -> None:
    """Gamma at half of 1/features, alpha at 3, the context's weights at 0.7 and 0.25 if there is a context."""
    spec = small_spec(context=context)

    def loss(tried: Hyperparameters) -> tuple[float, float]:
        gamma = abs(np.log2((tried.gamma or 1 / spec.n_features) * spec.n_features * 2))
        away = gamma + abs(np.log(tried.alpha / 3)) + abs(tried.context_weight - 0.7)
        away += abs(tried.timbre_weight - 0.25)
        return away, away

    landscape(monkeypatch, loss)
    chosen = Tuner(spec, Hyperparameters(centers=7, alpha=1.0))(table_of_songs(2, 2))
    context_weight, timbre_weight = weights
    fitted = {"context_weight": context_weight, "timbre_weight": timbre_weight, "alpha": 3.0}
    assert chosen == Hyperparameters(gamma=1 / spec.n_features / 2, centers=7, **fitted)


@pytest.mark.parametrize(
    ("r", "area", "quality"), [(0.5, 0.75, 0.5), (None, 0.0, -1.0), (0.4, None, 0.4), (None, None, 0.0)]
)
def test_candidates_are_compared_by_r_and_auc(r: float | None, area: float | None, quality: float) -> None:
    assert tuning._quality({"r": {"valence": r}, "auc": {"valence": area}}, "valence") == quality


# --- EmoDJ's own ------------------------------------------------------------------------------------------------------


def test_grid_is_that_of_grid_search_cv() -> None:
    table = table_of_songs(8, 12, spread=1.0, learnable=True)
    labels = table.labels.astype(np.float16)
    result = run(Matrix(table.features, labels, {}), costs=(0.1, 1.0, 10.0))
    scaled = StandardScaler().fit_transform(table.features.astype(float))
    for axis, name in enumerate(("valence", "arousal")):
        truth = labels[:, axis].astype(float)
        training, test, y_training, y_test = train_test_split(scaled, truth, test_size=0.25, random_state=5)
        grid = GridSearchCV(SVR(kernel="rbf", gamma="auto"), {"C": [0.1, 1.0, 10.0]}, cv=5).fit(training, y_training)
        assert result["grid"][name] == {
            "C": grid.best_params_["C"],
            "r2_folds": pytest.approx(grid.best_score_, abs=1e-4),
            "r2_held_out": pytest.approx(grid.score(test, y_test), abs=1e-4),
        }


def test_random_splits_by_hand() -> None:
    table = table_of_songs(8, 12)
    labels = table.labels.astype(np.float16)
    result = run(Matrix(table.features, labels, {}), costs=(1.0,), seeds=(0, 1, 2))
    scaled = StandardScaler().fit_transform(table.features.astype(float))
    truth = labels.astype(float)
    errors = []
    for seed in (0, 1, 2):
        fit, test = train_test_split(np.arange(96), test_size=0.05, random_state=seed)
        predicted = [SVR(gamma="auto", C=1).fit(scaled[fit], truth[fit, axis]).predict(scaled[test]) for axis in (0, 1)]
        errors.append(np.transpose(predicted) - truth[test])
    maes = np.array([abs(error).mean(axis=0) for error in errors])
    splits = result["splits"]
    for axis, (name, bound) in enumerate((("valence", 0.198), ("arousal", 0.156))):
        assert splits[name]["mae"] == pytest.approx(maes[:, axis].mean(), abs=1e-4)
        p = ttest_1samp(maes[:, axis], bound, alternative="less").pvalue
        assert splits[name]["p"] == pytest.approx(p, rel=1e-6)
    distance = np.mean([np.sqrt((error**2).sum(axis=1)).mean() for error in errors])
    assert splits["distance"] == pytest.approx(distance, abs=1e-4)
    assert json.loads(json.dumps(result, allow_nan=False)) == result


@pytest.mark.parametrize(("extra", "pieces"), [(0, 2), (700, 3), (3000, 3), (WINDOW - 1, 3), (WINDOW * 5, 5)])
def test_pieces_are_cut_and_filled_as_emodj_does(tmp_path: Path, extra: int, pieces: int) -> None:
    """Against the notebook's own way: librosa on each piece, short ones filled with zero frames, the last repeated."""
    samples = noise(2.0 + 2 * 0.5 + extra / RATE, seed=extra)
    path = write_audio(tmp_path / "1.wav", samples)
    audio, _ = soundfile.read(path, dtype="float32")
    rows = []
    for start in range(4 * WINDOW, len(audio), WINDOW):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frames = librosa.feature.mfcc(y=audio[start : start + WINDOW], sr=RATE, n_mfcc=12)
        rows.append(np.pad(frames, ((0, 0), (0, 22 - frames.shape[1]))).ravel())
    expected = (rows + [rows[-1]] * 5)[:5]
    windows = np.arange(4, 9)
    clips, _ = extract([song(path, windows, np.linspace(-1, 1, 10).reshape(5, 2))], default_spec())
    matrix = build_matrix(clips, windows, default_spec())
    np.testing.assert_allclose(matrix.features, expected, atol=2e-3)
    assert matrix.labels.dtype == np.float16
    np.testing.assert_array_equal(matrix.labels, np.linspace(-1, 1, 10).reshape(5, 2).astype(np.float16))
    assert matrix.left_out.get("pieces that repeat the one before", 0) == 5 - pieces


def test_songs_without_a_piece_are_left_out_and_counted(tmp_path: Path) -> None:
    windows = np.arange(2, 4)
    good = write_audio(tmp_path / "1.wav", noise(2))
    short = [write_audio(tmp_path / f"{seconds}.wav", noise(seconds)) for seconds in (0.9, 1.0)]
    clips, _ = extract([song(path, windows) for path in (good, *short)], SPEC)
    matrix = build_matrix(clips, windows, SPEC)
    assert len(matrix.features) == 2
    assert matrix.left_out == {"songs whose clip ends before their first label": 2}
    with pytest.raises(DatasetError, match="no clip reaches its first label at 1 s"):
        build_matrix(clips[1:], windows, SPEC)


@pytest.mark.slow
def test_744_songs_give_exactly_45384_rows(tmp_path: Path) -> None:
    """A set as large as emoMusic, of links to two clips: 45 s at its end, and a little less."""
    times = range(15000, 45500, 500)
    labels = {str(name): np.round(np.sin(np.arange(61) + name), 4).tolist() for name in range(744)}
    write_annotations(tmp_path / "annotations", times, labels)
    originals = [write_audio(tmp_path / f"{seconds}.wav", noise(seconds)) for seconds in (45, 44.8)]
    (tmp_path / "clips_45seconds").mkdir()
    for name in range(744):
        (tmp_path / "clips_45seconds" / f"{name}.wav").symlink_to(originals[name % 2])
    dataset = load_dataset(tmp_path)
    spec = default_spec()
    clips, _ = extract(dataset.songs, spec)
    matrix = build_matrix(clips, dataset.window_indices, spec)
    assert matrix.features.shape == (45384, 264)
    assert matrix.labels.shape == (45384, 2)
    np.testing.assert_array_equal(matrix.features[59], matrix.features[60])  # 45 s end where piece 61 would begin
    assert not np.array_equal(matrix.features[61 + 58], matrix.features[61 + 59])
    assert matrix.features[61 + 59].reshape(12, 22)[:, 15:].any() == False  # noqa: E712
    np.testing.assert_array_equal(matrix.labels[61 * 743 + 60], np.float16(labels["743"][60]))


def test_labels_that_hardly_vary_need_no_support_vectors() -> None:
    table = table_of_songs(4, 10)
    result = run(Matrix(table.features, np.full((40, 2), 0.25, np.float16), {}), costs=(1.0,))
    assert result["splits"]["valence"] == {"mae": 0, "p": 0}


def test_progress_is_shown_fold_by_fold() -> None:
    table = table_of_songs(4, 10)
    said = io.StringIO()
    progress = Progress(Console(file=said, width=100))
    run(Matrix(table.features, table.labels.astype(np.float16), {}), costs=(1.0,), progress=progress)
    assert "folds of EmoDJ's grid: 3 of 10" in said.getvalue()
    assert "EmoDJ's random splits: 6 of 6" in said.getvalue()


def silenced(table: WindowTable, *groups: int) -> WindowTable:
    return replace(table, levels=np.where(np.isin(table.groups, groups), -90.0, table.levels))


@pytest.mark.parametrize("share", [1.0, 1 / 8])
def test_silent_songs_are_predicted_and_never_all_that_is_trained_on(share: float) -> None:
    table = silenced(table_of_songs(8, 4), *range(1, 7))
    found = cross_validate(table, SPEC, CONDENSED, stride=1, share=share)
    assert found.n_folds == 2
    assert np.isfinite(found.predictions).all()
    assert found.folds[table.groups == 0][0] != found.folds[table.groups == 7][0]


def test_one_song_that_is_not_silent_has_no_protocol() -> None:
    assert cross_validate(silenced(table_of_songs(4, 4), 0, 1, 2), SPEC, CONDENSED, stride=1) is None


def test_a_silent_set_is_tried_and_not_trained_on() -> None:
    table = silenced(table_of_songs(8, 4, datasets=("loud", "silent")), 1, 3, 5, 7)
    pairs = across_sets(table, SPEC, Hyperparameters(centers=10), stride=1)
    assert [(each["trained_on"], each["tried_on"]) for each in pairs] == [(["loud"], "silent")]

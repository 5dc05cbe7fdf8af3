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

from emodj_live import DatasetError
from emodj_live.training import Hyperparameters, default_spec, extract, load_dataset
from emodj_live.training.emodj_matrix import Matrix, build_matrix
from emodj_live.training.emodj_protocol import run
from emodj_live.training.progress import Progress
from emodj_live.training.song_protocol import Fixed, by_song, cross_predict
from emodj_live.training.tuning import Tuner

SPEC = small_spec()
FIXED = Fixed(Hyperparameters())


def r2(scores: dict, level: str = "window") -> list[float]:  # type: ignore[type-arg]
    return [scores[level][axis]["r2"] for axis in ("valence", "arousal")]


@pytest.mark.slow
def test_by_song_does_not_reward_recognizing_a_recording_and_emodjs_protocol_does() -> None:
    """Songs that are easy to tell apart, with labels that have nothing to do with what they sound like."""
    table = table_of_songs(60, 10)
    honest = by_song(table, SPEC, FIXED, stride=1)
    assert max(r2(honest["unshuffled"]) + r2(honest["shuffled"])) < 0.1
    leaky = run(Matrix(table.features, table.labels.astype(np.float16), {}), costs=(1.0, 10.0))
    assert min(leaky["grid"][axis]["r2_held_out"] for axis in ("valence", "arousal")) > 0.8


def test_by_song_finds_what_can_be_learned() -> None:
    protocol = by_song(table_of_songs(60, 6, learnable=True), SPEC, Fixed(Hyperparameters(cost=(10, 10))))
    assert (protocol["folds"], protocol["recordings"], protocol["shuffles"]) == (5, 60, 3)
    assert min(r2(protocol["shuffled"], "song")) > 0.05
    assert max(r2(protocol["constant"])) < 0.02
    assert protocol["constant"]["song"]["valence"]["mae"] > protocol["unshuffled"]["song"]["valence"]["mae"]
    assert json.loads(json.dumps(protocol, allow_nan=False)) == protocol


def test_neither_model_nor_scaler_knows_the_songs_that_are_scored() -> None:
    """What one song of a fold is predicted to be must not change with the other songs that are tested with it."""
    table = table_of_songs(10, 8)
    before = cross_predict(table, SPEC, Hyperparameters(), stride=2, folds=5)
    for other in range(1, 10):
        features = table.features.copy()
        features[table.recordings == other] = 1000
        after = cross_predict(replace(table, features=features), SPEC, Hyperparameters(), stride=2, folds=5)
        if np.array_equal(before[table.recordings == 0], after[table.recordings == 0]):
            break  # the only one that is in the same fold as song 0
    else:
        pytest.fail("no song could be changed without changing the prediction of song 0")


def test_the_same_recording_is_never_on_both_sides() -> None:
    table = table_of_songs(20, 30)
    table.recordings[:] = table.clips // 4  # each recording is there four times, under other names
    same = table.features[table.clips % 4 == 0]
    for copy in range(4):
        table.features[table.clips % 4 == copy] = same
        table.labels[table.clips % 4 == copy] = table.labels[table.clips % 4 == 0]
    assert all(value < 0.1 for value in r2(by_song(table, SPEC, FIXED)["unshuffled"]))


@pytest.mark.parametrize(("songs", "folds"), [(2, 2), (3, 3), (6, 5)])
def test_few_songs_give_few_folds(songs: int, folds: int) -> None:
    assert by_song(table_of_songs(songs, 4), SPEC, FIXED)["folds"] == folds


def test_a_single_song_has_no_protocol() -> None:
    assert by_song(table_of_songs(1, 4), SPEC, FIXED) is None


@pytest.mark.slow
def test_workers_score_the_same() -> None:
    table = table_of_songs(6, 6)
    assert by_song(table, SPEC, FIXED, shuffles=(0,), jobs=2) == by_song(table, SPEC, FIXED, shuffles=(0,), jobs=1)


@pytest.mark.slow
def test_tuning_finds_a_better_gamma_and_is_nested() -> None:
    table = table_of_songs(40, 6, learnable=True)
    start = Hyperparameters(gamma=1 / 20)
    tuner = Tuner(SPEC, start, stride=2)
    chosen = tuner(table)
    assert chosen.gamma < start.gamma
    assert chosen == tuner(table)
    nested = by_song(table, SPEC, tuner, shuffles=())
    assert sum(r2(nested["unshuffled"])) > sum(r2(by_song(table, SPEC, Fixed(start), shuffles=())["unshuffled"]))


def test_tuning_chooses_each_axis_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up landscape: valence best at C = 30 and epsilon 0.2, arousal at C = 1 and 0.05, gamma at a quarter."""

    def score(_: Tuner, __: object, tried: Hyperparameters) -> tuple[float, float]:
        wide = abs(np.log2(tried.gamma * 264 * 4))
        valence = abs(np.log(tried.cost[0] / 30)) + abs(tried.epsilon[0] - 0.2)
        return -valence - wide, -abs(np.log(tried.cost[1])) - abs(tried.epsilon[1] - 0.05) - wide

    monkeypatch.setattr(Tuner, "_score", score)
    chosen = Tuner(SPEC)(table_of_songs(2, 2))
    assert chosen.gamma == 1 / 264 / 4
    assert chosen.cost == (30.0, 1.0)
    assert chosen.epsilon == (0.2, 0.05)


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

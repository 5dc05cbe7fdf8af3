"""Fitting: the model is what scikit-learn fits, and scikit-learn can be had back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from test_training_helpers import small_spec, table_of_songs
from threadpoolctl import threadpool_limits

from emodj_live import DatasetError, EmodjError, EmotionModel
from emodj_live.training import Hyperparameters, WindowTable, export_sklearn, fit_model, fitting, to_sklearn

SPEC = small_spec()
EXACT = Hyperparameters("svr", gamma=1 / 500, cost=(0.7, 3.0), epsilon=(0.05, 0.2))
CONDENSED = Hyperparameters(gamma=1 / 500, centers=40, alpha=0.3)
BOTH = pytest.mark.parametrize("parameters", [EXACT, CONDENSED], ids=["svr", "condensed"])
ARRAYS = "mean", "std", "support_vectors", "coefficients", "intercepts"


@pytest.fixture(scope="module")
def table() -> WindowTable:
    return table_of_songs(12, 10, learnable=True)


def predicted_by_sklearn(model: EmotionModel, table: WindowTable) -> np.ndarray:
    scaled = (table.features - model.mean) / model.std
    return np.stack([regressor.predict(scaled) for regressor in to_sklearn(model)], axis=1)


def test_exact_regressors_are_what_scikit_learn_fits_without_weights(table: WindowTable) -> None:
    """One data set alone gives EmoDJ's own, to the last bit of its coefficients."""
    model = fit_model(table, SPEC, EXACT, stride=2)
    rows = np.concatenate([np.arange(clip, clip + 10)[::2] for clip in range(0, 120, 10)])
    scaler = StandardScaler().fit(table.features[rows].astype(float))
    for axis in (0, 1):
        reference = SVR(gamma=1 / 500, C=EXACT.cost[axis], epsilon=EXACT.epsilon[axis])
        reference.fit((table.features[rows] - model.mean) / model.std, table.labels[rows, axis])
        expected = reference.predict(scaler.transform(table.features.astype(float)))
        np.testing.assert_allclose(model.predict(table.features)[:, axis], expected, atol=1e-4)
        dual = model.coefficients[:, axis][model.coefficients[:, axis] != 0]
        np.testing.assert_array_equal(dual, reference.dual_coef_[0][np.argsort(reference.support_)])
        assert model.intercepts[axis] == reference.intercept_[0]


@BOTH
def test_scikit_learn_can_be_had_back(table: WindowTable, parameters: Hyperparameters) -> None:
    model = fit_model(table, SPEC, parameters, stride=2)
    regressors = to_sklearn(model)
    assert [type(one) for one in regressors] == [SVR, SVR]
    rebuilt = predicted_by_sklearn(model, table)
    np.testing.assert_allclose(rebuilt, model.predict(table.features), atol=1e-4)
    assert rebuilt.std() > 0.05
    assert len(regressors[0].support_) == np.count_nonzero(model.coefficients[:, 0])


def test_an_axis_without_support_vectors_can_be_had_back(table: WindowTable) -> None:
    model = fit_model(table, SPEC, replace(EXACT, epsilon=(2.0, 0.1)))
    assert not model.coefficients[:, 0].any()
    np.testing.assert_allclose(predicted_by_sklearn(model, table), model.predict(table.features), atol=1e-4)


@BOTH
def test_export(tmp_path: Path, table: WindowTable, parameters: Hyperparameters) -> None:
    model = fit_model(table, SPEC, parameters, stride=2)
    files = export_sklearn(model, tmp_path / "new" / "folder")
    assert [file.name for file in files] == ["valence.joblib", "arousal.joblib", "mean.joblib", "std.joblib"]
    valence, arousal, mean, std = (joblib.load(file) for file in files)
    predicted = np.stack([one.predict((table.features - mean) / std) for one in (valence, arousal)], axis=1)
    np.testing.assert_allclose(predicted, model.predict(table.features), atol=1e-4)


def test_export_knows_what_was_fitted_with(table: WindowTable) -> None:
    known = {"C": {"valence": 0.7, "arousal": 3.0}, "epsilon": {"valence": 0.05, "arousal": 0.2}}
    _, arousal = to_sklearn(replace(fit_model(table, SPEC, EXACT), provenance={"hyperparameters": known}))
    assert (arousal.C, arousal.epsilon, arousal.gamma) == (3.0, 0.2, 1 / 500)


def test_export_that_cannot_be_written_is_one_sentence(tmp_path: Path, table: WindowTable) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmodjError, match="cannot be written"):
        export_sklearn(fit_model(table, SPEC, CONDENSED), tmp_path / "file")


@BOTH
def test_fitting_again_gives_the_same_numbers(table: WindowTable, parameters: Hyperparameters) -> None:
    first, again = (fit_model(table, SPEC, parameters, stride=2) for _ in range(2))
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))


@pytest.mark.slow
@BOTH
def test_threads_do_not_change_the_numbers(parameters: Hyperparameters) -> None:
    songs = table_of_songs(30, 10, learnable=True)
    models = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads, user_api="blas"):
            models.append(fit_model(songs, SPEC, parameters))
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(models[0], name), getattr(models[1], name))


@pytest.mark.slow
@BOTH
def test_workers_fit_the_same_numbers(table: WindowTable, parameters: Hyperparameters) -> None:
    first, again = (fit_model(table, SPEC, parameters, stride=2, jobs=jobs) for jobs in (1, 2))
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))


# --- what is learned from ---------------------------------------------------------------------------------------------


def test_constant_features_are_left_alone(table: WindowTable) -> None:
    features = table.features.copy()
    features[:, 7] = 1e4 + 0.1
    mean, std = fitting.fit_scaler(features)
    assert std[7] == 1
    assert mean[7] == pytest.approx(1e4 + 0.1, rel=1e-6)
    assert np.isfinite(fit_model(replace(table, features=features), SPEC, EXACT).predict(features)).all()


@pytest.mark.parametrize("weight", [0.1, 0.5, 0.7])
def test_the_context_has_its_share_of_a_distance(weight: float) -> None:
    """Of the squared distance between any two vectors, on average; and the whole stays as it would be without."""
    random = np.random.default_rng(0)
    features = random.standard_normal((4000, 336)).astype(np.float32) * random.uniform(0.1, 50, 336) + 7
    mean, std = fitting.fit_scaler(features, 264, weight)
    scaled = (features - mean) / std
    squares = (scaled[::2] - scaled[1::2]) ** 2
    assert squares[:, 264:].sum() / squares.sum() == pytest.approx(weight, abs=0.01)
    assert squares.sum(axis=1).mean() == pytest.approx(2 * 336, rel=0.02)


def test_mean_timbre_has_its_weight_within_the_context() -> None:
    """The 19 mean MFCCs after the first count as asked, among statistics that together count as before."""
    random = np.random.default_rng(0)
    features = random.standard_normal((4000, 336)).astype(np.float32) * random.uniform(0.1, 50, 336) + 7
    mean, std = fitting.fit_scaler(features, 264, 0.8, 0.5)
    scaled = (features - mean) / std
    squares = ((scaled[::2] - scaled[1::2]) ** 2).mean(axis=0)
    assert squares[264:].sum() / squares.sum() == pytest.approx(0.8, abs=0.01)
    others = np.delete(squares[264:], range(1, 20))
    np.testing.assert_allclose(squares[265:284] / others.mean(), 0.25, rtol=0.15)
    np.testing.assert_allclose(others / others.mean(), 1, rtol=0.15)


def test_the_weight_of_the_context_reaches_the_model(table: WindowTable) -> None:
    spec = small_spec(context=4.0)
    wide = table_of_songs(8, 5, n_features=spec.n_features)
    light, heavy = (fit_model(wide, spec, replace(CONDENSED, context_weight=weight)) for weight in (0.2, 0.8))
    np.testing.assert_allclose((light.std / heavy.std)[:264], np.sqrt(0.2 / 0.8))
    np.testing.assert_allclose((light.std / heavy.std)[264:], np.sqrt(0.8 / 0.2))
    sharp = fit_model(wide, spec, replace(CONDENSED, context_weight=0.8, timbre_weight=4 * CONDENSED.timbre_weight))
    assert (sharp.std / heavy.std)[265] / (sharp.std / heavy.std)[264] == pytest.approx(1 / 4)
    assert heavy.gamma == 1 / 500
    assert fit_model(wide, spec, replace(CONDENSED, gamma=None)).gamma == 1 / 336


def test_reference_level_is_the_median_of_sound_with_labels(table: WindowTable) -> None:
    levels = np.linspace(-70, -10, 120)
    labels = table.labels.copy()
    labels[60:] = np.nan
    quiet = replace(table, levels=levels, labels=labels)
    expected = np.median([level for level in levels[:60] if level >= -60])
    assert quiet.reference_level() == pytest.approx(expected)
    with pytest.raises(DatasetError, match="no music to learn from"):
        replace(table, levels=np.full(120, -61.0)).reference_level()


def test_stride_counts_labeled_windows_of_each_song() -> None:
    table = table_of_songs(2, 7)
    table.labels[:2] = np.nan
    assert table.training_rows(3).tolist() == [2, 5, 7, 10, 13]


@BOTH
def test_silent_windows_are_not_trained_on(parameters: Hyperparameters) -> None:
    table = table_of_songs(4, 6)
    table.levels[[3, 9, 10]] = -61
    before = fit_model(table, SPEC, parameters)
    assert not {3, 9, 10} & set(table.training_rows(1).tolist())
    assert table.training_rows(2).tolist() == [0, 2, 5, 6, 8, 12, 14, 16, 18, 20, 22]
    table.features[[3, 9, 10]] = 1000
    table.labels[[3, 9, 10]] = -1
    after = fit_model(table, SPEC, parameters)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_a_data_set_counts_as_the_square_root_of_its_windows() -> None:
    table = table_of_songs(10, 6, datasets=("large", "large", "large", "large", "small"))
    rows = table.training_rows(1)
    weights = table.weights(rows)
    is_small = table.datasets[rows] == "small"
    assert weights.mean() == pytest.approx(1)
    assert weights[is_small].sum() / weights[~is_small].sum() == pytest.approx(np.sqrt(12 / 48))
    assert len(set(weights.tolist())) == 2
    assert table.weight_of("small", rows) == weights[is_small][0]
    assert table.weight_of("none", rows) == 0
    large = table.of_dataset("large")
    assert all((large.weights(np.arange(count)) == 1).all() for count in range(1, 49))  # to the last bit


def test_condensed_weighs_sets_that_contradict_each_other() -> None:
    """The same music twice, pleasant by one set and unpleasant by the other, which has four times as much of it."""
    table = table_of_songs(20, 4, datasets=("large", "large", "large", "large", "small"))
    table.features[:] = np.random.default_rng(0).standard_normal((4, 264))[np.arange(80) % 4]
    table.labels[:] = np.where(table.datasets == "large", 0.8, -0.8)[:, np.newaxis]
    predicted = fit_model(table, SPEC, replace(CONDENSED, alpha=1e-6)).predict(table.features)
    np.testing.assert_allclose(predicted, (2 * 0.8 - 0.8) / 3, atol=0.01)


def test_exact_regressors_are_what_scikit_learn_fits_with_weights() -> None:
    table = table_of_songs(10, 6, datasets=("large", "large", "large", "large", "small"))
    model = fit_model(table, SPEC, EXACT)
    scaled = (table.features - model.mean) / model.std
    weights = table.weights(np.arange(60))
    for axis in (0, 1):
        reference = SVR(gamma=1 / 500, C=EXACT.cost[axis], epsilon=EXACT.epsilon[axis])
        expected = reference.fit(scaled, table.labels[:, axis], weights).predict(scaled)
        np.testing.assert_allclose(model.predict(table.features)[:, axis], expected, atol=1e-4)
        assert abs(reference.fit(scaled, table.labels[:, axis]).predict(scaled) - expected).max() > 1e-3


@BOTH
def test_labels_without_any_spread_cannot_be_learned(table: WindowTable, parameters: Hyperparameters) -> None:
    fitting.check_learned(fit_model(table, SPEC, parameters))
    model = fit_model(replace(table, labels=np.full((120, 2), 0.3)), SPEC, parameters)
    with pytest.raises(DatasetError, match="nothing can be learned"):
        fitting.check_learned(model)


# --- condensed --------------------------------------------------------------------------------------------------------


def test_condensed_is_a_ridge_regression_over_kernels_of_its_centers(table: WindowTable) -> None:
    """Against the formula: the penalty is on the function's norm in the space of the kernel."""
    from sklearn.metrics.pairwise import rbf_kernel

    model = fit_model(table, SPEC, CONDENSED, stride=2)
    assert model.support_vectors.shape == (40, 264)
    scaled = (table.features[::2] - model.mean) / model.std
    near = rbf_kernel(scaled, model.support_vectors, gamma=1 / 500)
    own = rbf_kernel(model.support_vectors, gamma=1 / 500)
    labels = table.labels[::2]
    solved = np.linalg.solve(near.T @ near + 0.3 * own, near.T @ (labels - labels.mean(axis=0)))
    expected = near @ solved + labels.mean(axis=0)
    np.testing.assert_allclose(model.predict(table.features[::2]), expected, atol=1e-4)


def test_far_from_all_training_music_condensed_answers_with_the_mean_label(table: WindowTable) -> None:
    model = fit_model(table, SPEC, CONDENSED)
    far = np.full((1, 264), 1e6, np.float32)
    np.testing.assert_allclose(model.predict(far)[0], table.labels.mean(axis=0), atol=1e-12)


def test_few_windows_are_all_centers() -> None:
    assert len(fit_model(table_of_songs(3, 4), SPEC, Hyperparameters()).support_vectors) == 12


@pytest.mark.parametrize("copies", [1, 5])
def test_the_live_kernel_agrees_also_where_the_centers_nearly_coincide(table: WindowTable, copies: int) -> None:
    """Windows that are there several times, hardly a penalty, labels that do not follow from them."""
    random = np.random.default_rng(0)
    near = np.repeat(table.features[::copies], copies, axis=0)[:120] + 1e-4 * random.standard_normal((120, 264))
    hard = replace(table, features=near.astype(np.float32), labels=random.uniform(-1, 1, (120, 2)))
    model = fit_model(hard, SPEC, replace(CONDENSED, gamma=1e-5, centers=120, alpha=1e-6))
    exact = predicted_by_sklearn(model, hard)  # in float64
    np.testing.assert_allclose(model.predict(hard.features), exact, atol=1.5e-4)
    assert abs(exact).max() < 2

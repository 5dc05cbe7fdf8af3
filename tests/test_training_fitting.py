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

from emodj_live import DatasetError, EmodjError, EmotionModel
from emodj_live.training import Hyperparameters, WindowTable, export_sklearn, fit_model, fitting, to_sklearn

SPEC = small_spec()
DIFFERENT = Hyperparameters(gamma=1 / 500, cost=(0.7, 3.0), epsilon=(0.05, 0.2))


@pytest.fixture(scope="module")
def table() -> WindowTable:
    return table_of_songs(12, 10, learnable=True)


@pytest.fixture(scope="module")
def model(table: WindowTable) -> EmotionModel:
    return fit_model(table, SPEC, DIFFERENT, stride=2)


def test_model_is_what_scikit_learn_fits(table: WindowTable, model: EmotionModel) -> None:
    rows = np.concatenate([np.arange(clip, clip + 10)[::2] for clip in range(0, 120, 10)])
    scaler = StandardScaler().fit(table.features[rows].astype(float))
    for axis in (0, 1):
        reference = SVR(gamma=1 / 500, C=DIFFERENT.cost[axis], epsilon=DIFFERENT.epsilon[axis])
        reference.fit(scaler.transform(table.features[rows].astype(float)), table.labels[rows, axis])
        expected = reference.predict(scaler.transform(table.features.astype(float)))
        np.testing.assert_allclose(model.predict(table.features)[:, axis], expected, atol=1e-4)


def test_scikit_learn_can_be_had_back(table: WindowTable, model: EmotionModel) -> None:
    scaled = (table.features - model.mean) / model.std
    regressors = to_sklearn(model)
    assert [type(one) for one in regressors] == [SVR, SVR]
    rebuilt = np.stack([one.predict(scaled) for one in regressors], axis=1)
    np.testing.assert_allclose(rebuilt, model.predict(table.features), atol=1e-4)
    assert rebuilt.std() > 0.05
    assert len(regressors[0].support_) == np.count_nonzero(model.coefficients[:, 0])


def test_an_axis_without_support_vectors_can_be_had_back(table: WindowTable) -> None:
    model = fit_model(table, SPEC, replace(DIFFERENT, epsilon=(2.0, 0.1)))
    scaled = (table.features - model.mean) / model.std
    assert not model.coefficients[:, 0].any()
    rebuilt = np.stack([one.predict(scaled) for one in to_sklearn(model)], axis=1)
    np.testing.assert_allclose(rebuilt, model.predict(table.features), atol=1e-4)


def test_export(tmp_path: Path, table: WindowTable, model: EmotionModel) -> None:
    known = {"C": {"valence": 0.7, "arousal": 3.0}, "epsilon": {"valence": 0.05, "arousal": 0.2}}
    model = replace(model, provenance={"hyperparameters": known})
    files = export_sklearn(model, tmp_path / "new" / "folder")
    assert [file.name for file in files] == ["valence.joblib", "arousal.joblib", "mean.joblib", "std.joblib"]
    valence, arousal, mean, std = (joblib.load(file) for file in files)
    predicted = np.stack([one.predict((table.features - mean) / std) for one in (valence, arousal)], axis=1)
    np.testing.assert_allclose(predicted, model.predict(table.features), atol=1e-4)
    assert (arousal.C, arousal.epsilon, arousal.gamma) == (3.0, 0.2, 1 / 500)


def test_export_that_cannot_be_written_is_one_sentence(tmp_path: Path, model: EmotionModel) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmodjError, match="cannot be written"):
        export_sklearn(model, tmp_path / "file")


@pytest.mark.slow
def test_fitting_again_gives_the_same_numbers_also_in_workers(table: WindowTable, model: EmotionModel) -> None:
    for jobs in (1, 2):
        again = fit_model(table, SPEC, DIFFERENT, stride=2, jobs=jobs)
        for name in ("mean", "std", "support_vectors", "coefficients", "intercepts"):
            np.testing.assert_array_equal(getattr(again, name), getattr(model, name))


def test_constant_features_are_left_alone(table: WindowTable) -> None:
    features = table.features.copy()
    features[:, 7] = 1e4 + 0.1
    mean, std = fitting.fit_scaler(features)
    assert std[7] == 1
    assert mean[7] == pytest.approx(1e4 + 0.1, rel=1e-6)
    assert np.isfinite(fit_model(replace(table, features=features), SPEC, DIFFERENT).predict(features)).all()


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


def test_labels_without_any_spread_cannot_be_learned(table: WindowTable) -> None:
    model = fit_model(replace(table, labels=np.full((120, 2), 0.3)), SPEC, Hyperparameters())
    with pytest.raises(DatasetError, match="nothing can be learned"):
        fitting.check_learned(model)

"""What a model card and the terminal say about scores, and the pictures of them."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from rich.console import Console
from test_training_helpers import table_of_songs

from emodj_live import Calibration, EmodjError, EmotionModel, Quadrant
from emodj_live.model_file import MAX_HEADER_BYTES
from emodj_live.training import WindowTable, card, plots, report, score_grids
from emodj_live.training.evaluation import constant_errors, evaluate, fold_spread, pooled_calibration
from emodj_live.training.song_table import song_rows

CALIBRATION = Calibration((0.3, 0.2), np.linspace([-1, -1], [1, 1], 101))


def some_table(n_songs: int = 40, seed: int = 0) -> tuple[WindowTable, np.ndarray]:
    """Make up songs with labels, and predictions that are near them."""
    random = np.random.default_rng(seed)
    table = table_of_songs(n_songs, 10, seed=seed)
    return table, table.labels + 0.3 * np.repeat(random.standard_normal((n_songs, 2)), 10, axis=0)


def scored(name: str, n_songs: int = 40, *, seed: int = 0, quadrants_alone: bool = False) -> dict[str, Any]:
    """Return what the provenance says about one data set."""
    table, predictions = some_table(n_songs, seed)
    if quadrants_alone:
        songs = (replace(song, quadrant=Quadrant.SAD, is_graded=False) for song in table.songs)
        table = replace(table, songs=tuple(songs))
    scores = evaluate(table, predictions, calibration=CALIBRATION)
    constant = constant_errors(table, np.zeros_like(predictions))
    spread = fold_spread(table, predictions, table.clips % 4)
    return {"dataset": name, "scores": scores.as_json(), "constant": constant, "spread": spread}


def provenance(*sets: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole provenance, as the trainer writes it."""
    table, predictions = some_table(30, 5)
    brief = evaluate(table, predictions).brief()
    pooled = pooled_calibration([(table, predictions)], CALIBRATION)
    assert pooled
    dataset = {
        "folder": "4q-600",
        "title": "The 4Q set",
        "labels": "Experts.",
        "licence": "Research only.",
        "limits": ["Previews."],
        "songs": 40,
        "windows": 400,
        "minutes": 3.3,
        "left_out": {"empty cells": 2},
        "scale": [0.8, 1.3],
        "offset": [0.0, 0.05],
        "weight": 0.5,
    }
    return {
        "command": "emodj-train 4q-600",
        "date": "2026-11-23",
        "datasets": [dataset, dataset | {"folder": "plain", "scale": [1, 1], "offset": [0, 0], "weight": 1}],
        "training_windows": 200,
        "versions": {"python": "3.11"},
        "hyperparameters": {
            "estimator": "condensed",
            "gamma": 0.5,
            "centers": 40,
            "alpha": 1.0,
            "context": 4.0,
            "context_weight": 0.5,
            "timbre_weight": 0.25,
            "stride": 3,
            "tuned": False,
        },
        "protocols": {
            "song": {
                "folds": 5,
                "groups": 33,
                "choice": "Given.",
                "sets": list(sets),
                "calibration": pooled.as_json(),
                "emodj": [{"dataset": each["dataset"], "scores": brief} for each in sets],
                "cross": [{"trained_on": ["4q-600", "piano"], "tried_on": "emotify-400", "scores": brief}],
            }
        },
    }


def with_context(model: EmotionModel) -> EmotionModel:
    """Return a model that has a context; its numbers mean nothing."""
    spec = replace(model.spec, context=4.0)
    more = spec.n_features - model.spec.n_features
    return replace(
        model,
        spec=spec,
        mean=np.append(model.mean, np.zeros(more)),
        std=np.append(model.std, np.ones(more)),
        support_vectors=np.hstack([model.support_vectors, np.zeros((len(model.support_vectors), more), np.float32)]),
        calibration=CALIBRATION,
    )


def joined(text: str) -> str:
    return " ".join(text.split())


def test_card_has_every_figure(model: EmotionModel) -> None:
    known = scored("4q-600")
    text = card.markdown(replace(with_context(model), provenance=provenance(known, scored("six", 6, seed=3))))
    scores, spread = known["scores"], known["spread"]
    headline = next(line for line in text.splitlines() if line.startswith("| 4q-600 | 40 |"))
    assert f"{scores['auc']['valence']:.3f} ± {spread['auc']['valence']:.3f}" in headline
    assert f"{scores['quadrants']['right']:.3f} ± {spread['quadrants']:.3f} ({scores['quadrants']['chance']:.3f})" in (
        headline
    )
    assert f"{scores['song']['arousal']['r2']:.3f} ± {spread['r2']['arousal']:.3f}" in headline
    mae, constant = scores["song"]["valence"]["mae"], known["constant"]["song"]["valence"]["mae"]
    assert f"{mae:.3f} ({constant:.3f})" in text
    assert mae != constant
    assert f"| truly happy | {' | '.join(map(str, scores['quadrants']['table'][0]))} |" in text
    assert f"{scores['together']['predicted']:+.2f}; between those of the labels" in text
    assert f"{100 * scores['spread']['arousal']:.0f} % (arousal)" in text
    said, right = scores["calibration"]["bins"][4]
    assert f"{said:.2f}: {right:.2f}" in text
    assert f"{scores['calibration']['error']:.3f}" in text
    assert "| all together | " in text


def test_card_shows_what_the_context_brings_and_other_sets(model: EmotionModel) -> None:
    text = joined(card.markdown(replace(with_context(model), provenance=provenance(scored("4q-600")))))
    assert "| 4q-600 | this model, with a context of 4 s | 40 |" in text
    assert "| 4q-600 | EmoDJ's shape | 30 |" in text
    assert "| 4q-600 + piano | emotify-400 | 30 |" in text
    given = provenance(scored("4q-600"))
    given["protocols"]["song"] |= {"emodj": None, "cross": None}
    text = card.markdown(replace(with_context(model), provenance=given))
    assert "What the context brings" not in text
    assert "tried on another" not in text


def test_card_says_what_was_done_to_labels_and_what_the_model_is(model: EmotionModel) -> None:
    text = joined(card.markdown(replace(with_context(model), provenance=provenance(scored("4q-600")))))
    assert text.count("Labels as used: valence times 0.8 plus 0, arousal times 1.3 plus 0.05.") == 1
    assert text.count("Labels as used") == 1  # the other set's are as they were
    assert text.count("Weight of each of its windows in training: 0.5.") == 1
    assert "72 statistics" in text
    assert "over 40 centers" in text
    assert "alpha = 1" in text
    assert "hears the last 4 s" in text
    assert "0.20 (arousal) and 0.30 (valence)" in text
    assert "Previews." in text
    given = provenance(scored("4q-600"))
    given["hyperparameters"] = {
        "estimator": "svr",
        "gamma": 0.5,
        "C": {"valence": 1.0, "arousal": 3.0},
        "context": 0.0,
        "epsilon": {"valence": 0.1, "arousal": 0.2},
        "context_weight": 0.5,
        "stride": 1,
        "tuned": False,
    }
    text = joined(card.markdown(replace(model, provenance=given)))
    assert "Two support vector regressors share one RBF kernel and 40 support vectors" in text
    assert "C = 3 and epsilon = 0.2 for arousal" in text
    assert "hears half a second" in text
    for absent in ("statistics", "Certainty takes", "Certainty was measured"):
        assert absent not in text


def test_card_without_scores(model: EmotionModel) -> None:
    given = provenance(scored("4q-600"))
    given["protocols"]["song"] = None
    assert "a single group of songs cannot be split" in card.markdown(replace(model, provenance=given))


def test_quadrants_alone_have_no_table_of_values(model: EmotionModel) -> None:
    text = card.markdown(replace(model, provenance=provenance(scored("emopia", quadrants_alone=True))))
    assert "nothing to compare values with" in text
    assert "| song mean |" not in text
    assert not re.search(r"\b(nan|none)\b", text.lower())


def test_too_few_songs_are_said_to_be_too_few(model: EmotionModel) -> None:
    warning = "6 songs are too few: read these figures as a check that nothing is broken."
    assert score_grids.warnings(scored("six", 6)["scores"]) == [warning]
    assert f"**six**: {warning}" in card.markdown(replace(model, provenance=provenance(scored("six", 6))))
    assert score_grids.warnings(scored("one", 1)["scores"])[0].startswith("1 song is too few")
    assert score_grids.warnings(scored("many", 30)["scores"]) == []
    mixed = scored("mixed")["scores"] | {"songs": {"all": 40, "graded": 12, "judged": 35}}
    assert score_grids.warnings(mixed) == [
        "Only 12 songs have values as labels: read the figures from these as a check that nothing is broken."
    ]


def test_scores_of_three_sets_fit_into_a_models_header() -> None:
    given = provenance(*(scored(name, 600, seed=seed) for seed, name in enumerate(("4q-600", "emotify-400", "piano"))))
    given["protocols"]["song"]["cross"] *= 6
    assert len(json.dumps(given["protocols"])) < MAX_HEADER_BYTES / 4


def test_the_terminal_shows_the_same(model: EmotionModel, tmp_path: Path) -> None:
    known = scored("4q-600")
    model = replace(with_context(model), provenance=provenance(known, scored("six", 6)))
    model.save(tmp_path / "m.npz")
    screen = io.StringIO()
    console = Console(file=screen, width=140)
    report.print_scores(model, tmp_path / "m.npz", tmp_path / "m.md", console)
    said = screen.getvalue()
    assert f"{known['scores']['auc']['valence']:.3f} ± {known['spread']['auc']['valence']:.3f}" in said
    assert "5 folds over 33 groups of songs" in said
    assert "all together" in said
    assert "six: 6 songs are too few" in joined(said)
    assert "…" not in said  # nothing is cut off


# --- pictures --------------------------------------------------------------------------------------------------------


def drawn(path: Path) -> np.ndarray:
    """Return the picture in a file, which must not be empty."""
    picture = imread(path)
    assert picture.shape[0] > 300
    assert picture.shape[1] > 300
    assert len(np.unique(picture[..., :3].reshape(-1, 3), axis=0)) > 10
    return picture[..., :3]


def has_color(picture: np.ndarray, color: str) -> int:
    """Return how many pixels have a color."""
    wanted = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return int((abs(picture - wanted).max(axis=2) < 0.02).sum())


@pytest.mark.slow
def test_pictures_of_a_set(tmp_path: Path) -> None:
    table, predictions = some_table()
    scores = evaluate(table, predictions).as_json()
    paths = plots.plot_set(tmp_path, "my set/1 $x_", song_rows(table, predictions), scores)
    assert [path.name for path in paths] == ["my-set-1-x_-scatter.png", "my-set-1-x_-confusion.png"]
    scatter, _ = map(drawn, paths)
    assert scatter.shape[1] > 2 * scatter.shape[0]  # three panels
    for quadrant in Quadrant:
        assert has_color(scatter, quadrant.color) > 50


def test_songs_without_values_are_in_the_plane_alone(tmp_path: Path) -> None:
    table, predictions = some_table()
    songs = tuple(replace(song, quadrant=Quadrant.TENSE, is_graded=False) for song in table.songs)
    table = replace(table, songs=songs)
    scores = evaluate(table, predictions).as_json()
    scatter = drawn(plots.plot_set(tmp_path, "q", song_rows(table, predictions), scores)[0])
    assert scatter.shape[1] < scatter.shape[0]
    assert has_color(scatter, Quadrant.TENSE.color) > 20 * has_color(scatter, Quadrant.CALM.color) / 40


@pytest.mark.slow
def test_picture_of_calibration(tmp_path: Path) -> None:
    known = scored("4q-600")["scores"]["calibration"]
    plots.plot_calibration(tmp_path / "one.png", {"_$\\x{$": known, "without": None})
    plots.plot_calibration(tmp_path / "two.png", {"4q-600": known, "piano": known | {"bins": [[0.1, 0.9], [0.9, 0.1]]}})
    one, two = (drawn(tmp_path / name) for name in ("one.png", "two.png"))
    assert has_color(one, "#1f77b4") > 100
    assert has_color(one, "#ff7f0e") == 0
    plots.plot_calibration(tmp_path / "same.png", {"plain": known})
    assert has_color(drawn(tmp_path / "same.png"), "#1f77b4") == has_color(one, "#1f77b4")  # the legend is there too
    assert has_color(two, "#ff7f0e") > 100


@pytest.mark.slow
def test_picture_of_a_learning_curve(tmp_path: Path) -> None:
    briefs = {groups: evaluate(*some_table(groups)).brief() for groups in (20, 40)}
    briefs[20]["r"]["valence"] = None  # not defined, so not drawn
    points = [{"groups": groups, "scores": {"4q-600": brief, "piano": brief}} for groups, brief in briefs.items()]
    plots.plot_learning_curve(tmp_path / "curve.png", points)
    assert has_color(drawn(tmp_path / "curve.png"), "#ff7f0e") > 100


def test_a_picture_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmodjError, match="cannot be written"):
        plots.plot_calibration(tmp_path / "nowhere" / "x.png", {})
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(EmodjError, match=r"needs matplotlib.*emodj-live\[plot\]"):
        plots.plot_calibration(tmp_path / "x.png", {})


@pytest.mark.parametrize(("songs", "error"), [(6, "0.12"), (30, "0.123")])
def test_the_error_of_certainty_from_a_few_songs_has_two_decimals(songs: int, error: str) -> None:
    known = {"songs": songs, "said": 0.5, "right": 0.5, "error": 0.1234, "bins": [(0.5, 0.5)]}
    assert score_grids.calibration([("set", known)]).rows[0][-1] == error

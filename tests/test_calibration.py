"""Certainty and ranks: the formulas, the words, what a tracker says before any sound, and tables from strangers."""

import json
import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from test_model import Forgery

from emodj_live import Calibration, EmotionModel, EmotionTracker, ModelError, Profiler, Quadrant, load_model
from emodj_live.calibration import calibration_of
from emodj_live.emotion import mood

EVEN = np.stack([np.linspace(-0.5, 0.5, 101), np.linspace(-0.2, 0.8, 101)], axis=1)
KNOWN = Calibration((0.3, 0.2), EVEN)


# ------------------------------------------------------------------------------------------------------------ certainty


@pytest.mark.parametrize("quadrant", Quadrant)
@pytest.mark.parametrize("point", [(0.0, 0.0), (0.2, 0.1), (-0.3, 0.05), (0.01, -0.4), (-0.6, -0.9), (1.0, 1.0)])
def test_certainty_is_the_product_of_two_chances(point, quadrant):
    chances = [
        NormalDist(0, deviation).cdf(value) if is_positive else 1 - NormalDist(0, deviation).cdf(value)
        for value, deviation, is_positive in zip(point, KNOWN.deviations, quadrant.signs, strict=True)
    ]
    assert KNOWN.certainty(*point, quadrant) == pytest.approx(math.prod(chances), abs=1e-12)


@pytest.mark.parametrize("quadrant", Quadrant)
def test_nothing_is_certain_at_the_origin(quadrant):
    assert KNOWN.certainty(0.0, 0.0, quadrant) == 0.25


@pytest.mark.parametrize("point", [(0.2, 0.1), (-0.3, 0.05), (0.01, -0.4)])
def test_the_four_add_up_to_one(point):
    assert sum(KNOWN.certainty(*point, quadrant) for quadrant in Quadrant) == pytest.approx(1)


def test_hysteresis_makes_a_name_less_certain_than_chance():
    assert KNOWN.certainty(-0.04, 0.0, Quadrant.HAPPY) < 0.25


def test_what_it_says_comes_true_as_often():
    """Truths scattered around predictions by the deviations: of what it says 0.6 about, 60 % is right."""
    random = np.random.default_rng(0)
    predicted = random.uniform(-0.5, 0.5, (20_000, 2))
    truth = predicted + random.standard_normal(predicted.shape) * KNOWN.deviations
    names = [Quadrant.of(*point) for point in predicted]
    said = np.array([KNOWN.certainty(*point, name) for point, name in zip(predicted, names, strict=True)])
    right = np.array([Quadrant.of(*point) is name for point, name in zip(truth, names, strict=True)])
    for some in np.array_split(np.argsort(said), 5):
        assert said[some].mean() == pytest.approx(right[some].mean(), abs=0.03)


# ---------------------------------------------------------------------------------------------------------------- ranks


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((-0.5, -0.2), (0, 0)),
        ((0.0, 0.3), (0.5, 0.5)),
        ((0.5, 0.8), (1, 1)),
        ((0.255, 0.055), (0.755, 0.255)),  # between two quantiles
        ((-1.0, 1.0), (0, 1)),
        ((1.0, -1.0), (1, 0)),
    ],
)
def test_ranks_are_interpolated(point, expected):
    assert KNOWN.ranks(*point) == pytest.approx(expected)
    assert all(type(rank) is float for rank in KNOWN.ranks(*point))


def test_ranks_of_the_music_itself_are_even():
    values = np.random.default_rng(1).normal(0.05, 0.1, (5000, 2))
    known = Calibration((0.3, 0.2), np.quantile(values, np.linspace(0, 1, 101), axis=0))
    ranks = np.array([known.ranks(*point) for point in values])
    np.testing.assert_allclose(
        np.quantile(ranks, [0.1, 0.5, 0.9], axis=0), [[0.1] * 2, [0.5] * 2, [0.9] * 2], atol=0.01
    )


def test_equal_quantiles_are_no_problem():
    known = Calibration((0.3, 0.2), np.zeros((101, 2)))
    assert known.ranks(-0.1, 0.1) == (0, 1)
    assert all(0 <= rank <= 1 for rank in known.ranks(0.0, 0.0))


# --------------------------------------------------------------------------------------------------------- construction


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"deviations": (0.0, 0.2)}, "deviations must be two numbers from"),
        ({"deviations": (-0.3, 0.2)}, "deviations must be two numbers from"),
        ({"deviations": (math.nan, 0.2)}, "deviations must be two numbers from"),
        ({"deviations": (math.inf, 0.2)}, "deviations must be two numbers from"),
        ({"deviations": (0.3,)}, "deviations must be two numbers from"),
        ({"quantiles": EVEN[:-1]}, r"quantiles must have shape \(101, 2\), got \(100, 2\)"),
        ({"quantiles": EVEN.T}, r"quantiles must have shape \(101, 2\)"),
        ({"quantiles": EVEN[::-1]}, "quantiles must ascend"),
        ({"quantiles": 3 * EVEN}, r"within \[-1, 1\]"),
        ({"quantiles": EVEN * np.nan}, r"within \[-1, 1\]"),
    ],
)
def test_constructor_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(KNOWN, **changes)


def test_parameters_and_back():
    again = Calibration.from_parameters(json.loads(json.dumps(KNOWN.parameters())))
    assert again.deviations == KNOWN.deviations
    np.testing.assert_array_equal(again.quantiles, KNOWN.quantiles)


def test_the_caller_keeps_its_array():
    quantiles = EVEN.copy()
    known = Calibration((0.3, 0.2), quantiles)
    quantiles[:] = 0
    assert known.ranks(0.0, 0.3) == pytest.approx((0.5, 0.5))


# ---------------------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("certainty", "words"),
    [
        (None, "sad"),
        (1.0, "sad"),
        (0.5, "sad"),
        (0.4999, "rather sad"),
        (0.35, "rather sad"),
        (0.3499, "perhaps sad"),
        (0.25, "perhaps sad"),
        (0.0, "perhaps sad"),
    ],
)
def test_words_follow_the_certainty(certainty, words):
    assert mood(Quadrant.SAD, certainty) == words


# -------------------------------------------------------------------------------------------------------- the live path


@pytest.fixture(scope="module")
def silence():
    return np.zeros(3 * 11025, np.float32)


def test_before_any_sound(context_model, silence):
    rank_of_nothing = context_model.calibration.ranks(0.0, 0.0)
    for emotion in EmotionTracker(context_model).process(silence):
        assert emotion.certainty == 0.25
        assert (emotion.valence_rank, emotion.arousal_rank) == rank_of_nothing
        assert emotion.mood == f"perhaps {emotion.quadrant}"


def test_a_tracker_says_what_the_table_says(context_model, music):
    known, emotions = context_model.calibration, EmotionTracker(context_model).process(music(10.0, 4))
    for emotion in emotions:
        assert emotion.certainty == known.certainty(emotion.valence, emotion.arousal, emotion.quadrant)
        assert (emotion.valence_rank, emotion.arousal_rank) == known.ranks(emotion.valence, emotion.arousal)
        assert emotion.mood == mood(emotion.quadrant, emotion.certainty)
    assert len({emotion.mood for emotion in emotions}) > 1
    assert all(type(value) is float for e in emotions for value in (e.certainty, e.valence_rank, e.arousal_rank))


def test_a_model_without_the_table_does_not_know(model, music, silence):
    for emotion in EmotionTracker(model).process(np.concatenate([silence, music(3.0)])):
        assert (emotion.certainty, emotion.valence_rank, emotion.arousal_rank) == (None, None, None)
        assert emotion.mood == emotion.quadrant.value
        assert "null" in json.dumps(emotion.as_dict())


def test_a_model_of_another_kind_may_know(context_model):
    assert calibration_of(context_model) is context_model.calibration
    assert calibration_of(object()) is None


def test_a_profile_is_judged_by_its_means(context_model, music):
    known, profiler = context_model.calibration, Profiler(calibration=context_model.calibration)
    EmotionTracker(context_model).run([music(10.0, 4)], profiler)
    profile = profiler.profile()
    assert profile.certainty == known.certainty(profile.valence, profile.arousal, profile.quadrant)
    assert (profile.valence_rank, profile.arousal_rank) == known.ranks(profile.valence, profile.arousal)
    assert profile.mood == mood(profile.quadrant, profile.certainty)


def test_a_profile_without_the_table(model, music):
    profiler = Profiler()
    EmotionTracker(model).run([music(3.0)], profiler)
    profile = profiler.profile()
    assert (profile.certainty, profile.valence_rank, profile.arousal_rank) == (None, None, None)
    assert profile.mood == profile.quadrant.value


# ------------------------------------------------------------------------------------------------------- the model file


@pytest.fixture
def context_path(context_model, tmp_path):
    path = tmp_path / "context.npz"
    context_model.save(path)
    return path


def test_round_trip(context_model, context_path, music):
    loaded = EmotionModel.load(context_path)
    assert loaded.calibration.deviations == context_model.calibration.deviations
    np.testing.assert_array_equal(loaded.calibration.quantiles, context_model.calibration.quantiles)
    assert loaded.spec.parameters() == context_model.spec.parameters()
    audio = music(6.0, 2)
    assert EmotionTracker(load_model(context_path)).process(audio) == EmotionTracker(context_model).process(audio)


def test_round_trip_without(model_path):
    assert EmotionModel.load(model_path).calibration is None


def in_quantiles(value, position=50):
    def forge(calibration):
        calibration["quantiles"]["valence"][position] = value

    return forge


def deviation(value):
    return lambda calibration: calibration["deviations"].update(arousal=value)


ONE_LINE = "calibration|deviations|quantiles"
DAMAGED = {
    "NaN deviation": deviation(math.nan),
    "infinite deviation": deviation(math.inf),
    "text for a deviation": deviation("0.2"),
    "true for a deviation": deviation(True),
    "null for a deviation": deviation(None),
    "list for a deviation": deviation([0.2]),
    "no deviation": deviation(0),
    "huge deviation": deviation(1e300),
    "huge integer": deviation(10**400),
    "one deviation": lambda c: c["deviations"].pop("valence"),
    "three deviations": lambda c: c["deviations"].update(dominance=0.3),
    "list of deviations": lambda c: c.update(deviations=[0.3, 0.2]),
    "NaN quantile": in_quantiles(math.nan),
    "infinite quantile": in_quantiles(-math.inf, 0),
    "text for a quantile": in_quantiles("0.0"),
    "true for a quantile": in_quantiles(True, 100),
    "null for a quantile": in_quantiles(None),
    "list for a quantile": in_quantiles([0.1]),
    "quantile out of range": in_quantiles(1.5, 100),
    "huge quantile": in_quantiles(10**400, 100),
    "descending quantiles": lambda c: c["quantiles"]["arousal"].reverse(),
    "too few quantiles": lambda c: c["quantiles"]["valence"].pop(),
    "too many quantiles": lambda c: c["quantiles"]["valence"].append(1.0),
    "no quantiles": lambda c: c["quantiles"].update(valence=[]),
    "a number for quantiles": lambda c: c["quantiles"].update(valence=0.5),
    "an object for quantiles": lambda c: c["quantiles"].update(valence={"0": 0.5}),
    "quantiles of one axis": lambda c: c["quantiles"].pop("arousal"),
    "text for quantiles": lambda c: c.update(quantiles="valence arousal"),
    "something more": lambda c: c.update(more=1),
    "nothing": lambda c: c.clear(),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_table_is_one_sentence(damage, context_path, tmp_path):
    forgery = Forgery(context_path)
    DAMAGED[damage](forgery.header["parameters"]["calibration"])
    path = tmp_path / "damaged.npz"
    forgery.write(path)
    with pytest.raises(ModelError, match=ONE_LINE) as caught:
        EmotionModel.load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: is not a usable model file: ")
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < len(str(path)) + 200


@pytest.mark.parametrize("table", [[], "text", 5, True, 0, ""])
def test_table_that_is_no_object(table, context_path, tmp_path):
    forgery = Forgery(context_path)
    forgery.header["parameters"]["calibration"] = table
    forgery.write(tmp_path / "damaged.npz")
    with pytest.raises(ModelError, match="its spec and its calibration must be JSON objects"):
        EmotionModel.load(tmp_path / "damaged.npz")


def test_a_file_of_version_2_loads(model, model_path, tmp_path, music):
    """It had neither a context nor a calibration, and says nothing of either."""
    forgery = Forgery(model_path)
    forgery.header["format_version"] = 2
    del forgery.header["parameters"]["spec"]["context"], forgery.header["parameters"]["calibration"]
    forgery.write(tmp_path / "old.npz")
    old = EmotionModel.load(tmp_path / "old.npz")
    assert old.spec.context == 0
    assert old.calibration is None
    assert EmotionTracker(old).process(music(3.0)) == EmotionTracker(model).process(music(3.0))


@pytest.mark.parametrize("missing", ["context", "calibration"])
def test_a_file_of_version_3_must_be_complete(missing, context_path, tmp_path):
    forgery = Forgery(context_path)
    parameters = forgery.header["parameters"]
    del (parameters["spec"] if missing == "context" else parameters)[missing]
    forgery.write(tmp_path / "part.npz")
    with pytest.raises(ModelError, match=f"must (be|have) exactly .*{missing}"):
        EmotionModel.load(tmp_path / "part.npz")

"""Values: where the quadrants end, and an emotion that nobody can change."""

import dataclasses
import json
import pickle

import pytest

from emodj_live import Emotion, Quadrant, color_of

TINY = 5e-324
EMOTION = Emotion(
    time=0.5,
    valence=0.1,
    arousal=-0.2,
    raw_valence=0.3,
    raw_arousal=-0.4,
    quadrant=Quadrant.CALM,
    level=-20.0,
    gain=0.0,
    is_silent=False,
    is_clipped=True,
)


@pytest.mark.parametrize(
    ("valence", "arousal", "name"),
    [
        (0.5, 0.5, "HAPPY"),
        (-0.5, 0.5, "TENSE"),
        (-0.5, -0.5, "SAD"),
        (0.5, -0.5, "CALM"),
        # the four half-axes, just beside them, and the origin
        (0.5, 0.0, "CALM"),
        (0.5, TINY, "HAPPY"),
        (0.5, -TINY, "CALM"),
        (-0.5, 0.0, "TENSE"),
        (-0.5, TINY, "TENSE"),
        (-0.5, -TINY, "SAD"),
        (0.0, 0.5, "HAPPY"),
        (TINY, 0.5, "HAPPY"),
        (-TINY, 0.5, "TENSE"),
        (0.0, -0.5, "SAD"),
        (TINY, -0.5, "CALM"),
        (-TINY, -0.5, "SAD"),
        (0.0, 0.0, "CALM"),
        (-0.0, 0.5, "HAPPY"),
        (-0.5, -0.0, "TENSE"),
        (-0.0, -0.0, "CALM"),
        (1.0, 1.0, "HAPPY"),
        (-1.0, -1.0, "SAD"),
    ],
)
def test_quadrant_of_borders(valence, arousal, name):
    assert Quadrant.of(valence, arousal) is Quadrant[name]


def test_quadrants_are_emodjs_four():
    assert {quadrant.name: quadrant.value for quadrant in Quadrant} == {
        "HAPPY": "happy",
        "TENSE": "tense",
        "SAD": "sad",
        "CALM": "calm",
    }


def test_emotion_has_the_fields_of_the_design_in_its_order():
    assert [field.name for field in dataclasses.fields(Emotion)] == [
        "time",
        "valence",
        "arousal",
        "raw_valence",
        "raw_arousal",
        "quadrant",
        "level",
        "gain",
        "is_silent",
        "is_clipped",
        "certainty",
        "valence_rank",
        "arousal_rank",
    ]


def test_emotion_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        EMOTION.valence = 1.0
    with pytest.raises((AttributeError, TypeError)):  # slots: which of the two depends on the Python
        EMOTION.mood = 1.0
    assert not hasattr(EMOTION, "__dict__")


def test_emotion_is_a_value():
    same = dataclasses.replace(EMOTION)
    assert same == EMOTION
    assert hash(same) == hash(EMOTION)
    assert dataclasses.replace(EMOTION, time=1.0) != EMOTION
    assert pickle.loads(pickle.dumps(EMOTION)) == EMOTION  # noqa: S301


def test_emotion_becomes_json():
    values = dataclasses.asdict(EMOTION) | {"quadrant": EMOTION.quadrant.value}
    assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_as_plain_values():
    found = EMOTION.as_dict()
    assert found == {**dataclasses.asdict(EMOTION), "quadrant": "calm"}
    assert list(found) == [field.name for field in dataclasses.fields(Emotion)]
    assert json.loads(json.dumps(found)) == found


def test_each_quadrant_has_the_color_of_its_middle():
    middles = {"happy": (0.5, 0.5), "tense": (-0.5, 0.5), "sad": (-0.5, -0.5), "calm": (0.5, -0.5)}
    assert {quadrant.value: quadrant.color for quadrant in Quadrant} == {
        name: color_of(*middle) for name, middle in middles.items()
    }


def test_an_emotion_has_the_color_of_its_place():
    assert EMOTION.color == color_of(EMOTION.valence, EMOTION.arousal)


def test_readable_line_names_the_mood():
    assert str(EMOTION) == " 0:00.5  valence +0.10  arousal -0.20  calm            -20.0 dBFS  clipped"
    unsure = dataclasses.replace(EMOTION, certainty=0.3, is_clipped=False)
    assert str(unsure) == " 0:00.5  valence +0.10  arousal -0.20  perhaps calm    -20.0 dBFS"


def test_columns_do_not_move_with_the_words():
    lines = [
        str(dataclasses.replace(EMOTION, quadrant=quadrant, certainty=certainty))
        for quadrant in Quadrant
        for certainty in (None, 0.1, 0.4, 0.9)
    ]
    assert {line.index("dBFS") for line in lines} == {
        len(" 0:00.5  valence +0.10  arousal -0.20  perhaps happy   -20.0 ")
    }


def test_quadrants_know_their_signs():
    for quadrant in Quadrant:
        valence, arousal = (1 if is_positive else -1 for is_positive in quadrant.signs)
        assert Quadrant.of(valence, arousal) is quadrant

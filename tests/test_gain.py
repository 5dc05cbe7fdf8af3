"""Automatic gain: on its own, and in the tracker."""

from itertools import pairwise

import numpy as np
import pytest

from emodj_live import EmotionTracker
from emodj_live.gain import HIGHEST, LOWEST, AutomaticGain

REFERENCE = -20.0
STEP = 0.5


def after(levels, step=STEP, silent=None):
    """Return the gain for each of the levels."""
    gain = AutomaticGain(REFERENCE, step)
    silent = silent or [False] * len(levels)
    return [gain.update(level, is_silent=is_silent) for level, is_silent in zip(levels, silent, strict=True)]


def music_levels(seconds, level=-20.0, step=STEP, seed=0):
    """Return levels that wander around one as those of music do."""
    return level + np.random.default_rng(seed).normal(scale=4, size=round(seconds / step))


# ----------------------------------------------------------------------------------------------------------- on its own


@pytest.mark.parametrize("level", [-50.0, -40.0, -20.0, -10.0, 0.0])
def test_steady_level_is_brought_to_the_reference(level):
    expected = min(HIGHEST, max(LOWEST, REFERENCE - level))
    assert after([level] * 200) == pytest.approx([expected] * 200)


def test_stays_within_bounds():
    levels = np.random.default_rng(0).uniform(-120, 0, 5000)
    assert (LOWEST, HIGHEST) == (-10.0, 30.0)
    assert all(LOWEST <= gain <= HIGHEST for gain in after(levels))
    assert after([-120.0]) == [HIGHEST]
    assert after([3.0]) == [LOWEST]


def test_nothing_heard_is_no_gain():
    assert after([-90.0] * 100, silent=[True] * 100) == [0.0] * 100


def test_silence_freezes_it():
    gains = after([-35.0] * 20 + [-90.0] * 1000 + [-35.0], silent=[False] * 20 + [True] * 1000 + [False])
    assert gains[20:1020] == [gains[19]] * 1000
    assert gains[-1] == pytest.approx(gains[19])


def test_is_faster_at_the_beginning():
    def moved(quiet_for):
        gains = after([-40.0] * round(quiet_for / STEP) + [-20.0] * 10)
        return gains[-11] - gains[-1]

    assert moved(2) > 10
    assert moved(2) > 2 * moved(20) > 4 * moved(200) / 2 > 0


def test_follows_another_program_in_a_few_minutes():
    gains = after([-40.0] * 600 + [-20.0] * 400)
    assert gains[599] == pytest.approx(20)
    assert gains[-1] == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("section", [-10.0, 10.0])
@pytest.mark.parametrize("seed", range(5))
def test_does_not_pump(section, seed):
    levels = music_levels(60, seed=seed)
    gains = after(np.concatenate([levels[:60], levels[60:80] + section]))  # 10 s after half a minute
    assert abs(gains[79] - gains[59]) < 3
    assert max(abs(b - a) for a, b in pairwise(gains[59:])) < 0.6


@pytest.mark.parametrize("step", [0.05, 0.1, 0.25])
def test_does_not_depend_on_the_step(step):
    def every_second(by):
        levels = [-40 + 15 * np.sin(time / 20) for time in np.arange(by, 180 + by / 2, by)]
        return np.array(after(levels, by)[:: round(1 / by)][10:170])

    assert np.abs(every_second(step) - every_second(0.5)).max() < 0.8


def test_reset_forgets():
    gain = AutomaticGain(REFERENCE, STEP)
    first = [gain.update(level, is_silent=False) for level in (-40.0, -30.0)]
    gain.reset()
    assert gain.update(-80.0, is_silent=True) == 0.0
    assert [gain.update(level, is_silent=False) for level in (-40.0, -30.0)] == first


# ------------------------------------------------------------------------------------------------------- in the tracker


@pytest.fixture(scope="module")
def song(music):
    return music(60, seed=5)


def track(model, audio, **options):
    return list(EmotionTracker(model, **options).track([audio]))


def test_record_has_the_level_as_it_came_in_and_the_gain(model, song):
    plain, loud = track(model, song), track(model, song, gain=6.0)
    assert [emotion.level for emotion in loud] == [emotion.level for emotion in plain]
    assert {emotion.gain for emotion in plain} == {0.0}
    assert {emotion.gain for emotion in loud} == {6.0}


@pytest.mark.parametrize("gain", [-12.0, 6, 20.0])
def test_fixed_gain_is_a_factor(gain, model, song):
    quiet = (song * 10 ** (-gain / 20)).astype(np.float32)
    expected = track(model, song)
    assert [(e.raw_valence, e.raw_arousal) for e in track(model, quiet, gain=gain)] == [
        pytest.approx((e.raw_valence, e.raw_arousal), abs=1e-4) for e in expected
    ]


def test_gain_changes_what_is_heard(model, song):
    plain, loud = track(model, song), track(model, song, gain=20.0)
    assert max(abs(a.raw_arousal - b.raw_arousal) for a, b in zip(plain, loud, strict=True)) > 0.05


def _at_two_levels(model, song):
    """Track a song at full level and 20 dB quieter, where nothing counts as silence."""
    levels = (song, song * np.float32(0.1))
    return [track(model, audio, gain="auto", silence=-100.0) for audio in levels]


def test_quiet_stream_gives_the_same_emotions(model, song):
    full, quiet = _at_two_levels(model, song)
    settled = [(a, b) for a, b in zip(full, quiet, strict=True) if a.time > 30]
    assert len(settled) == 60
    for a, b in settled:
        assert b.level == pytest.approx(a.level - 20, abs=0.01)
        assert b.gain == pytest.approx(a.gain + 20, abs=0.01)
        assert (b.valence, b.arousal) == pytest.approx((a.valence, a.arousal), abs=0.03)
        assert b.quadrant is a.quadrant


def test_automatic_gain_begins_anew_with_a_stream(model, song):
    tracker = EmotionTracker(model, gain="auto")
    first = list(tracker.track([song]))
    assert next(tracker.track([song * np.float32(0.2)])).gain == pytest.approx(first[0].gain + 13.98, abs=0.01)
    assert list(tracker.track([song])) == first


def test_automatic_gain_does_not_depend_on_the_blocks(model, song):
    whole = track(model, song, gain="auto")
    pieces = [song[start : start + 551] for start in range(0, len(song), 551)]
    cut = list(EmotionTracker(model, gain="auto").track(pieces))
    assert [emotion.gain for emotion in cut] == pytest.approx([emotion.gain for emotion in whole])


@pytest.mark.parametrize("gain", ["auto", 20.0])
def test_silence_is_of_the_level_as_it_came_in(gain, model, song):
    faint = song[: 10 * 22050] * np.float32(10 ** (-50 / 20))
    emotions = track(model, faint, gain=gain)
    assert [emotion.is_silent for emotion in emotions] == [emotion.level < -60 for emotion in emotions]
    assert any(emotion.is_silent for emotion in emotions)
    assert emotions[0].gain == (0.0 if gain == "auto" else 20.0)


def test_clipping_is_of_the_input(model, song):
    assert not any(emotion.is_clipped for emotion in track(model, song * np.float32(0.5), gain=20.0))


@pytest.mark.parametrize("gain", ["Auto", "", "6", True, float("nan"), float("inf"), 1e9])
def test_wrong_gain_is_refused(gain, model):
    with pytest.raises(ValueError, match="gain must be 'auto' or"):
        EmotionTracker(model, gain=gain)

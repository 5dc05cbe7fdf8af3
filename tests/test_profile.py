"""One definition of a song's profile, whoever asks for it."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from emodj_live import Emotion, EmotionTracker, ModelError, Profiler, Quadrant, SourceError, analyze

EMOTION = Emotion(0.5, 0.2, 0.4, 0.1, 0.3, Quadrant.HAPPY, -20.0, 0.0, is_silent=False, is_clipped=False)


def gathered(*emotions, **options):
    profiler = Profiler(**options)
    for emotion in emotions:
        profiler(emotion)
    return profiler.profile()


def test_means_spreads_and_shares_leave_silence_out(model, music):
    audio = np.concatenate([music(8.0, 1), np.zeros(22050 * 4, np.float32), music(8.0, 2)])
    emotions = list(EmotionTracker(model).track([audio]))
    heard = [emotion for emotion in emotions if not emotion.is_silent]
    assert 0 < len(heard) < len(emotions)
    profile = gathered(*emotions)
    assert profile.valence == pytest.approx(np.mean([emotion.valence for emotion in heard]))
    assert profile.arousal == pytest.approx(np.mean([emotion.arousal for emotion in heard]))
    assert profile.valence_std == pytest.approx(np.std([emotion.valence for emotion in heard]))
    assert profile.arousal_std == pytest.approx(np.std([emotion.arousal for emotion in heard]))
    names = Counter(emotion.quadrant for emotion in heard)
    assert profile.shares == {quadrant: names[quadrant] / len(heard) for quadrant in Quadrant}
    assert sum(profile.shares.values()) == pytest.approx(1)
    assert profile.silence == pytest.approx(1 - len(heard) / len(emotions))
    assert profile.duration == 20.0
    power = np.mean([10 ** (emotion.level / 10) for emotion in heard])
    assert profile.level == pytest.approx(10 * math.log10(power))
    assert profile.quadrant is Quadrant.of(profile.valence, profile.arousal)


def test_arc_has_the_smoothed_values_twice_a_second(model, music):
    emotions = list(EmotionTracker(model).track([music(10.0)]))
    arc = gathered(*emotions).arc
    assert (arc.dtype, arc.shape) == (np.float32, (20, 2))
    np.testing.assert_allclose(arc, [(e.valence, e.arousal) for e in emotions], atol=1e-6)


@pytest.mark.parametrize("step", [2205, 5000, 11025, 22050])
def test_arc_is_at_two_hertz_whatever_the_step(step, model, music):
    emotions = list(EmotionTracker(model, step=step).track([music(10.0)]))
    arc = gathered(*emotions).arc
    assert abs(len(arc) - 20) <= 1
    if step == 2205:
        np.testing.assert_allclose(arc, [(e.valence, e.arousal) for e in emotions[::5]], atol=1e-6)


def test_arc_has_holes_where_audio_was_lost():
    times = [0.5, 1.0, 3.0, 3.5]
    arc = gathered(*(replace(EMOTION, time=time) for time in times)).arc
    np.testing.assert_array_equal(np.isnan(arc[:, 0]), [False, False, True, True, True, False, False])


def test_arc_begins_where_the_song_does():
    profile = gathered(replace(EMOTION, time=60.5), replace(EMOTION, time=61.0), start=60.0)
    assert len(profile.arc) == 2
    assert profile.duration == 1.0


def test_arc_can_be_left_out():
    assert gathered(EMOTION, keeps_arc=False).arc.shape == (0, 2)


def test_nothing_heard():
    for profile in (gathered(), gathered(replace(EMOTION, is_silent=True))):
        assert (profile.valence, profile.arousal, profile.valence_std, profile.arousal_std) == (0, 0, 0, 0)
        assert set(profile.shares.values()) == {0.0}
        assert profile.level == -120.0
    assert profile.silence == 1.0


def test_a_long_stream_loses_no_precision():
    profile = gathered(*(replace(EMOTION, valence=0.9 + 1e-6 * (n % 2), time=n / 2) for n in range(20_000)))
    assert profile.valence_std == pytest.approx(5e-7, rel=1e-3)


def test_analyze_is_what_the_tracker_says(model, model_path, music, write_audio, monkeypatch):
    path = write_audio("song.flac", music(6.0, 0, 44_100), 44_100)
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))
    assert analyze(path).duration == 6.0
    np.testing.assert_array_equal(analyze(path).arc, analyze(str(path), model).arc)


def test_analyze_says_what_is_wrong(model, write_audio, tmp_path, monkeypatch):
    with pytest.raises(SourceError, match=r"short\.wav: is shorter than one window of 0\.5 s; choose"):
        analyze(write_audio("short.wav", np.zeros(5000, np.float32)), model)
    with pytest.raises(SourceError, match=r"missing\.mp3"):
        analyze(tmp_path / "missing.mp3", model)
    monkeypatch.setenv("EMODJ_MODEL", str(tmp_path / "none.npz"))
    with pytest.raises(ModelError, match=r"none\.npz"):
        analyze("song.mp3")

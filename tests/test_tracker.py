"""The tracker: madmom's four-part test, then each meaning that has its home here, then run, track and stop."""

import asyncio
import gc
import itertools
import math
import threading
from contextlib import aclosing
from dataclasses import astuple, replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import plain_context
import pytest

from emodj_live import BackgroundTracker, Emotion, EmotionTracker, FeatureExtractor, Gap, Quadrant, Seek, analyze

LENGTH = 11025
RATE = 22050
STEPS = [2756, 5513, LENGTH, 16_000]
BLOCK_SIZES = [1, 7, 512, LENGTH - 1, LENGTH, LENGTH + 1, 10**9]
CLOSE = 2e-5  # what batches of another size may change


@pytest.fixture(scope="module")
def audio(music):
    """Eight seconds with a pause in it, and a tail that is no whole window."""
    return np.concatenate([music(3.3, 5), np.zeros(30_000, np.float32), music(4.1, 6)])


def cut(samples, size):
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def processed(tracker, blocks):
    return [emotion for block in blocks for emotion in tracker.process(block)]


def name_after(name, valence, arousal):
    """Return the quadrant's name after `name`: each axis changes only 0.05 beyond zero."""
    is_positive = [name in (Quadrant.HAPPY, Quadrant.CALM), name in (Quadrant.HAPPY, Quadrant.TENSE)]
    for axis, value in enumerate((valence, arousal)):
        if abs(value) > 0.05:
            is_positive[axis] = bool(value > 0)
    names = [[Quadrant.SAD, Quadrant.TENSE], [Quadrant.CALM, Quadrant.HAPPY]]
    return names[is_positive[0]][is_positive[1]]


@pytest.fixture(params=["model", "context_model"])
def any_model(request):
    """Return one model after the other: of single windows, and with a context."""
    return request.getfixturevalue(request.param)


def level_of(window):
    rms = math.sqrt(np.mean(window.astype(np.float64) ** 2))
    return 20 * math.log10(max(rms, 1e-6))


def golden_features(spec, audio, step):
    """Return the features of every window, the context by the plain formulas."""
    starts = range(0, len(audio) - LENGTH + 1, step)
    windows = np.array([audio[start : start + LENGTH] for start in starts]).reshape(-1, LENGTH)
    described = FeatureExtractor(spec).describe(windows)
    if not spec.context:
        return described
    times, is_silent = [(start + LENGTH) / RATE for start in starts], [level_of(window) < -60 for window in windows]
    members = [plain_context.members(times, is_silent, number, spec.context) for number in range(len(times))]
    sums = described[:, 264:].astype(np.float64)
    return np.hstack([described[:, :264], [plain_context.from_sums(sums[inside]) for inside in members]])


def golden(model, audio, step, smoothing=3.0, begin=0):
    """Return what a tracker should say, one window after the other and from the formulas alone.

    `begin` is the place of the audio's first sample in the song, as after a seek.
    """
    if len(audio) < LENGTH:
        return []
    smoothed, name, emotions, known = None, Quadrant.of(0.0, 0.0), [], model.calibration
    features = golden_features(model.spec, audio, step)
    for start, row in zip(range(0, len(audio) - LENGTH + 1, step), features, strict=True):
        window = audio[start : start + LENGTH]
        raw = np.clip(model.predict(row[np.newaxis])[0], -1, 1)
        level = level_of(window)
        if level >= -60:
            first = smoothed is None
            smoothed = raw if first else smoothed + (1 - math.exp(-step / RATE / smoothing)) * (raw - smoothed)
            name = Quadrant.of(*smoothed) if first else name_after(name, *smoothed)
        valence, arousal = (0.0, 0.0) if smoothed is None else smoothed
        emotions.append(
            Emotion(
                time=(begin + start + LENGTH) / RATE,
                valence=valence,
                arousal=arousal,
                raw_valence=raw[0],
                raw_arousal=raw[1],
                quadrant=name,
                level=level,
                gain=0.0,
                is_silent=level < -60,
                is_clipped=bool(np.abs(window).max() >= 32767 / 32768),
                **(golden_knowledge(known, valence, arousal, name) if known else {}),
            )
        )
    return emotions


def golden_knowledge(known, valence, arousal, name):
    """Return certainty and ranks by their formulas, from the standard library's normal distribution."""
    chances = [
        NormalDist(0, deviation).cdf(value if is_positive else -value)
        for value, deviation, is_positive in zip((valence, arousal), known.deviations, name.signs, strict=True)
    ]
    ranks = [
        np.interp(value, known.quantiles[:, axis], np.arange(101) / 100)
        for axis, value in enumerate((valence, arousal))
    ]
    return {"certainty": math.prod(chances), "valence_rank": ranks[0], "arousal_rank": ranks[1]}


def values(emotions):
    return np.array([(e.valence, e.arousal, e.raw_valence, e.raw_arousal) for e in emotions]).reshape(-1, 4)


def knowledge(emotions):
    """Return certainty and ranks, 0 where there are none."""
    return np.array([(e.certainty or 0, e.valence_rank or 0, e.arousal_rank or 0) for e in emotions]).reshape(-1, 3)


def is_near_a_border(emotion):
    distances = [abs(abs(value) - border) for value in (emotion.valence, emotion.arousal) for border in (0, 0.05)]
    return min(distances) < CLOSE


def assert_same(found, expected):
    assert [e.time for e in found] == [e.time for e in expected]
    np.testing.assert_allclose(values(found), values(expected), rtol=0, atol=CLOSE)
    np.testing.assert_allclose([e.level for e in found], [e.level for e in expected], rtol=0, atol=1e-4)
    for one, other in zip(found, expected, strict=True):
        assert (one.gain, one.is_silent, one.is_clipped) == (other.gain, other.is_silent, other.is_clipped)
        assert one.quadrant is other.quadrant or is_near_a_border(other)
        assert (one.certainty is None) == (one.valence_rank is None) == (other.certainty is None)
    unlike = [one.quadrant is not other.quadrant for one, other in zip(found, expected, strict=True)]
    apart = np.abs(knowledge(found) - knowledge(expected))
    assert (apart[:, 1:] < 50 * CLOSE).all()  # quantiles that lie close make a rank steep
    assert (apart[~np.array(unlike, bool), 0] < 5 * CLOSE).all()


# ------------------------------------------------------------------------------------------------------- the four parts


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("smoothing", [0.4, 3.0])
def test_whole_again_and_not_again(step, smoothing, any_model, audio):
    expected = golden(any_model, audio, step, smoothing)
    tracker = EmotionTracker(any_model, step=step, smoothing=smoothing)
    assert_same(tracker.process(audio), expected)
    tracker.reset()
    assert_same(tracker.process(audio), expected)
    again = tracker.process(audio)  # without reset: time and average go on, so the first three can fail
    assert [e.time for e in again][: len(expected)] != [e.time for e in expected]
    assert np.abs(values(again)[0] - values(expected)[0]).max() > 100 * CLOSE


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), *BLOCK_SIZES[1:]])
def test_block_by_block(size, step, any_model, audio):
    found = processed(EmotionTracker(any_model, step=step), cut(audio, size))
    assert_same(found, EmotionTracker(any_model, step=step).process(audio))
    assert len(found) == (len(audio) - LENGTH) // step + 1


@pytest.mark.parametrize("seed", range(5))
def test_random_blocks(seed, any_model, audio):
    random = np.random.default_rng(seed)
    borders = np.sort(random.integers(0, len(audio), size=40))  # some blocks are empty
    assert_same(processed(EmotionTracker(any_model), np.split(audio, borders)), golden(any_model, audio, LENGTH))


@pytest.mark.parametrize("step", [5513, LENGTH])
@pytest.mark.parametrize("size", [512, LENGTH + 1, 10**9])
def test_sought_through(size, step, any_model, audio):
    """After each seek it is as if the stream began there, whatever was heard before and however it is cut."""
    random = np.random.default_rng(0)
    tracker, found, expected = EmotionTracker(any_model, step=step), [], []
    for _ in range(8):
        begin = int(random.integers(0, len(audio) - LENGTH))
        heard = audio[begin : begin + int(random.integers(0, 6 * LENGTH))]
        assert tracker.process(Seek(begin / RATE)) == []
        found += processed(tracker, cut(heard, size))
        expected += golden(any_model, heard, step, begin=begin)
    assert_same(found, expected)
    assert len(found) > 10


def test_the_audio_says_enough(any_model, audio):
    """Else the four parts would prove little."""
    emotions = golden(any_model, audio, 2756, 0.4)
    assert len({e.quadrant for e in emotions}) >= 3
    assert any(e.is_silent for e in emotions)
    assert np.ptp(values(emotions), axis=0).min() > 0.3


@pytest.mark.parametrize("way", ["process", "track", "run"])
def test_three_ways_say_the_same(way, any_model, audio):
    tracker, found, blocks = EmotionTracker(any_model), [], cut(audio, 4000)
    if way == "process":
        found = processed(tracker, blocks)
    elif way == "track":
        found = list(tracker.track(blocks))
    else:
        assert tracker.run(blocks, found.append) is None
    assert_same(found, golden(any_model, audio, LENGTH))


def test_track_starts_anew(any_model, audio):
    tracker = EmotionTracker(any_model, step=5000)
    expected = list(tracker.track(cut(audio, 3000)))
    assert list(tracker.track(cut(audio, 3000))) == expected
    tracker.process(audio)
    assert list(tracker.track(cut(audio, 3000))) == expected


@pytest.mark.parametrize("step", [*STEPS, np.int64(LENGTH)])
def test_times_are_exact(step, any_model, audio):
    emotions = EmotionTracker(any_model, step=step).process(audio)
    assert [e.time for e in emotions] == [(LENGTH + k * int(step)) / RATE for k in range(len(emotions))]
    assert all(type(value) is float for e in emotions for value in astuple(e)[:5])


def test_default_step_is_a_window(any_model, audio):
    assert_same(EmotionTracker(any_model).process(audio), EmotionTracker(any_model, step=LENGTH).process(audio))


@pytest.mark.parametrize("length", [0, 1, LENGTH - 1])
def test_less_than_a_window_says_nothing(length, any_model, audio):
    assert EmotionTracker(any_model).process(audio[:length]) == []
    assert list(EmotionTracker(any_model).track([audio[:length]])) == []


def test_empty_blocks_change_nothing(any_model, audio):
    nothing = np.empty(0, np.float32)
    tracker = EmotionTracker(any_model)
    assert tracker.process(nothing) == []
    blocks = itertools.chain.from_iterable((nothing, block) for block in cut(audio, 5000))
    assert_same(processed(tracker, blocks), golden(any_model, audio, LENGTH))


def test_float64_blocks(any_model, audio):
    assert_same(EmotionTracker(any_model).process(audio.astype(np.float64)), golden(any_model, audio, LENGTH))


def test_strided_blocks(any_model, audio):
    stereo = np.stack([audio, -audio], axis=1)
    assert_same(EmotionTracker(any_model).process(stereo[:, 0]), golden(any_model, audio, LENGTH))


def test_blocks_are_left_as_they_were(any_model, audio):
    block = audio.copy()
    EmotionTracker(any_model).process(block)
    np.testing.assert_array_equal(block, audio)


def test_a_buffer_may_be_reused(any_model, audio):
    tracker, buffer, found = EmotionTracker(any_model), np.empty(700, np.float32), []
    whole = audio[: len(audio) // 700 * 700]
    for block in cut(whole, 700):
        buffer[:] = block
        found += tracker.process(buffer)
    assert_same(found, golden(any_model, whole, LENGTH))


# ----------------------------------------------------------------------------------------------------------------- gaps


def test_gap_moves_time_on(any_model, audio):
    first, second = audio[: 2 * LENGTH + 500], audio[2 * LENGTH + 500 :]
    tracker = EmotionTracker(any_model, smoothing=0)
    found = processed(tracker, [first, Gap(3 * RATE), second])
    expected = golden(any_model, first, LENGTH, 1e-9)
    shift = (len(first) + 3 * RATE) / RATE
    expected += [replace(e, time=e.time + shift) for e in golden(any_model, second, LENGTH, 1e-9)]
    assert [e.time for e in found] == pytest.approx([e.time for e in expected], abs=1e-12)
    np.testing.assert_allclose(values(found), values(expected), rtol=0, atol=CLOSE)


def test_gap_says_nothing_and_forgets_nothing(model, audio):
    tracker = EmotionTracker(model)
    before = tracker.process(audio[: 3 * LENGTH])[-1]
    assert tracker.process(Gap(10 * RATE)) == []
    after = tracker.process(np.zeros(LENGTH, np.float32))[0]
    assert (after.valence, after.arousal, after.quadrant) == (before.valence, before.arousal, before.quadrant)
    assert after.time == before.time + 10.5


# ---------------------------------------------------------------------------------------------------------------- seeks


@pytest.mark.parametrize("position", [0, 0.0, 0.99999, 12.3456789, 3600.0, np.float64(2.5), np.int64(7)])
def test_seek_says_where_time_goes_on(position, any_model, audio):
    tracker = EmotionTracker(any_model)
    tracker.process(audio[: 2 * LENGTH + 700])
    tracker.process(Seek(position))
    times = [e.time for e in tracker.process(audio[: 2 * LENGTH])]
    begin = round(float(position) * RATE)
    assert times == [(begin + LENGTH) / RATE, (begin + 2 * LENGTH) / RATE]
    assert all(type(time) is float for time in times)


def test_seek_and_gap_in_any_order(model, audio):
    tracker = EmotionTracker(model)
    found = processed(tracker, [audio[:5000], Gap(RATE), Seek(10.0), Gap(RATE), audio[:LENGTH]])
    assert [e.time for e in found] == [11.5]
    assert_same(found, golden(model, audio[:LENGTH], LENGTH, begin=11 * RATE))


def test_seek_into_silence_has_forgotten_the_mood(model, audio):
    tracker = EmotionTracker(model)
    assert tracker.process(audio[: 3 * LENGTH])[-1].valence != 0
    tracker.process(Seek(60.0))
    (emotion,) = tracker.process(np.zeros(LENGTH, np.float32))
    assert (emotion.valence, emotion.arousal) == (0.0, 0.0)


def test_seek_keeps_the_automatic_gain(model, audio):
    """It is the same song, and as loud as before."""
    tracker = EmotionTracker(model, gain="auto")
    gain = tracker.process(audio[: 3 * LENGTH] * np.float32(0.1))[-1].gain
    tracker.process(Seek(60.0))
    (emotion,) = tracker.process(np.zeros(LENGTH, np.float32))
    assert emotion.gain == gain > 0


@pytest.mark.parametrize("way", ["track", "run"])
def test_seek_in_a_source(way, any_model, audio):
    blocks, found, beats = [audio, Seek(1.0), audio[RATE:], Seek(0.0), audio], [], []
    tracker = EmotionTracker(any_model)
    if way == "track":
        found = list(tracker.track(blocks, after_block=beats.append))
    else:
        tracker.run(blocks, found.append, after_block=beats.append)
    whole = golden(any_model, audio, LENGTH)
    assert_same(found, [*whole, *golden(any_model, audio[RATE:], LENGTH, begin=RATE), *whole])
    assert [block for block in beats if isinstance(block, Seek)] == [Seek(1.0), Seek(0.0)]


# ----------------------------------------------------------------------------------------------------------- one window


def window_of(samples):
    return np.asarray(samples, np.float32)


def emotion_of(model, window, **options):
    (emotion,) = EmotionTracker(model, **options).process(window)
    return emotion


def tone(amplitude, frequency=440):
    return window_of(amplitude * np.sin(2 * np.pi * frequency * np.arange(LENGTH) / RATE))


@pytest.mark.parametrize("amplitude", [1.0, 0.5, 0.1, 1e-3, 1e-4])
def test_level_of_a_sine(amplitude, model):
    level = emotion_of(model, tone(amplitude)).level
    assert level == pytest.approx(20 * math.log10(amplitude / math.sqrt(2)), abs=0.01)


@pytest.mark.parametrize(("value", "level"), [(1.0, 0.0), (-1.0, 0.0), (0.1, -20.0), (1e-7, -120.0), (1e-38, -120.0)])
def test_level_of_a_constant(value, level, model):
    assert emotion_of(model, window_of(np.full(LENGTH, value))).level == pytest.approx(level, abs=1e-4)


def test_level_of_silence(model):
    assert emotion_of(model, window_of(np.zeros(LENGTH))).level == -120.0


@pytest.mark.parametrize(
    ("amplitude", "silence", "is_silent"),
    [
        (1e-2, -60.0, False),
        (1.5e-3, -60.0, False),
        (1.3e-3, -60.0, True),
        (0.0, -60.0, True),
        (1e-2, -40.0, True),
        (1.3e-3, -70.0, False),
        (0.0, -120.0, False),
        (0.0, -math.inf, False),
        (1.0, math.inf, True),
    ],
)
def test_silence_threshold(amplitude, silence, is_silent, model):
    emotion = emotion_of(model, tone(amplitude), silence=silence)
    assert emotion.is_silent is is_silent
    assert ((emotion.valence, emotion.arousal) == (0.0, 0.0)) is is_silent


@pytest.mark.parametrize(
    ("peak", "is_clipped"),
    [
        (1.0, True),
        (-1.0, True),
        (1.7, True),
        (32767 / 32768, True),
        (-32767 / 32768, True),
        (32766 / 32768, False),
        (-32766 / 32768, False),
        (0.0, False),
    ],
)
def test_clipping_of_the_input(peak, is_clipped, model):
    window = tone(0.5)
    window[1234] = peak
    assert emotion_of(model, window).is_clipped is is_clipped


def test_predictions_end_at_one(model, audio):
    exaggerated = replace(model, coefficients=30 * model.coefficients, intercepts=30 * model.intercepts)
    emotions = EmotionTracker(exaggerated).process(audio)
    raw = values(emotions)[:, 2:]
    assert (np.abs(values(emotions)) <= 1).all()
    assert (raw == 1).any()
    assert (raw == -1).any()


@pytest.mark.parametrize("window", ["zeros", "one sample", "square", "noise", "smallest"])
def test_never_nan(window, model):
    sounds = {
        "zeros": np.zeros(LENGTH),
        "one sample": np.eye(1, LENGTH, 7)[0],
        "square": np.where(np.arange(LENGTH) // 20 % 2, 1, -1),
        "noise": np.random.default_rng(0).standard_normal(LENGTH) * 30,
        "smallest": np.full(LENGTH, 1e-45),
    }
    emotion = emotion_of(model, window_of(sounds[window]))
    assert np.isfinite(astuple(emotion)[:5]).all()
    assert math.isfinite(emotion.level)


@pytest.mark.parametrize(
    ("value", "dtype"), [(1000, np.float32), (1e20, np.float32), (3e38, np.float32), (1e300, np.float64)]
)
def test_samples_beyond_reason_are_refused(value, dtype, model):
    """Finite, but their power may not be."""
    block = np.random.default_rng(0).choice([-value, value], LENGTH).astype(dtype)
    with pytest.raises(ValueError, match="full scale"):
        EmotionTracker(model).process(block)


@pytest.mark.parametrize("gain", [-100.0, 0.0, 100.0])
def test_the_largest_samples_are_survived(gain, model):
    block = np.random.default_rng(0).choice([-999, 999], LENGTH).astype(np.float32)
    emotion = emotion_of(model, block, gain=gain)
    assert np.isfinite([*astuple(emotion)[:5], emotion.level]).all()


@pytest.mark.parametrize(
    ("block", "error", "message"),
    [
        (np.array([0.0, np.nan]), ValueError, "finite"),
        (np.array([0.0, np.inf], np.float32), ValueError, "finite"),
        (np.zeros((2, 10), np.float32), ValueError, r"mono.*\(2, 10\)"),
        (np.zeros((10, 1), np.float32), ValueError, "mono"),
        (np.float32(0.5), ValueError, "mono"),
        (np.zeros(10, np.int16), TypeError, "int16"),
        (np.zeros(10, bool), TypeError, "bool"),
        (np.zeros(10, np.complex64), TypeError, "complex64"),
        (b"\0" * 40, TypeError, "got"),
        ("music.mp3", TypeError, "got"),
        (None, TypeError, "object"),
    ],
)
def test_blocks_that_are_none(block, error, message, model, audio):
    tracker = EmotionTracker(model)
    found = tracker.process(audio[:5000])
    with pytest.raises(error, match=message):
        tracker.process(block)
    found += tracker.process(audio[5000:])  # and nothing has happened
    assert_same(found, golden(model, audio, LENGTH))


# ----------------------------------------------------------------------------------------------------------------- gain


@pytest.mark.parametrize("gain", [-12.0, 6, 20.0])
def test_gain_is_applied_before_the_features(gain, model, audio):
    found = EmotionTracker(model, gain=gain, smoothing=0).process(audio)
    plain = EmotionTracker(model, smoothing=0).process(audio)
    louder = EmotionTracker(model, smoothing=0).process(audio * np.float32(10 ** (gain / 20)))
    np.testing.assert_allclose(values(found)[:, 2:], values(louder)[:, 2:], rtol=0, atol=CLOSE)
    assert np.abs(values(found)[:, 2:] - values(plain)[:, 2:]).max() > 0.02
    for one, other in zip(found, plain, strict=True):  # the level, silence and clipping are of the input
        assert (one.level, one.is_silent, one.is_clipped) == (other.level, other.is_silent, other.is_clipped)
        assert one.gain == gain
        assert type(one.gain) is float


def test_gain_is_none_by_default(model, audio):
    assert {e.gain for e in EmotionTracker(model).process(audio)} == {0.0}


def test_automatic_gain_brings_a_quiet_programme_to_the_reference(model, music):
    quiet = EmotionTracker(model, gain="auto", silence=-90.0).process(music(20, 4) * np.float32(0.1))
    right = EmotionTracker(model, gain="auto", silence=-90.0).process(music(20, 4))
    assert quiet[-1].gain == pytest.approx(right[-1].gain + 20, abs=0.01)
    levels = [e.level for e in right]
    assert right[-1].gain == pytest.approx(model.reference_level - np.mean(levels), abs=1)
    np.testing.assert_allclose(values(quiet), values(right), rtol=0, atol=1e-3)


def test_automatic_gain_freezes_in_silence(model, audio):
    emotions = EmotionTracker(model, gain="auto").process(np.concatenate([np.zeros(2 * LENGTH, np.float32), audio]))
    assert [e.gain for e in emotions[:2]] == [0.0, 0.0]
    silent = [pair for pair in itertools.pairwise(emotions) if pair[1].is_silent]
    assert len(silent) > 2
    assert all(before.gain == after.gain for before, after in silent)
    assert len({e.gain for e in emotions}) > 5


def test_automatic_gain_is_forgotten_at_a_reset(model, audio):
    tracker = EmotionTracker(model, gain="auto")
    expected = tracker.process(audio)
    tracker.process(audio * np.float32(0.01))
    tracker.reset()
    assert tracker.process(audio) == expected


@pytest.mark.parametrize("size", [512, LENGTH + 1])
def test_automatic_gain_whatever_the_block_size(size, model, audio):
    found = processed(EmotionTracker(model, gain="auto", step=5000), cut(audio, size))
    expected = EmotionTracker(model, gain="auto", step=5000).process(audio)
    np.testing.assert_allclose(values(found), values(expected), rtol=0, atol=CLOSE)
    np.testing.assert_allclose([e.gain for e in found], [e.gain for e in expected], rtol=0, atol=1e-4)


# ------------------------------------------------------------------------------------------------------ meaning in time


class Scripted:
    """A model whose predictions are written down beforehand, over half-second windows that cost nothing."""

    reference_level = -20.0
    sample_rate = 128
    window_length = 64

    def __init__(self, script):
        self._script = iter(script)

    def listener(self):
        return self

    def hear(self, windows, _times, _is_silent):
        """Return the next lines of the script."""
        return np.array([next(self._script) for _ in windows], np.float64).reshape(-1, 2)

    def reset(self):
        """Go on with the script."""


def scripted(script, *, silent=(), step=64, **options):
    """Return the emotions for raw values as written, with some windows (by index) silent."""
    script = [point if isinstance(point, tuple) else (point, 0.5) for point in script]
    levels = np.full(64 + (len(script) - 1) * step, 0.1, np.float32)
    for index in silent:
        levels[index * step : index * step + 64] = 0
    return EmotionTracker(Scripted(script), step=step, **options).process(levels)


def test_first_sound_sets_the_average():
    (emotion,) = scripted([(-0.7, 0.6)])
    assert (emotion.valence, emotion.arousal) == (-0.7, 0.6)
    assert emotion.quadrant is Quadrant.TENSE


@pytest.mark.parametrize("tau", [0.1, 1.0, 3.0, 100.0])
def test_smoothing_formula(tau):
    raw = np.random.default_rng(0).uniform(-1, 1, (40, 2))
    found = values(scripted(map(tuple, raw), smoothing=tau))
    average = raw[0]
    for row, point in zip(found, raw, strict=True):
        average = average + (1 - math.exp(-0.5 / tau)) * (point - average)
        np.testing.assert_allclose(row, [*average, *point], rtol=0, atol=1e-12)


@pytest.mark.parametrize("step", [8, 16, 32, 64, 128])
def test_smoothing_does_not_depend_on_the_step(step):
    """A jump from 0.8 to -0.4: what is left of it after t seconds is exp(-t / tau)."""
    count = 1 + 10 * 128 // step
    emotions = scripted([0.8] + [-0.4] * (count - 1), step=step, smoothing=2.0)
    for emotion in emotions:
        assert emotion.valence == pytest.approx(-0.4 + 1.2 * math.exp(-(emotion.time - 0.5) / 2.0), abs=1e-9)
    assert emotions[-1].time == 10.5


def test_no_smoothing_passes_raw_values(model, audio):
    for emotion in EmotionTracker(model, smoothing=0).process(audio):
        if not emotion.is_silent:
            assert (emotion.valence, emotion.arousal) == (emotion.raw_valence, emotion.raw_arousal)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("sign", [1, -1])
def test_quadrant_changes_only_beyond_the_hysteresis(axis, sign):
    path = [0.3, 0.01, -0.01, -0.04, -0.05, 0.0, -0.0501, -0.01, 0.01, 0.04, 0.05, -0.02, 0.0501, 0.0, -0.05, -0.9]
    expected = [True, True, True, True, True, True, False, False, False, False, False, False, True, True, True, False]
    points = [(sign * value, 0.5)[:: -1 if axis else 1] for value in path]
    found = [e.quadrant for e in scripted(points, smoothing=0)]
    ends = [Quadrant.of(*points[-1]), Quadrant.of(*points[0])]
    assert found == [ends[is_as_first] for is_as_first in expected]


@pytest.mark.parametrize(
    "first",
    [(v, a) for v in (-0.5, -0.01, 0.0, 0.01, 0.5) for a in (-0.5, -0.01, 0.0, 0.01, 0.5)],
)
def test_first_quadrant_needs_no_hysteresis(first):
    emotions = scripted([first] * 3)
    assert [e.quadrant for e in emotions] == [Quadrant.of(*first)] * 3


def test_quadrant_is_of_the_smoothed_point():
    emotions = scripted([0.3, -0.9, 0.3, 0.3])
    assert emotions[1].raw_valence < 0 < emotions[1].valence
    assert {e.quadrant for e in emotions} == {Quadrant.HAPPY}


def test_axes_change_apart():
    points = [(0.3, 0.3), (-0.3, 0.3), (-0.3, -0.3), (0.3, -0.3), (0.3, 0.3)]
    names = [e.quadrant.name for e in scripted(points, smoothing=0)]
    assert names == ["HAPPY", "TENSE", "SAD", "CALM", "HAPPY"]


def test_step_of_the_raw_values_renames_within_three_seconds():
    emotions = scripted([-0.3] * 20 + [0.3] * 20, smoothing=3.0)
    last_before = emotions[19].time
    renamed = next(e.time for e in emotions if e.quadrant is Quadrant.HAPPY)
    assert 0.5 < renamed - last_before <= 3.0


def changes(names):
    return sum(one is not two for one, two in itertools.pairwise(names))


def test_noise_around_zero_does_not_rename():
    random = np.random.default_rng(0)
    emotions = scripted(list(map(tuple, random.normal(0, 0.1, (2000, 2)))), smoothing=3.0)
    named = [e.quadrant for e in emotions]
    without_hysteresis = [Quadrant.of(e.valence, e.arousal) for e in emotions]
    assert changes(without_hysteresis) > 400
    assert changes(named) < changes(without_hysteresis) / 10


@pytest.mark.parametrize("amount", [0.05, 0.02])
def test_noise_within_the_hysteresis_never_renames(amount):
    random = np.random.default_rng(1)
    points = [(0.01, 0.01), *map(tuple, random.uniform(-amount, amount, (500, 2)))]
    assert {e.quadrant for e in scripted(points, smoothing=0)} == {Quadrant.HAPPY}


def test_silence_freezes():
    emotions = scripted([0.4, 0.2, -1.0, -1.0, -1.0, 0.2], silent={2, 3, 4})
    frozen = emotions[1]
    for emotion in emotions[2:5]:
        assert emotion.is_silent
        assert (emotion.valence, emotion.arousal, emotion.quadrant) == (frozen.valence, frozen.arousal, frozen.quadrant)
        assert emotion.raw_valence == -1.0  # of the window alone
    without = scripted([0.4, 0.2, 0.2])
    assert emotions[5].valence == without[2].valence  # as if there had been no silence


def test_before_any_sound():
    emotions = scripted([-0.9, -0.9, 0.7, -0.9], silent={0, 1, 3})
    for emotion in emotions[:2]:
        assert (emotion.valence, emotion.arousal) == (0.0, 0.0)
        assert emotion.quadrant is Quadrant.of(0.0, 0.0)
    assert emotions[2].valence == 0.7  # the first sound sets it, not the first window
    assert emotions[2].quadrant is Quadrant.HAPPY


def test_reset_forgets_the_average_and_the_name():
    tracker = EmotionTracker(Scripted([(0.5, 0.5), (-0.01, -0.01)]))
    window = np.full(64, 0.1, np.float32)
    tracker.process(window)
    tracker.reset()
    (emotion,) = tracker.process(window)
    assert (emotion.time, emotion.valence, emotion.quadrant) == (0.5, -0.01, Quadrant.SAD)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 0}, "step.*0"),
        ({"step": -1}, "step.*-1"),
        ({"step": 0.5}, "step.*0.5"),
        ({"step": True}, "step.*True"),
        ({"step": "1"}, "step.*'1'"),
        ({"smoothing": -1.0}, "smoothing.*-1"),
        ({"smoothing": math.inf}, "smoothing.*inf"),
        ({"smoothing": math.nan}, "smoothing.*nan"),
        ({"silence": math.nan}, "silence.*nan"),
        ({"gain": math.nan}, "gain.*nan"),
        ({"gain": math.inf}, "gain.*inf"),
        ({"gain": "loud"}, "gain.*'loud'"),
        ({"gain": True}, "gain.*True"),
        ({"gain": 1e4}, "gain.*10000"),  # 10 ** 500 is no number
        ({"gain": 800}, "gain.*800"),  # 10 ** 40 is none in float32
    ],
)
def test_parameters_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        EmotionTracker(Scripted([]), **options)


@pytest.mark.parametrize("model", ["emodj.npz", None])
def test_what_is_no_model_is_told(model):
    with pytest.raises(TypeError, match=f"must be a model, such as .* got {model!r}"):
        EmotionTracker(model)


def test_parameters_are_keywords(model):
    with pytest.raises(TypeError):
        EmotionTracker(model, LENGTH)


# ----------------------------------------------------------------------------------------------------- run, track, stop


class Source:
    """An endless (or failing) source that says whether it was closed, and how much was asked of it."""

    def __init__(self, *, fails_after=None):
        self.fails_after = fails_after
        self.closed = 0
        self.blocks = 0

    def __iter__(self):
        block = np.full(64, 0.1, np.float32)
        for self.blocks in itertools.count(1):
            if self.fails_after is not None and self.blocks > self.fails_after:
                raise OSError("unplugged")
            yield block

    def close(self):
        """Count how often."""
        self.closed += 1


@pytest.fixture
def tracker():
    return EmotionTracker(Scripted(itertools.repeat((0.5, 0.5))))


def test_sinks_are_called_in_order_and_once(tracker):
    calls = []
    source = [np.full(64 * 3, 0.1, np.float32)] * 2
    tracker.run(source, lambda e: calls.append(("first", e)), lambda e: calls.append(("second", e)))
    assert [name for name, _ in calls] == ["first", "second"] * 6
    assert [e.time for _, e in calls[::2]] == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert all(one is two for (_, one), (_, two) in zip(calls[::2], calls[1::2], strict=True))


def test_sinks_run_on_the_callers_thread(tracker):
    threads = set()
    tracker.run([np.full(640, 0.1, np.float32)], lambda _: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_what_a_sink_returns_is_ignored(tracker):
    calls = []
    tracker.run([np.full(640, 0.1, np.float32)], lambda _: False, calls.append, lambda _: StopIteration)
    assert len(calls) == 10


def test_run_without_sinks_reads_to_the_end(tracker):
    read = []
    tracker.run(read.append(n) or np.full(64, 0.1, np.float32) for n in range(5))
    assert read == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("error", [ValueError("its own"), StopIteration("odd"), KeyboardInterrupt(), SystemExit(3)])
def test_exception_of_a_sink_reaches_the_caller(error, tracker):
    source, seen, later = Source(), [], []

    def sink(emotion):
        seen.append(emotion)
        if len(seen) == 3:
            raise error

    with pytest.raises(type(error)) as caught:
        tracker.run(source, sink, later.append)
    assert caught.value is error
    assert (len(seen), len(later)) == (3, 2)
    assert source.closed
    assert source.blocks == 3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("song.mp3", r"use FileSource\('song.mp3'\)"),
        (Path("song.mp3"), "use FileSource"),
        (b"song.mp3", "use FileSource"),
        (np.zeros(100, np.float32), r"use \[array\]"),
    ],
)
def test_what_is_no_source_is_told(source, message, tracker):
    with pytest.raises(TypeError, match=message):
        tracker.run(source)
    with pytest.raises(TypeError, match=message):
        next(tracker.track(source))


def test_what_is_no_sink_is_told_before_the_start(tracker):
    source = Source()
    with pytest.raises(TypeError, match=r"a sink must be callable, .* got \[\]"):
        tracker.run(source, print, [])
    assert source.blocks == 0


def test_one_tracker_for_two_streams_is_told(tracker):
    sources = Source(), Source()
    first, second = (tracker.track(source) for source in sources)
    next(first)
    next(second)
    with pytest.raises(RuntimeError, match="make one tracker for each"):
        next(first)
    assert sources[0].closed
    assert next(second).time == 1.0
    tracker.process(np.zeros(64, np.float32))
    with pytest.raises(RuntimeError, match="make one tracker for each"):
        next(second)


def test_one_tracker_in_two_threads_is_told():
    is_in, may_go = threading.Event(), threading.Event()
    model = Scripted(itertools.repeat((0.5, 0.5)))
    hear, block = model.hear, np.full(64, 0.1, np.float32)
    model.hear = lambda *heard: is_in.set() or (may_go.wait(30) and hear(*heard))
    tracker, found = EmotionTracker(model), []
    thread = threading.Thread(target=lambda: found.extend(tracker.process(block)))
    thread.start()
    assert is_in.wait(30)
    with pytest.raises(RuntimeError, match="make one tracker for each"):
        tracker.process(block)
    may_go.set()
    thread.join(30)
    assert [emotion.time for emotion in [*found, *tracker.process(block)]] == [0.5, 1.0]


def test_exception_of_a_source_reaches_the_caller(tracker):
    source, seen = Source(fails_after=4), []
    with pytest.raises(OSError, match="unplugged"):
        tracker.run(source, seen.append)
    assert len(seen) == 4
    assert source.closed


def test_refused_block_closes_the_source(tracker):
    closed = []

    def source():
        try:
            yield np.zeros(3, np.int16)
        finally:
            closed.append(True)

    with pytest.raises(TypeError, match="int16"):
        tracker.run(source())
    assert closed == [True]


def test_normal_end_closes_the_source(tracker):
    class Finite(Source):
        def __iter__(self):
            return itertools.islice(super().__iter__(), 3)

    source = Finite()
    assert len(list(tracker.track(source))) == 3
    assert source.closed == 1


def test_source_that_is_its_own_iterator_is_closed_once(tracker):
    class Iterator(Source):
        def __iter__(self):
            return self

        def __next__(self):
            self.blocks += 1
            return np.full(64, 0.1, np.float32)

    source = Iterator()
    emotions = tracker.track(source)
    next(emotions)
    emotions.close()
    assert source.closed == 1


def test_source_that_cannot_begin_is_closed(tracker):
    class Broken(Source):
        def __iter__(self):
            raise OSError("no such device")

    source = Broken()
    with pytest.raises(OSError, match="no such device"):
        tracker.run(source)
    assert source.closed


class Unclosable(Source):
    """A source that cannot be closed, nor can what iterates over it."""

    def __iter__(self):
        return self

    def __next__(self):
        return np.full(64, 0.1, np.float32)

    def close(self):
        """Fail."""
        super().close()
        raise OSError("stuck")


def test_failure_to_close_does_not_hide_that_of_a_sink(tracker, caplog):
    source = Unclosable()
    with pytest.raises(ZeroDivisionError):
        tracker.run(source, lambda _: 1 / 0)
    assert source.closed == 1
    assert "the source could not be closed: stuck" in caplog.text


def test_failure_to_close_is_raised_where_it_is_the_only_one(tracker):
    with pytest.raises(OSError, match="stuck"):
        tracker.run(Unclosable(), lambda _: tracker.stop())


def test_whole_source_is_closed_though_its_iterator_cannot(tracker):
    class Two(Source):
        def __iter__(self):
            return Unclosable()

    source = Two()
    with pytest.raises(OSError, match="stuck"):
        tracker.run(source, lambda _: tracker.stop())
    assert source.closed == 1


def test_breaking_out_of_track_closes_the_source(tracker):
    source = Source()
    for emotion in tracker.track(source):
        if emotion.time >= 2:
            break
    gc.collect()
    assert source.closed
    assert source.blocks == 4


def test_closing_track_closes_a_generator(tracker):
    closed = []

    def source():
        try:
            while True:
                yield np.full(64, 0.1, np.float32)
        finally:
            closed.append(True)

    emotions = tracker.track(source())
    next(emotions)
    assert closed == []
    emotions.close()
    assert closed == [True]


def test_track_reads_no_further_than_asked(tracker):
    source = Source()
    emotions = tracker.track(source)
    assert source.blocks == 0
    for count in (1, 2, 3):
        next(emotions)
        assert source.blocks == count
    emotions.close()


def test_gap_in_a_source(tracker):
    window = np.full(64, 0.1, np.float32)
    assert [e.time for e in tracker.track([Gap(128), window, Gap(64), window])] == [1.5, 2.5]


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("windows_per_block", [1, 20])
def test_stop_from_a_sink(windows_per_block, times, tracker):
    seen, later = [], []

    def sink(emotion):
        seen.append(emotion)
        if len(seen) == 3:
            for _ in range(times):
                tracker.stop()

    source = Source()
    blocks = (np.tile(block, windows_per_block) for block in source)
    tracker.run(blocks, sink, later.append)
    assert len(seen) == 3
    assert len(later) == 3  # the emotion in hand reaches every sink
    assert source.blocks <= 3


def test_stop_closes_the_source(tracker):
    source = Source()
    tracker.run(source, lambda _: tracker.stop())
    assert (source.blocks, source.closed) == (1, 1)


def test_stop_while_nothing_is_found(tracker):
    """A source of blocks too short for a window must be left too."""

    def source():
        for count in itertools.count():
            if count == 5:
                tracker.stop()
            assert count < 7
            yield np.empty(0, np.float32)

    assert list(tracker.track(source())) == []


def test_stop_ends_track(tracker):
    emotions = tracker.track(Source())
    next(emotions)
    tracker.stop()
    assert list(emotions) == []


def test_stop_from_another_thread(tracker):
    seen, is_running = [], threading.Event()

    def sink(emotion):
        seen.append(emotion)
        is_running.set()

    source = Source()
    thread = threading.Thread(target=tracker.run, args=(source, sink), daemon=True)
    thread.start()
    assert is_running.wait(30)
    tracker.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert source.closed == 1
    assert len(seen) in (source.blocks, source.blocks - 1)


def test_stop_before_does_nothing(tracker):
    tracker.stop()
    assert len(list(tracker.track([np.full(640, 0.1, np.float32)]))) == 10


def test_stop_does_not_touch_process(tracker):
    tracker.stop()
    assert len(tracker.process(np.full(640, 0.1, np.float32))) == 10


def test_run_again_after_stop(tracker):
    first, second = [], []
    tracker.run(Source(), first.append, lambda e: e.time >= 2 and tracker.stop())
    tracker.run(Source(), second.append, lambda e: e.time >= 2 and tracker.stop())
    assert [e.time for e in second] == [0.5, 1.0, 1.5, 2.0]
    assert first == second


# ------------------------------------------------------------------------------------------------------- one model, two


def test_two_trackers_in_turn_do_not_disturb_each_other(model, music):
    pieces = [music(6, 11), music(6, 12)]
    trackers = [EmotionTracker(model), EmotionTracker(model)]
    found = [[], []]
    for pair in zip(cut(pieces[0], 3000), cut(pieces[1], 3000), strict=True):
        for emotions, tracker, block in zip(found, trackers, pair, strict=True):
            emotions += tracker.process(block)
    for emotions, piece in zip(found, pieces, strict=True):
        assert emotions == processed(EmotionTracker(model), cut(piece, 3000))


def test_two_trackers_in_two_threads_do_not_disturb_each_other(model, music):
    pieces = [music(6, 11), music(6, 12)]
    expected = [list(EmotionTracker(model, step=1000).track(cut(piece, 5000))) for piece in pieces]
    found, together = [[], []], threading.Barrier(2)

    def follow(index):
        together.wait(30)
        for _ in range(3):
            found[index].append(list(EmotionTracker(model, step=1000).track(cut(pieces[index], 5000))))

    threads = [threading.Thread(target=follow, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for runs, emotions in zip(found, expected, strict=True):
        assert len(runs) == 3
        for run in runs:
            assert_same(run, emotions)


# ---------------------------------------------------------------------------------------------- rate, stop, heartbeat


@pytest.fixture
def follower(model):
    return EmotionTracker(model)


class At:
    """A source of one rate that notes whether it is read."""

    def __init__(self, sample_rate):
        self.sample_rate = sample_rate
        self.is_read = False

    def __iter__(self):
        self.is_read = True
        return iter([np.zeros(11025, np.float32)])


def follow_in_background(tracker, source):
    with BackgroundTracker(tracker, source) as background:
        background.wait(timeout=30)


WAYS = {
    "run": lambda tracker, source: tracker.run(source),
    "track": lambda tracker, source: tracker.track(source),  # when it is called, not at the first next
    "atrack": lambda tracker, source: tracker.atrack(source),
    "background": BackgroundTracker,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_source_of_another_rate_is_refused(way, model):
    at_16_khz = EmotionTracker(replace(model, spec=replace(model.spec, sample_rate=16000)))
    source = At(22050)
    with pytest.raises(ValueError, match="yields audio at 22050 Hz but the model expects 16000 Hz; pass sample_rate="):
        WAYS[way](at_16_khz, source)
    assert not source.is_read


def test_an_answer_of_another_shape_is_refused():
    model = Scripted([])
    model.hear = lambda windows, times, is_silent: np.zeros(2 * len(windows))
    with pytest.raises(ValueError, match=r"hear must return shape \(3, 2\), got \(6,\)"):
        EmotionTracker(model).process(np.full(192, 0.1, np.float32))


def test_a_source_and_a_tracker_that_changed_places(follower):
    with pytest.raises(TypeError, match="tracker must be an EmotionTracker, got"):
        BackgroundTracker([np.zeros(10, np.float32)], follower)


def test_a_source_of_the_models_rate_or_none_is_taken(model):
    tracker = EmotionTracker(model)
    for source in (At(22050), At(22050.0), At(None), [np.zeros(11025, np.float32)]):
        assert len(list(tracker.track(source))) == 1
        follow_in_background(tracker, source)


@pytest.mark.slow
def test_files_at_the_models_rate_have_the_right_times(model, music, write_audio):
    """With a window of half a second at 16 kHz: ten seconds of a 44.1 kHz file are twenty windows."""
    other = replace(model, spec=replace(model.spec, sample_rate=16000, window_length=8000, n_fft=1488, hop_length=372,
                                        mel_basis=np.ones((128, 745), np.float32), fmax=8000.0))  # fmt: skip
    path = write_audio("song.wav", music(10.0, 0, 44_100), 44_100)
    assert [round(len(analyze(path, other).arc) / 2), analyze(path, other).duration] == [10, 10.0]


def test_stop_is_looked_at_before_every_block_and_emotion(follower, music):
    stop, asked, seen = threading.Event(), [], []

    def blocks():
        for number in range(5):
            asked.append(number)
            yield music(1.0)

    follower.run(blocks(), seen.append, lambda emotion: emotion.time >= 2.5 and stop.set(), stop=stop)
    assert [emotion.time for emotion in seen] == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert asked == [0, 1, 2]
    assert stop.is_set()  # it is the caller's own


def test_stop_that_is_set_before_the_start_reads_nothing(follower):
    stop, source = threading.Event(), At(22050)
    stop.set()
    asked = []
    follower.run((asked.append(n) for n in range(3)), stop=stop)
    assert asked == []
    assert list(follower.track(source, stop=stop)) == []


def test_stop_without_an_emotion_ends_the_stream(follower):
    """A source that yields empty blocks alone, as a microphone that is away."""
    stop, count = threading.Event(), itertools.count()

    def nothing():
        while True:
            if next(count) == 10:
                stop.set()
            yield np.empty(0, np.float32)

    follower.run(nothing(), stop=stop)
    assert next(count) == 11


def test_heartbeat_comes_after_each_block_and_its_emotions(follower, music):
    blocks, order = [music(0.7), Gap(100), music(1.2), np.empty(0, np.float32)], []
    follower.run(blocks, lambda emotion: order.append("emotion"), after_block=lambda block: order.append(block))
    assert [item if isinstance(item, str) else type(item).__name__ for item in order] == [
        "emotion", "ndarray", "Gap", "emotion", "emotion", "ndarray", "ndarray",
    ]  # fmt: skip
    assert [item for item in order if not isinstance(item, str)] == blocks


def test_adapter_is_at_the_models_rate(model):
    at_16_khz = replace(model, spec=replace(model.spec, sample_rate=16000))
    assert EmotionTracker(at_16_khz).adapter(48000, channels=2).sample_rate == 16000
    assert EmotionTracker(model).adapter(44100).sample_rate == 22050


# ------------------------------------------------------------------------------------------------------------ asyncio


def test_asyncio_gets_the_same_emotions(model, music):
    blocks = np.array_split(music(6.0), 7)

    async def gather():
        return [emotion async for emotion in EmotionTracker(model).atrack(blocks)]

    assert asyncio.run(gather()) == list(EmotionTracker(model).track(blocks))


def endless(closed):
    try:
        while True:
            yield np.full(11025, 0.1, np.float32)
    finally:
        closed.append(threading.current_thread())


@pytest.mark.parametrize("way", ["cancelled", "broken off", "closed"])
def test_asyncio_ends_the_thread_and_closes_the_source(way, follower):
    closed = []

    async def follow(has_begun):
        emotions = follower.atrack(endless(closed))
        count = 0
        async for _ in emotions:
            count += 1
            has_begun.set()
            if count == 3 and way == "broken off":
                break
            if count == 3 and way == "closed":
                await emotions.aclose()
        del emotions
        while not closed:  # what was left unfinished is closed by the loop
            await asyncio.sleep(0.01)

    async def main():
        has_begun = asyncio.Event()
        task = asyncio.create_task(follow(has_begun))
        if way == "cancelled":
            await asyncio.wait_for(has_begun.wait(), 30)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            await asyncio.wait_for(task, 30)

    asyncio.run(main())
    assert len(closed) == 1
    assert closed[0] is not threading.current_thread()
    closed[0].join(30)


def test_asyncio_may_be_cancelled_twice(follower):
    """The second time while the source is still busy."""
    closed, may_go, complaints = [], threading.Event(), []

    def slow():
        try:
            yield np.full(11025, 0.1, np.float32)
            may_go.wait(30)
            yield np.full(11025, 0.1, np.float32)
        finally:
            closed.append(True)

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        has_begun = asyncio.Event()

        async def follow():
            async for _ in follower.atrack(slow()):
                has_begun.set()

        task = asyncio.create_task(follow())
        await has_begun.wait()
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        may_go.set()
        while not closed:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # in which the thread reports its end to the loop

    asyncio.run(main())
    assert complaints == []


def test_asyncio_gets_the_error_after_the_emotions(follower, music):
    async def follow(seen):
        async for emotion in follower.atrack(itertools.chain([music(1.0)], map(fail, [1]))):
            seen.append(emotion.time)

    def fail(_):
        raise OSError("unplugged")

    seen = []
    with pytest.raises(OSError, match="unplugged"):
        asyncio.run(follow(seen))
    assert seen == [0.5, 1.0]


def test_asyncio_makes_the_source_wait_for_a_slow_loop(follower):
    asked = [threading.Event() for _ in range(100)]

    def source():
        for event in asked:
            event.set()
            yield np.full(11025, 0.1, np.float32)

    async def follow():
        async with aclosing(follower.atrack(source())) as emotions:
            await anext(emotions)
            has_filled_up = await asyncio.to_thread(asked[2].wait, 30)  # one is taken, one waits, one is in hand
            return has_filled_up, await asyncio.to_thread(asked[3].wait, 0.2)

    assert asyncio.run(follow()) == (True, False)

"""The context: the last seconds in 72 numbers, whatever the step; what enters it, and what empties it."""

from dataclasses import replace

import numpy as np
import plain_context
import pytest
from test_window_statistics import Oracle

from emodj_live import Context, EmotionTracker, FeatureExtractor, FeatureSpec, Gap

LENGTH, RATE = 11025, 22050
CLOSE = 2e-5


@pytest.fixture(scope="module")
def audio(music):
    """Twelve seconds with a pause in them."""
    return np.concatenate([music(6.2, 5), np.zeros(30_000, np.float32), music(4.5, 6)])


@pytest.fixture
def listener(context_model):
    return context_model.listener()


def cut(audio, step):
    """Return windows, the times of their ends, and which of them are silent."""
    windows = np.lib.stride_tricks.sliding_window_view(audio, LENGTH)[::step]
    times = (LENGTH + step * np.arange(len(windows))) / RATE
    return windows, times, np.sqrt((windows.astype(np.float64) ** 2).mean(axis=1)) < 1e-3


def features_of(spec, windows, times, is_silent):
    return Context(spec).features(FeatureExtractor(spec).describe(windows), times, is_silent)


def one_by_one(spec, windows, times, is_silent):
    extractor, context = FeatureExtractor(spec), Context(spec)
    rows = [slice(number, number + 1) for number in range(len(times))]
    return np.concatenate(
        [context.features(extractor.describe(windows[row]), times[row], is_silent[row]) for row in rows]
    )


# ---------------------------------------------------------------------------------------------------------- the numbers


@pytest.mark.parametrize("step", [LENGTH, 6615])
def test_the_72_follow_from_librosa(step, context_spec, audio, librosa):
    windows, times, is_silent = cut(audio, step)
    assert is_silent.any()
    heard = [Oracle(librosa, window, context_spec) for window in windows]
    found = features_of(context_spec, windows, times, is_silent)
    assert found.shape == (len(windows), 336)
    for number in range(len(windows)):
        inside = [heard[member] for member in plain_context.members(times, is_silent, number, 4.0)]
        quantities = ([getattr(one, name) for one in inside] for name in ("mfcc", "contrast", "chroma", "onset"))
        expected = plain_context.statistics(*quantities)
        np.testing.assert_allclose(found[number, 264:], expected, rtol=1e-4, atol=5e-3, err_msg=f"window {number}")


@pytest.mark.parametrize("step", [LENGTH, 2205, 5000, 6615, 15435, 30_000])
@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0, 4.0, 8.0])
def test_the_72_follow_from_the_windows(step, seconds, context_spec, audio):
    windows, times, is_silent = cut(audio, step)
    described = FeatureExtractor(context_spec).describe(windows)
    found = Context(replace(context_spec, context=seconds)).features(described, times, is_silent)
    for number in range(len(windows)):
        inside = plain_context.members(times, is_silent, number, seconds)
        expected = plain_context.from_sums(described[inside, 264:].astype(np.float64))
        np.testing.assert_allclose(found[number, 264:], expected, rtol=1e-5, atol=1e-4)


def test_the_mfccs_come_first(context_spec, audio):
    windows, times, is_silent = cut(audio, LENGTH)
    found = features_of(context_spec, windows, times, is_silent)
    np.testing.assert_array_equal(found[:, :264], FeatureExtractor(context_spec).extract(windows))


def test_a_flat_chroma_has_no_key(context_spec):
    silence = np.zeros((2, LENGTH), np.float32)
    found = features_of(context_spec, silence, np.array([0.5, 1.0]), np.array([True, True]))
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[:, 264 + 54 :], 0)


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(("third", "best"), [(4, 0), (3, 1)])
def test_chords_are_in_their_key(tonic, third, best, context_spec):
    time = np.arange(LENGTH) / RATE
    notes = 261.63 * 2 ** ((tonic + np.array([0, 0, third, 7])) / 12)
    chord = 0.1 * np.sin(2 * np.pi * np.outer(notes, time)).sum(axis=0).astype(np.float32)
    major_and_minor = features_of(context_spec, chord[np.newaxis], np.array([0.5]), np.array([False]))[
        0, 264 + 66 : 264 + 69
    ]
    assert major_and_minor[:2].argmax() == best
    assert major_and_minor[best] > 0.7
    assert major_and_minor[2] == pytest.approx(major_and_minor[0] - major_and_minor[1], abs=1e-6)


# ------------------------------------------------------------------------------------------------------- which windows


def test_answers_do_not_depend_on_the_step(context_model, audio):
    """Ten answers a second, every fifth of which is one of those twice a second: a pause in the music included."""
    dense = EmotionTracker(context_model, step=2205, smoothing=0).process(audio)[::5]
    sparse = EmotionTracker(context_model, step=LENGTH, smoothing=0).process(audio)
    assert [emotion.time for emotion in dense] == [emotion.time for emotion in sparse]
    assert [e.is_silent for e in dense] == [e.is_silent for e in sparse]
    answers = [[(e.raw_valence, e.raw_arousal) for e in emotions] for emotions in (dense, sparse)]
    np.testing.assert_allclose(*answers, rtol=0, atol=CLOSE)


@pytest.mark.parametrize(("step", "count"), [(2205, 8), (LENGTH, 8), (6615, 6), (15435, 6), (22050, 4), (100_000, 1)])
def test_how_many_windows_a_context_has(step, count, context_spec):
    """Of windows with distinct levels the mean tells how many went in: every 0.5, 0.6, 0.7, 1 or 4.5 s."""
    described, times = np.zeros((200, 332), np.float32), (LENGTH + step * np.arange(200)) / RATE
    described[:, 264] = np.arange(200)
    newest = Context(context_spec).features(described, times, np.zeros(200, bool))[-1, 264]
    apart = max(1, -(-LENGTH // step))
    assert newest == pytest.approx(199 - apart * (count - 1) / 2)


def test_the_beginning_has_what_there_is(context_spec):
    described, times = np.zeros((10, 332), np.float32), 0.5 * np.arange(1, 11)
    described[:, 264] = np.arange(10)
    means = Context(context_spec).features(described, times, np.zeros(10, bool))[:, 264]
    np.testing.assert_allclose(means, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4.5, 5.5])


def test_the_first_window_is_valid(context_spec, audio):
    windows, times, is_silent = cut(audio, LENGTH)
    first = features_of(context_spec, windows[:1], times[:1], is_silent[:1])
    assert np.isfinite(first).all()
    assert first[0, 264 + 69] == 0  # one window does not differ from itself
    np.testing.assert_array_equal(first, features_of(context_spec, windows, times, is_silent)[:1])


def test_silent_windows_get_an_answer_but_do_not_enter(context_spec, audio):
    windows = np.concatenate([audio[: 4 * LENGTH].reshape(4, LENGTH)] * 2)
    times = 0.5 * np.arange(1, 9)
    is_silent = np.array([False, True, True, False] * 2)
    found = features_of(context_spec, windows, times, is_silent)
    assert np.isfinite(found).all()
    heard = np.flatnonzero(~is_silent)
    np.testing.assert_allclose(found[heard], features_of(context_spec, windows[heard], times[heard], is_silent[heard]))
    other = windows.copy()
    other[is_silent] = 0
    np.testing.assert_array_equal(features_of(context_spec, other, times, is_silent)[heard], found[heard])
    assert (features_of(context_spec, other, times, is_silent)[is_silent] != found[is_silent]).any(axis=1).all()


def test_windows_before_a_long_pause_do_not_count(context_spec, audio):
    windows = audio[: 4 * LENGTH].reshape(4, LENGTH)
    times, is_silent = np.array([0.5, 1.0, 60.0, 60.5]), np.zeros(4, bool)
    found = features_of(context_spec, windows, times, is_silent)[2:]
    np.testing.assert_array_equal(found, features_of(context_spec, windows[2:], times[2:], is_silent[2:]))


@pytest.mark.parametrize("step", [LENGTH, 2205, 6615])
def test_one_by_one_is_the_same_as_together(step, context_spec, audio):
    windows, times, is_silent = cut(audio, step)
    together = features_of(context_spec, windows, times, is_silent)
    np.testing.assert_allclose(one_by_one(context_spec, windows, times, is_silent), together, rtol=1e-6, atol=1e-4)


def test_no_windows(context_spec, context_model, listener):
    nothing = np.empty((0, 332), np.float32)
    assert Context(context_spec).features(nothing, np.empty(0), np.empty(0, bool)).shape == (0, 336)
    assert listener.hear(np.empty((0, LENGTH), np.float32), np.empty(0), np.empty(0, bool)).shape == (0, 2)


def test_without_a_context_the_features_are_the_mfccs(model, audio):
    windows, times, is_silent = cut(audio, LENGTH)
    found = features_of(model.spec, windows, times, is_silent)
    np.testing.assert_array_equal(found, FeatureExtractor(model.spec).extract(windows))


# ----------------------------------------------------------------------------------------------------------- forgetting


def test_reset_forgets(context_spec, audio):
    windows, times, is_silent = cut(audio, LENGTH)
    described, context = FeatureExtractor(context_spec).describe(windows), Context(context_spec)
    first = context.features(described, times, is_silent)
    context.reset()
    np.testing.assert_array_equal(context.features(described, times, is_silent), first)


@pytest.mark.parametrize("lost", [1, RATE // 10, 10 * RATE])
def test_gap_empties_the_context(lost, context_model, audio):
    first, second = audio[: 5 * LENGTH], audio[5 * LENGTH : 9 * LENGTH]
    tracker = EmotionTracker(context_model, smoothing=0)
    tracker.process(first)
    tracker.process(Gap(lost))
    found = tracker.process(second)
    afresh = EmotionTracker(context_model, smoothing=0).process(second)
    values = [[(e.raw_valence, e.raw_arousal) for e in emotions] for emotions in (found, afresh)]
    np.testing.assert_allclose(*values, rtol=0, atol=CLOSE)
    without_gap = EmotionTracker(context_model, smoothing=0).process(audio[: 9 * LENGTH])[5:]
    assert abs(without_gap[0].raw_arousal - found[0].raw_arousal) > 100 * CLOSE


def test_listeners_do_not_hear_each_other(context_model, audio):
    windows, times, is_silent = cut(audio, LENGTH)
    alone = context_model.listener().hear(windows, times, is_silent)
    one, other = context_model.listener(), context_model.listener()
    for row in (slice(number, number + 1) for number in range(len(times))):
        other.hear(windows[:1], times[row], is_silent[row])
        np.testing.assert_allclose(one.hear(windows[row], times[row], is_silent[row]), alone[row], rtol=0, atol=CLOSE)


@pytest.mark.parametrize("together", [1, 7, 1000])
@pytest.mark.parametrize("is_silent", [False, True])
def test_memory_is_bounded(together, is_silent, context_spec):
    """Hours at ten windows a second: kept is what lies within four seconds, and the windows that came together."""
    context = Context(context_spec)
    described, silent = np.zeros((together, 332), np.float32), np.full(together, is_silent)
    for start in range(0, 2000, together):
        context.features(described, 0.1 * np.arange(start, start + together), silent)
    assert len(context._times) == len(context._rows) == len(context._is_silent) <= 40 + 64


def test_descriptors_of_another_shape(context_spec):
    for shape in ((264,), (1, 264), (1, 336)):
        with pytest.raises(ValueError, match=r"descriptors must have shape \(n, 332\)"):
            Context(context_spec).features(np.zeros(shape, np.float32), np.array([0.5]), np.array([False]))


# ---------------------------------------------------------------------------------------------------------------- specs


def test_context_is_four_seconds_by_default(context_spec):
    assert FeatureSpec(context_spec.mel_basis).context == 4.0
    assert (context_spec.n_coefficients, context_spec.n_descriptors, context_spec.n_features) == (264, 332, 336)


@pytest.mark.parametrize("context", [-1, 61, 0.4, np.nan, np.inf, True, "4", None])
def test_contexts_that_cannot_be(context, context_spec):
    with pytest.raises(ValueError, match="^context must be (a number from 0 to 60|0 or at least as long as a window)"):
        replace(context_spec, context=context)


@pytest.mark.parametrize(
    "changes",
    [
        {"sample_rate": 8000, "window_length": 4000, "fmax": 4000.0},
        {"sample_rate": 12800, "window_length": 6400, "fmax": 6400.0},
        {"n_fft": 128},
        {"n_mels": 19},
    ],
    ids=["8 kHz", "no top band", "wide bins", "few filters"],
)
def test_specs_that_have_no_statistics(changes, librosa):
    values = {"sample_rate": RATE, "n_fft": 2048, "n_mels": 128, "fmax": 11025.0} | changes
    basis = np.ones((values["n_mels"], 1 + values["n_fft"] // 2), np.float32)
    with pytest.raises(ValueError, match="^a context needs a sample_rate above 12800, bins no wider than 100 Hz and"):
        FeatureSpec(basis, **values)
    assert FeatureSpec(basis, context=0, **values).n_features > 0


@pytest.mark.parametrize(
    "changes",
    [
        {"sample_rate": 16000, "window_length": 8000, "fmax": 8000.0},
        {"sample_rate": 12801, "window_length": 6400, "fmax": 6400.0},
        {"sample_rate": 44100, "fmax": 22050.0},
        {"n_fft": 222, "n_mels": 20},
        {"n_mels": 20, "n_mfcc": 20},
        {"n_mfcc": 40},
        {"window_length": 512},
    ],
    ids=str,
)
def test_other_specs_work(changes, librosa):
    values = {"sample_rate": RATE, "n_fft": 2048, "n_mels": 128, "fmax": 11025.0} | changes
    basis = librosa.filters.mel(
        sr=values["sample_rate"], n_fft=values["n_fft"], n_mels=values["n_mels"], fmax=values["fmax"]
    )
    spec = FeatureSpec(basis, **values)
    windows = 0.1 * np.random.default_rng(0).standard_normal((20, spec.window_length)).astype(np.float32)
    times = 0.5 * np.arange(1, 21)
    found = features_of(spec, windows, times, np.zeros(20, bool))
    assert found.shape == (20, spec.n_mfcc * spec.n_frames + 72)
    assert np.isfinite(found).all()
    assert (found.std(axis=0)[spec.n_coefficients : -1] > 0).all()  # of the last, two frames have but one rise

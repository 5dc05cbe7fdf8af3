"""Features: librosa is the oracle, and neither company nor history may change a window's numbers."""

import numpy as np
import pytest

from emodj_live import FeatureExtractor, FeatureSpec

LENGTH = 11025
RATE = 22050


def noise(seed=0):
    return np.random.default_rng(seed).standard_normal(LENGTH)


def speech():
    """Return noise with formants, opening and closing four times a second."""
    spectrum = np.fft.rfft(noise(3))
    frequency = np.fft.rfftfreq(LENGTH, 1 / RATE)
    formants = [
        np.exp(-(((frequency - center) / width) ** 2)) for center, width in [(500, 150), (1500, 250), (2500, 350)]
    ]
    voice = np.fft.irfft(spectrum * sum(formants), LENGTH)
    opening = np.sin(2 * np.pi * 4 * np.arange(LENGTH) / RATE).clip(0) ** 2
    return 0.5 * voice / np.abs(voice).max() * opening


def sweep():
    time = np.arange(LENGTH) / RATE
    return 0.8 * np.sin(2 * np.pi * (30 * time + (11000 - 30) * time**2))


def impulse(at):
    window = np.zeros(LENGTH)
    window[at] = 1.0
    return window


SOUNDS = {
    "white noise": lambda: 0.3 * noise(),
    "speech": speech,
    "sweep": sweep,
    "sine": lambda: 0.5 * np.sin(2 * np.pi * 440 * np.arange(LENGTH) / RATE),
    "first sample": lambda: impulse(0),
    "impulse in the middle": lambda: impulse(LENGTH // 2),
    "last sample": lambda: impulse(LENGTH - 1),
    "DC": lambda: np.full(LENGTH, 0.25),
    "clipped": lambda: (20 * sweep()).clip(-1, 1),
    "square at full scale": lambda: np.where(np.arange(LENGTH) // 50 % 2, 1.0, -1.0),
    "-90 dBFS": lambda: 10 ** (-90 / 20) * noise(),
    "one 16-bit step": lambda: np.round(noise()) / 32768,
    "half silent": lambda: np.where(np.arange(LENGTH) < LENGTH // 2, 0.0, 0.3 * noise()),
    "silence": lambda: np.zeros(LENGTH),
}


@pytest.fixture(scope="module")
def oracle(librosa):
    """Return what librosa makes of a window."""
    return lambda window: librosa.feature.mfcc(y=np.asarray(window, np.float32), sr=RATE, n_mfcc=12)


@pytest.fixture
def extractor(spec):
    return FeatureExtractor(spec)


@pytest.fixture(scope="module")
def windows(music):
    """Windows of many kinds in one batch."""
    made = [make() for make in SOUNDS.values()]
    return np.concatenate([music(5, 3).reshape(-1, LENGTH), np.array(made)]).astype(np.float32)


def assert_equals_librosa(features, mfcc):
    assert features.dtype == np.float32
    assert features.shape == (264,)
    np.testing.assert_allclose(features, mfcc.ravel(), rtol=0, atol=1e-3)


@pytest.mark.parametrize("sound", SOUNDS)
def test_equal_to_librosa(sound, extractor, oracle):
    window = SOUNDS[sound]().astype(np.float32)
    assert_equals_librosa(extractor.extract(window), oracle(window))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_equal_to_librosa_on_music(seed, extractor, oracle, music):
    for window in music(4, seed).reshape(-1, LENGTH):
        assert_equals_librosa(extractor.extract(window), oracle(window))


@pytest.mark.parametrize("gain_db", [-60, -20, 20])
def test_equal_to_librosa_at_any_level(gain_db, extractor, oracle, music):
    window = music(4, 1)[:LENGTH] * np.float32(10 ** (gain_db / 20))
    assert_equals_librosa(extractor.extract(window), oracle(window))


def test_float64_windows_give_the_same(extractor, oracle):
    window = speech()
    assert window.dtype == np.float64
    features = extractor.extract(window)
    assert_equals_librosa(features, oracle(window))
    np.testing.assert_array_equal(features, extractor.extract(window.astype(np.float32)))


def test_strided_windows_give_the_same(extractor):
    window = speech().astype(np.float32)
    both = np.stack([window, noise().astype(np.float32)], axis=1)
    np.testing.assert_array_equal(extractor.extract(both[:, 0]), extractor.extract(window))
    np.testing.assert_array_equal(extractor.extract(both.T), np.stack([extractor.extract(row) for row in both.T]))


def test_coefficient_major_order(extractor, oracle, music):
    window = music(4, 2)[:LENGTH]
    mfcc = oracle(window)
    assert mfcc.shape == (12, 22)
    features = extractor.extract(window)
    for coefficient, frame in [(0, 0), (0, 21), (1, 0), (5, 7), (11, 21)]:
        assert features[22 * coefficient + frame] == pytest.approx(mfcc[coefficient, frame], abs=1e-3)
    assert np.abs(features - mfcc.T.ravel()).max() > 1  # the other order would not have passed


@pytest.mark.parametrize("size", [0, 1, 2, 7, 16, 17])
def test_batch_equals_single_windows(size, extractor, windows):
    features = extractor.extract(windows[:size])
    assert features.shape == (size, 264)
    assert features.dtype == np.float32
    for row, window in zip(features, windows, strict=False):
        np.testing.assert_array_equal(row, extractor.extract(window))


def test_order_and_company_do_not_matter(extractor, windows):
    order = np.random.default_rng(0).permutation(len(windows))
    np.testing.assert_array_equal(extractor.extract(windows[order]), extractor.extract(windows)[order])


@pytest.mark.parametrize("before", ["white noise", "clipped", "silence", "DC"])
def test_earlier_windows_leave_no_trace(before, spec, windows):
    used = FeatureExtractor(spec)
    used.extract(SOUNDS[before]().astype(np.float32))
    for window in windows:
        np.testing.assert_array_equal(used.extract(window), FeatureExtractor(spec).extract(window))


@pytest.mark.parametrize("chosen", [0, slice(3)], ids=["one", "batch"])
def test_result_is_the_callers_own(chosen, extractor, windows):
    first = extractor.extract(windows[chosen])
    kept = first.copy()
    extractor.extract(windows[::-1][chosen])
    np.testing.assert_array_equal(first, kept)


def test_window_is_left_as_it_was(extractor, windows):
    window = windows[0].copy()
    extractor.extract(window)
    np.testing.assert_array_equal(window, windows[0])


def test_two_extractors_may_share_a_spec(spec, windows):
    one, other = FeatureExtractor(spec), FeatureExtractor(spec)
    expected = one.extract(windows)
    for window, row in zip(windows, expected, strict=True):
        other.extract(windows[0])
        np.testing.assert_array_equal(one.extract(window), row)


def test_floor_is_relative_to_the_loudest_bin_of_the_same_window(extractor):
    """A loud window in the same batch does not raise a quiet one's floor."""
    quiet = SOUNDS["-90 dBFS"]().astype(np.float32)
    loud = SOUNDS["square at full scale"]().astype(np.float32)
    np.testing.assert_array_equal(extractor.extract(np.stack([loud, quiet]))[1], extractor.extract(quiet))


def test_only_the_first_coefficient_moves_with_the_level(extractor):
    window = 0.05 * noise()
    quiet, loud = extractor.extract(window).reshape(12, 22), extractor.extract(10 * window).reshape(12, 22)
    np.testing.assert_allclose(loud[0] - quiet[0], 20 * np.sqrt(128), atol=1e-2)
    np.testing.assert_allclose(loud[1:], quiet[1:], atol=1e-2)


@pytest.mark.parametrize(
    "shape", [(), (0,), (LENGTH - 1,), (LENGTH + 1,), (2, LENGTH - 1), (LENGTH, 2), (1, 1, LENGTH), (0, 5)]
)
def test_wrong_shapes(shape, extractor):
    with pytest.raises(ValueError, match="11025"):
        extractor.extract(np.zeros(shape, np.float32))


def test_spec_is_emodjs_by_default(spec):
    assert spec.parameters() == {
        "sample_rate": 22050,
        "window_length": 11025,
        "n_fft": 2048,
        "hop_length": 512,
        "n_mels": 128,
        "n_mfcc": 12,
        "fmin": 0.0,
        "fmax": 11025.0,
        "amin": 1e-10,
        "top_db": 80.0,
        "context": 0.0,
    }
    assert spec.n_frames == 22
    assert spec.n_features == 264


def test_spec_refuses_a_mel_basis_of_another_shape():
    with pytest.raises(ValueError, match=r"\(128, 1025\), got \(128, 1024\)"):
        FeatureSpec(np.zeros((128, 1024), np.float32))


def test_spec_cannot_be_changed(spec):
    with pytest.raises(AttributeError):
        spec.n_mfcc = 13


@pytest.mark.parametrize(
    "changes",
    [
        {"n_mfcc": 20},
        {"n_mels": 40},
        {"hop_length": 1024},
        {"n_fft": 1024},
        {"window_length": 16000, "sample_rate": 16000, "fmax": 8000.0},
        {"top_db": 40.0},
        {"amin": 1e-5},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_spec_is_obeyed(changes, librosa):
    values = {"sample_rate": RATE, "n_fft": 2048, "n_mels": 128, "fmax": 11025.0} | changes
    basis = librosa.filters.mel(
        sr=values["sample_rate"], n_fft=values["n_fft"], n_mels=values["n_mels"], fmax=values["fmax"]
    )
    spec = FeatureSpec(basis, **values)
    window = np.random.default_rng(5).standard_normal(spec.window_length).astype(np.float32)
    window *= np.linspace(0, 0.1, spec.window_length, dtype=np.float32) ** 4
    power = librosa.feature.melspectrogram(
        y=window,
        sr=spec.sample_rate,
        n_fft=spec.n_fft,
        hop_length=spec.hop_length,
        n_mels=spec.n_mels,
        fmax=spec.fmax,
        pad_mode="constant",
    )
    decibels = librosa.power_to_db(power, amin=spec.amin, top_db=spec.top_db)
    expected = librosa.feature.mfcc(S=decibels, n_mfcc=spec.n_mfcc)
    assert expected.shape == (spec.n_mfcc, spec.n_frames)
    np.testing.assert_allclose(FeatureExtractor(spec).extract(window), expected.ravel(), rtol=0, atol=1e-3)


@pytest.mark.parametrize("n_mels", [1, 2, 7, 8, 9])
def test_few_mel_filters(n_mels, spec):
    basis = spec.mel_basis[64 : 64 + n_mels]
    few = FeatureExtractor(FeatureSpec(basis, n_mels=n_mels, n_mfcc=1, context=0))
    window = 0.1 * noise()
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(window, 1024), 2048)[::512]
    power = np.abs(np.fft.rfft(frames * np.hanning(2049)[:-1])) ** 2
    decibels = 10 * np.log10(power @ basis.T.astype(np.float64))
    np.testing.assert_allclose(few.extract(window), decibels.sum(axis=1) / np.sqrt(n_mels), rtol=0, atol=1e-3)


def test_a_mel_filter_without_weight_counts_as_silent(spec):
    basis = spec.mel_basis.copy()
    basis[:32] = 0
    features = FeatureExtractor(FeatureSpec(basis)).extract(0.1 * noise())
    assert np.isfinite(features).all()

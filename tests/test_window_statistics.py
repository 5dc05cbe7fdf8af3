"""What one window adds to a context: every quantity that librosa knows is librosa's, on the window alone."""

import numpy as np
import pytest
from test_features import LENGTH, SOUNDS, noise

from emodj_live import FeatureExtractor, FeatureSpec
from emodj_live.window_statistics import (
    CHROMA,
    MEANS,
    N_STATISTICS,
    ONSET,
    VARIANCES,
    WindowStatistics,
    chroma_filters,
    contrast_bands,
    inner_frames,
)

RATES = {22050: 11025, 16000: 8000, 44100: 22050, 12900: 6450, 25600: 12800}  # at 25.6 kHz bins are bands' edges
ALL = {
    **SOUNDS,
    "very quiet": lambda: 1e-4 * noise(),
    "music": None,
    "quiet music": None,
}


@pytest.fixture(scope="module", params=RATES)
def any_spec(request, librosa):
    """Features with a context at several sample rates."""
    rate = request.param
    basis = librosa.filters.mel(sr=rate, n_fft=2048, n_mels=128)
    return FeatureSpec(basis, sample_rate=rate, window_length=RATES[rate], fmax=rate / 2)


@pytest.fixture(scope="module")
def sounds(music):
    """Windows by name."""
    made = {name: make() for name, make in ALL.items() if make}
    made |= {"music": music(4, 1)[LENGTH : 2 * LENGTH], "quiet music": 1e-3 * music(4, 1)[LENGTH : 2 * LENGTH]}
    return {name: sound.astype(np.float32) for name, sound in made.items()}


class Oracle:
    """What librosa says about the inner frames of a window, a frame in a column."""

    def __init__(self, librosa, window, spec):
        window = window.astype(np.float64)  # in float32 its spectrum would have a floor of its own
        rate, self.inner = spec.sample_rate, inner_frames(spec.window_length, spec.n_fft, spec.hop_length)
        spectrum = np.abs(librosa.stft(window, n_fft=spec.n_fft, hop_length=spec.hop_length, pad_mode="constant"))
        mel = librosa.feature.melspectrogram(S=spectrum**2, sr=rate, n_mels=spec.n_mels, fmax=spec.fmax)
        decibels = librosa.power_to_db(mel)
        spectrum = spectrum[:, self.inner]
        self.mfcc = librosa.feature.mfcc(S=decibels, n_mfcc=20)[:, self.inner]
        self.contrast = librosa.feature.spectral_contrast(S=spectrum, sr=rate)
        self.chroma = librosa.feature.chroma_stft(S=spectrum**2, sr=rate, n_fft=spec.n_fft, tuning=0)
        self.onset = librosa.onset.onset_strength(S=decibels[:, self.inner], sr=rate, center=False)[1:]


@pytest.mark.parametrize("sound", ALL)
def test_each_quantity_is_librosas(sound, sounds, any_spec, librosa):
    window = np.resize(sounds[sound], any_spec.window_length)
    expected = Oracle(librosa, window, any_spec)
    statistics = FeatureExtractor(any_spec).describe(window)[any_spec.n_coefficients :]
    assert statistics.shape == (N_STATISTICS,) == (68,)
    both = np.concatenate([expected.mfcc, expected.contrast])
    np.testing.assert_allclose(statistics[MEANS], both.mean(axis=1), rtol=0, atol=2e-3)
    np.testing.assert_allclose(statistics[VARIANCES], both.var(axis=1), rtol=1e-3, atol=2e-3)
    np.testing.assert_allclose(statistics[CHROMA], expected.chroma.mean(axis=1), rtol=0, atol=1e-4)
    np.testing.assert_allclose(statistics[ONSET], [expected.onset.mean(), expected.onset.std()], rtol=0, atol=1e-3)


@pytest.mark.parametrize("sound", ["music", "sine", "white noise", "silence"])
def test_each_frame_is_librosas(sound, sounds, any_spec, librosa):
    window = np.resize(sounds[sound], any_spec.window_length)
    expected, inner = Oracle(librosa, window, any_spec), inner_frames(any_spec.window_length, 2048, 512)
    spectrum = librosa.stft(window.astype(np.float64), pad_mode="constant")
    power = np.ascontiguousarray((np.abs(spectrum) ** 2).T[inner], np.float32)
    statistics = WindowStatistics(any_spec.sample_rate, any_spec.window_length, 2048, 512)
    np.testing.assert_allclose(statistics.contrast(power), expected.contrast.T, rtol=0, atol=1e-3)
    np.testing.assert_allclose(statistics.chroma(power), expected.chroma.T, rtol=0, atol=1e-4)


@pytest.mark.parametrize("rate", [*RATES, 8000, 48000])
@pytest.mark.parametrize("n_fft", [512, 2048, 4096])
def test_chroma_filters_are_librosas(rate, n_fft, librosa):
    expected = librosa.filters.chroma(sr=rate, n_fft=n_fft, tuning=0)
    np.testing.assert_allclose(chroma_filters(rate, n_fft), expected, rtol=0, atol=1e-6)


def test_bands_do_not_overlap_and_begin_at_the_bottom():
    bands = [bins for bins, _ in contrast_bands(22050, 2048)]
    assert bands[0].start == 0
    assert [bins.stop for bins in bands[:-1]] == [bins.start for bins in bands[1:]]
    assert bands[-1].stop == 1025


@pytest.mark.parametrize(
    ("shape", "frames"),
    [
        ((11025, 2048, 512), (2, 20)),
        ((8000, 2048, 512), (2, 14)),
        ((4096, 2048, 1024), (1, 4)),
        ((2048, 2048, 512), (0, 5)),  # one frame is too few for a rise
        ((1000, 2048, 512), (0, 2)),
    ],
)
def test_inner_frames(shape, frames):
    window_length, n_fft, hop_length = shape
    inner = inner_frames(*shape)
    assert (inner.start, inner.stop) == frames
    if inner.start:
        assert inner.start * hop_length - n_fft // 2 >= 0
        assert (inner.stop - 1) * hop_length + n_fft // 2 <= window_length


def test_a_window_shorter_than_a_transform_has_all_its_frames(librosa):
    basis = librosa.filters.mel(sr=22050, n_fft=2048, n_mels=128)
    spec = FeatureSpec(basis, window_length=1000)
    described = FeatureExtractor(spec).describe(noise()[:1000].astype(np.float32))
    assert described.shape == (spec.n_descriptors,)
    assert np.isfinite(described).all()
    assert described[spec.n_coefficients :][ONSET][0] > 0


def test_zeros_around_the_window_are_no_onset(sounds, spec):
    """A steady tone has no onset, though the frames at the window's ends rise from nothing and fall to it."""
    statistics = FeatureExtractor(FeatureSpec(spec.mel_basis)).describe(sounds["sine"])[spec.n_coefficients :]
    assert statistics[ONSET].max() < 0.01


def test_batch_equals_single_windows(sounds, spec):
    extractor = FeatureExtractor(FeatureSpec(spec.mel_basis))
    windows = np.stack(list(sounds.values()))
    described = extractor.describe(windows)
    for row, window in zip(described, windows, strict=True):
        np.testing.assert_array_equal(row, extractor.describe(window))


def test_description_begins_with_the_mfccs(sounds, spec):
    extractor, windows = FeatureExtractor(FeatureSpec(spec.mel_basis)), np.stack(list(sounds.values()))
    np.testing.assert_array_equal(extractor.describe(windows)[:, :264], extractor.extract(windows))
    np.testing.assert_array_equal(extractor.extract(windows), FeatureExtractor(spec).extract(windows))


def test_without_a_context_the_description_is_the_mfccs(sounds, spec):
    extractor = FeatureExtractor(spec)
    np.testing.assert_array_equal(extractor.describe(sounds["music"]), extractor.extract(sounds["music"]))


def test_wrong_shape(spec):
    with pytest.raises(ValueError, match="windows must have 11025 samples each"):
        FeatureExtractor(FeatureSpec(spec.mel_basis)).describe(np.zeros(11024, np.float32))

"""A program's own audio: arrays of any number format, interleaved or not, and bytes."""

import array
import io

import numpy as np
import pytest

from emodj_live import Adapter, EmotionTracker, FileSource, StreamSource
from emodj_live.blocks import checked

SUBTYPES = {"int16": "PCM_16", "int32": "PCM_32", "uint8": "PCM_U8", "float32": "FLOAT", "float64": "DOUBLE"}


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 441, 5000, 10**6])
@pytest.mark.parametrize(
    ("dtype", "rate", "channels"), [("int16", 44100, 2), ("float32", 48000, 1), ("int16", 22050, 1)]
)
def test_adapter_says_what_the_file_says(size, dtype, rate, channels, model, music, write_audio):
    audio = music(1.2 if size == 1 else 3.0, 5, rate)
    path = write_audio("song.wav", np.stack([audio, 0.5 * audio][:channels], axis=1), rate, subtype=SUBTYPES[dtype])
    check_adapter(path, dtype, rate, channels, size, model)


@pytest.mark.parametrize("dtype", SUBTYPES)
def test_adapter_takes_every_format(dtype, model, music, write_audio):
    path = write_audio("song.wav", music(2.0, 5, 32000), 32000, subtype=SUBTYPES[dtype])
    check_adapter(path, dtype, 32000, 1, 777, model)


def check_adapter(path, dtype, rate, channels, size, model):
    frames = frames_of(path, dtype)
    assert frames.dtype == dtype
    expected = list(EmotionTracker(model).track(FileSource(path)))
    adapter, tracker = Adapter(rate), EmotionTracker(model)
    blocks = [adapter.process(frames[start : start + size]) for start in range(0, len(frames), size)]
    blocks.append(adapter.flush())
    found = [emotion for block in blocks for emotion in tracker.process(block)]
    np.testing.assert_allclose(np.concatenate(blocks), np.concatenate(list(FileSource(path))), rtol=0, atol=1e-6)
    assert [emotion.time for emotion in found] == [emotion.time for emotion in expected]
    for one, two in zip(found, expected, strict=True):
        assert one.valence == pytest.approx(two.valence, abs=1e-4)
        assert one.arousal == pytest.approx(two.arousal, abs=1e-4)


def frames_of(path, dtype):
    import soundfile

    if dtype == "uint8":  # which soundfile cannot give
        return np.frombuffer(path.read_bytes()[44:], np.uint8)[: soundfile.info(path).frames]
    return soundfile.read(path, dtype=dtype)[0]


def test_adapter_without_its_flush_would_be_short(music):
    adapter = Adapter(44100)
    samples = adapter.process(music(1.0, 0, 44100))
    assert len(samples) < 22050
    assert len(samples) + len(adapter.flush()) == 22050


def test_adapter_starts_afresh_after_a_flush_or_reset(music):
    adapter = Adapter(44100)

    def once(frames):
        return np.concatenate([adapter.process(frames), adapter.flush()])

    first = once(music(1.0, 0, 44100))
    once(np.zeros((44100, 2), np.int16))
    adapter.process(music(1.0, 1, 44100))
    adapter.reset()
    np.testing.assert_array_equal(once(music(1.0, 0, 44100)), first)


@pytest.mark.parametrize(
    ("frames", "error", "message"),
    [
        (np.zeros(4, np.int64), TypeError, "int64"),
        (np.zeros(4, np.uint16), TypeError, "uint16"),
        (np.zeros(4, bool), TypeError, "bool"),
        (np.zeros(4, complex), TypeError, "complex128"),
        (["a", "b"], TypeError, "<U1"),
        (np.float32(1), ValueError, r"got \(\)"),
        (np.zeros((2, 3, 4), np.float32), ValueError, r"got \(2, 3, 4\)"),
        (np.zeros((2, 512), np.int16), ValueError, r"got \(2, 512\)"),
        (np.zeros((2, 0), np.int16), ValueError, r"got \(2, 0\)"),
        (np.array([0, np.nan]), ValueError, "NaN, infinity or huge"),
        (np.array([0, 1e300]), ValueError, "NaN, infinity or huge"),
        (np.full(4, 20000.0), ValueError, "NaN, infinity or huge"),
    ],
)
def test_adapter_refuses(frames, error, message):
    with pytest.raises(error, match=message):
        Adapter(44100).process(frames)


def test_adapter_forgets_what_it_refused():
    adapter = Adapter(22050)
    with pytest.raises(TypeError):
        adapter.process(np.zeros((4, 2), bool))
    assert len(adapter.process(np.zeros(4, np.int16))) == 4


def test_adapter_refuses_other_channels_on_the_way():
    adapter = Adapter(44100)
    adapter.process(np.zeros((10, 2), np.float32))
    with pytest.raises(ValueError, match="2 channels, got 1"):
        adapter.process(np.zeros(10, np.float32))


@pytest.mark.parametrize("rate", [0, -1, 5, 2e6, float("nan"), float("inf"), "44100", True, None])
def test_adapter_refuses_rates(rate):
    with pytest.raises(ValueError, match=f"input_rate .* got {rate!r}"):
        Adapter(rate)
    with pytest.raises(ValueError, match=f"sample_rate .* got {rate!r}"):
        Adapter(44100, sample_rate=rate)


@pytest.mark.parametrize("channels", [0, -1, 65, 2.0, True, "2"])
def test_adapter_refuses_channels(channels):
    with pytest.raises(ValueError, match=f"channels must be an integer from 1 to 64, got {channels!r}"):
        Adapter(44100, channels=channels)


# ------------------------------------------------------------------------------------------------ flat audio and bytes


@pytest.fixture
def stereo(music):
    """Two seconds of two channels that differ, as int16."""
    return (np.stack([music(2.0, 3, 44100), 0.3 * music(2.0, 4, 44100)], axis=1) * 32767).astype(np.int16)


def converted(adapter, blocks):
    return np.concatenate([*map(adapter.process, blocks), adapter.flush()])


@pytest.mark.parametrize("size", [2, 882, 10**6])
def test_flat_audio_is_interleaved(size, stereo):
    """As mono it would be twice as long and an octave too low."""
    frames = stereo[:3000] if size == 2 else stereo
    expected, flat = converted(Adapter(44100), [frames]), frames.ravel()
    blocks = [flat[start : start + size] for start in range(0, len(flat), size)]
    np.testing.assert_allclose(converted(Adapter(44100, channels=2), blocks), expected, atol=1e-6)
    assert len(expected) == len(frames) // 2


def test_flat_audio_without_channels_is_mono(stereo):
    assert len(converted(Adapter(44100), [stereo[:, 0]])) == 44100
    assert len(converted(Adapter(44100, channels=1), [stereo[:, 0]])) == 44100


def test_flat_audio_in_an_odd_number_is_refused(stereo):
    adapter = Adapter(44100, channels=2)
    with pytest.raises(ValueError, match="interleaved frames of 2 channels cannot have 3 samples"):
        adapter.process(stereo.ravel()[:3])
    assert len(converted(adapter, [stereo])) == 44100  # and leaves nothing behind


def test_channels_that_were_promised_are_kept(stereo):
    adapter = Adapter(44100, channels=2)
    for _ in range(2):
        with pytest.raises(ValueError, match="frames must have 2 channels, got 1"):
            adapter.process(stereo[:, :1])
        adapter.reset()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda data: memoryview(array.array("B", data))])
@pytest.mark.parametrize("size", [1, 3, 4, 1000, 10**6])
def test_bytes_in_any_pieces(size, kind, stereo):
    frames = stereo[:500] if size < 10 else stereo
    expected = converted(Adapter(44100), [frames])
    data = frames.astype("<i2").tobytes()
    blocks = [kind(data[start : start + size]) for start in range(0, len(data), size)]
    adapter = Adapter(44100, channels=2, format="s16le")
    np.testing.assert_allclose(converted(adapter, blocks), expected, atol=1e-6)
    assert len(converted(adapter, [kind(data[:-1])])) == pytest.approx(len(expected), abs=1)
    assert len(converted(adapter, [kind(data)])) == len(expected)  # the incomplete frame is forgotten


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("name", ["s16", "s24", "s32", "f32", "f64"])
def test_bytes_say_what_the_stream_says(name, order, stereo, write_audio):
    subtype = {"s16": "PCM_16", "s24": "PCM_24", "s32": "PCM_32", "f32": "FLOAT", "f64": "DOUBLE"}[name]
    endian = {"le": "LITTLE", "be": "BIG"}[order]
    stereo = stereo / 32768
    data = write_audio("song.raw", stereo, 44100, format="RAW", subtype=subtype, endian=endian).read_bytes()
    expected = np.concatenate(list(StreamSource(io.BytesIO(data), raw=f"44100:2:{name}{order}")))
    found = converted(Adapter(44100, channels=2, format=name + order), [data])
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("frames", [b"1234", bytearray(4), memoryview(b"1234")])
def test_bytes_need_a_format(frames):
    with pytest.raises(TypeError, match=r"bytes need a sample format; say which, .* format='s16le'"):
        Adapter(44100, channels=2).process(frames)


def test_format_needs_bytes():
    with pytest.raises(TypeError, match="an adapter with a format takes bytes, got ndarray"):
        Adapter(44100, format="s16le").process(np.zeros(4, np.int16))


def test_format_that_does_not_exist():
    with pytest.raises(ValueError, match="unknown sample format 's16'; use one of u8, s16le, "):
        Adapter(44100, format="s16")


def test_bytes_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="NaN, infinity or huge"):
        Adapter(44100, format="f32le").process(np.float32([0, np.nan]).tobytes())


@pytest.mark.parametrize("rate", [1000, 8000, 22050, 44100])
def test_absurd_audio_gives_blocks_that_a_tracker_accepts(rate):
    """A resampler overshoots."""
    adapter, signs = Adapter(rate), np.random.default_rng(0).choice(np.float32([-999, 999]), 20_000)
    found = [adapter.process(block) for block in np.split(np.repeat(signs, 3), 100)] + [adapter.flush()]
    assert max(np.abs(checked(block)).max(initial=0) for block in found) > 990

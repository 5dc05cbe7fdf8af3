"""Files: every format against decoding and resampling it in one go, odd and broken ones, and what is left behind."""

import gc
import io
import itertools
import logging
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from emodj_live import FileSource, Gap, SourceError
from emodj_live.blocks import checked, status_of
from emodj_live.sources import decoder as decoder_module
from emodj_live.sources import file as file_module
from emodj_live.sources import parts as parts_module

RATE = 22050
FORMATS = {
    "wav": {"subtype": "PCM_16"},
    "flac": {},
    "ogg": {"format": "OGG", "subtype": "VORBIS"},
    "opus": {"format": "OGG", "subtype": "OPUS"},
    "mp3": {},
    "aiff": {},
    "au": {},
}
RATES = [8000, 16_000, 22_050, 44_100, 48_000, 192_000]
LOSSLESS = ("wav", "flac", "aiff", "au")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Read short files in many blocks and pieces too; ``monkeypatch.undo()`` gives back their real sizes."""
    monkeypatch.setattr(parts_module, "_BLOCK_SAMPLES", 10_007)
    monkeypatch.setattr(decoder_module, "_PIECE_FRAMES", 4001)


def can_hold(name, rate, channels):
    return (
        name in (*LOSSLESS, "ogg")
        or (name == "opus" and rate in (8000, 16_000, 48_000))
        or (name == "mp3" and rate <= 48_000 and channels <= 2)
    )


KINDS = [kind for kind in itertools.product(FORMATS, RATES, (1, 2, 8)) if can_hold(*kind)]


def channels_of(samples, count):
    """Return channels that differ, so that a mix shows which of them went in."""
    gains = np.linspace(1, -0.4, count, dtype=np.float32)
    return np.stack([gain * np.roll(samples, 37 * channel) for channel, gain in enumerate(gains)], axis=1)


def read(source):
    """Return all samples of a source, gaps left out."""
    blocks = [block.copy() for block in source if not isinstance(block, Gap)]
    for block in blocks:
        assert block.dtype == np.float32
        assert block.ndim == 1
    return np.concatenate([np.empty(0, np.float32), *blocks])


def in_one_go(path, rate=RATE):
    """Return the same by decoding the whole file, mixing it, and resampling the whole mix."""
    frames, file_rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = frames.mean(axis=1)
    return mono if file_rate == rate else soxr.resample(mono, file_rate, rate, quality="HQ")


def assert_equal(found, expected):
    assert len(found) == len(expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


# ---------------------------------------------------------------------------------------------------------- sound files


@pytest.mark.parametrize(("name", "rate", "count"), KINDS)
def test_every_kind_equals_decoding_in_one_go(name, rate, count, music, write_audio):
    samples = channels_of(music(1.3, 1)[: int(1.25 * RATE)], count)  # its own rate does not matter here
    path = write_audio(f"song.{name}", samples, rate, **FORMATS[name])
    source = FileSource(path)
    found = read(source)
    assert (source.input_rate, source.channels) == (rate, count)
    assert_equal(found, in_one_go(path))
    if name in LOSSLESS:
        assert abs(len(found) - len(samples) * RATE / rate) <= 2
        assert source.length == pytest.approx(len(samples) / rate)
    assert np.abs(found).max() > 0.01


@pytest.mark.parametrize("rate", [22_050, 16_000, 44_100])
def test_another_output_rate(rate, music, write_audio):
    path = write_audio("song.wav", music(2.0), 44_100)
    assert_equal(read(FileSource(path, sample_rate=rate)), in_one_go(path, rate))


def test_samples_pass_unchanged_at_the_same_rate(music, write_audio):
    path = write_audio("song.wav", music(2.0), subtype="FLOAT")
    np.testing.assert_array_equal(read(FileSource(path)), music(2.0))


def test_channels_are_averaged(write_audio):
    frames = np.tile(np.array([[0.8, -0.2, 0.3]], np.float32), (1000, 1))
    np.testing.assert_allclose(read(FileSource(write_audio("three.wav", frames, subtype="FLOAT"))), 0.3, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1e-9, 0.003, 0.1, 0.77, 60.0])
@pytest.mark.parametrize(
    ("name", "rate", "count"), [("wav", 44_100, 2), ("mp3", 44_100, 2), ("flac", 8000, 1), ("wav", RATE, 1)]
)
def test_block_size_changes_nothing(name, rate, count, seconds, music, write_audio, monkeypatch):
    samples = channels_of(music(0.4 if seconds < 0.001 else 2.0, 2), count)
    path = write_audio(f"song.{name}", samples, rate, **FORMATS[name])
    monkeypatch.undo()
    expected = read(FileSource(path))
    monkeypatch.setattr(parts_module, "_BLOCK_SAMPLES", max(1, round(seconds * 44_100)))
    assert_equal(read(FileSource(path)), expected)


@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_blocks_may_be_kept(rate, music, write_audio):
    """``np.concatenate(list(source))`` is what anybody would write."""
    path = write_audio("song.wav", music(3.0), rate, subtype="FLOAT")
    assert_equal(np.concatenate(list(FileSource(path))), in_one_go(path))


def test_iterating_twice_gives_the_same(music, write_audio):
    source = FileSource(write_audio("song.mp3", music(2.0), 44_100), start=0.3)
    np.testing.assert_array_equal(read(source), read(source))


def test_two_readers_do_not_disturb_each_other(music, write_audio):
    source = FileSource(write_audio("song.ogg", music(3.0), 44_100))
    pairs = [(one.copy(), two.copy()) for one, two in zip(source, source, strict=True)]
    assert len(pairs) > 5
    for found in zip(*pairs, strict=True):
        np.testing.assert_array_equal(np.concatenate(found), read(source))


def test_title_is_what_the_file_says(tmp_path, music):
    path = tmp_path / "track 01.flac"
    soundfile.write(path, music(1.0), RATE)
    assert FileSource(path).title == "track 01.flac"
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        file.title, file.artist = "Blue", "Somebody"
        file.write(music(1.0))
    assert FileSource(path).title == "Somebody - Blue"


def id3_frame(name, text):
    return name + len(text).to_bytes(4, "big") + b"\0\0" + text


def tagged(raw, *frames):
    """Return an mp3 with an ID3v2.3 tag before it."""
    tag = b"".join(frames)
    return b"ID3\3\0\0" + bytes(len(tag) >> shift & 127 for shift in (21, 14, 7, 0)) + tag + raw


def test_title_of_an_mp3_with_a_picture(music, write_audio):
    path = write_audio("song.mp3", music(1.0))
    picture = id3_frame(b"APIC", b"\0image/png\0\3\0" + bytes(5_000_000))
    names = id3_frame(b"TPE1", b"\0Somebody"), id3_frame(b"TIT2", b"\0Blue")
    path.write_bytes(tagged(path.read_bytes(), picture, *names))
    assert FileSource(path).title == "Somebody - Blue"


MEMORY = """
import sys
from emodj_live import FileSource
source = FileSource(sys.argv[1])
samples = sum(len(block) for block in source)
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(samples, int(peak) // 1024, source.title[:20], len(source.title))
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux")  # noqa: PTH110
@pytest.mark.parametrize(("size", "title"), [(20 << 20, "song.mp3"), (8_000_000, "ä" * 20)])
def test_memory_of_an_enormous_tag(size, title, music, write_audio, run_python):
    path = write_audio("song.mp3", music(1.0))
    path.write_bytes(tagged(path.read_bytes(), id3_frame(b"TIT2", b"\0" + b"\xe4" * size)))
    samples, peak, found, length = run_python(MEMORY, path).stdout.split()
    assert (int(samples), found) == (RATE, title)
    assert int(peak) < 150  # [MB]
    assert int(length) <= 200


def test_status_says_where_it_is(music, write_audio):
    source = FileSource(write_audio("song.wav", music(3.0), 44_100), start=0.5, duration=1.0)
    assert status_of(source) == source.status()
    length = pytest.approx(len(music(3.0)) / 44_100)
    assert (source.status().length, source.status().is_length_exact) == (length, True)
    assert (source.status().input_rate, source.status().channels) == (44_100, 1)
    assert source.position == source.status().position == 0.5
    seen = 0.5
    for block in source:
        seen += 0 if isinstance(block, Gap) else len(block) / RATE
        assert source.position == pytest.approx(seen)
    assert seen == pytest.approx(1.5, abs=1e-3)
    assert not FileSource(write_audio("song.mp3", music(1.0))).status().is_length_exact


def test_path_may_be_a_string(music, write_audio):
    path = write_audio("song.wav", music(1.0))
    np.testing.assert_array_equal(read(FileSource(str(path))), read(FileSource(path)))


# ------------------------------------------------------------------------------------------------------------------ mp3


def mp3_frames(raw):
    """Return where each frame of an mp3 begins and ends."""
    spans, at = [], 0
    while raw[at : at + 1] == b"\xff" and raw[at + 1] & 0xE6 == 0xE2:
        version, rates = raw[at + 1] >> 3 & 3, [44_100, 48_000, 32_000]
        is_mpeg1 = version == 3
        kilobits = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
        if not is_mpeg1:
            kilobits = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
        rate = rates[raw[at + 2] >> 2 & 3] // {3: 1, 2: 2, 0: 4}[version]
        length = (144 if is_mpeg1 else 72) * 1000 * kilobits[raw[at + 2] >> 4] // rate + (raw[at + 2] >> 1 & 1)
        spans.append((at, at + length))
        at += length
    assert at == len(raw)
    return spans


@pytest.fixture
def write_mp3(tmp_path):
    """``write_mp3(samples, rate, with_length=True, **how)`` -> path and the number of frames in it."""

    def write(samples, rate=44_100, *, with_length=True, **how):
        path = tmp_path / "song.mp3"
        channels = 1 if samples.ndim == 1 else samples.shape[1]
        with soundfile.SoundFile(path, "w", rate, channels, format="MP3", **how) as file:
            file.write(samples)
        raw = path.read_bytes()
        spans = mp3_frames(raw)
        header = raw[: spans[0][1]]
        assert b"Xing" in header or b"Info" in header
        path.write_bytes(raw if with_length else raw[spans[1][0] :])
        return path, len(spans) - 1

    return write


def loud_then_quiet(loud, quiet, rate=44_100):
    random = np.random.default_rng(0)
    parts = [random.uniform(-1, 1, round(loud * rate)), 1e-4 * random.standard_normal(round(quiet * rate))]
    return np.concatenate(parts).astype(np.float32)


VARIABLE = {"bitrate_mode": "VARIABLE", "compression_level": 0.3}
CONSTANT = {"bitrate_mode": "CONSTANT", "compression_level": 0.3}


def clicks(seconds, rate):
    """Return hits over a quiet tone: frames of very unequal size, which borrow from those before them."""
    random = np.random.default_rng(0)
    samples = 0.05 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    for start in range(0, len(samples) - 600, 9000):
        samples[start : start + 600] += random.uniform(-1, 1, 600) * np.linspace(1, 0, 600)
    return samples.astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.3, 0.7])
@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT"])
@pytest.mark.parametrize(("rate", "count"), [(RATE, 1), (44_100, 1), (44_100, 2)])
def test_mp3_in_blocks_equals_the_whole(rate, count, mode, level, write_mp3, capfd):
    """Guards `Decoder`: soundfile's own seeks between blocks would spoil the decoding.

    Whether somebody sought the start before reading changes how mpg123 rounds at 22050 Hz, by 1e-7.
    """
    path, _ = write_mp3(channels_of(clicks(6, rate), count), rate, bitrate_mode=mode, compression_level=level)
    found = read(FileSource(path, sample_rate=rate))
    np.testing.assert_allclose(found, in_one_go(path, rate), rtol=0, atol=5e-7)
    assert capfd.readouterr() == ("", "")


def test_mp3_keeps_its_length(music, write_mp3):
    path, _ = write_mp3(music(3.0))
    assert len(read(FileSource(path, sample_rate=44_100))) == len(music(3.0))


@pytest.mark.slow
@pytest.mark.parametrize(("loud", "quiet"), [(3, 30), (10, 20)])
@pytest.mark.parametrize(("rate", "frame"), [(44_100, 1152), (RATE, 576)])
def test_mp3_of_unknown_length_is_read_to_its_end(rate, frame, loud, quiet, write_mp3, capfd):
    """Guards `_View`: libsndfile guesses the length from the first frames, which are the largest here."""
    path, count = write_mp3(loud_then_quiet(loud, quiet, rate), rate, with_length=False, **VARIABLE)
    assert soundfile.info(path).frames < 0.6 * count * frame  # else this would prove nothing
    found = read(FileSource(path, sample_rate=rate))
    assert len(found) == count * frame
    middle = loud * rate
    assert np.abs(found[: middle - 5000]).mean() > 0.3
    assert np.abs(found[middle + 5000 :]).max() < 0.01
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_mp3_with_sound_beyond_the_guessed_end(write_mp3, music):
    """What lies beyond the guess must be the music itself, in the right place."""
    samples = np.concatenate([loud_then_quiet(3, 12), music(4.0, 3, 44_100)])
    path, _ = write_mp3(samples, **VARIABLE)
    expected = read(FileSource(path, sample_rate=44_100))  # with its length, and so without the encoder's delay
    path, _ = write_mp3(samples, with_length=False, **VARIABLE)
    found = read(FileSource(path, sample_rate=44_100))
    delay = 1105  # LAME's 576 and the decoder's 529
    np.testing.assert_allclose(found[delay:][: len(expected)], expected, rtol=0, atol=1e-3)


@pytest.mark.slow
def test_mp3_of_unknown_length_may_start_beyond_the_guess(write_mp3):
    path, count = write_mp3(loud_then_quiet(3, 30), with_length=False, **VARIABLE)
    source = FileSource(path, sample_rate=44_100, start=25.0)
    assert source.length < 20
    assert len(read(source)) == count * 1152 - 25 * 44_100


def ape_tag(size):
    """Return an APE tag with one item, as mp3gain and foobar2000 write it behind the audio."""
    value = np.random.default_rng(1).integers(32, 127, size).astype(np.uint8).tobytes()
    item = struct.pack("<2I", size, 0) + b"Comment\0" + value
    length = struct.pack("<3I", 2000, len(item) + 32, 1)
    header, footer = (b"APETAGEX" + length + struct.pack("<I", flags) + bytes(8) for flags in (0xA0000000, 0x80000000))
    return header + item + footer


ID3V1 = b"TAG" + b"Blue".ljust(125, b" ")


class Interrupted(io.FileIO):
    """A file that lets itself be read a few times and then raises."""

    def __init__(self, path, reads, error):
        super().__init__(path)
        self.reads, self.error = reads, error

    def readinto(self, buffer):
        """Read, or raise."""
        self.reads -= 1
        if self.reads < 0:
            raise self.error
        return super().readinto(buffer)


@pytest.mark.slow
@pytest.mark.parametrize("reads", [0, 1, 3, 6, 10, 50])
@pytest.mark.parametrize(
    ("error", "expected"),
    [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(5, "Input/output error"), SourceError)],
    ids=["interrupt", "bad disk"],
)
def test_error_in_a_decoders_callback_is_not_the_end(error, expected, reads, write_mp3, monkeypatch):
    """Through Python libsndfile reads only what has to be read endlessly; nothing can be raised through it."""
    path, _ = write_mp3(loud_then_quiet(1, 8), with_length=False, **VARIABLE)
    source = FileSource(path)
    monkeypatch.setattr(file_module, "_open", lambda path: Interrupted(path, reads, error))
    with pytest.raises(expected):
        read(source)


@pytest.mark.slow
@pytest.mark.parametrize("with_length", [True, False])
@pytest.mark.parametrize(
    "tail",
    [ID3V1, ape_tag(10), ape_tag(5000), ape_tag(100_000), ape_tag(5000) + ID3V1],
    ids=["ID3v1", "small APE", "APE", "large APE", "APE and ID3v1"],
)
def test_mp3_with_tags_at_its_end(tail, with_length, music, write_mp3):
    path, _ = write_mp3(music(4.0), with_length=with_length, **CONSTANT)
    expected = read(FileSource(path, sample_rate=44_100))
    path.write_bytes(path.read_bytes() + tail)
    np.testing.assert_array_equal(read(FileSource(path, sample_rate=44_100)), expected)


def noise(size, seed=0):
    """Return bytes among which there may be a frame's header, but no two that fit together."""
    return np.random.default_rng(seed).bytes(size)


@pytest.mark.slow
@pytest.mark.parametrize("size", [5000, 50_000])
@pytest.mark.parametrize("junk", [bytes, noise], ids=["zeros", "noise"])
@pytest.mark.parametrize("with_length", [True, False])
def test_mp3_with_junk_at_its_end(with_length, junk, size, music, write_mp3, caplog):
    path, _ = write_mp3(music(4.0), with_length=with_length, **CONSTANT)
    expected = read(FileSource(path, sample_rate=44_100))
    path.write_bytes(path.read_bytes() + junk(size))
    np.testing.assert_array_equal(read(FileSource(path, sample_rate=44_100)), expected)
    assert_lost(path, size, caplog)


def place_of(part, whole):
    """Return where in some audio a part of it begins."""
    length = 1 << (len(whole) + len(part)).bit_length()
    spectra = [np.fft.rfft(audio, length) for audio in (whole, part)]
    place = int(np.fft.irfft(spectra[0] * spectra[1].conj()).argmax())
    np.testing.assert_allclose(whole[place : place + len(part)], part, atol=2e-3)
    return place


def assert_lost(path, size, caplog):
    """Of what cannot be decoded, the size is reported; mpg123 looks through one kilobyte of it."""
    reported = [int(record.getMessage().split()[1]) for record in caplog.records]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: {lost} bytes could not be decoded." for lost in reported
    ]
    assert reported == ([pytest.approx(size, abs=1500)] if size > 8192 else [])


@pytest.mark.slow
@pytest.mark.parametrize("junk", [bytes(3000), noise(3000), noise(200_000)], ids=["zeros", "noise", "much noise"])
@pytest.mark.parametrize("with_length", [True, False])
def test_mp3_with_junk_in_its_middle(with_length, junk, write_mp3, caplog):
    path, _ = write_mp3(clicks(6, 44_100), with_length=with_length, **CONSTANT)
    whole = read(FileSource(path, sample_rate=44_100))
    raw = path.read_bytes()
    middle = mp3_frames(raw)[-100][0]
    path.write_bytes(raw[:middle] + junk + raw[middle:])
    found = read(FileSource(path, sample_rate=44_100))
    assert len(whole) - 5 * 1152 < len(found) <= len(whole) + 2 * 1152  # a frame needs those before it
    np.testing.assert_allclose(found[: 50 * 1152], whole[: 50 * 1152], atol=1e-6)
    late = whole[-90 * 1152 : -5000]
    assert place_of(late, found) == pytest.approx(len(found) - 90 * 1152, abs=5 * 1152)
    assert_lost(path, len(junk), caplog)


@pytest.mark.parametrize("size", [100, 70_000])
def test_mp3_with_a_tag_at_its_beginning(size, music, write_mp3):
    path, _ = write_mp3(music(2.0))
    expected = read(FileSource(path))
    tag = b"ID3\4\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + bytes(size)
    path.write_bytes(tag + path.read_bytes())
    np.testing.assert_array_equal(read(FileSource(path)), expected)


@pytest.mark.parametrize("part", [0.15, 0.5, 0.9])
@pytest.mark.parametrize("with_length", [True, False])
def test_truncated_mp3_gives_what_there_is(with_length, part, music, write_mp3):
    path, _ = write_mp3(music(4.0), with_length=with_length, **CONSTANT)
    whole = read(FileSource(path, sample_rate=44_100))
    raw = path.read_bytes()
    path.write_bytes(raw[: int(part * len(raw))])
    found = read(FileSource(path, sample_rate=44_100))
    assert abs(len(found) - part * len(whole)) < 4000
    np.testing.assert_array_equal(found[:-4000], whole[: len(found) - 4000])


# --------------------------------------------------------------------------------------------------------- joined files


def id3v2(size):
    return b"ID3\4\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + bytes(size)


BETWEEN = {
    "nothing": b"",
    "ID3v1": ID3V1,
    "ID3v2": id3v2(100_000),
    "APE and ID3v1": ape_tag(3000) + ID3V1,
    "ID3v1 and ID3v2": ID3V1 + id3v2(300),
    "two ID3v2": id3v2(5000) + id3v2(70_000),
    "zeros": bytes(2000),
}


@pytest.fixture
def join(music, write_mp3):
    """``join(between=b"", with_lengths=(True, True, True), rates=...)`` -> path and the sound of each part."""

    def join(between=b"", with_lengths=(True, True, True), rates=(44_100,) * 3):
        sounds, raw = [], []
        for seed, (with_length, rate) in enumerate(zip(with_lengths, rates, strict=True)):
            path, _ = write_mp3(music(2.0 + seed, seed, rate), rate, with_length=with_length, **CONSTANT)
            sounds.append(read(FileSource(path, sample_rate=rate)))
            raw.append(path.read_bytes())
        path.write_bytes(between.join(raw))
        return path, sounds

    return join


@pytest.mark.slow
@pytest.mark.parametrize("between", BETWEEN)
def test_joined_mp3s_are_read_to_the_end(between, join, caplog):
    """Each part says how long it is, and libsndfile ends where the first one says."""
    path, sounds = join(BETWEEN[between])
    np.testing.assert_allclose(read(FileSource(path, sample_rate=44_100)), np.concatenate(sounds), atol=1e-6)
    assert not caplog.records


@pytest.mark.slow
@pytest.mark.parametrize("between", ["nothing", "two ID3v2", "zeros"])
@pytest.mark.parametrize("with_lengths", [(False,) * 3, (True, False, True), (False, True, False)])
def test_joined_mp3s_that_do_not_say_their_length(with_lengths, between, join, caplog):
    path, sounds = join(BETWEEN[between], with_lengths)
    found = read(FileSource(path, sample_rate=44_100))
    assert len(found) == pytest.approx(sum(map(len, sounds)), abs=4 * 1152)  # frames at the seams
    np.testing.assert_allclose(found[:80_000], sounds[0][:80_000], atol=1e-6)
    for sound, begin in zip(sounds, np.cumsum([0, *map(len, sounds)]), strict=False):
        assert place_of(sound[5000:-5000], found) == pytest.approx(begin + 5000, abs=4 * 1152)
    assert not caplog.records


@pytest.mark.slow
def test_joined_mp3s_of_different_rates(join):
    path, sounds = join(rates=(44_100, 22_050, 48_000))
    source = FileSource(path, sample_rate=44_100)
    expected = [
        soxr.resample(sound, rate, 44_100) for sound, rate in zip(sounds, (44_100, 22_050, 48_000), strict=True)
    ]
    assert source.input_rate == 44_100
    np.testing.assert_allclose(read(source), np.concatenate(expected), atol=1e-3)


@pytest.mark.slow
def test_joined_mp3s_of_different_channels(music, write_mp3):
    raw, sounds = [], []
    for count in (2, 1, 2):
        path, _ = write_mp3(channels_of(music(2.0, count, 44_100), count), **CONSTANT)
        raw.append(path.read_bytes())
        sounds.append(read(FileSource(path, sample_rate=44_100)))
    path.write_bytes(b"".join(raw))
    source = FileSource(path, sample_rate=44_100)
    assert {frames.shape[1] for frames in source.frames()} == {2}
    np.testing.assert_allclose(read(source), np.concatenate(sounds), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ogg", "opus"])
@pytest.mark.parametrize("sizes", [(2, 3, 4), (0.3, 0.2, 5), (6, 0.1, 0.1)])
def test_chained_ogg_is_read_to_its_end(sizes, name, music, write_audio, caplog):
    rate, paths = 48_000, []
    for seed, seconds in enumerate(sizes):
        paths.append(write_audio(f"{seed}.{name}", music(seconds, seed, rate), rate, **FORMATS[name]))
    expected = [read(FileSource(path, sample_rate=rate)) for path in paths]
    joined = paths[0].with_name(f"joined.{name}")
    joined.write_bytes(b"".join(path.read_bytes() for path in paths))
    np.testing.assert_allclose(read(FileSource(joined, sample_rate=rate)), np.concatenate(expected), atol=1e-6)
    assert not caplog.records


def test_link_of_an_ogg_that_cannot_be_decoded_is_left_out_and_reported(music, write_audio, caplog):
    paths = [write_audio(f"{seed}.ogg", music(2.0, seed), **FORMATS["ogg"]) for seed in range(3)]
    expected = [read(FileSource(path)) for path in paths]
    raw = [path.read_bytes() for path in paths]
    joined = paths[0].with_name("joined.ogg")
    joined.write_bytes(raw[0] + raw[1].replace(b"vorbis", b"vorbix") + raw[2])
    np.testing.assert_allclose(read(FileSource(joined)), np.concatenate([expected[0], expected[2]]), atol=1e-6)
    assert_lost(joined, len(raw[1]), caplog)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mp3", "ogg"])
@pytest.mark.parametrize("start", [1.0, 2.0, 2.5, 4.9, 5.5, 8.5])
def test_start_in_a_later_part(start, kind, join, music, write_audio):
    if kind == "mp3":
        path, _ = join()
    else:
        paths = [write_audio(f"{n}.ogg", music(2.0 + n, n, 44_100), 44_100, **FORMATS["ogg"]) for n in range(3)]
        path = paths[0].with_name("joined.ogg")
        path.write_bytes(b"".join(part.read_bytes() for part in paths))
    whole = read(FileSource(path, sample_rate=44_100))
    gap, *blocks = FileSource(path, sample_rate=44_100, start=start)
    first = round(start * 44_100)
    assert gap == Gap(first)
    found = np.concatenate(blocks)
    assert len(found) == len(whole) - first
    np.testing.assert_allclose(found[8000:], whole[first + 8000 :], atol=1e-3)
    part = read(FileSource(path, sample_rate=44_100, start=start, duration=0.4))
    np.testing.assert_array_equal(part, found[: round(0.4 * 44_100)])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mp3", "ogg"])
def test_start_beyond_the_last_part(kind, join, music, write_audio):
    path = join()[0] if kind == "mp3" else write_audio("song.ogg", music(9.0), **FORMATS["ogg"])
    if kind == "ogg":
        path.write_bytes(2 * path.read_bytes())
    with pytest.raises(SourceError, match="ends before 19 s; choose an earlier start"):
        read(FileSource(path, start=19.0))


def test_duration_across_parts(join):
    path, sounds = join()
    whole = np.concatenate(sounds)
    np.testing.assert_allclose(read(FileSource(path, sample_rate=44_100, duration=4.0)), whole[: 4 * 44_100], atol=1e-6)


@pytest.mark.slow
def test_what_only_looks_like_frames_ends(write_mp3, music):
    """The search for a part is bounded, whatever the file."""
    path, _ = write_mp3(music(2.0), **CONSTANT)
    expected = read(FileSource(path))
    path.write_bytes(path.read_bytes() + b"\xff\xfb\x90\x64" * 400_000)
    np.testing.assert_allclose(read(FileSource(path)), expected, atol=1e-6)


# ------------------------------------------------------------------------------------------------------- odd and broken


def with_data_size(path, size):
    """Let a wav say another size, as those do that were written as a stream."""
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, 4, min(size + 36, 0xFFFFFFFF))
    struct.pack_into("<I", raw, raw.index(b"data") + 4, size)
    path.write_bytes(raw)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 10**9])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_wav_that_claims_to_be_longer(size, subtype, music, write_audio):
    path = write_audio("song.wav", music(2.0), subtype=subtype)
    expected = read(FileSource(path))
    with_data_size(path, size)
    np.testing.assert_array_equal(read(FileSource(path)), expected)


def test_wav_that_claims_to_be_empty_is_no_error(music, write_audio):
    """Some recorders leave a 0; libsndfile believes it. What matters is that it does not go wrong in another way."""
    path = write_audio("song.wav", music(2.0))
    with_data_size(path, 0)
    assert len(read(FileSource(path))) in (0, len(music(2.0)))


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
@pytest.mark.parametrize("count", [1, 2])
def test_wav_cut_off(count, cut, music, write_audio):
    frames = channels_of(music(2.0), count)
    path = write_audio("song.wav", frames, subtype="PCM_16")
    whole = read(FileSource(path))
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2 + cut])
    found = read(FileSource(path))
    assert len(found) == (len(raw) // 2 + cut - 44) // (2 * count)
    np.testing.assert_array_equal(found, whole[: len(found)])


@pytest.mark.parametrize("claimed", [0, 10**8])
def test_flac_with_another_length_in_its_header(claimed, music, write_audio):
    path = write_audio("song.flac", music(2.0))
    expected = read(FileSource(path))
    raw = bytearray(path.read_bytes())
    struct.pack_into(">I", raw, 22, claimed)  # the lower 32 of 36 bits; 0 means unknown
    path.write_bytes(raw)
    source = FileSource(path)
    np.testing.assert_array_equal(read(source), expected)
    assert claimed or source.length is None


@pytest.mark.parametrize("part", [0.02, 0.6])
def test_flac_cut_off_gives_what_there_is_and_says_so(part, music, write_audio):
    path = write_audio("song.flac", music(4.0))
    expected = read(FileSource(path))
    raw = path.read_bytes()
    path.write_bytes(raw[: int(part * len(raw))])
    blocks = [np.empty(0, np.float32)]
    with pytest.raises(SourceError, match=r"decoding failed at this point: .*\.$"):
        blocks.extend(block.copy() for block in FileSource(path))
    found = np.concatenate(blocks)
    assert len(found) > (part - 0.25) * len(expected)
    np.testing.assert_array_equal(found, expected[: len(found)])


@pytest.mark.parametrize("name", ["ogg", "opus", "aiff", "au"])
def test_others_cut_off_give_what_there_is(name, music, write_audio):
    rate = 24_000 if name == "opus" else RATE
    path = write_audio(f"song.{name}", music(4.0), rate, **FORMATS[name])
    expected = read(FileSource(path, sample_rate=rate))
    raw = path.read_bytes()
    path.write_bytes(raw[: int(0.6 * len(raw))])
    found = read(FileSource(path, sample_rate=rate))
    assert 0.2 * len(expected) < len(found) < 0.8 * len(expected)
    np.testing.assert_allclose(found[:-2000], expected[: len(found) - 2000], atol=1e-6)


@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_samples_that_are_not_finite_become_zero_and_are_reported_once(rate, music, write_audio, caplog):
    frames = channels_of(music(3.0), 2)
    frames[1000, 0] = np.nan
    frames[30_000, 1] = np.inf
    frames[60_000] = -np.inf
    clean = np.where(np.isfinite(frames), frames, 0)
    expected = read(FileSource(write_audio("clean.wav", clean, rate, subtype="FLOAT")))
    source = FileSource(write_audio("odd.wav", frames, rate, subtype="FLOAT"))
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read(source), expected)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.name.startswith("emodj_live")
    assert "4 samples were not finite" in record.getMessage()
    assert str(source.path) in record.getMessage()


def test_a_good_file_is_not_reported(music, write_audio, caplog):
    read(FileSource(write_audio("song.wav", music(1.0))))
    assert not caplog.records


@pytest.mark.parametrize("value", [1000.0, -1000.0, 1e30, 3e38])
@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_samples_beyond_reason_become_zero(rate, value, music, write_audio, caplog):
    """Finite garbage, of which a resampler would make infinities."""
    frames = channels_of(music(1.0), 2)
    frames[5000:5010] = 0
    expected = read(FileSource(write_audio("clean.wav", frames, rate, subtype="FLOAT")))
    frames[5000:5010] = value
    np.testing.assert_array_equal(read(FileSource(write_audio("odd.wav", frames, rate, subtype="FLOAT"))), expected)
    (record,) = caplog.records
    assert "20 samples were not finite or absurdly large" in record.getMessage()


def test_samples_beyond_full_scale_are_kept(music, write_audio):
    loud = np.concatenate([8 * music(1.0), np.array([999, -999], np.float32)])
    np.testing.assert_array_equal(read(FileSource(write_audio("loud.wav", loud, subtype="FLOAT"))), loud)


@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_infinities_that_meet_in_one_frame_are_silence(rate, music, write_audio, caplog):
    frames = channels_of(music(1.0), 2)
    frames[[5000, 6000]] = 0
    expected = read(FileSource(write_audio("clean.wav", frames, rate, subtype="FLOAT")))
    frames[5000], frames[6000] = (np.inf, -np.inf), (3e38, 3e38)
    np.testing.assert_array_equal(read(FileSource(write_audio("odd.wav", frames, rate, subtype="FLOAT"))), expected)
    assert "4 samples were not finite" in caplog.text


@pytest.mark.parametrize(("rate", "count"), [(1000, 1), (RATE, 8), (44_100, 2), (192_000, 1)])
def test_absurd_audio_gives_blocks_that_a_tracker_accepts(rate, count, write_audio):
    """A resampler overshoots, and a mean of the largest samples may be rounded up."""
    largest = np.nextafter(np.float32(1000), np.float32(0))
    signs = np.random.default_rng(0).choice(np.float32([-1, 1]), (20_000, 1))
    frames = np.repeat(largest * np.repeat(signs, 3, axis=0), count, axis=1)
    found = [checked(block) for block in FileSource(write_audio("absurd.wav", frames, rate, subtype="FLOAT"))]
    assert np.abs(np.concatenate(found)).max() > 900


@pytest.mark.parametrize(("name", "subtype"), [("wav", "PCM_16"), ("flac", "PCM_16"), ("aiff", "FLOAT")])
@pytest.mark.parametrize("rate", [1, 5, 999, 1_000_001])
def test_rate_that_no_audio_has(rate, name, subtype, write_audio):
    """A resampler from 1 Hz would take gigabytes."""
    if name == "flac" and rate > 655_350:
        pytest.skip("flac cannot say that")
    path = write_audio(f"odd.{name}", np.zeros(100), 44_100, subtype=subtype)
    with_rate(path, rate)
    assert_cannot_be_opened(path, f"unsupported format: 1 channel at {rate} Hz; convert it")


def with_rate(path, rate):
    """Let a file say another rate."""
    raw = bytearray(path.read_bytes())
    if path.suffix == ".wav":
        struct.pack_into("<I", raw, 24, rate)
    elif path.suffix == ".flac":
        (bits,) = struct.unpack_from(">Q", raw, 18)
        struct.pack_into(">Q", raw, 18, bits & (1 << 44) - 1 | rate << 44)
    else:
        at = raw.index(b"COMM") + 16
        exponent = rate.bit_length() - 1
        raw[at : at + 10] = struct.pack(">HQ", 16383 + exponent, rate << 63 - exponent)
    path.write_bytes(raw)


@pytest.mark.parametrize("rate", [0, -1, 999, 2e6, float("nan"), True, "44100"])
def test_output_rate_out_of_range(rate, music, write_audio):
    with pytest.raises(ValueError, match=f"sample_rate .* got {rate!r}"):
        FileSource(write_audio("song.wav", music(1.0)), sample_rate=rate)


@pytest.mark.parametrize(("name", "rate"), [("wav", RATE), ("wav", 44_100), ("aiff", 8000), ("au", RATE)])
def test_file_without_samples_gives_none(name, rate, write_audio):
    source = FileSource(write_audio(f"nothing.{name}", np.empty(0, np.float32), rate))
    assert len(read(source)) == 0
    assert source.length is None


@pytest.mark.parametrize("length", [1, 2, 10, 100])
@pytest.mark.parametrize("rate", [8000, RATE, 44_100])
def test_a_few_samples(length, rate, write_audio):
    path = write_audio("short.wav", np.full(length, 0.5, np.float32), rate)
    assert_equal(read(FileSource(path)), in_one_go(path))


def assert_cannot_be_opened(path, message):
    with pytest.raises(SourceError, match=message) as caught:
        FileSource(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < len(str(path)) + 200


@pytest.mark.parametrize("name", ["empty.mp3", "empty.wav", "empty"])
def test_empty_file(name, tmp_path):
    (tmp_path / name).touch()
    assert_cannot_be_opened(tmp_path / name, "is empty; choose an audio file")


def test_title_is_safe_to_show(write_audio, music, tmp_path):
    path = tmp_path / "song.flac"
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        file.artist, file.title = "A\x1b[2J", "B\nC"
        file.write(music(1.0))
    assert FileSource(path).title == "A?[2J - B?C"
    assert FileSource(write_audio("a\nb.wav", music(1.0))).title == "a?b.wav"


def test_address_is_no_file():
    with pytest.raises(SourceError, match=r"^https://example\.org/a\.mp3: is an address, not a file; download it"):
        FileSource("https://example.org/a.mp3")


def test_missing_file(tmp_path):
    assert_cannot_be_opened(tmp_path / "missing.mp3", "there is no such file; check its name")


def test_folder(tmp_path):
    assert_cannot_be_opened(tmp_path, "is a folder; name the files in it, or index it with emodj-library scan")


@pytest.mark.parametrize("name", ["list.m3u", "list.M3U8", "list.pls"])
def test_playlist(name, tmp_path):
    (tmp_path / name).write_text("#EXTM3U\nsong.mp3\n")
    assert_cannot_be_opened(
        tmp_path / name, "is a playlist; name the songs in it, or index them with emodj-library scan"
    )


def test_audio_that_calls_itself_a_playlist(music, write_audio):
    path = write_audio("song.m3u", music(1.0), format="FLAC")
    assert_equal(read(FileSource(path)), in_one_go(path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX pipes")
@pytest.mark.parametrize("kind", ["pipe", "device", "link"])
def test_what_is_not_a_regular_file(kind, tmp_path):
    """Opening a pipe may wait for ever, and a device may never end."""
    path = tmp_path / "song.mp3"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to("/dev/zero")
    else:
        path = Path("/dev/zero")
    assert_cannot_be_opened(path, "is a pipe or a device, not a file; read it through standard input")


def test_path_through_a_file(tmp_path):
    (tmp_path / "file").write_text("text")
    assert_cannot_be_opened(tmp_path / "file" / "song.mp3", "cannot be read: Not a directory")


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read every file")
def test_file_that_may_not_be_read(music, write_audio):
    path = write_audio("secret.wav", music(1.0))
    path.chmod(0)
    assert_cannot_be_opened(path, "cannot be read: Permission denied")


@pytest.mark.parametrize("name", ["song.mp3", "song.wav", "song.txt", "song"])
def test_text(name, tmp_path):
    (tmp_path / name).write_text("la la la\n" * 1000)
    assert_cannot_be_opened(tmp_path / name, "is not audio that can be decoded: .*; ")


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes(seed, tmp_path):
    path = tmp_path / "random.mp3"
    path.write_bytes(b"\0" + np.random.default_rng(seed).bytes(3000))
    assert_cannot_be_opened(path, "is not audio that can be decoded")


@pytest.mark.parametrize("start", [b"RIFF", b"fLaC", b"OggS", b"FORM", b".snd", b"ID3\4"])
def test_only_the_beginning_of_a_header(start, tmp_path):
    (tmp_path / "song").write_bytes(start)
    assert_cannot_be_opened(tmp_path / "song", "is not audio that can be decoded")


@pytest.mark.parametrize("name", ["song.raw", "song.RAW"])
def test_name_that_says_headerless(name, music, write_audio):
    """The soundfile package takes a path's word for it; what is inside counts."""
    path = write_audio("song.wav", music(1.0))
    expected = in_one_go(path)
    assert_equal(read(FileSource(path.rename(path.with_name(name)))), expected)


def test_wrong_name_does_not_matter(music, write_audio):
    path = write_audio("song.mp3", music(1.0), format="FLAC")
    assert_equal(read(FileSource(path)), in_one_go(path))


def test_file_that_vanishes_after_it_was_opened(music, write_audio):
    source = FileSource(write_audio("song.wav", music(1.0)))
    source.path.unlink()
    with pytest.raises(SourceError, match="there is no such file"):
        read(source)


# ------------------------------------------------------------------------------------------------------ start, duration


@pytest.mark.parametrize("name", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize(("start", "duration"), [(1.0, None), (1.25, 0.5), (0.0, 0.7), (2.9, 50.0), (0.0, 1e15)])
def test_part_of_a_file(name, start, duration, music, write_audio):
    path = write_audio(f"song.{name}", music(3.0), **FORMATS[name])
    source, whole, first = FileSource(path, start=start, duration=duration), in_one_go(path), round(start * RATE)
    blocks = [block if isinstance(block, Gap) else block.copy() for block in source]
    expected = whole[first:] if duration is None else whole[first : first + round(duration * RATE)]
    if start:
        assert blocks.pop(0) == Gap(first)
    assert not any(isinstance(block, Gap) for block in blocks)
    found = np.concatenate(blocks)
    if name in ("ogg", "mp3") and start:  # decoders that begin in the middle need a while to be exact
        assert len(found) == len(expected)
        found, expected = found[4000:], expected[4000:]
    assert_equal(found, expected)


def test_part_of_a_file_at_another_rate(music, write_audio):
    path = write_audio("song.wav", music(3.0, 0, 44_100), 44_100)
    frames, _ = soundfile.read(path, dtype="float32")
    expected = soxr.resample(frames[44_100:66_150], 44_100, RATE, quality="HQ")
    gap, *blocks = FileSource(path, start=1.0, duration=0.5)
    assert gap == Gap(RATE)
    assert_equal(np.concatenate(blocks), expected)


def test_start_at_the_very_end_gives_nothing(music, write_audio):
    assert len(read(FileSource(write_audio("song.wav", music(2.0)), start=2.0))) == 0


@pytest.mark.parametrize("name", ["wav", "flac", "ogg", "mp3", "aiff"])
@pytest.mark.parametrize("start", [2.1, 1000.0, 1e9, 1e15, 1e300])
def test_start_beyond_the_end(name, start, music, write_audio):
    path = write_audio(f"song.{name}", music(2.0), **FORMATS[name])
    with pytest.raises(SourceError, match=r"song\.\w+: ends before .* s; choose an earlier start\.") as caught:
        read(FileSource(path, start=start))
    assert f"{start:g} s" in str(caught.value)


@pytest.mark.parametrize("duration", [1e9, 1e300, 1.7e308])
def test_any_finite_duration(duration, music, write_audio):
    assert len(read(FileSource(write_audio("song.wav", music(1.0)), duration=duration))) == RATE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": -1.0}, "start.*-1"),
        ({"start": float("nan")}, "start.*nan"),
        ({"start": float("inf")}, "start.*inf"),
        ({"duration": 0}, "duration.*0"),
        ({"duration": -0.5}, "duration.*-0.5"),
        ({"duration": float("nan")}, "duration.*nan"),
        ({"duration": float("inf")}, "duration.*inf"),
    ],
)
def test_numbers_out_of_range(options, message, music, write_audio):
    with pytest.raises(ValueError, match=message):
        FileSource(write_audio("song.wav", music(1.0)), **options)


def test_options_are_keywords(music, write_audio):
    with pytest.raises(TypeError):
        FileSource(write_audio("song.wav", music(1.0)), RATE)


# --------------------------------------------------------------------------------------------------------- what is left


@pytest.fixture
def is_open():
    """Whether this process has a file open."""
    psutil = pytest.importorskip("psutil")
    return lambda path: str(path) in {file.path for file in psutil.Process().open_files()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wav", "mp3", "ogg"])
@pytest.mark.parametrize("way", ["close", "forget", "to the end"])
def test_file_is_closed(name, way, music, write_audio, is_open, monkeypatch):
    monkeypatch.setattr(parts_module, "_BLOCK_SAMPLES", 4410)  # so that it is not read ahead to its end at once
    path = write_audio(f"song.{name}", music(3.0), **FORMATS[name])
    source = FileSource(path)
    assert not is_open(path)
    blocks = iter(source)
    next(blocks)
    assert is_open(path)
    if way == "close":
        blocks.close()
    elif way == "forget":
        del blocks
        gc.collect()
    else:
        for _ in blocks:
            pass
    assert not is_open(path)


FORGOTTEN = """
import faulthandler, gc, sys, threading
faulthandler.dump_traceback_later(20, exit=True)
import soundfile
from emodj_live import FileSource
gc.disable()
is_forgotten, read, reads = threading.Event(), soundfile.SoundFile.read, iter(range(1000))
def read_and_collect(*arguments, **options):
    if next(reads) == 40:  # in the second block, which is being read ahead
        is_forgotten.wait(5)
        gc.collect()
    return read(*arguments, **options)
soundfile.SoundFile.read = read_and_collect
blocks = iter(FileSource(sys.argv[1]))
next(blocks)
cycle = [blocks]
cycle.append(cycle)
del blocks, cycle
is_forgotten.set()
"""


@pytest.mark.slow
def test_forgotten_blocks_may_be_collected_by_any_thread(music, write_audio, run_python):
    """Garbage is collected wherever it is noticed, so also in the middle of decoding."""
    path = write_audio("long.wav", np.tile(music(10.0), 10))
    assert run_python(FORGOTTEN, path).stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("read", ["next(blocks)", "list(zip(blocks, range(3)))", "blocks.close()", "list(blocks)"])
def test_unfinished_blocks_do_not_hold_up_the_end_of_the_program(read, music, write_audio, run_python):
    path = write_audio("long.wav", np.tile(music(10.0), 10))
    code = (
        f"import sys\nfrom emodj_live import FileSource\nblocks = iter(FileSource(sys.argv[1]))\n{read}\nprint('end')"
    )
    done = run_python(code, path)
    assert (done.stdout, done.stderr) == ("end\n", "")


@pytest.mark.parametrize("name", ["song.mp3", "song.raw"])
def test_file_that_cannot_be_opened_is_closed(name, tmp_path, is_open):
    (tmp_path / name).write_text("la la la\n" * 1000)
    with pytest.raises(SourceError):
        FileSource(tmp_path / name)
    gc.collect()
    assert not is_open(tmp_path / name)


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "channels", "minutes"), [(RATE, 1, 20), (44_100, 2, 3)])
def test_memory_does_not_grow_with_the_file(rate, channels, minutes, write_audio, monkeypatch):
    monkeypatch.undo()
    path = write_audio("long.wav", np.zeros((10, channels), np.float32), rate, subtype="PCM_16")
    size = minutes * 60 * rate * channels * 2
    with_data_size(path, size)
    with path.open("r+b") as file:
        file.truncate(44 + size)  # sparse: zeros that take no room
    tracemalloc.start()
    length = sum(len(block) for block in FileSource(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert abs(length - minutes * 60 * RATE) < 10
    assert peak < 10_000_000

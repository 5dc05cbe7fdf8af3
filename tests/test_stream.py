"""What another program writes into a pipe: WAV as ffmpeg, sox and arecord write it, bare PCM, and what is neither."""

import gzip
import io
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from emodj_live import EmotionTracker, FileSource, SourceError, StreamSource
from emodj_live.blocks import SourceStatus, checked, status_of, title_of
from emodj_live.cli import main
from emodj_live.sources import stream

RATE = 44100
unix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX pipes and signals")
NUMPY = {"u8": "u1", "s16": "i2", "s24": None, "s32": "i4", "f32": "f4", "f64": "f8"}
SUBTYPES = {"u8": "PCM_U8", "s16": "PCM_16", "s24": "PCM_24", "s32": "PCM_32", "f32": "FLOAT", "f64": "DOUBLE"}


@pytest.fixture(autouse=True)
def own_model(model_path, monkeypatch):
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))


@pytest.fixture
def stereo(music):
    return np.stack([music(2.0, 3, RATE), 0.3 * music(2.0, 4, RATE)], axis=1)


def samples(source):
    return np.concatenate(list(source))


def header(length, *, form=1, channels=2, bits=16, before=b"", riff=b"RIFF", extensible=False):
    """Return what comes before the samples."""
    size = channels * bits // 8
    body = struct.pack("<HHIIHH", 0xFFFE if extensible else form, channels, RATE, RATE * size, size, bits)
    if extensible:
        body += struct.pack("<HHIH", 22, bits, 3, form) + bytes.fromhex("000000001000800000aa00389b71")
    format_chunk = b"fmt " + struct.pack("<I", len(body)) + body
    return riff + b"\xff\xff\xff\xffWAVE" + before + format_chunk + b"data" + struct.pack("<I", length)


def pcm(frames):
    return (frames * 32767).astype("<i2").tobytes()


# ------------------------------------------------------------------------------------------------------- the formats


@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("form", SUBTYPES)
def test_wav_says_what_the_file_says(kind, form, stereo, write_audio):
    path = write_audio("song.wav", stereo, RATE, format=kind, subtype=SUBTYPES[form])
    source = StreamSource(io.BytesIO(path.read_bytes()))
    np.testing.assert_allclose(samples(source), samples(FileSource(path)), rtol=0, atol=1e-6)
    assert (source.input_rate, source.channels) == (RATE, 2)
    assert source.position == pytest.approx(2.0)


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("form", ["s16", "s24", "s32", "f32", "f64"])
def test_raw_says_what_the_file_says(form, order, stereo, write_audio):
    endian = {"le": "LITTLE", "be": "BIG"}[order]
    path = write_audio("song.wav", stereo, RATE, subtype=SUBTYPES[form])
    bare = write_audio("song.raw", stereo, RATE, format="RAW", subtype=SUBTYPES[form], endian=endian)
    source = StreamSource(io.BytesIO(bare.read_bytes()), raw=f"{RATE}:2:{form}{order}")
    np.testing.assert_allclose(samples(source), samples(FileSource(path)), rtol=0, atol=1e-6)


def test_file_that_unpacks_is_read_by_its_own_read(stereo, tmp_path):
    data = header(0) + pcm(stereo)
    (tmp_path / "song.wav.gz").write_bytes(gzip.compress(data))
    with gzip.open(tmp_path / "song.wav.gz") as file:
        np.testing.assert_array_equal(samples(StreamSource(file)), samples(StreamSource(io.BytesIO(data))))


def test_raw_u8(stereo, write_audio):
    path = write_audio("song.wav", stereo, RATE, subtype="PCM_U8")
    bare = write_audio("song.raw", stereo, RATE, format="RAW", subtype="PCM_U8")
    source = StreamSource(io.BytesIO(bare.read_bytes()), raw=f"{RATE}:2:U8")
    np.testing.assert_allclose(samples(source), samples(FileSource(path)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0x7FFFF000, 0x80000000, 0xFFFFFFDB])
@pytest.mark.parametrize("extensible", [False, True])
def test_length_that_nobody_knew(length, extensible, stereo):
    source = StreamSource(io.BytesIO(header(length, extensible=extensible) + pcm(stereo)))
    assert len(samples(source)) == 44100


def test_chunks_that_nobody_knows_are_skipped(stereo):
    before = b"LIST" + struct.pack("<I", 5) + b"odd!!\0" + b"id3 " + struct.pack("<I", 200_000) + b"data" * 50_000
    source = StreamSource(io.BytesIO(header(0, before=before) + pcm(stereo)))
    assert len(samples(source)) == 44100


def test_what_follows_the_samples_is_no_sound(stereo):
    data = pcm(stereo)
    tail = b"LIST" + struct.pack("<I", 40_000) + b"\x7f\x7f" * 20_000
    assert len(samples(StreamSource(io.BytesIO(header(len(data)) + data + tail)))) == 44100


@pytest.mark.parametrize("lost", [1, 2, 3, 4, 1001])
def test_stream_that_is_cut_off_is_simply_over(lost, stereo):
    data = pcm(stereo)
    whole = samples(StreamSource(io.BytesIO(header(len(data)) + data)))
    part = samples(StreamSource(io.BytesIO(header(len(data)) + data[:-lost])))
    assert 0 <= len(whole) - len(part) <= 1 + lost // 8
    np.testing.assert_allclose(part[:-200], whole[: len(part) - 200], atol=1e-6)


def test_samples_that_are_not_finite_count_as_silence(caplog, music):
    audio = music(1.0).astype("<f8")
    audio[5000], audio[6000] = np.nan, 1e300
    found = samples(StreamSource(io.BytesIO(audio.tobytes()), raw="22050:1:f64le"))
    assert np.isfinite(found).all()
    assert found[5000] == found[6000] == 0
    assert "audio stream: 2 samples were not finite" in caplog.text


@pytest.mark.parametrize(("rate", "count"), [(8000, 1), (22049, 1), (22050, 0), (44100, 0)])
def test_rate_that_leaves_something_out_is_told(rate, count, caplog):
    samples(StreamSource(io.BytesIO(bytes(10_000)), raw=f"{rate}:1:s16le", title="pipe"))
    told = f"pipe: a sample rate of {rate} Hz lacks the top of the spectrum; results will be less accurate."
    assert [record.message for record in caplog.records] == [told] * count


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"RI", "is not a WAV stream"),
        (b"ID3\x04" + bytes(100), "is not a WAV stream"),
        (b"RIFF\0\0\0\0AVI " + bytes(100), "is not a WAV stream"),
        (b"RIFF\0\0\0\0WAVE", "ends within its header"),
        (header(0)[:30], "has a damaged header"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "has no description of its samples"),
        (header(0, form=6, bits=8), "unsupported format (WAV format 6, 8 bits)"),
        (header(0, form=3), "unsupported format (WAV format 3, 16 bits)"),
        (header(0, channels=0), "has a damaged header: unsupported format: 0 channels at 44100 Hz"),
    ],
)
def test_what_is_no_wav_is_one_sentence(data, reason):
    with pytest.raises(SourceError) as caught:
        samples(StreamSource(io.BytesIO(data)))
    assert str(caught.value).startswith("audio stream: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "raw", ["", "44100", "44100:2", "44100:2:s16", "0:2:s16le", "999:2:s16le", "44100:0:u8", "x:2:u8", "1:2:3:4"]
)
def test_raw_that_is_none(raw, capsys):
    with pytest.raises(ValueError, match=r"expected RATE:CHANNELS:FORMAT|unknown sample format|unsupported format"):
        StreamSource(io.BytesIO(), raw=raw)
    with pytest.raises(SystemExit) as stopped:
        main(["-", "--raw", raw])
    assert stopped.value.code == 2
    assert "argument --raw" in capsys.readouterr().err


def test_format_that_no_audio_has():
    with pytest.raises(ValueError, match="unsupported format: 300 channels at 5 Hz"):
        StreamSource(io.BytesIO(), raw="5:300:s16le")


@pytest.mark.parametrize("file", ["x", None, 3, b"RIFF", io.StringIO("x"), sys.stdout])
def test_what_is_not_a_binary_file(file):
    with pytest.raises(TypeError, match=r"file must be a binary file, such as sys\.stdin\.buffer, got "):
        StreamSource(file)


def test_file_that_can_only_be_read(stereo):
    data = io.BytesIO(header(0) + pcm(stereo))
    assert len(samples(StreamSource(SimpleNamespace(read=data.read)))) == 44100


@pytest.mark.parametrize("rate", [0, True, 2e6])
def test_output_rate_out_of_range(rate):
    with pytest.raises(ValueError, match=f"sample_rate .* got {rate!r}"):
        StreamSource(io.BytesIO(), sample_rate=rate)


@pytest.mark.parametrize("length", [0, None])
def test_status_says_where_it_is(length, stereo):
    data = pcm(stereo)
    source = StreamSource(io.BytesIO(header(len(data) if length is None else length) + data), title="pipe")
    assert source.status() == SourceStatus()
    blocks = iter(source)
    first = next(blocks)
    status = status_of(source)
    assert (status.input_rate, status.channels) == (RATE, 2)
    assert status.length == (2.0 if length is None else None)
    assert 0 < status.position == source.position < 2
    assert len(first) == pytest.approx(status.position * 22050, abs=2000)
    for _ in blocks:
        pass
    assert source.status().position == pytest.approx(2.0)
    assert title_of(source) == "pipe"


@pytest.mark.parametrize("rate", [1000, 22050, 44100])
def test_absurd_audio_gives_blocks_that_a_tracker_accepts(rate):
    """A resampler overshoots; this was a traceback."""
    data = np.repeat(np.random.default_rng(0).choice(np.float32([-999, 999]), 20_000), 3).astype(">f4").tobytes()
    found = [checked(block) for block in StreamSource(io.BytesIO(data), raw=f"{rate}:1:f32be")]
    assert max(np.abs(block).max(initial=0) for block in found) > 990


# ------------------------------------------------------------------------------------------------------- a real pipe


@pytest.fixture
def pipe():
    """Make a pipe: ``(reader, writer)``."""
    reader, writer = (os.fdopen(end, mode, buffering=0) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
    with reader, writer:
        yield reader, writer


@pytest.mark.parametrize("size", [1, 7, 100, 4096])
def test_however_it_is_cut(size, pipe, stereo):
    data = header(0) + pcm(stereo[: 200 * size])
    expected = samples(StreamSource(io.BytesIO(data)))
    reader, writer = pipe

    def write():
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    np.testing.assert_allclose(samples(StreamSource(reader)), expected, rtol=0, atol=1e-6)
    thread.join()


@unix
def test_descriptor_of_a_program_that_has_many(pipe, stereo):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2000:
        pytest.skip("needs 2000 descriptors")
    reader, writer = pipe
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2000), hard))
    try:
        os.dup2(reader.fileno(), 1999)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with os.fdopen(1999, "rb", buffering=0) as high:
        writer.write(header(0) + pcm(stereo[:1000]))
        writer.close()
        assert len(samples(StreamSource(high))) == 500


@pytest.mark.slow
@unix
def test_sound_comes_as_soon_as_it_is_there(pipe):
    reader, writer = pipe
    blocks = iter(StreamSource(reader, raw="22050:1:s16le"))
    for count in (3, 500, 1):
        writer.write(bytes(2 * count))
        assert len(next(blocks)) == count
    began = time.monotonic()
    for _ in range(30):
        assert len(next(blocks)) == 0  # rather than waiting for ever
    assert time.monotonic() - began > 0.5  # nor does it spin
    assert stream._HEARTBEAT <= 1 / 30  # [s] between them


@pytest.mark.slow
@unix
@pytest.mark.parametrize("arrived", [b"", header(0)[:20], header(0), header(0) + b"\0"])
def test_stop_while_nothing_comes(arrived, pipe, model):
    reader, writer = pipe
    writer.write(arrived)
    tracker = EmotionTracker(model)
    stop, has_waited = threading.Event(), threading.Event()

    def wait():
        tracker.run(StreamSource(reader), stop=stop, after_block=lambda _: has_waited.set())

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    assert has_waited.wait(10)
    assert waiting.is_alive()
    stop.set()
    waiting.join(10)
    assert not waiting.is_alive()


def test_output_of_a_program(song, model):
    """As in a player that lets ffmpeg decode."""
    code = "import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read())"
    with subprocess.Popen([sys.executable, "-c", code, str(song)], stdout=subprocess.PIPE) as program:
        found = list(EmotionTracker(model).track(StreamSource(program.stdout)))
    assert [e.time for e in found] == [e.time for e in EmotionTracker(model).track(FileSource(song))]


@unix
def test_terminal_is_told():
    import pty

    leader, follower = pty.openpty()
    told = pytest.raises(SourceError, match="audio stream: is a terminal; pipe audio into it")
    with os.fdopen(leader), os.fdopen(follower, "rb", buffering=0) as terminal, told:
        StreamSource(terminal)


# -------------------------------------------------------------------------------------------------- the command line


@pytest.fixture
def song(stereo, write_audio):
    return write_audio("song.wav", stereo, RATE)


def emodj_live(*arguments, **options):
    command = [sys.executable, "-m", "emodj_live", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, **options)


def assert_same(found, expected, name="-"):
    assert (found.returncode, found.stderr) == (0, b"")
    found = [json.loads(line) for line in found.stdout.splitlines()]
    expected = [json.loads(line) for line in expected.stdout.splitlines()]
    assert len(found) == len(expected) > 0
    for one, two in zip(found, expected, strict=True):
        assert one["source"] == name
        for field in ("time", "valence", "arousal", "raw_valence", "raw_arousal"):
            assert one[field] == pytest.approx(two[field], abs=1e-3)


def test_standard_input_says_what_the_file_says(song):
    """``cat song.wav | emodj-live - --json``."""
    assert_same(emodj_live("-", "--json", input=song.read_bytes()), emodj_live(song, "--json"))


@pytest.mark.slow
def test_standard_input_from_a_file(song):
    """``emodj-live - --json < song.wav``."""
    with song.open("rb") as file:
        assert_same(emodj_live("-", "--json", stdin=file), emodj_live(song, "--json"))


def test_bare_samples_say_what_the_file_says(song, stereo, write_audio):
    bare = write_audio("song.raw", stereo, RATE, format="RAW", subtype="PCM_16", endian="LITTLE")
    found = emodj_live("-", "--raw", f"{RATE}:2:s16le", "--json", input=bare.read_bytes())
    assert_same(found, emodj_live(song, "--json"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["flac", "mp3"])
def test_ffmpeg_says_what_the_file_says(kind, music, write_audio):
    """``ffmpeg -i song.mp3 -f wav - | emodj-live - --json``."""
    if not shutil.which("ffmpeg"):
        pytest.skip("needs ffmpeg")
    audio = np.stack([music(8.0, 3, RATE), 0.3 * music(8.0, 4, RATE)], axis=1)
    path = write_audio(f"song.{kind}", audio, RATE)
    decoded = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-f", "wav", "-"], capture_output=True, timeout=60, check=True
    )
    assert_same(emodj_live("-", "--json", input=decoded.stdout), emodj_live(path, "--json"))


def test_duration_ends_a_stream(song):
    found = emodj_live("-", "--json", "--duration", "1", input=song.read_bytes())
    assert (found.returncode, len(found.stdout.splitlines())) == (0, 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", b"is empty"), (b"la la la" * 100, b"is not a WAV stream"), (header(0), b"shorter than one window")],
)
def test_bad_input_is_one_sentence_and_exit_1(data, reason):
    done = emodj_live("-", "--json", input=data)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.count(b"\n") == 1
    assert reason in done.stderr


@unix
def test_closed_standard_input_is_told():
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m emodj_live - <&-"], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"emodj-live: standard input: is closed; pipe audio into it.\n"


@unix
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [0, 2])
def test_signal_ends_a_stream_that_has_no_end(number, seconds, stereo):
    command = [sys.executable, "-m", "emodj_live", "-", "--json", "-v"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        program.stdin.write(header(0) + pcm(stereo)[: RATE * 4 * seconds])
        program.stdin.flush()
        if seconds:
            assert json.loads(program.stdout.readline())["time"] == 0.5
        else:
            time.sleep(2)
        program.send_signal(number)
        code = program.wait(20)
        assert code == 0
        assert b"Traceback" not in program.stderr.read()


@pytest.mark.parametrize(
    "arguments",
    [["-", "song.wav"], ["-", "--play"], ["-", "--start", "1"], ["-", "--fast"], ["--raw", "44100:2:u8", "song.wav"]],
)
def test_wrong_arguments_exit_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "standard input" in error or error.endswith("- cannot be combined with --play, --start or --fast")

"""What ffmpeg decodes: as it is, safely whatever the file pretends to be, and with no process left behind."""

import contextlib
import gc
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
import soxr

from emodj_live import FileSource, Gap, SourceError, analyze
from emodj_live.cli import main
from emodj_live.sources import external, ffmpeg
from emodj_live.sources.decoder import UndecodableError
from emodj_live.sources.ffmpeg import FfmpegPart

pytestmark = pytest.mark.slow  # a process for each file

RATE = 22050
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX processes and file names")
needs_ffmpeg = pytest.mark.skipif(not ffmpeg.is_available(), reason="needs ffmpeg")
KINDS = {
    "song.m4a": [],
    "song.mp4": ["-f", "lavfi", "-i", "testsrc=s=32x32:r=5:d=1"],
    "song.aac": [],
    "song.wma": [],
    "song.mka": ["-c:a", "libopus"],
    "song.avi": ["-c:a", "mp3"],
    "song.ac3": [],
    "alac.m4a": ["-c:a", "alac"],
    "song.tta": [],
    "song.wv": [],
    "pcm.mov": ["-c:a", "pcm_s16le"],
}
LOSSLESS = ["alac.m4a", "song.tta", "song.wv", "pcm.mov"]


def run_ffmpeg(*arguments):
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def convert(tmp_path, write_audio):
    """``convert(name, samples, rate=44100, *options of ffmpeg)`` -> path of a file that ffmpeg has written."""

    def write(name, samples, rate=44_100, *options):
        path = tmp_path / name
        run_ffmpeg("-i", write_audio("before.wav", samples, rate), *options, f"file:{path}")
        return path

    return write


@pytest.fixture(scope="session")
def pristine_song(music, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ffmpeg")
    soundfile.write(folder / "song.wav", music(3.0), 44_100)
    run_ffmpeg("-i", folder / "song.wav", folder / "song.m4a")
    return folder / "song.m4a"


@pytest.fixture
def song(pristine_song, tmp_path):
    """An m4a that a test may change."""
    return Path(shutil.copy(pristine_song, tmp_path / "song.m4a"))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Read short files in many blocks too; ``monkeypatch.undo()`` gives back their real size."""
    monkeypatch.setattr(ffmpeg, "_BLOCK_SAMPLES", 10_007)


@pytest.fixture(autouse=True)
def is_nothing_left():
    """No process is left behind, not even a dead one."""
    yield
    gc.collect()
    assert children() == []


def children():
    return [child for child in psutil.Process().children(recursive=True) if "ff" in child.name()]


def stereo(samples):
    return np.stack([samples, -0.4 * np.roll(samples, 37)], axis=1)


def read(source):
    """Return all samples of a source, gaps left out."""
    blocks = [block for block in source if not isinstance(block, Gap)]
    assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
    return np.concatenate([np.empty(0, np.float32), *blocks])


def in_one_go(path, rate=RATE):
    """Return the same by letting ffmpeg write a WAV, and mixing and resampling all of that."""
    run_ffmpeg("-i", f"file:{path}", "-map", "0:a:0", "-c:a", "pcm_f32le", path.parent / "after.wav")
    frames, file_rate = soundfile.read(path.parent / "after.wav", dtype="float32", always_2d=True)
    mono = frames.mean(axis=1)
    return mono if file_rate == rate else soxr.resample(mono, file_rate, rate, quality="HQ")


def assert_equal(found, expected):
    assert len(found) == len(expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


# ------------------------------------------------------------------------------------------------------------- decoding


@needs_ffmpeg
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_equals_decoding_in_one_go(name, music, convert):
    rate = 48_000 if name == "song.mka" else 44_100
    samples = stereo(music(1.3, 1))
    source = FileSource(convert(name, samples, rate, *KINDS[name]))
    assert (source.input_rate, source.channels, source.is_length_exact) == (rate, 2, False)
    assert source.length == pytest.approx(len(samples) / rate, abs=0.1)
    assert_equal(read(source), in_one_go(source.path))


@needs_ffmpeg
@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_kinds_give_the_samples_back(name, music, convert):
    frames = np.round(stereo(music(1.0)) * 32768) / 32768
    source = FileSource(convert(name, frames, RATE, *KINDS[name]))
    assert_equal(read(source), frames.mean(axis=1))
    found = np.concatenate([block.copy() for block in source.frames()])
    np.testing.assert_array_equal(found, frames.astype(np.float32))


@needs_ffmpeg
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (RATE, 1), (48_000, 6), (96_000, 2)])
def test_own_rate_and_channels(rate, channels, music, convert):
    frames = np.stack([music(1.0) * gain for gain in np.linspace(1, 0.2, channels)], axis=1)
    source = FileSource(convert("song.m4a", frames, rate, "-c:a", "alac"))
    assert (source.input_rate, source.channels) == (rate, channels)
    assert source.status().input_rate == rate
    assert_equal(read(source), in_one_go(source.path))


@needs_ffmpeg
def test_another_output_rate(song):
    assert_equal(read(FileSource(song, sample_rate=16_000)), in_one_go(song, 16_000))


@needs_ffmpeg
@pytest.mark.parametrize("samples", [1, 2, 4001, 2**19])
def test_block_size_changes_nothing(samples, music, convert, monkeypatch):
    source = FileSource(convert("song.tta", stereo(music(0.3))))
    expected = read(source)
    monkeypatch.setattr(ffmpeg, "_BLOCK_SAMPLES", samples)
    assert_equal(read(source), expected)


@needs_ffmpeg
def test_the_first_audio_stream_counts(music, tmp_path, write_audio):
    one, two = write_audio("1.wav", music(1.0, 1), RATE), write_audio("2.wav", music(2.0, 2), RATE)
    picture = ["-f", "lavfi", "-i", "testsrc=s=32x32:r=5:d=1"]
    maps = ["-map", "0:v", "-map", "1:a", "-map", "2:a", "-disposition:a:1", "default"]
    run_ffmpeg(*picture, "-i", one, "-i", two, *maps, "-c:a", "flac", tmp_path / "video.mkv")
    assert_equal(read(FileSource(tmp_path / "video.mkv")), in_one_go(one))


@needs_ffmpeg
def test_iterating_twice_gives_the_same(song):
    source = FileSource(song, start=0.3)
    np.testing.assert_array_equal(read(source), read(source))


@needs_ffmpeg
def test_two_readers_do_not_disturb_each_other(song):
    source = FileSource(song, start=0.5)
    pairs = list(zip(source, source, strict=True))
    assert len(pairs) > 5
    for found in zip(*pairs[1:], strict=True):
        np.testing.assert_array_equal(np.concatenate(found), read(source))


@needs_ffmpeg
@pytest.mark.parametrize("name", ["song.m4a", "song.wma", "song.tta"])
@pytest.mark.parametrize(("start", "duration"), [(1.0, None), (1.25, 0.5), (0.0, 0.7), (1.9, 50.0), (0.0, 1e15)])
def test_part_of_a_file(name, start, duration, music, convert):
    source = FileSource(convert(name, music(2.0), RATE), start=start, duration=duration)
    whole, first = in_one_go(source.path), round(start * RATE)
    blocks = list(source)
    if start:
        assert blocks.pop(0) == Gap(first)
    expected = whole[first:] if duration is None else whole[first : first + round(duration * RATE)]
    assert_equal(np.concatenate(blocks), expected)
    assert source.position == pytest.approx(start + len(expected) / RATE, abs=1e-4)


@needs_ffmpeg
@pytest.mark.parametrize("start", [2.1, 1000.0, 1e300])
def test_start_beyond_the_end(start, music, convert):
    path = convert("song.tta", music(2.0), RATE)
    with pytest.raises(SourceError, match=r"song\.tta: ends before .* s; choose an earlier start\."):
        read(FileSource(path, start=start))
    assert len(read(FileSource(path, start=2.0))) == 0


@needs_ffmpeg
def test_of_joined_files_ffmpeg_reads_what_it_can(music, convert):
    path = convert("song.aac", music(1.0))
    once = len(read(FileSource(path)))
    path.write_bytes(path.read_bytes() * 2)
    assert len(read(FileSource(path))) == pytest.approx(2 * once, abs=1)


@needs_ffmpeg
def test_a_file_without_samples(convert):
    path = convert("none.m4a", np.empty(0, np.float32), RATE)
    with pytest.raises(SourceError, match="has no sound"):
        FileSource(path)


@needs_ffmpeg
def test_a_change_of_channels_and_rate_on_the_way(music, convert):
    """ADTS says in every frame what it is."""
    one = convert("one.aac", stereo(music(1.0)), 44_100)
    two = convert("two.aac", music(1.0), 24_000)
    one.write_bytes(one.read_bytes() + two.read_bytes())
    source = FileSource(one)
    assert (source.input_rate, source.channels) == (44_100, 2)
    expected = RATE * (len(music(1.0)) / 44_100 + len(music(1.0)) / 24_000)
    assert len(read(source)) == pytest.approx(expected, abs=3000)


@needs_ffmpeg
def test_a_part_by_itself(song):
    part = FfmpegPart(song)
    for _ in range(2):
        assert sum(len(frames) for frames in part.read(30_000, 1000)) == 1000
        assert part.skipped == 30_000
    assert sum(len(frames) for frames in part.read(10**9, 1000)) == 0
    assert part.skipped == pytest.approx(part.length, abs=2000)


@needs_ffmpeg
def test_what_was_found_out_first_is_held_to(song):
    """Some headers name half the rate and one channel of two."""
    part = FfmpegPart(song)
    seconds, part.rate, part.channels = part.length / part.rate, 8000, 2
    shapes = [frames.shape for frames in part.read(0, 10**9)]
    assert {channels for _, channels in shapes} == {2}
    assert sum(count for count, _ in shapes) == pytest.approx(8000 * seconds, abs=500)


@needs_ffmpeg
def test_a_profile_of_a_song(song, model):
    assert analyze(song, model).duration == 1.5  # [s]: written at twice the rate


@needs_ffmpeg
def test_on_the_command_line(song, model_path, capsys):
    assert main([str(song), str(song), "--json", "--model", str(model_path)]) == 0
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert [line["time"] for line in lines] == [0.5, 1.0, 1.5] * 2
    assert lines[0]["source"] == str(song)
    assert captured.err == ""


# -------------------------------------------------------------------------------------------------------------- titles


@needs_ffmpeg
@pytest.mark.parametrize("name", ["t.m4a", "t.wma", "t.mka", "t.opus.mka", "t.mp4"])
def test_title_is_what_the_file_says(name, music, convert):
    codec = ["-c:a", "libopus"] if "opus" in name else []
    tags = ["-metadata", "title=Blüe", "-metadata", "artist=Some\nbody", "-metadata", "album_artist=No"]
    path = convert(name, music(1.0), 48_000, *codec, *tags, "-metadata:s:a", "title=Stereo")
    assert FileSource(path).title == "Some?body - Blüe"
    assert FileSource(convert("plain.m4a", music(1.0))).title == "plain.m4a"


@needs_ffmpeg
def test_a_long_title_is_cut(music, convert):
    path = convert("t.m4a", music(1.0), 44_100, "-metadata", f"title={'ä' * 5000}", "-metadata", "artist=")
    assert FileSource(path).title == "ä" * 200


# --------------------------------------------------------------------------------------------------------------- names


NAMES = ["-song.m4a", "a\nb.m4a", "100%d.m4a", "%03d.m4a", "a:b.m4a", "pipe:0.m4a", "file:a.m4a", "concat:a|b.m4a"]


@needs_ffmpeg
@POSIX
@pytest.mark.parametrize(
    "name", [*NAMES, "'quoted \".m4a", "\\.m4a", "*?.m4a", "caf\udce9.m4a", "ä.m4a", "none", ".m4a"]
)
@pytest.mark.parametrize("is_relative", [False, True])
def test_odd_names(name, is_relative, song, monkeypatch):
    expected = read(FileSource(song))
    path = song.rename(song.with_name(name))
    monkeypatch.chdir(path.parent)
    source = FileSource(name if is_relative else path)
    np.testing.assert_array_equal(read(source), expected)


@needs_ffmpeg
@POSIX
@pytest.mark.parametrize("name", ["a\nb.m4a", "caf\udce9.m4a", "[mov @ 0x1] .m4a", "-i.m4a", "a\nb: c", "caf\udce9"])
def test_odd_names_in_messages(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("la la la\n" * 1000)
    with pytest.raises(SourceError) as caught:
        FileSource(name)
    shown = name.replace("\n", "?")
    why = "moov atom not found" if name.endswith(".m4a") else "Invalid data found when processing input"
    assert str(caught.value) == f"{shown}: is not audio that can be decoded: {why}; choose another file."


@needs_ffmpeg
@pytest.mark.parametrize("name", ["song.mp3", "song.wav", "song.txt", "song"])
def test_a_wrong_name_does_not_matter(name, song):
    expected = read(FileSource(song))
    np.testing.assert_array_equal(read(FileSource(song.rename(song.with_name(name)))), expected)


# ------------------------------------------------------------------------------------------- what a file pretends to be


HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:3,\n{}\n#EXT-X-ENDLIST\n"
DISGUISES = {
    "hls": HLS,
    "concat": "ffconcat version 1.0\nfile {}\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns={}\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "dash": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT3S"><Period>'
    '<AdaptationSet mimeType="audio/mp4"><Representation id="0" bandwidth="1"><BaseURL>{}</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
    "imf": '<CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">{}</CompositionPlaylist>',
}


@pytest.fixture
def server():
    """A listening socket, and the addresses that have knocked."""
    knocks = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        is_over = threading.Event()

        def listen():
            while not is_over.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, address = listener.accept()
                    knocks.append(address)
                    connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/a.aac", knocks
        is_over.set()
        thread.join()


@needs_ffmpeg
@pytest.mark.parametrize("name", ["song.m4a", "song"])
@pytest.mark.parametrize("kind", DISGUISES)
@pytest.mark.parametrize("goal", ["network", "file", "relative", "pipe"])
def test_a_playlist_in_disguise_reaches_nothing(kind, goal, name, song, server, tmp_path, monkeypatch):
    address, knocks = server
    secret = song.rename(tmp_path / "secret.aac")
    if goal == "pipe":
        secret.unlink()
        getattr(os, "mkfifo", Path.touch)(secret)
    goals = {"network": address, "file": f"file:{secret}", "relative": secret.name, "pipe": secret.name}
    (tmp_path / name).write_text(DISGUISES[kind].format(goals[goal]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(external, "_PATIENCE", 20.0)
    with pytest.raises(SourceError, match="is not audio that can be decoded: "):
        FileSource(name)
    assert knocks == []


@needs_ffmpeg
def test_the_address_in_such_a_playlist_would_be_reached(server, tmp_path):
    """So that the test above is one."""
    (tmp_path / "song.m4a").write_text(HLS.format(server[0]))
    careless = ["-protocol_whitelist", "file,http,tcp", "-i", tmp_path / "song.m4a", "-f", "null", "-"]
    subprocess.run(["ffmpeg", "-nostdin", *careless], capture_output=True, timeout=60)
    assert server[1]


# -------------------------------------------------------------------------------------------------- what cannot be read


def sentence(path):
    with pytest.raises(SourceError) as caught:
        read(FileSource(path))
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith(".")
    assert len(text) < len(str(path)) + 220
    return text.removeprefix(f"{path}: ")


@needs_ffmpeg
def test_a_video_without_sound(tmp_path):
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=s=32x32:r=5:d=1", tmp_path / "mute.mp4")
    assert sentence(tmp_path / "mute.mp4") == "has no sound; choose a file that has some."


@needs_ffmpeg
@pytest.mark.parametrize("name", ["picture.png", "picture.m4a"])
def test_a_picture(name, tmp_path):
    run_ffmpeg(
        "-f", "lavfi", "-i", "testsrc=s=32x32:r=5:d=1", "-frames:v", "1", "-c:v", "png", "-f", "image2", tmp_path / name
    )
    assert sentence(tmp_path / name) == (
        "is not audio that can be decoded: its format is png_pipe; choose another file."
    )


@needs_ffmpeg
def test_a_cut_file(song):
    """Its index is at its end."""
    song.write_bytes(song.read_bytes()[:-2000])
    assert sentence(song) == "is not audio that can be decoded: moov atom not found; choose another file."


@needs_ffmpeg
def test_a_cut_file_with_its_index_at_the_beginning(music, convert, caplog):
    path = convert("song.m4a", music(3.0), RATE, "-movflags", "faststart")
    whole = in_one_go(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    found = read(FileSource(path))
    assert 0.5 * len(whole) < len(found) < 0.9 * len(whole)
    np.testing.assert_allclose(found[:-3000], whole[: len(found) - 3000], atol=1e-5)
    (record,) = caplog.records
    assert "some of it could not be decoded: " in record.getMessage()


@needs_ffmpeg
def test_a_good_file_is_not_reported(song, caplog):
    read(FileSource(song))
    assert not caplog.records


@needs_ffmpeg
def test_a_damaged_file(music, convert, caplog):
    path = convert("song.m4a", music(3.0), RATE, "-movflags", "faststart")
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 1000] = np.random.default_rng(0).bytes(1000)
    path.write_bytes(raw)
    assert len(read(FileSource(path))) > RATE
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{path}: some of it could not be decoded: ")
    assert record.levelno == logging.WARNING
    assert "[" not in record.getMessage()
    assert " @ " not in record.getMessage()


@needs_ffmpeg
def test_a_file_that_is_damaged_all_over(music, convert):
    path = convert("song.m4a", music(3.0), RATE, "-movflags", "faststart")
    raw = bytearray(path.read_bytes())
    start = raw.index(b"mdat") + 4
    raw[start:] = np.random.default_rng(0).bytes(len(raw) - start)
    path.write_bytes(raw)
    assert sentence(path).startswith("decoding failed at this point: ")


@needs_ffmpeg
def test_protected_sound(song):
    """As a shop sells it: of a kind that ffmpeg does not know."""
    raw = song.read_bytes().replace(b"mp4a\0\0\0\0", b"drmz\0\0\0\0")
    song.write_bytes(raw.replace(b"\x17\x40\x15\0", b"\x17\xee\x15\0"))
    assert sentence(song) == "ffmpeg cannot decode its sound (drmz); it may be protected."


@needs_ffmpeg
@pytest.mark.parametrize("name", ["song.m4a", "song.mka", "song.aac", "song.wma", "song.mp3", "song"])
def test_text_and_noise(name, tmp_path):
    path = tmp_path / name
    path.write_text("la la la\n" * 1000)
    assert sentence(path).startswith("is not audio that can be decoded: ")
    path.write_bytes(b"\0" + np.random.default_rng(0).bytes(3000))
    assert sentence(path)


@pytest.mark.parametrize("kind", ["folder", "empty", "pipe", "missing"])
def test_what_ffmpeg_is_not_asked(kind, tmp_path, programs):
    path = tmp_path / "song.m4a"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("needs POSIX pipes")
        os.mkfifo(path)
    programs(f"touch {tmp_path}/asked")
    start = {"folder": "is a folder", "empty": "is empty", "pipe": "is a pipe", "missing": "there is no such file"}
    assert sentence(path).startswith(start[kind])
    assert not (tmp_path / "asked").exists()


# ---------------------------------------------------------------------------------------------- programs of other kinds


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """``programs(ffprobe, ffmpeg=ffprobe)``: put shell scripts of these names on the PATH before anything else."""
    if os.name != "posix":
        pytest.skip("needs a shell")

    def write(ffprobe, ffmpeg=None):
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, script in {"ffprobe": ffprobe, "ffmpeg": ffmpeg or ffprobe}.items():
            (folder / name).write_text(script if script.startswith("\x7f") else f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return write


ANSWER = """echo '{"streams": [{"codec_name": "aac", "sample_rate": "22050", "channels": 1}], "format": {}}'"""


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "song.m4a"
    path.write_text("la la la\n")
    return path


def test_without_ffmpeg_one_sentence_says_that_it_would_help(text, monkeypatch):
    monkeypatch.setenv("PATH", "")
    advice = "install ffmpeg, or convert it to wav, flac, ogg or mp3."
    assert sentence(text) == f"is not audio that can be decoded: Format not recognised; {advice}"
    with pytest.raises(UndecodableError):
        FileSource(text)


def test_ffmpeg_without_ffprobe_does_not_do(text, tmp_path, programs, monkeypatch):
    programs("exit 0")
    (tmp_path / "bin" / "ffprobe").unlink()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert "install ffmpeg" in sentence(text)


def test_what_libsndfile_reads_is_not_given_to_ffmpeg(music, write_audio, tmp_path, programs):
    programs(f"touch {tmp_path}/asked")
    for name in ("song.wav", "song.mp3", "song.flac", "song.ogg"):
        assert len(read(FileSource(write_audio(name, music(1.0))))) > 0
    assert not (tmp_path / "asked").exists()


def test_it_is_asked_about_a_file_once(text, tmp_path, programs):
    programs(f"echo x >> {tmp_path}/asked; {ANSWER}", "head -c 400000 /dev/zero")
    source = FileSource(text)
    assert len(read(source)) == len(read(source)) == 100_000
    assert (tmp_path / "asked").read_text() == "x\n"


@pytest.mark.parametrize(
    "scripts", [("sleep 100",), (ANSWER, "sleep 100"), (ANSWER, "head -c 99 /dev/zero; sleep 100")]
)
def test_a_program_that_hangs_is_given_up(scripts, text, programs, monkeypatch):
    programs(*scripts)
    monkeypatch.setattr(external, "_PATIENCE", 0.3)
    assert sentence(text) in [f"{name} has done nothing for 0.3 s; try another file." for name in ("ffmpeg", "ffprobe")]


def test_standard_input_is_left_alone(text, programs, package):
    programs(f"cat; {ANSWER}", "cat; head -c 88200 /dev/zero")
    code = (
        "import sys\nfrom emodj_live import FileSource\nprint(sum(map(len, FileSource(sys.argv[1]))), sys.stdin.read())"
    )
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-c", code, str(text)]
    done = subprocess.run(command, env=environment, input="still here", capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == (f"{RATE} still here\n", "")


def test_what_a_program_has_started_is_ended_too(text, tmp_path, programs, monkeypatch):
    programs(f"sleep 100 & echo $! > {tmp_path}/number; wait")
    monkeypatch.setattr(external, "_PATIENCE", 1.0)
    assert "ffprobe has done nothing" in sentence(text)
    with contextlib.suppress(psutil.NoSuchProcess):
        assert is_gone(psutil.Process(int((tmp_path / "number").read_text())))


def test_a_program_that_says_its_last_word_and_stays_is_given_up(text, programs, monkeypatch):
    programs(ANSWER, "head -c 99 /dev/zero; exec >&-; sleep 100")
    monkeypatch.setattr(external, "_PATIENCE", 0.3)
    assert sentence(text) == "ffmpeg has done nothing for 0.3 s; try another file."


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        (("exit 3",), "is not audio that can be decoded: ffprobe ended with code 3; choose another file."),
        (("kill -9 $$",), "is not audio that can be decoded: ffprobe ended with code -9; choose another file."),
        ((ANSWER, "exit 3"), "decoding failed at this point: ffmpeg ended with code 3."),
        ((ANSWER, "echo '[x @ 0x1] [y @ 0x2] No luck.' >&2; exit 1"), "decoding failed at this point: No luck."),
        ((ANSWER, "echo No luck >&2; exit 1"), "decoding failed at this point: No luck."),
        (("\x7fELF nonsense",), "ffprobe cannot be started: Exec format error."),
        ((ANSWER, "\x7fELF nonsense"), "ffmpeg cannot be started: Exec format error."),
        (("echo '{}'",), "has no sound; choose a file that has some."),
        (("echo nonsense",), "ffprobe's answer makes no sense; try another version of ffmpeg."),
        (
            (ANSWER.replace("22050", "5"),),
            "unsupported format: 1 channel at 5 Hz; convert it to wav, flac, ogg or mp3.",
        ),
        (
            (ANSWER.replace("22050", "N/A"),),
            "unsupported format: 1 channel at 0 Hz; convert it to wav, flac, ogg or mp3.",
        ),
    ],
)
def test_a_program_that_fails(scripts, message, text, programs):
    programs(*scripts)
    assert sentence(text) == message


def test_what_comes_after_enough_does_not_matter(text, programs):
    programs(ANSWER, "head -c 88200 /dev/zero; exit 3")
    assert sum(len(frames) for frames in FfmpegPart(text).read(0, 1000)) == 1000


def test_a_flood_of_complaints_stops_nothing(text, programs, caplog):
    programs(ANSWER, "yes 'no luck' | head -c 5000000 >&2; head -c 88200 /dev/zero")
    assert len(read(FileSource(text))) == RATE
    (record,) = caplog.records
    assert record.getMessage() == f"{text}: some of it could not be decoded: no luck."


def test_complaints_about_times_are_left_out(text, programs, caplog):
    programs(ANSWER, "echo '[f32le @ 0x5] Application provided invalid dts' >&2; head -c 88200 /dev/zero")
    assert len(read(FileSource(text))) == RATE
    assert not caplog.records


# ------------------------------------------------------------------------------------------------------- what is left


@pytest.fixture(scope="session")
def long_song(tmp_path_factory):
    """Ten minutes of silence, of which a pipe and a block hold little."""
    folder = tmp_path_factory.mktemp("ffmpeg")
    soundfile.write(folder / "long.wav", np.zeros(600 * RATE, np.float32), RATE)
    run_ffmpeg("-i", folder / "long.wav", folder / "long.m4a")
    return folder / "long.m4a"


@needs_ffmpeg
@pytest.mark.parametrize("way", ["close", "forget", "error", "enough", "to the end"])
def test_ffmpeg_is_ended_and_reaped(way, long_song):
    source = FileSource(long_song, duration=100.0 if way == "enough" else None)
    assert children() == []
    blocks = iter(source)
    next(blocks)
    (child,) = children()
    if way == "close":
        blocks.close()
    elif way == "forget":
        del blocks
        gc.collect()
    elif way == "error":
        with pytest.raises(KeyboardInterrupt):
            blocks.throw(KeyboardInterrupt)
    else:
        for _ in blocks:
            pass
    assert children() == []
    assert not child.is_running()


@needs_ffmpeg
@POSIX
def test_a_terminals_ctrl_c_does_not_reach_it(long_song):
    blocks = iter(FileSource(long_song))
    next(blocks)
    (child,) = children()
    assert os.getsid(child.pid) != os.getsid(0)
    assert os.getpgid(child.pid) == child.pid
    blocks.close()


WAITING = """
import sys
from emodj_live import FileSource
blocks = iter(FileSource(sys.argv[1]))
next(blocks)
print("ready", flush=True)
sys.stdin.read()
"""


@needs_ffmpeg
@POSIX
def test_ffmpeg_does_not_outlive_a_killed_program(long_song, package):
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-c", WAITING, str(long_song)]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout.readline() == b"ready\n"
        (child,) = psutil.Process(program.pid).children()
        program.kill()
    assert is_gone(child)


def is_gone(child):
    with contextlib.suppress(psutil.TimeoutExpired):
        child.wait(30)
    return not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@needs_ffmpeg
@POSIX
@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_an_interrupted_command_leaves_nothing(number, code, long_song, model_path, package):
    """As fast as possible, but held up by a pipe that nobody empties."""
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-m", "emodj_live", "--json", "--step", "0.01", "--model", model_path, long_song]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        program.stdout.readline()
        (child,) = psutil.Process(program.pid).children()
        program.send_signal(number)
        program.stdout.read()
        assert program.wait(60) == code
        assert program.stderr.read() == b""
    assert is_gone(child)


@needs_ffmpeg
@pytest.mark.slow
@pytest.mark.parametrize("how", ["next(blocks)", "blocks.close()", "list(blocks)"])
def test_unfinished_blocks_do_not_hold_up_the_end_of_the_program(how, long_song, run_python):
    code = f"import sys\nfrom emodj_live import FileSource\nblocks = iter(FileSource(sys.argv[1]))\n{how}\nprint('end')"
    done = run_python(code, long_song)
    assert (done.stdout, done.stderr) == ("end\n", "")


@needs_ffmpeg
@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(long_song, monkeypatch):
    monkeypatch.undo()
    tracemalloc.start()
    length = sum(len(block) for block in FileSource(long_song, start=60.0) if not isinstance(block, Gap))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length == pytest.approx(540 * RATE, abs=3000)
    assert peak < 10_000_000

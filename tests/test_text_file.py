"""The newest emotion as a text in a file: whole at any moment, and empty at the end."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from virtual_microphone import wait_until

from emodj_live import Emotion, Quadrant, SinkError
from emodj_live.cli import main
from emodj_live.outputs import Outputs
from emodj_live.sinks.lines import lines_output
from emodj_live.sinks.text_file import TextSink, text
from emodj_live.work import Work


def emotion(time=0.5, valence=0.25, arousal=-0.5, quadrant=Quadrant.CALM, **fields):
    return Emotion(time, valence, arousal, 0.1, -0.2, quadrant, -20.5, 3.0, False, True, **fields)


@pytest.fixture
def song(write_audio, music):
    return write_audio("song.wav", music(1.0))


@pytest.fixture(autouse=True)
def own_model(model_path, monkeypatch):
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))


def test_it_is_the_word_and_the_numbers():
    assert text(emotion()) == "calm\nvalence +0.25  arousal -0.50\n"
    assert text(emotion(certainty=0.4)).splitlines()[0] == "rather calm"


def test_the_newest_emotion_replaces_the_one_before(tmp_path):
    path = tmp_path / "mood.txt"
    path.write_text("something long that was here before\n" * 9)
    sink = TextSink(path)
    assert path.read_text() == ""
    for each in (emotion(), emotion(valence=-0.7, quadrant=Quadrant.SAD)):
        sink(each)
        assert path.read_text() == text(each)
    sink.clear()
    assert path.read_text() == ""
    assert [found.name for found in tmp_path.iterdir() if "mood" in found.name] == ["mood.txt"]


def test_a_reader_never_finds_half_a_text(tmp_path):
    path, end, found = tmp_path / "mood.txt", threading.Event(), set()
    sink = TextSink(path)
    short, long = emotion(), emotion(quadrant=Quadrant.HAPPY, certainty=0.1)
    sink(short)

    def read():
        while not end.is_set():
            found.add(path.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(300):
        sink(long)
        sink(short)
    wait_until(lambda: found, 30, "the reader has read")
    end.set()
    reader.join()
    assert found <= {text(short), text(long)}


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link.txt").symlink_to(tmp_path / "mood.txt")
    TextSink(tmp_path / "link.txt")(emotion())
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "mood.txt").read_text() == text(emotion())


def test_a_session_writes_while_it_runs_and_leaves_nothing_that_is_over(tmp_path):
    path, seen = tmp_path / "mood.txt", []
    with (
        Outputs(lines_output(lambda *_: ""), {"text": path}, []) as outputs,
        outputs.following(Work([], name="song")) as sink,
    ):
        for number in range(3):
            sink(emotion(valence=0.1 * number))
            seen.append(path.read_text())
    assert seen == [text(emotion(valence=0.1 * number)) for number in range(3)]
    assert path.read_text() == ""


def test_the_command_line_shows_the_mood_while_it_is_heard(song, tmp_path):
    path = tmp_path / "mood.txt"
    command = [sys.executable, "-m", "emodj_live", "--demo", "--text", path]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as program:
        try:
            wait_until(lambda: path.exists() and path.read_text(), 60, "a text is there")
            assert path.read_text().splitlines()[1].startswith("valence ")
        finally:
            program.terminate()
    assert path.read_text() == ""


@pytest.mark.parametrize(
    ("name", "why"), [("nowhere/mood.txt", "No such file or directory"), ("folder.txt", "it is a folder or a device")]
)
def test_what_cannot_be_written_is_told_before_the_start(name, why, song, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.txt").mkdir()
    assert main([str(song), "--fast", "--text", name]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"emodj-live: {name}: cannot be written: {why}")
    assert captured.err.count("\n") == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that may not be written to")
def test_a_folder_that_may_not_be_written_to(song, tmp_path, capsys):
    (tmp_path / "mine").mkdir(mode=0o500)
    assert main([str(song), "--fast", "--text", str(tmp_path / "mine" / "mood.txt")]) == 1
    assert "mood.txt: cannot be written: Permission denied.\n" in capsys.readouterr().err


def test_a_folder_that_goes_away_ends_it_with_a_sentence(song, tmp_path):
    (tmp_path / "folder").mkdir()
    sink = TextSink(tmp_path / "folder" / "mood.txt")
    (tmp_path / "folder" / "mood.txt").unlink()
    (tmp_path / "folder").rmdir()
    with pytest.raises(SinkError, match=r"mood.txt: cannot be written: No such file or directory\.$"):
        sink(emotion())
    sink.clear()  # which is not told again


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs devices")
def test_a_device_is_not_replaced_by_a_file(tmp_path):
    (tmp_path / "device.txt").symlink_to("/dev/full")
    with pytest.raises(SinkError, match="device.txt: cannot be written: it is a folder or a device, not a file"):
        TextSink(tmp_path / "device.txt")
    assert Path("/dev/full").is_char_device()


def test_a_song_is_not_overwritten(song, capsys):
    before = song.read_bytes()
    with pytest.raises(SystemExit) as stopped:
        main(["--text", str(song), str(song)])
    assert stopped.value.code == 2
    assert f"{song} does not end in .txt" in capsys.readouterr().err
    assert song.read_bytes() == before


def test_a_song_that_is_called_a_text_is_not_overwritten(song, tmp_path, capsys):
    odd = tmp_path / "song.txt"
    song.rename(odd)
    before = odd.read_bytes()
    assert main(["--fast", "--text", str(odd), str(odd)]) == 1
    assert "is the same file as the input" in capsys.readouterr().err
    assert odd.read_bytes() == before


def test_silence_is_a_text_like_any_other():
    assert text(replace(emotion(), is_silent=True)) == text(emotion())

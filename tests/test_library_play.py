"""An evening of songs: what comes when, without a sound; and what is heard of it, through a null sink."""

import os
import signal
import threading
import time
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from made_songs import made_library, made_song
from standins import output_stand_in
from virtual_microphone import Terminal, clicks, wait_until

from emodj_live import Deck, EmotionTracker, LibraryError, Quadrant, Seek
from emodj_live.library.command import main
from emodj_live.library.player import Player
from emodj_live.library.setlist import SetList, Track

pytest_plugins = ["virtual_microphone"]

PLAY = ("-c", "from emodj_live.__main__ import library_console; library_console()", "play")


def tracks(names):
    return (Track(name.encode(), name) for name in names)


def set_list(names, happy="", taken=None):
    """Return a set list, of which a mood leads to some other tracks; `taken` collects what was asked for."""
    taken = [] if taken is None else taken
    return SetList((taken.append(track) or track for track in tracks(names)), lambda _mood: tracks(happy))


def coming(songs, number=9):
    return "".join(track.name for track in songs.coming(number))


# ------------------------------------------------------------------------------------------------- without a sound


def test_songs_come_in_their_order_and_a_file_as_often_as_it_is_listed():
    songs = set_list("abab")
    assert [songs.advance().name for _ in range(4)] == list("abab")
    assert songs.advance() is None


def test_no_more_songs_are_taken_than_are_shown():
    taken = []
    endless = (f"{number}" for number in count())
    songs = set_list(endless, taken=taken)
    songs.advance()
    assert coming(songs, 3) == "123"
    assert len(taken) == 4


def test_going_back_and_again():
    songs = set_list("abc")
    songs.advance(), songs.advance()
    songs.go_back()
    assert coming(songs) == "abc"
    songs.advance()
    songs.go_back()  # there is none before it
    assert coming(songs) == "abc"
    songs.advance(), songs.advance()
    songs.go_back(again=True)
    assert coming(songs) == "bc"


def test_a_mood_leads_to_songs_that_were_not_played_and_back_to_the_order():
    songs = set_list("abcde", happy="bdxa")
    songs.advance(), songs.advance()
    assert coming(songs) == "cde"
    songs.steer(Quadrant.HAPPY)
    assert coming(songs) == "dx"
    assert songs.advance().name == "d"
    songs.steer(None)
    assert coming(songs) == "ce"


def test_the_order_goes_on_when_a_mood_has_no_more_songs():
    songs = set_list("abc", happy="x")
    songs.advance()
    songs.steer(Quadrant.HAPPY)
    assert [songs.advance().name for _ in range(3)] == list("xbc")
    assert songs.mood is None


def test_a_song_that_is_left_out_does_not_come_again():
    songs = set_list("abc", happy="bc")
    songs.advance()
    songs.drop()
    songs.steer(Quadrant.HAPPY)
    assert coming(songs) == "c"


# ------------------------------------------------------------------------------------------ on a stand-in for a device


class Keys:
    """A dashboard whose keys are pressed when their time in a song has come."""

    def __init__(self, deck, *keys):
        self._deck, self._keys = deck, list(keys)
        self.titles, self.notes, self.note = [], [], ""
        self.messages = []

    def follow(self, source):
        self._source = source
        self.titles.append(source.title)

    def __call__(self, emotion):
        pass

    def show(self, message, *, passing=False):
        self.messages += [message] * passing

    def press(self, key):
        raise AssertionError(key)

    def key(self):
        if self._keys and self._source.position >= self._keys[0][0]:
            return self._keys.pop(0)[1]
        return ""

    def after_block(self, block):
        self.notes.append(self.note)
        if not isinstance(block, Seek) and len(block) == 0:
            self._deck._stream.turn()


@pytest.fixture
def evening(monkeypatch, tmp_path, music, model):
    """``evening(keys, happy)`` -> titles that played, and the notes, of four songs, the second of which is none."""
    output_stand_in(monkeypatch)
    monkeypatch.setattr("emodj_live.sources.playback._WAIT", 0)
    for number in range(4):
        soundfile.write(tmp_path / f"{number}.wav", music(6, number), 22050)
    (tmp_path / "1.wav").write_text("nothing")

    def evening(*keys, happy="", order="0123"):
        files = {name: Track(os.fsencode(tmp_path / f"{name}.wav"), name) for name in "0123"}
        songs = SetList([files[name] for name in order], lambda _mood: [files[name] for name in happy])
        with Deck() as deck:
            dashboard = Keys(deck, *keys)
            Player(songs, deck, EmotionTracker(model), threading.Event(), dashboard=dashboard).run()
        evening.messages = dashboard.messages
        return [title.removesuffix(".wav") for title in dashboard.titles], list(dict.fromkeys(dashboard.notes))

    return evening


def test_what_is_no_song_is_left_out_with_a_notice(evening, caplog):
    assert evening() == (["0", "2", "3"], ["next: 2, 3", "next: 3", "the last song"])
    assert [record.message for record in caplog.records if "1.wav" in record.message and "skipped" in record.message]
    with pytest.raises(LibraryError, match="no song could be played"):
        evening(order="1")


@pytest.mark.parametrize(
    ("keys", "titles"),
    [
        ([(1, "n"), (1, "p"), (1, "q")], ["0", "2", "0"]),
        ([(1, "n"), (4, "p"), (1, "q")], ["0", "2", "2"]),
        ([(1, "1"), (2, "n"), (1, "q")], ["0", "3"]),
        ([(1, "1"), (2, "1"), (3, "n"), (1, "q")], ["0", "2"]),
        ([(1, "n"), (1, "right"), (1, "q")], ["0", "2"]),
    ],
)
def test_keys(keys, titles, evening, monkeypatch):
    monkeypatch.setattr(Keys, "press", lambda *_: None)
    assert evening(*keys, happy="32")[0] == titles


def test_behind_the_last_song_the_keys_are_not_the_shells(evening):
    assert evening((1, "n"), (1, "n"), (1, "n"), (2, "n"), (3, "q"))[0] == ["0", "2", "3"]
    assert evening.messages == ["this is the last song"] * 2


def test_the_note_says_where_it_leads(evening):
    assert "next, toward happy: 3" in evening((1, "1"), (2, "q"), happy="3")[1]


# ------------------------------------------------------------------------------------------------------ the command


def test_a_playlist_or_one_order(tmp_path, capsys):
    made_library(tmp_path / "db", [made_song(0, 0, 0)]).close()
    for arguments in ([], ["a.m3u", "--mood", "calm"], ["--mood", "calm", "--near", "1"], ["a.m3u", "-n", "3"]):
        with pytest.raises(SystemExit, match="2"):
            main(["play", "--db", str(tmp_path / "db"), *arguments])
        assert "choose one" in capsys.readouterr().err


@pytest.fixture
def evening_files(tmp_path, model_path):
    """Return a playlist of three songs of which the index knows nothing, and one that is not there; and an index."""
    for number in range(3):
        soundfile.write(tmp_path / f"{number}.flac", clicks(2.2), 44100)
    playlist = tmp_path / "evening.m3u8"
    playlist.write_text("0.flac\ngone.flac\n1.flac\n2.flac\n")
    made_library(tmp_path / "db", [made_song(0, 0, 0)]).close()
    return SimpleNamespace(
        arguments=(*PLAY, "--db", tmp_path / "db", playlist), environment={"EMODJ_MODEL": str(model_path)}
    )


def longest_silence(recording, rate):
    """Return the longest silence between the first and the last sound [s]."""
    return float(np.diff(np.flatnonzero(recording)).max()) / rate


@pytest.mark.slow
@pytest.mark.sound
def test_three_songs_are_heard_without_silence_between_them(virtual_microphone, evening_files):
    recording = virtual_microphone.record()
    wait_until(lambda: recording.has_begun, 20, "the recording begins")
    program = virtual_microphone.start(*evening_files.arguments, **evening_files.environment)
    assert program.end() == 0, program.errors
    heard = recording.stop()
    assert [line.strip() for _, line in program.lines] == ["0.flac", "1.flac", "2.flac"]
    assert "gone.flac: there is no such file" in program.errors
    assert np.ptp(np.flatnonzero(heard)) / recording.rate == pytest.approx(6.6, abs=0.1)
    assert longest_silence(heard, recording.rate) < 0.05


@pytest.mark.slow
@pytest.mark.sound
@pytest.mark.terminal
def test_next_is_heard_within_half_a_second_and_a_signal_gives_the_terminal_back(
    virtual_microphone, evening_files, tmp_path
):
    sound = np.sin(0.05 * np.arange(20 * 44100))
    for number, level in enumerate((0.1, 0.8)):
        soundfile.write(tmp_path / f"{number}.flac", level * sound, 44100)
    recording = virtual_microphone.record()
    environment = {**virtual_microphone.environment, **evening_files.environment}
    with Terminal(*evening_files.arguments, size=(100, 30), environment=environment) as terminal:
        terminal.wait_for(lambda: "dBFS" in terminal.shown, 30, "an emotion")
        pressed = time.monotonic()
        terminal.press("n")
        time.sleep(1)
        assert terminal.end(signal.SIGTERM) == 0
        assert "\x1b[?1049l" in terminal.shown
        assert "Traceback" not in terminal.shown
    heard = recording.stop()
    begin = recording.moment(int(np.flatnonzero(np.abs(heard) > 0.5)[0]))
    assert 0 < begin - pressed < 0.5
    assert longest_silence(heard, recording.rate) < 0.05

"""The DJ player: the order of songs by their distances, and the real program on a virtual sound card."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate
from test_session import ENTER, LEAVE, assert_left_well, in_a_shell, plain, python
from virtual_microphone import PROJECT, Terminal, wait_until

from emodj_live import DemoSource, EmotionModel, EmotionTracker, FileSource

pytest_plugins = ["virtual_microphone"]
termios = pytest.importorskip("termios")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs pseudo-terminals")

PLAYER = PROJECT / "examples" / "dj_player.py"
RATE = 44100
SHORT, LONG = 2.5, 60.0  # [s] songs that end by themselves in a test, and songs that do not


@pytest.fixture(scope="module")
def player():
    """Return the example as a module."""
    spec = importlib.util.spec_from_file_location("dj_player", PLAYER)
    module = importlib.util.module_from_spec(spec)
    sys.modules["dj_player"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["dj_player"]


# ------------------------------------------------------------------------------------------------ the order of songs


def songs_at(player, **points):
    return [player.Song(Path(name), name, point) for name, point in points.items()]


def names(songs):
    return [song.title for song in songs]


def test_order_goes_to_the_nearest_that_is_left(player):
    songs = songs_at(player, a=(0.0, 0.0), b=(0.9, 0.9), c=(0.3, 0.0), d=(0.3, 0.4), e=(-0.35, 0.0))
    # From a: c is 0.3 away. From c: d 0.4, e 0.65. From d: e 0.76, b 0.78: Manhattan distance or a single axis would
    # say otherwise.
    assert names(player.SetList(songs[0], songs)) == ["a", "c", "d", "e", "b"]
    assert names(player.SetList(songs[1], songs)) == ["b", "d", "c", "a", "e"]


def test_order_agrees_with_looking_at_every_pair(player):
    points = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    songs = songs_at(player, **{f"{n:02}": tuple(point) for n, point in enumerate(points)})
    order = [int(name) for name in names(player.SetList(songs[7], songs))]
    assert order[0] == 7
    assert sorted(order) == list(range(30))
    for place, (now, after) in enumerate(pairwise(order)):
        away = np.linalg.norm(points - points[now], axis=1)
        assert away[after] == min(away[order[place + 1 :]])


def test_ties_go_by_name(player):
    songs = songs_at(player, m=(0.0, 0.0), z=(0.5, 0.0), b=(-0.5, 0.0), x=(0.0, 0.5))
    assert names([player.nearest(songs[1:], (0.0, 0.0))]) == ["b"]
    assert names([player.nearest(songs[:0:-1], (0.0, 0.0))]) == ["b"]


def test_same_song_twice_is_played_twice(player):
    songs = songs_at(player, a=(0.0, 0.0), b=(0.1, 0.0)) + songs_at(player, a=(0.0, 0.0))
    assert names(player.SetList(songs[0], songs)) == ["a", "a", "b"]


@pytest.mark.parametrize(("key", "expected"), [("h", "1"), ("t", "2"), ("s", "3"), ("c", "4")])
def test_a_mood_takes_effect_once_at_the_next_change(key, expected, player):
    points = {"0": (0.0, 0.0), "1": (0.6, 0.5), "2": (-0.6, 0.5), "3": (-0.6, -0.5), "4": (0.6, -0.5), "5": (0.1, 0)}
    songs = songs_at(player, **points)
    order = player.SetList(songs[0], songs)
    assert next(order).title == "0"
    assert order.upcoming.title == "5"
    order.steer(player.MOOD_KEYS[key])
    assert order.upcoming.title == expected
    assert next(order).title == expected
    assert order.mood is None
    assert order.upcoming.title == "5"  # nearest to any of them, no longer to a mood


def test_a_mood_can_be_taken_back(player):
    songs = songs_at(player, a=(0.0, 0.0), b=(0.1, 0.0), c=(0.5, 0.5))
    order = player.SetList(songs[0], songs)
    next(order)
    order.steer(player.Quadrant.HAPPY)
    assert order.upcoming.title == "c"
    order.steer(None)
    assert order.upcoming.title == "b"


def test_steering_at_the_end_does_no_harm(player):
    songs = songs_at(player, a=(0.0, 0.0))
    order = player.SetList(songs[0], songs)
    next(order)
    order.steer(player.Quadrant.SAD)
    assert order.upcoming is None
    assert list(order) == []


def test_finds_audio_files_in_folders_and_whatever_is_named(player, tmp_path):
    for name in ("b/two.FLAC", "b/cover.jpg", "a/deep/one.mp3", "loose.xyz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = player.find_files([tmp_path / "b", tmp_path / "loose.xyz", tmp_path / "a", tmp_path / "b" / "two.FLAC"])
    assert [path.name for path in found] == ["two.FLAC", "loose.xyz", "one.mp3"]
    again = tmp_path / "a" / ".." / "loose.xyz"
    assert player.find_files([again, *found]) == [again, found[0], found[2]]


# ---------------------------------------------------------------------------------------------------- three real songs


@dataclass
class Songs:
    """Three songs in a folder: `order` is by their distances, and it is not that of their names."""

    folder: Path
    order: list[str]
    points: dict[str, np.ndarray]
    sections: dict[str, np.ndarray]


def mean_point(path, model):
    """Return the mean valence and arousal of a file, by other means than the player's."""
    emotions = list(EmotionTracker(model).track(FileSource(path)))
    return np.mean([(emotion.valence, emotion.arousal) for emotion in emotions if not emotion.is_silent], axis=0)


def make_songs(folder, seconds):
    """Write songs in three moods of the demo piece, so named that going by name would be wrong."""
    model = EmotionModel.load()
    count = round(seconds * RATE)
    moods = np.split(np.concatenate(list(DemoSource(sample_rate=RATE))), 4)
    sections = [np.resize(mood[: int(2.5 * RATE)], count) for mood in moods]
    pieces = {"calm": sections[0], "sad": sections[3], "lively": sections[2]}
    points = {}
    for mood, piece in pieces.items():
        soundfile.write(folder / mood, piece, RATE, format="WAV")
        points[mood] = mean_point(folder / mood, model)
    order = min(permutations(pieces), key=lambda order: greedy_key(order, points))
    for mood, name in zip(order, ("b.wav", "c.wav", "a.wav"), strict=True):
        (folder / mood).rename(folder / name)
        points[name], pieces[name] = points.pop(mood), pieces.pop(mood)
    return Songs(folder, ["b.wav", "c.wav", "a.wav"], points, pieces)


def greedy_key(order, points):
    """Sort first the order that begins with the calm song and always goes to the nearest."""
    return order[0] != "calm", np.linalg.norm(points[order[0]] - points[order[1]])


@pytest.fixture(scope="module")
def short_songs(tmp_path_factory):
    return make_songs(tmp_path_factory.mktemp("short"), SHORT)


@pytest.fixture(scope="module")
def long_songs(tmp_path_factory):
    return make_songs(tmp_path_factory.mktemp("long"), LONG)


def run(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-W", "error", PLAYER, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def listed(text):
    """Return the names in the list that the player prints."""
    return re.findall(r"^\d+\. (\S+): ", text, re.MULTILINE)


@pytest.mark.slow
def test_dry_run_prints_the_order(short_songs):
    done = run(short_songs.folder, "--dry-run", "--start-with", "B.W")
    assert (done.returncode, done.stderr) == (0, "")
    assert listed(done.stdout) == short_songs.order
    assert len(done.stdout.splitlines()) == 3
    for line, name in zip(done.stdout.splitlines(), short_songs.order, strict=True):
        valence, arousal = (float(number) for number in re.findall(r"[+-]\d\.\d\d", line))
        assert (valence, arousal) == pytest.approx(tuple(short_songs.points[name]), abs=0.0051)


@pytest.mark.slow
def test_silence_does_not_count(short_songs, tmp_path):
    for name, song in short_songs.sections.items():
        silence = np.zeros(5 * RATE, song.dtype)
        soundfile.write(tmp_path / name, np.concatenate([silence, song, silence]), RATE)
    expected, found = (run(folder, "--dry-run").stdout for folder in (short_songs.folder, tmp_path))
    assert found.splitlines() == expected.splitlines()
    assert len(listed(found)) == 3


@pytest.mark.slow
def test_list_that_nobody_reads_or_that_has_no_room(short_songs):
    command = f"{sys.executable} -W error {PLAYER} {short_songs.folder} --dry-run"
    for shell, code, told in [
        (f"{command} | true; exit ${{PIPESTATUS[0]}}", 0, ""),
        (f"{command} > /dev/full", 1, "dj_player: [Errno 28] No space left on device\n"),
        (f"{command} >&-", 0, ""),
    ]:
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        done = subprocess.run(
            ["bash", "-c", shell], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (code, told)


def test_begins_with_the_first_that_is_named(short_songs):
    done = run(*(short_songs.folder / name for name in ("c.wav", "a.wav", "b.wav")), "--dry-run")
    assert listed(done.stdout)[0] == "c.wav"


def test_bad_files_are_told_and_left_out(short_songs, tmp_path):
    (tmp_path / "broken.mp3").write_text("nothing")
    soundfile.write(tmp_path / "brief.wav", np.zeros(100), RATE)
    soundfile.write(tmp_path / "silent.wav", np.zeros(2 * RATE), RATE)
    done = run(tmp_path, short_songs.folder, tmp_path / "gone.wav", "--dry-run", "--start-with", "b.wav")
    assert done.returncode == 0
    assert listed(done.stdout) == short_songs.order
    told = done.stderr.splitlines()
    reasons = {
        "brief.wav": "is shorter than one window",
        "broken.mp3": "is not audio",
        "silent.wav": "is silent",
        "gone.wav": "there is no such file",
    }
    for line, (name, reason) in zip(told, reasons.items(), strict=True):
        assert line.startswith("dj_player: left out ")
        assert f"{name}: {reason}" in line


def test_name_that_is_no_text(short_songs, tmp_path):
    try:
        os.link(short_songs.folder / "a.wav", os.fsencode(tmp_path) + b"/\xe9.wav")
    except OSError:
        pytest.skip("this file system wants names that are text")
    done = run(tmp_path, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert listed(done.stdout) == ["\\udce9.wav"]


@pytest.mark.slow
def test_one_sentence_where_nothing_can_be_played(short_songs, tmp_path):
    for arguments, told in [
        ((tmp_path, "--dry-run"), "no playable song was found"),
        (
            (short_songs.folder, tmp_path / "gone.wav", "--dry-run", "--start-with", "zz"),
            "no song has 'zz' in its file name",
        ),
        ((short_songs.folder,), "the player needs a UTF-8 terminal"),
    ]:
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1
        assert told in done.stderr


# --------------------------------------------------------------------------------------- through the virtual sound card


@pytest.fixture
def start(virtual_microphone):
    """Start the player on a terminal of its own, with the virtual sound card."""

    def start(*arguments, size=(100, 24), **environment):
        given = {**virtual_microphone.environment, **environment}
        return Terminal("-W", "error", PLAYER, *arguments, size=size, environment=given)

    return start


def titled(terminal):
    """Return the titles that the dashboard had at its head, in order."""
    found = re.findall(r"emodj-live  (\S+)", plain(terminal.shown.split(LEAVE)[0]))
    return [name for place, name in enumerate(found) if place == 0 or name != found[place - 1]]


def wait_for_title(terminal, name):
    terminal.wait_for(lambda: titled(terminal)[-1:] == [name], 30, f"{name} at the head")


def since_title(terminal, name):
    """Return what was shown since a song's title came to the head, as text."""
    return plain(terminal.shown).rpartition(f"emodj-live  {name}")[2]


def wait_for_emotion(terminal):
    """Wait for an emotion after what has been shown so far."""
    shown = len(terminal.shown)
    terminal.wait_for(lambda: "dBFS" in terminal.shown[shown:], 30, "another emotion")


def played(terminal):
    """Return the names of what was played, which is told behind the dashboard."""
    return listed(plain(terminal.shown.split(LEAVE)[1]).replace("\r", ""))


def places(recording, song):
    """Return where in a recording the tenths of a song are heard [s], those of them that are there undamaged.

    A busy machine may lose a few samples on the way into the recording, which the tenth that they belong to does not
    survive, but the others do.
    """
    energy = np.concatenate([[0.0], np.cumsum(np.square(recording, dtype=np.float64))])
    found = []
    for piece in np.array_split(song, 10):
        norms = np.sqrt(np.maximum(energy[len(piece) :] - energy[: -len(piece)], 1e-2))
        likeness = correlate(recording, piece, mode="valid", method="fft") / (norms * np.linalg.norm(piece))
        if likeness.max() > 0.95:
            found.append(likeness.argmax() / RATE)
    return found


@pytest.mark.sound
@pytest.mark.terminal
def test_plays_three_songs_in_a_row_in_the_order_of_their_distances(start, short_songs, virtual_microphone):
    recording = virtual_microphone.record()
    wait_until(lambda: recording.has_begun, 20, "the recording begins")
    with start(short_songs.folder, "--start-with", "b.wav") as terminal:
        assert terminal.end(timeout=60) == 0
        heard = recording.stop()
        assert_left_well(terminal)
        assert titled(terminal) == short_songs.order
        drawn = terminal.shown.split(LEAVE)[0]
        assert played(terminal) == short_songs.order
        assert "next, nearest: c.wav" in drawn
        assert "song 2 of 3; next, nearest: a.wav" in drawn
        assert "song 3 of 3, the last" in drawn
    found = [places(heard, short_songs.sections[name]) for name in short_songs.order]
    for song in found:
        assert len(song) >= 7
        assert 0.5 * SHORT < max(song) - min(song) < SHORT + 0.5
    for song, following in pairwise(found):
        assert max(song) < min(following) < max(song) + SHORT + 3  # one after the other, without long silence


@pytest.mark.sound
@pytest.mark.terminal
def test_keys(start, long_songs):
    with start(long_songs.folder, "--start-with", "b.wav") as terminal:
        before = termios.tcgetattr(terminal._leader)
        wait_for_emotion(terminal)
        assert titled(terminal) == ["b.wav"]
        assert not termios.tcgetattr(terminal._leader)[3] & (termios.ECHO | termios.ICANON)
        pause_and_go_on(terminal)
        terminal.press("n")
        wait_for_title(terminal, "c.wav")
        terminal.wait_for(lambda: "listening" in since_title(terminal, "c.wav"), 10, "a plane without the song before")
        wait_for_emotion(terminal)
        terminal.press("q")
        assert terminal.end() == 0
        assert_left_well(terminal)
        assert played(terminal) == ["b.wav", "c.wav"]
        assert termios.tcgetattr(terminal._leader)[3] == before[3]


def pause_and_go_on(terminal):
    """Check that space stops the emotions, and another lets them go on."""
    terminal.press(" ")
    terminal.wait_for(lambda: "paused: press space" in terminal.shown, 10, "paused")
    time.sleep(0.7)  # what was on its way to the loudspeaker
    shown = len(terminal.shown)
    time.sleep(1.5)
    assert "dBFS" not in terminal.shown[shown:]
    terminal.press(" ")
    wait_for_emotion(terminal)


@pytest.mark.sound
@pytest.mark.terminal
def test_pressing_n_on_the_last_song_ends(start, long_songs):
    with start(long_songs.folder, "--start-with", "b.wav") as terminal:
        for name in long_songs.order:
            wait_for_title(terminal, name)
            wait_for_emotion(terminal)
            terminal.press("n")
        assert terminal.end() == 0
        assert_left_well(terminal)
        assert played(terminal) == long_songs.order


@pytest.mark.sound
@pytest.mark.terminal
def test_steers_towards_a_mood(player, start, long_songs):
    points = long_songs.points
    moods = {
        mood: min(("a.wav", "c.wav"), key=lambda name: np.linalg.norm(points[name] - center))
        for mood, center in player.CENTERS.items()
    }
    mood = next(mood for mood, name in moods.items() if name == "a.wav")  # which the distances would play last
    with start(long_songs.folder, "--start-with", "b.wav") as terminal:
        terminal.wait_for(lambda: "next, nearest: c.wav" in terminal.shown, 30, "the next")
        terminal.press(mood.value[0])
        terminal.wait_for(lambda: f"next, toward {mood.value}: a.wav" in terminal.shown, 10, "the mood")
        assert titled(terminal) == ["b.wav"]
        terminal.press("n")
        terminal.wait_for(lambda: "next, nearest: c.wav" in since_title(terminal, "a.wav"), 30, "the one that is left")
        terminal.press("q")
        assert terminal.end() == 0
        assert played(terminal) == ["b.wav", "a.wav"]


@pytest.mark.sound
@pytest.mark.terminal
def test_ctrl_z_and_fg(long_songs, virtual_microphone):
    environment = {**virtual_microphone.environment, "PYTHONPATH": str(PROJECT)}
    with in_a_shell(**environment) as shell:
        shell.enter(python(PLAYER, long_songs.folder))
        shell.wait_for("song 1 of 3")
        shell.wait_for("dBFS")
        shell.send("C-z")
        shell.wait_for("Stopped")
        shell.wait_for("song 1 of 3", wanted=False)
        time.sleep(4)  # longer than a device may be mute
        shell.enter("fg")
        shell.wait_for("song 1 of 3")
        shell.send("n")
        shell.wait_for("song 2 of 3")
        shell.wait_for("dBFS")
        shell.send("q")
        shell.wait_for("2. ")


@pytest.mark.sound
@pytest.mark.terminal
def test_song_that_has_gone_is_told_and_left_out(start, long_songs, tmp_path):
    for name in long_songs.order:
        (tmp_path / name).hardlink_to(long_songs.folder / name)
    with start(tmp_path, "--start-with", "b.wav") as terminal:
        wait_for_emotion(terminal)
        (tmp_path / "c.wav").unlink()
        terminal.press("n")
        wait_for_title(terminal, "a.wav")
        terminal.press("q")
        assert terminal.end() == 0
        assert_left_well(terminal)
        assert played(terminal) == ["b.wav", "a.wav"]
        assert "c.wav: there is no such file" in terminal.shown.split(LEAVE)[1].replace("\r\n", "")


@pytest.mark.sound
@pytest.mark.terminal
def test_list_is_not_lost_with_the_device(start, long_songs, virtual_microphone):
    with start(long_songs.folder) as terminal:
        wait_for_emotion(terminal)
        virtual_microphone.unplug()
        try:
            assert terminal.end() == 1
        finally:
            virtual_microphone.replug()
        assert_left_well(terminal)
        assert played(terminal) == ["a.wav"]
        assert "stopped accepting audio" in terminal.shown.split(LEAVE)[1]


@pytest.mark.sound
@pytest.mark.terminal
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_while_it_plays(number, start, long_songs):
    with start(long_songs.folder) as terminal:
        before = termios.tcgetattr(terminal._leader)
        wait_for_emotion(terminal)
        assert terminal.end(number) == 0
        assert_left_well(terminal)
        assert played(terminal) == ["a.wav"]
        assert termios.tcgetattr(terminal._leader)[3] == before[3]


@pytest.mark.sound
@pytest.mark.terminal
def test_ctrl_c_while_it_analyzes(start, tmp_path):
    soundfile.write(tmp_path / "endless.flac", np.zeros(20 * 3600 * 1000, np.int16), 1000)  # takes a minute and more
    with start(tmp_path) as terminal:
        terminal.wait_for(lambda: "Listening to the songs" in terminal.shown, 30, "the progress bar")
        assert terminal.end(signal.SIGINT) == 130
        assert ENTER not in terminal.shown
        assert "Traceback" not in terminal.shown
        assert terminal.shown.rfind("\x1b[?25h") >= terminal.shown.rfind("\x1b[?25l")


@pytest.mark.sound
@pytest.mark.terminal
def test_without_an_output_device_it_says_so_before_the_analysis(start, short_songs, tmp_path):
    with start(short_songs.folder, PULSE_SERVER=f"unix:{tmp_path}/nothing") as terminal:
        assert terminal.end() == 1
        assert terminal.shown.startswith("dj_player: there is no output device")
        assert len(terminal.shown.splitlines()) == 1


@pytest.mark.sound
@pytest.mark.terminal
def test_device_by_name(start, short_songs):
    with start(short_songs.folder, "--device", "gramophone") as terminal:
        assert terminal.end() == 1
        assert "dj_player: no output device matches 'gramophone'" in terminal.shown


@pytest.mark.sound
@pytest.mark.terminal
def test_output_that_goes_away_leaves_the_terminal_as_it_was(start, long_songs, virtual_microphone):
    with start(long_songs.folder) as terminal:
        wait_for_emotion(terminal)
        virtual_microphone._pactl("set-default-sink", "speaker")
        virtual_microphone.unplug()
        try:
            assert terminal.end() == 1
        finally:
            virtual_microphone.replug()
        assert_left_well(terminal)
        assert "dj_player: " in terminal.shown.split(LEAVE)[1]

"""The DJ player: the order of songs by their distances, and the real program on a virtual sound card."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from test_session import assert_left_well
from virtual_microphone import PROJECT, Terminal

from emodj_live import DemoSource

pytest_plugins = ["virtual_microphone"]
pytest.importorskip("termios")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs pseudo-terminals")

PLAYER = PROJECT / "examples" / "dj_player.py"
RATE = 44100


@pytest.fixture(scope="module")
def player():
    """Return the example as a module."""
    spec = importlib.util.spec_from_file_location("dj_player", PLAYER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_short():
    assert len(PLAYER.read_text().splitlines()) < 120


def test_order_goes_to_the_nearest_that_is_left(player):
    points = {"a": (0.0, 0.0), "b": (0.9, 0.9), "c": (0.3, 0.0), "d": (0.3, 0.4), "e": (-0.35, 0.0)}
    # From a: c is 0.3 away. From c: d 0.4, e 0.65. From d: e 0.76, b 0.78: Manhattan distance or a single axis would
    # say otherwise.
    assert list(player.nearest_first(points)) == ["a", "c", "d", "e", "b"]
    assert list(player.nearest_first({})) == []


def test_order_agrees_with_looking_at_every_pair(player):
    points = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    order = list(player.nearest_first({number: tuple(point) for number, point in enumerate(points)}))
    assert order[0] == 0
    assert sorted(order) == list(range(30))
    for place, (now, after) in enumerate(pairwise(order)):
        away = np.linalg.norm(points - points[now], axis=1)
        assert away[after] == min(away[order[place + 1 :]])


def make_songs(folder, seconds):
    """Write songs in three moods of the demo piece."""
    for name, section in zip(("first", "second", "third"), DemoSource(sample_rate=RATE), strict=False):
        soundfile.write(folder / f"{name}.wav", np.resize(section[: int(2.5 * RATE)], round(seconds * RATE)), RATE)


def test_bad_files_are_told_and_left_out(player, tmp_path, model, capsys):
    make_songs(tmp_path, 1.0)
    (tmp_path / "broken.mp3").write_text("nothing")
    (tmp_path / "cover.jpg").write_text("nothing")
    found = player.analyze_all(tmp_path, model)
    assert [path.name for path in found] == ["first.wav", "second.wav", "third.wav"]
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert told[0].startswith("dj_player: left out ")
    assert "broken.mp3: is not audio" in told[0]


def test_without_a_terminal_it_says_so(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-W", "error", PLAYER, tmp_path]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "dj_player: the player needs a UTF-8 terminal.\n"


# --------------------------------------------------------------------------------------- through the virtual sound card


@pytest.fixture
def start(virtual_microphone, tmp_path):
    """Start the player on a terminal of its own, with three songs and the virtual sound card."""

    def start(seconds):
        make_songs(tmp_path, seconds)
        return Terminal("-W", "error", PLAYER, tmp_path, size=(100, 24), environment=virtual_microphone.environment)

    return start


def wait_for_emotion(terminal):
    shown = len(terminal.shown)
    terminal.wait_for(lambda: "dBFS" in terminal.shown[shown:], 30, "another emotion")


@pytest.mark.slow
@pytest.mark.sound
@pytest.mark.terminal
def test_plays_all_songs_and_ends(start):
    with start(2.0) as terminal:
        assert terminal.end(timeout=60) == 0
        assert_left_well(terminal)
        assert "1 of 3" in terminal.shown


@pytest.mark.slow
@pytest.mark.sound
@pytest.mark.terminal
def test_keys(start):
    with start(60.0) as terminal:
        wait_for_emotion(terminal)
        terminal.press(" ")
        time.sleep(0.7)  # what was on its way to the loudspeaker
        shown = len(terminal.shown)
        time.sleep(1.5)
        assert "dBFS" not in terminal.shown[shown:]
        terminal.press(" ")
        terminal.press("n")
        wait_for_emotion(terminal)
        terminal.press("q")
        assert terminal.end() == 0
        assert_left_well(terminal)


@pytest.mark.slow
@pytest.mark.sound
@pytest.mark.terminal
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_while_it_plays(number, start):
    with start(60.0) as terminal:
        wait_for_emotion(terminal)
        assert terminal.end(number) == 0
        assert_left_well(terminal)

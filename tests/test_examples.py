"""Every example runs as it stands, imports nothing private, and the window takes the music's color."""

import ast
import os
import re
import signal
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from shutil import which

import numpy as np
import pytest
import soundfile
from virtual_microphone import PROJECT, wait_until

import emodj_live
from emodj_live import DemoSource, EmotionModel, EmotionTracker, FileSource, Quadrant

pytest_plugins = ["virtual_microphone"]

COLORS = {quadrant.color for quadrant in Quadrant}
EXAMPLES = sorted((PROJECT / "examples").glob("*.py"))
WAYS_IN = ["background", "callback", "iterator", "push"]
RATE = 44100


def example(name):
    return PROJECT / "examples" / f"{name}.py"


@pytest.fixture(scope="module")
def sections():
    """Return the four moods of the demo piece, at 44.1 kHz."""
    return np.split(np.concatenate(list(DemoSource(sample_rate=RATE))), 4)


@pytest.fixture(scope="module")
def song(sections, tmp_path_factory):
    """Return a song of 2.5 s: 16-bit stereo at 44.1 kHz."""
    path = tmp_path_factory.mktemp("song") / "song.wav"
    left = sections[1][: int(2.5 * RATE)]
    soundfile.write(path, np.stack([left, 0.8 * left], axis=1), RATE, subtype="PCM_16")
    return path


def track(path):
    """Return the emotions that there are to find."""
    return list(EmotionTracker(EmotionModel.load()).track(FileSource(path)))


def run(*arguments, **environment):
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    given = {**os.environ, "PYTHONPATH": str(PROJECT), **environment}
    return subprocess.run(command, env=given, capture_output=True, text=True, timeout=60, check=False)


# ------------------------------------------------------------------------------------------------------ all of them


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES} == {*WAYS_IN, "dj_player", "tk_color"}


def offences(text):
    """Return what a program uses of emodj_live that is private or not documented."""
    tree, found = ast.parse(text), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] == "emodj_live"]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "emodj_live":
            found += [f"{node.module}.{alias.name}" for alias in node.names if not is_public(node.module, alias.name)]
        elif isinstance(node, ast.Attribute) and re.match(r"_(?!_)", node.attr) and ast.unparse(node.value) != "self":
            found.append(ast.unparse(node))
    return found


def is_public(module, name):
    """Whether a name is one of those at the door."""
    return module == "emodj_live" and name in emodj_live.__all__


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_uses_nothing_private(path):
    text = path.read_text(encoding="utf-8")
    assert "emodj_live" in text
    assert offences(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "from emodj_live.blocks import checked",
        "from emodj_live.sinks.terminal.view import _cell",
        "from emodj_live import tracker",
        "from emodj_live.sources.playback import soxr",
        "from emodj_live.sources.devices import find_device",
        "from emodj_live.console import own_stderr",
        "import emodj_live.tracker",
        "tracker._ring.clear()",
        "source._stream.abort()",
    ],
)
def test_an_offence_is_found(text):
    assert len(offences(text)) == 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_says_how_it_is_called(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert f"python examples/{path.name}" in text


# ------------------------------------------------------------------------------------------------- each way in


@pytest.mark.parametrize("name", WAYS_IN)
def test_is_short(name):
    lines = example(name).read_text(encoding="utf-8").splitlines()
    code = [line for line in lines[1:] if line and not line.startswith(("import ", "from "))]
    assert len(code) <= 10


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iterator", "push"])
def test_prints_valence_and_arousal(name, song):
    done = run(example(name), song)
    assert (done.returncode, done.stderr) == (0, "")
    found = [[float(number) for number in re.findall(r"[+-]?\d+\.\d+", line)] for line in done.stdout.splitlines()]
    expected = [[emotion.time, emotion.valence, emotion.arousal] for emotion in track(song)]
    assert np.array(found) == pytest.approx(np.array(expected), abs=0.0051)
    assert len(found) == 5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["callback", "background"])
def test_prints_the_mood(name, song):
    done = run(example(name), song)
    assert (done.returncode, done.stderr) == (0, "")
    found = [line for line, _ in groupby(done.stdout.splitlines())]  # one that polls sees some of them twice
    assert found == [f"{emotion.time:6.1f} s  {emotion.quadrant.value}" for emotion in track(song)]


def test_background_raises_what_went_wrong(tmp_path):
    done = run(example("background"), tmp_path / "nothing.wav")
    assert done.returncode == 1
    assert "SourceError: " in done.stderr


# ------------------------------------------------------------------------------------------------------ the window


class Screen:
    """A virtual screen whose pixels lie in a file; use it in a ``with`` statement.

    Attributes
    ----------
    display : str
        Its name for programs.
    """

    def __init__(self, folder: Path) -> None:
        self._pixels = folder / "Xvfb_screen0"
        reader, writer = os.pipe()
        command = ["Xvfb", "-displayfd", str(writer), "-fbdir", str(folder), "-screen", "0", "640x480x24"]
        command += ["-nolisten", "tcp"]
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, pass_fds=[writer], **streams)
        os.close(writer)
        with os.fdopen(reader) as told:
            self.display = f":{told.readline().strip()}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)

    def image(self):
        """Return what is shown: an xwd file's pixels as red, green and blue, shape (480, 640, 3)."""
        data = self._pixels.read_bytes()
        header = np.frombuffer(data[:100], ">u4")
        start = int(header[0] + 12 * header[19])
        pixels = np.frombuffer(data[start : start + 480 * int(header[12])], np.uint8).reshape(480, -1, 4)
        return pixels[:, :640, 2::-1] if header[7] == 0 else pixels[:, :640, 1:]

    def color(self):
        """Return the color of most of what is not black, as ``#rrggbb``; empty if all is."""
        pixels = self.image().reshape(-1, 3)
        colors, counts = np.unique(pixels[pixels.any(axis=1)], axis=0, return_counts=True)
        return "#" + bytes(colors[counts.argmax()]).hex() if len(colors) else ""


@pytest.fixture
def screen(tmp_path):
    """Have a screen; without the means it skips, but on CI, where they have to be there, it fails."""
    try:
        import tkinter  # noqa: F401
    except ImportError:
        lacking = "tkinter"
    else:
        lacking = "" if which("Xvfb") else "Xvfb"
    if lacking:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"no window without {lacking}")
    with Screen(tmp_path) as screen:
        yield screen


class Window:
    """The example with a window, on a screen; use it in a ``with`` statement."""

    def __init__(self, screen, *arguments, **environment):
        self.screen = screen
        command = [sys.executable, "-W", "error", example("tk_color"), *map(str, arguments)]
        given = {**os.environ, "PYTHONPATH": str(PROJECT), "DISPLAY": screen.display, **environment}
        self.process = subprocess.Popen(command, env=given, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def colors(self, until):
        """Return the colors that the screen takes, one after the other, up to a certain one."""
        seen = []

        def has_come():
            color = self.screen.color()
            if color in COLORS and [color] != seen[-1:]:
                seen.append(color)
            return self.process.poll() is not None or seen[-1:] == [until]

        wait_until(has_come, 30, f"{until} after {seen}")
        return seen

    def end(self, number=None):
        """Send a signal if one is given, and return the exit code and what it complained about."""
        if number is not None:
            self.process.send_signal(number)
        _, complaints = self.process.communicate(timeout=30)
        return self.process.returncode, complaints


@pytest.mark.screen
def test_window_takes_the_color_of_each_quadrant(screen, sections, tmp_path):
    path = tmp_path / "song.flac"
    soundfile.write(path, np.concatenate([sections[2][: 4 * RATE], sections[3][: 6 * RATE]]), RATE)
    quadrants = [quadrant for quadrant, _ in groupby(emotion.quadrant for emotion in track(path))]
    assert len(quadrants) > 1
    with Window(screen, path) as window:
        assert window.colors(until=quadrants[-1].color) == [quadrant.color for quadrant in quadrants]
        assert window.end() == (0, "")  # with the song


@pytest.mark.screen
def test_window_closes_with_ctrl_c(screen, sections, tmp_path):
    soundfile.write(tmp_path / "song.wav", np.tile(sections[0], 20), RATE)
    with Window(screen, tmp_path / "song.wav") as window:
        wait_until(lambda: screen.color() in COLORS, 30, "a color")
        assert window.end(signal.SIGINT) == (0, "")


@pytest.mark.screen
@pytest.mark.sound
def test_window_listens_to_the_microphone(screen, virtual_microphone, song):
    environment = {**virtual_microphone.environment, "DISPLAY": screen.display}
    with Window(screen, **environment) as window:
        wait_until(lambda: screen.color() in COLORS, 30, "a color")
        assert window.end(signal.SIGINT)[0] == 0


@pytest.mark.screen
@pytest.mark.sound
@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["nothing.wav"], {}, "tk_color: nothing.wav: there is no such file"),
        ([], {"PULSE_SERVER": "unix:/nothing"}, "tk_color: there is no input device"),
        ([EXAMPLES[0]], {}, "is not audio"),
    ],
)
def test_window_says_in_one_sentence_what_is_wrong(arguments, environment, told, screen, virtual_microphone):
    with Window(
        screen, *arguments, **{**virtual_microphone.environment, "DISPLAY": screen.display, **environment}
    ) as window:
        code, complaints = window.end()
    assert code == 1
    assert told in complaints.splitlines()[-1]
    assert "Traceback" not in complaints


def test_window_without_a_screen(song):
    pytest.importorskip("tkinter")
    done = run(example("tk_color"), song, DISPLAY="")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "display" in done.stderr

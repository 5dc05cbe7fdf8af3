"""The real program on a pseudo-terminal: the dashboard comes and goes, keys and signals work, the terminal is kept."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from virtual_microphone import PROJECT, Terminal, wait_until

pytest_plugins = ["virtual_microphone"]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs pseudo-terminals")

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


@dataclass
class Start:
    """What starts the program, always on a terminal of its own."""

    model: str
    environment: dict[str, str]

    def __call__(self, *arguments, size=(80, 24), **environment):
        given = {**self.environment, "EMODJ_MODEL": self.model, **environment}
        return Terminal("-m", "emodj_live", *arguments, size=size, environment=given)


@pytest.fixture
def start(model_path):
    """Start the program on a terminal."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    return Start(str(model_path), {**inherited, "PYTHONPATH": str(PROJECT)})


@pytest.fixture
def on_microphone(start, virtual_microphone):
    """Start the program on a terminal, with the virtual microphone."""
    return Start(start.model, virtual_microphone.environment)


def plain(shown):
    return re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", shown)


def assert_left_well(terminal):
    """Check that the dashboard was on the alternate screen alone, and that the terminal is as it was."""
    shown = terminal.shown
    assert shown.count(ENTER) == shown.count(LEAVE) == 1
    assert shown.index(ENTER) < shown.index("valence") < shown.index(LEAVE)
    assert shown.rindex(SHOW) > shown.rindex(HIDE)
    assert "Traceback" not in shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_on_a_file(number, start):
    with start("--demo") as terminal:
        terminal.wait_for(lambda: "valence +" in terminal.shown or "valence -" in terminal.shown, 30, "the dashboard")
        assert terminal.end(number) == 0
        assert_left_well(terminal)
        assert "demo: mean valence" in terminal.shown.split(LEAVE)[1]


def test_ctrl_c_from_the_keyboard_ends_the_microphone(on_microphone):
    with on_microphone("--mic") as terminal:
        terminal.wait_for(lambda: "dBFS" in terminal.shown, 30, "the dashboard")
        assert "44100 Hz" in terminal.shown
        assert terminal.end(signal.SIGINT) == 0
        assert_left_well(terminal)
        assert "default: mean valence" in terminal.shown.split(LEAVE)[1]


def test_q_quits(start):
    with start("--demo") as terminal:
        terminal.wait_for(lambda: "dBFS" in terminal.shown, 30, "the dashboard")
        terminal.press("q")
        assert terminal.end() == 0
        assert_left_well(terminal)


def test_space_pauses_and_goes_on(start):
    with start("--demo") as terminal:
        terminal.wait_for(lambda: "dBFS" in terminal.shown, 30, "the dashboard")
        terminal.press(" ")
        terminal.wait_for(lambda: "paused: press space" in terminal.shown, 10, "paused")
        shown = len(terminal.shown)
        terminal.press("x ")
        terminal.wait_for(lambda: "dBFS" in terminal.shown[shown:], 10, "another emotion")
        terminal.press("q")
        assert terminal.end() == 0


def test_keys_do_not_show_and_the_terminal_gets_its_settings_back(start):
    import termios

    with start("--demo") as terminal:
        before = termios.tcgetattr(terminal._leader)
        terminal.wait_for(lambda: "dBFS" in terminal.shown, 30, "the dashboard")
        assert not termios.tcgetattr(terminal._leader)[3] & (termios.ECHO | termios.ICANON)
        terminal.press("q")
        assert terminal.end() == 0
        assert termios.tcgetattr(terminal._leader)[3] == before[3]


@pytest.mark.parametrize("size", [(60, 18), (200, 55), (20, 5)])
def test_fits_the_terminal(size, start):
    with start("--demo", size=size) as terminal:
        terminal.wait_for(lambda: "valence +" in terminal.shown or "valence -" in terminal.shown, 30, "the dashboard")
        terminal.press("q")
        assert terminal.end() == 0
        drawn = terminal.shown.split(ENTER)[1].split(LEAVE)[0]
        assert max(int(row) for row in re.findall(r"\x1b\[(\d+);1H", drawn)) <= size[1]
        assert max(len(plain(row)) for row in re.split(r"\x1b\[\d+;1H", drawn)) <= size[0]


def test_follows_a_resize(start):
    with start("--demo", size=(80, 24)) as terminal:
        terminal.wait_for(lambda: "dBFS" in terminal.shown, 30, "the dashboard")
        terminal.resize(100, 40)
        terminal.wait_for(lambda: "\x1b[40;1H" in terminal.shown, 10, "the last of 40 rows")
        terminal.press("q")
        assert terminal.end() == 0


def test_no_color(start):
    with start("--demo", NO_COLOR="1") as terminal:
        terminal.wait_for(lambda: "dBFS" in terminal.shown, 30, "the dashboard")
        terminal.press("q")
        assert terminal.end() == 0
        assert not re.search(r"\x1b\[[0-9;]*[34]8;", terminal.shown)


@pytest.mark.parametrize("arguments", [["--plain"], ["--json"]])
def test_no_dashboard_where_none_is_wanted(arguments, start):
    with start("--demo", "--fast", *arguments) as terminal:
        assert terminal.end() == 0
        assert ENTER not in terminal.shown


def test_terminal_that_cannot_draw_gets_lines(start):
    code = "import os; os.environ['TERM'] = 'dumb'; from emodj_live.cli import main; main(['--demo', '--fast'])"
    environment = {**start.environment, "EMODJ_MODEL": start.model}
    with Terminal("-c", code, environment=environment) as terminal:
        assert terminal.end() == 0
        assert ENTER not in terminal.shown
        assert "0:30.0  valence" in terminal.shown


def test_error_leaves_the_terminal_as_it_was(on_microphone, tmp_path):
    with on_microphone("--mic", "-d", "gramophone") as terminal:
        assert terminal.end() == 1
        assert terminal.shown.count(ENTER) == terminal.shown.count(LEAVE)
        assert "no single input device 'gramophone'" in terminal.shown
    with on_microphone(tmp_path / "nothing.wav") as terminal:
        assert terminal.end() == 1
        assert ENTER not in terminal.shown


def test_unplugging_is_told_on_the_dashboard_and_behind_it(on_microphone, virtual_microphone):
    with on_microphone("--mic") as terminal:
        terminal.wait_for(lambda: "dBFS" in terminal.shown, 30, "the dashboard")
        virtual_microphone.unplug()
        try:
            terminal.wait_for(lambda: "waiting for the device" in terminal.shown, 10, "the alarm")
        finally:
            virtual_microphone.replug()
        terminal.wait_for(lambda: "is back after" in terminal.shown, 10, "it is back")
        assert terminal.end(signal.SIGINT) == 0
        assert_left_well(terminal)
        drawn, behind = terminal.shown.split(LEAVE)
        for notice in ("no sound arrives any more", "is back after"):
            assert notice in behind
        assert "ALSA lib" not in drawn  # what the sound system writes past Python


@contextmanager
def in_a_shell(*arguments, **environment):
    """Start a program under a shell of its own, because only a job of a shell can be stopped and go on.

    Yields what sends keys, and what waits until the screen shows something or does not any more.
    """
    tmux = shutil.which("tmux")
    if tmux is None:
        pytest.skip("needs tmux")
    server = [tmux, "-L", "emodj-live-test", "-f", os.devnull]

    def run(*arguments):
        return subprocess.run([*server, *arguments], capture_output=True, text=True, timeout=30, check=True).stdout

    def send(*keys):
        run("send-keys", *keys)

    def wait_for(text, *, wanted=True):
        wait_until(lambda: (text in run("capture-pane", "-p")) is wanted, 30, f"{text!r} is shown: {wanted}")

    needed = {name: value for name, value in environment.items() if os.environ.get(name) != value}
    options = [part for name, value in {**needed, "LC_ALL": "C.UTF-8"}.items() for part in ("-e", f"{name}={value}")]
    run("new-session", "-d", "-x", "100", "-y", "30", *options, "bash --norc")
    try:
        send(shlex.join([sys.executable, *map(str, arguments)]), "Enter")
        yield send, wait_for
    finally:
        run("kill-server")


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_over_again(start):
    environment = {"PYTHONPATH": str(PROJECT), "EMODJ_MODEL": start.model}
    with in_a_shell("-m", "emodj_live", "--demo", **environment) as (send, wait_for):
        wait_for("pleasant")
        send("C-z")
        wait_for("Stopped")
        wait_for("pleasant", wanted=False)
        send("fg", "Enter")
        wait_for("pleasant")
        send("q")
        wait_for("mean valence")  # keys work again

"""The real program on a pseudo-terminal: the dashboard comes and goes, keys and signals work, the terminal is kept."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import numpy as np
import pytest
from virtual_microphone import PROJECT, Terminal, wait_until

from emodj_live.sinks.terminal.frame import DEFAULT, GROUND

pytest_plugins = ["virtual_microphone"]
pytestmark = [pytest.mark.terminal, pytest.mark.skipif(os.name == "nt", reason="needs pseudo-terminals")]

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


def numbers(terminal):
    """Return the rows of the screen with the numbers of the newest emotion."""
    return [row for row in terminal.screen.rows if "valence" in row or "arousal" in row or "dBFS" in row]


def assert_left_well(terminal):
    """Check that the dashboard was on the alternate screen alone, and that the terminal is as it was."""
    shown = terminal.shown
    assert shown.count(ENTER) == shown.count(LEAVE) == 1
    drawn = min(shown.index(word) for word in ("valence", "listening") if word in shown)
    assert shown.index(ENTER) < drawn < shown.index(LEAVE)
    assert shown.rindex(SHOW) > shown.rindex(HIDE)
    assert "Traceback" not in shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_on_a_file(number, start):
    with start("--demo") as terminal:
        terminal.wait_for(lambda: "valence +" in terminal.shown or "valence -" in terminal.shown, 30, "the dashboard")
        assert terminal.end(number) == 0
        assert_left_well(terminal)
        assert re.search(r"demo: [a-z ]+, mean valence", terminal.shown.split(LEAVE)[1])


@pytest.mark.sound
def test_ctrl_c_from_the_keyboard_ends_the_microphone(on_microphone):
    with on_microphone("--mic") as terminal:
        terminal.wait_for(lambda: "dBFS" in terminal.shown, 30, "the dashboard")
        assert "44100 Hz" in terminal.shown
        assert terminal.end(signal.SIGINT) == 0
        assert_left_well(terminal)
        assert "default: nothing heard" in terminal.shown.split(LEAVE)[1]


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
        terminal.wait_for(lambda: "paused: press space" in terminal.screen.text, 10, "paused")
        still = numbers(terminal)
        terminal.press("x ")
        terminal.wait_for(lambda: "paused" not in terminal.screen.text, 10, "it goes on")
        terminal.wait_for(lambda: numbers(terminal) != still, 10, "another emotion")
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
        assert not terminal.screen.is_alternate  # nothing was written beyond an edge, which would be an error here


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


def test_views_zoom_and_help(start):
    with start("--demo", size=(100, 30)) as terminal:
        terminal.wait_for(lambda: "valence" in terminal.screen.text, 30, "an emotion")
        terminal.press("?")
        terminal.wait_for(lambda: "zoom to where music lies" in terminal.screen.text, 10, "the keys")
        terminal.press("\x1b")
        terminal.wait_for(lambda: "zoom to where music lies" not in terminal.screen.text, 10, "they are gone")
        terminal.press("v")
        terminal.wait_for(lambda: "pleasant" not in terminal.screen.text, 10, "the arc")
        terminal.press("v")
        terminal.wait_for(lambda: "q quit" not in terminal.screen.text, 10, "the color")
        terminal.press("v")
        terminal.wait_for(lambda: "pleasant" in terminal.screen.text, 10, "the plane")
        terminal.press("q")
        assert terminal.end() == 0
        assert_left_well(terminal)


def test_the_screen_is_saved_as_a_picture(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with start("--demo", COLORTERM="truecolor") as terminal:
        terminal.wait_for(lambda: "valence" in terminal.screen.text, 30, "an emotion")
        terminal.press("s")
        terminal.wait_for(lambda: "saved emodj-live-" in terminal.screen.text, 10, "it is saved")
        terminal.press("q")
        assert terminal.end() == 0
    (picture,) = tmp_path.glob("emodj-live-*.svg")
    drawn = ElementTree.parse(picture).getroot()  # noqa: S314 (it is ours)
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "HAPPY" in texts
    assert any(text.startswith("valence ") for text in texts)


@pytest.fixture
def songs(write_audio, music):
    """Write three songs of eight seconds."""
    return [write_audio(f"song {name}.wav", music(8.0, seed)) for seed, name in enumerate("abc")]


def test_several_songs_share_one_screen(start, songs):
    with start(*songs, "missing.wav", size=(100, 24)) as terminal:
        terminal.wait_for(lambda: "song a " in terminal.screen.rows[0], 30, "the first song")
        assert "1 of 4" in terminal.screen.rows[0]
        terminal.wait_for(lambda: "valence" in terminal.screen.text, 30, "an emotion")
        terminal.press("n")
        terminal.wait_for(lambda: "song b " in terminal.screen.rows[0], 30, "the second song")
        terminal.press("n")
        terminal.wait_for(lambda: "song c " in terminal.screen.rows[0], 30, "the third song")
        terminal.press("p")
        terminal.wait_for(lambda: "song b " in terminal.screen.rows[0], 30, "the second song again")
        terminal.press("n")
        terminal.wait_for(lambda: "song c " in terminal.screen.rows[0], 30, "the third song again")
        terminal.press("n")
        assert terminal.end() == 1
        assert_left_well(terminal)  # which counts the screens
        behind = terminal.screen.outside.replace("\r\n", "")
        assert "song a.wav: " in behind
        assert "missing.wav: there is no such file" in behind


def test_the_song_before_is_the_beginning_of_this_one_once_it_was_heard_for_a_while(start, songs):
    with start(*songs, size=(100, 24)) as terminal:
        terminal.wait_for(lambda: "0:04" in terminal.screen.text, 30, "four seconds")
        terminal.press("p")
        terminal.wait_for(lambda: "0:00" in terminal.screen.text, 30, "the beginning")
        assert "1 of 3" in terminal.screen.rows[0]
        terminal.press("q")
        assert terminal.end() == 0


@pytest.mark.parametrize("count", [1, 2])
def test_behind_the_last_song_the_keys_are_not_the_shells(count, start, songs):
    with start(*songs[:count], size=(100, 24)) as terminal:
        for name in "ab"[:count]:
            terminal.wait_for(lambda name=name: f"song {name} " in terminal.screen.rows[0], 30, "the song")
            terminal.press("n")
        terminal.wait_for(lambda: "this is the last song" in terminal.screen.text, 10, "the notice")
        assert f"song {name} " in terminal.screen.rows[0]
        terminal.press("q")
        assert terminal.end() == 0


def strip_of(terminal):
    """Return what is behind each column of the strip, without the time and the length."""
    return terminal.screen.frame.cells[GROUND, -3, 8:-8]


def test_the_moods_of_the_whole_song_are_known_ahead(start, songs):
    """And the process that finds them out has ended with the program."""
    with start(songs[0], size=(100, 24), COLORTERM="truecolor") as terminal:
        terminal.wait_for(lambda: (strip_of(terminal) != DEFAULT).all(), 30, "all moods")
        assert "0:08" in terminal.screen.text
        assert int(terminal.screen.rows[-3].split()[0][-2:]) < 8
        terminal.press("q")
        assert terminal.end() == 0
        assert subprocess.run(["pgrep", "-f", str(songs[0])], stdout=subprocess.PIPE).stdout == b""


def test_the_pass_ahead_does_not_outlive_a_program_that_is_killed(start, write_audio, music):
    song = write_audio("long.wav", np.tile(music(30.0), 60))
    with start(song) as terminal:
        terminal.wait_for(lambda: "valence" in terminal.screen.text, 30, "an emotion")
        terminal.process.kill()
        wait_until(lambda: not subprocess.run(["pgrep", "-f", str(song)], stdout=subprocess.PIPE).stdout, 30, "the end")


def test_nothing_is_known_ahead_of_what_is_heard_live(start):
    environment = {**start.environment, "EMODJ_MODEL": start.model}
    noise = ["/dev/urandom", "-m", "emodj_live", "-", "--raw", "22050:1:s16le"]
    with Terminal("-c", _CONTROLLED, *noise, environment=environment) as terminal:
        terminal.wait_for(lambda: "valence" in terminal.screen.text, 30, "an emotion")
        children = subprocess.run(["pgrep", "-P", str(terminal.process.pid)], stdout=subprocess.PIPE)
        assert children.stdout == b""
        assert "live" in terminal.screen.text


@pytest.mark.parametrize(
    ("given", "answer", "is_light"),
    [
        ({}, "", False),
        ({}, "\x1b]11;rgb:ffff/ffff/eeee\x1b\\", True),
        ({}, "\x1b]11;rgb:10/12/18\x07", False),
        ({"COLORFGBG": "0;15"}, "", True),
        ({"COLORFGBG": "0;15"}, "\x1b]11;rgb:0000/0000/0000\x1b\\", False),
        ({"EMODJ_BACKGROUND": "light"}, "", True),
    ],
)
def test_the_background_is_found_out(given, answer, is_light, start):
    with start("--demo", COLORTERM="truecolor", **given) as terminal:
        terminal.wait_for(lambda: "listening" in terminal.screen.text, 30, "the dashboard")
        assert ("\x1b]11;?" in terminal.shown) is ("EMODJ_BACKGROUND" not in given)
        terminal.press(answer)

        def corner():
            return terminal.screen.frame.cells[GROUND, 4, 4].item().to_bytes(4, "big")

        terminal.wait_for(lambda: (min(corner()[1:]) > 128) is is_light, 10, "its field")
        terminal.press("q")
        assert terminal.end() == 0
        assert_left_well(terminal)


def test_the_background_can_be_said(start):
    with start("--demo", "--background", "light", COLORTERM="truecolor") as terminal:
        terminal.wait_for(lambda: "listening" in terminal.screen.text, 30, "the dashboard")
        assert terminal.screen.frame.cells[GROUND, 4, 4] > 0x808080
        assert "\x1b]11;?" not in terminal.shown
        terminal.press("q")
        assert terminal.end() == 0


def test_an_answer_that_comes_late_is_not_typed_into_the_shell(start):
    """The program waits for it a moment before it gives the terminal back."""
    import fcntl
    import termios

    with start("--demo") as terminal:
        terminal.wait_for(lambda: "\x1b]11;?" in terminal.shown, 30, "the question")
        terminal.press("q\x1b]11;rgb:ffff/ffff/ffff\x1b\\")
        assert terminal.end() == 0
        settings = termios.tcgetattr(terminal._leader)
        settings[3] &= ~termios.ICANON
        termios.tcsetattr(terminal._leader, termios.TCSANOW, settings)
        left = fcntl.ioctl(terminal._leader, termios.FIONREAD, b"\0" * 4)
        assert "rgb" not in terminal.screen.outside
        assert left == b"\0" * 4


@pytest.mark.slow
@pytest.mark.parametrize("color", ["truecolor", ""])
def test_a_hundred_resizes_at_random(start, color):
    random = np.random.default_rng(1)
    with start("--demo", COLORTERM=color) as terminal:
        terminal.wait_for(lambda: "valence" in terminal.screen.text, 30, "an emotion")
        for _ in range(100):
            width, height = int(random.integers(1, 220)), int(random.integers(1, 70))
            terminal.resize(width, height)
            terminal.press(str(random.choice(["z", "vvv", "?", "x", "\x1b[D"])))
            time.sleep(float(random.uniform(0.0, 0.05)))
        terminal.resize(90, 30)
        terminal.press("?" * ("what the keys do" in terminal.screen.text))
        terminal.wait_for(lambda: re.search(r"0:\d\d .*1:00|0:\d\d / 1:00", terminal.screen.text), 10, "the last size")
        terminal.press("q")
        assert terminal.end() == 0
        assert_left_well(terminal)


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
        assert "1:00.0  valence" in terminal.shown


@pytest.mark.sound
def test_error_leaves_the_terminal_as_it_was(on_microphone, tmp_path):
    with on_microphone("--mic", "-d", "gramophone") as terminal:
        assert terminal.end() == 1
        assert terminal.shown.count(ENTER) == terminal.shown.count(LEAVE)
        assert "no input device matches 'gramophone'" in terminal.shown
    with on_microphone(tmp_path / "nothing.wav") as terminal:
        assert terminal.end() == 1
        assert ENTER not in terminal.shown


@pytest.mark.sound
def test_unplugging_is_told_on_the_dashboard_and_behind_it(on_microphone, virtual_microphone):
    with on_microphone("--mic") as terminal:
        terminal.wait_for(lambda: "dBFS" in terminal.shown, 30, "the dashboard")
        virtual_microphone.unplug()
        try:
            terminal.wait_for(lambda: "waiting for the device" in terminal.screen.text, 30, "the alarm")
        finally:
            virtual_microphone.replug()
        back = ("is back after", "s of audio")  # what was lost may be reported at the same moment
        terminal.wait_for(lambda: any(notice in terminal.screen.text for notice in back), 30, "it is back")
        assert terminal.end(signal.SIGINT) == 0
        assert_left_well(terminal)
        drawn, behind = terminal.shown.split(LEAVE)
        for notice in ("no audio arrives", "is back after"):
            assert notice in behind
        assert "ALSA lib" not in drawn  # what the sound system writes past Python


# ------------------------------------------------------------------------------------------------------- a shell's jobs


def python(*arguments):
    """Return a command line for a shell that runs Python."""
    return shlex.join([sys.executable, *map(str, arguments)])


class Shell:
    """A shell of its own, because only a shell's job can be stopped, continued and put into the background."""

    def __init__(self, run):
        self._run = run

    def send(self, *keys):
        """Send keys, by tmux's names for them."""
        self._run("send-keys", *keys)

    def enter(self, line):
        """Enter a line."""
        self.send(line, "Enter")

    def screen(self):
        """Return what is shown now."""
        return self._run("capture-pane", "-p")

    def resize(self, columns, rows):
        """Change the size of the screen."""
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def wait_for(self, text, *, wanted=True):
        """Wait until the screen shows a text, or does not any more."""
        try:
            wait_until(lambda: (text in self.screen()) is wanted, 30, f"{text!r} is shown: {wanted}")
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.screen()}") from None


@contextmanager
def in_a_shell(**environment):
    """Have a shell with these variables, on a screen of 100 x 30."""
    tmux = shutil.which("tmux")
    if tmux is None:
        pytest.skip("needs tmux")
    needed = {name: value for name, value in environment.items() if os.environ.get(name) != value}
    options = [part for name, value in {**needed, "LC_ALL": "C.UTF-8"}.items() for part in ("-e", f"{name}={value}")]
    with TemporaryDirectory() as folder:  # a socket that no other server has just left

        def run(*arguments):
            command = [tmux, "-S", f"{folder}/socket", "-f", os.devnull, *arguments]
            return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout

        run("new-session", "-d", "-x", "100", "-y", "30", *options, "bash --norc")
        try:
            yield Shell(run)
        finally:
            run("kill-server")


class Job:
    """The program as a job of a shell; the table that it writes shows whether it works."""

    def __init__(self, shell, table):
        self.shell = shell
        self.command = python("-m", "emodj_live", "--demo", "--csv", table)
        self.table = table

    def wait_for_work(self, count=2):
        """Wait until it has found so many more emotions."""
        before = self._rows()
        wait_until(lambda: self._rows() >= before + count, 30, "more emotions")

    def kill(self):
        """Kill the job from its shell, and wait until it has ended in good order."""
        self.shell.enter("kill %1")
        self.shell.wait_for("demo: ")
        self.shell.enter(
            "while jobs %1 2> /dev/null | grep -Eq 'Stopped|Running'; do sleep 0.1; done"
        )  # "wait" may not
        self.shell.wait_for("Done")  # as the shell says of an exit code of 0

    def _rows(self):
        return len(self.table.read_text().splitlines()) if self.table.exists() else 0


@pytest.fixture
def job(start, tmp_path):
    """Have a shell, and the command for the program."""
    with in_a_shell(PYTHONPATH=str(PROJECT), EMODJ_MODEL=start.model) as shell:
        yield Job(shell, tmp_path / "table.csv")


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_over_again(job):
    job.shell.enter(job.command)
    job.shell.wait_for("pleasant")
    job.shell.send("C-z")
    job.shell.wait_for("Stopped")
    job.shell.wait_for("pleasant", wanted=False)
    job.shell.enter("fg")
    job.shell.wait_for("pleasant")
    job.shell.send("q")
    job.shell.wait_for("demo: ")  # keys work again


def test_started_in_the_background_it_works_without_a_screen_until_fg(job):
    job.shell.enter(f"{job.command} &")
    job.wait_for_work()
    assert "pleasant" not in job.shell.screen()
    job.shell.enter("jobs")
    job.shell.wait_for("Running")
    job.shell.enter("fg")
    job.shell.wait_for("pleasant")
    job.shell.send("q")
    job.shell.wait_for("demo: ")


def test_stopped_and_continued_in_the_background_it_works_without_a_screen(job):
    job.shell.enter(job.command)
    job.shell.wait_for("pleasant")
    job.shell.send("C-z")
    job.shell.wait_for("Stopped")
    job.shell.enter("bg")
    job.wait_for_work()
    assert "pleasant" not in job.shell.screen()
    job.shell.enter("echo keys are the $((6 * 7))th")  # and they are the shell's
    job.shell.wait_for("keys are the 42th")
    job.kill()


def test_stopped_by_force_it_gives_the_screen_back_in_the_background(job):
    job.shell.enter(job.command)
    job.shell.wait_for("pleasant")
    found = subprocess.run(["pgrep", "-f", str(job.table)], capture_output=True, text=True, check=True)
    os.kill(int(found.stdout), signal.SIGSTOP)  # which no program can handle
    job.shell.wait_for("Stopped")
    job.shell.enter("bg")
    job.wait_for_work()
    job.shell.wait_for("pleasant", wanted=False)
    job.shell.enter("fg")
    job.shell.wait_for("pleasant")
    job.shell.send("q")
    job.shell.wait_for("demo: ")


def test_kill_ends_a_stopped_job_in_good_order(job):
    job.shell.enter(job.command)
    job.shell.wait_for("pleasant")
    job.shell.send("C-z")
    job.shell.wait_for("Stopped")
    job.kill()
    assert "pleasant" not in job.shell.screen()


@pytest.mark.slow
def test_the_terminal_is_given_back_however_often_it_is_resized_and_suspended(job):
    random = np.random.default_rng(2)
    job.shell.enter(f"{job.command} --realtime")
    for _ in range(8):
        job.shell.wait_for("pleasant")
        for _ in range(12):
            job.shell.resize(int(random.integers(50, 160)), int(random.integers(18, 50)))
            job.shell.send(str(random.choice(["z", "Left", "x"])))
            time.sleep(float(random.uniform(0.0, 0.03)))
        job.shell.resize(100, 30)
        job.shell.send("C-z")
        job.shell.wait_for("Stopped")
        job.shell.enter("clear; echo the answer is $((6 * 7)), $(stty -a | grep -o ' echo ')")
        job.shell.wait_for("the answer is 42, echo")
        job.shell.enter("clear; fg")
    job.shell.wait_for("pleasant")
    job.shell.send("q")
    job.shell.wait_for("demo: ")
    job.shell.enter("clear; echo the answer is $((6 * 7)), $(stty -a | grep -o ' echo ')")
    job.shell.wait_for("the answer is 42, echo")


# ---------------------------------------------------------------------------------- programs that use the dashboard

_CONTROLLED = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.dup2(os.open(sys.argv[1], os.O_RDONLY), 0)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def test_keys_come_from_the_terminal_while_audio_comes_from_standard_input(start):
    import termios

    environment = {**start.environment, "EMODJ_MODEL": start.model}
    noise = ["/dev/urandom", "-m", "emodj_live", "-", "--raw", "22050:1:s16le"]
    with Terminal("-c", _CONTROLLED, *noise, environment=environment) as terminal:
        before = termios.tcgetattr(terminal._leader)
        terminal.wait_for(lambda: "dBFS" in terminal.shown, 30, "the dashboard")
        assert not termios.tcgetattr(terminal._leader)[3] & (termios.ECHO | termios.ICANON)
        terminal.press("q")
        assert terminal.end() == 0
        assert termios.tcgetattr(terminal._leader)[3] == before[3]
        assert_left_well(terminal)


_PROGRAM = """
import sys, time
from emodj_live import Dashboard

dashboard = Dashboard()
dashboard.__enter__()
if sys.argv[1] == "waits":
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_program_that_a_signal_ends_leaves_the_terminal_well(number, start):
    import termios

    with Terminal("-c", _PROGRAM, "waits", environment=start.environment) as terminal:
        before = termios.tcgetattr(terminal._leader)
        terminal.wait_for(lambda: "listening" in terminal.shown, 30, "the dashboard")
        assert terminal.end(number) == -number
        assert terminal.shown.count(ENTER) == terminal.shown.count(LEAVE) == 1
        assert terminal.shown.rindex(SHOW) > terminal.shown.rindex(HIDE)
        assert termios.tcgetattr(terminal._leader)[3] == before[3]


def test_program_that_forgets_to_leave_is_tidied_up_after(start):
    import termios

    with Terminal("-c", _PROGRAM, "ends", environment=start.environment) as terminal:
        before = termios.tcgetattr(terminal._leader)
        assert terminal.end() == 0
        assert terminal.shown.count(ENTER) == terminal.shown.count(LEAVE) == 1
        assert termios.tcgetattr(terminal._leader)[3] == before[3]

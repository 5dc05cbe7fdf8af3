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
from tempfile import TemporaryDirectory

import pytest
from virtual_microphone import PROJECT, Terminal, wait_until

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
            terminal.wait_for(lambda: "waiting for the device" in terminal.shown, 10, "the alarm")
        finally:
            virtual_microphone.replug()
        terminal.wait_for(lambda: "is back after" in terminal.shown, 10, "it is back")
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

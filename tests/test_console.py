"""What the command line does to its own process: signals from its first moments on, and its standard streams."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from emodj_live.console import ending_signals, request_stop

PROJECT = Path(__file__).resolve().parent.parent

# --------------------------------------------------------------------------------------------------------- signals


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def ignored():
    """Have SIGINT and SIGHUP ignored, as a shell starts its background jobs, and as nohup does."""
    numbers = [signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    yield numbers
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_sets_the_event_and_a_late_second_one_interrupts(second):
    stop, clock = threading.Event(), Clock()
    with ending_signals(stop, signal.SIGINT, signal.SIGTERM, clock=clock):
        assert not stop.is_set()
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        clock.now += 0.9
        signal.raise_signal(second)  # the same request
        clock.now += 0.1
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(second)


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT)
    with suppress(ZeroDivisionError), ending_signals(threading.Event(), signal.SIGINT):
        assert signal.getsignal(signal.SIGINT) is not before
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_interrupt_is_handled_where_it_was_ignored_but_hangup_is_not(ignored):
    stop = threading.Event()
    with ending_signals(stop, *ignored):
        signal.raise_signal(signal.SIGHUP)
        assert not stop.is_set()
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()


def test_on_another_thread_nothing_is_handled():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with ending_signals(threading.Event(), signal.SIGINT):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def interrupted_at_import(module, count=1, entry="console"):
    """Run a console script with Ctrl-C while it imports a module."""
    arguments = ["emodj-live", "--demo", "--json"] if entry == "console" else ["emodj-library", "list"]
    code = f"""
import signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            for _ in range({count}):
                signal.raise_signal(signal.SIGINT)

from emodj_live.__main__ import console, library_console
sys.meta_path.insert(0, Finder())
sys.argv = {arguments!r}
{entry}()
"""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(os.name == "nt", reason="ends by a signal")
@pytest.mark.parametrize(
    ("module", "entry"),
    [
        ("emodj_live.cli", "console"),
        ("argparse", "console"),
        ("emodj_live.library.command", "library_console"),
        ("sqlite3", "library_console"),
    ],
)
def test_ctrl_c_at_the_very_start_ends_without_a_word(module, entry):
    done = interrupted_at_import(module, entry=entry)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("module", ["emodj_live.session", "numpy", "soxr"])
def test_ctrl_c_during_the_imports_is_not_lost(module, count):
    done = interrupted_at_import(module, count)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


# ------------------------------------------------------------------------------------------------ standard streams


@pytest.mark.skipif(os.name == "nt", reason="needs a shell's redirections")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_file_opened_later_takes_no_standard_descriptor(closed, tmp_path):
    code = f"""
import os, sys
from pathlib import Path
from emodj_live.console import fill_missing_streams
fill_missing_streams()
with open({str(tmp_path / "result")!r}, "w") as file:
    os.write(1, b"decoder")
    os.write(2, b"sound system")
    sys.stdout.write("lines")
    sys.stdout.flush()
    sys.stderr.write("notices")
    sys.stderr.flush()
    file.write(f"{{file.fileno() > 2}} {{os.read(0, 1)}}")
"""
    command = ["bash", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    streams = {"stdin": subprocess.DEVNULL, "capture_output": True}
    done = subprocess.run(command, env=environment, timeout=60, check=False, **streams)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "result").read_text() == "True b''"
    assert done.stdout == (b"" if ">&-" in closed.replace("2>&-", "") else b"decoderlines")


class Interrupted(threading.Event):
    """An event during whose `set` more signals come; to enter it again would be a deadlock."""

    def __init__(self, *numbers):
        super().__init__()
        self._numbers = numbers
        self._is_entered = False

    def set(self):
        assert not self._is_entered
        self._is_entered = True
        for number in self._numbers:
            signal.raise_signal(number)
        super().set()
        self._is_entered = False


def test_a_burst_of_one_signal_does_not_wait_for_itself():
    stop = Interrupted(signal.SIGINT, signal.SIGINT)
    with ending_signals(stop, signal.SIGINT):
        signal.raise_signal(signal.SIGINT)
    assert stop.is_set()


def test_a_burst_of_two_signals_does_not_wait_for_itself():
    stop = Interrupted(signal.SIGTERM, signal.SIGINT)
    with ending_signals(stop, signal.SIGINT), ending_signals(stop, signal.SIGTERM):
        signal.raise_signal(signal.SIGINT)
    assert stop.is_set()


def test_a_signal_while_a_key_asks_for_the_end():
    stop = Interrupted(signal.SIGINT)
    with ending_signals(stop, signal.SIGINT):
        request_stop(stop)
    assert stop.is_set()

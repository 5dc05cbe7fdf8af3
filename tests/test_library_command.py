"""``emodj-library`` as a user runs it: options, messages, exit codes, and what an interrupted scan leaves behind."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import soundfile

from emodj_live.library import Library
from emodj_live.library.command import SUBCOMMANDS, main

unix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
PROGRAM = [sys.executable, "-c", "from emodj_live.__main__ import library_console; library_console()"]


@pytest.fixture(autouse=True)
def small_model(model_path, monkeypatch):
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))


@pytest.fixture
def songs(tmp_path, music):
    """Return a folder with three songs and a file that is none."""
    folder = tmp_path / "songs"
    folder.mkdir()
    for seed in range(3):
        soundfile.write(folder / f"{seed}.wav", music(1.5, seed), 22050)
    (folder / "broken.mp3").write_bytes(b"no music")
    return folder


@pytest.fixture
def database(tmp_path):
    return tmp_path / "library.db"


@pytest.fixture
def with_ffmpeg(monkeypatch):
    """Say that ffmpeg is there: what is printed does not depend on the machine."""
    monkeypatch.setattr("emodj_live.sources.ffmpeg.is_available", lambda: True)


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_a_scan_tells_what_it_did(songs, database, capsys, with_ffmpeg):
    assert run("scan", songs, "--db", database, "--jobs", 1) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    headline, failure, summary = captured.err.splitlines()
    assert headline == "1 file could not be used:"
    assert failure.startswith(f"  {songs / 'broken.mp3'}: is not audio that can be decoded")
    assert summary.startswith("4 files in ")
    assert summary.endswith(f"s: 3 added, 1 failed; 3 songs in {database}")


def test_it_says_once_that_ffmpeg_may_help(songs, database, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    run("scan", songs, "--db", database, "-j1")
    assert (
        "\nffmpeg is not installed; it may know their formats: install it, and scan again.\n" in capsys.readouterr().err
    )
    run("scan", songs, "--db", database, "-j1")
    assert "is not installed" not in capsys.readouterr().err


def test_what_failed_before_is_no_error_again(songs, database, capsys):
    run("scan", songs, "--db", database, "--jobs", 1)
    capsys.readouterr()
    assert run("scan", songs, "--db", database) == 0
    assert "3 unchanged, 1 failed before; 3 songs in" in capsys.readouterr().err


def test_a_quiet_scan_says_nothing(songs, database, capsys):
    assert run("scan", songs, "--db", database, "-j1", "-q") == 1
    assert capsys.readouterr() == ("", "")


def test_nothing_to_do(tmp_path, database, capsys):
    (tmp_path / "empty").mkdir()
    assert run("scan", tmp_path / "empty", "--db", database) == 0
    assert "0 files in 0.0 s: nothing to do; 0 songs in" in capsys.readouterr().err


@pytest.mark.slow
def test_many_failures_are_not_all_listed(tmp_path, database, capsys, with_ffmpeg):
    for number in range(25):
        (tmp_path / f"{number}.mp3").write_bytes(b"no music")
    assert run("scan", tmp_path, "--db", database, "-j1") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 23
    assert lines[21] == "  and 5 more; list them with: emodj-library failures"


def test_a_path_that_does_not_exist_is_an_error(tmp_path, database, capsys):
    assert run("scan", tmp_path / "none", "--db", database) == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'none'}: there is no such file")


@pytest.mark.parametrize("order", ["before", "after"])
def test_options_stand_before_or_after_the_subcommand(songs, database, order, capsys):
    options = ["--db", database, "-q"]
    arguments = ["scan", songs, "--jobs", 1]
    assert run(*(options + arguments if order == "before" else arguments + options)) == 1
    assert capsys.readouterr().err == ""
    with Library(database, read_only=True) as library:
        assert len(library) == 3


def test_failures_are_listed(songs, database, capsys):
    run("scan", songs, "--db", database, "-j1")
    capsys.readouterr()
    assert run("failures", "--db", database) == 0
    assert capsys.readouterr().out.startswith(f"{songs / 'broken.mp3'}: is not audio")
    assert run("--db", database, "failures", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["path"] == str(songs / "broken.mp3")
    assert record["reason"].startswith("is not audio")


def test_there_is_no_index_yet(database, capsys):
    assert run("failures", "--db", database) == 1
    message = "there is no index yet; make one with: emodj-library scan FOLDER."
    assert capsys.readouterr().err == f"emodj-library: {database}: {message}\n"


def test_a_model_that_is_none_leaves_no_traceback(songs, database, capsys):
    assert run("scan", songs, "--db", database, "--model", songs / "broken.mp3") == 1
    assert capsys.readouterr().err.startswith(f"emodj-library: {songs / 'broken.mp3'}: is not a model file")


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["scan"], ["scan", "x", "--jobs", "0"], ["scan", "x", "-j", "-1"]]
)
def test_wrong_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: emodj-library" in capsys.readouterr().err


def test_help_imports_no_subcommand(run_python):
    code = (
        "import sys\nfrom emodj_live.library.command import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = ('joblib', 'rich', 'soundfile')\n"
        "print([name for name in sys.modules if 'library.commands.' in name or name in heavy])"
    )
    shown = run_python(code).stdout
    assert all(row.name in shown and row.help in shown for row in SUBCOMMANDS)
    assert shown.splitlines()[-1] == "[]"


def test_help_of_a_subcommand(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["scan", "--help"])
    assert caught.value.code == 0
    assert "--scheduler" in (shown := capsys.readouterr().out)
    assert "--db" in shown


def test_a_reader_that_has_seen_enough(songs, database):
    run("scan", songs, "--db", database, "-j1", "-q")
    process = subprocess.Popen([*PROGRAM, "failures", "--db", database], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == b""
    assert process.wait(60) == 0


# ----------------------------------------------------------------------------------------------------------- processes


@pytest.fixture
def many(tmp_path, music):
    """Return a folder with songs that take some time."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(24):
        seconds = 20 + number / 100  # all of them are different
        soundfile.write(folder / f"{number}.flac", music(seconds, number % 3), 22050)
    return folder


def start(many, database, *arguments, **environment):
    command = [*PROGRAM, "scan", many, "--db", database, "--log", database.with_name("log"), "--jobs", "2", *arguments]
    return subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    )


def logged(database, word):
    """Return how often each song has a line with this word in the log."""
    log = database.with_name("log")
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter(Path(line.partition(" ")[2]).name for line in lines if line.startswith(f"{word} "))


def wait_for(process, database, count):
    """Wait until so many songs are done."""
    while logged(database, "done").total() < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def end_of(children):
    psutil = pytest.importorskip("psutil")
    _, alive = psutil.wait_procs(children, timeout=30)
    alive = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]  # nobody may wait for orphans
    for process in alive:
        process.kill()
    return alive


def children_of(process):
    return pytest.importorskip("psutil").Process(process.pid).children(recursive=True)


def check_whole(many, database):
    """Check that a scan to the end finds every song, and once."""
    process = start(many, database)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    with Library(database, read_only=True) as library:
        assert library.query("PRAGMA integrity_check")[0][0] == "ok"
        paths = sorted(song.path for song in library.songs())
    assert paths == sorted(map(os.fsencode, many.iterdir()))


@unix
@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_leaves_no_worker_and_no_traceback(many, database, times):
    process = start(many, database)
    wait_for(process, database, 2)
    children = children_of(process)
    assert len(children) >= 2
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.02)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    with Library(database, read_only=True) as library:
        count = len(library)
    assert errors == f"emodj-library: interrupted; {count} songs are in the index, scan again to go on.\n"
    assert count == logged(database, "done").total() >= 2
    assert not end_of(children)


@unix
@pytest.mark.slow
def test_a_killed_scan_loses_the_songs_in_progress_alone(many, database):
    in_progress = 0
    for done in (3, 6, 9):
        process = start(many, database)
        wait_for(process, database, done)
        children = children_of(process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert not end_of(children)
        with Library(database, read_only=True) as library:
            stored = {Path(os.fsdecode(song.path)).name for song in library.songs()}
        in_progress += len({name for name in logged(database, "begin") if name not in stored})
    check_whole(many, database)
    repeated = logged(database, "begin").total() - 24
    assert repeated <= in_progress <= 3 * 4


@unix
@pytest.mark.slow
def test_workers_end_after_the_scan_was_killed(many, database):
    process = start(many, database)
    wait_for(process, database, 1)
    children = children_of(process)
    process.kill()
    process.communicate()
    assert not end_of(children)


@pytest.mark.slow
def test_two_scans_at_once_share_the_work(many, database):
    processes = [start(many, database) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    check_whole(many, database)
    assert logged(database, "begin").total() < 2 * 24 - 6  # what one is at, the other may begin with too


KILLER = """
import builtins, os, signal

def open_or_die(path, *arguments, **options):
    if isinstance(path, bytes) and b"killer" in path:
        os.kill(os.getpid(), signal.SIGKILL)
    return opened(path, *arguments, **options)

opened, builtins.open = builtins.open, open_or_die
"""


@unix
@pytest.mark.slow
def test_a_file_that_ends_its_worker_ends_no_scan(many, database, tmp_path):
    """The worker really dies, as it does when a decoder crashes."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(KILLER)
    (many / "5.flac").rename(many / "killer.flac")
    process = start(many, database, PYTHONPATH=str(tmp_path / "site"))
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"{many / 'killer.flac'}: ended the process that listened to it" in errors
    assert ": 23 added, 1 failed; 23 songs in" in errors
    assert run("scan", many, "--db", database) == 0  # it is not tried again


@unix
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs limits of a process")
def test_a_disk_that_refuses_is_one_sentence(many, database):
    command = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); {PROGRAM[-1]}"
    arguments = [sys.executable, "-c", command, "scan", many, "--db", database, "--jobs", "2"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"emodj-library: {database}: ")
    assert len(done.stderr.splitlines()) == 1
    check_whole(many, database)


@unix
@pytest.mark.terminal
@pytest.mark.slow
def test_a_terminal_shows_progress_and_the_summary_stays(many, database):
    import pty

    leader, follower = pty.openpty()
    command = [*PROGRAM, "scan", many, "--db", database, "--jobs", "2"]
    environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm"}
    process = subprocess.Popen(list(map(str, command)), stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while piece := os.read(leader, 65536):
            shown += piece
    os.close(leader)
    assert process.wait(30) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert "listening" in text
    assert re.search(r"\d\.\d songs/s", text)
    assert re.search(r"[1-9]\d*/24", text)
    assert re.search(r"left 0:0\d:\d\d", text)
    assert "Traceback" not in text
    assert text.strip().endswith(f"24 added; 24 songs in {database}")


def test_a_log_that_cannot_be_written_is_one_sentence(many, database, tmp_path, capsys):
    assert run("scan", many, "--db", database, "--log", tmp_path / "none" / "log") == 1
    assert capsys.readouterr().err.startswith(f"emodj-library: {tmp_path / 'none' / 'log'}: cannot be written: ")


@pytest.mark.parametrize("words", ["\udce4", "9" * 30])
def test_what_sqlite_cannot_take_finds_nothing(words, many, database, capsys):
    run("scan", many, "--db", database, "--jobs", "1")
    capsys.readouterr()
    assert run("list", words, "--db", database) == 0
    assert run("show", words, "--db", database) == 1
    assert run("similar", words, "--db", database, "-n", "9" * 30) == 1
    assert "no song in the index" in capsys.readouterr().err

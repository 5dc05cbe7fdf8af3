"""A scan on a real Dask cluster: a scheduler and worker processes on this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import soundfile

from emodj_live import __version__
from emodj_live.library import Library, scan

pytest.importorskip("distributed", reason="needs the extra cluster")
psutil = pytest.importorskip("psutil")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="kills processes by signals")]

SCAN = "from emodj_live.__main__ import library_console; library_console()"
HERE_NOTHING_IS_HEARD = f"from emodj_live.library import analysis; analysis.analyze = None; {SCAN}"
IMPATIENT = f"from emodj_live.library import cluster; cluster._PATIENCE = 1; {SCAN}"
DEADLY = """
import os, signal
from emodj_live.library import analysis

def analyze_or_die(path, model):
    if "killer" in path:
        os.kill(os.getpid(), signal.SIGKILL)
    return analyze(path, model)

if analysis.analyze.__name__ != "analyze_or_die":
    analyze, analysis.analyze = analysis.analyze, analyze_or_die
"""


class Cluster:
    """A scheduler and its workers, each with one thread."""

    def __init__(self, folder, stack):
        self._folder = folder
        self._stack = stack
        self._file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--scheduler-file", self._file, "--host", "127.0.0.1", "--port", "0")
        wait_until(self._file.exists)
        wait_until(lambda: self._file.read_text().endswith("}"))
        self.address = json.loads(self._file.read_text())["address"]

    def _start(self, *arguments):
        environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
        command = [sys.executable, "-m", "dask", *map(str, arguments), "--no-dashboard"]
        with (self._folder / "dask.log").open("a") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        self._stack.callback(stop, process)
        return process

    def add_worker(self, *, preload="", nanny=True):
        (self._folder / "preload.py").write_text(preload)
        options = [
            "--nthreads",
            1,
            "--local-directory",
            self._folder / "scratch",
            "--preload",
            self._folder / "preload.py",
        ]
        return self._start("worker", self.address, *options, "--nanny" if nanny else "--no-nanny")


def stop(process):
    """Kill a process and all that it has started."""
    family = [process, *psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []
    for member in family:
        member.kill()
    process.wait()


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited for too long"
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path, model_path, monkeypatch):
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))
    folder = tmp_path / "cluster"
    folder.mkdir()
    with ExitStack() as stack:
        yield Cluster(folder, stack)


@pytest.fixture
def songs(tmp_path, music):
    folder = tmp_path / "songs"
    folder.mkdir()
    for number in range(12):
        soundfile.write(folder / f"{number}.flac", music(10 + number / 100, number % 3), 22050)
    return folder


@pytest.fixture
def database(tmp_path):
    return tmp_path / "library.db"


def command(cluster, songs, database, code=SCAN, address=None):
    log = database.with_name("log")
    arguments = ["scan", songs, "--db", database, "--log", log, "--scheduler", address or cluster.address]
    return [sys.executable, "-c", code, *map(str, arguments)]


def scanned(*arguments, **options):
    return subprocess.run(command(*arguments, **options), capture_output=True, text=True, timeout=120, check=False)


@contextmanager
def scanning(cluster, songs, database, done):
    """Scan, and wait until so many songs are done."""
    log = database.with_name("log")
    arguments = command(cluster, songs, database)
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: log.exists() and log.read_text().count("done ") >= done)
        yield process


def rows(path):
    """Return all that the index says of each song, but for its number."""
    with Library(path, read_only=True) as library:
        assert library.query("PRAGMA integrity_check")[0][0] == "ok"
        return {song.path: (song.as_dict() | {"id": None}, library.arc(song.id).tobytes()) for song in library.songs()}


def test_the_rows_are_the_same_as_locally(cluster, songs, database, tmp_path):
    (songs / "broken.mp3").write_bytes(b"no music")
    cluster.add_worker()
    cluster.add_worker()
    done = scanned(cluster, songs, database, HERE_NOTHING_IS_HEARD)
    assert done.returncode == 1
    first, failure, *_, summary = done.stderr.splitlines()
    assert first == "1 file could not be used:"
    assert failure.startswith(f"  {songs / 'broken.mp3'}: is not audio")
    assert ": 12 added, 1 failed; 12 songs in" in summary
    with Library(tmp_path / "local.db") as library:
        scan([songs], library, jobs=1)
    assert rows(database) == rows(tmp_path / "local.db")
    assert scanned(cluster, songs, database).returncode == 0


def test_a_worker_alone_is_used(cluster, songs, database):
    """Joblib would do the work of a single one in the process that asks."""
    cluster.add_worker(nanny=False)
    done = scanned(cluster, songs, database, HERE_NOTHING_IS_HEARD)
    assert (done.returncode, done.stdout) == (0, "")
    assert len(rows(database)) == 12


def test_a_worker_that_dies_costs_nothing_but_time(cluster, songs, database):
    victim = cluster.add_worker()
    cluster.add_worker()
    with scanning(cluster, songs, database, done=3) as process:
        stop(victim)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert ": 12 added; 12 songs in" in errors
    assert len(rows(database)) == 12


def test_a_file_that_ends_its_workers_ends_no_scan(cluster, songs, database):
    (songs / "5.flac").rename(songs / "killer.flac")
    cluster.add_worker(preload=DEADLY)
    done = scanned(cluster, songs, database)
    assert done.returncode == 1
    assert f"{songs / 'killer.flac'}: was listened to by several workers that died" in done.stderr
    assert ": 11 added, 1 failed; 11 songs in" in done.stderr
    assert len(rows(database)) == 11


def test_a_scheduler_that_goes_away_is_one_sentence(cluster, songs, database):
    cluster.add_worker()
    with scanning(cluster, songs, database, done=2) as process:
        stop(cluster.scheduler)
        out, errors = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert errors.startswith(f"emodj-library: {cluster.address}: the scheduler does not answer")
    assert len(errors.splitlines()) == 1
    assert len(rows(database)) >= 2


def test_ctrl_c_leaves_the_cluster_as_it_was(cluster, songs, database):
    worker = cluster.add_worker()
    with scanning(cluster, songs, database, done=2) as process:
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert errors.startswith("emodj-library: interrupted; ")
    assert len(errors.splitlines()) == 1
    assert worker.poll() is None
    assert scanned(cluster, songs, database).returncode == 0
    assert len(rows(database)) == 12


def test_another_version_on_a_worker_is_refused(cluster, songs, database):
    cluster.add_worker(preload="import emodj_live; emodj_live.__version__ = '9.9'", nanny=False)
    done = scanned(cluster, songs, database)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"has emodj-live 9.9, not {__version__}; install the same version everywhere." in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_worker_without_the_package_is_refused(cluster, songs, database):
    cluster.add_worker(preload="import sys; sys.modules['emodj_live'] = None", nanny=False)
    done = scanned(cluster, songs, database)
    assert (done.returncode, done.stdout) == (1, "")
    assert "this worker has no emodj-live" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_worker_that_comes_too_late_to_be_asked_is_refused_by_its_first_task(cluster, songs, database):
    cluster.add_worker(preload="import emodj_live.library.cluster as c; c.__version__ = '9.9'", nanny=False)
    done = scanned(cluster, songs, database)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"a worker: has emodj-live 9.9, not {__version__}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://127.0.0.1:1", "the scheduler does not answer; check the address"),
        ("nowhere", "missing port number in address 'nowhere'; an address looks like tcp://HOST:8786"),
        ("http://127.0.0.1:1", "an address looks like tcp://HOST:8786"),
    ],
)
def test_a_wrong_address(songs, database, address, message, tmp_path):
    done = scanned(None, songs, database, IMPATIENT, address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"emodj-library: {address}: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_scheduler_without_workers(cluster, songs, database):
    done = scanned(cluster, songs, database, IMPATIENT)
    assert (done.returncode, done.stderr) == (
        1,
        f"emodj-library: {cluster.address}: the scheduler has no workers; start some.\n",
    )


def test_the_address_of_a_worker(cluster, songs, database):
    worker = cluster.add_worker(nanny=False)
    log = Path(cluster._folder / "dask.log")
    wait_until(lambda: "Start worker at:" in log.read_text())
    address = log.read_text().partition("Start worker at:")[2].split()[0]
    done = scanned(cluster, songs, database, IMPATIENT, address)
    assert "is a Worker of a cluster; give the address of its scheduler" in done.stderr
    assert worker.poll() is None


def test_a_task_has_one_thread(run_python, model_path):
    code = """
import os
os.environ["OPENBLAS_NUM_THREADS"] = "2"
from threadpoolctl import threadpool_info
import numpy
from emodj_live.library import cluster
cluster.listen = lambda *_: [pool["num_threads"] for pool in threadpool_info()]
print(cluster._listen(None, model="", log=None, version=cluster.__version__))
"""
    counts = json.loads(run_python(code).stdout)
    assert counts
    assert set(counts) == {1}


def test_without_the_extra_it_says_which_one(songs, database):
    refuse = "import sys; sys.modules['distributed'] = None"
    done = scanned(None, songs, database, f"{refuse}; {SCAN}", "tcp://127.0.0.1:1")
    assert done.returncode == 1
    missing = "a scan on a cluster needs distributed, which is not installed"
    assert done.stderr == f"emodj-library: {missing}; install it with: pip install 'emodj-live[cluster]'.\n"

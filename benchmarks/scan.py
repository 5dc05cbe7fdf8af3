"""A scan of some folders: its speed on all cores, its memory, and what it loses when it is killed.

`ratio` compares a scan on all cores with as many independent processes, started together, that do nothing but `analyze`
a part of the files each; whole processes, imports included. Both are repeated in turn, and the best time of each
counts. `cpu_ratio` compares the processor time of the two, which tells more on a machine that has other things to do.
`unchanged_per_s` is a second scan, beside the program's start.

For `kills`, a scan is killed with all its processes at random moments, and then goes on to the end: no song may be
missing, there twice, or listened to twice, but for those in progress at a kill. For `cluster`, a Dask scheduler and as
many workers as there are cores are started here; then once more, and one of the workers is killed in the middle.

Needs the extra ``cluster`` and psutil.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import numpy as np
import psutil
from measure import arguments, report

from emodj_live.library import Library, Song, find_media, scan

CORES = os.cpu_count() or 1
SCAN = [sys.executable, "-c", "from emodj_live.__main__ import library_console; library_console()", "scan"]
PLAIN = """
import os, sys
from emodj_live import SourceError, analyze, load_model
model = load_model()
for path in sys.stdin.buffer.read().split(b"\\0"):
    try:
        analyze(os.fsdecode(path), model)
    except SourceError:
        pass
"""
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}


class Watch:
    """The time, the processor time [s] and the most memory [MB] of some processes and their children."""

    def __init__(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        began = time.perf_counter()
        before = os.times()
        self.resident = self.proportional = 0.0
        while any(process.poll() is None for process in processes):
            self._sample(processes)
            time.sleep(0.05)
        after = os.times()
        self.seconds = time.perf_counter() - began
        self.cpu = after.children_user + after.children_system - before.children_user - before.children_system
        for process in processes:
            if process.returncode not in (0, 1):
                sys.exit(f"{process.args}: ended with code {process.returncode}")

    def _sample(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        resident = proportional = 0
        with suppress(psutil.Error, OSError):
            for process in processes:
                for member in family(process.pid):
                    memory = member.memory_full_info()
                    resident += memory.rss
                    proportional += getattr(memory, "pss", memory.rss)
        self.resident = max(self.resident, resident / 2**20)
        self.proportional = max(self.proportional, proportional / 2**20)


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def start_scan(folders: Sequence[Path], database: Path, *options: str | Path) -> subprocess.Popen[bytes]:
    command = [*SCAN, *folders, "--db", database, "--log", log_of(database), "--quiet", *options]
    return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL, start_new_session=True)


def log_of(database: Path) -> Path:
    return database.with_suffix(".log")


def logged(database: Path, word: str) -> Counter[str]:
    lines = log_of(database).read_text().splitlines() if log_of(database).exists() else []
    return Counter(line.partition(" ")[2] for line in lines if line.startswith(f"{word} "))


def songs_of(database: Path) -> list[Song]:
    with Library(database, read_only=True) as library:
        if (said := library.query("PRAGMA integrity_check")[0][0]) != "ok":
            sys.exit(f"{database}: {said}")
        return list(library.songs())


def plain(paths: Sequence[bytes]) -> Watch:
    """Analyze the files in as many independent processes as there are cores."""
    processes = []
    for core in range(CORES):
        with TemporaryFile() as names:
            names.write(b"\0".join(paths[core::CORES]))
            names.seek(0)
            processes.append(subprocess.Popen([sys.executable, "-c", PLAIN], env=ENVIRONMENT, stdin=names))
    return Watch(processes)


def speed(folders: Sequence[Path], paths: Sequence[bytes], folder: Path, rounds: int) -> dict[str, object]:
    scans, plains = [], []
    for number in range(rounds):
        plains.append(plain(paths))
        scans.append(Watch([start_scan(folders, folder / f"speed-{number}.db")]))
    ours, theirs = (min(watch.seconds for watch in watches) for watches in (scans, plains))
    cpu, their_cpu = (min(watch.cpu for watch in watches) for watches in (scans, plains))
    return {
        "files": len(paths),
        "songs": len(songs_of(folder / "speed-0.db")),
        "scan_s": ours,
        "independent_s": theirs,
        "ratio": theirs / ours,
        "cpu_ratio": their_cpu / cpu,
        "songs_per_minute": 60 * len(paths) / ours,
        "peak_memory_mb": max(watch.resident for watch in scans),
        "peak_memory_shared_once_mb": max(watch.proportional for watch in scans),
        "database_bytes_per_song": (folder / "speed-0.db").stat().st_size / len(paths),
    }


def second(folders: Sequence[Path], database: Path, folder: Path) -> dict[str, object]:
    (folder / "empty").mkdir()
    with Library(database) as library:
        start = min(scan([folder / "empty"], library).seconds for _ in range(3))
        whole = min(scan(folders, library).seconds for _ in range(3))
        return {"unchanged_per_s": len(library) / (whole - start)}


def kills(folders: Sequence[Path], paths: Sequence[bytes], folder: Path, times: int, whole: float) -> dict[str, object]:
    database = folder / "killed.db"
    moments = np.random.default_rng(0)
    allowed: Counter[str] = Counter()  # how often each song was in progress at a kill
    for _ in range(times):
        begun = logged(database, "begin")
        process = start_scan(folders, database)
        while not logged(database, "begin") - begun:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, whole / (times + 1)))
        members = family(process.pid)
        for member in members:  # the process group would do, but for workers that have one of their own
            with suppress(psutil.Error):
                member.send_signal(signal.SIGKILL)
        process.wait()
        psutil.wait_procs(members, timeout=10)
        stored = {os.fsdecode(song.path) for song in songs_of(database)} if database.exists() else set()
        allowed.update(name for name in logged(database, "begin") - begun if name not in stored)
    before_last = len(songs_of(database))
    Watch([start_scan(folders, database)])
    found = Counter(song.path for song in songs_of(database))
    repeated = logged(database, "begin") - Counter(map(os.fsdecode, paths))
    return {
        "kills": times,
        "songs_after_kills": before_last,
        "songs_at_the_end": len(found),
        "songs_twice": sum(count - 1 for count in found.values()),
        "in_progress_at_kills": allowed.total(),
        "listened_to_again": repeated.total(),
        "listened_to_again_without_need": (repeated - allowed).total(),
    }


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a scheduler and workers with one thread each."""
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    options = ["--no-dashboard", "--scheduler-file", file]
    started = [start_dask("scheduler", *options, "--host", "127.0.0.1", "--port", "0")]
    try:
        while not (file.exists() and file.read_text().endswith("}")):
            time.sleep(0.05)
        for _ in range(CORES):
            started.append(start_dask("worker", *options, "--nthreads", "1", "--local-directory", folder / "scratch"))
        time.sleep(5)
        yield json.loads(file.read_text())["address"], started[1:]
    finally:
        for process in started:
            stop(process)


def start_dask(*options: str | Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)


def stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(psutil.Error):
        for member in family(process.pid):
            member.kill()
    process.wait()


def on_cluster(folders: Sequence[Path], folder: Path, reference: Path) -> dict[str, object]:
    figures: dict[str, object] = {}
    for name in ("cluster", "killed_worker"):
        database = folder / f"{name}.db"
        with cluster(folder) as (address, workers):
            began = time.perf_counter()
            process = start_scan(folders, database, "--scheduler", address)
            if name == "killed_worker":
                while logged(database, "done").total() < len(songs_of(reference)) // 2:
                    time.sleep(0.05)
                stop(workers[0])
            process.wait()
            figures[f"{name}_s"] = time.perf_counter() - began
        figures[f"{name}_songs"] = len(songs_of(database))
        figures[f"{name}_rows_are_the_same"] = rows(database) == rows(reference)
    return figures


def rows(database: Path) -> dict[bytes, dict[str, object]]:
    return {song.path: song.as_dict() | {"id": None} for song in songs_of(database)}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=2, help="of the comparison of speed (2)")
    parser.add_argument("--kills", type=int, default=10, help="how often a scan is killed (10)")
    parser.add_argument("--no-cluster", action="store_true", help="leave out what needs Dask")
    options = parser.parse_args()
    paths = list(find_media(options.folders))
    with TemporaryDirectory() as name:
        folder = Path(name)
        figures = speed(options.folders, paths, folder, options.rounds)
        figures |= second(options.folders, folder / "speed-0.db", folder)
        figures |= kills(options.folders, paths, folder, options.kills, float(str(figures["scan_s"])))
        if not options.no_cluster:
            figures |= on_cluster(options.folders, folder, folder / "speed-0.db")
        report("scanning", figures, as_json=options.json)


if __name__ == "__main__":
    main()

"""Worker processes: Ctrl-C does not reach them, and none outlives its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from multiprocessing import resource_tracker
from typing import Any

import joblib
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool

__all__ = ["BrokenProcessPool", "as_completed", "in_order", "start_workers", "stop_workers"]

_PARENT_CHECKED_EVERY = 1.0  # [s]

Preparation = Callable[[], object]
"""What each worker calls first. It is sent to the workers, and the same one is to be given to every call."""


def start_workers(jobs: int, *, prepare: Preparation | None = None, threads: int | None = None) -> None:
    """Start the workers with SIGINT blocked.

    A terminal's Ctrl-C reaches every process, and each worker would print a traceback. Only this process handles it,
    and ends the workers.

    Parameters
    ----------
    jobs : int
        How many, as for `joblib.Parallel`.
    prepare : callable, optional
        As for `as_completed`, with the same `threads`.
    threads : int, optional
    """
    count = joblib.effective_n_jobs(jobs)
    if count == 1 or sys.platform == "win32":
        return
    resource_tracker.ensure_running()  # first, because its start unblocks SIGINT
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # children inherit it, even through exec
    try:
        in_order((joblib.delayed(int)() for _ in range(count)), jobs, prepare=prepare, threads=threads)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stop_workers() -> None:
    """Kill the workers: a fit may take minutes and cannot be asked to stop."""
    get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)


def in_order(
    work: Iterable[Any], jobs: int, *, prepare: Preparation | None = None, threads: int | None = None
) -> list[Any]:
    """Run calls in worker processes.

    Parameters
    ----------
    work : iterable
        Made with `joblib.delayed`.
    jobs : int
        Processes to use; 1 runs the calls here, -1 is one process per core.
    prepare : callable, optional
        What each worker calls first.
    threads : int, optional
        Threads that a worker's arithmetic may use; by default as many as there are cores for each worker.

    Returns
    -------
    list
        Their results, in the order of the calls.
    """
    results: list[Any] = _parallel(jobs, prepare, threads)(work)
    return results


def as_completed(
    work: Iterable[Any],
    jobs: int,
    *,
    prepare: Preparation | None = None,
    threads: int | None = None,
    batch_size: int | str = "auto",
) -> Generator[Any]:
    """Run calls in worker processes, and yield each result as soon as it is there.

    Parameters
    ----------
    work : iterable
        Made with `joblib.delayed`. It is advanced by other threads too, one at a time.
    jobs, prepare, threads
        As for `in_order`.
    batch_size : int or "auto"
        How many calls go to a worker at once; their results come back together.

    Returns
    -------
    generator
    """
    parallel = _parallel(
        jobs, prepare, threads, return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=batch_size
    )
    results: Generator[Any] = parallel(work)
    return results


def _parallel(jobs: int, prepare: Preparation | None, threads: int | None, **options: Any) -> Any:
    with joblib.parallel_config(backend="loky", inner_max_num_threads=threads):
        return joblib.Parallel(n_jobs=jobs, initializer=_begin, initargs=(prepare,), **options)


def _begin(prepare: Preparation | None) -> None:
    """Begin a worker, which is to end soon after its parent, even if that was killed."""
    threading.Thread(target=_exit_after_parent, daemon=True).start()
    if prepare is not None:
        prepare()


def _exit_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform == "win32":
        parent.join()
    else:  # loky gives its workers nothing to wait for here; an orphan gets another parent
        while os.getppid() == parent.pid:
            time.sleep(_PARENT_CHECKED_EVERY)
    os._exit(1)

"""Worker processes: Ctrl-C does not reach them, and none outlives its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from multiprocessing import resource_tracker
from typing import Any

import joblib
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool

__all__ = ["BrokenProcessPool", "as_completed", "in_order", "start_workers", "stop_workers"]

_PARENT_CHECKED_EVERY = 1.0  # [s]


def start_workers(jobs: int) -> None:
    """Start the workers with SIGINT blocked.

    A terminal's Ctrl-C reaches every process, and each worker would print a traceback. Only this process handles it,
    and ends the workers.

    Parameters
    ----------
    jobs : int
        How many, as for `joblib.Parallel`.
    """
    count = joblib.effective_n_jobs(jobs)
    if count == 1 or sys.platform == "win32":
        return
    resource_tracker.ensure_running()  # first, because its start unblocks SIGINT
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # children inherit it, even through exec
    try:
        in_order((joblib.delayed(int)() for _ in range(count)), jobs)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stop_workers() -> None:
    """Kill the workers: a fit may take minutes and cannot be asked to stop."""
    get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)


def in_order(work: Iterable[Any], jobs: int) -> list[Any]:
    """Run calls in worker processes.

    Parameters
    ----------
    work : iterable
        Made with `joblib.delayed`.
    jobs : int
        Processes to use; 1 runs the calls here, -1 is one process per core.

    Returns
    -------
    list
        Their results, in the order of the calls.
    """
    results: list[Any] = joblib.Parallel(n_jobs=jobs, initializer=_end_with_parent)(work)
    return results


def as_completed(work: Iterable[Any], jobs: int) -> Iterator[Any]:
    """Run calls in worker processes, and yield each result as soon as it is there.

    Parameters
    ----------
    work : iterable
        Made with `joblib.delayed`.
    jobs : int
        As for `in_order`.

    Returns
    -------
    iterator
    """
    parallel = joblib.Parallel(
        n_jobs=jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs", initializer=_end_with_parent
    )
    results: Iterator[Any] = parallel(work)
    return results


def _end_with_parent() -> None:
    """Make this worker end soon after its parent, even if that was killed."""
    threading.Thread(target=_exit_after_parent, daemon=True).start()


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

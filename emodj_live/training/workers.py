"""Worker processes: how they begin and end, so that Ctrl-C is one line and takes no longer than it must."""

from __future__ import annotations

import signal
import sys
from multiprocessing import resource_tracker

import joblib
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool

__all__ = ["BrokenProcessPool", "start_workers", "stop_workers"]


def start_workers(jobs: int) -> None:
    """Start the workers, deaf to Ctrl-C.

    It reaches every process of a terminal; theirs would be a traceback each. This process hears it, and ends them.

    Parameters
    ----------
    jobs : int
        How many, as for `joblib.Parallel`.
    """
    count = joblib.effective_n_jobs(jobs)
    if count == 1 or sys.platform == "win32":
        return
    resource_tracker.ensure_running()  # first, because its start unblocks SIGINT
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # children inherit it, over exec too
    try:
        joblib.Parallel(n_jobs=jobs)(joblib.delayed(int)() for _ in range(count))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stop_workers() -> None:
    """End the workers at once: a fit may take minutes and does not listen."""
    get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)

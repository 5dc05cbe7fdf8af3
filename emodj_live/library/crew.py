"""Who listens to the files of a scan: this machine's cores, or a cluster's.

A crew is a context manager. Its `listen` takes tasks one by one as there is room for them, and yields an outcome for
each of them in any order, whatever happens to a worker.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Protocol

import joblib

from emodj_live.library.analysis import Failed, Outcome, Task, listen, model_digest, provide
from emodj_live.sources.about import decoders
from emodj_live.workers import BrokenProcessPool, as_completed, in_order, start_workers, stop_workers

ENDED_WORKER = "ended the process that listened to it: its decoder crashed, or there was too little memory."


class Crew(Protocol):
    """What a scan needs of those who listen."""

    def __enter__(self) -> Crew:
        """Get ready."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave."""

    def listen(self, tasks: Iterator[Task]) -> Generator[Outcome]:
        """Yield an outcome of every task. When the generator is closed early, work that is not done is dropped.

        Parameters
        ----------
        tasks : iterator
            It may be advanced by other threads, one at a time.

        Yields
        ------
        Outcome
        """


class LocalCrew:
    """Worker processes on this machine, or this process if one is enough.

    Parameters
    ----------
    model : bytes
        A valid model file's.
    jobs : int
        Processes to use; 1 works here, -1 is one process per core.
    most : int
        How many tasks there will be at most.
    log : str, optional
        As for `analysis.listen`.
    """

    def __init__(self, model: bytes, *, jobs: int, most: int, log: str | None) -> None:
        self._jobs: int = min(
            joblib.effective_n_jobs(jobs), max(2, most)
        )  # a crash in a process of its own ends no scan
        self._prepare = partial(provide, model)
        self._listen = partial(listen, model=model_digest(model), log=log)

    def __enter__(self) -> LocalCrew:
        self._prepare()
        if self._jobs > 1:
            start_workers(self._jobs, prepare=self._prepare, threads=1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._jobs > 1:
            stop_workers()

    def listen(self, tasks: Iterator[Task]) -> Generator[Outcome]:
        """Yield an outcome of every task, as a `Crew` does."""
        pending: dict[bytes, Task] = {}
        is_done = False
        while not is_done:
            try:
                with dropping(self._outcomes(tasks, pending)) as outcomes:
                    for outcome in outcomes:
                        del pending[outcome.task.path]
                        yield outcome
                is_done = True
            except BrokenProcessPool:  # one of those that are pending is to blame; each gets a process for itself
                for task in list(pending.values()):
                    yield self._alone(task)
                pending.clear()

    def _outcomes(self, tasks: Iterator[Task], pending: dict[bytes, Task]) -> Generator[Outcome]:
        def handed_out() -> Iterator[object]:
            for task in tasks:
                pending[task.path] = task
                yield joblib.delayed(self._listen)(task)

        return as_completed(handed_out(), self._jobs, prepare=self._prepare, threads=1, batch_size=1)

    def _alone(self, task: Task) -> Outcome:
        try:
            outcome: Outcome = in_order([joblib.delayed(self._listen)(task)], 2, prepare=self._prepare, threads=1)[0]
        except BrokenProcessPool:
            return Failed(task, ENDED_WORKER, decoders())
        return outcome


@contextmanager
def dropping(results: Generator[Outcome]) -> Iterator[Generator[Outcome]]:
    """Close a generator of results at the end. That there is work left over is no news: joblib would warn of it."""
    try:
        yield results
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            results.close()

"""A Dask cluster that listens to a collection, through joblib's Dask backend.

The files lie on storage that all machines see under the same paths. The model goes to each worker once, as bytes, also
to those that come later; only this machine writes to the index.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

import joblib

from emodj_live import __version__
from emodj_live.errors import LibraryError
from emodj_live.extras import missing
from emodj_live.library.analysis import Failed, Outcome, Task, listen, model_digest, provide
from emodj_live.library.crew import dropping

try:
    from distributed import Client, KilledWorker, WorkerPlugin
    from distributed.core import rpc
    from distributed.security import Security
    from joblib._dask import DaskDistributedBackend
    from threadpoolctl import threadpool_limits
except ImportError as error:
    raise LibraryError(missing("cluster", "a scan on a cluster", [error.name or "distributed"])) from error

_PATIENCE = 10  # [s] until the scheduler answers, and until it has a worker
_IN_HAND = "4*n_jobs"  # tasks, so that there are some for workers that come later
_WORKERS_DIED = "was listened to by several workers that died: its decoder crashed, or there was too little memory."


class ClusterCrew:
    """The workers of a Dask cluster.

    Parameters
    ----------
    model : bytes
        A valid model file's.
    scheduler : str
        The scheduler's address.
    log : str, optional
        As for `analysis.listen`: a path on the workers.

    Raises
    ------
    LibraryError
        When it is entered, or later, if the cluster cannot be used.
    """

    def __init__(self, model: bytes, *, scheduler: str, log: str | None) -> None:
        self._model = model
        self._address = scheduler
        self._listen = partial(_listen, model=model_digest(model), log=log, version=__version__)
        self._stack = ExitStack()
        self._client: Any = None

    def __enter__(self) -> ClusterCrew:
        with ExitStack() as stack, self._errors():
            stack.enter_context(_quiet())
            self._check_scheduler()
            self._client = stack.enter_context(Client(self._address, timeout=_PATIENCE, set_as_default=False))
            self._check_workers()
            self._client.register_plugin(_ProvideModel(self._model))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def listen(self, tasks: Iterator[Task]) -> Generator[Outcome]:
        """Yield an outcome of every task, as a `Crew` does.

        A file that ends its worker takes those beside it along, several times if need be. So if several are blamed,
        each is listened to once more, with nothing beside it.
        """
        blamed: list[Outcome] = []
        for outcome in self._outcomes(tasks):
            if isinstance(outcome, Failed) and outcome.reason == _WORKERS_DIED:
                blamed.append(outcome)
            else:
                yield outcome
        if len(blamed) == 1:
            yield from blamed
            return
        for outcome in blamed:
            yield from self._outcomes(iter([outcome.task]))

    def _outcomes(self, tasks: Iterator[Task]) -> Generator[Outcome]:
        parallel = joblib.Parallel(
            backend=_Backend(client=self._client),
            return_as="generator_unordered",
            pre_dispatch=_IN_HAND,
            batch_size=1,
        )
        with self._errors(), dropping(parallel(joblib.delayed(self._listen)(task) for task in tasks)) as outcomes:
            yield from outcomes

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, CancelledError, asyncio.CancelledError, asyncio.TimeoutError) as error:
            advice = "check the address and whether it is running, and scan again to go on"
            raise LibraryError(f"{self._address}: the scheduler does not answer; {advice}.") from error

    def _check_scheduler(self) -> None:
        """Check that a scheduler answers: a client that has none leaves threads and tracebacks behind."""
        try:
            with ThreadPoolExecutor(1) as thread:  # this one may have an event loop of its own
                kind = thread.submit(asyncio.run, _kind(self._address)).result()
        except ValueError as error:
            raise LibraryError(f"{self._address}: {error}; an address looks like tcp://HOST:8786.") from error
        if kind != "Scheduler":
            raise LibraryError(f"{self._address}: is a {kind} of a cluster; give the address of its scheduler.")

    def _check_workers(self) -> None:
        """Check that there are workers, with the same version of this package."""
        try:
            self._client.wait_for_workers(1, timeout=_PATIENCE)
        except (OSError, asyncio.TimeoutError) as error:
            raise LibraryError(f"{self._address}: the scheduler has no workers; start some.") from error
        versions = self._client.run(eval, "__import__('emodj_live').__version__", on_error="return")
        for worker, version in versions.items():
            if isinstance(version, Exception):
                raise LibraryError(f"{worker}: this worker has no emodj-live ({version}); install it there.")
            _check_version(version, __version__, worker)


async def _kind(address: str) -> str:
    """Return what answers at an address."""
    arguments = Security().get_connection_args("client")
    async with rpc(address, timeout=_PATIENCE, connection_args=arguments) as server:
        identity = await asyncio.wait_for(server.identity(), _PATIENCE)
    return str(identity["type"])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from printing its own account of what goes wrong."""
    handlers = logging.getLogger("distributed").handlers
    before = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for handler, level in zip(handlers, before, strict=True):
            handler.setLevel(level)


# ------------------------------------------------------------------------------------------------------ on the workers


class _ProvideModel(WorkerPlugin):  # type: ignore[misc]
    """Lets each worker know the model, also those that come later."""

    idempotent = True

    def __init__(self, model: bytes) -> None:
        self.name = f"emodj-live {model_digest(model)}"
        self._model = model

    def setup(self, worker: object) -> None:  # noqa: ARG002 (Dask's interface)
        """Provide the model."""
        provide(self._model)


def _listen(task: Task, *, model: str, log: str | None, version: str) -> Outcome:
    """Listen to a file with one thread: the songs share the cores."""
    _check_version(__version__, version, "a worker")
    with threadpool_limits(1):
        return listen(task, model, log)


def _check_version(version: str, expected: str, worker: str) -> None:
    if version != expected:
        raise LibraryError(f"{worker}: has emodj-live {version}, not {expected}; install the same version everywhere.")


# ------------------------------------------------------------------------------------------------ joblib's backend


@dataclass(frozen=True)
class _Lost:
    """A task of which no worker has told anything."""

    task: Task
    error: BaseException


class _Backend(DaskDistributedBackend):  # type: ignore[misc]
    """joblib's, with two things mended: where it would work here, and where it would wait for ever."""

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return how many threads the workers have; joblib would do the work of a single one in this process."""
        return max(2, int(super().effective_n_jobs(n_jobs)))

    def submit(self, func: Any, callback: Any = None) -> Any:
        """Submit a batch of one task. Joblib's own backend does not call back if the workers died over it."""
        future = super().submit(func, callback)
        ((_, (task,), _),) = func.items

        def call_back(future: Future[object]) -> None:
            if error := future.exception():
                callback(_Lost(task, error))

        future.add_done_callback(call_back)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        """Return what came of a batch."""
        if isinstance(out, _Lost):
            if isinstance(out.error, KilledWorker):
                return [Failed(out.task, _WORKERS_DIED, None)]
            why = str(out.error).partition("\n")[0]
            raise LibraryError(
                f"a worker cannot do the work ({why}); install the same version of emodj-live everywhere."
            )
        if isinstance(out, BaseException):  # of a task that was dropped when the scheduler went away
            raise out
        return super().retrieve_result_callback(out)

"""The tracker beside a program that has a loop of its own: a window, a game, a player."""

from __future__ import annotations

import atexit
import logging
import threading
import traceback
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from emodj_live.blocks import opened
from emodj_live.emotion import Emotion
from emodj_live.ring import Gap
from emodj_live.tracker import EmotionTracker

logger = logging.getLogger(__name__)

_PATIENCE = 5.0  # [s] to wait for a slow sink or source before going on without it
_PATIENCE_AT_EXIT = 1.0  # [s]
_here = threading.local()  # has `is_background` on the thread of any background tracker


class BackgroundTracker:
    """Track a source on a thread of its own, between `start` and `stop` or in a ``with`` statement.

    Parameters
    ----------
    tracker : EmotionTracker
        It belongs to the background until that has ended.
    source : iterable of ndarray of float32 or Gap
        What to follow, and nobody else at the same time. Each start iterates over it anew.
    *sinks : callable
        Each is called with every `Emotion`, as `EmotionTracker.run` promises, on the background's thread. A window
        toolkit wants to be touched by its own thread alone: poll `latest` from there instead.

    Notes
    -----
    An error of the source or of a sink ends the tracking. It is raised by `stop` or `wait` or at the end of the
    ``with`` statement, once; if none of them comes, it is logged. Until then a loop that polls can read it from
    `error`, which takes nothing away.

    The thread does not keep a program alive: when that ends without stopping, the source is closed and the thread
    left to itself.

    Examples
    --------
    >>> from emodj_live import DemoSource, EmotionModel, EmotionTracker
    >>> with BackgroundTracker(EmotionTracker(EmotionModel.load()), DemoSource()) as background:
    ...     has_ended = background.wait(timeout=60)
    >>> background.latest.time
    30.0
    """

    def __init__(
        self,
        tracker: EmotionTracker,
        source: Iterable[NDArray[np.float32] | Gap],
        *sinks: Callable[[Emotion], object],
    ) -> None:
        self._tracker = tracker
        self._source = source
        self._sinks = sinks
        self._latest: Emotion | None = None
        self._is_asked_to_stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._report = _Report()
        weakref.finalize(self, self._report.log)
        self._lock = threading.RLock()

    def __enter__(self) -> BackgroundTracker:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and raise what went wrong in the background, unless something else is on its way already."""
        self._end(_PATIENCE)
        if error is None:
            self._deliver()
        else:
            self._report.log()

    @property
    def latest(self) -> Emotion | None:
        """The newest emotion; None before the first one. It stays when the stream has ended."""
        return self._latest

    @property
    def is_running(self) -> bool:
        """Whether the source is being followed: from `start` until the end of the stream, a stop or an error."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    @property
    def error(self) -> BaseException | None:
        """What ended the tracking, if it was an error; reading it does not stand for `stop`, which still raises it."""
        return self._error

    def start(self) -> None:
        """Begin to follow the source from its beginning.

        Raises
        ------
        RuntimeError
            If it is running already.
        """
        with self._lock:
            if self.is_running:
                raise RuntimeError("the background tracker is running already: stop it before another start")
            self._report.log()  # the error of the last time, if it was not raised
            self._error = None
            self._is_asked_to_stop.clear()
            self._latest = None
            thread = threading.Thread(target=self._follow, name="emodj-live", daemon=True)
            atexit.register(self._end_with_the_program)
            thread.start()
            self._thread = thread

    def stop(self, *, timeout: float = _PATIENCE) -> bool:
        """End the tracking after the emotion in hand, and wait until the source is closed.

        Safe from any thread, from inside a sink, twice, and before the start. From inside a sink of any background
        tracker it does not wait: two that stop each other would wait for ever.

        Parameters
        ----------
        timeout : float
            How long to wait [s]. A sink or a source that takes longer is told of in the log; `is_running` says when it
            has come back.

        Returns
        -------
        bool
            Whether it has ended.

        Raises
        ------
        BaseException
            What ended the tracking, if it was an error that was not raised yet.
        """
        has_ended = self._end(timeout)
        if has_ended:
            self._deliver()
        return has_ended

    def wait(self, *, timeout: float | None = None) -> bool:
        """Wait for the end of the stream.

        Parameters
        ----------
        timeout : float, optional
            How long [s]; None is for ever.

        Returns
        -------
        bool
            Whether it has ended.

        Raises
        ------
        BaseException
            As for `stop`.
        """
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
        if self.is_running:
            return False
        self._deliver()
        return True

    def _end(self, timeout: float) -> bool:
        """Ask for the end and return whether it has come."""
        with self._lock:
            self._is_asked_to_stop.set()
            thread = self._thread
            if self.is_running:
                self._tracker.stop()
        if getattr(_here, "is_background", False):
            return not self.is_running
        if thread is not None:
            thread.join(timeout)
            if thread.is_alive():
                logger.warning("the background tracker has not ended within %g s: a sink or the source hangs.", timeout)
        return not self.is_running

    def _deliver(self) -> None:
        """Raise the error, unless it has been raised already."""
        if self._report.is_due and self._error is not None:
            self._report.is_due = False
            raise self._error

    # ----------------------------------------------------------------------------------- on the background's thread

    def _follow(self) -> None:
        _here.is_background = True
        try:
            self._tracker.run(self._until_stopped(), self._keep, *self._sinks)
        except BaseException as error:  # for whoever asks: a thread has no caller that it could raise it to
            self._report.text = "".join(traceback.format_exception(error))
            self._report.is_due = True
            self._error = error
        finally:
            atexit.unregister(self._end_with_the_program)

    def _until_stopped(self) -> Iterator[NDArray[np.float32] | Gap]:
        """Yield the source's blocks. The tracker forgets a stop that came before it began; this does not."""
        with opened(self._source) as blocks:
            while not self._is_asked_to_stop.is_set():
                try:
                    block = next(blocks)
                except StopIteration:
                    return
                yield block

    def _keep(self, emotion: Emotion) -> None:
        self._latest = emotion

    def _end_with_the_program(self) -> None:
        """Close the source, if it lets us: the interpreter is about to go and takes the thread with it."""
        self._is_asked_to_stop.set()
        self._tracker.stop()
        if self._thread is not None:
            self._thread.join(_PATIENCE_AT_EXIT)


class _Report:
    """What there is to log if an error is never raised: text alone, because an error holds on to all that it met."""

    def __init__(self) -> None:
        self.text = ""
        self.is_due = False

    def log(self) -> None:
        """Log it, unless it has been raised."""
        if self.is_due:
            self.is_due = False
            logger.error("an error ended the background tracker: %s", self.text)

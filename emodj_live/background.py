"""The tracker on a thread of its own, for programs that have a main loop already."""

from __future__ import annotations

import atexit
import logging
import threading
import traceback
import weakref
from types import TracebackType

from emodj_live.blocks import Sink, Source, check_source
from emodj_live.emotion import Emotion
from emodj_live.tracker import EmotionTracker

logger = logging.getLogger(__name__)

_PATIENCE = 5.0  # [s] to wait for a slow sink or source before giving up on it
_PATIENCE_AT_EXIT = 1.0  # [s]
_this_thread = threading.local()  # has `is_background` on the thread of any background tracker


class BackgroundTracker:
    """Track a source on a thread of its own, between `start` and `stop` or in a ``with`` statement.

    Parameters
    ----------
    tracker : EmotionTracker
        Nothing else may use it until the background tracker has ended.
    source : iterable of ndarray of float32, Gap or Seek
        What to follow; nothing else may use it at the same time. Each start iterates over it afresh.
    *sinks : callable
        Each is called with every `Emotion`, as `EmotionTracker.run` promises, on the background thread. Window
        toolkits allow only their own thread to touch a window: poll `latest` from there instead.

    Raises
    ------
    TypeError, ValueError
        If the source cannot be tracked, as for `EmotionTracker.track`.

    Notes
    -----
    An error of the source or of a sink ends the tracking. `stop`, `wait` or the end of the ``with`` statement raises
    it, once; if none of them is called, it is logged. Until then a loop that polls can read it from `error`, which
    does not count as raising it.

    The thread does not keep a program alive: if the program ends without stopping it, the source is closed and the
    thread is abandoned.

    Examples
    --------
    >>> from emodj_live import DemoSource, EmotionModel, EmotionTracker
    >>> with BackgroundTracker(EmotionTracker(EmotionModel.load()), DemoSource()) as background:
    ...     has_ended = background.wait(timeout=60)
    >>> background.latest.time
    30.0
    """

    def __init__(self, tracker: EmotionTracker, source: Source, *sinks: Sink) -> None:
        if not isinstance(tracker, EmotionTracker):
            raise TypeError(f"tracker must be an EmotionTracker, got {tracker!r}")
        check_source(source, tracker.model.sample_rate)
        self._tracker = tracker
        self._source = source
        self._sinks = sinks
        self._latest: Emotion | None = None
        self._stop = threading.Event()
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
        """Stop, and raise the background's error, unless another exception is being raised already."""
        self._end(_PATIENCE)
        if error is None:
            self._raise_error()
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
        """The error that ended the tracking, if any. Reading it does not count as raising it."""
        return self._error

    def start(self) -> None:
        """Start to follow the source from its beginning.

        Raises
        ------
        RuntimeError
            If it is running already.
        """
        with self._lock:
            if self.is_running:
                raise RuntimeError("the background tracker is already running: stop it before starting it again")
            self._report.log()  # the error of the last run, if it was not raised
            self._error = None
            self._stop = threading.Event()
            self._latest = None
            thread = threading.Thread(target=self._follow, args=(self._stop,), name="emodj-live", daemon=True)
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
            How long to wait [s]. If a sink or the source takes longer, that is logged; `is_running` shows when it has
            returned.

        Returns
        -------
        bool
            Whether it has ended.

        Raises
        ------
        BaseException
            The error that ended the tracking, if there was one and it has not been raised yet.
        """
        has_ended = self._end(timeout)
        if has_ended:
            self._raise_error()
        return has_ended

    def wait(self, *, timeout: float | None = None) -> bool:
        """Wait for the end of the stream.

        Parameters
        ----------
        timeout : float, optional
            How long to wait [s]; None waits for ever.

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
        self._raise_error()
        return True

    def _end(self, timeout: float) -> bool:
        """Ask the thread to end and return whether it has."""
        with self._lock:
            self._stop.set()
            thread = self._thread
        if getattr(_this_thread, "is_background", False):
            return not self.is_running
        if thread is not None:
            thread.join(timeout)
            if thread.is_alive():
                logger.warning("the background tracker did not end within %g s: a sink or the source hangs.", timeout)
        return not self.is_running

    def _raise_error(self) -> None:
        """Raise the error, unless it has been raised already."""
        if self._report.is_due and self._error is not None:
            self._report.is_due = False
            raise self._error

    # ------------------------------------------------------------------------------------- on the background thread

    def _follow(self, stop: threading.Event) -> None:
        _this_thread.is_background = True
        try:
            self._tracker.run(self._source, self._keep, *self._sinks, stop=stop)
        except BaseException as error:  # kept for whoever asks: a thread has no caller to raise it to
            self._report.text = "".join(traceback.format_exception(error))
            self._report.is_due = True
            self._error = error
        finally:
            atexit.unregister(self._end_with_the_program)

    def _keep(self, emotion: Emotion) -> None:
        self._latest = emotion

    def _end_with_the_program(self) -> None:
        """Close the source if possible: the interpreter is about to exit and takes the thread with it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE_AT_EXIT)


class _Report:
    """What to log if an error is never raised: text alone, because an error keeps all that it met alive."""

    def __init__(self) -> None:
        self.text = ""
        self.is_due = False

    def log(self) -> None:
        """Log it, unless it has been raised."""
        if self.is_due:
            self.is_due = False
            logger.error("an error ended the background tracker: %s", self.text)

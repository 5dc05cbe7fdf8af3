"""The tracker for programs that run on asyncio: a thread follows the source, and the event loop gets the emotions."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress

from emodj_live.blocks import Source
from emodj_live.emotion import Emotion
from emodj_live.tracker import EmotionTracker

logger = logging.getLogger(__name__)

_HEARTBEAT = 0.1  # [s] the longest wait without a look at whether to stop


async def atrack(tracker: EmotionTracker, source: Source) -> AsyncGenerator[Emotion, None]:
    """Follow a source on a thread and yield its emotions to an asyncio program.

    Parameters
    ----------
    tracker : EmotionTracker
    source : iterable of ndarray of float32, Gap or Seek

    Yields
    ------
    Emotion
        In time order. The thread waits until each one has been taken.
    """
    follower = _Follower(tracker, source)
    follower.start()
    try:
        while (emotion := await follower.emotions.get()) is not None:
            follower.is_taken.set()
            yield emotion
    except BaseException:
        if error := await follower.end():
            logger.warning("an error ended the tracking while it was being canceled: %s", error)
        raise
    if error := await follower.end():
        raise error


class _Follower(threading.Thread):
    """Runs a tracker for an event loop; each emotion waits until the one before it has been taken."""

    def __init__(self, tracker: EmotionTracker, source: Source) -> None:
        super().__init__(name="emodj-live", daemon=True)
        self.emotions: asyncio.Queue[Emotion | None] = asyncio.Queue()
        self.is_taken = threading.Event()
        self._tracker = tracker
        self._source = source
        self._stop_asked = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[BaseException | None] = self._loop.create_future()

    def run(self) -> None:
        """Follow the source; called on the thread."""
        error = None
        self.is_taken.set()
        try:
            self._tracker.run(self._source, self._hand_over, stop=self._stop_asked)
        except BaseException as caught:  # raised on the loop's thread instead
            error = caught
        with suppress(RuntimeError):  # the loop is closed, so nobody waits
            self._loop.call_soon_threadsafe(self._finish, error)

    def _hand_over(self, emotion: Emotion) -> None:
        while not self.is_taken.wait(_HEARTBEAT):
            if self._stop_asked.is_set():
                return
        self.is_taken.clear()
        try:
            self._loop.call_soon_threadsafe(self.emotions.put_nowait, emotion)
        except RuntimeError:  # the loop was closed without ending us
            self._stop_asked.set()

    def _finish(self, error: BaseException | None) -> None:
        self._ended.set_result(error)
        self.emotions.put_nowait(None)

    async def end(self) -> BaseException | None:
        """Stop, wait until the source is closed, and return the error that ended the tracking."""
        self._stop_asked.set()
        return await asyncio.shield(self._ended)  # a second cancellation may end the wait, and nothing else

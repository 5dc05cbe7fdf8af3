"""An output device that plays one song after the other without a pause between them.

The device stays open from song to song. What has been heard is read from its own clock and the times that PortAudio
gives for its buffers; the wall clock would run ahead of the sound by the latency, and would drift away from it with
every underflow.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from itertools import zip_longest
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import SourceError
from emodj_live.sources.devices import find_device, sounddevice
from emodj_live.sources.passage import FADE, Passage

if TYPE_CHECKING:
    from emodj_live.sources.playback import PlayedSource

_AHEAD = 2.0  # [s] of audio that is decoded ahead of the sound
_STALLED = 3.0  # [s] without a callback, after which the device counts as gone
_SUSPENDED = 1.0  # [s] between two checks, which says that the whole process was stopped


class Deck:
    """An output device for one `PlayedSource` after the other; use it in a ``with`` statement.

    A source in its queue is decoded ahead and begins with the sample after the last one of the source before it, or
    fades in over its end. Each is still a stream of its own, and in step with what is heard.

    Parameters
    ----------
    device : int, str or None
        Number of the output device, a part of its name, or None for the default.
    delay : float
        How much later than PortAudio believes the sound is heard [s], for example with Bluetooth loudspeakers.
    crossfade : float
        How long the end of a source and the beginning of the one after it are heard together [s]. In the middle of
        that time the stream of the first one ends.

    Attributes
    ----------
    device : Device
        The output device.
    underflows : int
        How many times the device ran out of audio.
    is_paused : bool
        Set it to pause the sound, and the blocks with it.
    has_failed : bool
        Whether the device could not be opened or has gone away.

    Raises
    ------
    SourceError
        If there is no such device or PortAudio is missing.
    ValueError
        If `crossfade` is out of range.

    Notes
    -----
    It belongs to the thread that follows its sources; only `is_paused` may be set from others.

    Examples
    --------
    >>> from emodj_live import EmotionTracker, FileSource, PlayedSource, load_model
    >>> tracker = EmotionTracker(load_model())  # doctest: +SKIP
    >>> with Deck() as deck:  # doctest: +SKIP
    ...     sources = [PlayedSource(FileSource(path), output=deck) for path in ("a.mp3", "b.mp3")]
    ...     for source in sources:
    ...         deck.queue(source)
    ...     for source in sources:
    ...         tracker.run(source, print)
    """

    def __init__(self, device: int | str | None = None, *, delay: float = 0.0, crossfade: float = 0.0) -> None:
        if not 0 <= crossfade < math.inf:
            raise ValueError(f"crossfade must be 0 or a positive number of seconds, got {crossfade}")
        self.device = find_device(device, "output")
        self.channels = min(2, self.device.channels)
        self.underflows = 0
        self.is_paused = False
        self.has_failed = False
        self._delay = delay
        self._fade = round(crossfade * self.device.sample_rate)  # frames
        self._stream: Any = None
        self._lock = threading.Lock()
        self._passages: list[Passage] = []  # that are or will be heard, in their order
        self._present: Passage | None = None  # that is being followed
        self._queued: list[Passage] = []  # that will be followed
        self._cut_off = self._silence(0)
        self._called_at = self._checked_at = time.monotonic()

    def __enter__(self) -> Deck:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the device."""
        self.close()

    def queue(self, source: PlayedSource) -> None:
        """Let a source play after all that play or are in the queue already. Follow it when its turn has come.

        Parameters
        ----------
        source : PlayedSource
            Has this deck as its output.

        Raises
        ------
        ValueError
            If the source plays or is in the queue already, or plays somewhere else.
        """
        passage = source.passage
        if source.output is not self or passage is self._present or passage in self._queued:
            raise ValueError("a source must have this deck as its output, and must not play or be in the queue already")
        with self._lock:
            self._append(passage)
            self._queued.append(passage)

    def clear(self) -> None:
        """Empty the queue. What fades in already is taken back."""
        with self._lock:
            self._skip(len(self._queued))

    def close(self) -> None:
        """Close the device; it opens again with the next source."""
        stream, self._stream, self._present = self._stream, None, None
        if stream is not None:
            with contextlib.suppress(sounddevice().PortAudioError):
                stream.abort()
            with contextlib.suppress(sounddevice().PortAudioError):
                stream.close()
        self._passages.clear()
        self._queued.clear()

    # ----------------------------------------------------------------------------------- for the source that plays

    @property
    def now(self) -> float | None:
        """The time at which that is heard which PortAudio has just played [s]; None while the device is closed."""
        return None if self._stream is None else self._stream.time - self._delay

    def begin(self, passage: Passage) -> None:
        """Follow a passage: what is before it in the queue is left out; if it is not there, the whole queue is.

        Parameters
        ----------
        passage : Passage
        """
        with self._lock:
            if passage in self._queued:
                self._skip(self._queued.index(passage))
                self._queued.remove(passage)
            else:
                self._skip(len(self._queued))
                self._append(passage)
        self._present = passage
        self.fill()
        self._open()

    def restart(self, passage: Passage, position: float) -> None:
        """Go on at another place of the passage that is followed.

        Parameters
        ----------
        passage : Passage
        position : float
            [s]
        """
        with self._lock:
            self._cut(list(self._passages))
            passage.restart(position)
            for each in self._queued:
                each.restart()
            self._passages = [passage, *self._queued]
        self.fill()

    def end(self, passage: Passage, *, is_over: bool) -> None:
        """Follow a passage no longer.

        Parameters
        ----------
        passage : Passage
        is_over : bool
            Whether it may be heard to its end; otherwise it is cut off, and what is in the queue plays at once.
        """
        self._present = None
        passage.close()
        if not is_over:
            with self._lock:
                if passage in self._passages:
                    self._cut(self._passages[: self._passages.index(passage) + 1])

    def fill(self) -> None:
        """Decode ahead as far as need be."""
        for_fades = 3 * self._fade  # one, and twice its length after it, to see whether a song is too short
        enough = _AHEAD * self.device.sample_rate + for_fades
        while True:
            with self._lock:
                passage = next((passage for passage in self._passages if not passage.is_complete), None)
                if passage is None or sum(passage.waiting for passage in self._passages) >= enough:
                    return
            passage.decode()

    def check(self) -> None:
        """Raise an error if the device is gone, but not if the process was suspended and could not be called."""
        now = time.monotonic()
        if now - self._checked_at > _SUSPENDED:
            self._called_at = now
        self._checked_at = now
        if now - self._called_at > _STALLED:
            self.has_failed = True
            raise SourceError(f"{self.device.name}: stopped accepting audio; was it disconnected?")

    def _append(self, passage: Passage) -> None:
        self._cut([each for each in self._passages if each is passage])  # which may still fade out
        passage.restart()
        self._passages.append(passage)

    def _skip(self, count: int) -> None:
        """Take the first passages out of the queue."""
        self._cut(self._queued[:count])
        del self._queued[:count]

    def _cut(self, passages: list[Passage]) -> None:
        """Take passages out; what was about to be heard of them fades out instead of ending with a click."""
        cut_off = self._silence(round(FADE * self.device.sample_rate))
        for passage in passages:
            if passage in self._passages:  # otherwise PortAudio has got all of it
                self._passages.remove(passage)
                if passage.has_begun and not self.is_paused:
                    passage.take(cut_off)
        cut_off *= np.linspace(1, 0, len(cut_off), dtype=np.float32)[:, np.newaxis]
        cut_off[: len(self._cut_off)] += self._cut_off  # of a cut just before
        self._cut_off = cut_off

    def _silence(self, length: int) -> NDArray[np.float32]:
        return np.zeros((length, self.channels), np.float32)

    # -------------------------------------------------------------------------------------------------- the device

    def _open(self) -> None:
        if self._stream is not None:
            return
        module = sounddevice()
        try:
            self._stream = module.OutputStream(
                device=self.device.index,
                samplerate=self.device.sample_rate,
                channels=self.channels,
                dtype="float32",
                latency="high",
                callback=self._callback,
            )
            self._called_at = time.monotonic()
            self._stream.start()
        except module.PortAudioError as error:
            self.close()
            self.has_failed = True
            why = f"{error.args[0]}; choose another output."
            raise SourceError(f"{self.device.name}: cannot play at {self.device.sample_rate:g} Hz: {why}") from error

    def _callback(self, out: NDArray[np.float32], _count: int, moment: Any, status: Any) -> None:
        """Hand frames over to PortAudio."""
        self._called_at = time.monotonic()
        out[:] = 0
        with self._lock:
            is_starved = not self.is_paused and self._mix(out, moment.outputBufferDacTime)
        self.underflows += bool(status.output_underflow or is_starved)

    def _mix(self, out: NDArray[np.float32], moment: float) -> bool:
        """Add what is to be heard to a buffer, and return whether there was too little of it."""
        fading = self._cut_off[: len(out)]
        out[: len(fading)] += fading
        self._cut_off = self._cut_off[len(out) :]
        begin, passages = 0, list(self._passages)
        for passage, following in zip_longest(passages, passages[1:]):
            end = begin + passage.waiting
            following_begin = max(begin, end - self._overlap(passage, following))
            if following_begin < min(end, len(out)) and not following.has_begun and passage.is_complete:
                passage.fade_into(following, end - following_begin)
            passage.take(out[begin:], moment + begin / self.device.sample_rate)
            if not passage.is_complete:
                return end < len(out)
            if not passage.waiting:
                self._passages.remove(passage)
            begin = following_begin
        return False

    def _overlap(self, passage: Passage, following: Passage | None) -> int:
        """Return how many frames of two passages are heard together: of a short one at most half of it."""
        if following is None:
            return 0
        return min([self._fade, *(each.length // 2 for each in (passage, following) if each.is_complete)])

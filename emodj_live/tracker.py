"""The loop: blocks in, emotions out. Time, level and silence have their one home here.

No I/O, no thread, no clock: the emotions follow from the samples alone.
"""

from __future__ import annotations

import math
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from emodj_live.blocks import Block, Gap, Seek, Sink, Source, check_source, checked, iterating
from emodj_live.calibration import calibration_of
from emodj_live.emotion import Emotion
from emodj_live.gain import LOWEST_LEVEL, SILENCE, AutomaticGain
from emodj_live.listener import Model
from emodj_live.ring import RingBuffer
from emodj_live.smoothing import SMOOTHING, Smoother

if TYPE_CHECKING:
    from emodj_live.sources.adapter import Adapter

_FULL_SCALE = 32767 / 32768  # the largest 16-bit sample
_LARGEST_GAIN = 100.0  # [dB]
_IN_USE = "this tracker is in use for another stream; make one tracker for each stream"


def level_dbfs(window: NDArray[np.float32]) -> float:
    """Return the RMS level of a window.

    Parameters
    ----------
    window : ndarray of float32, shape (n,)

    Returns
    -------
    float
        [dBFS], not below `LOWEST_LEVEL`.
    """
    power = float(np.dot(window, window)) / window.size
    return max(LOWEST_LEVEL, 10 * math.log10(power)) if power > 0 else LOWEST_LEVEL


class EmotionTracker:
    """Follow the emotion of a stream of audio.

    Parameters
    ----------
    model : Model
        What turns windows into valence and arousal, such as an `EmotionModel`; any number of trackers may share it.
    step : int, optional
        Samples from one window to the next; by default the model's window length, so that windows touch.
    smoothing : float
        Time constant of the average [s]; 0 is off.
    silence : float
        A window below this level, as it came in, is silent: it changes neither the average nor the quadrant nor the
        automatic gain [dBFS].
    gain : float or "auto"
        Gain before the features [dB]; "auto" brings the long-term level to the one that the model was trained at,
        which a microphone needs.

    Raises
    ------
    TypeError
        If `model` is not a model.
    ValueError
        If a parameter is out of range.

    Notes
    -----
    A tracker belongs to one thread; only `stop` may be called from others.

    Examples
    --------
    >>> from emodj_live import DemoSource, EmotionModel
    >>> tracker = EmotionTracker(EmotionModel.load())
    >>> emotions = list(tracker.track(DemoSource()))
    >>> emotions[0].time
    0.5
    """

    def __init__(
        self,
        model: Model,
        *,
        step: int | None = None,
        smoothing: float = SMOOTHING,
        silence: float = SILENCE,
        gain: float | Literal["auto"] = 0.0,
    ) -> None:
        if not hasattr(model, "listener"):
            raise TypeError(f"model must be a model, such as EmotionModel.load() returns, got {model!r}")
        step = model.window_length if step is None else step
        _check(step, smoothing, silence, gain)
        self.model = model
        self._silence = silence
        self._listener = model.listener()
        self._calibration = calibration_of(model)
        self._ring = RingBuffer(model.window_length, int(step))
        self._smoother = Smoother(step / model.sample_rate, smoothing)
        self._fixed_gain = None if gain == "auto" else float(gain)
        self._automatic_gain = AutomaticGain(model.reference_level, step / model.sample_rate)
        self._is_stopped = threading.Event()
        self._busy = threading.Lock()
        self._stream: object = None  # stands for whatever hands in blocks at present

    def reset(self) -> None:
        """Start afresh: the next sample is the first of a new stream, and nothing has been heard."""
        self._ring.clear()
        self._listener.reset()
        self._smoother.reset()
        self._automatic_gain.reset()

    def process(self, block: Block | Gap | Seek) -> list[Emotion]:
        """Take in the next piece of the stream and return the emotions of the windows that it completes.

        Parameters
        ----------
        block : ndarray of float32, shape (n,), Gap or Seek
            Mono samples at ``model.sample_rate``, full scale is +-1, any n, also 0; or how many were lost; or where the
            stream goes on.

        Returns
        -------
        list of Emotion
            In time order; often empty. After a `Seek` time counts from its position.

        Raises
        ------
        TypeError
            If the block is not an array of floating-point numbers.
        ValueError
            If it is not one-dimensional, or has samples that are not finite or are a thousand times full scale.
        RuntimeError
            If another thread is handing in a block right now.
        """
        self._stream = None  # a `track` that is still in progress may not mix its own blocks in
        return self._process(block)

    def _process(self, block: Block | Gap | Seek) -> list[Emotion]:
        block = block if isinstance(block, Gap | Seek) else checked(block)
        if not self._busy.acquire(blocking=False):
            raise RuntimeError(_IN_USE)
        try:
            if isinstance(block, Seek):
                self._go_to(block.position)
                return []
            if isinstance(block, Gap):
                self._listener.reset()
            return [emotion for ends, windows in self._ring.push(block) for emotion in self._emotions(ends, windows)]
        finally:
            self._busy.release()

    def _go_to(self, position: float) -> None:
        """Forget what was heard, but not how loud it is: it is the same song."""
        self._ring.move(round(position * self.model.sample_rate))
        self._listener.reset()
        self._smoother.reset()

    def _emotions(self, ends: range, windows: NDArray[np.float32]) -> Iterator[Emotion]:
        levels = [level_dbfs(window) for window in windows]
        gains = [self._gain(level) for level in levels]
        factors = np.array([10 ** (gain / 20) for gain in gains], np.float32)
        predicted = self._listener.hear(
            windows * factors[:, np.newaxis] if any(gains) else windows,
            np.array(ends) / self.model.sample_rate,
            np.array(levels) < self._silence,
        )
        if np.shape(predicted) != (len(windows), 2):
            raise ValueError(f"hear must return shape ({len(windows)}, 2), got {np.shape(predicted)}")
        for end, window, level, gain, raw in zip(
            ends, windows, levels, gains, predicted.clip(-1, 1).tolist(), strict=True
        ):
            yield self._emotion(end, window, level, gain, raw)

    def _gain(self, level: float) -> float:
        if self._fixed_gain is not None:
            return self._fixed_gain
        return self._automatic_gain.update(level, is_silent=level < self._silence)

    def _emotion(self, end: int, window: NDArray[np.float32], level: float, gain: float, raw: list[float]) -> Emotion:
        is_silent = level < self._silence
        self._smoother.update(*raw, is_silent=is_silent)
        valence, arousal, quadrant = self._smoother.valence, self._smoother.arousal, self._smoother.quadrant
        known = self._calibration
        certainty = known.certainty(valence, arousal, quadrant) if known else None
        valence_rank, arousal_rank = known.ranks(valence, arousal) if known else (None, None)
        return Emotion(
            time=end / self.model.sample_rate,
            valence=valence,
            arousal=arousal,
            raw_valence=raw[0],
            raw_arousal=raw[1],
            quadrant=quadrant,
            level=level,
            gain=gain,
            is_silent=is_silent,
            is_clipped=bool(max(window.max(), -window.min()) >= _FULL_SCALE),
            certainty=certainty,
            valence_rank=valence_rank,
            arousal_rank=arousal_rank,
        )

    def track(
        self,
        source: Source,
        *,
        stop: threading.Event | None = None,
        after_block: Callable[[Block | Gap | Seek], object] | None = None,
    ) -> Iterator[Emotion]:
        """Follow a source from its beginning and yield each emotion as it is found.

        Parameters
        ----------
        source : iterable of ndarray of float32, Gap or Seek
            The blocks of a new stream, as for `process`. If it has a ``close()``, that is called when the iteration
            ends, however it ends.
        stop : threading.Event, optional
            Ends the stream when it is set. The tracker looks at it before every block and every emotion, also before
            the first, and never clears it.
        after_block : callable, optional
            Is called with each block once its emotions have been dealt with: a heartbeat for whoever draws a screen.
            Live and paced sources yield at least 30 blocks a second, empty ones if there is no audio.

        Yields
        ------
        Emotion
            In time order between one `Seek` of the source and the next.

        Raises
        ------
        TypeError
            If the source is a path or an array; while iterating, if it yields something else than blocks.
        ValueError
            If the source has a ``sample_rate`` and it is not the model's.
        RuntimeError
            While iterating, if the tracker has been given to another stream in the meantime.
        """
        check_source(source, self.model.sample_rate)
        return self._track(source, stop or threading.Event(), after_block)

    def _track(
        self, source: Source, stop: threading.Event, after_block: Callable[[Block | Gap | Seek], object] | None
    ) -> Iterator[Emotion]:
        self.reset()
        self._is_stopped.clear()
        self._stream = stream = object()
        with iterating(source) as blocks:
            while not (stop.is_set() or self._is_stopped.is_set()):
                try:
                    block = next(blocks)
                except StopIteration:
                    return
                if self._stream is not stream:
                    raise RuntimeError(_IN_USE)
                for emotion in self._process(block):
                    if stop.is_set() or self._is_stopped.is_set():
                        return
                    yield emotion
                if after_block is not None:
                    after_block(block)

    def run(
        self,
        source: Source,
        *sinks: Sink,
        stop: threading.Event | None = None,
        after_block: Callable[[Block | Gap | Seek], object] | None = None,
    ) -> None:
        """Follow a source from its beginning and call every sink with every emotion.

        Parameters
        ----------
        source : iterable of ndarray of float32, Gap or Seek
            As for `track`.
        *sinks : callable
            Each is called with one `Emotion`.
        stop, after_block
            As for `track`.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As for `track`.

        Notes
        -----
        The callback contract:

        1. A sink is called once per emotion, in time order from one `Seek` to the next; sinks in the order given.
        2. It runs on the thread that called `run`, never on the audio thread. It may block, allocate and print.
        3. A slow sink delays the next emotion. Audio waits in the source's bounded queue; past that (5 s by default)
           the oldest block is dropped, counted, and reported. Nothing is lost silently and nothing grows without bound.
        4. It gets an immutable value that it may keep; what it returns is ignored.
        5. If it raises, `run` stops, the source is closed if it has `close()`, and the exception reaches the caller
           unchanged.
        6. `tracker.stop()` ends a `run` or `track` in progress; it is safe from any thread, from inside a sink, and
           twice.

        The queue of point 3 is a microphone's. A file waits for its sinks instead, and loses nothing.
        """
        for sink in sinks:
            if not callable(sink):
                raise TypeError(f"a sink must be callable, such as a function that takes an Emotion, got {sink!r}")
        emotions = self.track(source, stop=stop, after_block=after_block)
        with closing(emotions):  # type: ignore[type-var]
            for emotion in emotions:
                for sink in sinks:
                    sink(emotion)

    def atrack(self, source: Source) -> AsyncGenerator[Emotion, None]:
        """Follow a source on a thread, for ``async for`` in a program that runs on asyncio.

        Parameters
        ----------
        source : iterable of ndarray of float32, Gap or Seek
            As for `track`. It is iterated on the thread.

        Returns
        -------
        async generator of Emotion
            Canceling the task, leaving the loop with ``aclose()``, or an error ends the thread and closes the source.
            A loop that is slow makes the source wait.

        Raises
        ------
        TypeError, ValueError
            As for `track`.
        """
        from emodj_live.asynchronous import atrack

        check_source(source, self.model.sample_rate)
        return atrack(self, source)

    def adapter(
        self,
        input_rate: float,
        *,
        channels: int | None = None,
        format: str | None = None,  # noqa: A002 (as the parameter of Adapter)
    ) -> Adapter:
        """Return an adapter from a program's own audio to blocks for `process`.

        Parameters
        ----------
        input_rate : float
            Sample rate of the program's audio [Hz].
        channels : int, optional
            How many channels flat audio interleaves, as for `Adapter`.
        format : str, optional
            Sample format of bytes, such as ``"s16le"``, as for `Adapter`.

        Returns
        -------
        Adapter
            Its output is at the model's rate.
        """
        from emodj_live.sources.adapter import Adapter

        return Adapter(input_rate, channels=channels, sample_rate=self.model.sample_rate, format=format)

    def stop(self) -> None:
        """End the `run` or `track` in progress after the emotion in hand.

        Safe from any thread, from inside a sink, and twice; if nothing is in progress it has no effect.
        """
        self._is_stopped.set()


def _check(step: object, smoothing: float, silence: float, gain: object) -> None:
    """Refuse parameters that are out of range."""
    if isinstance(step, bool) or not isinstance(step, int | np.integer) or step < 1:
        raise ValueError(f"step must be a positive number of samples, got {step!r}")
    if not (math.isfinite(smoothing) and smoothing >= 0):
        raise ValueError(f"smoothing must be 0 or a positive number of seconds, got {smoothing}")
    if math.isnan(silence):
        raise ValueError(f"silence must be a level in dBFS, got {silence}")
    is_number = isinstance(gain, int | float | np.number) and not isinstance(gain, bool)
    if gain != "auto" and not (is_number and abs(gain) <= _LARGEST_GAIN):  # type: ignore[arg-type]
        raise ValueError(f"gain must be 'auto' or at most {_LARGEST_GAIN:g} dB either way, got {gain!r}")

"""What a whole song comes to: mean, spread, shares, arc. The one definition, for every place that asks."""

from __future__ import annotations

import math
import os
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emodj_live.blocks import Block, Gap, Seek
from emodj_live.calibration import Calibration, calibration_of
from emodj_live.emotion import Emotion, Quadrant, mood
from emodj_live.errors import SourceError
from emodj_live.gain import LOWEST_LEVEL
from emodj_live.listener import Model
from emodj_live.tracker import EmotionTracker

ARC_STEP = 0.5  # [s]
_TOLERANCE = 1e-6  # [s] of rounding
_NOWHERE = array("f", (math.nan, math.nan))  # a point of the arc that was not heard


@dataclass(frozen=True, eq=False, slots=True)
class SongProfile:
    """One song's emotions in one value. Silence counts in `duration`, `silence` and `arc` alone.

    Attributes
    ----------
    valence, arousal : float
        Mean of the smoothed values, in [-1, 1]; 0 if nothing was heard.
    valence_std, arousal_std : float
        Their standard deviation.
    shares : mapping of Quadrant to float
        Share of the emotions that are named after each quadrant; all four are there, and their sum is 1, or 0 if
        nothing was heard.
    arc : ndarray of float32, shape (n, 2)
        Smoothed valence and arousal every 0.5 s of the song, from the first place on that was heard; NaN where nothing
        was heard. Of a part that was heard more than once it has the last time.
    level : float
        RMS level [dBFS].
    duration : float
        Length of what was tracked [s]; a part that was heard twice counts twice, here and in the means.
    silence : float
        Share of silent windows, in [0, 1].
    certainty : float or None
        Probability that the quadrant of the mean is the true one; None if the model does not know.
    valence_rank, arousal_rank : float or None
        Share of music that is less pleasant, and that is calmer, than the mean; None if the model does not know.
    """

    valence: float
    arousal: float
    valence_std: float
    arousal_std: float
    shares: Mapping[Quadrant, float]
    arc: NDArray[np.float32] = field(repr=False)
    level: float
    duration: float
    silence: float
    certainty: float | None = None
    valence_rank: float | None = None
    arousal_rank: float | None = None

    @property
    def quadrant(self) -> Quadrant:
        """Quadrant of the mean."""
        return Quadrant.of(self.valence, self.arousal)

    @property
    def mood(self) -> str:
        """The quadrant of the mean in words that follow the certainty, such as "rather happy"."""
        return mood(self.quadrant, self.certainty)


class _Moments:
    """Mean and standard deviation in one pass (Welford 1962)."""

    def __init__(self) -> None:
        self.mean = 0.0
        self._count = 0
        self._squares = 0.0  # sum of the squared distances from the mean

    def add(self, value: float) -> None:
        self._count += 1
        distance = value - self.mean
        self.mean += distance / self._count
        self._squares += distance * (value - self.mean)

    @property
    def std(self) -> float:
        return math.sqrt(self._squares / self._count) if self._count else 0.0


class Profiler:
    """A sink that gathers a `SongProfile` in little memory: sums, and 16 bytes a second for the arc.

    Parameters
    ----------
    start : float
        Where in the song tracking began [s], so that `SongProfile.duration` counts from there.
    keeps_arc : bool
        Whether to keep the arc; a microphone that listens for days does not need one.
    calibration : Calibration, optional
        What the model knows about its own answers, for certainty and ranks.

    Attributes
    ----------
    count : int
        Emotions so far.
    time : float
        Up to where the song was heard [s].

    Notes
    -----
    A stream in which somebody seeks is heard in parts. `after_block` knows where each part begins; without it, only a
    step back is noticed, and what is left out by a step ahead counts as `duration`.

    Examples
    --------
    >>> from emodj_live import DemoSource, EmotionModel, EmotionTracker
    >>> profiler = Profiler()
    >>> EmotionTracker(EmotionModel.load()).run(DemoSource(), profiler)
    >>> profiler.profile().duration
    30.0
    """

    def __init__(self, *, start: float = 0.0, keeps_arc: bool = True, calibration: Calibration | None = None) -> None:
        self.count = 0
        self.time = start
        self._start = start  # of the part that is being heard
        self._tracked = 0.0  # [s] of the parts before it
        self._keeps_arc = keeps_arc
        self._calibration = calibration
        self._arc = array("f")
        self._arc_start = 0.0  # [s]
        self._point: int | None = None  # of the arc: the newest
        self._names: Counter[Quadrant] = Counter()
        self._heard = 0
        self._valence = _Moments()
        self._arousal = _Moments()
        self._power = 0.0

    def __call__(self, emotion: Emotion) -> None:
        """Take in one emotion."""
        if emotion.time < self.time:
            self._go_on(emotion.time)
        if self._keeps_arc:
            self._extend_arc(emotion)
        self.count += 1
        self.time = emotion.time
        if emotion.is_silent:
            return
        self._heard += 1
        self._valence.add(emotion.valence)
        self._arousal.add(emotion.arousal)
        self._power += 10 ** (emotion.level / 10)
        self._names[emotion.quadrant] += 1

    def after_block(self, block: Block | Gap | Seek) -> None:
        """Notice where the stream goes on at another place; pass it to the tracker if somebody may seek.

        Parameters
        ----------
        block : ndarray of float32, Gap or Seek
        """
        if isinstance(block, Seek):
            self._go_on(block.position)

    def _go_on(self, position: float) -> None:
        self._tracked += self.time - self._start
        self.time = self._start = position
        self._point = None

    def _extend_arc(self, emotion: Emotion) -> None:
        """Put the emotion into the arc if it is the first one of a half second that was not heard just before."""
        if not self._arc:
            self._arc_start = emotion.time
        point = math.floor((emotion.time - self._arc_start + _TOLERANCE) / ARC_STEP)
        if point == self._point:
            return
        if point < 0:
            self._arc = _NOWHERE * -point + self._arc
            self._arc_start += point * ARC_STEP
            point = 0
        self._arc.extend(_NOWHERE * (point + 1 - len(self._arc) // 2))
        self._arc[2 * point : 2 * point + 2] = array("f", (emotion.valence, emotion.arousal))
        self._point = point

    def profile(self) -> SongProfile:
        """Return the profile of what was heard so far.

        Returns
        -------
        SongProfile
        """
        heard = max(1, self._heard)
        valence, arousal, known = self._valence.mean, self._arousal.mean, self._calibration
        valence_rank, arousal_rank = known.ranks(valence, arousal) if known else (None, None)
        return SongProfile(
            valence=valence,
            arousal=arousal,
            valence_std=self._valence.std,
            arousal_std=self._arousal.std,
            shares={quadrant: self._names[quadrant] / heard for quadrant in Quadrant},
            arc=np.array(self._arc, np.float32).reshape(-1, 2),
            level=10 * math.log10(self._power / heard) if self._power else LOWEST_LEVEL,
            duration=self._tracked + self.time - self._start,
            silence=1 - self._heard / self.count if self.count else 0.0,
            certainty=known.certainty(valence, arousal, Quadrant.of(valence, arousal)) if known else None,
            valence_rank=valence_rank,
            arousal_rank=arousal_rank,
        )


def analyze(path: str | os.PathLike[str], model: Model | None = None) -> SongProfile:
    """Track a whole song as fast as possible.

    Parameters
    ----------
    path : path-like
        An audio file, as for `FileSource`.
    model : Model, optional
        By default the bundled one, which is then read at every call.

    Returns
    -------
    SongProfile

    Raises
    ------
    SourceError
        If the file cannot be read, or is shorter than one window.
    ModelError
        If the model cannot be loaded.

    Examples
    --------
    >>> analyze("song.mp3").quadrant  # doctest: +SKIP
    <Quadrant.HAPPY: 'happy'>
    """
    from emodj_live.sources.file import FileSource

    if model is None:
        from emodj_live.kinds import load_model

        model = load_model()
    profiler = Profiler(calibration=calibration_of(model))
    EmotionTracker(model).run(FileSource(path, sample_rate=model.sample_rate), profiler)
    if not profiler.count:
        raise too_short(path, model)
    return profiler.profile()


def too_short(name: object, model: Model) -> SourceError:
    """Return the error of a song that gives no emotion.

    Parameters
    ----------
    name : object
        What the song is called.
    model : Model

    Returns
    -------
    SourceError
    """
    length = model.window_length / model.sample_rate
    return SourceError(f"{name}: is shorter than one window of {length:g} s; choose a longer file or part.")

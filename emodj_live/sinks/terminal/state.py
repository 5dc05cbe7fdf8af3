"""What the dashboard has gathered of one stream, and what of it is shown at a time."""

from __future__ import annotations

from collections.abc import Callable

from emodj_live.arc import Arc, ArcRecorder
from emodj_live.emotion import Emotion
from emodj_live.gliding import Glide
from emodj_live.sinks.terminal.plane import Spot
from emodj_live.sinks.terminal.sound import Ears

MINUTE = 60.0
_LONGEST_STREAK = 0.1  # [s] since a frame that the point is drawn as stretched over


class Stream:
    """One stream as it was heard so far.

    Parameters
    ----------
    sample_rate : float
        Of its blocks [Hz].
    ahead : callable, optional
        Returns what a pass ahead knows of the song's moods.

    Attributes
    ----------
    emotions : tuple of Emotion
        Of the last minute; another one with each emotion.
    ears : Ears
    """

    def __init__(self, sample_rate: float, ahead: Callable[[], Arc] | None = None) -> None:
        self.ears = Ears(sample_rate)
        self.emotions: tuple[Emotion, ...] = ()
        self._glide = Glide()
        self._recorder = ArcRecorder()
        self._heard = Arc()
        self._ahead = ahead
        self._named_at = 0.0
        self._has_heard = self._is_elsewhere = False

    def add(self, emotion: Emotion, now: float) -> None:
        """Take in an emotion that came at a time."""
        if self._is_elsewhere or (self.emotions and emotion.time <= self.emotions[-1].time):
            self._forget_moments()
        if not self.emotions or self.emotions[-1].quadrant is not emotion.quadrant:
            self._named_at = emotion.time
        oldest = next(
            (n for n, one in enumerate(self.emotions) if emotion.time - one.time <= MINUTE), len(self.emotions)
        )
        self.emotions = (*self.emotions[oldest:], emotion)
        # before any sound the values mean nothing
        self._has_heard |= not emotion.is_silent or bool(emotion.valence or emotion.arousal)
        if self._has_heard:
            self._glide.move((emotion.valence, emotion.arousal), emotion.time, now)
            self._recorder.add(emotion.time, emotion.valence, emotion.arousal)
            self._heard = self._recorder.arc

    def go_elsewhere(self) -> None:
        """Know that the stream goes on elsewhere in the song: with the next emotion the last moments are forgotten."""
        self._is_elsewhere = True

    def _forget_moments(self) -> None:
        self.emotions, self._is_elsewhere = (), False
        self._glide.forget()

    @property
    def since(self) -> float:
        """For how long the mood has had its name [s]."""
        return self.emotions[-1].time - self._named_at if self.emotions else 0.0

    @property
    def arc(self) -> Arc:
        """What is known of the moods: what was heard, or what the pass ahead knows if that is more."""
        ahead = self._ahead() if self._ahead else self._heard
        return ahead if len(ahead.points) >= len(self._heard.points) else self._heard

    def spot(self, now: float, drawn_at: float, spread: tuple[float, float]) -> Spot | None:
        """Return what is on the plane; None while nothing has been heard."""
        point = self._glide.at(now)
        if point is None:
            return None
        before = self._glide.at(max(drawn_at, now - _LONGEST_STREAK)) or point
        return Spot(point, before, self._glide.tail(now), spread)

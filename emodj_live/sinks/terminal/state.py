"""What the dashboard has gathered of one stream, and what of it is shown at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from emodj_live.emotion import Emotion
from emodj_live.sinks.terminal.arc import Arc, ArcRecorder
from emodj_live.sinks.terminal.motion import Glide
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
    emotions : deque of Emotion
        Of the last minute.
    ears : Ears
    """

    def __init__(self, sample_rate: float, ahead: Callable[[], Arc] | None = None) -> None:
        self.ears = Ears(sample_rate)
        self.emotions: deque[Emotion] = deque()
        self._glide = Glide()
        self._recorder = ArcRecorder()
        self._ahead = ahead
        self._named_at = 0.0
        self._has_heard = False

    def add(self, emotion: Emotion, now: float) -> None:
        """Take in an emotion that came at a time."""
        if self.emotions and emotion.time <= self.emotions[-1].time:
            self.forget_moments()
        if not self.emotions or self.emotions[-1].quadrant is not emotion.quadrant:
            self._named_at = emotion.time
        self.emotions.append(emotion)
        while emotion.time - self.emotions[0].time > MINUTE:
            self.emotions.popleft()
        # before any sound the values mean nothing
        self._has_heard |= not emotion.is_silent or bool(emotion.valence or emotion.arousal)
        if self._has_heard:
            self._glide.move((emotion.valence, emotion.arousal), emotion.time, now)
            self._recorder.add(emotion)

    def forget_moments(self) -> None:
        """Forget the last moments, because the stream goes on elsewhere in the song."""
        self.emotions.clear()
        self._glide.forget()

    @property
    def since(self) -> float:
        """For how long the mood has had its name [s]."""
        return self.emotions[-1].time - self._named_at if self.emotions else 0.0

    @property
    def arc(self) -> Arc:
        """What is known of the moods: what was heard, or what the pass ahead knows if that is more."""
        heard = self._recorder.arc
        if self._ahead is None:
            return heard
        ahead = self._ahead()
        return ahead if len(ahead.points) >= len(heard.points) else heard

    def spot(self, now: float, drawn_at: float, spread: tuple[float, float]) -> Spot | None:
        """Return what is on the plane; None while nothing has been heard."""
        point = self._glide.at(now)
        if point is None:
            return None
        before = self._glide.at(max(drawn_at, now - _LONGEST_STREAK)) or point
        return Spot(point, before, self._glide.tail(now), spread)

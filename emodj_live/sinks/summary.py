"""What a whole stream was like, once it is over."""

from __future__ import annotations

from collections import Counter

from emodj_live.emotion import Emotion

_FASTER = 1.5  # below this it went at the speed of the music


class Summary:
    """A sink that adds emotions up, in constant memory.

    Attributes
    ----------
    count : int
        Emotions so far.
    time : float
        Of the last one [s].
    """

    def __init__(self) -> None:
        self.count = 0
        self.time = 0.0
        self._valence = self._arousal = 0.0
        self._shares: Counter[str] = Counter()

    def __call__(self, emotion: Emotion) -> None:
        """Take in one emotion."""
        self.count += 1
        self.time = emotion.time
        self._valence += emotion.valence
        self._arousal += emotion.arousal
        self._shares["silent" if emotion.is_silent else emotion.quadrant.value] += 1

    @property
    def valence(self) -> float:
        """Mean valence so far; 0 before any emotion."""
        return self._valence / self.count if self.count else 0.0

    @property
    def arousal(self) -> float:
        """Mean arousal so far; 0 before any emotion."""
        return self._arousal / self.count if self.count else 0.0

    def text(self, name: str, music: float, elapsed: float) -> str:
        """Return the summary in words.

        Parameters
        ----------
        name : str
            What was listened to.
        music, elapsed : float
            How much of it there was, and how long that took [s].

        Returns
        -------
        str
            A few lines without the last line's end.
        """
        shares = ", ".join(f"{what} {100 * n / self.count:.0f} %" for what, n in self._shares.most_common())
        is_faster = elapsed > 0 and music > _FASTER * elapsed
        speed = f" ({music / elapsed:.0f} times as fast as it plays)" if is_faster else ""
        return (
            f"{name}: mean valence {self.valence:+.2f}, mean arousal {self.arousal:+.2f}\n"
            f"  {shares or 'nothing heard'}\n"
            f"  {self.count} emotions in {music:.1f} s of music, {elapsed:.2f} s of time{speed}"
        )

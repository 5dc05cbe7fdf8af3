"""The values that a tracker returns. They depend on colors alone, so that anybody can keep, send or store them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum

from emodj_live.colors import color_of


class Quadrant(Enum):
    """A quarter of the valence-arousal plane, by EmoDJ's names."""

    HAPPY = "happy"
    TENSE = "tense"
    SAD = "sad"
    CALM = "calm"

    @classmethod
    def of(cls, valence: float, arousal: float) -> Quadrant:
        """Name the quadrant of a point, borders decided by EmoDJ's order of tests.

        Parameters
        ----------
        valence, arousal : float
            The point, each in [-1, 1].

        Returns
        -------
        Quadrant
            ``HAPPY`` for valence >= 0 and arousal > 0, then ``SAD`` for valence <= 0 and arousal < 0, then ``TENSE``
            for valence < 0 and arousal >= 0, else ``CALM``.

        Examples
        --------
        >>> Quadrant.of(0.2, -0.3)
        <Quadrant.CALM: 'calm'>
        """
        if valence >= 0 and arousal > 0:
            return cls.HAPPY
        if valence <= 0 and arousal < 0:
            return cls.SAD
        if valence < 0 and arousal >= 0:
            return cls.TENSE
        return cls.CALM

    def __str__(self) -> str:
        return self.value

    @property
    def signs(self) -> tuple[bool, bool]:
        """Whether valence and arousal are positive in it."""
        return self in (Quadrant.HAPPY, Quadrant.CALM), self in (Quadrant.HAPPY, Quadrant.TENSE)

    @property
    def color(self) -> str:
        """Color of its middle, as ``#rrggbb``."""
        is_pleasant, is_excited = self.signs
        return color_of(0.5 if is_pleasant else -0.5, 0.5 if is_excited else -0.5)


WORDS = (0.5, "{}"), (0.35, "rather {}"), (0.0, "perhaps {}")
"""From which certainty on a quadrant is named how: chance is 0.25."""


def mood(quadrant: Quadrant, certainty: float | None) -> str:
    """Return the name of a quadrant in words that follow the certainty: the one table for every output.

    Parameters
    ----------
    quadrant : Quadrant
    certainty : float or None
        Probability that it is the true one; None if that is not known.

    Returns
    -------
    str
        "happy" from 0.5 on, "rather happy" from 0.35 on, else "perhaps happy"; "happy" if it is not known.

    Examples
    --------
    >>> mood(Quadrant.HAPPY, 0.4)
    'rather happy'
    """
    known = 1.0 if certainty is None else certainty
    return next(words for lowest, words in WORDS if known >= lowest).format(quadrant)


@dataclass(frozen=True, slots=True)
class Emotion:
    """What the tracker says about one window.

    Attributes
    ----------
    time : float
        End of the window [s], counted from the stream's first sample.
    valence, arousal : float
        Unpleasant to pleasant and calm to excited, each in [-1, 1], smoothed.
    raw_valence, raw_arousal : float
        The same for the window alone.
    quadrant : Quadrant
        Quadrant of the smoothed point, with hysteresis: it may differ from ``Quadrant.of(valence, arousal)`` near an
        axis.
    level : float
        RMS of the window as it came in [dBFS]; digital silence is -120.
    gain : float
        Gain applied before the features [dB].
    is_silent : bool
        The level is below the silence threshold.
    is_clipped : bool
        The input reached full scale in this window.
    certainty : float or None
        Probability that the named quadrant is the true one, in [0, 1]; None if the model does not know.
    valence_rank, arousal_rank : float or None
        Share of music that is less pleasant, and that is calmer, in [0, 1]; None if the model does not know.
    """

    time: float
    valence: float
    arousal: float
    raw_valence: float
    raw_arousal: float
    quadrant: Quadrant
    level: float
    gain: float
    is_silent: bool
    is_clipped: bool
    certainty: float | None = None
    valence_rank: float | None = None
    arousal_rank: float | None = None

    @property
    def mood(self) -> str:
        """The quadrant in words that follow the certainty, such as "rather happy"."""
        return mood(self.quadrant, self.certainty)

    @property
    def color(self) -> str:
        """Color of its valence and arousal, as ``#rrggbb``: see `color_of`."""
        return color_of(self.valence, self.arousal)

    def __str__(self) -> str:
        return self.line()

    def line(self, *, digits: int = 1) -> str:
        """Return the emotion as the readable line that the command line prints.

        Parameters
        ----------
        digits : int
            Of the seconds, after the decimal point.

        Returns
        -------
        str
            Time, valence, arousal, mood and level, in columns, without a line end.
        """
        notes = "  silent" * self.is_silent + "  clipped" * self.is_clipped
        return (
            f"{clock(self.time, digits)}  valence {self.valence:+.2f}  arousal {self.arousal:+.2f}"
            f"  {self.mood:<{_LONGEST_MOOD}}  {self.level:6.1f} dBFS{notes}"
        )

    def as_dict(self) -> dict[str, float | str | bool | None]:
        """Return every value under its name, the quadrant as its word, for JSON and tables.

        Returns
        -------
        dict
        """
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"quadrant": self.quadrant.value}


_LONGEST_MOOD = max(len(words.format(quadrant)) for _, words in WORDS for quadrant in Quadrant)


def clock(seconds: float, digits: int = 1) -> str:
    """Return a time as h:mm:ss.s, with hours only if there are any.

    Parameters
    ----------
    seconds : float
    digits : int
        Of the seconds, after the decimal point.

    Returns
    -------
    str
    """
    minutes, rest = divmod(round(seconds, digits), 60)
    hours, minutes = divmod(int(minutes), 60)
    shown = f"{rest:0{3 + digits if digits else 2}.{digits}f}"
    return f"{hours}:{minutes:02d}:{shown}" if hours else f"{minutes:2d}:{shown}"

"""The values that a tracker returns. They depend on nothing, so that anybody can keep, send or store them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum


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
    def color(self) -> str:
        """Its color, EmoDJ's choice, as ``#rrggbb``."""
        return _COLORS[self]


_COLORS = {
    Quadrant.HAPPY: "#7cfc00",  # lawngreen
    Quadrant.TENSE: "#ff0000",  # red
    Quadrant.SAD: "#00008b",  # darkblue
    Quadrant.CALM: "#008b8b",  # darkcyan
}


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
            Time, valence, arousal, quadrant and level, in columns, without a line end.
        """
        notes = "  silent" * self.is_silent + "  clipped" * self.is_clipped
        return (
            f"{clock(self.time, digits)}  valence {self.valence:+.2f}  arousal {self.arousal:+.2f}"
            f"  {self.quadrant.value:<5}  {self.level:6.1f} dBFS{notes}"
        )

    def as_dict(self) -> dict[str, float | str | bool]:
        """Return every value under its name, the quadrant as its word, for JSON and tables.

        Returns
        -------
        dict
        """
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"quadrant": self.quadrant.value}


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
    shown = f"{rest:0{3 + digits}.{digits}f}"
    return f"{hours}:{minutes:02d}:{shown}" if hours else f"{minutes:2d}:{shown}"

"""What is written into songs, and how a mood of ours is told from somebody else's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from emodj_live.emotion import Quadrant
from emodj_live.library.song import Song
from emodj_live.library.tagging.edits import Changes

MOOD, _VALENCE, _AROUSAL, _CERTAINTY = NAMES = "MOOD", "EMODJ_VALENCE", "EMODJ_AROUSAL", "EMODJ_CERTAINTY"
Found = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with the tags of one song.

    Attributes
    ----------
    changes : mapping of str to str or None
        What fields shall say; None takes one out. Empty if everything is as it should be.
    others_mood : str or None
        A mood that somebody else wrote and that stays.
    """

    changes: Changes
    others_mood: str | None = None

    def __str__(self) -> str:
        stays = [f"its own MOOD {self.others_mood} stays"] if self.others_mood is not None else []
        return ", ".join([*(f"{name} {value or 'removed'}" for name, value in self.changes.items()), *stays])


def fields(song: Song) -> dict[str, str | None]:
    """Return what the fields of a song should say.

    Parameters
    ----------
    song : Song

    Returns
    -------
    dict
        The quadrant, mean valence and arousal, certainty; four digits, so that no value but 0 is written as 0 and the
        signs always agree with the quadrant. None for a certainty that is not known.
    """
    certainty = None if song.certainty is None else _number(song.certainty)
    values = song.quadrant.value, _number(song.valence), _number(song.arousal), certainty
    return dict(zip(NAMES, values, strict=True))


def _number(value: float) -> str:
    return f"{value:.4g}"


def has_own_mood(found: Found) -> bool:
    """Return whether the mood in a file was written here: it names the quadrant of the values beside it.

    Parameters
    ----------
    found : mapping
        What the fields of the file say.

    Returns
    -------
    bool
        False for one that was changed by hand since.
    """
    try:
        valence, arousal = (float(*set(found.get(name, []))) for name in (_VALENCE, _AROUSAL))
    except (TypeError, ValueError):  # none, several, or something else
        return False
    return bool(found.get(_VALENCE)) and set(found.get(MOOD, [])) == {Quadrant.of(valence, arousal).value}


def to_write(found: Found, song: Song, *, is_forced: bool = False) -> Plan:
    """Plan what to write.

    Parameters
    ----------
    found : mapping
        What the fields of the file say.
    song : Song
    is_forced : bool
        Whether somebody else's mood is replaced.

    Returns
    -------
    Plan
    """
    wanted = fields(song)
    moods = found.get(MOOD, [])
    is_others = bool(moods) and set(moods) != {wanted[MOOD]} and not has_own_mood(found) and not is_forced
    if is_others:
        del wanted[MOOD]
    changes = {name: value for name, value in wanted.items() if set(found.get(name, [])) != ({value} - {None})}
    return Plan(changes, ", ".join(moods) if is_others else None)


def to_remove(found: Found) -> Plan:
    """Plan what to take out: everything that was written here, and nothing else.

    Parameters
    ----------
    found : mapping
        What the fields of the file say.

    Returns
    -------
    Plan
    """
    is_own = has_own_mood(found)
    names = [name for name in NAMES if name in found and (name != MOOD or is_own)]
    others = ", ".join(found[MOOD]) if MOOD in found and not is_own else None
    return Plan(dict.fromkeys(names), others)

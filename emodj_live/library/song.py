"""One song of a collection as a value: what its row in the index says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emodj_live.emotion import Quadrant, mood

if TYPE_CHECKING:
    from emodj_live.profile import SongProfile

_PLAIN = (
    *("title", "artist", "album", "duration", "valence", "arousal", "valence_std", "arousal_std"),
    *("valence_rank", "arousal_rank", "certainty", "level", "silence"),
)
COLUMNS = ("id", "path", "is_missing", *_PLAIN, "quadrant", *(quadrant.value for quadrant in Quadrant))
"""The columns of the table ``song`` that make up a `Song`."""


@dataclass(frozen=True, slots=True)
class Song:
    """A song and what it comes to, as in `SongProfile`.

    Attributes
    ----------
    id : int or None
        Its number in the index, which stays the same when the file is moved; None if it is not in the index.
    path : bytes
        The file, absolute. Bytes, because not every file name is text.
    title, artist, album : str or None
        What the file says of itself.
    duration : float
        Length [s].
    valence, arousal : float
        Mean, in [-1, 1].
    valence_std, arousal_std : float
        Standard deviation within the song.
    valence_rank, arousal_rank : float or None
        Share of music that is less pleasant, and that is calmer, in [0, 1]; None if the model does not know.
    quadrant : Quadrant
        Of the mean.
    certainty : float or None
        Probability that the quadrant is the true one; None if the model does not know.
    shares : mapping of Quadrant to float
        Share of the emotions in each quadrant; all 0 if the song is silent.
    level : float
        RMS level [dBFS].
    silence : float
        Share of silent windows, in [0, 1].
    is_missing : bool
        Whether the file was gone, or could not be read, when the collection was last scanned.
    """

    id: int | None
    path: bytes
    title: str | None
    artist: str | None
    album: str | None
    duration: float
    valence: float
    arousal: float
    valence_std: float
    arousal_std: float
    valence_rank: float | None
    arousal_rank: float | None
    quadrant: Quadrant
    certainty: float | None
    shares: Mapping[Quadrant, float]
    level: float
    silence: float
    is_missing: bool = False

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Song:
        """Make a song from a row of the index.

        Parameters
        ----------
        row : mapping
            With the `COLUMNS`.

        Returns
        -------
        Song
        """
        return cls(
            id=row["id"],
            path=bytes(row["path"]),
            quadrant=Quadrant(row["quadrant"]),
            shares={quadrant: row[quadrant.value] for quadrant in Quadrant},
            is_missing=bool(row["is_missing"]),
            **{name: row[name] for name in _PLAIN},
        )

    @classmethod
    def from_profile(
        cls,
        path: bytes | str | os.PathLike[str],
        profile: SongProfile,
        *,
        title: str | None = None,
        artist: str | None = None,
        album: str | None = None,
    ) -> Song:
        """Make a song that is not in the index.

        Parameters
        ----------
        path : path-like or bytes
        profile : SongProfile
            What was found by listening to it.
        title, artist, album : str, optional
            What the file says of itself.

        Returns
        -------
        Song
        """
        names = "duration", "valence", "arousal", "valence_std", "arousal_std", "valence_rank", "arousal_rank"
        return cls(
            id=None,
            path=absolute(path),
            title=title,
            artist=artist,
            album=album,
            shares=dict(profile.shares),
            **{name: getattr(profile, name) for name in (*names, "quadrant", "certainty", "level", "silence")},
        )

    def columns(self) -> dict[str, Any]:
        """Return its values as they are in the index, all but `id`."""
        shares = {quadrant.value: self.shares[quadrant] for quadrant in Quadrant}
        named = {name: getattr(self, name) for name in _PLAIN}
        return {"path": self.path, "is_missing": self.is_missing, **named, "quadrant": self.quadrant.value, **shares}

    def as_dict(self) -> dict[str, Any]:
        """Return what is written as JSON: plain values, the path as text in which odd bytes are escaped."""
        hidden = {"path", "is_missing", "quadrant", "shares"}
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in hidden}
        shares = {quadrant.value: self.shares[quadrant] for quadrant in Quadrant}
        values = {**plain, "path": text(self.path), "quadrant": self.quadrant.value, "shares": shares}
        return {name: values[name] for name in self.__slots__ if name in values}

    @property
    def name(self) -> str:
        """What to call it: artist and title, or else the file's name."""
        names = [each for each in (self.artist, self.title) if each]
        return " - ".join(names) if self.title else text(os.path.basename(self.path))  # noqa: PTH119 (of bytes)

    @property
    def mood(self) -> str:
        """The quadrant in words that follow the certainty, such as "rather happy"."""
        return mood(self.quadrant, self.certainty)


def absolute(path: bytes | str | os.PathLike[str]) -> bytes:
    """Return a path as it is in the index: absolute, as bytes, links left as they are.

    Parameters
    ----------
    path : path-like or bytes

    Returns
    -------
    bytes
    """
    return os.path.abspath(os.fsencode(path))  # noqa: PTH100 (of bytes)


def text(path: bytes) -> str:
    r"""Return a path as text that can be printed anywhere: a byte that is no text becomes ``\udcff`` and the like.

    Parameters
    ----------
    path : bytes

    Returns
    -------
    str
    """
    return os.fsdecode(path).encode("utf-8", "backslashreplace").decode()

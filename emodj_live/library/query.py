"""Which songs of a collection, and in what order: filters and sorting as SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Quadrant
from emodj_live.library.index import Library
from emodj_live.library.song import Song

_AT_ONCE = 20_000  # rows
_BY_TEXT = "{0} COLLATE NOCASE {{0}} NULLS LAST"
SORTS = {
    "path": "path {0}",
    "artist": f"{_BY_TEXT.format('artist')}, {_BY_TEXT.format('album')}, path",
    "album": f"{_BY_TEXT.format('album')}, path",
    "title": f"{_BY_TEXT.format('title')}, path",
    "duration": "duration {0}, id",
    "valence": "valence {0}, id",
    "arousal": "arousal {0}, id",
    "certainty": "certainty {0} NULLS LAST, id",
    "level": "level {0}, id",
    "id": "id {0}",
}
"""By what songs can be sorted, and how SQL says it; the direction belongs between the braces."""

PLAYABLE = "NOT song.is_missing AND song.silence < 1"
"""What SQL says of the songs that the R*Tree holds."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the plane, its edges included.

    Attributes
    ----------
    left, right : float
        Lowest and highest valence.
    bottom, top : float
        Lowest and highest arousal.
    """

    left: float = float("-inf")
    right: float = float("inf")
    bottom: float = float("-inf")
    top: float = float("inf")

    def __and__(self, other: Box) -> Box:
        """Return what is in both; if nothing is, an edge of it lies beyond the opposite one."""
        left, bottom = max(self.left, other.left), max(self.bottom, other.bottom)
        return Box(left, min(self.right, other.right), bottom, min(self.top, other.top))


_QUARTERS = {
    Quadrant.HAPPY: Box(left=0, bottom=0),
    Quadrant.TENSE: Box(right=0, bottom=0),
    Quadrant.SAD: Box(right=0, top=0),
    Quadrant.CALM: Box(left=0, top=0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What songs must be like; None and the empty text ask for nothing.

    Attributes
    ----------
    mood : Quadrant or None
        Quadrant of the mean.
    min_valence, max_valence, min_arousal, max_arousal : float or None
        Bounds of the means, themselves included.
    min_certainty : float or None
        Lowest certainty. A song of a model that knows none is left out then.
    min_duration, max_duration : float or None
        Bounds of the length [s], themselves included.
    artist : str
        The artist, in upper or lower case: the whole name if there is an artist of exactly this name, otherwise a part.
    album : str
        A part of the album's name.
    text : str
        Words, each of which must be a part of artist, title, album or path.

    Examples
    --------
    >>> Query(mood=Quadrant.CALM, artist="miles davis").mood
    <Quadrant.CALM: 'calm'>
    """

    mood: Quadrant | None = None
    min_valence: float | None = None
    max_valence: float | None = None
    min_arousal: float | None = None
    max_arousal: float | None = None
    min_certainty: float | None = None
    min_duration: float | None = None
    max_duration: float | None = None
    artist: str = ""
    album: str = ""
    text: str = ""

    @property
    def box(self) -> Box:
        """The part of the plane in which its songs lie."""
        bounds = {
            "left": self.min_valence,
            "right": self.max_valence,
            "bottom": self.min_arousal,
            "top": self.max_arousal,
        }
        box = Box(**{edge: value for edge, value in bounds.items() if value is not None})
        return box & _QUARTERS[self.mood] if self.mood else box


@dataclass(frozen=True, slots=True)
class Condition:
    """A query as SQL.

    Attributes
    ----------
    text : str
        What follows ``WHERE``.
    parameters : tuple
        For its question marks.
    is_narrow : bool
        Whether an index leads straight to its songs, and they are few.
    """

    text: str
    parameters: tuple[Any, ...]
    is_narrow: bool = False


_WHOLE_ARTIST = "song.artist = ? COLLATE NOCASE"
_NAMES = "song.artist", "song.title", "song.album", "song.path"


def condition(library: Library, query: Query) -> Condition:
    """Say in SQL what songs must be like; whether their files are there is left open.

    Parameters
    ----------
    library : Library
        Knows which artists there are.
    query : Query

    Returns
    -------
    Condition
    """
    compared = [
        ("song.quadrant = ?", query.mood.value if query.mood else None),
        ("song.valence >= ?", query.min_valence),
        ("song.valence <= ?", query.max_valence),
        ("song.arousal >= ?", query.min_arousal),
        ("song.arousal <= ?", query.max_arousal),
        ("song.certainty >= ?", query.min_certainty),
        ("song.duration >= ?", query.min_duration),
        ("song.duration <= ?", query.max_duration),
    ]
    asked: list[tuple[str, tuple[Any, ...]]] = [(sql, (value,)) for sql, value in compared if value is not None]
    is_whole = bool(query.artist) and _is_artist(library, query.artist)
    if query.artist:
        asked.append((_WHOLE_ARTIST, (query.artist,)) if is_whole else _part(query.artist, "song.artist"))
    if query.album:
        asked.append(_part(query.album, "song.album"))
    asked += [_part(word, *_NAMES) for word in query.text.split()]
    text = " AND ".join(sql for sql, _ in asked) or "1"
    return Condition(text, tuple(value for _, values in asked for value in values), is_narrow=is_whole)


def _is_artist(library: Library, name: str) -> bool:
    return bool(library.query(f"SELECT 1 FROM song WHERE {_WHOLE_ARTIST} LIMIT 1", (name,)))  # noqa: S608 (a constant)


def _part(word: str, *columns: str) -> tuple[str, tuple[str, ...]]:
    """Return SQL for what contains a word, in upper or lower case, of which SQLite's own LIKE knows ASCII alone."""
    if word.isascii():
        word = "%" + re.sub("([%_!])", r"!\1", word) + "%"
        tests = [f"CAST({column} AS TEXT) LIKE ? ESCAPE '!'" for column in columns]
    else:
        tests = [f"instr(folded({column}), folded(?))" for column in columns]
    return f"({' OR '.join(tests)})", (word,) * len(columns)


def select(
    library: Library,
    query: Query | None = None,
    *,
    sort: str = "path",
    is_reversed: bool = False,
    count: int | None = None,
    is_missing: bool = False,
) -> Iterator[Song]:
    """Return the songs that a query asks for.

    Parameters
    ----------
    library : Library
    query : Query, optional
        By default all songs.
    sort : str
        One of `SORTS`.
    is_reversed : bool
        Whether what is last in the alphabet, longest or highest comes first. What is not known comes last either way.
    count : int, optional
        How many at most.
    is_missing : bool
        Whether to return the songs whose files are gone, instead of those whose files are there.

    Returns
    -------
    iterator of Song

    Raises
    ------
    ValueError
        If there is no such sort.

    Examples
    --------
    >>> with Library("music.db") as library:  # doctest: +SKIP
    ...     happiest = list(select(library, sort="valence", is_reversed=True, count=10))
    """
    if sort not in SORTS:
        raise ValueError(f"sort must be one of {', '.join(SORTS)}, got {sort!r}")
    asked = condition(library, query or Query())
    order = SORTS[sort].format("DESC" if is_reversed else "ASC")
    rest = f"WHERE song.is_missing = ? AND {asked.text} ORDER BY {order} LIMIT ?"
    return library.songs(rest, (is_missing, *asked.parameters, -1 if count is None else count))


def places(library: Library, query: Query | None = None) -> NDArray[np.float64]:
    """Return where the songs lie that a query asks for, those without any sound left out.

    Parameters
    ----------
    library : Library
    query : Query, optional
        By default all songs.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Valence and arousal, in the order of the ids.
    """
    asked = condition(library, query or Query())
    sql = f"""SELECT song.id, song.valence, song.arousal FROM song
        WHERE song.id > ? AND {PLAYABLE} AND {asked.text} ORDER BY song.id LIMIT ?"""  # noqa: S608 (our own)
    found, last = [np.empty((0, 3))], 0
    while rows := library.query(sql, (last, *asked.parameters, _AT_ONCE)):
        found.append(np.array([tuple(row) for row in rows]))
        last = rows[-1]["id"]
    return np.concatenate(found)[:, 1:]

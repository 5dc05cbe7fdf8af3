"""Where the moods lie in a collection: at its own quantiles, so that there are happy songs even among sad ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Quadrant
from emodj_live.errors import LibraryError
from emodj_live.library.index import Library
from emodj_live.library.neighbors import Point
from emodj_live.library.query import PLAYABLE

SHARE = 0.15
"""Of the songs that are beyond a mood's point on each axis."""

_MOST = 2000  # songs that are all looked at
_SAMPLE = (
    400  # songs of a larger collection: the share is then off by 0.018 (one standard deviation), which nobody hears
)
_ALL = f"SELECT song.valence, song.arousal, song.duration FROM song WHERE {PLAYABLE} LIMIT ?"  # noqa: S608 (constants)
_SOME = f"""SELECT DISTINCT valence, arousal, duration, song.id FROM json_each(?) AS start CROSS JOIN song ON song.id =
    (SELECT song.id FROM song WHERE song.id >= start.value AND {PLAYABLE} ORDER BY song.id LIMIT 1)"""  # noqa: S608
_ENDS = "SELECT (SELECT min(id) FROM song), (SELECT max(id) FROM song)"  # each by the index; both at once would not be


@dataclass(frozen=True, slots=True)
class Survey:
    """What a collection is like on the whole.

    Attributes
    ----------
    moods : mapping of Quadrant to tuple of float
        Valence and arousal of a point for each mood.
    duration : float
        Median length of a song [s].
    """

    moods: Mapping[Quadrant, Point]
    duration: float


def survey(library: Library) -> Survey:
    """Find out where the moods lie in a collection, and how long its songs are.

    A mood's point is beyond all but 15 % of the songs on each axis: of 100 songs, 15 are more pleasant than "happy" and
    15 more excited. In a collection of more than 2000 songs this is estimated from 400 of them, spread evenly over
    the order in which they were scanned, so that it takes no longer for a million.

    Parameters
    ----------
    library : Library

    Returns
    -------
    Survey

    Raises
    ------
    LibraryError
        If the collection has no song that can be played.
    """
    songs = _sample(library)
    low, high = np.quantile(songs[:, :2], [SHARE, 1 - SHARE], axis=0)
    moods = {}
    for mood in Quadrant:
        valence, arousal = np.where(mood.signs, high, low).tolist()
        moods[mood] = (valence, arousal)
    return Survey(moods, float(np.median(songs[:, 2])))


def _sample(library: Library) -> NDArray[np.float64]:
    """Return valence, arousal and duration of all songs, or of some if there are many; shape (n, 3)."""
    rows = library.query(_ALL, (_MOST + 1,))
    if len(rows) > _MOST:
        first, last = library.query(_ENDS)[0]
        starts = np.linspace(first, last, _SAMPLE).astype(int).tolist()
        rows = library.query(_SOME, (json.dumps(starts),))
    if not rows:
        raise LibraryError(f"{library.path}: has no songs yet; scan some with: emodj-library scan FOLDER.")
    return np.array([tuple(row)[:3] for row in rows])

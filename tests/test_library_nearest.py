"""Neighbors in the plane, against distances to all songs."""

import math
from itertools import islice

import numpy as np
import pytest
from made_songs import made_library, made_points, made_song

from emodj_live import Quadrant
from emodj_live.library import Query, nearest
from emodj_live.library import nearest as module_nearest  # noqa: F401

ARTISTS = "Ann", "Bea", "Cy", None


def collection(tmp_path, seed, count=300):
    """Return an index of songs that differ in all that can be asked for, some of them gone or silent."""
    random = np.random.default_rng(seed)
    songs = [
        made_song(
            number,
            *point,
            artist=ARTISTS[random.integers(4)],
            album="Blue" if random.random() < 0.5 else None,
            duration=float(random.integers(60, 600)),
            certainty=float(random.random()) if random.random() < 0.9 else None,
            silence=1.0 if random.random() < 0.05 else 0.2,
            is_missing=bool(random.random() < 0.05),
        )
        for number, point in enumerate(made_points(count, seed))
    ]
    return made_library(tmp_path / "music.db", songs)

"""Songs that are made up, and an index of them: what the tests of lists, neighbors and playlists share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from emodj_live import Quadrant
from emodj_live.library import Library, Song, Stamp


def made_song(number: int, valence: float, arousal: float, **fields: object) -> Song:
    """Return a song that lies somewhere; everything else can be named."""
    quadrant = Quadrant.of(valence, arousal)
    values = {
        "id": None,
        "path": os.fsencode(f"/music/{number:05d}.mp3"),
        "title": f"Song {number}",
        "artist": None,
        "album": None,
        "duration": 240.0,
        "valence": valence,
        "arousal": arousal,
        "valence_std": 0.1,
        "arousal_std": 0.1,
        "valence_rank": (1 + valence) / 2,
        "arousal_rank": (1 + arousal) / 2,
        "quadrant": quadrant,
        "certainty": 0.5,
        "shares": {each: float(each is quadrant) for each in Quadrant},
        "level": -20.0,
        "silence": 0.0,
    }
    return Song(**values | fields)


def made_library(
    path: Path, songs: Iterable[Song], contents: Sequence[bytes] | None = None, arc: object = ((0.1, 0.2), (0.3, -0.4))
) -> Library:
    """Write an index of songs, whose ids are 1, 2, 3, ... in their order, and return it open for reading."""
    with Library(path) as library, library.transaction():
        for number, song in enumerate(songs):
            content = contents[number] if contents else number.to_bytes(16, "big")
            library.put(song, Stamp(1000, number), content=content, model="0" * 32, arc=np.array(arc))
    return Library(path, read_only=True)


def made_points(count: int, seed: int) -> list[tuple[float, float]]:
    """Return points as songs have them: in clusters, some exactly the same, some nearly."""
    random = np.random.default_rng(seed)
    centers = random.normal(0, 0.2, (max(1, count // 10), 2))
    points = centers[random.integers(0, len(centers), count)] + random.normal(0, 0.03, (count, 2))
    same = random.integers(0, count, count // 5)
    points[random.integers(0, count, len(same))] = points[same]
    near = random.integers(0, count, count // 10)
    points[random.integers(0, count, len(near))] = points[near] + random.normal(0, 1e-10, (len(near), 2))
    return [(float(valence), float(arousal)) for valence, arousal in points.clip(-1, 1)]

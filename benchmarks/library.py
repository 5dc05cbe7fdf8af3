"""A collection of a million songs: how long ``similar`` and a playlist take, and what the index costs.

The index is made up, but with the program's own code: values in clusters as the songs of artists are, arcs of the true
length, paths as long as paths are.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does, before NumPy is imported

import numpy as np

from emodj_live import Quadrant
from emodj_live.library import Library, Song, Stamp

_CHUNK = 10_000
_ARC = np.zeros((7200, 2), np.float16)  # an hour


def songs(count: int, seed: int = 0) -> Iterator[Song]:
    """Yield made-up songs, folder by folder: artists with some 20 songs on average, and few of them with hundreds."""
    random = np.random.default_rng(seed)
    sizes = np.minimum(random.geometric(1 / (5 + random.pareto(1.2, count // 15 + 1) * 4)), 2000)
    artists = np.repeat(np.arange(len(sizes)), sizes)[:count]
    artists = np.concatenate([artists, np.full(count - len(artists), len(sizes))])
    centers = random.normal([0.02, 0.03], [0.11, 0.17], (artists.max() + 1, 2))
    for start in range(0, count, _CHUNK):
        own = artists[start : start + _CHUNK]
        points = np.clip(centers[own] + random.normal(0, [0.07, 0.1], (len(own), 2)), -1, 1)
        lengths = np.clip(random.lognormal(5.45, 0.35, len(own)), 20, 3600)
        for number, (artist, point, length) in enumerate(zip(own, points.tolist(), lengths, strict=True), start):
            yield song(number, int(artist), (point[0], point[1]), float(length))


def song(number: int, artist: int, point: tuple[float, float], length: float) -> Song:
    """Return a made-up song."""
    valence, arousal = point
    name, album, title = f"Artist {artist:06d}", f"Album {number % 9 + 1}", f"Song {number:07d}, or its longer name"
    quadrant = Quadrant.of(valence, arousal)
    return Song(
        id=None,
        path=os.fsencode(f"/home/user/Music/{name}/{album}/{number % 12 + 1:02d} - {title}.mp3"),
        title=title,
        artist=name,
        album=album,
        duration=length,
        valence=valence,
        arousal=arousal,
        valence_std=0.08,
        arousal_std=0.09,
        valence_rank=(valence + 1) / 2,
        arousal_rank=(arousal + 1) / 2,
        quadrant=quadrant,
        certainty=0.3 + abs(valence * arousal),
        shares={each: 0.7 if each is quadrant else 0.1 for each in Quadrant},
        level=-18.5,
        silence=0.01,
    )


def make(path: Path, count: int, seed: int = 0) -> float:
    """Write an index of made-up songs, and return how long that took [s]."""
    began = time.perf_counter()
    with Library(path) as library:
        each = enumerate(songs(count, seed))
        for _ in range(0, count, _CHUNK):
            with library.transaction():
                for number, one in (next(each) for _ in range(min(_CHUNK, count))):
                    arc = _ARC[: int(2 * one.duration)]
                    stamp = Stamp(5_000_000 + number, 1_700_000_000_000_000_000 + number)
                    library.put(one, stamp, content=number.to_bytes(16, "big"), model="0" * 32, arc=arc)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), int(sys.argv[2])), os.path.getsize(sys.argv[1]) / int(sys.argv[2]))

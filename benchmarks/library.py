"""Collections of up to a million songs: how long ``similar`` and a playlist take, and what the index costs.

The songs are made up, but written by the program's own code, into indexes in a temporary folder: values in clusters, as
the songs of an artist are, folder after folder; arcs of the true length; paths as long as paths are; and one song in a
thousand is a copy of the same recording, all at one point. A fresh process opens each index. `first` is its first
question, with nothing of the index in the system's memory (on Linux, which can be asked for that). The other figures
are the median and, after the slash, the worst of many different questions. Times are in milliseconds.

The last lines reckon from the largest index what a catalog of 100 million songs would take, if its songs are four
minutes long and the analysis is as fast as ``--speed`` says.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does, before NumPy is imported

import numpy as np
from measure import arguments, report

from emodj_live import Quadrant
from emodj_live.library import Length, Library, Query, Song, Stamp, around, chain, nearest, select, survey, walk

_CHUNK = 10_000  # songs in a transaction
_ARC = np.zeros((7200, 2), np.float16)  # an hour
_PILE = (0.11, -0.22)
_HOUR = Length(seconds=3600)
_CATALOG = 100_000_000  # songs
_FOUR_MINUTES = 240  # [s]


# ------------------------------------------------------------------------------------------------- made-up collections


def songs(count: int, seed: int = 0) -> Iterator[Song]:
    """Yield made-up songs, folder by folder: most artists have a few, some have hundreds."""
    random = np.random.default_rng(seed)
    sizes = np.minimum(random.geometric(1 / (5 + 4 * random.pareto(1.2, count // 15 + 1))), 2000)
    artists = np.repeat(np.arange(len(sizes)), sizes)[:count]
    artists = np.concatenate([artists, np.full(count - len(artists), len(sizes))])
    centers = random.normal([0.02, 0.03], [0.11, 0.17], (len(sizes) + 1, 2))
    for start in range(0, count, _CHUNK):
        own = artists[start : start + _CHUNK]
        points = np.clip(centers[own] + random.normal(0, [0.07, 0.1], (len(own), 2)), -1, 1)
        points[random.random(len(own)) < 0.001] = _PILE
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


def make(path: Path, count: int) -> float:
    """Write an index of made-up songs, and return how long that took [s]."""
    began = time.perf_counter()
    numbered = enumerate(songs(count))
    with Library(path) as library:
        while some := list(islice(numbered, _CHUNK)):
            with library.transaction():
                for number, each in some:
                    stamp = Stamp(5_000_000 + number, 1_700_000_000_000_000_000 + number)
                    is_copy = (each.valence, each.arousal) == _PILE
                    content = b"copy" if is_copy else number.to_bytes(20, "big")
                    arc = _ARC[: int(2 * each.duration)]
                    library.put(each, stamp, content=content, model="0" * 64, arc=arc)
    return time.perf_counter() - began


# ------------------------------------------------------------------------------------------------------- measurements


def forget(path: Path) -> None:
    """Ask the system to drop what it keeps of a file in memory."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def timed(task: Callable[[], object]) -> float:
    """Return how long a task takes [ms]."""
    began = time.perf_counter()
    task()
    return 1000 * (time.perf_counter() - began)


def several(tasks: list[Callable[[], object]]) -> str:
    """Return the median and the worst time of some tasks [ms]."""
    times = [timed(task) for task in tasks]
    return f"{statistics.median(times):.1f} / {max(times):.1f}"


def similar(library: Library, point: tuple[float, float], query: Query | None = None, count: int = 10) -> None:
    found = list(islice(nearest(library, point, query, at_once=count + 1), count))
    if query is None and len(found) < count:
        sys.exit("songs are missing")


def hour(library: Library, start: Quadrant, end: Quadrant) -> None:
    found = list(walk(library, start, end, _HOUR))
    if abs(sum(each.duration for each in found) - 3600) > 150:
        sys.exit("this is no hour")


def measure(path: Path) -> dict[str, object]:
    """Ask an index many questions."""
    with Library(path, read_only=True) as library:
        ids = [int(number) for number in np.random.default_rng(1).integers(1, len_of(library) + 1, 200)]
        some = [each for number in ids if (each := library.song(number))]
    places = [(each.valence, each.arousal) for each in some]
    moods = [(start, end) for start in Quadrant for end in Quadrant if start is not end]
    forget(path)
    library = Library(path, read_only=True)
    first = timed(lambda: similar(library, places[0]))
    library.close()
    forget(path)
    with Library(path, read_only=True) as library:
        first_hour = timed(lambda: hour(library, Quadrant.CALM, Quadrant.HAPPY))
        figures = {
            "similar, first": first,
            "similar": several([lambda at=at: similar(library, at) for at in places]),
            "similar, 100 songs": several([lambda at=at: similar(library, at, None, 100) for at in places[:20]]),
            "playlist of an hour, first": first_hour,
            "playlist of an hour, mood to mood": several([lambda way=way: hour(library, *way) for way in moods]),
            "playlist of an hour, near a song": several(
                [lambda each=each: list(around(library, each, _HOUR)) for each in some[:20]]
            ),
            "playlist of an hour, EmoDJ's chain": several(
                [lambda each=each: list(chain(library, each, _HOUR)) for each in some[:20]]
            ),
            "moods of the collection": several([lambda: survey(library)] * 5),
            **hard_cases(library, some),
        }
        figures["memory, MB"] = peak_memory()
    return figures


def hard_cases(library: Library, some: list[Song]) -> dict[str, object]:
    """Ask what growing boxes are bad at."""
    corners = [(valence, arousal) for valence in (-1.0, 1.0) for arousal in (-1.0, 1.0)]
    opposite = [(mood, (0.5 - mood.signs[0], 0.5 - mood.signs[1])) for mood in Quadrant]
    title = f"{int(some[0].id or 0) - 1:07d}"
    return {
        "similar, at a corner of the plane": several([lambda at=at: similar(library, at) for at in corners]),
        "similar, far outside the plane": several(
            [lambda at=at: similar(library, (9 * at[0], at[1])) for at in corners]
        ),
        "similar, in a pile of copies": several([lambda: similar(library, _PILE)] * 5),
        "playlist of an hour, in a pile of copies": several([lambda: list(around(library, _PILE, _HOUR))] * 5),
        "similar, only of the opposite mood": several(
            [lambda mood=mood, at=at: similar(library, at, Query(mood=mood)) for mood, at in opposite]
        ),
        "similar, only of one artist": several(
            [lambda each=each: similar(library, (0, 0), Query(artist=each.artist or "")) for each in some[:20]]
        ),
        "similar, only with a rare word": several([lambda: similar(library, (0, 0), Query(text=title))] * 3),
        "similar, only of 15 minutes or more": several([lambda: similar(library, (0, 0), Query(min_duration=900))] * 3),
        "list, the ten most pleasant": several(
            [lambda: list(select(library, sort="valence", is_reversed=True, count=10))] * 3
        ),
    }


def len_of(library: Library) -> int:
    return int(library.query("SELECT max(id) FROM song")[0][0])


def peak_memory() -> float | str:
    """Return the most memory that this process ever had [MB], by the kernel's account."""
    if sys.platform != "linux":
        return "only measured on Linux"
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def catalog(seconds_a_song: float, bytes_a_song: float, count: int, speed: float) -> dict[str, object]:
    """Reckon what a very large catalog would take."""
    return {
        "songs": f"{_CATALOG:,}",
        "core hours of analysis": round(_CATALOG * _FOUR_MINUTES / speed / 3600),
        "days on 100 machines of 8 cores": _CATALOG * _FOUR_MINUTES / speed / 86400 / 800,
        "index, GB": _CATALOG * bytes_a_song / 1e9,
        f"indexes of {count:,} songs": _CATALOG // count,
        "hours to write them all, one writer": _CATALOG * seconds_a_song / 3600,
    }


def measured(path: Path, count: int) -> dict[str, Any]:
    """Make an index, and measure it in a process of its own."""
    seconds = make(path, count)
    command = [sys.executable, __file__, "--measure", str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    made = {"written, songs a second": count / seconds, "bytes a song": path.stat().st_size / count}
    return made | json.loads(done.stdout)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--songs", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="sizes")
    parser.add_argument("--speed", type=float, default=880, help="of the analysis, times real time on a core (880)")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    with TemporaryDirectory(dir=options.folder) as folder:
        for count in sorted(options.songs):
            figures = measured(Path(folder) / f"{count}.db", count)
            report(f"a collection of {count:,} songs", figures, as_json=options.json)
    largest = catalog(1 / figures["written, songs a second"], figures["bytes a song"], count, options.speed)
    report("a catalog, by the largest of these", largest, as_json=options.json)


if __name__ == "__main__":
    main()

"""How long it takes until music is heard: from the start of ``emodj-library play`` to the first sound.

The collection is made up, of several sizes, and one real song is in it, which is played with the dashboard on a
terminal and into a null sink. What the sink plays is recorded. `order` finds the song in the index and the songs after
it by EmoDJ's rule; `playlist` reads a playlist of it, and asks the index only for the song itself. The best of
`--rounds`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from library import make, song
from measure import arguments, report

from emodj_live import Quadrant
from emodj_live.library import Library, Stamp

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from virtual_microphone import Terminal, VirtualMicrophone, wait_until

_PLAY = ("-c", "from emodj_live.__main__ import library_console; library_console()", "play")
_RATE = 44100
_POINT = (0.9, 0.9)


def make_collection(database: Path, real: Path, count: int) -> None:
    """Write a made-up index with one real song in it."""
    make(database, count)
    soundfile.write(real, 0.5 * np.sin(0.05 * np.arange(5 * _RATE)), _RATE)
    (real.parent / "evening.m3u8").write_text(f"{real.name}\n")
    status = real.stat()
    made = song(count, count, _POINT, 5.0)
    values = {name: getattr(made, name) for name in made.__slots__}
    with Library(database) as library:
        library.put(
            type(made)(**values | {"path": os.fsencode(real), "quadrant": Quadrant.HAPPY}),
            Stamp(status.st_size, status.st_mtime_ns),
            content=b"real",
            model="0" * 64,
            arc=np.zeros((10, 2), np.float16),
        )


def first_sound(microphone: VirtualMicrophone, *options: object) -> float:
    """Return how long after its start the program is heard [s]."""
    recording = microphone.record()
    wait_until(lambda: recording.has_begun, 20, "the recording begins")
    began = time.monotonic()
    with Terminal(*_PLAY, *options, size=(120, 40), environment=microphone.environment) as terminal:
        terminal.wait_for(lambda: "dBFS" in terminal.shown, 60, "an emotion")
        terminal.end(signal.SIGTERM)
    return recording.moment(int(np.flatnonzero(np.abs(recording.stop()) > 0.01)[0])) - began


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--songs", type=int, nargs="+", default=[1000, 1_000_000], help="sizes of the collection")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    figures: dict[str, object] = {}
    with TemporaryDirectory() as folder, VirtualMicrophone() as microphone:
        for count in options.songs:
            database, real = Path(folder) / f"{count}.db", Path(folder) / "real.flac"
            make_collection(database, real, count)
            ways = {"order": ("--emodj", real, "-n", "5"), "playlist": (real.parent / "evening.m3u8",)}
            for name, way in ways.items():
                times = [first_sound(microphone, "--db", database, *way) for _ in range(options.rounds)]
                figures[f"{name}_of_{count}_songs_s"] = min(times)
    report("until music is heard", figures, as_json=options.json)


if __name__ == "__main__":
    main()

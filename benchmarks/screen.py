"""What the screen does and what that costs: frames, places of the point, bytes and CPU, in a pseudo-terminal.

* ``frames_per_second`` and ``kilobytes_per_second``: what arrives at the terminal while the program follows a song at
  the speed of the music. A frame is what arrives without a pause of 5 ms.
* ``cpu_percent``: user and system time of the whole process (decoding, features, drawing) as a share of one core. The
  pass ahead, a process of its own, has ended before.
* ``places_per_second``: places of the brightest spot, in halves of a pixel, while the point follows a series that moves
  by 0.5 a step on both axes: the median of all seconds.
* ``frame_ms``: CPU time for a frame, drawn and encoded, without a terminal; ``speed_of_this_machine`` is how long a
  million additions take [ms], because other work on the machine slows both down.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import soundfile
from measure import arguments, report

from emodj_live import DemoSource

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("tests", "docs")]

from screen_reader import ScreenReader
from stage import Song, Stage
from virtual_microphone import Terminal

from emodj_live.sinks.terminal.frame import GLYPH, GROUND, INK
from emodj_live.sinks.terminal.layout import layout
from emodj_live.sinks.terminal.look import unpacked

_SIZES = ((120, 40), (200, 55))
_STARTING = 6.0  # [s] after which a process has started up, and the pass ahead has ended
_PAUSE = 0.005  # [s] between frames
_SERIES = """
import itertools, sys, time
import numpy as np
from emodj_live import Dashboard, Emotion, PacedSource, Quadrant

values = [-0.75, -0.25, 0.25, 0.75, 0.25, -0.25]
source = PacedSource(itertools.repeat(np.zeros(661, np.float32), int(float(sys.argv[1]) / 0.03)), 22050)
with Dashboard(source) as dashboard:
    heard = 0.0
    for number, block in enumerate(source):
        if number * 661 // 11025 > (number - 1) * 661 // 11025:
            heard += 0.5
            value = values[int(2 * heard) % len(values)]
            point = value, -value
            dashboard(Emotion(heard, *point, *point, Quadrant.of(*point), -20.0, 0.0, False, False))
        dashboard.after_block(block)
"""


class Watched(Terminal):
    """A terminal that remembers when it was written to."""

    def __init__(self, *command: object, size: tuple[int, int]) -> None:
        self.arrivals: list[tuple[float, int]] = []
        environment = {**os.environ, "COLORTERM": "truecolor", "EMODJ_BACKGROUND": "dark"}
        super().__init__(*command, size=size, environment=environment)

    def _read(self) -> None:
        try:
            while piece := os.read(self._leader, 65536):
                self.arrivals.append((time.monotonic(), len(piece)))
                self._shown += piece
        except OSError:  # the other end is closed
            pass


def spent(process: psutil.Process) -> float:
    """Return the CPU time of a process [s]."""
    times = process.cpu_times()
    return times.user + times.system


def cost(size: tuple[int, int], song: Path, seconds: float) -> dict[str, float]:
    """Follow a song on a terminal of a size."""
    with Watched("-m", "emodj_live", song, size=size) as terminal:
        time.sleep(_STARTING)
        process, began = psutil.Process(terminal.process.pid), time.monotonic()
        before = spent(process)
        time.sleep(seconds)
        used, ended = spent(process) - before, time.monotonic()
        terminal.press("q")
        terminal.end()
    seen = [(moment, count) for moment, count in terminal.arrivals if began <= moment < ended]
    moments = np.array([moment for moment, _ in seen])
    name = f"{size[0]}x{size[1]}"
    return {
        f"frames_per_second_{name}": (1 + int((np.diff(moments) > _PAUSE).sum())) / (ended - began),
        f"kilobytes_per_second_{name}": sum(count for _, count in seen) / (ended - began) / 1000,
        f"cpu_percent_{name}": 100 * used / (ended - began),
    }


def places(size: tuple[int, int], seconds: float) -> float:
    """Return how many places a second the point takes."""
    with Watched("-c", _SERIES, seconds, size=size) as terminal:
        terminal.end(timeout=seconds + 60)
    reader, seen, at = ScreenReader(*size), defaultdict(set), 0
    for moment, count in terminal.arrivals:
        reader.feed(terminal._shown[at : at + count].decode(errors="ignore"))
        at += count
        if reader.is_alternate:
            seen[int(moment - terminal.arrivals[0][0])].add(spot(reader, size))
    return float(np.median([len(found) for second, found in seen.items() if 2 <= second < seconds - 1]))


def spot(reader: ScreenReader, size: tuple[int, int]) -> tuple[float, float]:
    """Return where on the plane it is brightest, in halves of a pixel."""
    x, y, width, height = layout(*size).plane
    cells = reader.frame.cells[:, y : y + height, x : x + width]
    light = np.empty((2 * height, width))
    lower = cells[GLYPH] == ord("▄")
    for half, planes in enumerate(((INK, GROUND), (GROUND, INK))):
        light[half::2] = unpacked(np.where(lower, cells[planes[1]], cells[planes[0]])).sum(-1)
    rows, columns = np.nonzero(light > 0.8 * light.max())
    weights = light[rows, columns] - 0.8 * light.max()
    return round(2 * np.average(columns, weights=weights)) / 2, round(2 * np.average(rows, weights=weights)) / 2


def frame_cost(size: tuple[int, int]) -> float:
    """Return the CPU time for a frame [ms], of thirty seconds of frames."""
    stage = Stage(Song(), size)
    with stage.dashboard:
        began = time.process_time()
        count = sum(1 for _ in stage.play(29.9))
        return 1e3 * (time.process_time() - began) / count


def machine() -> float:
    """Return how long a million additions take [ms]."""
    began, total = time.process_time(), 0
    for number in range(1_000_000):
        total += number
    return 1e3 * (time.process_time() - began)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="for each figure (20)")
    options = parser.parse_args()
    figures: dict[str, object] = {"seconds": options.seconds, "speed_of_this_machine": machine()}
    with TemporaryDirectory() as folder:
        song = Path(folder) / "song.wav"
        piece = np.concatenate(list(DemoSource(sample_rate=44100)))
        soundfile.write(song, np.resize(piece, round(44100 * (options.seconds + 30))), 44100)
        for size in _SIZES:
            figures |= cost(size, song, options.seconds)
            figures[f"frame_ms_{size[0]}x{size[1]}"] = frame_cost(size)
    figures["places_per_second"] = places(_SIZES[0], options.seconds)
    report("screen", figures, as_json=options.json)


if __name__ == "__main__":
    main()

"""Measure how even the values between emotions are: ``emodj-live --osc PORT --rate 30``, received by a real server.

The program is a process of its own and follows its demo at the speed of the music. The server of python-osc notes when
each value of valence comes. The first second is left out. After each emotion's level, which is sent as soon as there is
the emotion, the values set out for it; the last one before the next level has to be the emotion's own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from itertools import pairwise

from measure import arguments, report
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer

_SETTLED = 1.0  # [s]
_EXACT = 1e-6  # what 32 bits leave of a value


def receive(seconds: float, rate: float) -> tuple[list[tuple[float, str, float]], list[dict[str, float]]]:
    """Return when which value came, and the emotions, of a program that runs for so long."""
    received: list[tuple[float, str, float]] = []
    dispatcher = Dispatcher()
    dispatcher.map("/emodj/*", lambda address, *values: received.append((time.perf_counter(), address, values[0])))
    with BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        options = ["--demo", "--loop", "--json", "--osc", str(server.server_address[1]), "--rate", f"{rate:g}"]
        command = [sys.executable, "-m", "emodj_live", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            time.sleep(seconds)
            program.terminate()
            lines = program.communicate()[0].splitlines()
        server.shutdown()
        thread.join()
    return received, [json.loads(line) for line in lines]


def intervals(received: list[tuple[float, str, float]]) -> list[float]:
    """Return how long after one value the next one comes [ms]."""
    times = [when for when, address, _ in received if address == "/emodj/valence"]
    return [1000 * (after - before) for before, after in pairwise(times) if before > times[0] + _SETTLED]


def arrived(received: list[tuple[float, str, float]], emotions: list[dict[str, float]]) -> tuple[int, int]:
    """Return at how many emotions the values had arrived before the next one, and how many there were."""
    ends: list[float | None] = []
    newest = None
    for _, address, value in received:
        if address == "/emodj/level":
            ends.append(newest)
        elif address == "/emodj/valence":
            newest = value
    pairs = list(zip([*ends[1:], newest], emotions, strict=False))
    hits = sum(end is not None and abs(end - emotion["valence"]) < _EXACT for end, emotion in pairs)
    return hits, len(pairs)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=30.0)
    chosen = parser.parse_args()
    received, emotions = receive(chosen.seconds, chosen.rate)
    between = intervals(received)
    hits, count = arrived(received, emotions)
    figures = {
        "values": len(between) + 1,
        "mean interval (ms)": statistics.fmean(between),
        "standard deviation (ms)": statistics.stdev(between),
        "shortest (ms)": min(between),
        "longest (ms)": max(between),
        "emotions": count,
        "of which their own point came before the next": hits,
    }
    report(f"OSC at {chosen.rate:g} Hz", figures, as_json=chosen.json)


if __name__ == "__main__":
    main()

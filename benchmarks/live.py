"""How long it takes from sound to number, what that costs, and what is lost, on a virtual microphone.

* latency: from the arrival of the block with a window's last sample to the call of the sink, with the server at 44.1
  and the device taken at 44.1 kHz, and both at 48 kHz. The resampler holds some sound back, so the block that completes
  a window comes later than the sound itself by its delay, which is measured too; the device's own delay is what
  PortAudio says;
* share of one core: user and system time of the whole process after its start-up, at steps of 0.5 s and 0.1 s, with
  ``emodj-live --mic --json`` and with the dashboard on a terminal of 200 x 55;
* losses: seconds of audio that the source counted as lost, and how many losses it reported.

The microphone hears the demo piece over and over.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import soundfile
from measure import arguments, report

from emodj_live import DemoSource
from emodj_live.sources.resample import Resampler

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from virtual_microphone import SAMPLE_RATE, Terminal, VirtualMicrophone, listening, wait_until

_STARTING = 8.0  # [s] after which a process has started up
_RATES = (44100, 48000)
_STEPS = (0.5, 0.1)


def resampler_delay(rate: int) -> tuple[float, float]:
    """Return how much sound the resampler holds back between blocks like PortAudio's: on average, at most [s]."""
    resampler, block = Resampler(rate, SAMPLE_RATE), np.zeros((rate // 80, 1), np.float32)
    given = np.cumsum([len(resampler.process(block)) for _ in range(400)]) / SAMPLE_RATE
    held = (np.arange(1, 401) * len(block) / rate - given)[100:]
    return float(held.mean()), float(held.max())


def latency(rate: int, seconds: float, step: float, song: Path) -> dict[str, object]:
    """Listen for a while, and return the latencies that the sink measured."""
    with VirtualMicrophone(rate=rate) as microphone:
        microphone.play(song)
        command = listening(seconds=seconds, step=step, device_rate=rate, gain="auto")
        program = microphone.start(*command, OPENBLAS_NUM_THREADS="1")  # as the command line sets it
        program.end(timeout=seconds + 60)
        records = program.records
    waits = 1e3 * np.array([record["now"] - record["arrival"] for record in records])
    name = f"{rate // 1000}khz_step_{step:g}"
    return {
        f"latency_ms_median_{name}": float(np.median(waits)),
        f"latency_ms_p99_{name}": float(np.percentile(waits, 99)),
        f"latency_ms_worst_{name}": float(waits.max()),
        f"device_ms_{name}": 1e3 * float(np.median([record["age"] for record in records])),
        f"lost_s_{name}": records[-1]["lost"],
    }


def share(process: psutil.Process, seconds: float) -> float:
    """Return the share of one core that a process uses over some time, in percent."""
    time.sleep(_STARTING)

    def used() -> float:
        times = process.cpu_times()
        return times.user + times.system

    before, began = used(), time.monotonic()
    time.sleep(seconds)
    return 100 * (used() - before) / (time.monotonic() - began)


def cost(seconds: float, step: float, song: Path) -> dict[str, object]:
    """Measure what both ways to show the emotions cost."""
    command = ("-m", "emodj_live", "--mic", "--step", step)
    figures: dict[str, object] = {}
    with VirtualMicrophone() as microphone:
        microphone.play(song)
        program = microphone.start(*command, "--json")
        figures[f"cpu_percent_json_step_{step:g}"] = share(psutil.Process(program.process.pid), seconds)
        program.end(signal.SIGINT)
        figures[f"losses_reported_json_step_{step:g}"] = program.errors.count(" s of audio (")
        with Terminal(*command, size=(200, 55), environment=microphone.environment) as terminal:
            wait_until(lambda: "valence" in terminal.shown, 60, "the dashboard")
            figures[f"cpu_percent_dashboard_step_{step:g}"] = share(psutil.Process(terminal.process.pid), seconds)
            terminal.end(signal.SIGINT)
            behind = terminal.shown.split("\x1b[?1049l")[-1]  # where the warnings are repeated
            figures[f"losses_reported_dashboard_step_{step:g}"] = behind.count(" s of audio (")
    return figures


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for each figure (60)")
    options = parser.parse_args()
    figures: dict[str, object] = {"seconds": options.seconds}
    with TemporaryDirectory() as folder:
        song = Path(folder) / "song.wav"
        piece = np.concatenate(list(DemoSource(sample_rate=44100)))
        soundfile.write(song, np.resize(piece, round(44100 * (2 * options.seconds + 120))), 44100)
        for rate in _RATES:
            mean, most = resampler_delay(rate)
            figures[f"resampler_ms_mean_{rate // 1000}khz"] = 1e3 * mean
            figures[f"resampler_ms_most_{rate // 1000}khz"] = 1e3 * most
            for step in _STEPS:
                figures |= latency(rate, options.seconds, step, song)
        for step in _STEPS:
            figures |= cost(options.seconds, step, song)
    report("live", figures, as_json=options.json)


if __name__ == "__main__":
    main()

"""Compare the microphone with the file, pull its cable, and measure playback in step, all on virtual microphones.

Each clip of the folder is played into a null sink that ``emodj-live --mic --json`` listens to, at full level and 20 dB
quieter, with automatic gain and without. Where the clip begins in the stream is found from the levels of its windows.

* `mae_*`: mean absolute difference of the smoothed values from those of the file, tracked with the same gain, the same
  level and the same windows;
* `*_mean_off`: how far a song's mean from 30 s on lies from another's: at -20 dB from that at full level (both with
  `--gain auto`), and from that at full level with `--gain 0`; beside it how far -20 dB is off without automatic gain;
* unplug and replug cycles: from the replug to the first new emotion, and the time axis, which is compared with a second
  recording of what is played after each replug, the first as after the start;
* playback in step: from a click in a recording of the monitor to the line for the window that ends there, as read from
  ``emodj-live FILE --play --json``.
"""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from measure import arguments, report
from rich.console import Console
from rich.table import Table

from emodj_live import EmotionModel, EmotionTracker, FileSource

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from virtual_microphone import (
    SAMPLE_RATE,
    Program,
    VirtualMicrophone,
    clicks,
    distances_from_clicks,
    find_start,
    resampled,
    uneven_noise,
    wait_until,
)

_RATE = 44100
_PASSES = ((1.0, "auto"), (0.1, "auto"), (1.0, "0"), (0.1, "0"))  # level, gain
_SETTLED = 30.0  # [s]
_PARALLEL = 3
_VALUES = ("valence", "arousal")
_COMMAND = ("-m", "emodj_live")


# --------------------------------------------------------------------------------------------------------- clips


def hear(microphone: VirtualMicrophone, speaker: str, path: Path, gains: Iterable[str]) -> list[Program]:
    """Play a file into one null sink, and return what each listener printed."""
    listeners = [microphone.start(*_COMMAND, "--mic", "--json", "-d", speaker, "--gain", gain) for gain in gains]
    for listener in listeners:
        listener.wait_for_lines(2, timeout=60)
    microphone.play(path, speaker).wait(120)
    for listener in listeners:
        listener.wait_for_lines(len(listener.lines) + 2)
        listener.end(signal.SIGINT)
    return listeners


def compare(listener: Program, clip: np.ndarray, gain: str, model: EmotionModel) -> dict[str, object]:
    """Compare what a listener heard with the clip as a file."""
    records = listener.records
    start = find_start(records, clip)
    tracker = EmotionTracker(model, gain="auto" if gain == "auto" else float(gain))
    padded = np.concatenate([np.zeros(start, np.float32), clip])
    expected = {emotion.time: asdict(emotion) for emotion in tracker.track([padded])}
    pairs = [(r, expected[r["time"]]) for r in records if r["time"] in expected and not r["is_silent"]]
    settled = [r for r, _ in pairs if r["time"] - start / SAMPLE_RATE >= _SETTLED]
    return {
        "mae": {name: float(np.mean([abs(r[name] - e[name]) for r, e in pairs])) for name in _VALUES},
        "mean": {name: float(np.mean([r[name] for r in settled])) for name in _VALUES},
        "gain": settled[-1]["gain"],
        "compared": len(pairs),
        "lost": listener.errors.count("lost"),
    }


def hear_clip(path: Path, microphone: VirtualMicrophone, free: list[str], folder: Path, model: EmotionModel) -> dict:
    """Hear a clip at both levels with both gains on a null sink that is free."""
    speaker = free.pop()
    heard = {}
    for level in (1.0, 0.1):
        audio = np.concatenate(list(FileSource(path, sample_rate=_RATE))) * np.float32(level)
        played = folder / f"{path.stem}-{level}.wav"
        soundfile.write(played, audio, _RATE, subtype="FLOAT")
        gains = [gain for at, gain in _PASSES if at == level]
        for gain, listener in zip(gains, hear(microphone, speaker, played, gains), strict=True):
            heard[level, gain] = compare(listener, resampled(audio.clip(-1, 1), _RATE), gain, model)
    free.append(speaker)
    return heard


def row_of(name: str, heard: dict) -> dict[str, object]:
    """Return a clip's line of the table: each figure is the worse of valence and arousal."""

    def off(first: tuple[float, str], second: tuple[float, str]) -> float:
        return max(abs(heard[first]["mean"][value] - heard[second]["mean"][value]) for value in _VALUES)

    return {
        "clip": name,
        "mae_auto": max(heard[1.0, "auto"]["mae"].values()),
        "mae_auto_quiet": max(heard[0.1, "auto"]["mae"].values()),
        "mae_0": max(heard[1.0, "0"]["mae"].values()),
        "mae_0_quiet": max(heard[0.1, "0"]["mae"].values()),
        "gain_db": heard[1.0, "auto"]["gain"],
        "quiet_mean_off": off((0.1, "auto"), (1.0, "auto")),
        "auto_mean_off": off((1.0, "auto"), (1.0, "0")),
        "auto_quiet_mean_off": off((0.1, "auto"), (1.0, "0")),
        "without_auto_quiet_mean_off": off((0.1, "0"), (1.0, "0")),
        "losses": sum(one["lost"] for one in heard.values()),
    }


def measure_clips(clips: list[Path], folder: Path) -> list[dict[str, object]]:
    """Hear every clip, several at once on null sinks of their own."""
    model = EmotionModel.load()
    free = [f"speaker{n}" for n in range(_PARALLEL)]
    with VirtualMicrophone(speakers=tuple(free)) as microphone, ThreadPoolExecutor(_PARALLEL) as pool:
        heard = pool.map(lambda path: hear_clip(path, microphone, free, folder, model), clips)
        return [row_of(path.name, found) for path, found in zip(clips, heard, strict=True)]


# -------------------------------------------------------------------------------------------------------- cables


def origin(microphone: VirtualMicrophone, program: Program, since: float, noise: Path, settle: int = 10) -> float:
    """Return by our clock when the stream's time was 0, according to what is heard after `since`."""
    recording = microphone.record()
    wait_until(lambda: recording.has_begun, 20, "the recording begins")
    player = microphone.play(noise)
    program.wait_for_lines(len(program.lines) + settle)
    player.kill()
    audio = resampled(recording.stop(), recording.rate)
    records = [record for record in program.records if record["time"] > since]
    return recording.moment(0) - find_start(records, audio) / SAMPLE_RATE


def measure_cycles(cycles: int, folder: Path) -> dict[str, object]:
    """Pull the cable so many times, each time for a little longer."""
    noise = folder / "noise.wav"
    soundfile.write(noise, uneven_noise(60), _RATE, subtype="FLOAT")
    back, errors, away = [], [], 0.0
    with VirtualMicrophone() as microphone:
        program = microphone.start(*_COMMAND, "--mic", "--json")
        program.wait_for_lines(1)
        at_start = previous = origin(microphone, program, 0, noise)
        for cycle in range(cycles):
            before = program.records[-1]["time"]
            microphone.unplug()
            began = time.monotonic()
            time.sleep(2.5 + 0.17 * cycle)  # another phase of the retries each time
            microphone.replug()
            replugged = time.monotonic()
            away += replugged - began
            count = len(program.lines)
            program.wait_for_lines(count + 1, timeout=60)
            back.append(program.lines[count][0] - replugged)
            now = origin(microphone, program, before + 1, noise)
            errors.append(now - previous)
            previous = now
        code = program.end(signal.SIGINT)
    reported = [float(seconds) for seconds in re.findall(r"lost ([0-9.]+) s of audio", program.errors)]
    return {
        "cycles": cycles,
        "back_after_s_median": float(np.median(back)),
        "back_after_s_worst": max(back),
        "time_axis_off_ms_worst_cycle": 1e3 * max(map(abs, errors)),
        "time_axis_off_ms_at_end": 1e3 * (previous - at_start),
        "losses_reported": len(reported),
        "lost_s_reported": sum(reported),
        "away_s": away,
        "tracebacks": program.errors.count("Traceback"),
        "exit_code": code,
    }


# ------------------------------------------------------------------------------------------------------ playback


def measure_playback(seconds: float, folder: Path) -> dict[str, object]:
    """Play clicks, and compare each line with its click in the monitor."""
    path = folder / "clicks.wav"
    soundfile.write(path, clicks(seconds + 0.2), _RATE, subtype="FLOAT")
    with VirtualMicrophone() as microphone:
        recording = microphone.record()
        wait_until(lambda: recording.has_begun, 20, "the recording begins")
        program = microphone.start(*_COMMAND, path, "--play", "--json")
        code = program.end(timeout=seconds + 60)
        if code or not program.lines:
            raise SystemExit(program.errors)
        off = 1e3 * distances_from_clicks(program, recording)
    return {
        "played_s": seconds,
        "windows": len(off),
        "beyond_50_ms": int(np.count_nonzero(np.abs(off) >= 50)),
        "off_ms_median": float(np.median(off)),
        "off_ms_earliest": float(off.min()),
        "off_ms_latest": float(off.max()),
        "off_ms_worst": float(np.abs(off).max()),
        "exit_code": code,
    }


def show(rows: list[dict[str, object]]) -> None:
    """Print a table with a column for each clip."""
    shown = Table(title="clips heard by the microphone", title_justify="left")
    for name in ("clip", *(str(row["clip"]) for row in rows)):
        shown.add_column(name)
    for name in list(rows[0])[1:]:
        shown.add_row(name, *(f"{row[name]:.3f}" if isinstance(row[name], float) else str(row[name]) for row in rows))
    Console().print(shown)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="with mp3 clips of at least 40 s; without it none")
    parser.add_argument("--cycles", type=int, default=20, help="unplug and replug this many times (20)")
    parser.add_argument("--play-seconds", type=float, default=300, help="playback in step for so long (300)")
    options = parser.parse_args()
    figures: dict[str, object] = {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        if options.folder:
            clips = sorted(options.folder.rglob("*.mp3"), key=lambda path: (len(path.stem), path.stem))
            if not clips:
                parser.error(f"{options.folder} holds no mp3 clips")
            figures["clips"] = measure_clips(clips, folder)
        if options.cycles:
            figures |= measure_cycles(options.cycles, folder)
        if options.play_seconds:
            figures |= {f"play_{key}": value for key, value in measure_playback(options.play_seconds, folder).items()}
    rows = figures.pop("clips", []) if not options.json else []
    if rows:
        show(rows)
    report("microphone", figures, as_json=options.json)


if __name__ == "__main__":
    main()

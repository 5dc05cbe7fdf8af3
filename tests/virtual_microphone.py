"""A real microphone and loudspeaker on a machine without a sound card, for tests and benchmarks.

It starts a PulseAudio server in a folder of its own, with null sinks: what is played into one comes out of its
monitor, which PortAudio (through ALSA's pulse plugin) hears as the default input. It neither disturbs other servers nor
is disturbed by them. PortAudio reads the environment and the list of devices once, when it is initialized, so whatever
listens is a separate process, started with `VirtualMicrophone.environment`.

A test module asks for the fixtures with ``pytest_plugins = ["virtual_microphone"]``. PYTEST_DONT_REWRITE:
it has no asserts, and is imported as a module too.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from ctypes.util import find_library
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray
from screen_reader import ScreenReader

from emodj_live import Deck, Emotion, EmotionModel, EmotionTracker, FileSource, PlayedSource
from emodj_live.sources.microphone import MicrophoneSource

PROJECT = Path(__file__).resolve().parent.parent
SAMPLE_RATE = 22050
WINDOW_LENGTH = 11025
_PROGRAMS = ("pulseaudio", "pactl", "paplay", "parec")
_ALSA = "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n"


def missing() -> str:
    """Return why there cannot be a virtual microphone here; empty if there can."""
    lacking = [program for program in _PROGRAMS if not shutil.which(program)]
    if not find_library("portaudio"):
        lacking.append("PortAudio")
    return f"no virtual microphone without {', '.join(lacking)}" if lacking else ""


def wait_until(condition: Callable[[], object], timeout: float, what: str) -> None:
    """Wait for a condition, or fail with `what` it was."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {timeout} s: {what}")
        time.sleep(0.01)


class VirtualMicrophone:
    """A PulseAudio server with null sinks; use it in a ``with`` statement.

    Parameters
    ----------
    rate : int
        Sample rate of the null sinks [Hz]. PortAudio reports 44 100 Hz for the devices all the same.
    speakers : sequence of str
        Names of the null sinks, and of PortAudio's devices that hear them; the first is also the default.

    Attributes
    ----------
    environment : dict
        For a process that listens to it or plays into it.
    """

    def __init__(self, *, rate: int = 44100, speakers: Sequence[str] = ("speaker",)) -> None:
        self.rate = rate
        self.speakers = speakers
        self._exit = ExitStack()
        self._folder = Path(self._exit.enter_context(TemporaryDirectory(prefix="microphone-")))
        named = [f"pcm.{name} {{ type pulse device {name}.monitor }}\n" for name in speakers]
        (self._folder / "asound.conf").write_text("".join([_ALSA, *named]))
        self.environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(self._folder),
            "XDG_CONFIG_HOME": str(self._folder),
            "PULSE_RUNTIME_PATH": str(self._folder),
            "PULSE_STATE_PATH": str(self._folder),
            "PULSE_SERVER": f"unix:{self._folder}/native",
            "ALSA_CONFIG_PATH": str(self._folder / "asound.conf"),
            "PYTHONPATH": os.pathsep.join((str(PROJECT), str(PROJECT / "tests"))),
        }

    def __enter__(self) -> VirtualMicrophone:
        """Start the server and plug everything in."""
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the server and whatever still runs on it."""
        self._exit.close()

    def _start(self) -> None:
        command = [
            "pulseaudio",
            "-n",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--use-pid-file=no",
            "--log-level=error",
        ]
        command += [f"--log-target=file:{self._folder}/log", "--load=module-native-protocol-unix"]
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._server = self._own(subprocess.Popen(command, env=self.environment, **streams))
        wait_until(lambda: self._pactl("info", check=False).returncode == 0, 20, "PulseAudio answers")
        for speaker in self.speakers:
            self.replug(speaker)
        self._pactl("set-default-sink", self.speakers[0])
        self._pactl("set-default-source", f"{self.speakers[0]}.monitor")

    def restart(self) -> None:
        """End the server at once, and start another one in its place."""
        self._server.kill()
        self._server.wait()
        (self._folder / "native").unlink(missing_ok=True)
        self._start()

    def _own(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Make sure that a process does not outlive us."""

        def end() -> None:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()

        self._exit.callback(end)
        return process

    def _pactl(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = ["pactl", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=check, timeout=20)

    def unplug(self) -> None:
        """Take all null sinks away, even if something listens."""
        self._pactl("unload-module", "module-null-sink")

    def replug(self, speaker: str | None = None) -> None:
        """Plug a null sink in, by default the first."""
        name = speaker or self.speakers[0]
        described = f"sink_properties=device.description={name}"
        self._pactl(
            "load-module", "module-null-sink", f"sink_name={name}", f"rate={self.rate}", "channels=2", described
        )
        if speaker is None:
            self._pactl("set-default-sink", name)
            self._pactl("set-default-source", f"{name}.monitor")

    def choose(self, *, output: str, input: str | None = None) -> None:  # noqa: A002 (the default input)
        """Make a null sink the default output; and, if another one is named, its monitor the default input."""
        self._pactl("set-default-sink", output)
        if input is not None:
            self._pactl("set-default-source", f"{input}.monitor")

    @property
    def defaults(self) -> tuple[str, str]:
        """The default output and the default input."""
        found = [self._pactl(f"get-default-{kind}").stdout.strip() for kind in ("sink", "source")]
        return found[0], found[1]

    def play(self, path: Path, speaker: str | None = None) -> subprocess.Popen[bytes]:
        """Play a sound file that libsndfile reads; the process ends with it."""
        command = ["paplay", f"--device={speaker or self.speakers[0]}", str(path)]
        return self._own(subprocess.Popen(command, env=self.environment, stderr=subprocess.DEVNULL))

    def record(self, speaker: str | None = None) -> Recording:
        """Begin to record what a null sink plays."""
        command = ["parec", f"--device={speaker or self.speakers[0]}.monitor", "--format=float32le", "--channels=1"]
        command += [f"--rate={self.rate}", "--latency-msec=5"]
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return Recording(self._own(process), self.rate)

    def start(self, *command: object, **environment: str) -> Program:
        """Start Python with arguments, such as ``"-m", "emodj_live", "--mic", "--json"``, on this microphone."""
        return Program(
            self._own(
                subprocess.Popen(
                    [sys.executable, *map(str, command)],
                    env={**self.environment, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            )
        )


class Program:
    """A process, and the lines that it prints with the time of their arrival.

    Attributes
    ----------
    process : subprocess.Popen
    lines : list of (float, str)
        When each line came, by ``time.monotonic()``, and what it says.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.lines: list[tuple[float, str]] = []
        self._errors = b""
        self._readers = [threading.Thread(target=target, daemon=True) for target in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line.decode()))

    def _read_errors(self) -> None:
        for line in self.process.stderr:
            self._errors += line

    @property
    def errors(self) -> str:
        """What came on standard error so far."""
        return self._errors.decode()

    @property
    def records(self) -> list[dict]:
        """What the lines say, if they are JSON."""
        return [json.loads(line) for _, line in list(self.lines)]

    def wait_for(self, condition: Callable[[], object], timeout: float, what: str) -> None:
        """Wait for a condition while the program runs, or fail with what it complained about."""
        try:
            wait_until(lambda: condition() or self.process.poll() is not None, timeout, what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.errors}") from None
        if not condition():
            raise RuntimeError(f"it ended before: {what}\n{self.errors}")

    def wait_for_lines(self, count: int, timeout: float = 30) -> None:
        """Wait until it has printed so many lines in all."""
        self.wait_for(lambda: len(self.lines) >= count, timeout, f"{count} lines")

    def end(self, signal: int | None = None, timeout: float = 30) -> int:
        """Send it a signal if one is given, wait for its end, and return its exit code."""
        if signal is not None:
            self.process.send_signal(signal)
        code = self.process.wait(timeout)
        for reader in self._readers:
            reader.join(timeout)
        return code


class Recording:
    """What a null sink plays, and when.

    Each piece came a little after its last sample was played; the least late of those around shows when.
    """

    _AROUND = 10.0  # [s]

    def __init__(self, process: subprocess.Popen[bytes], rate: int) -> None:
        self.rate = rate
        self._process = process
        self._pieces: list[NDArray[np.float32]] = []
        self._arrivals: list[tuple[float, int]] = []  # when a piece came, and how many samples there were with it
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        count, rest = 0, b""
        while piece := self._process.stdout.read1(65536):  # type: ignore[union-attr]
            rest += piece
            whole = len(rest) // 4
            self._pieces.append(np.frombuffer(rest[: 4 * whole], "<f4"))
            rest = rest[4 * whole :]
            count += whole
            self._arrivals.append((time.monotonic(), count))

    @property
    def has_begun(self) -> bool:
        """Sound (or silence) has arrived."""
        return bool(self._arrivals)

    def stop(self) -> NDArray[np.float32]:
        """End the recording and return it."""
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        return np.concatenate(self._pieces)

    def moment(self, sample: float) -> float:
        """Return when a sample of the recording was played, by ``time.monotonic()``."""
        arrivals = np.array(self._arrivals)
        near = np.abs(arrivals[:, 1] - sample) < self._AROUND * self.rate
        return float((arrivals[near, 0] - arrivals[near, 1] / self.rate).min()) + sample / self.rate


# --------------------------------------------------------------------------------------------- sound to compare by


def uneven_noise(seconds: float, rate: int = 44100, seed: int = 0) -> NDArray[np.float32]:
    """Return noise whose level changes ten times a second, so that any part of it can be located."""
    rng = np.random.default_rng(seed)
    levels = np.repeat(10 ** rng.uniform(-2, -0.5, round(10 * seconds)), rate // 10)
    return (levels * rng.uniform(-1, 1, len(levels))).astype(np.float32)


def find_start(records: Sequence[Mapping[str, float]], audio: NDArray[np.float32]) -> int:
    """Find where in a stream a sound begins, from the levels of the stream's windows.

    Parameters
    ----------
    records : sequence of mapping
        Emotions of the stream, with time and level.
    audio : ndarray, shape (n,)
        The sound, at `SAMPLE_RATE`.

    Returns
    -------
    int
        Position of its first sample, counted like the stream's; it may be negative.
    """
    ends = np.array([round(record["time"] * SAMPLE_RATE) for record in records])
    levels = np.array([record["level"] for record in records])
    energy = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64))])

    def best(starts: NDArray[np.int64]) -> int:
        end = np.clip(ends - starts[:, np.newaxis], 0, len(audio))
        begin = np.clip(ends - WINDOW_LENGTH - starts[:, np.newaxis], 0, len(audio))
        expected = 10 * np.log10((energy[end] - energy[begin]) / WINDOW_LENGTH + 1e-7)
        return int(starts[np.abs(expected - np.maximum(levels, -60)).mean(axis=1).argmin()])

    coarse = best(np.arange(ends[0] - len(audio), ends[-1], 50))
    return best(np.arange(coarse - 60, coarse + 61))


def clicks(seconds: float, rate: int = 44100) -> NDArray[np.float32]:
    """Return faint noise with a click at every half second, where a window ends."""
    audio = np.random.default_rng(0).normal(scale=0.003, size=round(seconds * rate))
    click = 0.8 * np.sin(0.3 * np.arange(400))
    for start in range(rate // 2, len(audio) - len(click), rate // 2):
        audio[start : start + len(click)] += click
    return audio.astype(np.float32)


def distances_from_clicks(program: Program, recording: Recording) -> NDArray[np.float64]:
    """Return how much later than its click in the recording each line came [s]; ends the recording.

    The first line belongs to the first click, and each other line to the click nearest to it: where the sound had a
    hole a click may be missing or come twice.
    """
    loud = np.flatnonzero(np.abs(recording.stop()) > 0.3)
    starts = loud[np.diff(loud, prepend=-recording.rate) > recording.rate // 10]
    played = np.array([recording.moment(start) for start in starts])
    came = np.array([moment for moment, _ in program.lines])
    off = came[:, np.newaxis] - played
    nearest = off[np.arange(len(came)), np.abs(off).argmin(axis=1)]
    nearest[0] = off[0, 0]
    return nearest


def resampled(audio: NDArray[np.float32], rate: float) -> NDArray[np.float32]:
    """Return mono audio at `SAMPLE_RATE`, without any delay."""
    return soxr.resample(audio, rate, SAMPLE_RATE, "HQ") if rate != SAMPLE_RATE else audio


class Terminal:
    """A process on a pseudo-terminal.

    Parameters
    ----------
    *command : object
        Arguments for Python.
    size : (int, int)
        Columns and rows.
    environment : mapping, optional
        Of the process; by default ours.

    Attributes
    ----------
    process : subprocess.Popen
    shown : str
        All that was written to the terminal so far.
    """

    def __init__(
        self, *command: object, size: tuple[int, int] = (80, 24), environment: Mapping[str, str] | None = None
    ) -> None:
        import pty

        self._leader, follower = pty.openpty()
        self.resize(*size)
        given = {**(os.environ if environment is None else environment), "TERM": "xterm-256color"}
        arguments = [sys.executable, *map(str, command)]
        streams = {"stdin": follower, "stdout": follower, "stderr": follower}
        self.process = subprocess.Popen(arguments, env=given, start_new_session=True, **streams)
        os.close(follower)
        self._shown = b""
        self._screen = ScreenReader(*size)
        self._seen = 0  # characters that the screen has been fed
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(10)
        os.close(self._leader)

    def _read(self) -> None:
        with suppress(OSError):  # the other end is closed
            while piece := os.read(self._leader, 65536):
                self._shown += piece

    @property
    def shown(self) -> str:
        """All that was written so far."""
        return self._shown.decode(errors="replace")

    @property
    def screen(self) -> ScreenReader:
        """What the screen shows now."""
        shown = self._shown.decode(errors="ignore")
        self._screen.feed(shown[self._seen :])
        self._seen = len(shown)
        return self._screen

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size."""
        if hasattr(self, "_screen"):
            self.screen.resize(columns, rows)
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self._leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: str) -> None:
        """Send keys."""
        os.write(self._leader, keys.encode())

    def wait_for(self, condition: Callable[[], object], timeout: float, what: str) -> None:
        """Wait for a condition, or fail with what was shown."""
        try:
            wait_until(condition, timeout, what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.screen.text}") from None

    def end(self, signal: int | None = None, timeout: float = 30) -> int:
        """Send a signal if one is given, wait for the end, and return the exit code."""
        if signal is not None:
            self.process.send_signal(signal)
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code


# ---------------------------------------------------------------------------------------- what listens in a process


def listening(**options: object) -> tuple[str, ...]:
    """Return the arguments for Python, and so for `VirtualMicrophone.start`, that run `listen` with these options."""
    return "-c", f"import virtual_microphone; virtual_microphone.listen(**{options!r})"


def listen(
    *,
    seconds: float = 1e9,
    step: float = 0.5,
    gain: float | str = 0.0,
    device_rate: float | None = None,
    sleep_at: float | None = None,
    sleep_for: float = 0.0,
    stop: str = "sink",
    **options: float,
) -> None:
    """Track the microphone and print each emotion as JSON, with when that was and what the source says of itself.

    Parameters
    ----------
    seconds, step, gain
        How long to listen, and the tracker's options.
    device_rate : float, optional
        What to open the device with instead of its own rate [Hz].
    sleep_at, sleep_for : float
        When the sink is slow, and how slow [s].
    stop : {"sink", "thread"}
        Who stops the tracker, twice.
    **options
        For `MicrophoneSource`.
    """
    logging.basicConfig(format="%(message)s")
    model = EmotionModel.load()
    source = MicrophoneSource(**options)
    if device_rate:
        source.device = replace(source.device, sample_rate=device_rate)
    tracker = EmotionTracker(model, step=round(step * SAMPLE_RATE), gain=gain)
    tracker.process(np.zeros(WINDOW_LENGTH, np.float32))

    def end() -> None:
        tracker.stop()
        tracker.stop()

    def sink(emotion: Emotion) -> None:
        nonlocal sleep_at
        now = time.monotonic()
        reported = {"now": now, "arrival": source.last_arrival, "age": source.age, "lost": source.lost}
        print(json.dumps(asdict(emotion) | {"quadrant": emotion.quadrant.value} | reported), flush=True)
        if sleep_at is not None and emotion.time >= sleep_at:
            sleep_at = None
            time.sleep(sleep_for)
        if emotion.time >= seconds:
            end() if stop == "sink" else threading.Thread(target=end).start()

    tracker.run(source, sink)


def playing(*paths: object, **options: object) -> tuple[str, ...]:
    """Return the arguments for Python, and so for `VirtualMicrophone.start`, that run `play` with these options."""
    return "-c", f"import virtual_microphone; virtual_microphone.play(*{[*map(str, paths)]!r}, **{options!r})"


def play(*paths: str, leave_at: float | None = None, crossfade: float = 0.0, places: Sequence[float] = ()) -> None:
    """Play songs on one deck and print each emotion as JSON, with the song and when that was.

    Parameters
    ----------
    *paths : str
    leave_at : float, optional
        Where to leave the first song for the next one [s].
    crossfade : float
        As for `Deck`.
    places : sequence of float
        Where to seek to after every second emotion [s]; after two more it ends.
    """
    logging.basicConfig(format="%(message)s")
    tracker = EmotionTracker(EmotionModel.load())
    tracker.process(np.zeros(WINDOW_LENGTH, np.float32))
    count = 0
    with Deck(crossfade=crossfade) as deck:
        sources = [PlayedSource(FileSource(path), output=deck) for path in paths]
        for source in sources:
            deck.queue(source)
        for number, source in enumerate(sources):
            for emotion in tracker.track(source):
                print(json.dumps(emotion.as_dict() | {"song": number, "now": time.monotonic()}), flush=True)
                if number == 0 and leave_at is not None and emotion.time >= leave_at:
                    break
                count += 1
                if places and count % 2 == 0:
                    if count // 2 > len(places):
                        break
                    source.seek(places[count // 2 - 1])


# ----------------------------------------------------------------------------------------------------- for pytest


@contextmanager
def _plugged_in(**options: int) -> Iterator[VirtualMicrophone]:
    """Give a virtual microphone; without its programs it skips, but on CI, where they must be installed, it fails."""
    if reason := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with VirtualMicrophone(**options) as microphone:
        yield microphone


@pytest.fixture(scope="session")
def virtual_microphone() -> Iterator[VirtualMicrophone]:
    """Have a virtual microphone at 44.1 kHz, started once."""
    with _plugged_in() as microphone:
        yield microphone


@pytest.fixture(scope="session")
def other_virtual_microphone() -> Iterator[VirtualMicrophone]:
    """Have a second one, at 48 kHz, on a server of its own."""
    with _plugged_in(rate=48000) as microphone:
        yield microphone

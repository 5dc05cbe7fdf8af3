"""What the machine plays: all that needs no sound server, with a stand-in for sounddevice."""

import ctypes
import os
import sys
import time

import pytest
from standins import RATE, Script, stand_in

from emodj_live import Device, SourceError, SystemSource, find_device, list_devices
from emodj_live.cli import main
from emodj_live.sources import playing, pulse
from emodj_live.sources.playing import NowPlaying
from emodj_live.sources.recording import Recording

MONITOR = Device(0, "Monitor of speaker", "PulseAudio", 1, float(RATE), is_default=False, monitor="speaker.monitor")
posix = pytest.mark.skipif(os.name == "nt", reason="its stand-in for playerctl is a shell script")


# ------------------------------------------------------------------------------------------------- the environment


@pytest.fixture
def portaudio(monkeypatch):
    """A stand-in that notes, in ``wanted``, what the environment asks the sound server for when a stream is opened."""
    module = stand_in(Script(1.0))
    module.wanted = []

    class InputStream(module.InputStream):
        def __init__(self, **options):
            module.wanted.append(os.environ.get("PULSE_SOURCE"))
            if module.refuses:
                raise module.PortAudioError("Device unavailable")
            super().__init__(**options)

    module.InputStream, module.refuses = InputStream, False
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return module


@pytest.mark.parametrize("before", [None, "line.in"])
@pytest.mark.parametrize("refuses", [False, True])
def test_the_environment_asks_for_the_monitor_only_while_it_is_opened(before, refuses, portaudio, monkeypatch):
    monkeypatch.delenv("PULSE_SOURCE", raising=False)
    if before:
        monkeypatch.setenv("PULSE_SOURCE", before)
    portaudio.refuses = refuses
    try:
        Recording(MONITOR, queue_seconds=1, clock=time.monotonic).close()
    except SourceError as error:
        assert refuses
        assert str(error).startswith("Monitor of speaker: cannot be opened at 44100 Hz: Device unavailable;")  # noqa: PT017
    assert portaudio.wanted == ["speaker.monitor"]
    assert os.environ.get("PULSE_SOURCE") == before


def test_another_device_is_opened_in_the_environment_as_it_is(portaudio, monkeypatch):
    monkeypatch.setenv("PULSE_SOURCE", "line.in")
    Recording(find_device(None, "input"), queue_seconds=1, clock=time.monotonic).close()
    assert portaudio.wanted == ["line.in"]


# ----------------------------------------------------------------------------------------------- macOS and Windows


def inputs(*names):
    """Return a stand-in that has these inputs."""
    module = stand_in(Script(1.0))
    infos = [
        {"index": n, "name": name, "hostapi": 0, "max_input_channels": 2, "default_samplerate": 48000.0}
        for n, name in enumerate(names)
    ]

    def query_devices(device=None, kind=None):
        if kind is None:
            return infos
        (found,) = [info for info in infos if device in (info["index"], info["name"])] or infos[:1]
        return found

    module.query_devices = query_devices
    return module


@pytest.mark.parametrize(
    ("platform", "names", "expected"),
    [
        ("darwin", ["MacBook Microphone", "BlackHole 2ch"], "BlackHole 2ch"),
        ("darwin", ["BLACKHOLE 16ch", "BlackHole 2ch"], "BLACKHOLE 16ch"),
        ("win32", ["Microphone (USB)", "Stereo Mix (Realtek(R) Audio)"], "Stereo Mix (Realtek(R) Audio)"),
        ("win32", ["Microphone", "CABLE Output (VB-Audio Virtual "], "CABLE Output (VB-Audio Virtual "),
        ("win32", ["CABLE Output (VB-Audio Virtual ", "Stereomix"], "Stereomix"),
    ],
)
def test_a_driver_that_hears_everything_is_found_by_its_name(platform, names, expected, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", inputs(*names))
    monkeypatch.setattr(sys, "platform", platform)
    assert SystemSource().title == expected
    assert SystemSource(0).title == names[0]


@pytest.mark.parametrize(("platform", "advice"), [("darwin", "install BlackHole"), ("win32", "enable Stereo Mix")])
def test_without_such_a_driver_it_says_how_to_get_one(platform, advice, monkeypatch, capsys, model_path):
    monkeypatch.setitem(sys.modules, "sounddevice", inputs("Microphone"))
    monkeypatch.setattr(sys, "platform", platform)
    assert main(["--system", "--model", str(model_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"emodj-live: no input hears what this machine plays: {advice}")


# --------------------------------------------------------------------------------------------- the server's library


@pytest.fixture
def without_library(monkeypatch):
    """The system has no libpulse."""

    def refuse(name):
        raise OSError(f"{name}: cannot open shared object file")

    pulse._library.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(sys, "platform", "linux")
    yield
    pulse._library.cache_clear()


@pytest.mark.usefixtures("without_library")
def test_the_library_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", inputs("pulse", "Microphone"))
    with pytest.raises(SourceError, match=r"libpulse is missing; install it: apt install libasound2-plugins"):
        SystemSource()
    assert [device.name for device in list_devices("input")] == ["pulse", "Microphone"]


# -------------------------------------------------------------------------------------------------- the song's title


@pytest.fixture
def playerctl(tmp_path, monkeypatch):
    """``playerctl(script)``: put a shell script in the place of playerctl."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(playing, "_PAUSE", 0.01)

    def write(script):
        path = tmp_path / "new"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        path.replace(tmp_path / "playerctl")

    return write


def wait_for(title, now):
    """Wait until it is the title."""
    for _ in range(1000):
        if now.title == title:
            return
        time.sleep(0.01)
    raise AssertionError(f"{now.title!r} is not {title!r}")


@posix
def test_the_title_is_what_a_player_says(playerctl, tmp_path):
    playerctl(f"echo \"$@\" > '{tmp_path}/asked'; printf 'Playing\\tThe Band\\tThe\\033[31m Song\\n'")
    with NowPlaying() as now:
        wait_for("The Band - The?[31m Song", now)
        assert (tmp_path / "asked").read_text().startswith("--all-players metadata --format {{status}}\t{{artist}}\t")
        playerctl("printf 'Paused\\tA\\tB\\nPlaying\\t\\tA tab\\tand ü\\nPlaying\\tC\\tD\\n'")
        wait_for("A tab\tand ü".replace("\t", "?"), now)
        playerctl("printf 'Stopped\\t\\t\\n'; exit 1")
        wait_for("", now)
        playerctl("printf 'Playing\\tA\\tB\\n'")
        wait_for("A - B", now)
    assert now.title == ""


@posix
@pytest.mark.parametrize("script", ["echo 'No players found' >&2; exit 1", "printf '\\377Playing'", "printf Playing"])
def test_no_title(script, playerctl):
    playerctl(script)
    assert playing._answer() == ""


@posix
def test_a_player_that_does_not_answer_holds_nothing_up(playerctl, monkeypatch):
    monkeypatch.setattr(playing, "_TIMEOUT", 0.05)
    playerctl("exec sleep 60")
    assert playing._answer() == ""


def test_without_playerctl(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert playing._answer() == ""
    with NowPlaying() as now:
        assert now.title == ""

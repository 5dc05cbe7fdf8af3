"""What the machine plays, on a real sound server of our own; ``test_system_without_sound.py`` has what needs none."""

import os
import signal
from pathlib import Path

import pytest
import soundfile
from virtual_microphone import SAMPLE_RATE, VirtualMicrophone, find_start, missing, resampled, uneven_noise, wait_until

pytestmark = [pytest.mark.sound, pytest.mark.slow]

RATE = 44100


@pytest.fixture(scope="module")
def machine():
    """A machine with three outputs; its default input hears the one into which nobody plays."""
    if reason := missing():
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    with VirtualMicrophone(speakers=("quiet", "music", "other")) as machine:
        yield machine


@pytest.fixture(autouse=True)
def _defaults(machine):
    machine.choose(output="music", input="quiet")


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """Write a minute of noise that tells where in it one is."""
    path = tmp_path_factory.mktemp("noise") / "noise.wav"
    soundfile.write(path, uneven_noise(60), RATE, subtype="FLOAT")
    return path


@pytest.fixture
def emodj_live(machine, model_path):
    """``emodj_live(*arguments)``: the command line on that machine; it does not outlive the test."""
    programs = []

    def start(*arguments, **environment):
        programs.append(machine.start("-m", "emodj_live", *arguments, EMODJ_MODEL=str(model_path), **environment))
        return programs[-1]

    yield start
    for program in programs:
        program.process.kill()
        program.end()


def heard_from(machine, program, noise, output, count=6):
    """Play into an output for a while; return the levels of the last windows and when the stream's time was 0."""
    recording = machine.record(output)
    wait_until(lambda: recording.has_begun, 20, "the recording begins")
    before = len(program.lines)
    player = machine.play(noise, output)
    program.wait_for_lines(before + count)
    player.kill()
    audio, records = resampled(recording.stop(), recording.rate), program.records[before + 1 :]
    origin = recording.moment(0) - find_start(records, audio) / SAMPLE_RATE
    return max(record["level"] for record in records[1:]), origin


def test_it_hears_the_default_output_and_follows_it(machine, emodj_live, noise):
    before = machine.defaults
    program = emodj_live("--system", "--json")
    program.wait_for_lines(1)
    level, origin = heard_from(machine, program, noise, "music")
    assert level > -40
    assert heard_from(machine, program, noise, "quiet")[0] == -120  # the default input
    assert heard_from(machine, program, noise, "other")[0] == -120
    assert machine.defaults == before == ("music", "quiet.monitor")
    for output, former in [("other", "music"), ("music", "other")]:
        machine.choose(output=output)
        program.wait_for(
            lambda output=output: f"now listening to Monitor of {output}." in program.errors, 10, "it says so"
        )
        count = len(program.lines)
        program.wait_for_lines(count + 1)
        level, moved = heard_from(machine, program, noise, output)
        assert level > -40
        assert moved == pytest.approx(origin, abs=0.1)
        assert heard_from(machine, program, noise, former)[0] == -120
    assert program.end(signal.SIGINT) == 0
    assert {record["source"] for record in program.records} == {"Monitor of music"}
    assert program.records[-1]["gain"] != 0
    times = [record["time"] for record in program.records]
    assert times == sorted(set(times))
    assert "waiting" not in program.errors


def test_all_outputs_go_away_and_come_back(machine, emodj_live, noise):
    program = emodj_live("--system", "--json")
    program.wait_for_lines(1)
    _, origin = heard_from(machine, program, noise, "music")
    machine.unplug()
    try:
        program.wait_for(lambda: "waiting for the device" in program.errors, 10, "it says so")
    finally:
        for speaker in machine.speakers:
            machine.replug(speaker)
        machine.choose(output="other", input="quiet")
    program.wait_for(lambda: "Monitor of other: is back after" in program.errors, 20, "it is back")
    program.wait_for_lines(len(program.lines) + 1)
    level, moved = heard_from(machine, program, noise, "other")
    assert level > -40
    assert moved == pytest.approx(origin, abs=0.1)


@pytest.mark.parametrize(
    "arguments",
    [["--system", "-d", "QUIET"], ["--mic", "-d", "monitor of quiet"], ["--mic", "-d", "quiet.monitor"]],
    ids=" ".join,
)
def test_an_output_may_be_named(arguments, machine, emodj_live, noise):
    program = emodj_live(*arguments, "--json")
    program.wait_for_lines(1)
    assert heard_from(machine, program, noise, "quiet")[0] > -40
    machine.choose(output="other")  # it is not the default one that it hears
    assert heard_from(machine, program, noise, "quiet")[0] > -40
    assert "now listening" not in program.errors
    assert program.records[-1]["source"] == "Monitor of quiet"


def test_monitors_are_listed(emodj_live):
    program = emodj_live("-l")
    assert program.end() == 0
    listed = [line.strip() for _, line in program.lines if "PulseAudio" in line]
    assert listed == [
        f"--  Monitor of {name} (PulseAudio: {name}.monitor), 2 channels, 44100 Hz"
        for name in ("quiet", "music", "other")
    ]


def test_an_output_that_is_not_there(emodj_live):
    program = emodj_live("--system", "-d", "gramophone")
    assert program.end() == 1
    (line,) = program.errors.splitlines()
    assert line.startswith("emodj-live: no output monitor matches 'gramophone'; name one of these: Monitor of quiet (")


def test_without_a_sound_server(emodj_live, tmp_path):
    program = emodj_live("--system", PULSE_SERVER=f"unix:{tmp_path}/none")
    assert program.end() == 1
    assert program.errors == (
        "emodj-live: no sound server answers; start PulseAudio, or PipeWire with pipewire-pulse.\n"
    )


def test_portaudio_without_a_device_for_the_server(emodj_live, tmp_path):
    alsa = Path("/usr/share/alsa/alsa.conf").read_text(encoding="utf-8")
    (tmp_path / "asound.conf").write_text(alsa.partition("\n]\n")[2])  # without the files that plugins bring
    program = emodj_live("--system", ALSA_CONFIG_PATH=str(tmp_path / "asound.conf"))
    assert program.end() == 1
    (line,) = program.errors.splitlines()
    assert "PortAudio has no device for the sound server; install " in line
    assert "apt install libasound2-plugins" in line


def test_the_sound_server_is_restarted(model_path, noise):
    with VirtualMicrophone(speakers=("music",)) as machine:
        program = machine.start("-m", "emodj_live", "--system", "--json", EMODJ_MODEL=str(model_path))
        program.wait_for_lines(1)
        machine.restart()
        program.wait_for(lambda: "Monitor of music: is back after" in program.errors, 30, "it is back")
        program.wait_for_lines(len(program.lines) + 1)
        assert heard_from(machine, program, noise, "music")[0] > -40
        assert program.end(signal.SIGTERM) == 0

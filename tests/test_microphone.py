"""The microphone source on a real microphone of our own; ``test_recording.py`` has what needs none."""

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import pytest
import soundfile
from virtual_microphone import SAMPLE_RATE, find_start, listening, resampled, uneven_noise, wait_until

from emodj_live import EmotionTracker

pytest_plugins = ["virtual_microphone"]
pytestmark = [pytest.mark.sound, pytest.mark.slow]

RATE = 44100


@pytest.fixture(scope="session")
def live_model(model, tmp_path_factory):
    """Save the model in a file, for processes."""
    path = tmp_path_factory.mktemp("model") / "model.npz"
    model.save(path)
    return str(path)


@pytest.fixture(scope="session")
def clip(music, tmp_path_factory):
    """Twelve seconds of music in a file."""
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    soundfile.write(path, music(12, seed=3, sample_rate=RATE), RATE, subtype="FLOAT")
    return path


@pytest.fixture
def noise(tmp_path):
    """Write a minute of noise that tells where in it one is."""
    path = tmp_path / "noise.wav"
    soundfile.write(path, uneven_noise(60), RATE, subtype="FLOAT")
    return path


@pytest.fixture
def emodj_live(virtual_microphone, live_model):
    """``emodj_live(*arguments)``: the command line on the microphone; it does not outlive the test."""
    programs = []

    def start(*arguments):
        programs.append(virtual_microphone.start("-m", "emodj_live", *arguments, EMODJ_MODEL=live_model))
        return programs[-1]

    yield start
    for program in programs:
        program.process.kill()
        program.end()


def hear(microphone, command, clip, model_path):
    """Listen to a clip played into the microphone; return the emotions."""
    program = microphone.start(*command, EMODJ_MODEL=model_path)
    program.wait_for_lines(1)
    assert microphone.play(clip).wait(60) == 0
    program.wait_for_lines(len(program.lines) + 2)
    assert program.end(signal.SIGTERM) in (0, -signal.SIGTERM)
    assert "lost" not in program.errors
    return program.records


@pytest.fixture(scope="session")
def heard(virtual_microphone, other_virtual_microphone, live_model, clip):
    """Hear the clip at the device's own rate, and at 48 kHz on a server at 48 kHz."""
    ways = {
        "own rate": (virtual_microphone, ("-m", "emodj_live", "--mic", "--json", "--gain", "0")),
        "resampled": (other_virtual_microphone, listening(device_rate=48000)),
    }
    with ThreadPoolExecutor() as pool:
        found = {way: pool.submit(hear, *arguments, clip, live_model) for way, arguments in ways.items()}
        return {way: result.result() for way, result in found.items()}


@pytest.mark.parametrize("way", ["own rate", "resampled"])
def test_emotions_agree_with_those_of_the_file(way, heard, model, clip):
    records = heard[way]
    audio = resampled(soundfile.read(clip, dtype="float32")[0], RATE)
    start = find_start(records, audio)
    padded = np.concatenate([np.zeros(start, np.float32), audio, np.zeros(SAMPLE_RATE, np.float32)])
    expected = {emotion.time: asdict(emotion) for emotion in EmotionTracker(model).track([padded])}
    pairs = [(r, expected[r["time"]]) for r in records if r["time"] in expected and not r["is_silent"]]
    assert len(pairs) >= 22
    for name in ("valence", "arousal"):
        differences = [abs(record[name] - emotion[name]) for record, emotion in pairs]
        assert np.mean(differences) < 0.03
        assert np.std([record[name] for record, _ in pairs]) > 0.03  # else anything would agree
    assert [record["time"] for record in records] == [0.5 * (n + 1) for n in range(len(records))]


def origin(microphone, program, since, noise, count=5):
    """Return by ``time.monotonic()`` when the stream's time was 0, according to what is heard after `since`."""
    recording = microphone.record()
    wait_until(lambda: recording.has_begun, 20, "the recording begins")
    player = microphone.play(noise)
    program.wait_for_lines(len(program.lines) + count)
    player.kill()
    audio = resampled(recording.stop(), recording.rate)
    records = [record for record in program.records if record["time"] > since]
    return recording.moment(0) - find_start(records, audio) / SAMPLE_RATE


def test_unplugged_and_back(virtual_microphone, emodj_live, noise):
    program = emodj_live("--mic", "--json")
    program.wait_for_lines(1)
    expected = origin(virtual_microphone, program, 0, noise)
    for cycle in (1, 2):
        virtual_microphone.unplug()
        program.wait_for(lambda cycle=cycle: program.errors.count("no audio arrives") == cycle, 10, "it says so")
        before = program.records[-1]["time"]
        count = len(program.lines)
        virtual_microphone.replug()
        program.wait_for_lines(count + 1, timeout=5)
        assert program.lines[count][0] - program.records[count]["time"] == pytest.approx(expected, abs=0.5)
        assert origin(virtual_microphone, program, before, noise) == pytest.approx(expected, abs=0.1)
        assert program.errors.count("is back after") == cycle
        assert program.errors.count(" s of audio (") == cycle
    assert program.end(signal.SIGINT) == 0
    assert "Traceback" not in program.errors
    times = [record["time"] for record in program.records]
    assert times == sorted(set(times))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_in_good_order(number, emodj_live):
    program = emodj_live("--mic", "--plain")
    program.wait_for_lines(1)
    assert program.end(number) == 0
    assert "default: nothing heard in " in program.errors
    assert "Traceback" not in program.errors


def test_signal_while_the_device_is_away(virtual_microphone, emodj_live):
    program = emodj_live("--mic", "--json")
    program.wait_for_lines(1)
    virtual_microphone.unplug()
    try:
        program.wait_for(lambda: "no audio arrives" in program.errors, 10, "it says so")
        assert program.end(signal.SIGTERM) == 0
    finally:
        virtual_microphone.replug()


def test_device_by_a_part_of_its_name(emodj_live):
    program = emodj_live("--mic", "--json", "-d", "SPEAK", "--duration", "1")
    assert program.end() == 0, program.errors
    assert [(record["source"], record["time"]) for record in program.records] == [("speaker", 0.5), ("speaker", 1.0)]


@pytest.mark.parametrize("device", ["gramophone", "99"])
def test_device_that_is_not_there(device, emodj_live):
    program = emodj_live("--mic", "--json", "-d", device)
    assert program.end() == 1
    assert len(program.errors.splitlines()) == 1
    assert device in program.errors
    assert "speaker (ALSA), 32 channels, 44100 Hz" in program.errors


def test_list_of_devices(emodj_live):
    program = emodj_live("-l")
    assert program.end() == 0
    assert program.errors == ""
    inputs = [line for _, line in program.lines[: len(program.lines) // 2]]
    assert [line.split()[2] for line in inputs if line.startswith("  *")] == ["default"]
    assert any("speaker (ALSA), 32 channels, 44100 Hz" in line for line in inputs)


def test_slow_sink_loses_the_oldest_and_says_so(virtual_microphone, live_model, noise):
    program = virtual_microphone.start(
        *listening(sleep_at=1.0, sleep_for=3.5, queue_seconds=1.0, seconds=8), EMODJ_MODEL=live_model
    )
    program.wait_for_lines(1)
    recording = virtual_microphone.record()
    player = virtual_microphone.play(noise)
    assert program.end() == 0
    player.kill()
    audio, records = resampled(recording.stop(), recording.rate), program.records
    lost = records[-1]["lost"]
    assert 2 < lost < 3
    assert f"({lost:.2f} s in all)" in program.errors
    steps = np.diff([record["time"] for record in records])
    assert np.count_nonzero(steps > 0.51) == 1
    assert steps.max() == pytest.approx(lost + 0.5, abs=0.51)
    # on a busy machine the recording may have a small hole of its own near its beginning
    assert find_start(records, audio) == pytest.approx(find_start(records[-6:], audio), abs=0.1 * SAMPLE_RATE)


def test_rate_that_leaves_something_out_is_told(virtual_microphone, live_model):
    program = virtual_microphone.start(*listening(seconds=1, device_rate=8000), EMODJ_MODEL=live_model)
    assert program.end() == 0, program.errors
    assert program.errors.count("a sample rate of 8000 Hz lacks the top of the spectrum") == 1


@pytest.mark.parametrize("stop", ["sink", "thread"])
def test_stopped_twice(stop, virtual_microphone, live_model):
    program = virtual_microphone.start(*listening(seconds=1.5, stop=stop), EMODJ_MODEL=live_model)
    assert program.end() == 0, program.errors
    assert program.records
    assert all(record["time"] <= 2 for record in program.records)

"""The microphone source on a simulated input device, without PortAudio."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from standins import BLOCK, DEVICE_DELAY, RATE, Script, stand_in

from emodj_live import EmotionModel, Gap, MicrophoneSource, SourceError
from emodj_live.blocks import status_of, title_of
from emodj_live.cli import main
from emodj_live.sources import microphone
from emodj_live.sources.resample import Resampler

SAMPLE_RATE = 22050


@pytest.fixture
def plug_in(monkeypatch):
    """``plug_in(sound)``: make the stand-in the only input device; returns its sounddevice."""

    def plug_in(sound):
        module = stand_in(sound)
        monkeypatch.setitem(sys.modules, "sounddevice", module)
        return module

    return plug_in


def listen(sound):
    """Return a source, and an iterator over what it hears until the device falls silent for good."""
    source = MicrophoneSource(clock=sound.clock, queue_seconds=1000)

    def blocks():
        stream = iter(source)
        for block in stream:
            yield block
            if sound._at >= sound._frames and not source.is_connected:
                break
        stream.close()

    return source, blocks()


def durations(blocks):
    """Return how long the stretches between gaps are, and the gaps [s]."""
    stretches, gaps = [0.0], []
    for block in blocks:
        if isinstance(block, Gap):
            gaps.append(block.samples / SAMPLE_RATE)
            stretches.append(0.0)
        else:
            stretches[-1] += len(block) / SAMPLE_RATE
    return stretches, gaps


# ------------------------------------------------------------------------------------------------------------- losses


def test_without_losses_there_is_no_gap(plug_in):
    plug_in(sound := Script(3.0))
    source, blocks = listen(sound)
    stretches, gaps = durations(blocks)
    assert (gaps, source.lost) == ([], 0)
    assert stretches == [pytest.approx(sound.made, abs=2e-4)]


def test_loss_that_portaudio_reports_is_a_gap_in_its_place(plug_in):
    """It is too short to be noticed without the flag."""
    plug_in(sound := Script(4.0, [(2.0, 0.08, True)]))
    source, blocks = listen(sound)
    stretches, gaps = durations(blocks)
    assert gaps == [pytest.approx(0.08, abs=0.002)]
    assert stretches[0] == pytest.approx(2.0, abs=BLOCK / RATE)
    assert source.lost == pytest.approx(0.08, abs=0.002)


def test_loss_that_nobody_reports_is_noticed(plug_in):
    plug_in(sound := Script(4.0, [(2.0, 0.4, False)]))
    stretches, gaps = durations(listen(sound)[1])
    assert gaps == [pytest.approx(0.4, abs=0.002)]
    assert stretches[0] == pytest.approx(2.5, abs=0.05)


def test_rounding_errors_of_many_losses_do_not_add_up(plug_in):
    """A gap ends where the sound does, whatever the resampler gave out before it."""
    plug_in(sound := Script(60.0, [(at, 0.0801, True) for at in np.arange(0.5, 59, 0.3)]))
    source, blocks = listen(sound)
    assert len(durations(blocks)[1]) == 195
    assert source.position == pytest.approx(sound.made, abs=2 / SAMPLE_RATE)


def test_what_waits_too_long_is_dropped_and_reported(plug_in, caplog):
    plug_in(sound := Script(10.0))
    source = MicrophoneSource(clock=sound.clock, queue_seconds=1.0)  # and all comes at once
    blocks = iter(source)
    gaps = durations(next(blocks) for _ in range(80))[1]
    assert gaps == [pytest.approx(9.0, abs=0.05)]
    assert f"stand-in: lost {source.lost:.2f} s of audio ({source.lost:.2f} s in all)." in caplog.text
    blocks.close()


# ------------------------------------------------------------------------------------------------------------- status


def test_status_while_connected_and_while_away(plug_in, caplog):
    plug_in(sound := Script(6.0, [(1.0, 0.5, True)], away=(3.0, 2.0)))
    source, blocks = listen(sound)
    away = source.status()
    assert status_of(source) == away
    assert (title_of(source), away.position, away.lost, away.behind) == ("stand-in", 0, 0, None)
    statuses = [source.status() for _ in blocks]
    connected = [status for status in statuses if status.is_connected]
    assert {status.alarm for status in connected} == {""}
    assert all(status.behind > 0.99 * DEVICE_DELAY for status in connected)
    assert {(status.input_rate, status.channels) for status in statuses} == {(RATE, 1)}
    assert sorted({status.lost for status in connected}) == pytest.approx([0, 0.5, 2.5], abs=0.01)
    away = [status for status in statuses if not status.is_connected]
    assert {(status.alarm, status.behind) for status in away} == {("no audio arrives; waiting for the device", None)}
    assert statuses[-1].position == pytest.approx(sound.made, abs=1e-3)
    warnings = [record.message for record in caplog.records]
    assert warnings[1] == "stand-in: no audio arrives; waiting for the device."
    assert warnings[2] == "stand-in: is back after 2.0 s."


class Exchanged:
    """Three seconds from a device at 44.1 kHz, two of nothing, and three from another one at 48 kHz."""

    def __init__(self):
        self.now, self.rate, self.left = 0.0, 44100.0, 3 * 44100
        self._noise = np.random.default_rng(0).normal(scale=0.1, size=(BLOCK, 1)).astype(np.float32)

    def clock(self):
        return self.now

    def block(self):
        if self.left > 0:
            self.left -= BLOCK
            self.now += BLOCK / self.rate
            return self._noise, False
        if self.rate == 44100:
            self.now, self.rate, self.left = self.now + 2, 48000.0, 3 * 48000
        return None


def test_another_device_at_another_rate_keeps_the_time(plug_in):
    module = plug_in(sound := Exchanged())
    first = module.query_devices()
    module.query_devices = lambda *_: {**first, "default_samplerate": sound.rate}
    source = MicrophoneSource(clock=sound.clock, queue_seconds=1000)
    stream, blocks = iter(source), []
    while not (sound.rate == 48000 and sound.left <= 0 and not source.is_connected):
        blocks.append(next(stream))
    stream.close()
    stretches, gaps = durations(blocks)
    assert gaps == [pytest.approx(2.0, abs=0.02)]
    assert stretches == [pytest.approx(3.0, abs=0.02), pytest.approx(3.0, abs=0.02)]
    assert source.position == pytest.approx(sound.now, abs=0.02)


def test_heartbeat_while_the_device_is_away(plug_in, monkeypatch):
    """At least 30 blocks a second, by what it waits for."""
    plug_in(sound := Script(1.0))
    source, blocks = listen(sound)
    for _ in blocks:
        pass
    naps = []

    def nap(seconds):
        naps.append(seconds)
        sound.now += seconds

    monkeypatch.setattr(microphone.time, "sleep", nap)
    waiting = source._reconnect()
    monkeypatch.setattr(source, "_reopen", lambda: False)
    assert {len(next(waiting)) for _ in range(100)} == {0}
    assert len(naps) == 100
    assert max([*naps, microphone._HEARTBEAT]) <= 1 / 30


def test_opens_the_device_at_its_own_rate(plug_in):
    module = plug_in(sound := Script(0.5))
    _, blocks = listen(sound)
    assert module.InputStream.opened == []  # not before it is iterated
    next(blocks)
    (options,) = module.InputStream.opened
    assert (options["device"], options["samplerate"], options["channels"]) == (0, RATE, 1)
    blocks.close()


def test_device_that_refuses(plug_in):
    module = plug_in(Script(1.0))

    def refuse(_):
        raise module.PortAudioError("Device unavailable")

    module.InputStream.start = refuse
    message = r"^stand-in: cannot be opened at 44100 Hz: Device unavailable; check that it is allowed, not muted and"
    with pytest.raises(SourceError, match=message):
        next(iter(MicrophoneSource()))


# --------------------------------------------------------------------------------------------------- the command line


@pytest.fixture
def mic(plug_in, model_path, monkeypatch, capsys):
    """``mic(sound, *arguments)``: the JSON lines of ``emodj-live --mic --json``."""
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))

    def mic(sound, *arguments):
        module = plug_in(sound)
        assert main(["--mic", "--json", "--duration", "2", *arguments]) == 0
        return module, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return mic


def test_microphone_has_automatic_gain(mic, model):
    _, lines = mic(Script(4.0, level=0.01))
    assert len(lines) == 4
    assert lines[-1]["level"] < -40
    assert lines[-1]["gain"] == pytest.approx(model.reference_level - lines[-1]["level"], abs=0.5)


def test_gain_of_the_microphone_may_be_fixed(mic):
    _, lines = mic(Script(4.0, level=0.01), "--gain", "3")
    assert {line["gain"] for line in lines} == {3}


def test_model_is_warm_before_the_microphone_opens(mic, monkeypatch):
    """Its first prediction takes long, and the first seconds would overflow the queue."""
    opened_at_prediction, sound, predict = [], Script(4.0), EmotionModel.predict

    def watched(model, features):
        opened_at_prediction.append(len(sys.modules["sounddevice"].InputStream.opened))
        return predict(model, features)

    monkeypatch.setattr(EmotionModel, "predict", watched)
    _, lines = mic(sound)
    assert lines
    assert opened_at_prediction[0] == 0
    assert opened_at_prediction[-1] == 1


# ------------------------------------------------------------------------------------------------------ what it needs


@pytest.fixture
def song(music, write_audio):
    return write_audio("song.wav", music(2.0, 3, RATE), RATE)


@pytest.fixture
def without_portaudio(tmp_path):
    """Make an environment in which sounddevice says what it says where PortAudio is not installed."""
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}


def in_environment(environment, *arguments):
    command = [sys.executable, "-m", "emodj_live", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--mic", "--json"], ["-l"]])
def test_portaudio_is_missing(arguments, without_portaudio, model_path):
    run = in_environment({**without_portaudio, "EMODJ_MODEL": str(model_path)}, *arguments)
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert "apt install libportaudio2" in run.stderr
    assert "brew install portaudio" in run.stderr


def test_files_need_no_portaudio(without_portaudio, model_path, song):
    run = in_environment({**without_portaudio, "EMODJ_MODEL": str(model_path)}, song, "--json")
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) == 4


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_queue_has_to_have_a_length(seconds):
    with pytest.raises(ValueError, match=f"queue_seconds must be positive, got {seconds}"):
        MicrophoneSource(queue_seconds=seconds)


@pytest.mark.parametrize("rate", [0, True, 2e6])
def test_output_rate_out_of_range(rate):
    with pytest.raises(ValueError, match=f"sample_rate .* got {rate!r}"):
        MicrophoneSource(sample_rate=rate)


def test_resampler_keeps_the_samples_of_its_input(music):
    audio = music(2, sample_rate=RATE)
    resampler = Resampler(RATE, SAMPLE_RATE)
    pieces = [resampler.process(audio[i : i + BLOCK, np.newaxis]) for i in range(0, len(audio), BLOCK)]
    pieces.append(resampler.process(audio[:0, np.newaxis], last=True))
    assert sum(map(len, pieces)) == 2 * SAMPLE_RATE

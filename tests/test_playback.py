"""Playback in step: on a stand-in for PortAudio whose clock we move, and through a real null sink."""

import subprocess
from collections import deque
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from standins import BUFFER, LATENCY, output_stand_in
from virtual_microphone import clicks, distances_from_clicks, wait_until

from emodj_live import EmotionTracker, FileSource, SourceError
from emodj_live.blocks import status_of, title_of
from emodj_live.sources import deck, ffmpeg, playback
from emodj_live.sources.playback import PlayedSource

pytest_plugins = ["virtual_microphone"]

RATE = 22050


@pytest.fixture
def portaudio(monkeypatch):
    """Have a sounddevice with one output device."""
    monkeypatch.setattr(playback, "_WAIT", 0)
    return output_stand_in(monkeypatch)


@pytest.fixture
def song(music, write_audio):
    return write_audio("song.wav", music(3), RATE, subtype="FLOAT")


def play(source, before=lambda: None):
    """Play to the end, a buffer for each turn; return when each block came and what was heard."""
    came, stream = [], None
    for block in source:
        stream = source.output._stream
        if len(block):
            came.append((len(block), stream.time))
        else:
            before()
            stream.turn()
    return came, np.concatenate(stream.heard), stream


def test_plays_the_file_as_it_is(portaudio, song, music):
    came, heard, stream = play(PlayedSource(FileSource(song)))
    audio = music(3)
    assert np.array_equal(heard[: len(audio), 0], audio)
    assert not heard[len(audio) :].any()
    assert sum(length for length, _ in came) == len(audio)
    assert not stream.is_open


@pytest.mark.skipif(not ffmpeg.is_available(), reason="needs ffmpeg")
def test_plays_what_ffmpeg_decodes(portaudio, song, music):
    lossless = song.with_name("song.m4a")
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", song, "-c:a", "alac", lossless], check=True)
    came, heard, _ = play(PlayedSource(FileSource(lossless)))
    audio = music(3)
    np.testing.assert_allclose(heard[: len(audio), 0], audio, atol=1e-4)
    assert sum(length for length, _ in came) == len(audio)


def test_place_in_the_file_stays_at_the_end(portaudio, song):
    assert PlayedSource(FileSource(song, start=1.0)).position == 1.0
    source = PlayedSource(FileSource(song))
    for _ in range(2):
        play(source)
        assert source.position == pytest.approx(3, abs=1e-6)


def test_each_block_comes_when_it_was_heard(portaudio, song):
    came, _, _ = play(PlayedSource(FileSource(song)))
    ends = np.cumsum([length for length, _ in came]) / RATE
    late = np.array([moment for _, moment in came]) - (50 + LATENCY + ends)
    assert late.min() > -1e-6
    assert late.max() < 0.011 + BUFFER / RATE


def test_what_is_no_sound_is_told_and_silent(portaudio, write_audio, music, caplog):
    audio = music(1).copy()
    audio[5000], audio[6000] = np.nan, np.inf
    _, heard, _ = play(PlayedSource(FileSource(write_audio("song.wav", audio, RATE, subtype="FLOAT"))))
    assert np.isfinite(heard).all()
    assert "song.wav: 2 samples were not finite" in caplog.text


@pytest.mark.parametrize("delay", [0.3, -0.05])
def test_delay(delay, portaudio, song):
    came, _, _ = play(PlayedSource(FileSource(song)))
    delayed, _, _ = play(PlayedSource(FileSource(song), delay=delay))
    moved = [after - before for (_, before), (_, after) in zip(came, delayed, strict=True)][100:]
    assert np.mean(moved) == pytest.approx(delay, abs=0.01)


def test_drains_at_the_end(portaudio, song, model, music):
    source = PlayedSource(FileSource(song))
    turns = []

    def blocks():
        for block in source:
            yield block
            if not len(block):
                source.output._stream.turn()
                turns.append(source.output._stream.time)

    emotions = list(EmotionTracker(model).track(blocks()))
    expected = list(EmotionTracker(model).track([music(3)]))
    assert [emotion.time for emotion in emotions] == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert [emotion.valence for emotion in emotions] == pytest.approx([e.valence for e in expected], abs=2e-5)
    assert turns[-1] >= 50 + LATENCY + 3


def test_pause_stops_sound_and_blocks(portaudio, song, music):
    source = PlayedSource(FileSource(song))
    blocks = iter(source)
    found = []
    while sum(found) < RATE:
        found.append(len(next(blocks)))
        if not found[-1]:
            source.output._stream.turn()
    source.is_paused = True
    quiet_from = len(source.output._stream.heard)
    in_flight = 0
    for _ in range(200):
        block = next(blocks)
        in_flight += len(block)
        if not len(block):
            source.output._stream.turn()
    assert in_flight <= (LATENCY + 0.02) * RATE  # what was on its way to the loudspeaker
    position = source.position
    assert not np.concatenate(source.output._stream.heard[quiet_from:]).any()
    assert source.underflows == 0
    source.is_paused = False
    stream = source.output._stream
    for block in blocks:
        found.append(len(block))
        if not len(block):
            stream.turn()
    heard = np.concatenate(stream.heard)[:, 0]
    assert position == pytest.approx(quiet_from * BUFFER / RATE, abs=0.02)
    assert np.array_equal(heard[: quiet_from * BUFFER], music(3)[: quiet_from * BUFFER])
    resumed = quiet_from * BUFFER + np.flatnonzero(heard[quiet_from * BUFFER :])[0]
    assert np.array_equal(heard[resumed : resumed + RATE], music(3)[quiet_from * BUFFER :][:RATE])


def test_underflows_are_counted(portaudio, song):
    source = PlayedSource(FileSource(song))
    blocks = iter(source)
    next(blocks)
    assert source.underflows == 0
    source.output._stream.turn(underflow=True)
    source.output._stream.turn()
    assert source.underflows == 1
    source.output._stream.turn(10 * RATE)  # more than was decoded ahead
    assert source.underflows == 2
    blocks.close()


def test_the_end_is_no_underflow(portaudio, song):
    source = PlayedSource(FileSource(song))
    play(source)
    assert source.underflows == 0


def test_decodes_ahead_by_a_bounded_amount(portaudio, music, write_audio):
    path = write_audio("long.wav", np.tile(music(10), 20), RATE)
    source = PlayedSource(FileSource(path))
    most = 0
    for number, block in enumerate(source):
        most = max(most, source.passage.waiting)
        if not len(block):
            source.output._stream.turn()
        if number > 1500:
            break
    assert 1.5 * RATE < most < 2 * RATE + 2**19


@pytest.mark.parametrize(("channels", "rate"), [(1, 44100), (2, 44100), (1, 22050)])
def test_device_of_another_kind(channels, rate, portaudio, music, write_audio):
    mono = music(2, sample_rate=44100)
    path = write_audio("stereo.wav", np.stack([mono, -0.5 * mono], axis=1), 44100, subtype="FLOAT")
    portaudio.device |= {"max_output_channels": channels, "default_samplerate": float(rate)}
    came, heard, _ = play(PlayedSource(FileSource(path)))
    assert heard.shape[1] == channels
    assert np.flatnonzero(heard.any(axis=1)).max() == pytest.approx(2 * rate, abs=rate // 100)
    assert sum(length for length, _ in came) == pytest.approx(2 * RATE, abs=2)
    if channels == 2:
        assert np.array_equal(heard[: len(mono)], np.stack([mono, -0.5 * mono], axis=1))
    elif rate == 44100:
        assert np.allclose(heard[: len(mono), 0], 0.25 * mono, atol=1e-6)


def test_start_and_duration(portaudio, song, music):
    source = PlayedSource(FileSource(song, start=1.0, duration=0.5))
    blocks = iter(source)
    assert next(blocks).samples == RATE
    came = 0
    for block in blocks:
        came += len(block)
        stream = source.output._stream
        if not len(block):
            stream.turn()
    assert came == RATE // 2
    assert np.array_equal(np.concatenate(stream.heard)[: RATE // 2, 0], music(3)[RATE : RATE + RATE // 2])


@pytest.fixture
def now(monkeypatch):
    """Stop the clock: it stands in a list."""
    now = [0.0]
    time = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda _: None)
    monkeypatch.setattr(playback, "time", time)
    monkeypatch.setattr(deck, "time", time)
    return now


def test_device_that_goes_away(portaudio, song, now):
    source = PlayedSource(FileSource(song))
    with pytest.raises(SourceError, match="loudspeaker: stopped accepting audio; was it disconnected"):
        deque((now.__setitem__(0, now[0] + 0.1) for _ in source), maxlen=0)
    assert now[0] == pytest.approx(3.0, abs=0.2)
    assert source.output._stream is None


def test_status_is_the_files_with_the_sound(portaudio, song):
    file = FileSource(song, start=1.0)
    source = PlayedSource(file)
    assert (source.title, title_of(source)) == ("song.wav", "song.wav")
    blocks = iter(source)
    next(blocks), next(blocks)
    for _ in range(30):
        source.output._stream.turn(underflow=True)
    source.is_paused = True
    status = status_of(source)
    assert status == replace(
        file.status(), position=source.position, underflows=30, behind=source.behind, is_paused=True
    )
    assert (status.input_rate, status.channels, status.length) == (RATE, 1, 3.0)
    heard = 30 * BUFFER / RATE - LATENCY
    assert (status.position, status.behind) == (pytest.approx(1 + heard), pytest.approx(heard, abs=0.01))
    blocks.close()


def test_closes_the_file_that_it_decodes(portaudio, song):
    file, closed = FileSource(song), []
    frames = file.frames

    def watched(_position):
        try:
            yield from frames()
        finally:
            closed.append(1)

    file.frames = watched
    blocks = iter(PlayedSource(file))
    next(blocks)
    assert closed == []
    blocks.close()
    assert closed == [1]


def test_absurd_samples_are_not_played(portaudio, write_audio, music):
    frames = np.stack([music(1), music(1)], axis=1)
    frames[5000], frames[6000] = (3e38, 3e38), (np.inf, -np.inf)
    portaudio.device |= {"max_output_channels": 1}
    _, heard, _ = play(PlayedSource(FileSource(write_audio("song.wav", frames, RATE, subtype="FLOAT"))))
    assert np.abs(heard).max() <= 1


def test_program_that_stood_still_blames_no_device(portaudio, song, now):
    source = PlayedSource(FileSource(song))
    blocks = iter(source)
    for _ in range(3):
        next(blocks)
        now[0] += 3600  # as behind Ctrl-Z
    assert len(next(blocks)) == 0
    blocks.close()


def test_device_that_refuses(portaudio, song):
    portaudio.OutputStream.refuses = True
    with pytest.raises(SourceError, match="loudspeaker: cannot play at 22050 Hz: Device unavailable"):
        list(PlayedSource(FileSource(song)))


# ------------------------------------------------------------------------------------------------- through a null sink


@pytest.fixture
def click_file(write_audio):
    return write_audio("clicks.wav", clicks(6.2), 44100, subtype="FLOAT")


@pytest.mark.slow
@pytest.mark.sound
def test_in_step_with_what_is_heard(virtual_microphone, click_file, model_path):
    delay = 100
    recording = virtual_microphone.record()
    wait_until(lambda: recording.has_begun, 20, "the recording begins")
    command = ("-m", "emodj_live", click_file, "--play", "--json", "--delay-ms", delay)
    program = virtual_microphone.start(*command, EMODJ_MODEL=str(model_path))
    assert program.end() == 0, program.errors
    off = distances_from_clicks(program, recording) - delay / 1000
    assert [record["time"] for record in program.records] == [0.5 * (n + 1) for n in range(12)]
    assert len(off) == 12
    assert np.abs(off).max() < 0.05


@pytest.mark.slow
@pytest.mark.sound
def test_without_an_output_device_it_goes_on_silently(virtual_microphone, song, model_path, tmp_path):
    program = virtual_microphone.start(
        *("-m", "emodj_live", song, "--play", "--json"),
        EMODJ_MODEL=str(model_path),
        PULSE_SERVER=f"unix:{tmp_path}/nothing",
    )
    assert program.end() == 0, program.errors
    assert "continuing without playback: there is no output device" in program.errors
    assert len(program.lines) == 6
    came = [moment for moment, _ in program.lines]
    assert came[-1] - came[0] > 2.0  # at the speed of the music all the same


@pytest.mark.sound
def test_device_by_a_name_that_is_not_there(virtual_microphone, song, model_path):
    program = virtual_microphone.start(
        *("-m", "emodj_live", song, "--play", "--json", "-d", "gramophone"), EMODJ_MODEL=str(model_path)
    )
    assert program.end() == 1
    assert program.lines == []
    assert "no output device matches 'gramophone'" in program.errors
    assert len(program.errors.splitlines()) == 1

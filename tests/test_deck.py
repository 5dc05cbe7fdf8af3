"""Song after song on one output device: on a stand-in for PortAudio whose clock we move, and through a null sink."""

import sys

import numpy as np
import pytest
import soxr
from standins import BUFFER, LATENCY, OUTPUT_RATE, output_stand_in
from virtual_microphone import clicks, distances_from_clicks, playing, wait_until

from emodj_live import Deck, EmotionTracker, FileSource, PlayedSource, SourceError
from emodj_live.sources import deck as deck_module
from emodj_live.sources import playback

pytest_plugins = ["virtual_microphone"]

RATE = OUTPUT_RATE
CUT = round(0.01 * RATE)  # frames in which what is cut off fades out


@pytest.fixture
def portaudio(monkeypatch):
    """Have a sounddevice with one output device."""
    monkeypatch.setattr(playback, "_WAIT", 0)
    return output_stand_in(monkeypatch)


@pytest.fixture
def deck(portaudio):
    with Deck() as deck:
        yield deck


@pytest.fixture
def make(write_audio, music):
    """``make(deck, seconds, seed)`` -> a source on a deck, and its samples."""

    def make(deck, seconds, seed=0, sample_rate=RATE):
        samples = music(seconds, seed, sample_rate)
        path = write_audio(f"{seed}-{seconds}-{sample_rate}.wav", samples, sample_rate, subtype="FLOAT")
        return PlayedSource(FileSource(path), output=deck), samples

    return make


def follow(source, until=float("inf"), came=None, buffer=BUFFER):
    """Follow a source on the stand-in, a buffer for each turn; return what came, and when."""
    came, blocks = [] if came is None else came, iter(source)
    for block in blocks:
        if len(block):
            came.append((block, source.output._stream.time))
        else:
            source.output._stream.turn(buffer)
            assert len(source.output._stream.heard) < 10_000  # it may not wait for ever
        if sum(len(block) for block, _ in came) >= until:
            break
    blocks.close()
    return came


def heard(deck, channel=0):
    return np.concatenate(deck._stream.heard)[:, channel]


def blocks(came):
    return np.concatenate([block for block, _ in came])


def lateness(came, begin):
    """Return how much later than its last sample was heard each block came [s], if the first was heard at `begin`."""
    ends = np.cumsum([len(block) for block, _ in came]) / RATE
    return np.array([moment for _, moment in came]) - (begin + ends)


# -------------------------------------------------------------------------------------------------- without a pause


def test_songs_are_joined_to_the_sample(deck, make):
    sources, songs = zip(*[make(deck, 1.0 + 0.1234 * seed, seed) for seed in range(3)], strict=True)
    came = []
    for source in sources:
        deck.queue(source)
    for source in sources:
        came.append(follow(source))
    whole = np.concatenate(songs)
    assert np.array_equal(heard(deck)[: len(whole)], whole)
    assert not heard(deck)[len(whole) :].any()
    for each, song in zip(came, songs, strict=True):
        assert np.array_equal(blocks(each), song)
    assert len(deck._stream.opened) == 1
    assert deck.underflows == 0
    assert not deck._passages  # so that an evening of songs does not fill the memory


@pytest.mark.parametrize("buffer", [BUFFER, 11025])
def test_each_song_is_in_step_with_what_is_heard(buffer, deck, make):
    first, samples = make(deck, 1.3)
    second, _ = make(deck, 1.0, 1)
    deck.queue(first)
    deck.queue(second)
    begin = 50 + LATENCY
    for source, start in ((first, begin), (second, begin + len(samples) / RATE)):
        late = lateness(follow(source, buffer=buffer), start)
        assert late.min() > -1e-6
        assert late.max() < 0.011 + buffer / RATE


def test_each_song_is_a_stream_of_its_own(deck, make, model):
    sources, songs = zip(*[make(deck, 1.6, seed) for seed in range(2)], strict=True)
    tracker = EmotionTracker(model)
    for source in sources:
        deck.queue(source)
    for source, song in zip(sources, songs, strict=True):
        found = list(tracker.track([block for block, _ in follow(source)]))
        expected = list(tracker.track([song]))
        assert [emotion.time for emotion in found] == [0.5, 1.0, 1.5]
        assert [emotion.valence for emotion in found] == pytest.approx([e.valence for e in expected], abs=2e-5)


def test_songs_of_other_rates_and_channels(portaudio, write_audio, music):
    portaudio.device |= {"default_samplerate": 44100.0}
    stereo = np.stack([music(1, 1, 32000), -0.5 * music(1, 1, 32000)], axis=1)
    paths = [
        write_audio("a.wav", music(1), RATE, subtype="FLOAT"),
        write_audio("b.wav", stereo, 32000, subtype="FLOAT"),
        write_audio("c.wav", music(1, 2, 44100), 44100, subtype="FLOAT"),
    ]
    expected = [
        soxr.resample(np.repeat(music(1)[:, np.newaxis], 2, axis=1), RATE, 44100),
        soxr.resample(stereo, 32000, 44100),
        np.repeat(music(1, 2, 44100)[:, np.newaxis], 2, axis=1),
    ]
    with Deck() as deck:
        sources = [PlayedSource(FileSource(path), output=deck) for path in paths]
        for source in sources:
            deck.queue(source)
        for source in sources:
            follow(source)
        whole = np.concatenate(expected)
        assert np.concatenate(deck._stream.heard)[: len(whole)] == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize("extra", range(1, 4))
def test_end_is_reached_whatever_the_length(extra, portaudio, write_audio, music):
    """Resampling for the tracker may round up: then its last sample would belong to a frame that does not exist."""
    portaudio.device |= {"default_samplerate": 44100.0}
    path = write_audio("odd.wav", music(1, 0, 44100)[: 30_000 + extra], 44100, subtype="FLOAT")
    with Deck() as deck:
        came = follow(PlayedSource(FileSource(path), output=deck))
        assert len(blocks(came)) == pytest.approx((30_000 + extra) / 2, abs=1)


def test_song_that_was_not_queued_plays_on_the_same_device(deck, make):
    first, _ = make(deck, 0.6)
    second, samples = make(deck, 0.6, 1)
    follow(first)
    came = follow(second)
    assert np.array_equal(blocks(came), samples)
    assert len(deck._stream.opened) == 1
    assert deck.underflows == 0


def test_waiting_for_the_next_song_is_no_underflow(deck, make):
    follow(make(deck, 0.6)[0])
    for _ in range(100):
        deck._stream.turn()
    assert deck.underflows == 0


def test_song_may_be_played_again(deck, make):
    source, samples = make(deck, 0.6)
    for _ in range(2):
        assert np.array_equal(blocks(follow(source)), samples)
        assert source.position == pytest.approx(0.6, abs=1e-3)


@pytest.mark.slow
def test_decodes_ahead_by_a_bounded_amount(deck, make):
    first, _ = make(deck, 30.0)
    second, _ = make(deck, 31.0, 1)
    deck.queue(first)
    deck.queue(second)
    opened = []
    frames = second.file.frames
    second.file.frames = lambda _: (opened.append(deck._stream.time), frames())[1]
    follow(first)
    assert 50 + 30 - 2.2 < opened[0] < 50 + 30 - 1.5  # when the first one was decoded to its end, and not before


def test_paused_between_two_songs(deck, make):
    first, _ = make(deck, 1.0)
    second, samples = make(deck, 1.0, 1)
    deck.queue(first)
    deck.queue(second)
    follow(first)
    second.is_paused = True
    assert first.is_paused
    deck._stream.turn()
    before = len(heard(deck))
    for _ in range(50):
        deck._stream.turn()
    assert not heard(deck)[before:].any()
    second.is_paused = False
    assert np.array_equal(blocks(follow(second)), samples)
    assert deck.underflows == 0


# ------------------------------------------------------------------------------------------------------ next, previous


def test_queued_song_follows_at_once_when_the_present_one_is_stopped(deck, make):
    first, samples = make(deck, 20.0)
    second, following = make(deck, 1.0, 1)
    deck.queue(first)
    deck.queue(second)
    follow(first, until=RATE)
    stopped = len(heard(deck))
    came = follow(second)
    found = heard(deck)
    fading = samples[stopped : stopped + CUT] * np.linspace(1, 0, CUT, dtype=np.float32)
    expected = following.copy()
    expected[:CUT] += fading
    assert found[stopped : stopped + len(expected)] == pytest.approx(expected, abs=1e-6)
    assert np.array_equal(blocks(came), following)
    assert lateness(came, 50 + LATENCY + stopped / RATE).max() < 0.011 + BUFFER / RATE


def test_nothing_is_heard_of_a_song_that_was_stopped(deck, make):
    first, _ = make(deck, 20.0)
    follow(first, until=RATE)
    stopped = len(heard(deck))
    for _ in range(20):
        deck._stream.turn()
    assert heard(deck)[stopped : stopped + CUT - 1].any()
    assert not heard(deck)[stopped + CUT :].any()


def test_queue_may_be_changed(deck, make):
    (first, samples), (second, _), (third, following) = (make(deck, 1.0, seed) for seed in range(3))
    deck.queue(first)
    deck.queue(second)
    for block in first:
        if not len(block):
            deck._stream.turn()
            if len(heard(deck)) // BUFFER == RATE // 2 // BUFFER:
                deck.clear()
                deck.queue(third)
    follow(third)
    assert np.array_equal(heard(deck)[: 2 * RATE], np.concatenate([samples, following]))


def test_queue_may_be_emptied(deck, make):
    (first, samples), (second, _) = (make(deck, 1.0, seed) for seed in range(2))
    deck.queue(first)
    deck.queue(second)
    deck.clear()
    follow(first)
    for _ in range(20):
        deck._stream.turn()
    assert np.array_equal(heard(deck)[:RATE], samples)
    assert not heard(deck)[RATE:].any()


@pytest.mark.parametrize("is_queued", [True, False])
def test_song_out_of_turn_is_heard_instead(is_queued, deck, make):
    (first, samples), (second, _), (third, following) = (make(deck, 1.0, seed) for seed in range(3))
    for source in (first, second, third)[: 2 + is_queued]:
        deck.queue(source)
    follow(first)
    begin = len(heard(deck))
    came = follow(third)
    assert np.array_equal(blocks(came), following)
    assert heard(deck)[begin + CUT :][: RATE - CUT] == pytest.approx(following[CUT:], abs=1e-6)
    assert np.array_equal(heard(deck)[:RATE], samples)


@pytest.mark.parametrize("what", ["plays", "waits", "elsewhere"])
def test_what_cannot_be_queued_is_told(what, deck, make):
    source, _ = make(Deck() if what == "elsewhere" else deck, 1.0)
    blocks = iter(source)
    if what == "plays":
        next(blocks)
    elif what == "waits":
        deck.queue(source)
    with pytest.raises(ValueError, match="a source must have this deck as its output"):
        deck.queue(source)
    blocks.close()


# ---------------------------------------------------------------------------------------------------------- crossfade


@pytest.mark.parametrize(
    ("lengths", "crossfade", "fade"),
    [((2.0, 1.5), 0.6, 0.6), ((2.0, 0.5), 0.6, 0.25), ((0.8, 2.0), 0.6, 0.4), ((8.0, 2.5), 3.0, 1.25)],
)
def test_crossfade_has_equal_power_and_at_most_half_of_a_song(lengths, crossfade, fade, portaudio, make):
    with Deck(crossfade=crossfade) as deck:
        (first, samples), (second, following) = (make(deck, length, seed) for seed, length in enumerate(lengths))
        deck.queue(first)
        deck.queue(second)
        follow(first)
        follow(second)
        length = round(fade * RATE)
        rise = np.sin(np.pi / 2 * (np.arange(length) + 0.5) / length)
        expected = np.zeros(len(samples) + len(following) - length)
        expected[: len(samples)] = samples * np.concatenate([np.ones(len(samples) - length), rise[::-1]])
        expected[-len(following) :] += following * np.concatenate([rise, np.ones(len(following) - length)])
        assert heard(deck)[: len(expected)] == pytest.approx(expected, abs=1e-5)
        assert not heard(deck)[len(expected) :].any()
        assert deck.underflows == 0


def test_stream_changes_in_the_middle_of_a_crossfade(portaudio, make):
    with Deck(crossfade=1.0) as deck:
        (first, samples), (second, following) = (make(deck, 3.0, seed) for seed in range(2))
        deck.queue(first)
        deck.queue(second)
        came = follow(first)
        assert np.array_equal(blocks(came), samples[: len(blocks(came))])
        assert len(blocks(came)) / RATE == pytest.approx(2.5, abs=0.02)
        came = follow(second)
        assert np.array_equal(blocks(came), following)
        late = lateness(came, 50 + LATENCY + 2.0)
        assert late.min() > -1e-6
        is_after = np.cumsum([len(block) for block, _ in came]) > 0.52 * RATE
        assert late[is_after].max() < 0.011 + BUFFER / RATE


def test_last_song_does_not_fade(portaudio, make):
    with Deck(crossfade=1.0) as deck:
        source, samples = make(deck, 1.5)
        came = follow(source)
        assert np.array_equal(blocks(came), samples)
        assert np.array_equal(heard(deck)[: len(samples)], samples)


def test_song_that_fades_in_may_be_taken_back(portaudio, make):
    with Deck(crossfade=1.0) as deck:
        (first, samples), (second, _) = (make(deck, 3.0, seed) for seed in range(2))
        deck.queue(first)
        deck.queue(second)
        for block in first:
            if not len(block):
                deck._stream.turn()
            if len(heard(deck)) > 2.3 * RATE and second.passage.has_begun:
                deck.clear()
        ending = heard(deck)[round(2.4 * RATE) : 3 * RATE]
        assert np.abs(ending).max() <= np.abs(samples[round(2.4 * RATE) :]).max()  # nothing but the first one


@pytest.mark.parametrize("crossfade", [-1.0, float("nan"), float("inf")])
def test_crossfade_out_of_range(crossfade, portaudio):
    with pytest.raises(ValueError, match="crossfade must be 0 or a positive number of seconds"):
        Deck(crossfade=crossfade)


# ----------------------------------------------------------------------------------------------------------- failures


def test_song_that_breaks_off_does_not_disturb_the_one_before(deck, make):
    first, samples = make(deck, 1.0)
    second, _ = make(deck, 1.0, 1)
    third, last = make(deck, 1.0, 2)
    second.file.path.write_bytes(b"no longer audio")
    deck.queue(first)
    deck.queue(second)
    assert np.array_equal(blocks(follow(first)), samples)
    deck.queue(third)
    with pytest.raises(SourceError, match="is not audio"):
        follow(second)
    follow(third)
    assert not deck.has_failed
    assert np.array_equal(heard(deck)[:RATE], samples)
    begin = np.flatnonzero(heard(deck)[RATE:])[0] + RATE
    assert np.array_equal(heard(deck)[begin : begin + RATE // 2], last[np.flatnonzero(last)[0] :][: RATE // 2])


def test_what_was_decoded_before_an_error_is_heard(deck, make):
    source, samples = make(deck, 1.0)
    frames = source.file.frames

    def failing(_position):
        yield next(frames())[: RATE // 2]
        raise SourceError("the disk: is gone.")

    source.file.frames = failing
    came = []
    with pytest.raises(SourceError, match="the disk: is gone"):
        follow(source, came=came)
    assert np.array_equal(blocks(came), samples[: RATE // 2])


def test_device_that_goes_away_has_failed(deck, make, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(deck_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(playback.time, "sleep", lambda _: now.__setitem__(0, now[0] + 0.1))
    source, _ = make(deck, 1.0)
    with pytest.raises(SourceError, match="stopped accepting audio"):
        list(source)
    assert deck.has_failed


def test_device_that_refuses_has_failed(portaudio, deck, make):
    portaudio.OutputStream.refuses = True
    with pytest.raises(SourceError, match="cannot play at"):
        follow(make(deck, 1.0)[0])
    assert deck.has_failed
    assert not sys.modules["sounddevice"].OutputStream.opened[0].is_open


def test_deck_is_closed_at_the_end(portaudio, make):
    with Deck() as deck:
        source, _ = make(deck, 0.5)
        follow(source)
        stream = deck._stream
        assert stream.is_open
        position = source.position
    assert not stream.is_open
    assert source.position == position == pytest.approx(0.5, abs=1e-3)


def test_device_belongs_to_the_deck(deck, make):
    source, _ = make(deck, 0.5)
    assert (source.device, source.underflows) == (deck.device, 0)
    for options in ({"device": 0}, {"delay": 0.1}):
        with pytest.raises(ValueError, match="an output has a device and a delay of its own"):
            PlayedSource(source.file, output=deck, **options)


# ------------------------------------------------------------------------------------------------- through a null sink


@pytest.fixture
def click_files(write_audio):
    """Have three songs of 2.2 s with a click where each window ends, of other rates and numbers of channels."""
    files = []
    for number, rate in enumerate((44100, 48000, 22050)):
        samples = clicks(2.2, rate)
        frames = np.stack([samples] * 2, axis=1) if number == 1 else samples
        files.append(write_audio(f"{number}.flac", frames, rate, subtype="PCM_24"))
    return files


def longest_silence(recording, rate):
    """Return the longest silence between the first and the last sound [s]."""
    sounding = np.flatnonzero(recording)
    return float(np.diff(sounding).max()) / rate


@pytest.mark.slow
@pytest.mark.sound
def test_three_songs_without_silence_and_in_step(virtual_microphone, click_files, model_path):
    recording = virtual_microphone.record()
    wait_until(lambda: recording.has_begun, 20, "the recording begins")
    program = virtual_microphone.start(*playing(*click_files), EMODJ_MODEL=str(model_path))
    assert program.end() == 0, program.errors
    off = distances_from_clicks(program, recording)
    assert [(record["song"], record["time"]) for record in program.records] == [
        (song, time) for song in range(3) for time in (0.5, 1.0, 1.5, 2.0)
    ]
    assert np.abs(off).max() < 0.05
    assert longest_silence(recording.stop(), recording.rate) < 0.05


@pytest.mark.slow
@pytest.mark.sound
def test_next_song_is_heard_within_half_a_second(virtual_microphone, write_audio, model_path):
    rate, quiet = 44100, 0.1 * np.sin(0.05 * np.arange(10 * 44100))
    loud = 0.8 * np.sin(0.05 * np.arange(rate))
    files = [write_audio(f"{number}.wav", song, rate) for number, song in enumerate((quiet, loud))]
    recording = virtual_microphone.record()
    wait_until(lambda: recording.has_begun, 20, "the recording begins")
    program = virtual_microphone.start(*playing(*files, leave_at=2.0), EMODJ_MODEL=str(model_path))
    assert program.end() == 0, program.errors
    heard = recording.stop()
    left = program.records[3]
    assert (left["song"], left["time"]) == (0, 2.0)
    begin = recording.moment(int(np.flatnonzero(np.abs(heard) > 0.5)[0]))
    assert -0.05 < begin - left["now"] < 0.5
    assert longest_silence(heard, rate) < 0.05

"""Seeking: the mark, what every part makes of it, and that what is said stays with the sound.

The tracker's own part is in ``test_tracker.py``.
"""

import asyncio
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from rich.console import Console
from standins import BUFFER, LATENCY, output_stand_in
from virtual_microphone import clicks, distances_from_clicks, playing, wait_until

from emodj_live import (
    BackgroundTracker,
    CsvSink,
    Dashboard,
    Deck,
    DemoSource,
    Emotion,
    EmotionTracker,
    FileSource,
    Gap,
    PacedSource,
    PlayedSource,
    Profiler,
    Quadrant,
    Seek,
    SourceError,
)
from emodj_live.sinks.lines import json_line
from emodj_live.sinks.plot import in_song_order
from emodj_live.sources import playback

pytest_plugins = ["virtual_microphone"]

RATE = 22050
FORMATS = {"wav": {"subtype": "FLOAT"}, "flac": {}, "ogg": {"format": "OGG"}, "mp3": {"format": "MP3"}}
EMOTION = Emotion(0.5, 0.2, 0.4, 0.1, 0.3, Quadrant.HAPPY, -20.0, 0.0, is_silent=False, is_clipped=False)


def at(*times, **changes):
    return [replace(EMOTION, time=time, **changes) for time in times]


@pytest.mark.parametrize("position", [-1.0, float("nan"), float("inf"), "1", None, True])
def test_place_that_is_none(position):
    with pytest.raises(ValueError, match="position must be 0 or a positive number of seconds"):
        Seek(position)


# ---------------------------------------------------------------------------------------------------------------- files


def joined(blocks):
    return np.concatenate([np.empty(0, np.float32), *(block.copy() for block in blocks)])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("position", [0.0, 0.37, 1.5, 2.999])
def test_blocks_from_a_place_are_those_of_a_file_that_starts_there(name, position, music, write_audio):
    path = write_audio(f"song.{name}", music(3.0, 0, 44_100), 44_100, **FORMATS[name])
    source = FileSource(path)
    found = joined(source.blocks_from(position))
    expected = joined(block for block in FileSource(path, start=position) if not isinstance(block, Gap))
    assert np.array_equal(found, expected)
    assert source.position == pytest.approx(position + len(found) / RATE, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ogg", "mp3"])
@pytest.mark.parametrize("position", [1.0, 2.5, 4.2])
def test_place_in_a_later_part(name, position, music, write_audio, tmp_path):
    paths = [write_audio(f"{n}.{name}", music(2.0, n, 44_100), 44_100, **FORMATS[name]) for n in range(3)]
    path = tmp_path / f"joined.{name}"
    path.write_bytes(b"".join(part.read_bytes() for part in paths))
    found = joined(FileSource(path).blocks_from(position))
    expected = joined(block for block in FileSource(path, start=position) if not isinstance(block, Gap))
    assert np.array_equal(found, expected)
    assert len(found) > RATE


@pytest.mark.parametrize(("position", "expected"), [(0.2, (1.0, 2.5)), (1.5, (1.5, 2.5)), (2.5, None), (9.0, None)])
def test_place_in_a_part_of_a_file(position, expected, music, write_audio):
    source = FileSource(write_audio("song.wav", music(4.0), subtype="FLOAT"), start=1.0, duration=1.5)
    found = joined(source.blocks_from(position))
    begin, end = expected or (0, 0)
    assert np.array_equal(found, music(4.0)[round(begin * RATE) : round(end * RATE)])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("position", [3.2, 1e3, 1e15, 1e300])
def test_no_blocks_behind_the_end(name, position, music, write_audio):
    source = FileSource(write_audio(f"song.{name}", music(3.0), **FORMATS[name]))
    assert len(joined(source.blocks_from(position))) == 0


def test_start_behind_the_end_is_still_an_error(music, write_audio):
    source = FileSource(write_audio("song.wav", music(3.0)), start=4.0)
    with pytest.raises(SourceError, match="ends before 4 s"):
        list(source)


@pytest.mark.slow
@pytest.mark.parametrize("position", [0.0, 7.5, 11.1, 400.0])
def test_demo_from_a_place(position):
    whole = joined(DemoSource())
    source = DemoSource()
    assert np.array_equal(joined(source.blocks_from(position)), whole[round(position * RATE) :])
    assert source.position == pytest.approx(max(position, source.length))


# ---------------------------------------------------------------------------------------------------------------- paced


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self):
        self.now = 100.0

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def song(music, write_audio):
    return write_audio("song.wav", music(5.0), RATE, subtype="FLOAT")


@pytest.fixture
def paced(song, time):
    return PacedSource(FileSource(song), clock=time.clock, sleep=time.sleep)


def followed(source, seeks, turn=lambda: None):
    """Follow a source; where as many seconds of audio have come as a key of `seeks` says, seek to its value."""
    seeks, parts = dict(seeks), [(0.0, [])]
    count = 0
    for block in source:
        if isinstance(block, Seek):
            parts.append((block.position, []))
        elif isinstance(block, Gap):
            parts[-1] = block.samples / RATE, []
        elif len(block):
            parts[-1][1].append(block)
            count += len(block)
        else:
            turn()
        if seeks and count >= min(seeks) * RATE:
            source.seek(seeks.pop(min(seeks)))
    return [(position, joined(blocks)) for position, blocks in parts]


def test_paced_source_goes_on_elsewhere(paced, music, time):
    parts = followed(paced, {1.0: 3.5, 1.6: 0.25})
    assert [position for position, _ in parts] == [0.0, 3.5, 0.25]
    for (position, found), length in zip(parts, (1.0, 0.6, 4.75), strict=True):
        assert len(found) == pytest.approx(length * RATE, abs=0.03 * RATE)
        assert np.array_equal(found, music(5.0)[round(position * RATE) :][: len(found)])
    assert time.now - 100 == pytest.approx(sum(len(found) for _, found in parts) / RATE)
    assert paced.position == pytest.approx(5.0, abs=1e-4)


def test_pieces_after_a_seek_are_due_at_their_time(paced, time):
    pieces = iter(paced)
    next(pieces)
    time.now += 0.2  # it is late already
    paced.seek(2.0)
    assert next(pieces) == Seek(2.0)
    assert (paced.position, paced.behind) == (2.0, 0.0)
    before = time.now
    piece = next(pieces)
    assert time.now == pytest.approx(before + len(piece) / RATE)
    assert paced.position == pytest.approx(2.0 + len(piece) / RATE)
    pieces.close()


def test_seek_while_paused_shows_at_once(paced):
    pieces = iter(paced)
    next(pieces)
    paced.is_paused = True
    assert len(next(pieces)) == 0
    paced.seek(2.0)
    assert next(pieces) == Seek(2.0)
    assert paced.position == 2.0
    assert len(next(pieces)) == 0
    pieces.close()


def test_newest_of_several_seeks_counts(paced):
    pieces = iter(paced)
    next(pieces)
    for position in (1.0, 4.0, 2.0):
        paced.seek(position)
    assert next(pieces) == Seek(2.0)
    assert len(next(pieces))
    pieces.close()


def test_seek_beyond_the_end_ends_and_after_the_end_revives(paced):
    pieces = iter(paced)
    next(pieces)
    paced.seek(100.0)
    assert next(pieces) == Seek(100.0)
    paced.seek(4.5)
    assert next(pieces) == Seek(4.5)
    assert len(joined(pieces)) == RATE // 2


def test_seek_of_before_does_not_disturb_the_next_time(paced):
    pieces = iter(paced)
    next(pieces)
    paced.seek(3.0)
    pieces.close()
    assert len(joined(paced)) == 5 * RATE


def test_seek_before_the_beginning_is_the_beginning(song, time):
    source = PacedSource(FileSource(song, start=1.0), clock=time.clock, sleep=time.sleep)
    parts = followed(source, {0.5: -3.0})
    assert [position for position, _ in parts] == [1.0, 1.0]


def test_what_cannot_be_sought_in_is_told(music):
    with pytest.raises(TypeError, match="only a source with blocks_from"):
        PacedSource([music(1.0)], RATE).seek(0.5)


@pytest.mark.parametrize("position", [float("nan"), float("inf")])
def test_seek_to_no_place(position, paced):
    with pytest.raises(ValueError, match="position must be 0 or a positive number"):
        paced.seek(position)


def test_what_was_read_is_closed_by_a_seek(song, time):
    file, kept, closed = FileSource(song), [], []
    frames = file.frames

    def watched(position=None):
        try:
            yield from frames(position)
        finally:
            closed.append(position)

    def kept_alive(position):
        kept.append(blocks_from(position))
        return kept[-1]

    blocks_from, file.frames, file.blocks_from = file.blocks_from, watched, kept_alive
    source = PacedSource(file, clock=time.clock, sleep=time.sleep)
    pieces = iter(source)
    next(pieces)
    for position in (4.0, 2.0):
        source.seek(position)
        next(pieces), next(pieces)
    assert closed == [None, 4.0]
    pieces.close()
    assert closed == [None, 4.0, 2.0]


# --------------------------------------------------------------------------------------------------------------- played


@pytest.fixture
def portaudio(monkeypatch):
    """Have a sounddevice with one output device."""
    monkeypatch.setattr(playback, "_WAIT", 0)
    return output_stand_in(monkeypatch)


def play(source, seeks):
    """Play on the stand-in; where as many seconds have come as a key of `seeks` says, seek to its value.

    Return for each part where it is in the song, when it was asked for, and its blocks with when they came.
    """
    seeks, count = dict(seeks), 0
    parts = [(source.file.start, 50.0, [])]
    for block in source:
        stream = source.output._stream
        if isinstance(block, Seek):
            parts.append((block.position, stream.time, []))
        elif isinstance(block, np.ndarray) and len(block):
            parts[-1][2].append((block, stream.time))
            count += len(block)
        elif isinstance(block, np.ndarray):
            stream.turn()
        if seeks and count >= min(seeks) * RATE:
            source.seek(seeks.pop(min(seeks)))
    return parts


def place(heard, sound, earliest):
    """Return where in what was heard a sound is, to the sample."""
    for start in np.flatnonzero(heard == sound[0]):
        if start >= earliest and np.array_equal(heard[start : start + len(sound)], sound):
            return int(start)
    raise AssertionError("it was not heard")


def assert_in_step(parts, heard, audio):
    """Assert that each part is the song's, was heard soon after it was asked for, and came when it was heard."""
    skipped = round(0.02 * RATE)  # which fades in
    for position, asked, came in parts:
        found = joined(block for block, _ in came)
        begin = round(position * RATE)
        assert np.array_equal(found, audio[begin : begin + len(found)])
        start = place(heard, found[skipped : skipped + 2000], round((asked - 50) * RATE)) - skipped
        moment = 50 + LATENCY + start / RATE
        assert moment - asked <= LATENCY + BUFFER / RATE + 1e-6
        ends = np.cumsum([len(block) for block, _ in came]) / RATE
        late = np.array([when for _, when in came]) - (moment + ends)
        assert late.min() > -1e-6
        assert late.max() < 0.011 + BUFFER / RATE


def test_played_source_goes_on_elsewhere_and_stays_in_step(portaudio, song, music):
    source = PlayedSource(FileSource(song))
    parts = play(source, {1.0: 3.5, 1.6: 0.25, 2.0: 4.0, 2.5: 1.0})
    assert [position for position, _, _ in parts] == [0.0, 3.5, 0.25, 4.0, 1.0]
    assert_in_step(parts, np.concatenate(portaudio.OutputStream.opened[0].heard)[:, 0], music(5.0))
    assert source.position == pytest.approx(5.0, abs=1e-3)
    assert source.underflows == 0


def test_nothing_is_heard_of_what_was_decoded_ahead(portaudio, song, music):
    """Without a click: what is cut off fades out while the other place fades in."""
    source = PlayedSource(FileSource(song))
    (_, _, _), (_, asked, _) = play(source, {1.0: 3.5})
    heard = np.concatenate(portaudio.OutputStream.opened[0].heard)[:, 0]
    cut, fade = round((asked - 50) * RATE), round(0.01 * RATE)
    old, new = music(5.0)[cut : cut + fade], music(5.0)[round(3.5 * RATE) :][:fade]
    rise = np.sin(np.pi / 2 * (np.arange(fade) + 0.5) / fade)
    assert np.array_equal(heard[:cut], music(5.0)[:cut])
    assert heard[cut : cut + fade] == pytest.approx(old * np.linspace(1, 0, fade) + new * rise, abs=1e-5)


def test_position_of_the_sound_is_the_new_place_at_once(portaudio, song):
    source = PlayedSource(FileSource(song))
    blocks = iter(source)
    next(blocks)
    for _ in range(100):
        source.output._stream.turn()
    source.is_paused = True
    source.seek(3.0)
    assert next(block for block in blocks if isinstance(block, Seek)) == Seek(3.0)
    assert source.position == source.status().position == 3.0
    for _ in range(50):
        source.output._stream.turn()
    assert source.position == 3.0
    source.is_paused = False
    source.output._stream.turn()
    source.output._stream.time += LATENCY
    assert source.position == pytest.approx(3.0 + BUFFER / RATE)
    blocks.close()


@pytest.mark.parametrize(("position", "start"), [(-1.0, 0.5), (0.7, 0.7), (60.0, 60.0)])
def test_seek_within_a_part_of_a_file(position, start, portaudio, song, music):
    source = PlayedSource(FileSource(song, start=0.5, duration=2.0))
    parts = play(source, {0.3: position})
    assert [position for position, _, _ in parts] == [0.5, start]
    found = joined(block for block, _ in parts[-1][2])
    assert np.array_equal(found, music(5.0)[round(start * RATE) : round(2.5 * RATE)])


def test_song_that_fades_in_begins_again_after_a_seek(portaudio, song, music, write_audio):
    other = write_audio("other.wav", music(1.0, 1), RATE, subtype="FLOAT")
    with Deck(crossfade=1.0) as deck:
        first, second = (PlayedSource(FileSource(path), output=deck) for path in (song, other))
        deck.queue(first)
        deck.queue(second)
        (_, _, _), (position, asked, came) = play(first, {4.65: 4.0})  # it fades in from 4.5 s on
        assert position == 4.0
        assert len(joined(block for block, _ in came)) == pytest.approx(0.75 * RATE, abs=0.02 * RATE)
        assert np.array_equal(joined(block for block, _ in play(second, {})[0][2]), music(1.0, 1))
        heard, later = np.concatenate(deck._stream.heard)[:, 0], round(0.6 * RATE)
        begin = place(heard, music(1.0, 1)[later : later + 2000], 0) - later
        assert begin == round((asked - 50) * RATE) + round(0.5 * RATE)


def test_seek_of_a_song_before_does_not_disturb_the_next_time(portaudio, song, music):
    source = PlayedSource(FileSource(song))
    blocks = iter(source)
    next(blocks)
    source.seek(3.0)
    blocks.close()
    (part,) = play(source, {})
    assert np.array_equal(joined(block for block, _ in part[2]), music(5.0))


def test_seek_after_the_last_block_revives(portaudio, song):
    parts = play(PlayedSource(FileSource(song)), {5.0: 4.0})
    assert [(position, len(joined(block for block, _ in came))) for position, _, came in parts] == [
        (0.0, 5 * RATE),
        (4.0, RATE),
    ]


def test_seek_is_safe_from_another_thread(portaudio, song, model):
    source, times = PacedSource(FileSource(song)), []
    background = BackgroundTracker(EmotionTracker(model), source, lambda emotion: times.append(emotion.time))
    source.seek(4.0)
    with background:
        assert background.wait(timeout=30)
    assert times == [4.5, 5.0]
    background.start()
    wait_until(lambda: times[2:], 30, "an emotion")
    source.seek(4.2)
    assert background.wait(timeout=30)
    assert times[2] == 0.5
    assert times[-1] == pytest.approx(4.7)


# --------------------------------------------------------------------------------------------------- who listens to it


def test_asyncio_gets_emotions_of_the_new_place(song, model, time):
    source = PacedSource(FileSource(song), clock=time.clock, sleep=time.sleep)

    async def times():
        found = []
        async for emotion in EmotionTracker(model).atrack(source):
            if not found:
                source.seek(3.8)
            found.append(emotion.time)
        return found

    found = asyncio.run(times())
    assert found[0] == 0.5
    assert found[-2:] == pytest.approx([4.3, 4.8])


def test_profile_of_a_song_that_was_heard_in_parts():
    profiler = Profiler()
    for emotion in at(0.5, 1.0, 1.5, valence=0.1):
        profiler(emotion)
    profiler.after_block(Seek(4.0))
    for emotion in at(4.5, 5.0, valence=0.2):
        profiler(emotion)
    profiler.after_block(Seek(0.75))
    for emotion in at(1.25, 1.75, valence=0.3):
        profiler(emotion)
    profile = profiler.profile()
    expected = [0.1, 0.3, 0.3, *[np.nan] * 5, 0.2, 0.2]  # at 0.5, 1.0 ... 5.0 s
    np.testing.assert_allclose(profile.arc[:, 0], expected, atol=1e-6)
    assert profile.duration == pytest.approx(1.5 + 1.0 + 1.0)
    assert profile.valence == pytest.approx((3 * 0.1 + 2 * 0.2 + 2 * 0.3) / 7)
    assert profiler.time == 1.75


def test_arc_grows_to_the_front():
    profiler = Profiler(start=60.0)
    for emotion in at(60.5, 61.0, valence=0.1):
        profiler(emotion)
    profiler.after_block(Seek(58.1))
    for emotion in at(58.6, 59.1, valence=0.2):
        profiler(emotion)
    np.testing.assert_allclose(profiler.profile().arc[:, 0], [0.2, 0.2, np.nan, np.nan, 0.1, 0.1], atol=1e-6)


def test_the_same_half_second_twice_has_the_last_time():
    profiler = Profiler()
    profiler(*at(0.5, valence=0.1))
    profiler.after_block(Seek(0.0))
    profiler(*at(0.5, valence=0.2))
    assert profiler.profile().arc[:, 0] == pytest.approx([0.2])
    assert profiler.profile().duration == 1.0


def test_step_back_is_noticed_without_the_heartbeat():
    profiler = Profiler()
    for emotion in at(0.5, 1.0, 1.5, 0.6, 1.1):
        profiler(emotion)
    assert profiler.profile().duration == pytest.approx(1.5 + 0.5)
    assert len(profiler.profile().arc) == 3


def test_other_marks_are_nothing_to_a_profile():
    profiler = Profiler()
    profiler(*at(0.5))
    for block in (np.zeros(100, np.float32), Gap(22050)):
        profiler.after_block(block)
    profiler(*at(2.0))
    assert profiler.profile().duration == 2.0


def test_plot_is_in_the_songs_order_and_has_what_was_heard_last():
    first, second, third = at(0.5, 1.0, 1.5, 2.0), at(1.2, 1.7, arousal=0.1), at(8.0, 8.5)
    found = in_song_order([*first, *third, *second])
    assert found == [first[0], *second, first[3], *third]
    assert in_song_order(first) == first


def test_table_and_json_go_on_with_the_new_times(song, model, time, tmp_path):
    source = PacedSource(FileSource(song), clock=time.clock, sleep=time.sleep)
    times, lines = [], []

    def sink(emotion):
        if not times:
            source.seek(3.2)
        times.append(emotion.time)
        lines.append(json.loads(json_line(emotion, "song")))

    with CsvSink(tmp_path / "table.csv") as table:
        EmotionTracker(model).run(source, table, sink)
    assert times == pytest.approx([0.5, 3.7, 4.2, 4.7])
    assert [line["time"] for line in lines] == times
    rows = np.genfromtxt(tmp_path / "table.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    assert rows["time"].tolist() == times


def test_dashboard_keeps_the_emotions_of_before_until_there_is_another(song, model, time):
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=30)
    source = PacedSource(FileSource(song), clock=time.clock, sleep=time.sleep)
    dashboard = Dashboard(source, console=console, clock=time.clock, cpu_clock=time.clock)
    seen = []

    def after_block(block):
        dashboard.after_block(block)
        if isinstance(block, Seek):
            seen.append(len(dashboard._stream.emotions))
        elif len(dashboard._stream.emotions) == 3 and not seen:
            source.seek(0.5)

    with dashboard:
        EmotionTracker(model).run(source, dashboard, after_block=after_block)
    assert seen == [3]
    assert next(emotion.time for emotion in dashboard._stream.emotions) == 1.0


# -------------------------------------------------------------------------------------------------- through a null sink


@pytest.mark.slow
@pytest.mark.sound
@pytest.mark.parametrize("name", ["clicks.flac", "clicks.mp3"])
def test_words_stay_with_the_sound_after_twenty_seeks(name, virtual_microphone, model_path, tmp_path):
    """Clicks are where windows end, also after a seek to a whole half second: each emotion comes with its click."""
    soundfile.write(tmp_path / name, clicks(60.2), 44100)
    places = [float(place) for place in np.random.default_rng(0).integers(0, 112, 20) / 2]
    recording = virtual_microphone.record()
    wait_until(lambda: recording.has_begun, 20, "the recording begins")
    command = playing(tmp_path / name, places=places)
    program = virtual_microphone.start(*command, EMODJ_MODEL=str(model_path))
    assert program.end(timeout=120) == 0, program.errors
    times = [record["time"] for record in program.records]
    assert times == [0.5, 1.0, *(place + late for place in places for late in (0.5, 1.0))]
    off = np.sort(np.abs(distances_from_clicks(program, recording)))
    assert off[-3] < 0.05
    assert off[-1] < 0.15  # a busy machine may be late with one line, and only with that

"""A source at the speed of the music, by a clock that only moves when somebody sleeps."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from emodj_live import FileSource, Gap
from emodj_live.blocks import SourceStatus, status_of, title_of
from emodj_live.sources.pacing import PacedSource

RATE = 1000
PIECE = 30  # samples: so many are 33 pieces a second


class Time:
    """A clock, and how to wait by it."""

    def __init__(self):
        self.now = 100.0
        self.slept = 0

    def clock(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.slept += 1
        self.now += seconds


@pytest.fixture
def time():
    return Time()


def paced(source, time):
    return PacedSource(source, RATE, clock=time.clock, sleep=time.sleep)


def samples(count, start=0):
    return np.arange(start, start + count, dtype=np.float32)


def test_closes_what_iterates(time):
    closed = []

    def source():
        try:
            yield samples(1000)
        finally:
            closed.append(1)

    inner = source()
    blocks = iter(paced(inner, time))
    next(blocks)
    blocks.close()
    assert closed == [1]


def test_closes_the_source():
    closed = []
    PacedSource(SimpleNamespace(sample_rate=RATE, close=lambda: closed.append(1))).close()
    assert closed == [1]
    PacedSource([], RATE).close()


def test_rate_is_that_of_the_source(time):
    source = SimpleNamespace(sample_rate=RATE // 2)
    assert PacedSource(source).sample_rate == RATE // 2
    assert PacedSource(source, RATE).sample_rate == RATE


@pytest.mark.parametrize(("source", "rate"), [([], None), ([], 0), ([], -1), (SimpleNamespace(sample_rate=0), None)])
def test_rate_has_to_be_known(source, rate):
    with pytest.raises(ValueError, match="sample_rate must be a positive number"):
        PacedSource(source, rate)


@pytest.mark.parametrize("lengths", [[1000], [10] * 100, [0, 999, 1], [120, 880]])
def test_each_piece_comes_when_its_last_sample_is_heard(lengths, time):
    starts = np.cumsum([0, *lengths])
    source = paced([samples(length, start) for length, start in zip(lengths, starts, strict=False)], time)
    heard = []
    for piece in source:
        heard.append(piece)
        count = sum(map(len, heard))
        assert len(piece) <= PIECE
        assert time.now == pytest.approx(100 + count / RATE)
        assert source.position == pytest.approx(count / RATE)
        assert source.behind == pytest.approx(0, abs=1e-9)
    assert np.concatenate(heard).tolist() == samples(1000).tolist()


def test_waits_only_as_long_as_it_has_to(time):
    for piece in paced([samples(600)], time):
        assert len(piece) == PIECE
        time.now += 0.02  # the work on a piece
    assert time.now == pytest.approx(100.6 + 0.02)


def test_gap_passes_at_once(time):
    source = paced([samples(30), Gap(30_000), samples(30)], time)
    found = [(block if isinstance(block, Gap) else len(block), time.now - 100, source.position) for block in source]
    assert found == [
        (30, pytest.approx(0.03), pytest.approx(0.03)),
        (Gap(30_000), pytest.approx(0.03), pytest.approx(30.03)),
        (30, pytest.approx(0.06), pytest.approx(30.06)),
    ]


def test_slow_consumer_is_behind_and_then_catches_up(time):
    source = paced([samples(500)], time)
    pieces = iter(source)
    next(pieces)
    time.now += 0.18
    assert source.behind == pytest.approx(0.18)
    before = time.slept
    for _ in range(6):  # these are due already
        next(pieces)
    assert time.slept == before
    assert source.behind == pytest.approx(0)
    next(pieces)
    assert time.slept == before + 1
    assert time.now == pytest.approx(100.24)


def test_pause_shifts_what_follows(time):
    source = paced([samples(500)], time)
    pieces = iter(source)
    next(pieces)
    source.is_paused = True
    waiting = [next(pieces) for _ in range(40)]
    assert all(len(piece) == 0 for piece in waiting)
    assert source.position == pytest.approx(0.03)
    assert time.now == pytest.approx(100.03 + 40 * 0.03)
    assert source.behind < 0.07  # being paused is not being late
    source.is_paused = False
    rest = list(pieces)
    assert np.concatenate(rest).tolist() == samples(470, 30).tolist()
    assert time.now == pytest.approx(100.5 + 40 * 0.03)


def test_each_iteration_is_paced_anew(time):
    source = paced([samples(60)], time)
    list(source)
    time.now += 1000
    again = [time.now - 1100 for _ in source]
    assert again == pytest.approx([0.09, 0.12])
    assert source.position == pytest.approx(0.06)


def test_yields_at_least_thirty_times_a_second(time):
    """Also while it is paused: whoever iterates has a screen to draw and keys to look at."""
    source, moments = paced([samples(2000)], time), []
    for _ in source:
        moments.append(time.now)
        source.is_paused = 20 <= len(moments) < 40
    assert max(np.diff(moments)) <= 1 / 30


def test_status_is_the_sources_with_its_own_position(time, write_audio, music):
    file = FileSource(write_audio("song.wav", music(3.0), 44_100), start=0.5)
    source = PacedSource(file, clock=time.clock, sleep=time.sleep)
    assert (source.title, title_of(source)) == (file.title, "song.wav")
    pieces = iter(source)
    next(pieces), next(pieces)
    time.now += 0.25
    source.is_paused = True
    status = status_of(source)
    assert status == replace(file.status(), position=source.position, behind=source.behind, is_paused=True)
    assert (status.position, status.behind) == (pytest.approx(0.53, abs=1e-4), pytest.approx(0.25))
    assert (status.input_rate, status.channels, status.length) == (44_100, 1, file.length)
    pieces.close()


def test_status_of_a_source_that_says_nothing(time):
    source = paced([samples(60)], time)
    assert (source.title, source.status()) == ("", SourceStatus(behind=0.0))


def test_tracker_hears_the_same(music, model, time):
    from emodj_live import EmotionTracker

    audio = music(5)
    tracker = EmotionTracker(model)
    expected = list(tracker.track([audio]))
    found = list(tracker.track(PacedSource([audio], 22050, clock=time.clock, sleep=time.sleep)))
    assert [emotion.time for emotion in found] == [emotion.time for emotion in expected]
    assert [emotion.valence for emotion in found] == pytest.approx([emotion.valence for emotion in expected], abs=2e-5)

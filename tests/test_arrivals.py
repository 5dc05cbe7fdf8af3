"""Frames from PortAudio's thread: the queue, and the time axis when something is lost or late."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from emodj_live.sources.arrivals import FrameQueue, TimedFrames, Timeline

RATE = 44100
BLOCK = 551  # frames: 80 blocks a second


# ------------------------------------------------------------------------------------------------------- the time axis


def feed(timeline, arrivals, *, lost_at=None, told=False):
    """Feed blocks that come at these times; return what the timeline counts as lost, in all [s]."""
    found = 0
    for number, arrival in enumerate(arrivals):
        found += timeline.advance(BLOCK, arrival, broken=told and number == lost_at)
    return found / RATE


def due(blocks, rate=RATE):
    """Return when each of so many blocks ends [s]."""
    return BLOCK / rate * np.arange(1, blocks + 1)


def jitter(blocks, seed=0):
    return np.random.default_rng(seed).exponential(0.004, blocks).clip(0, 0.08)


def test_jitter_is_not_loss():
    timeline = Timeline(RATE)
    assert feed(timeline, due(80 * 600) + jitter(80 * 600)) == 0
    assert timeline.position == 80 * 600 * BLOCK


@pytest.mark.parametrize("ppm", [-200, 200])
def test_drift_over_eight_hours_is_not_loss(ppm):
    blocks = 8 * 3600  # of a second each, or this would take a minute
    timeline = Timeline(RATE)
    arrivals = np.arange(1, blocks + 1) * (1 + ppm * 1e-6) + jitter(blocks)
    assert sum(timeline.advance(RATE, arrival, broken=False) for arrival in arrivals) == 0
    assert timeline.position == blocks * RATE


@pytest.mark.parametrize("ppm", [-200, 200])
def test_loss_is_measured_after_hours_of_drift(ppm):
    blocks = 4 * 3600
    timeline = Timeline(RATE)
    arrivals = np.arange(1, blocks + 1) * (1 + ppm * 1e-6) + jitter(blocks)
    arrivals[blocks // 2 :] += 0.7
    found = sum(timeline.advance(RATE, arrival, broken=n == blocks // 2) for n, arrival in enumerate(arrivals))
    assert found / RATE == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize("told", [True, False], ids=["flagged", "unflagged"])
@pytest.mark.parametrize("lost", [0.15, 0.4, 3.0])
def test_loss_is_measured(lost, told):
    arrivals = due(4000) + jitter(4000)
    arrivals[2000:] += lost
    timeline = Timeline(RATE)
    assert feed(timeline, arrivals, lost_at=2000, told=told) == pytest.approx(lost, abs=0.02)
    assert timeline.position / RATE == pytest.approx(arrivals[-1], abs=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_unflagged_loss_is_measured_through_jitter(seed):
    arrivals = due(4000) + np.random.default_rng(seed).exponential(0.03, 4000).clip(0, 0.09)
    arrivals[2000:] += 0.6
    assert feed(Timeline(RATE), arrivals) == pytest.approx(0.6, abs=0.02)


def test_lateness_for_a_while_is_not_loss():
    arrivals = due(4000)
    arrivals[2000:2400] += 0.06
    assert feed(Timeline(RATE), arrivals) == 0


def test_small_flagged_loss_is_measured():
    arrivals = due(4000)
    arrivals[2000:] += 0.03
    assert feed(Timeline(RATE), arrivals, lost_at=2000, told=True) == pytest.approx(0.03, abs=0.005)


def test_flag_without_loss_is_none():
    assert feed(Timeline(RATE), due(4000), lost_at=2000, told=True) == 0


@pytest.mark.parametrize("stall", [0.3, 1.5])
def test_burst_is_not_loss(stall):
    arrivals = due(4000)
    late = (arrivals > 20) & (arrivals <= 20 + stall)
    arrivals[late] = 20 + stall + 1e-4 * np.arange(np.count_nonzero(late))
    timeline = Timeline(RATE)
    assert feed(timeline, arrivals) == 0


def test_known_loss_is_not_measured_again():
    timeline = Timeline(RATE)
    arrivals = due(4000)
    feed(timeline, arrivals[:2000])
    timeline.skip(1000 * BLOCK)
    assert feed(timeline, arrivals[3000:]) == 0
    assert timeline.position == 4000 * BLOCK


def lengthen(arrivals, first, seconds, late=0.0):
    """Let frames be lost before one of some arrivals, which is a little late besides."""
    arrivals[first:] += seconds
    arrivals[first] += late


@pytest.mark.parametrize("late", [0.0, 0.03, 0.08])
def test_late_arrival_at_a_loss_is_made_up_for_at_the_next(late):
    """The loss is measured by that arrival; those after it show that it was too much."""
    arrivals = due(8000)
    lengthen(arrivals, 2000, 0.4, late)
    lengthen(arrivals, 6000, 0.5)
    timeline = Timeline(RATE)
    found = [timeline.advance(BLOCK, arrival, broken=n in (2000, 6000)) for n, arrival in enumerate(arrivals)]
    assert found[2000] / RATE == pytest.approx(0.4 + late, abs=0.002)
    assert sum(found) / RATE == pytest.approx(0.9, abs=0.003)
    assert timeline.position / RATE == pytest.approx(arrivals[-1], abs=0.003)


# ------------------------------------------------------------------------------------------------------------ the queue


def block(position, frames=10):
    return TimedFrames(np.full((frames, 1), position, np.float32), position, 0.0, 0.0, False)


def test_queue_drops_the_oldest_and_stays_bounded():
    queue = FrameQueue(100)
    for position in range(0, 1000, 10):
        queue.put(block(position))
    found = []
    while (got := queue.get(0)) is not None:
        found.append(got.position)
    assert found == list(range(900, 1000, 10))


def test_queue_keeps_a_block_larger_than_itself():
    queue = FrameQueue(100)
    queue.put(block(0))
    queue.put(block(10, 500))
    assert queue.get(0).position == 10
    assert queue.get(0) is None


def test_queue_makes_room_as_it_is_read():
    queue = FrameQueue(20)
    for position in range(0, 1000, 10):
        queue.put(block(position))
        assert queue.get(0).position == position


def test_queue_wakes_who_waits():
    queue = FrameQueue(20)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(queue.get, 30)
        queue.put(block(7))
        assert waiting.result(20).position == 7

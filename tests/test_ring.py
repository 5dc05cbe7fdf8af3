"""Windows depend on the samples alone: every way of cutting is held against windows cut by plain slicing."""

import tracemalloc

import numpy as np
import pytest

from emodj_live import Gap, RingBuffer

LENGTH = 11025  # of a real window; the random cuttings use short ones
REAL_STEPS = [512, 3675, 5513, LENGTH - 1, LENGTH, LENGTH + 1, 2 * LENGTH + 17]


def pushed(ring, blocks):
    """Return the (end, window) pairs that a ring makes of some blocks."""
    pairs = []
    for block in blocks:
        for ends, windows in ring.push(block):
            assert len(ends) == len(windows)
            assert windows.shape[1] == ring.window_length
            pairs += zip(ends, windows.tolist(), strict=True)
    return pairs


def sliced(blocks, window_length, step):
    """Return what a ring should make of them, by joining what lies between gaps and slicing it."""
    pairs, start, joined = [], 0, np.empty(0, np.float32)
    for block in [*blocks, Gap(0)]:
        if not isinstance(block, Gap):
            joined = np.concatenate([joined, block])
            continue
        for first in range(0, len(joined) - window_length + 1, step):
            pairs.append((start + first + window_length, joined[first : first + window_length].tolist()))
        start, joined = start + len(joined) + block.samples, np.empty(0, np.float32)
    return pairs


def samples(length, seed=0):
    return np.random.default_rng(seed).standard_normal(length).astype(np.float32)


def cut(stream, size):
    return [stream[start : start + size] for start in range(0, len(stream), size)]


def in_numbers(pairs):
    """Return ends and one fingerprint per window, which for long windows is quicker to compare than all of it."""
    return [(end, hash(tuple(window))) for end, window in pairs]


@pytest.mark.parametrize("step", REAL_STEPS)
@pytest.mark.parametrize("size", [7, 512, 11024, 11025, 11026, 10**9])
def test_real_windows_whatever_the_block_size(size, step):
    stream = samples(6 * LENGTH + 100)
    found = in_numbers(pushed(RingBuffer(LENGTH, step), cut(stream, size)))
    assert found == in_numbers(sliced([stream], LENGTH, step))


@pytest.mark.parametrize(
    ("window_length", "step"), [(1, 1), (1, 4), (5, 1), (5, 2), (5, 5), (5, 7), (64, 3), (64, 200)]
)
def test_one_sample_at_a_time(window_length, step):
    stream = samples(1000)
    assert pushed(RingBuffer(window_length, step), cut(stream, 1)) == sliced([stream], window_length, step)


@pytest.mark.parametrize("seed", range(150))
def test_random_cuttings_with_gaps(seed):
    random = np.random.default_rng(seed)
    window_length, step = (int(value) for value in random.integers(1, [40, 80]))
    blocks = []
    for _ in range(random.integers(1, 60)):
        length = int(random.integers(0, random.choice([3, window_length + 2, 12 * window_length])))
        is_gap = random.random() < 0.1
        blocks.append(Gap(length) if is_gap else samples(length, seed=int(random.integers(10**9))))
    found = pushed(RingBuffer(window_length, step), blocks)
    assert found == sliced(blocks, window_length, step)


def test_exactly_one_window_needs_exactly_its_samples():
    ring = RingBuffer(10, 10)
    assert pushed(ring, [samples(9)]) == []
    assert [end for end, _ in pushed(ring, [samples(1)])] == [10]
    assert pushed(ring, [samples(9)]) == []


def test_empty_blocks_change_nothing():
    stream, nothing = samples(100), np.empty(0, np.float32)
    blocks = [nothing]
    for block in cut(stream, 3):
        blocks += [block, nothing]
    assert pushed(RingBuffer(10, 4), blocks) == sliced([stream], 10, 4)


def test_gap_moves_time_on_and_drops_the_partial_window():
    ring = RingBuffer(10, 10)
    stream = np.arange(40, dtype=np.float32)
    found = pushed(ring, [stream[:17], Gap(1000), stream[17:]])
    assert [end for end, _ in found] == [10, 1027, 1037]
    assert found[1][1] == stream[17:27].tolist()  # starts with the first sample behind the gap


def test_gap_ends_the_pause_between_windows():
    found = pushed(RingBuffer(10, 100), [samples(10), Gap(5), samples(10)])
    assert [end for end, _ in found] == [10, 25]


def test_gap_of_nothing_still_drops_the_partial_window():
    assert pushed(RingBuffer(10, 10), [samples(9), Gap(0), samples(9)]) == []


@pytest.mark.parametrize("step", [3, 10, 40])
def test_clear_makes_it_new(step):
    ring, stream = RingBuffer(10, step), samples(200)
    fresh = pushed(ring, [stream])
    pushed(ring, [samples(77, seed=1), Gap(3), samples(15, seed=2)])
    ring.clear()
    assert pushed(ring, [stream]) == fresh


def test_without_clear_the_stream_goes_on():
    ring, stream = RingBuffer(10, 10), samples(25)
    first = pushed(ring, [stream])
    assert pushed(ring, [stream]) != first


def test_windows_are_read_only():
    for _, windows in RingBuffer(10, 5).push(samples(50)):
        with pytest.raises(ValueError, match="read-only"):
            windows[0, 0] = 1


def test_block_is_left_as_it_was():
    block = samples(100)
    before = block.copy()
    pushed(RingBuffer(10, 3), [block, block])
    np.testing.assert_array_equal(block, before)


def test_a_callers_buffer_may_be_reused():
    stream, buffer, ring, found = samples(900), np.empty(30, np.float32), RingBuffer(50, 20), []
    for block in cut(stream, 30):
        buffer[:] = block
        found += pushed(ring, [buffer])
    assert found == sliced([stream], 50, 20)


@pytest.mark.parametrize("step", [50, 1000, 5000])
def test_memory_does_not_grow(step):
    ring, block = RingBuffer(1000, step), samples(50_000)
    tracemalloc.start()
    for size in (1, 999, 50_000, 3) * 5:
        for _ends, _windows in ring.push(block[:size]):
            pass
    used, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 40_000  # [bytes]
    assert peak < 120_000  # a copy of the long block would take 200 000


def test_a_long_block_comes_in_batches_of_bounded_size():
    sizes = [len(windows) for _, windows in RingBuffer(10, 10).push(samples(10_000))]
    assert sum(sizes) == 1000
    assert max(sizes) <= 16


@pytest.mark.parametrize("position", [0, 3, 500])
def test_moves_to_another_place(position):
    ring = RingBuffer(10, 25)
    assert len(pushed(ring, [samples(18)])) == 1  # some samples have come in vain, and others would be left out
    ring.move(position)
    found = pushed(ring, [samples(40)])
    assert [end for end, _ in found] == [position + 10, position + 35]
    assert found[0][1] == samples(10).tolist()


def test_positions_do_not_overflow():
    ring = RingBuffer(10, 10)
    found = pushed(ring, [Gap(2**62), Gap(2**62), samples(10)])
    assert [end for end, _ in found] == [2**63 + 10]


def test_parameters_are_kept():
    ring = RingBuffer(window_length=7, step=3)
    assert (ring.window_length, ring.step) == (7, 3)


@pytest.mark.parametrize(("window_length", "step"), [(0, 1), (1, 0), (-1, 1), (1, -5)])
def test_window_and_step_must_be_positive(window_length, step):
    with pytest.raises(ValueError, match=f"{window_length} and {step}"):
        RingBuffer(window_length, step)


@pytest.mark.parametrize("samples", [-1, 0.5, "3", None])
def test_gap_must_be_a_count(samples):
    with pytest.raises(ValueError, match=f"samples must be a non-negative integer, got {samples!r}"):
        Gap(samples)


def test_gap_is_a_value():
    assert Gap(3) == Gap(3)
    assert len({Gap(3), Gap(3), Gap(4)}) == 2

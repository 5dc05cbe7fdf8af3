"""The piece that the package plays itself, as the shipped model hears it."""

import numpy as np
import pytest

from emodj_live import DemoSource, EmotionModel, EmotionTracker, Quadrant
from emodj_live.blocks import status_of


@pytest.mark.slow
def test_it_is_the_same_every_time_and_full_of_sound():
    first, second = (np.concatenate(list(DemoSource())) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert len(first) == DemoSource.length * 22050
    assert 0.3 < np.abs(first).max() < 1


def test_status_says_where_it_is():
    source = DemoSource(sample_rate=8000)
    assert source.status() == status_of(source)
    positions = [source.status().position for _ in source]
    assert positions == [7.5, 15.0, 22.5, 30.0]
    status = source.status()
    assert (status.length, status.is_length_exact, status.input_rate, status.channels) == (30.0, True, 8000, 1)


def test_frames_are_the_blocks_with_a_channel():
    source = DemoSource(sample_rate=8000)
    for block, frames in zip(source, source.frames(), strict=True):
        np.testing.assert_array_equal(block[:, np.newaxis], frames)


@pytest.mark.parametrize("rate", [0, 999, True, "44100"])
def test_rate_out_of_range(rate):
    with pytest.raises(ValueError, match=f"sample_rate .* got {rate!r}"):
        DemoSource(sample_rate=rate)


@pytest.mark.slow
def test_it_moves_the_model_through_all_quadrants():
    emotions = list(EmotionTracker(EmotionModel.load()).track(DemoSource()))
    assert np.ptp([emotion.valence for emotion in emotions]) >= 0.1
    assert np.ptp([emotion.arousal for emotion in emotions]) >= 0.2
    assert {emotion.quadrant for emotion in emotions} == set(Quadrant)


@pytest.mark.slow
def test_another_rate_is_the_same_music():
    slow, fast = (np.concatenate(list(DemoSource(sample_rate=rate))) for rate in (22050, 44100))
    assert len(fast) == 2 * len(slow)
    assert abs(np.std(fast) / np.std(slow) - 1) < 0.01

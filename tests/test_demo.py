"""The piece that the package plays itself, as the shipped model hears it."""

import numpy as np

from emodj_live import DemoSource, EmotionModel, EmotionTracker


def test_it_is_the_same_every_time_and_full_of_sound():
    first, second = (np.concatenate(list(DemoSource())) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert len(first) == DemoSource.approximate_length * 22050
    assert 0.3 < np.abs(first).max() < 1


def test_it_moves_the_model_through_three_quadrants():
    emotions = list(EmotionTracker(EmotionModel.load()).track(DemoSource()))
    assert np.ptp([emotion.valence for emotion in emotions]) >= 0.1
    assert np.ptp([emotion.arousal for emotion in emotions]) >= 0.2
    assert len({emotion.quadrant for emotion in emotions}) >= 3


def test_another_rate_is_the_same_music():
    slow, fast = (np.concatenate(list(DemoSource(sample_rate=rate))) for rate in (22050, 44100))
    assert len(fast) == 2 * len(slow)
    assert abs(np.std(fast) / np.std(slow) - 1) < 0.01

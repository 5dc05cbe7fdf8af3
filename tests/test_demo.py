"""The piece that the package plays itself, as the bundled model hears it."""

import numpy as np
import pytest

from emodj_live import DemoSource, EmotionModel, EmotionTracker, Quadrant
from emodj_live.blocks import status_of

RATE = 22050
MOODS = Quadrant.CALM, Quadrant.HAPPY, Quadrant.TENSE, Quadrant.SAD
SECONDS = 15  # of each


@pytest.fixture(scope="module")
def piece():
    return np.concatenate(list(DemoSource()))


@pytest.fixture(scope="module")
def emotions(piece):
    return list(EmotionTracker(EmotionModel.load()).track([piece]))


@pytest.mark.slow
def test_it_is_the_same_every_time_and_full_of_sound(piece):
    np.testing.assert_array_equal(np.concatenate(list(DemoSource())), piece)
    assert len(piece) == DemoSource.length * RATE == 60 * RATE
    assert 0.3 < np.abs(piece).max() < 0.95
    seconds = np.sqrt(np.mean(piece.reshape(60, -1) ** 2, axis=1))
    assert seconds[:-1].min() > 0.02
    assert np.abs(piece[-100:]).max() < 0.001


def test_it_is_made_bar_by_bar():
    """So that the first bar does not wait for the last one, and little is made if somebody leaves early."""
    blocks = iter(DemoSource())
    assert len(next(blocks)) == pytest.approx(SECONDS / 4 * RATE, abs=1)


@pytest.mark.parametrize("rate", [8000, 22050])
def test_status_says_where_it_is(rate):
    source = DemoSource(sample_rate=rate)
    assert source.status() == status_of(source)
    positions = [source.status().position for _ in source]
    assert positions == sorted(positions)
    assert 1 < positions[0] < 4
    assert positions[-1] == pytest.approx(60)
    status = source.status()
    assert (status.length, status.is_length_exact, status.input_rate, status.channels) == (60.0, True, RATE, 1)


@pytest.mark.slow
def test_frames_are_the_piece_with_a_channel(piece):
    frames = list(DemoSource(sample_rate=8000).frames())
    assert {block.shape[1] for block in frames} == {1}
    np.testing.assert_array_equal(np.concatenate(frames)[:, 0], piece)


@pytest.mark.parametrize("rate", [0, 999, True, "44100"])
def test_rate_out_of_range(rate):
    with pytest.raises(ValueError, match=f"sample_rate .* got {rate!r}"):
        DemoSource(sample_rate=rate)


@pytest.mark.slow
def test_another_rate_is_the_same_music(piece):
    fast = np.concatenate(list(DemoSource(sample_rate=2 * RATE)))
    assert len(fast) == 2 * len(piece)
    assert abs(np.std(fast) / np.std(piece) - 1) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("mood", MOODS)
def test_each_mood_is_heard_clearly(mood, emotions):
    """Named for several seconds; and in its heart a tenth beyond both axes, so that the word is not a coin toss."""
    begin = SECONDS * MOODS.index(mood)
    part = [emotion for emotion in emotions if begin < emotion.time <= begin + SECONDS]
    assert sum(emotion.quadrant is mood for emotion in part) >= 12
    heart = [emotion for emotion in part if emotion.time > begin + 10]
    assert {emotion.mood for emotion in heart} == {mood.value}
    for name, is_positive in zip(("valence", "arousal"), mood.signs, strict=True):
        values = np.array([getattr(emotion, name) for emotion in heart])
        assert (values if is_positive else -values).min() > 0.1, name

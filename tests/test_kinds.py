"""Kinds of model: a second one is one module (here: one class) and one row of the table, and all else follows."""

import json
from collections import deque
from dataclasses import dataclass

import numpy as np
import pytest

from emodj_live import EmotionModel, EmotionTracker, Gap, ModelError, load_model, model_file
from emodj_live.kinds import KINDS

RATE = 8000


@dataclass(frozen=True)
class LevelModel:
    """Arousal is the mean level of the last five seconds; valence says how many windows that were."""

    scale: float
    sample_rate: int = RATE
    window_length: int = RATE // 2
    reference_level: float = -20.0

    ARRAYS = {"scale": "<f8"}  # noqa: RUF012

    def listener(self):
        return LevelListener(self)

    def save(self, path):
        arrays = {"scale": np.array([self.scale])}
        model_file.write(path, model_file.Contents("level", {"sample_rate": self.sample_rate}, arrays, {}))

    @classmethod
    def from_contents(cls, contents):
        if not contents.arrays["scale"][0] > 0:
            raise ValueError("scale must be positive")
        return cls(float(contents.arrays["scale"][0]), **contents.parameters)


class LevelListener:
    """Remembers the levels of five seconds."""

    def __init__(self, model):
        self._model = model
        self.reset()

    def hear(self, windows, times, is_silent):
        answers = []
        for window, time, silent in zip(windows, times, is_silent, strict=True):
            if not silent:
                self._levels.append((time, np.sqrt(np.mean(window**2))))
            while self._levels and self._levels[0][0] <= time - 5:
                self._levels.popleft()
            mean = np.mean([level for _, level in self._levels] or [0.0])
            answers.append((len(self._levels) / 100, self._model.scale * mean))
        return np.array(answers)

    def reset(self):
        self._levels = deque()


WITH_LEVEL = {**KINDS, "level": LevelModel}


@pytest.fixture
def steps():
    """Return twelve seconds whose level rises by 0.01 every half second."""
    return np.repeat(np.arange(1, 25) / 100, RATE // 2).astype(np.float32)


def arousals(emotions):
    return [emotion.raw_arousal for emotion in emotions]


def test_it_is_tracked(steps):
    emotions = list(EmotionTracker(LevelModel(2.0)).track([steps]))
    expected = [2 * np.mean(np.arange(max(1, last - 9), last + 1) / 100) for last in range(1, 25)]
    np.testing.assert_allclose(arousals(emotions), expected, rtol=1e-5)
    assert [emotion.time for emotion in emotions] == [n / 2 for n in range(1, 25)]


def test_whole_after_reset_block_by_block_and_without_reset(steps):
    tracker = EmotionTracker(LevelModel(2.0))
    whole = arousals(tracker.process(steps))
    assert arousals(tracker.process(steps)) != whole  # without reset: it remembers
    tracker.reset()
    assert arousals(tracker.process(steps)) == whole
    tracker.reset()
    pieces = [emotion for start in range(0, len(steps), 777) for emotion in tracker.process(steps[start : start + 777])]
    np.testing.assert_allclose(arousals(pieces), whole, rtol=1e-6)


def test_a_gap_empties_the_memory(steps):
    tracker = EmotionTracker(LevelModel(2.0))
    tracker.process(steps)
    tracker.process(Gap(0))
    (first,) = tracker.process(steps[: RATE // 2])
    assert first.raw_valence == pytest.approx(0.01)
    assert first.raw_arousal == pytest.approx(0.02)


def test_silence_is_answered_and_not_remembered(steps):
    tracker = EmotionTracker(LevelModel(2.0))
    heard = tracker.process(steps)[-1]
    (silent,) = tracker.process(np.zeros(RATE // 2, np.float32))
    assert silent.is_silent
    assert silent.raw_valence == pytest.approx(heard.raw_valence - 0.01)  # the oldest is forgotten, no new one is there


def test_times_and_windows_reach_the_listener(steps):
    asked = []

    class Ear:
        def hear(self, windows, times, is_silent):
            asked.append((windows.shape, times.dtype, is_silent.dtype))
            return np.zeros((len(windows), 2))

        def reset(self):
            pass

    class Model(LevelModel):
        def listener(self):
            return Ear()

    EmotionTracker(Model(1.0)).process(steps[: 2 * RATE])
    assert asked == [((4, RATE // 2), np.float64, np.bool_)]


def test_it_is_saved_and_loaded(steps, tmp_path):
    LevelModel(3.0).save(tmp_path / "level.npz")
    loaded = load_model(tmp_path / "level.npz", kinds=WITH_LEVEL)
    assert loaded == LevelModel(3.0)
    assert arousals(EmotionTracker(loaded).process(steps)) == arousals(EmotionTracker(LevelModel(3.0)).process(steps))


def test_without_its_row_it_is_refused(tmp_path):
    LevelModel(3.0).save(tmp_path / "level.npz")
    for load in (load_model, EmotionModel.load):
        with pytest.raises(ModelError, match="holds a model of kind 'level'; known here: rbf"):
            load(tmp_path / "level.npz")


def test_its_own_check_is_reported(tmp_path):
    LevelModel(-3.0).save(tmp_path / "level.npz")
    with pytest.raises(ModelError, match=r"level\.npz: is not a usable model file: scale must be positive\.$"):
        load_model(tmp_path / "level.npz", kinds=WITH_LEVEL)


def test_the_kinds_do_not_mix(model_path):
    assert isinstance(load_model(model_path, kinds=WITH_LEVEL), EmotionModel)
    assert isinstance(load_model(model_path), EmotionModel)
    with np.load(model_path) as arrays:
        assert json.loads(arrays["header"].tobytes())["kind"] == "rbf"

"""Callback: the tracker calls back with each emotion. ``python examples/callback.py song.mp3``."""

import sys

from emodj_live import Emotion, EmotionModel, EmotionTracker, FileSource


def on_emotion(emotion: Emotion) -> None:
    """Any callable will do; this one prints."""
    print(f"{emotion.time:6.1f} s  {emotion.quadrant.value}")


tracker = EmotionTracker(EmotionModel.load())
tracker.run(FileSource(sys.argv[1]), on_emotion)

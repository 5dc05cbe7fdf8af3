"""Callback: the tracker calls back with each emotion. ``python examples/callback.py song.mp3``."""

import sys

from emodj_live import Emotion, EmotionTracker, FileSource, load_model


def on_emotion(emotion: Emotion) -> None:
    """Any callable will do; this one prints."""
    print(f"{emotion.time:6.1f} s  {emotion.quadrant.value}")


model = load_model()
tracker = EmotionTracker(model)
tracker.run(FileSource(sys.argv[1], sample_rate=model.sample_rate), on_emotion)

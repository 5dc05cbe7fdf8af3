"""Iterator: emotions one after the other in a loop of your own. ``python examples/iterator.py song.mp3``."""

import sys

from emodj_live import EmotionModel, EmotionTracker, FileSource

tracker = EmotionTracker(EmotionModel.load())
for emotion in tracker.track(FileSource(sys.argv[1])):
    print(f"{emotion.time:6.1f} s  valence {emotion.valence:+.2f}  arousal {emotion.arousal:+.2f}")

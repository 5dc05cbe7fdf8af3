"""Iterator: emotions one after the other in your own loop. ``python examples/iterator.py song.mp3``."""

import sys

from emodj_live import EmotionTracker, FileSource, load_model

model = load_model()
tracker = EmotionTracker(model)
for emotion in tracker.track(FileSource(sys.argv[1], sample_rate=model.sample_rate)):
    print(f"{emotion.time:6.1f} s  valence {emotion.valence:+.2f}  arousal {emotion.arousal:+.2f}")

"""Background: for a program with its own main loop, which polls. ``python examples/background.py song.mp3``."""

import sys
import time

from emodj_live import BackgroundTracker, EmotionTracker, FileSource, PacedSource, load_model

model = load_model()
tracker = EmotionTracker(model)
file = FileSource(sys.argv[1], sample_rate=model.sample_rate)
source = PacedSource(file)  # at the music's speed; or MicrophoneSource(sample_rate=model.sample_rate)
with BackgroundTracker(tracker, source) as background:  # what goes wrong in the background is raised at its end
    while background.is_running:  # the loop of your game, window or installation
        time.sleep(0.25)
        if emotion := background.latest:
            print(f"{emotion.time:6.1f} s  {emotion.quadrant.value}")

"""Background: for a program with a loop of its own, which polls. ``python examples/background.py song.mp3``."""

import sys
import time

from emodj_live import BackgroundTracker, EmotionModel, EmotionTracker, FileSource, PacedSource

tracker = EmotionTracker(EmotionModel.load())
source = PacedSource(FileSource(sys.argv[1]))  # at the music's speed; or MicrophoneSource()
with BackgroundTracker(tracker, source) as background:  # what goes wrong in the background is raised at its end
    while background.is_running:  # the loop of your game, window or installation
        time.sleep(0.25)
        if emotion := background.latest:
            print(f"{emotion.time:6.1f} s  {emotion.quadrant.value}")

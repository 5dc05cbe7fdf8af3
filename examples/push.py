"""Push: hand over your own audio as it comes, here as 16-bit stereo. ``python examples/push.py song.wav``."""

import sys

import soundfile

from emodj_live import EmotionTracker, load_model

tracker = EmotionTracker(load_model())
with soundfile.SoundFile(sys.argv[1]) as song:  # stands for your decoder, mixer or network
    adapter = tracker.adapter(song.samplerate)  # one for the whole stream: any rate, channels and number format
    for frames in song.blocks(1024, dtype="int16"):
        for emotion in tracker.process(adapter.process(frames)):
            print(f"{emotion.time:6.1f} s  valence {emotion.valence:+.2f}  arousal {emotion.arousal:+.2f}")
for emotion in tracker.process(adapter.flush()):  # the last few milliseconds
    print(f"{emotion.time:6.1f} s  valence {emotion.valence:+.2f}  arousal {emotion.arousal:+.2f}")

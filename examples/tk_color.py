"""A window whose color follows the mood of the music.

``python examples/tk_color.py`` listens to the microphone, ``python examples/tk_color.py song.mp3`` goes through a
file at the music's speed. It ends with the song, when its window is closed, or with Ctrl-C.
"""

from __future__ import annotations

import signal
import sys
import tkinter

from emodj_live import (
    BackgroundTracker,
    EmodjError,
    EmotionTracker,
    FileSource,
    MicrophoneSource,
    PacedSource,
    Quadrant,
    load_model,
)


class Window(tkinter.Tk):
    """A window that looks at the newest emotion ten times a second, on the main thread as tkinter wants it."""

    def __init__(self, background: BackgroundTracker) -> None:
        super().__init__()
        self.title("emodj-live")
        self.geometry("480x320")
        self._background = background
        self._word = tkinter.Label(self, text="listening ...", font=("sans-serif", 32), fg="white", bg="black")
        self._word.pack(fill="both", expand=True)
        self._follow()

    def _follow(self) -> None:
        if emotion := self._background.latest:
            ink = "black" if emotion.quadrant in (Quadrant.HAPPY, Quadrant.CALM) else "white"
            self._word.configure(text=emotion.quadrant.value, fg=ink, bg=emotion.quadrant.color)
        if self._background.is_running:
            self.after(100, self._follow)
        else:  # the song is over, or something went wrong
            self.quit()


def background_of(arguments: list[str]) -> BackgroundTracker:
    """Track the file that is named, or else the microphone."""
    model = load_model()
    if arguments:
        source = PacedSource(FileSource(arguments[0], sample_rate=model.sample_rate))
        return BackgroundTracker(EmotionTracker(model), source)
    microphone = MicrophoneSource(sample_rate=model.sample_rate)
    return BackgroundTracker(EmotionTracker(model, gain="auto"), microphone)


def main() -> None:
    """Open the window; an error in the background is raised at the end of the ``with`` statement."""
    try:
        with background_of(sys.argv[1:]) as background:
            window = Window(background)
            signal.signal(signal.SIGINT, lambda *_: window.quit())
            window.mainloop()
    except (EmodjError, tkinter.TclError) as error:
        sys.exit(f"tk_color: {error}")


if __name__ == "__main__":
    main()

"""The dashboard as it runs, on a terminal in memory and with a clock of its own: the same second of the same song."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from rich.console import Console

from emodj_live import DemoSource, EmotionTracker, FileSource, load_model
from emodj_live.arc import Arc, ArcRecorder
from emodj_live.sinks.terminal.dashboard import Dashboard
from emodj_live.sinks.terminal.keys import VIEW_KEYS, Key
from emodj_live.sleeve import Sleeve

PIECE = 0.03  # [s] as a paced source hands them out
KEYS = (
    Key("space", "pause", "pause, and go on"),
    Key("← →", "seek", "go 5 seconds back or on"),
    Key("n p", "song", "next song, or the one before"),
    *VIEW_KEYS,
    Key("q", "quit", "quit"),
)


class Song:
    """A piece of music, its emotions, and what a source says of itself while it is played."""

    def __init__(self, path=None, *, title=None, album="", cover=None):
        self.model = load_model()
        source = FileSource(path) if path else DemoSource()
        self.audio = np.concatenate([block for block in source if len(block)])
        self.emotions = list(EmotionTracker(self.model).track([self.audio]))
        self.title, self.sleeve = title or source.title, Sleeve(album=album, cover=cover)
        self.sample_rate = source.sample_rate
        self._status = replace(source.status(), length=len(self.audio) / source.sample_rate, behind=0.002)
        recorder = ArcRecorder()
        for emotion in self.emotions:
            recorder.add(emotion.time, emotion.valence, emotion.arousal)
        self.arc = recorder.arc
        self.position = 0.0

    def status(self):
        """Return what a source that plays it would say."""
        return replace(self._status, position=self.position)


class Stage:
    """A dashboard that follows a song on a terminal of a certain kind."""

    def __init__(self, song, size, *, color_system="truecolor", background="dark", knows_ahead=True, place=""):
        self.now, self.song = 0.0, song
        console = Console(
            file=io.StringIO(),
            width=size[0],
            height=size[1],
            force_terminal=True,
            color_system=color_system,
            no_color=color_system is None,
            legacy_windows=False,
            _environ={},
        )
        self.dashboard = Dashboard(
            console=console,
            background=background,
            calibration=song.model.calibration,
            clock=lambda: self.now,
            cpu_clock=lambda: 0.05 * self.now,
        )
        self.dashboard.keys = KEYS
        self.dashboard.follow(
            song, place=place, sleeve=lambda: song.sleeve, ahead=(lambda: song.arc) if knows_ahead else Arc
        )
        self._emotions = iter(song.emotions)
        self._next = next(self._emotions)

    @property
    def cells(self):
        """What the terminal shows, as a frame's cells."""
        return self.dashboard._screen.cells

    @property
    def look(self):
        """How the dashboard looks there."""
        return self.dashboard._look()

    def play(self, until):
        """Play on up to a second of the song, and yield what is shown after each piece."""
        rate = self.song.sample_rate
        while self.song.position < until - 1e-9:
            begin, self.song.position = self.song.position, self.song.position + PIECE
            self.now += PIECE
            while self._next is not None and self._next.time <= self.song.position:
                self.dashboard(self._next)
                self._next = next(self._emotions, None)
            self.dashboard.after_block(self.song.audio[round(begin * rate) : round(self.song.position * rate)])
            yield self.cells

    def go_to(self, second):
        """Play on up to a second, and return what is shown then."""
        for _ in self.play(second):
            pass
        self.dashboard.draw()
        return self.cells

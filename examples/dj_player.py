"""A DJ for the terminal, in the spirit of EmoDJ: it goes on with the song that feels most like the one before.

::

    python examples/dj_player.py ~/Music                    # analyse, then play until no song is left
    python examples/dj_player.py ~/Music --dry-run          # only print the order
    python examples/dj_player.py a.mp3 b.flac c.wav --start-with b

Keys: n next song, space pause, q quit; h happy, t tense, s sad, c calm: the next song is the one nearest to that mood
(the same key again takes it back). All of it stands on what emodj-live offers to everybody.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy comes: its products are too small here to be shared

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from emodj_live import (
    Dashboard,
    EmodjError,
    EmotionModel,
    EmotionTracker,
    FileSource,
    Gap,
    PlayedSource,
    Quadrant,
    SourceError,
    Status,
    Summary,
    find_device,
    own_stderr,
)

SUFFIXES = {".aif", ".aiff", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav"}
CENTRES = {
    Quadrant.HAPPY: (0.5, 0.5),
    Quadrant.TENSE: (-0.5, 0.5),
    Quadrant.SAD: (-0.5, -0.5),
    Quadrant.CALM: (0.5, -0.5),
}
INTERRUPTED = 130  # as a shell counts it
MOOD_KEYS = {mood.value[0]: mood for mood in CENTRES}
HELP = "n next  space pause  q quit  h happy  t tense  s sad  c calm"


@dataclass(frozen=True)
class Song:
    """A song, and where it lies in the plane: its mean valence and arousal."""

    path: Path
    title: str
    point: tuple[float, float]

    def __str__(self) -> str:
        valence, arousal = self.point
        return f"{self.title}: {Quadrant.of(*self.point).value}, valence {valence:+.2f}, arousal {arousal:+.2f}"


def nearest(songs: Sequence[Song], point: tuple[float, float]) -> Song:
    """Find the song nearest to a point by Euclidean distance (EmoDJ's rule), of equally near ones the first by name."""
    return min(songs, key=lambda song: (math.dist(song.point, point), song.path.name, song.path))


class SetList:
    """An iterator over songs: after each comes the nearest that is left, or, if asked, the nearest to a mood."""

    def __init__(self, first: Song, songs: Sequence[Song]) -> None:
        self.upcoming: Song | None = first
        self.mood: Quadrant | None = None
        self.total = len(songs)
        self._left = list(songs)
        self._point = first.point

    def __iter__(self) -> SetList:
        return self

    def __next__(self) -> Song:
        """Return the song whose turn it is; a mood has then had its effect."""
        if (song := self.upcoming) is None:
            raise StopIteration
        self._left.remove(song)
        self._point = song.point
        self.steer(None)
        return song

    def steer(self, mood: Quadrant | None) -> None:
        """Choose what comes next: the song nearest to a mood, or without one to the song of now."""
        self.mood = mood
        self.upcoming = nearest(self._left, CENTRES[mood] if mood else self._point) if self._left else None


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are named, and the audio files in the folders that are named, each once."""

    def tell(error: OSError) -> None:
        told = SourceError(f"{error.filename}: {error.strerror}.")  # whose text is safe to print
        print(f"dj_player: left out {told}", file=sys.stderr)

    found: list[Path] = []
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises where a name is too long)
            inside = sorted(Path(folder, name) for folder, _, names in os.walk(path, onerror=tell) for name in names)
            found += [file for file in inside if file.suffix.lower() in SUFFIXES]
        else:
            found.append(path)
    each: dict[str, Path] = {}
    for file in found:
        each.setdefault(os.path.realpath(file), file)
    return list(each.values())


def analyse(file: FileSource, model: EmotionModel, stopped: Event) -> Song:
    """Listen to a whole song as fast as it goes, without smoothing: what counts is the mean of what is heard."""
    summary = Summary()
    for emotion in EmotionTracker(model, smoothing=0).track(file):
        if not emotion.is_silent:
            summary(emotion)
        if stopped.is_set():
            break
    if not summary.count:
        raise SourceError(f"{file.path}: is silent, or shorter than half a second.")
    return Song(file.path, file.title, (summary.valence, summary.arousal))


def analyse_all(files: Sequence[Path], model: EmotionModel, stopped: Event) -> list[Song]:
    """Analyse files behind a progress bar; what cannot be played is told and left out."""
    console, songs = Console(stderr=True, highlight=False, markup=False, soft_wrap=True), []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Listening to the songs", total=len(files))
        for path in files:
            if stopped.is_set():
                break
            try:
                songs.append(analyse(FileSource(path, sample_rate=model.spec.sample_rate), model, stopped))
            except SourceError as error:
                console.print(f"dj_player: left out {error}")
            progress.advance(task)
    return songs


class Player:
    """Play a set list on the terminal, until it is through or `stopped` is set."""

    def __init__(self, songs: SetList, model: EmotionModel, device: int | str | None, stopped: Event) -> None:
        self.played: list[Song] = []
        self.left_out: list[SourceError] = []
        self._songs = songs
        self._tracker = EmotionTracker(model)
        self._sample_rate = model.spec.sample_rate
        self._device = device
        self._stopped = stopped
        self._dashboard = Dashboard(self._status)
        self._source: PlayedSource | None = None

    def run(self) -> None:
        """Play until no song is left or somebody quits; `played` and `left_out` say what."""
        with self._dashboard:
            self._dashboard.tell(HELP)
            for song in self._songs:
                try:
                    file = FileSource(song.path, sample_rate=self._sample_rate)
                except SourceError as error:  # it has gone since it was analysed
                    self.left_out.append(error)
                    continue
                self.played.append(song)
                self._source = PlayedSource(file, device=self._device)
                self._dashboard.reset()
                self._tracker.run(self._until_next(self._source), self._dashboard)
                if self._stopped.is_set():
                    break

    def _until_next(self, source: PlayedSource) -> Iterator[NDArray[np.float32] | Gap]:
        """Yield what is played, each piece when it is heard (in between empty ones), and obey the keys."""
        for block in source:
            yield block
            self._dashboard.tick()
            key = self._dashboard.key()
            if key == " ":
                source.is_paused = not source.is_paused
            elif key == "q":
                self._stopped.set()
            elif mood := MOOD_KEYS.get(key):
                self._songs.steer(None if mood is self._songs.mood else mood)
            if key == "n" or self._stopped.is_set():
                return

    def _status(self) -> Status:
        """Return what the dashboard shows besides the emotions."""
        source, upcoming, mood = self._source, self._songs.upcoming, self._songs.mood
        if source is None:
            return Status("")
        place = f"song {len(self.played)} of {self._songs.total}"
        why = f"towards {mood.value}" if mood else "nearest"
        return Status(
            title=source.file.title,
            detail=f"{place}; next, {why}: {upcoming.title}" if upcoming else f"{place}, the last",
            position=source.heard,
            length=source.file.approximate_length,
            is_length_exact=source.file.is_length_exact,
            alarm="paused: press space to go on" if source.is_paused else "",
        )


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description="Play songs in an order that follows their emotion.", epilog=HELP)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="audio files, and folders of them")
    parser.add_argument("--start-with", default="", metavar="SONG", help="part of the first song's file name")
    parser.add_argument("--dry-run", action="store_true", help="print the order and exit")
    parser.add_argument("--device", metavar="DEVICE", help="the output: its number or a part of its name")
    options = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be no text
    stopped = Event()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stopped.set())
    try:
        with own_stderr():  # sound systems and decoders write to it past Python, and would write into the dashboard
            return run(options, stopped)
    except EmodjError as error:
        print(f"dj_player: {error}", file=sys.stderr)
    except OSError as error:  # the list cannot be written, or nobody reads it
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if isinstance(error, BrokenPipeError):
            return 0
        print(f"dj_player: {error}", file=sys.stderr)
    return 1


def run(options: argparse.Namespace, stopped: Event) -> int:
    """Analyse, then print or play, and return the exit code."""
    device = int(options.device) if (options.device or "").isdecimal() else options.device
    if not options.dry_run:
        if not Dashboard.is_possible():
            raise EmodjError("it plays on a terminal that shows UTF-8 only; --dry-run prints the order anywhere.")
        find_device(device, "output")  # rather now than after the analysis
    files = find_files(options.paths)
    wanted = options.start_with.lower()
    if wanted and not any(wanted in file.name.lower() for file in files):
        raise SourceError(f"there is no song with {options.start_with!r} in its name to begin with.")
    model = EmotionModel.load()
    songs = analyse_all(files, model, stopped)
    if stopped.is_set():
        return INTERRUPTED
    candidates = [song for song in songs if wanted in song.path.name.lower()]
    if not candidates:
        raise SourceError("there is no song to begin with; name audio files, or folders that have some.")
    set_list = SetList(candidates[0], songs)
    if options.dry_run:
        show(list(set_list))
        return 0
    player = Player(set_list, model, device, stopped)
    try:
        player.run()
    finally:
        show(player.played)
        for error in player.left_out:
            print(f"dj_player: left out {error}", file=sys.stderr)
    return 0


def show(songs: Sequence[Song]) -> None:
    """Print songs in their order."""
    for number, song in enumerate(songs, 1):
        print(f"{number}. {song}")
    if sys.stdout:
        sys.stdout.flush()  # while what goes wrong with it can still be told


if __name__ == "__main__":
    sys.exit(main())

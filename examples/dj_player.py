"""A DJ for the terminal, in the spirit of EmoDJ: after each song comes the one that feels most like it.

::

    python examples/dj_player.py ~/Music                    # analyze, then play until no song is left
    python examples/dj_player.py ~/Music --dry-run          # only print the order
    python examples/dj_player.py a.mp3 b.flac c.wav --start-with b

Keys: n next song, space pause, q quit; h happy, t tense, s sad, c calm: the next song is the one nearest to that mood
(the same key again takes it back). It is built on emodj-live's public names alone.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: more threads do not pay off here

from rich.console import Console
from rich.progress import Progress

from emodj_live import (
    Dashboard,
    EmodjError,
    EmotionTracker,
    FileSource,
    Model,
    PlayedSource,
    Quadrant,
    SongProfile,
    SourceError,
    analyze,
    find_device,
    load_model,
    own_stderr,
)

SUFFIXES = {".aif", ".aiff", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav"}
CENTERS = {
    Quadrant.HAPPY: (0.5, 0.5),
    Quadrant.TENSE: (-0.5, 0.5),
    Quadrant.SAD: (-0.5, -0.5),
    Quadrant.CALM: (0.5, -0.5),
}
INTERRUPTED = 130  # as a shell counts it
MOOD_KEYS = {mood.value[0]: mood for mood in CENTERS}
HELP = "n next  space pause  q quit  h happy  t tense  s sad  c calm"
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


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
    """Find the song nearest to a point by Euclidean distance (EmoDJ's rule); of equally near ones the first by name."""
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
        """Choose what comes next: the song nearest to a mood, or without one to the present song."""
        self.mood = mood
        self.upcoming = nearest(self._left, CENTERS[mood] if mood else self._point) if self._left else None


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are named, and the audio files in the folders that are named, each once."""

    def report(error: OSError) -> None:
        print_left_out(SourceError(f"{error.filename}: {error.strerror}."))  # whose text is safe to print

    found: list[Path] = []
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises where a name is too long)
            inside = sorted(Path(folder, name) for folder, _, names in os.walk(path, onerror=report) for name in names)
            found += [file for file in inside if file.suffix.lower() in SUFFIXES]
        else:
            found.append(path)
    each: dict[str, Path] = {}
    for file in found:
        each.setdefault(os.path.realpath(file), file)
    return list(each.values())


def song_of(path: Path, profile: SongProfile) -> Song:
    """Return a song, placed in the plane by its profile."""
    if profile.silence == 1:
        raise SourceError(f"{path}: is silent.")
    return Song(path, FileSource(path).title, (profile.valence, profile.arousal))


def analyze_all(files: Sequence[Path], model: Model) -> list[Song]:
    """Analyze files with a progress bar; those that cannot be played are reported and left out."""
    console, songs = Console(stderr=True, highlight=False, markup=False, soft_wrap=True), []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for path in progress.track(files, description="Listening to the songs"):
            try:
                songs.append(song_of(path, analyze(path, model)))
            except SourceError as error:
                console.print(f"dj_player: left out {error}")
    return songs


class Player:
    """Play a set list on the terminal, until it ends or `stop` is set."""

    def __init__(self, songs: SetList, model: Model, device: int | str | None, stop: Event) -> None:
        self.played: list[Song] = []
        self.left_out: list[SourceError] = []
        self._songs = songs
        self._tracker = EmotionTracker(model)
        self._sample_rate = model.sample_rate
        self._device = device
        self._stop = stop
        self._dashboard = Dashboard()

    def run(self) -> None:
        """Play the songs; `played` and `left_out` say which."""
        with self._dashboard:
            self._dashboard.show(HELP)
            for song in self._songs:
                try:
                    file = FileSource(song.path, sample_rate=self._sample_rate)
                except SourceError as error:  # it was removed since it was analyzed
                    self.left_out.append(error)
                    continue
                self.played.append(song)
                self._play(PlayedSource(file, device=self._device))
                if self._stop.is_set():
                    break

    def _play(self, source: PlayedSource) -> None:
        def after_block(block: object) -> None:
            self._handle(self._dashboard.key(), source)
            self._dashboard.note = self._note()
            self._dashboard.after_block(block)

        self._dashboard.follow(source)
        self._tracker.run(source, self._dashboard, stop=self._stop, after_block=after_block)

    def _handle(self, key: str, source: PlayedSource) -> None:
        if key == " ":
            source.is_paused = not source.is_paused
        elif key == "n":
            self._tracker.stop()
        elif key == "q":
            self._stop.set()
        elif mood := MOOD_KEYS.get(key):
            self._songs.steer(None if mood is self._songs.mood else mood)

    def _note(self) -> str:
        """Say which song this is, and which one comes next and why."""
        upcoming, mood = self._songs.upcoming, self._songs.mood
        position = f"song {len(self.played)} of {self._songs.total}"
        why = f"toward {mood.value}" if mood else "nearest"
        return f"{position}; next, {why}: {upcoming.title}" if upcoming else f"{position}, the last"


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description="Play songs in an order that follows their emotion.", epilog=HELP)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="audio files, and folders of them")
    parser.add_argument("--start-with", default="", metavar="SONG", help="part of the first song's file name")
    parser.add_argument("--dry-run", action="store_true", help="print the order and exit")
    parser.add_argument("--device", metavar="DEVICE", help="the output: its number or a part of its name")
    options = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name need not be text
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)  # KeyboardInterrupt
    try:
        with own_stderr():  # sound systems and decoders write to it past Python, and would write into the dashboard
            return run(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except EmodjError as error:
        print(f"dj_player: {error}", file=sys.stderr)
    except OSError as error:  # the list cannot be written
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if isinstance(error, BrokenPipeError):
            return 0
        print(f"dj_player: {error}", file=sys.stderr)
    return 1


def run(options: argparse.Namespace) -> int:
    """Analyze, then print or play, and return the exit code."""
    device = int(options.device) if (options.device or "").isdecimal() else options.device
    if not options.dry_run:
        if not Dashboard.is_supported():
            raise EmodjError("the player needs a UTF-8 terminal; --dry-run prints the order instead.")
        find_device(device, "output")  # fail before the analysis, not after
    files = find_files(options.paths)
    wanted = options.start_with.lower()
    if wanted and not any(wanted in file.name.lower() for file in files):
        raise SourceError(f"no song has {options.start_with!r} in its file name; choose another for --start-with.")
    model = load_model()
    songs = analyze_all(files, model)
    candidates = [song for song in songs if wanted in song.path.name.lower()]
    if not candidates:
        raise SourceError("no playable song was found; name audio files, or folders that have some.")
    set_list = SetList(candidates[0], songs)
    if options.dry_run:
        print_songs(list(set_list))
    else:
        play(set_list, model, device)
    return 0


def play(set_list: SetList, model: Model, device: int | str | None) -> None:
    """Play, and print what was played."""
    stop = Event()
    for number in SIGNALS:
        signal.signal(number, lambda *_: stop.set())  # in good order from now on
    player = Player(set_list, model, device, stop)
    try:
        player.run()
    finally:
        print_songs(player.played)
        for error in player.left_out:
            print_left_out(error)


def print_songs(songs: Sequence[Song]) -> None:
    """Print songs in their order."""
    for number, song in enumerate(songs, 1):
        print(f"{number}. {song}")
    if sys.stdout:
        sys.stdout.flush()  # while an error can still be reported


def print_left_out(error: SourceError) -> None:
    """Report a file or folder that cannot be played."""
    print(f"dj_player: left out {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

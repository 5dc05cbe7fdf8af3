"""A DJ for the terminal, in the spirit of EmoDJ: after each song comes the one that feels most like it.

::

    python examples/dj_player.py ~/Music

Keys: n next song, space pause, q quit. It is the short example of a player of one's own, on emodj-live's public names
alone; ``emodj-library play`` does the same for a whole collection, which is scanned once and steered while it plays.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: more threads do not pay off here

from emodj_live import (
    Dashboard,
    Deck,
    EmodjError,
    EmotionTracker,
    FileSource,
    Model,
    PlayedSource,
    SourceError,
    analyze,
    load_model,
    own_stderr,
)

SUFFIXES = {".aif", ".aiff", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav"}
Points = dict[Path, tuple[float, float]]


def analyze_all(folder: Path, model: Model) -> Points:
    """Return where the songs in a folder lie in the plane; those that cannot be played are told and left out."""
    points: Points = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        try:
            profile = analyze(path, model)
        except SourceError as error:
            print(f"dj_player: left out {error}", file=sys.stderr)
        else:
            points[path] = profile.valence, profile.arousal
    return points


def nearest_first(points: Points) -> Iterator[Path]:
    """Yield the first song, and then always the one nearest to the last that is left: EmoDJ's rule."""
    left = dict(points)
    path = next(iter(left), None)
    while path is not None:
        yield path
        point = left.pop(path)
        path = min(left, key=lambda other: math.dist(left[other], point), default=None)


def play(order: list[Path], model: Model, stop: Event) -> None:
    """Play songs one after the other without a pause, until they end or `stop` is set."""
    tracker = EmotionTracker(model)
    with Deck() as deck, Dashboard() as dashboard:
        dashboard.show("n next  space pause  q quit")
        sources = [PlayedSource(FileSource(path, sample_rate=model.sample_rate), output=deck) for path in order]
        for source in sources:
            deck.queue(source)

        def after_block(block: object) -> None:
            key = dashboard.key()
            if key == " ":
                deck.is_paused = not deck.is_paused
            elif key == "n":
                tracker.stop()
            elif key == "q":
                stop.set()
            dashboard.after_block(block)

        for number, source in enumerate(sources, 1):
            if not stop.is_set():
                dashboard.follow(source, place=f"{number} of {len(sources)}")
                tracker.run(source, dashboard, stop=stop, after_block=after_block)


def run(folder: Path) -> None:
    """Analyze a folder, and play it."""
    if not Dashboard.is_supported():
        raise EmodjError("the player needs a UTF-8 terminal.")
    model, stop = load_model(), Event()
    order = list(nearest_first(analyze_all(folder, model)))
    if not order:
        raise SourceError(f"{folder}: no playable song was found; name a folder that has some.")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())  # in good order from now on
    play(order, model, stop)


def main() -> int:
    """Run the program and return its exit code."""
    if len(sys.argv) != 2:
        print("usage: python dj_player.py FOLDER", file=sys.stderr)
        return 2
    try:
        with own_stderr():  # sound systems and decoders write to it past Python, and would write into the dashboard
            run(Path(sys.argv[1]))
    except KeyboardInterrupt:
        return 130  # as a shell counts it
    except EmodjError as error:
        print(f"dj_player: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

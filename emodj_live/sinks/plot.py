"""A picture of a whole song, its arc over time and its path in the valence-arousal plane: ``--plot``."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import groupby, pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

from emodj_live.blocks import Sink
from emodj_live.colors import blend
from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError, one_line
from emodj_live.sinks.pictures import FAINT, INK, PALE, SUFFIXES, draw_quadrants, matplotlib, reach_of, rendered
from emodj_live.work import Output, Work, refuse_inputs

_MOST = 20_000  # emotions: near three hours of them, beyond that every second, every fourth, ... is kept
_SIZE = (12.0, 4.8)  # [inches]
_TICKS = (-1, -0.5, 0, 0.5, 1)
_DISTANCES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600)  # [s] between marks on the time axis


class PlotSink:
    """Collect emotions, and draw them when it is closed.

    Of a very long stream only every second emotion, every fourth and so on is kept, so that memory is bounded.

    Parameters
    ----------
    path : path-like
        The picture: .png, .svg or .pdf.
    title : str
        What to write above it.

    Raises
    ------
    SinkError
        If matplotlib is missing or the file cannot be written, now or when it is closed.
    ValueError
        If the path has another suffix.
    """

    def __init__(self, path: str | os.PathLike[str], *, title: str = "") -> None:
        self.path = Path(path)
        self.title = title
        if self.path.suffix.lower() not in SUFFIXES:
            raise ValueError(f"a plot must be a {', '.join(SUFFIXES)} file, got {self.path}")
        self._emotions: list[Emotion] = []
        self._stride = 1
        self._count = 0
        matplotlib()
        self._check_writable()

    def __enter__(self) -> PlotSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw what has come so far."""
        self.close()

    def __call__(self, emotion: Emotion) -> None:
        """Take in one emotion."""
        if self._count % self._stride == 0:
            self._emotions.append(emotion)
        self._count += 1
        if len(self._emotions) > _MOST:
            del self._emotions[1::2]
            self._stride *= 2

    def close(self) -> None:
        """Draw, and write the file. Without an emotion since the last time there is nothing to draw."""
        if not self._emotions:
            return
        emotions, self._emotions, self._count, self._stride = in_song_order(self._emotions), [], 0, 1
        picture = rendered(self._draw(emotions), self.path)
        try:
            self.path.write_bytes(picture)
        except OSError as error:
            raise SinkError(f"{self.path}: cannot be written: {error.strerror or error}.") from error

    def _draw(self, emotions: Sequence[Emotion]) -> Any:
        return draw(emotions, self.title)

    def _check_writable(self) -> None:
        """Find out now whether the file can be written, and leave everything as it was."""
        try:
            is_new = not self.path.exists()
            self.path.open("ab").close()
            if is_new:
                self.path.resolve().unlink()  # a link stays
        except OSError as error:
            raise SinkError(f"{self.path}: cannot be written: {error.strerror or error}.") from error


def draw(emotions: Sequence[Emotion], title: str) -> Any:
    """Draw the arc and the path.

    Parameters
    ----------
    emotions : sequence of Emotion
        At least one, in time order.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = matplotlib().figure.Figure(figsize=_SIZE, layout="constrained")
    printable = one_line(title).encode(errors="replace").decode()  # a file's name may be no text
    figure.suptitle(printable, parse_math=False, color=INK)
    arc, plane = figure.subplots(1, 2, width_ratios=(2.1, 1))
    _draw_arc(arc, emotions)
    _draw_plane(plane, emotions)
    return figure


def in_song_order(emotions: Sequence[Emotion]) -> list[Emotion]:
    """Return emotions by their time; of each half second that was heard more than once, those of the last time.

    Parameters
    ----------
    emotions : sequence of Emotion
        As they came; somebody may have sought.

    Returns
    -------
    list of Emotion
    """
    part, before = 0, -math.inf
    heard: dict[int, tuple[int, list[Emotion]]] = {}  # for each half second the part of the stream, and its emotions
    for emotion in emotions:
        part += emotion.time <= before
        before = emotion.time
        half = math.floor(2 * emotion.time)
        if half not in heard or heard[half][0] != part:
            heard[half] = part, []
        heard[half][1].append(emotion)
    return [emotion for half in sorted(heard) for emotion in heard[half][1]]


def _draw_arc(axes: Any, emotions: Sequence[Emotion]) -> None:
    """Draw valence and arousal over time, on the colors of the quadrants."""
    times = [emotion.time for emotion in emotions]
    start = beginning = 2 * times[0] - times[1] if len(times) > 1 else times[0] - 0.5
    for quadrant, run in groupby(emotions, key=lambda emotion: emotion.quadrant):
        end = [emotion.time for emotion in run][-1]
        axes.axvspan(start, end, color=PALE[quadrant], linewidth=0)
        start = end
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.plot(times, [emotion.valence for emotion in emotions], color=INK, linewidth=1.6, label="valence")
    axes.plot(times, [emotion.arousal for emotion in emotions], color=INK, linewidth=1.6, ls="--", label="arousal")
    reach = reach_of(_points(emotions))
    ticks = [reach * part for part in _TICKS]
    axes.set(xlim=(beginning, times[-1]), ylim=(-reach, reach), yticks=ticks, xlabel="time")
    length = times[-1] - beginning
    axes.xaxis.set_major_locator(matplotlib().ticker.MultipleLocator(_distance(length)))
    axes.xaxis.set_major_formatter(matplotlib().ticker.FuncFormatter(_clock))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False, ncols=2, borderaxespad=0.2)


def _draw_plane(axes: Any, emotions: Sequence[Emotion]) -> None:
    """Draw the path from its beginning, a ring, to its end, a dot; the later the darker."""
    points = _points(emotions)
    draw_quadrants(axes, reach_of(points))
    steps = list(pairwise(points))
    shades = [blend("#b0b0b0", "#000000", step / len(steps)) for step in range(len(steps))]
    axes.add_collection(matplotlib().collections.LineCollection(steps, colors=shades, linewidths=1.4))
    axes.plot(*points[0], "o", color=INK, markerfacecolor="white", markersize=7)
    axes.plot(*points[-1], "o", color=INK, markersize=7)


def _points(emotions: Sequence[Emotion]) -> list[tuple[float, float]]:
    return [(emotion.valence, emotion.arousal) for emotion in emotions]


def _distance(length: float) -> float:
    """Return how far apart marks on a time axis should be, so that there are some ten."""
    return next((distance for distance in _DISTANCES if length <= 10 * distance), 3600 * math.ceil(length / 36000))


def _clock(seconds: float, _position: object = None) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def parse(text: str) -> Path:
    """Take a file for a picture.

    Parameters
    ----------
    text : str
        The option's value.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If its suffix is not one of `SUFFIXES`.
    """
    path = Path(text)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{text} does not end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    return path


def open_output(path: Path, files: Sequence[str]) -> AbstractContextManager[Output]:
    """Open the output of ``--plot``."""
    return open_pictures(PlotSink, path, files)


@contextmanager
def open_pictures(kind: type[PlotSink], path: Path, files: Sequence[str]) -> Iterator[Output]:
    """Open an output of pictures: one for each work, numbered if there are several.

    Parameters
    ----------
    kind : type
        The class of their sinks.
    path : Path
    files : sequence of str
        The audio files, none of which may be overwritten.

    Yields
    ------
    Output

    Raises
    ------
    SinkError
        If a picture cannot be written, or is one of the audio files.
    """
    paths = _numbered(path, max(1, len(files)))
    for each in paths:
        refuse_inputs(each, files)
    plots = [kind(each) for each in paths]

    @contextmanager
    def follow(work: Work) -> Iterator[Sink]:
        plot = plots[work.number]
        plot.title = work.title
        with plot:
            yield plot

    yield follow


def _numbered(path: Path, count: int) -> list[Path]:
    """Return the path for each work; numbered if there are several."""
    if count == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, count + 1)]

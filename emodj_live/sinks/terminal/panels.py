"""The parts beside the plane: the mood in words, the last minute of both values; and the caption of a small screen."""

from __future__ import annotations

import math
from collections.abc import Sequence

from emodj_live.emotion import Emotion, clock
from emodj_live.sinks.terminal.curves import SCALE_WIDTH, draw_curve, spread
from emodj_live.sinks.terminal.frame import BOLD, Cells, Frame, Pen
from emodj_live.sinks.terminal.layout import Rect
from emodj_live.sinks.terminal.lettering import large_letters, text_cells
from emodj_live.sinks.terminal.look import Look
from emodj_live.sinks.terminal.memo import remembering

_CERTAIN, _RATHER = 0.5, 0.35  # certainties from which words are large, and large but muted: as in emotion.mood
_SHORTEST = 4.0  # [s] that curves show
_LEAST_FOR_NOTE = 34  # columns of a heading with a note


def draw_mood(frame: Frame, place: Rect, emotion: Emotion | None, since: float, look: Look) -> None:
    """Draw the mood: the surer it is, the larger and the stronger; below it its certainty, and words if it needs any.

    Parameters
    ----------
    frame : Frame
    place : Rect
    emotion : Emotion or None
        None while nothing has been heard.
    since : float
        For how long it has been this one [s].
    look : Look
    """
    if emotion is None:
        frame.put(place.x, place.y, "listening …", look.faint)
        return
    certainty = 1.0 if emotion.certainty is None else emotion.certainty
    pen = look.name_of(emotion.quadrant, is_muted=certainty < _CERTAIN)
    letters = large_letters(emotion.quadrant.value, place.height - 1)
    is_large = certainty >= _RATHER and len(letters[0].rstrip()) <= place.width
    if is_large:
        for row, text in enumerate(letters):
            frame.put(place.x, place.y + row, text, pen)
    else:
        bold = pen._replace(weight=pen.weight | BOLD)
        frame.put(place.x, place.y + 1, text_cells(emotion.mood, place.width), bold)
    said = f"{emotion.mood}, " if is_large and certainty < _CERTAIN else ""
    below = frame.part(place.x, place.y + place.height - 1, place.width, 1)
    below.put(0, 0, said, look.strong)
    below.put(len(said), 0, _certainty(emotion, since, place.width - len(said)), look.faint)


def _certainty(emotion: Emotion, since: float, room: int) -> str:
    """Return how certain a mood is and how long it has lasted, as there is room."""
    words = [] if emotion.certainty is None else [f"{100 * emotion.certainty:.0f} % certain"]
    if since >= 1:
        words.append(f"for {since:.0f} s")
    text = " · ".join(words)
    return text if len(text) <= room else words[0]


def draw_curves(
    frame: Frame, valence: Rect, arousal: Rect, emotions: Sequence[Emotion], seconds: float, look: Look
) -> None:
    """Draw both values in numbers and their last minute, or what there is of it.

    Parameters
    ----------
    frame : Frame
    valence, arousal : Rect
    emotions : sequence of Emotion
        At least one.
    seconds : float
        How much time the curves show at most.
    look : Look
    """
    shown = min(seconds, max(_SHORTEST, emotions[-1].time - emotions[0].time))
    note = "last minute" if shown >= seconds - 0.5 else f"last {shown:.0f} s"
    for name, place in (("valence", valence), ("arousal", arousal)):
        frame.put(place.x, place.y, f"{name} {getattr(emotions[-1], name):+.2f}", look.strong)
        if place.width >= _LEAST_FOR_NOTE:
            frame.put(place.x + place.width - len(note) - SCALE_WIDTH, place.y, note, look.faint)
        size = place.width, place.height - 1
        if min(size) > 0:
            area = slice(place.y + 1, place.y + place.height), slice(place.x, place.x + place.width)
            frame.cells[(slice(None), *area)] = _curve(emotions, name, *size, shown, look)


@remembering
def _curve(emotions: Sequence[Emotion], name: str, width: int, height: int, seconds: float, look: Look) -> Cells:
    """Return the cells of one curve with its scale."""
    points = [(emotion.time, emotion.valence, emotion.arousal) for emotion in emotions]
    columns = 2 * max(1, width - SCALE_WIDTH)
    if points[-1][0] - points[0][0] <= seconds:  # the first one has a column, too
        seconds *= columns / (columns - 1) * (1 + 1e-9)
    moods = spread(points, emotions[-1].time, seconds, columns)
    frame = Frame(width, height)
    draw_curve(frame, Rect(0, 0, width, height), moods[:, int(name == "arousal")], moods, look)
    return frame.cells


def draw_caption(
    frame: Frame, place: Rect, emotion: Emotion | None, title: str, position: float, alarm: str, look: Look
) -> None:
    """Draw what a small screen says: what is wrong or else the mood, both values, time and title, as there is room.

    Parameters
    ----------
    frame : Frame
    place : Rect
    emotion : Emotion or None
        None while nothing has been heard.
    title : str
    position : float
        Where the song is [s].
    alarm : str
    look : Look
    """
    lines: list[tuple[str, Pen]] = [(alarm, look.alarm)] if alarm else []
    if emotion is None:
        lines.append((title or "listening …", Pen()))
    else:
        ink, time = look.name_of(emotion.quadrant), clock(math.floor(position), 0).strip()
        numbers = f"valence {emotion.valence:+.2f}", f"arousal {emotion.arousal:+.2f}"
        if place.height == 1 and not alarm:
            _draw_in_one_line(frame, place, emotion, time, ink)
            return
        lines += [
            (emotion.mood.upper(), ink),
            *((number, Pen()) for number in numbers),
            (f"{time}  {title}", look.faint),
        ]
    for row, (text, pen) in enumerate(lines[: place.height]):
        frame.put(place.x, place.y + row, text_cells(text, place.width), pen)


def _draw_in_one_line(frame: Frame, place: Rect, emotion: Emotion, time: str, ink: Pen) -> None:
    word = emotion.mood.upper()
    frame.put(place.x, place.y, text_cells(word, place.width), ink._replace(weight=ink.weight | BOLD))
    short = f"{emotion.valence:+.2f} {emotion.arousal:+.2f}"
    long = f"valence {emotion.valence:+.2f}  arousal {emotion.arousal:+.2f}"
    for numbers in (f"{long}  {time}", f"{short}  {time}", short):
        if len(word) + 2 + len(numbers) <= place.width:
            frame.put(place.x + place.width - len(numbers), place.y, numbers)
            return

"""The parts beside the plane: the mood in words, the last minute of both values; and the caption of a small screen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emodj_live.emotion import Emotion
from emodj_live.sinks.terminal.curves import SCALE_WIDTH, draw_curve, spread
from emodj_live.sinks.terminal.frame import BOLD, Frame, Pen
from emodj_live.sinks.terminal.layout import Rect
from emodj_live.sinks.terminal.lettering import large_letters, text_cells
from emodj_live.sinks.terminal.look import Look

_CERTAIN, _RATHER = 0.5, 0.35  # certainties from which words are large, and large but muted: as in emotion.mood
_LEAST_FOR_NOTE = 34  # columns of a heading with a note


def draw_mood(frame: Frame, place: Rect, emotion: Emotion | None, since: float, look: Look) -> None:
    """Draw the mood: the surer it is, the larger and the stronger; below it in words, with its certainty.

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
    pen = look.ink_of(emotion.valence, emotion.arousal, is_muted=certainty < _CERTAIN)
    if certainty >= _RATHER:
        for row, text in enumerate(large_letters(emotion.quadrant.value)):
            frame.put(place.x, place.y + row, text, pen)
    else:
        frame.put(place.x, place.y + 1, " ".join(emotion.mood.upper()), pen)
    words = [emotion.mood if emotion.certainty is None else f"{emotion.mood}, {100 * certainty:.0f} % certain"]
    if since >= 1:
        words.append(f"for {since:.0f} s")
    frame.put(place.x, place.y + 3, text_cells(" · ".join(words), place.width), look.faint)


def draw_curves(
    frame: Frame, valence: Rect, arousal: Rect, emotions: Sequence[Emotion], seconds: float, look: Look
) -> None:
    """Draw both values in numbers and their last minute.

    Parameters
    ----------
    frame : Frame
    valence, arousal : Rect
    emotions : sequence of Emotion
        At least one.
    seconds : float
        How much time the curves show.
    look : Look
    """
    newest = emotions[-1]
    columns = 2 * (valence.width - SCALE_WIDTH)
    points = [(emotion.time, emotion.valence, emotion.arousal) for emotion in emotions]
    moods = spread(points, newest.time, seconds, columns)
    for axis, (name, place) in enumerate((("valence", valence), ("arousal", arousal))):
        frame.put(place.x, place.y, f"{name} {getattr(newest, name):+.2f}", look.strong)
        if place.width >= _LEAST_FOR_NOTE:
            note = "last minute"
            frame.put(place.x + place.width - len(note) - SCALE_WIDTH, place.y, note, look.faint)
        below = place._replace(y=place.y + 1, height=place.height - 1)
        draw_curve(frame, below, np.ascontiguousarray(moods[:, axis]), moods, look)


def draw_caption(frame: Frame, place: Rect, emotion: Emotion | None, title: str, alarm: str, look: Look) -> None:
    """Draw what a small screen says: what is wrong or else the mood, both values and the title, as there is room.

    Parameters
    ----------
    frame : Frame
    place : Rect
    emotion : Emotion or None
        None while nothing has been heard.
    title, alarm : str
    look : Look
    """
    lines: list[tuple[str, Pen]] = [(alarm, look.alarm)] if alarm else []
    if emotion is None:
        lines.append((title or "listening …", Pen()))
    else:
        ink = look.ink_of(emotion.valence, emotion.arousal)
        numbers = f"valence {emotion.valence:+.2f}", f"arousal {emotion.arousal:+.2f}"
        if place.height == 1 and not alarm:
            _draw_in_one_line(frame, place, emotion, ink, look)
            return
        lines += [(emotion.mood.upper(), ink), *((number, Pen()) for number in numbers), (title, look.faint)]
    for row, (text, pen) in enumerate(lines[: place.height]):
        frame.put(place.x, place.y + row, text_cells(text, place.width), pen)


def _draw_in_one_line(frame: Frame, place: Rect, emotion: Emotion, ink: Pen, look: Look) -> None:
    word = emotion.mood.upper()
    frame.put(place.x, place.y, text_cells(word, place.width), ink._replace(weight=ink.weight | BOLD))
    for numbers in (
        f"valence {emotion.valence:+.2f}  arousal {emotion.arousal:+.2f}",
        f"{emotion.valence:+.2f} {emotion.arousal:+.2f}",
    ):
        if len(word) + 2 + len(numbers) <= place.width:
            frame.put(place.x + place.width - len(numbers), place.y, numbers)
            return

"""The meters that follow the sound: a bar for the level, and one for each band of the spectrum."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emodj_live.emotion import Emotion
from emodj_live.gliding import Point
from emodj_live.sinks.terminal.frame import DEFAULT, GLYPH, GROUND, INK, REVERSE, WEIGHT, Frame, Pen
from emodj_live.sinks.terminal.layout import Rect
from emodj_live.sinks.terminal.look import Depth, Look
from emodj_live.sinks.terminal.sound import BANDS, Sound

_LOWEST, _HIGH, _TOO_HIGH = -60.0, -12.0, -3.0  # [dBFS]
_LOWER_EIGHTHS = np.array([ord(character) for character in " ▁▂▃▄▅▆▇█"], np.int32)
_MOST_BARS, _WIDEST_BAR = 23, 2
_NAMES = ((0, "50 Hz"), (26, "1k"), (39, "4k"))  # bands and what they are called
_LEAST_FOR_NAMES = 7  # rows


def draw_meters(frame: Frame, place: Rect, sound: Sound, emotion: Emotion | None, mood: Point, look: Look) -> None:
    """Draw the level in numbers and as a bar and, if there is room, the spectrum.

    Parameters
    ----------
    frame : Frame
    place : Rect
    sound : Sound
    emotion : Emotion or None
        The newest, for the numbers.
    mood : (float, float)
        Valence and arousal whose color the spectrum has.
    look : Look
    """
    if emotion is not None:
        _draw_numbers(frame, place, emotion, look)
    _draw_level(frame, place._replace(y=place.y + 1, height=1), sound, look)
    has_names = place.height >= _LEAST_FOR_NAMES
    rows = place.height - 2 - has_names
    if rows > 0 and sound.bands is not None:
        below = _draw_bars(frame, place._replace(y=place.y + 2, height=rows), sound.bands, mood, look)
        for band, name in _NAMES if has_names else ():
            frame.put(place.x + below[band], place.y + place.height - 1, name, look.faint)


def _draw_numbers(frame: Frame, place: Rect, emotion: Emotion, look: Look) -> None:
    """Draw the level in numbers and, as there is room, what is to be said of it: the gravest first."""
    text = f"level {emotion.level:.1f} dBFS"
    frame.put(place.x, place.y, text, look.strong)
    notes = [(" clipping ", look.alarm)] if emotion.is_clipped else []
    notes += [(" silence ", Pen(weight=REVERSE))] if emotion.is_silent else []
    notes += [(f"gain {emotion.gain:+.1f} dB", look.faint)] if emotion.gain else []
    end, begin = place.x + place.width, place.x + len(text) + 1
    for note, pen in notes:
        if end - len(note) < begin:
            return
        end -= len(note)
        frame.put(end, place.y, note, pen)
        end -= 2


def _draw_level(frame: Frame, place: Rect, sound: Sound, look: Look) -> None:
    """Draw the bar, and a mark where its peak was."""
    share = (sound.level - _LOWEST) / -_LOWEST
    kind = "bad" if sound.level > _TOO_HIGH else "high" if sound.level > _HIGH else "good"
    frame.put(place.x, place.y, "━" * place.width, look.line)
    peak = round(min(1.0, (sound.peak - _LOWEST) / -_LOWEST) * place.width) - 1
    if peak > 0:
        frame.put(place.x + peak, place.y, "━", look.faint)
    halves = round(min(1.0, max(0.0, share)) * place.width * 2)
    frame.put(place.x, place.y, "━" * (halves // 2), look.signal(kind))
    if halves % 2:
        frame.put(place.x + halves // 2, place.y, "╸", look.signal(kind))


def _draw_bars(frame: Frame, place: Rect, bands: NDArray[np.float32], mood: Point, look: Look) -> NDArray[np.intp]:
    """Draw the spectrum, and return in which column of it each band is."""
    columns, starts = _columns(place.width)
    heights = np.maximum.reduceat(bands, starts)
    eighths = np.rint(heights * place.height * 8).astype(np.int32)
    from_below = np.arange(place.height - 1, -1, -1, dtype=np.int32)[:, np.newaxis]
    glyphs = _LOWER_EIGHTHS[np.clip(eighths - 8 * from_below, 0, 8)]
    rows = slice(place.y, place.y + place.height)
    bar_width = 1 + (len(columns) > 1 and columns[1] - columns[0] > _WIDEST_BAR)
    for offset in range(bar_width):
        frame.cells[GLYPH][rows, place.x + columns + offset] = glyphs
    area = slice(place.x, place.x + place.width)
    frame.cells[INK, rows, area] = _shades(mood, place.height, look)[:, np.newaxis]
    frame.cells[GROUND, rows, area] = DEFAULT
    frame.cells[WEIGHT, rows, area] = 0
    of_band = np.searchsorted(starts, np.arange(BANDS), side="right") - 1
    return columns[of_band]


@lru_cache(16)
def _columns(width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first column of each bar, and its first band: bars of one or two columns, never stretched."""
    pitch = min(_WIDEST_BAR + 1, max(2, (width + 1) // _MOST_BARS))
    count = min(BANDS, (width + 1) // pitch)
    starts = np.unique(np.arange(count) * BANDS // count)
    return np.arange(len(starts)) * pitch, starts


def _shades(mood: Point, height: int, look: Look) -> NDArray[np.int32]:
    return _shades_of(round(mood[0], 2), round(mood[1], 2), height, look)


@lru_cache(64)
def _shades_of(valence: float, arousal: float, height: int, look: Look) -> NDArray[np.int32]:
    """Return the ink of each row: the color of the mood, stronger above."""
    if look.depth is Depth.NONE:
        return np.full(height, DEFAULT, np.int32)
    point = np.array([valence, arousal])
    if look.depth is not Depth.TRUE:
        return np.full(height, int(look.lines(point)), np.int32)
    lightest, paint = (1.3, look.lines) if look.is_light else (1.0, look.moods)
    shares = np.linspace(lightest, lightest - (0.3 if look.is_light else 0.5), height)
    return np.array([int(paint(point, share)) for share in shares.tolist()], np.int32)

"""One frame of the dashboard: a pure function from what there is to show to a grid of cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from emodj_live.arc import Arc
from emodj_live.blocks import SourceStatus
from emodj_live.emotion import Emotion, clock
from emodj_live.sinks.terminal import cover, dots, glow
from emodj_live.sinks.terminal.frame import Frame
from emodj_live.sinks.terminal.keys import ZOOM, Key, draw_box, draw_line
from emodj_live.sinks.terminal.layout import Layout, layout
from emodj_live.sinks.terminal.lettering import text_cells
from emodj_live.sinks.terminal.look import Depth, Look
from emodj_live.sinks.terminal.meters import draw_meters
from emodj_live.sinks.terminal.other_views import draw_arc, draw_color
from emodj_live.sinks.terminal.panels import draw_caption, draw_curves, draw_mood
from emodj_live.sinks.terminal.plane import Span, Spot
from emodj_live.sinks.terminal.sound import Sound
from emodj_live.sinks.terminal.status_text import alarm_of, describe
from emodj_live.sinks.terminal.strip import draw_strip

MINUTE = 60.0


class Mode(Enum):
    """What the largest part of the screen shows."""

    PLANE = "plane"
    ARC = "arc"
    COLOR = "color"

    @property
    def next(self) -> Mode:
        """The one after it."""
        modes = list(Mode)
        return modes[(modes.index(self) + 1) % len(modes)]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that a frame shows.

    Attributes
    ----------
    title, album : str
        Of the source: a song or a device.
    cover : ndarray of uint8, shape (rows, columns, 3), or None
        Of the song.
    place : str
        Which of several songs it is, such as "3 of 12".
    status : SourceStatus
        How the source is doing.
    emotions : sequence of Emotion
        Of the last minute, newest last.
    since : float
        For how long the mood has had its name [s].
    spot : Spot or None
        What is on the plane; None while nothing has been heard.
    span : Span
        What part of the plane is shown.
    sound : Sound
        What the meters show.
    arc : Arc
        What is known of the moods of the whole song.
    cpu : float
        Share of one core that the process uses.
    note : str
        A line of the program's own.
    message : str
        The newest message.
    keys : sequence of Key
        What keys do.
    mode : Mode
    shows_keys : bool
        Whether the box with the keys is shown.
    """

    title: str = ""
    album: str = ""
    cover: NDArray[np.uint8] | None = None
    place: str = ""
    status: SourceStatus
    emotions: Sequence[Emotion] = ()
    since: float = 0.0
    spot: Spot | None = None
    span: Span = field(default_factory=Span)
    sound: Sound = field(default_factory=Sound)
    arc: Arc = field(default_factory=Arc)
    cpu: float = 0.0
    note: str = ""
    message: str = ""
    keys: Sequence[Key] = ()
    mode: Mode = Mode.PLANE
    shows_keys: bool = False


def render(view: View, width: int, height: int, look: Look = Look()) -> Frame:  # noqa: B008 (a look is a value)
    """Draw a view.

    Parameters
    ----------
    view : View
    width, height : int
        Of the terminal, in cells. Below 60 x 18 there is the plane alone.
    look : Look
        How it looks.

    Returns
    -------
    Frame
        Of `width` x `height` cells.
    """
    has_cover = view.cover is not None and look.depth >= Depth.PALETTE
    frame, place = Frame(width, height), layout(width, height, has_cover)
    if view.mode is Mode.COLOR and view.spot is not None:
        draw_color(frame, view.emotions[-1], view.spot.point, _in_one_row(view), look)
    elif view.mode is Mode.ARC and place.body:
        draw_arc(frame.part(*place.body), view.arc, view.status, look)
    else:
        _draw_parts(frame, place, view, look)
    if view.mode is not Mode.COLOR or view.spot is None:
        _draw_rows(frame, place, view, look)
    if view.shows_keys and view.keys:
        draw_box(frame, _keys(view), look)
    return frame


def _keys(view: View) -> Sequence[Key]:
    """Return the keys that do something in a view."""
    return [key for key in view.keys if view.mode is Mode.PLANE or key is not ZOOM]


def _in_one_row(view: View) -> tuple[str, str]:
    """Return what is to be said of the song, and where it is."""
    times = [clock(math.floor(view.status.position), 0).strip()]
    if view.status.length is not None:
        times.append(clock(round(view.status.length), 0).strip())
    return alarm_of(view.status) or view.message or view.title, " / ".join(times)


def _draw_parts(frame: Frame, place: Layout, view: View, look: Look) -> None:
    if place.plane:
        x, y, width, height = place.plane
        painter = glow if look.depth is Depth.TRUE else dots
        frame.cells[:, y : y + height, x : x + width] = painter.paint(width, height, view.span, look, view.spot)
    newest = view.emotions[-1] if view.emotions else None
    if place.caption:
        alarm, position = alarm_of(view.status), view.status.position
        draw_caption(frame, place.caption, newest if view.spot else None, view.title, position, alarm, look)
    if place.mood:
        draw_mood(frame, place.mood, newest if view.spot else None, view.since, look)
    if place.valence and place.arousal and view.spot:
        draw_curves(frame, place.valence, place.arousal, view.emotions, MINUTE, look)
    if place.cover:
        x, y, width, height = place.cover
        frame.cells[:, y : y + height, x : x + width] = cover.paint(view.cover, width, height, look)
    if place.meters:
        mood = (newest.valence, newest.arousal) if newest else (0.0, 0.0)
        draw_meters(frame, place.meters, view.sound, newest, mood, look)


def _draw_rows(frame: Frame, place: Layout, view: View, look: Look) -> None:
    """Draw what stands above and below the parts."""
    status = view.status
    if place.head:
        _draw_head(frame.part(*place.head), view, look)
    if place.strip:
        exact = status.is_length_exact
        draw_strip(frame.part(*place.strip), view.arc, status.position, status.length, look, is_exact=exact)
    if place.details:
        _draw_details(frame.part(*place.details), view, look)
    if place.keys and view.keys:
        draw_line(frame.part(*place.keys), _keys(view), look)
    elif place.keys:
        frame.part(*place.keys).put(0, 0, text_cells(view.message, place.keys.width))


def _draw_head(row: Frame, view: View, look: Look) -> None:
    """Draw the song, and which of several it is."""
    right = "  ".join(part for part in (view.place, "emodj-live") if part)
    room = row.width - len(right) - 4
    title = text_cells(view.title, room)
    row.put(0, 0, title, look.strong)
    row.put(len(title) + 2, 0, text_cells(view.album, max(0, room - len(title))), look.faint)
    row.put(row.width - len(right), 0, right, look.faint)


def _draw_details(row: Frame, view: View, look: Look) -> None:
    """Draw what is wrong, or what there is to say, or else the details."""
    alarm, status = alarm_of(view.status), view.status
    message = view.message if view.keys else ""  # which has a row of its own where there are no keys
    details = [view.note, describe(status)]
    if status.behind is not None:
        details.append(f"{1000 * status.behind:.0f} ms behind the sound")
    details.append(f"{100 * view.cpu:.0f} % CPU")
    text = alarm or message or "   ".join(part for part in details if part)
    row.put(0, 0, text_cells(text, row.width), look.alarm if alarm else look.strong if message else look.faint)

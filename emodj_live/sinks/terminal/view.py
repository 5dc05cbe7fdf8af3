"""One frame of the dashboard: a pure function from what there is to show to a grid of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from emodj_live.blocks import SourceStatus
from emodj_live.emotion import Emotion
from emodj_live.sinks.terminal import dots, glow
from emodj_live.sinks.terminal.arc import Arc
from emodj_live.sinks.terminal.frame import Frame
from emodj_live.sinks.terminal.keys import Key, draw_box, draw_line
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
    place: str = ""
    status: SourceStatus
    emotions: Sequence[Emotion] = ()
    since: float = 0.0
    spot: Spot | None = None
    span: Span = Span()
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
    frame, place = Frame(width, height), layout(width, height)
    if view.mode is Mode.COLOR and view.spot is not None:
        draw_color(frame, view.emotions[-1], view.spot.point, look)
    elif view.mode is Mode.ARC and place.head is not None:
        draw_arc(frame, place, view.arc, view.status, look)
    else:
        _draw_parts(frame, place, view, look)
    if place.head is not None and view.mode is not Mode.COLOR:
        _draw_head(frame, view, look)
        _draw_foot(frame, place, view, look)
    if view.shows_keys and view.keys:
        draw_box(frame, view.keys, look)
    return frame


def _draw_parts(frame: Frame, place: Layout, view: View, look: Look) -> None:
    if place.plane:
        x, y, width, height = place.plane
        painter = glow if look.depth is Depth.TRUE else dots
        frame.cells[:, y : y + height, x : x + width] = painter.paint(width, height, view.span, look, view.spot)
    newest = view.emotions[-1] if view.emotions else None
    if place.caption:
        draw_caption(frame, place.caption, newest if view.spot else None, view.title, alarm_of(view.status), look)
    if place.mood:
        draw_mood(frame, place.mood, newest if view.spot else None, view.since, look)
    if place.valence and place.arousal and view.spot:
        draw_curves(frame, place.valence, place.arousal, view.emotions, MINUTE, look)
    if place.meters:
        mood = view.spot.point if view.spot else (0.0, 0.0)
        draw_meters(frame, place.meters, view.sound, newest, mood, look)


def _draw_head(frame: Frame, view: View, look: Look) -> None:
    """Draw the song, and which of several it is."""
    right = "  ".join(part for part in (view.place, "emodj-live") if part)
    room = frame.width - len(right) - 4
    title = text_cells(view.title, room - 2)
    if title:
        frame.put(0, 0, "♪", look.faint)
        frame.put(2, 0, title, look.strong)
    album = text_cells(view.album, max(0, room - len(title) - 4))
    frame.put(len(title) + 4, 0, album, look.faint)
    frame.put(frame.width - len(right), 0, right, look.faint)


def _draw_foot(frame: Frame, place: Layout, view: View, look: Look) -> None:
    """Draw the strip, the details or what is to be said, and the keys."""
    status = view.status
    if place.strip is None or place.details is None or place.keys is None:
        return
    draw_strip(
        frame, place.strip, view.arc, status.position, status.length, look, is_exact=status.is_length_exact
    )
    details = [view.note, describe(status)]
    if status.behind is not None:
        details.append(f"{1000 * status.behind:.0f} ms behind the sound")
    details.append(f"{100 * view.cpu:.0f} % CPU")
    said = alarm_of(status) or (view.message if view.keys else "")
    if said:
        frame.put(0, place.details, text_cells(said, frame.width), look.alarm if alarm_of(status) else look.strong)
    else:
        frame.put(0, place.details, text_cells(_joined(details), frame.width), look.faint)
    if view.keys:
        draw_line(frame, place.keys, view.keys, look)
    else:
        frame.put(0, place.keys, text_cells(view.message, frame.width))


def _joined(parts: Sequence[str]) -> str:
    return "   ".join(part for part in parts if part)

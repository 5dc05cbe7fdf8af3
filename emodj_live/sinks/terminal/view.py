"""One frame of the dashboard: a pure function from what there is to show to rows of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style

from emodj_live.blocks import SourceStatus
from emodj_live.colors import blend
from emodj_live.emotion import Emotion, Quadrant, clock
from emodj_live.sinks.terminal.canvas import Canvas, bar, large_letters, plot, text_cells
from emodj_live.sinks.terminal.status_text import alarm_of, describe

SMALLEST = (60, 18)
MINUTE = 60.0
_TRAIL = 8.0  # [s]
_BOLD, _DIM = Style(bold=True), Style(dim=True)
_ALARM = Style(color="#ffffff", bgcolor="#c00000", bold=True)
_GROUND = {quadrant: blend(quadrant.color, "#101010", 0.72) for quadrant in Quadrant}
_BRIGHT = {quadrant: blend(quadrant.color, "#ffffff", 0.35) for quadrant in Quadrant}
_WORDS = {quadrant: Style(color=_BRIGHT[quadrant], bgcolor=_GROUND[quadrant]) for quadrant in Quadrant}
_BADGES = {
    quadrant: Style(color="#000000" if quadrant is Quadrant.HAPPY else "#ffffff", bgcolor=quadrant.color, bold=True)
    for quadrant in Quadrant
}
_FADES = [
    {quadrant: Style(color=blend("#ffffff", ground, share), bgcolor=ground) for quadrant, ground in _GROUND.items()}
    for share in (0.0, 0.2, 0.35, 0.5, 0.65)
]
_MARKS = "●•∙··"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that a frame shows.

    Attributes
    ----------
    title : str
        Of the source: a song or a device.
    status : SourceStatus
        How the source is doing.
    emotions : sequence of Emotion
        Of the last minute, newest last.
    cpu : float
        Share of one core that the process uses.
    note : str
        A line of the program's own.
    message : str
        The newest message.
    """

    title: str = ""
    status: SourceStatus
    emotions: Sequence[Emotion] = ()
    cpu: float = 0.0
    note: str = ""
    message: str = ""

    @property
    def has_heard(self) -> bool:
        """Whether there was anything but silence: before that, the tracker's values mean nothing."""
        return any(not emotion.is_silent or emotion.valence or emotion.arousal for emotion in self.emotions)


def render(view: View, width: int, height: int) -> list[list[Segment]]:
    """Draw a view.

    Parameters
    ----------
    view : View
    width, height : int
        Of the terminal, in cells. Below 60 x 18 only the essentials are shown.

    Returns
    -------
    list of list of Segment
        `height` rows of `width` cells.
    """
    canvas = Canvas(width, height)
    if width < SMALLEST[0] or height < SMALLEST[1]:
        _draw_small(canvas, view)
        return canvas.lines()
    rows = height - 5
    plane = min(width - 32, int(2.2 * rows), int(0.62 * width))
    _draw_head(canvas, view)
    _draw_plane(canvas, view, 0, 1, plane, rows)
    _draw_values(canvas, view, plane + 2, 1, width - plane - 3, rows)
    _draw_foot(canvas, view, height - 3)
    return canvas.lines()


def _draw_small(canvas: Canvas, view: View) -> None:
    if view.has_heard:
        newest = view.emotions[-1]
        canvas.put(0, 0, newest.mood.upper(), _BADGES[newest.quadrant])
        column = max(6, len(newest.mood)) + 1
        canvas.put(column, 0, f"valence {newest.valence:+.2f}")
        canvas.put(column, 1, f"arousal {newest.arousal:+.2f}")
    alarm = alarm_of(view.status)
    canvas.put(0, 2, text_cells(alarm or view.title, canvas.width), _ALARM if alarm else None)


def _draw_head(canvas: Canvas, view: View) -> None:
    canvas.put(0, 0, "emodj-live", _BOLD)
    canvas.put(12, 0, text_cells(view.title, canvas.width - 12))


# --------------------------------------------------------------------------------------------------- the plane


def _cell(valence: float, arousal: float, width: int, height: int) -> tuple[int, int]:
    """Return where a point of the plane lies in a rectangle of cells."""
    column = round((1 + min(1, max(-1, valence))) / 2 * (width - 1))
    row = round((1 - min(1, max(-1, arousal))) / 2 * (height - 1))
    return column, row


def _draw_plane(canvas: Canvas, view: View, x: int, y: int, width: int, height: int) -> None:
    middle, center = _cell(0, 0, width, height)
    corners = {
        Quadrant.TENSE: (0, 0, middle, center),
        Quadrant.HAPPY: (middle, 0, width - middle, center),
        Quadrant.SAD: (0, center, middle, height - center),
        Quadrant.CALM: (middle, center, width - middle, height - center),
    }
    for quadrant, (left, top, columns, rows) in corners.items():
        canvas.fill(x + left, y + top, columns, rows, _WORDS[quadrant])
    for row in range(height):
        canvas.put(x + middle, y + row, "│")
    canvas.put(x, y + center, "─" * width)
    canvas.put(x + middle, y + center, "┼")
    canvas.put(x + middle + 2, y, "excited")
    canvas.put(x + middle + 2, y + height - 1, "calm")
    canvas.put(x + 1, y + center + 1, "unpleasant")
    canvas.put(x + width - 9, y + center + 1, "pleasant")
    for quadrant, (left, _, columns, _) in corners.items():
        name = quadrant.value.upper()
        column = 2 if left == 0 else left + columns - len(name) - 2
        canvas.put(x + column, y + (1 if quadrant in (Quadrant.TENSE, Quadrant.HAPPY) else height - 2), name)
    _draw_trail(canvas, view, x, y, width, height, (middle, center))


def _draw_trail(canvas: Canvas, view: View, x: int, y: int, width: int, height: int, origin: tuple[int, int]) -> None:
    """Draw where the emotion has been, the older the fainter, and where it is."""
    if not view.has_heard:
        return
    now = view.emotions[-1].time
    for emotion in view.emotions:
        age = (now - emotion.time) / _TRAIL
        if age < 1:
            column, row = _cell(emotion.valence, emotion.arousal, width, height)
            ground = _ground_of(column >= origin[0], row < origin[1])
            fade = 0 if emotion is view.emotions[-1] else 1 + int(age * 4)
            canvas.put(x + column, y + row, _MARKS[fade], _FADES[fade][ground])


def _ground_of(right: bool, upper: bool) -> Quadrant:
    if upper:
        return Quadrant.HAPPY if right else Quadrant.TENSE
    return Quadrant.CALM if right else Quadrant.SAD


# -------------------------------------------------------------------------------------------------- the numbers


def _draw_values(canvas: Canvas, view: View, x: int, y: int, width: int, rows: int) -> None:
    """Draw the mood word, both values with their last minute, and the level."""
    if view.emotions:
        _draw_level(canvas, view.emotions[-1], x, y + rows - 3, width)
    if not view.has_heard:
        canvas.put(x, y, "listening …", _DIM)
        return
    newest = view.emotions[-1]
    for row, text in enumerate(large_letters(newest.quadrant.value)):
        canvas.put(x, y + row, f" {text} ", _BADGES[newest.quadrant])
    if newest.certainty is not None:
        canvas.put(x, y + 3, f"{newest.mood}, {100 * newest.certainty:.0f} % certain", _DIM)
    room = max(1, (rows - 8) // 2 - 1)
    top = y + 4
    for name in ("valence", "arousal"):
        canvas.put(x, top, f"{name} {getattr(newest, name):+.2f}", _BOLD)
        canvas.put(x + 15, top, "last minute".rjust(width - 15), _DIM)
        values = _minute([(e.time, getattr(e, name)) for e in view.emotions], 2 * width)
        for row, text in enumerate(plot(values, width, room)):
            canvas.put(x, top + 1 + row, text)
        top += room + 1


def _minute(points: Sequence[tuple[float, float]], columns: int) -> list[float | None]:
    """Spread the values of the last minute over the given number of columns, the newest at the right."""
    now = points[-1][0]
    spread: list[float | None] = [None] * columns
    before: int | None = None
    for moment, value in points:
        column = columns - 1 - int((now - moment) / MINUTE * columns)
        if column < 0:
            continue
        start = column if before is None or column - before > columns // 10 else before + 1
        spread[start : column + 1] = [value] * max(1, column + 1 - start)
        before = column
    return spread[:columns]


def _draw_level(canvas: Canvas, emotion: Emotion, x: int, y: int, width: int) -> None:
    share = (emotion.level + 60) / 60
    color = "red" if emotion.is_clipped else "yellow" if emotion.level > -6 else "green"
    canvas.put(x, y, "level ")
    canvas.put(x + 6, y, bar(share, width - 18), Style(color=color))
    canvas.put(x + width - 11, y, f"{emotion.level:6.1f} dBFS")
    canvas.put(x, y + 1, f"gain {emotion.gain:+5.1f} dB")
    if emotion.is_silent:
        canvas.put(x + 15, y + 1, " silence ", Style(reverse=True))
    if emotion.is_clipped:
        canvas.put(x + 15, y + 1, " clipping ", _ALARM)


# ----------------------------------------------------------------------------------------------------- the foot


def _draw_foot(canvas: Canvas, view: View, y: int) -> None:
    """Draw the position, the details, and the alarm or the message."""
    status = view.status
    details = [view.note, describe(status)]
    if status.length is None:
        position = clock(status.position)
        canvas.put(0, y, position)
        canvas.put(len(position) + 2, y, text_cells(_joined(details), canvas.width - len(position) - 2))
        details = []
    else:
        _draw_progress(canvas, y, status.position, status.length, is_exact=status.is_length_exact)
    if status.behind is not None:
        details.append(f"{1000 * status.behind:.0f} ms behind the sound")
    details.append(f"{100 * view.cpu:.0f} % CPU")
    canvas.put(0, y + 1, text_cells(_joined(details), canvas.width), _DIM)
    alarm = alarm_of(status)
    canvas.put(0, y + 2, text_cells(alarm or view.message, canvas.width), _ALARM if alarm else None)


def _draw_progress(canvas: Canvas, y: int, position: float, length: float, *, is_exact: bool) -> None:
    """Draw a bar between the position and the length, which an estimate may have put too low."""
    length = max(length, position)
    left = clock(position)
    right = ("" if is_exact else "~") + clock(length).strip()
    room = canvas.width - len(left) - len(right) - 2
    canvas.put(0, y, left)
    canvas.put(len(left) + 1, y, bar(position / max(length, 1e-9), room), Style(color="cyan"))
    canvas.put(canvas.width - len(right), y, right)


def _joined(parts: Sequence[str]) -> str:
    return "   ".join(part for part in parts if part)

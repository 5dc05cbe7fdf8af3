"""What the screen is made of: motion, meters, the bytes that are written, keys, the song's strip, the saved picture."""

import io
import math
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console
from screen_reader import ScreenReader

from emodj_live import Emotion, Quadrant
from emodj_live.arc import Arc, ArcRecorder, quadrants
from emodj_live.blocks import SourceStatus
from emodj_live.calibration import Calibration
from emodj_live.colors import color_of, contrast, to_rgb
from emodj_live.sinks.terminal import background, cover, snapshot
from emodj_live.sinks.terminal.braille import braille
from emodj_live.sinks.terminal.contrast import contrasts
from emodj_live.sinks.terminal.curves import limits, spread
from emodj_live.sinks.terminal.dashboard import Dashboard
from emodj_live.sinks.terminal.encoder import changes
from emodj_live.sinks.terminal.frame import DEFAULT, GLYPH, GROUND, INK, PALETTE, WEIGHT, Frame, Pen, character_of
from emodj_live.sinks.terminal.keyboard import Keyboard
from emodj_live.sinks.terminal.layout import layout
from emodj_live.sinks.terminal.look import DARK, LIGHT, Depth, Look, look_of, mood_colors, packed, unpacked
from emodj_live.sinks.terminal.sound import BANDS, SILENT, Ears
from emodj_live.sinks.terminal.strip import draw_strip, window
from emodj_live.sinks.terminal.svg import svg
from emodj_live.sleeve import SleeveReader
from emodj_live.smoothing import Smoother

RATE = 22050
CUBE = 0, 95, 135, 175, 215, 255


def rgb(color, default):
    """Return red, green and blue, up to 255, of one of a frame's colors."""
    if color == DEFAULT:
        return tuple(round(255 * part) for part in to_rgb(default))
    if color < PALETTE:
        return tuple(color.to_bytes(3, "big"))
    number = color - PALETTE - 16
    return (8 + 10 * (number - 216),) * 3 if number >= 216 else tuple(CUBE[number // each % 6] for each in (36, 6, 1))


PIECE = 0.03  # [s]


def emotion(time, valence, arousal):
    quadrant = Quadrant.of(valence, arousal)
    return Emotion(time, valence, arousal, valence, arousal, quadrant, -20.0, 0.0, False, False)


# --------------------------------------------------------------------------------------------------------- motion


class Desk:
    """A dashboard on a terminal in memory, with a clock of its own and a block every 30 ms."""

    def __init__(self, width=120, height=40, **options):
        self.now = 0.0
        self.file = io.StringIO()
        console = Console(
            file=self.file,
            width=width,
            height=height,
            force_terminal=True,
            color_system="truecolor",
            legacy_windows=False,
            _environ={},
        )
        self.dashboard = Dashboard(self, console=console, clock=lambda: self.now, cpu_clock=lambda: 0.0, **options)
        self.plane = layout(width, height).plane

    title, sample_rate, is_paused = "song", RATE, False

    def status(self):
        return SourceStatus(position=self.now, length=180.0)

    def point(self):
        """Return where on the plane it is brightest, in halves of a pixel: column and row."""
        x, y, width, height = self.plane
        cells = self.dashboard._screen.cells[:, y : y + height, x : x + width]
        light = np.empty((2 * height, width))
        light[::2], light[1::2] = (unpacked(cells[plane]).sum(-1) for plane in (INK, GROUND))
        light[np.repeat(cells[GLYPH] != ord("▀"), 2, axis=0)] = 0
        rows, columns = np.nonzero(light > 0.8 * light.max())
        weights = light[rows, columns] - 0.8 * light.max()
        return round(2 * np.average(columns, weights=weights)) / 2, round(2 * np.average(rows, weights=weights)) / 2

    def head(self):
        """Return the pixels that are as bright as the point."""
        x, y, width, height = self.plane
        cells = self.dashboard._screen.cells[:, y : y + height, x : x + width]
        inks = np.where(cells[GLYPH] == ord("▀"), cells[INK], cells[GROUND])  # or the point is behind a letter
        light = np.empty((2 * height, width))
        light[::2], light[1::2] = (unpacked(colors).min(-1) for colors in (inks, cells[GROUND]))
        return light > 0.7

    def run(self, series, step=0.5):
        """Show a series of points, and yield after every frame."""
        for number, point in enumerate(series, 1):
            self.dashboard(emotion(number * step, *point))
            while self.now < number * step - 1e-9:
                self.now += PIECE
                self.dashboard.after_block(np.zeros(661, np.float32))
                yield number


def bouncing(count, step=0.5):
    """Return a series that moves by `step` on both axes, from one end of the plane to the other and back."""
    values = [abs(step * n % 4.0 - 2.0) - 1.0 for n in range(count)]
    return [(value, -value) for value in values]


@pytest.mark.parametrize("series", [bouncing(20), [(0.25, 0.25), (-0.25, -0.25)] * 10], ids=["around", "to and fro"])
def test_the_point_takes_many_places_a_second(series):
    desk = Desk()
    with desk.dashboard:
        places = [(math.floor(desk.now), desk.point()) for _ in desk.run(series)]
    for second in range(1, 9):
        assert len({place for moment, place in places if moment == second}) >= 18


@pytest.mark.parametrize("step", [0.02, 0.11, 0.5, 1.5])
def test_the_point_passes_every_pixel_on_its_way(step):
    """Whatever the series: what was as bright as the point at some time is one line without a hole."""
    desk, passed, ends = Desk(), None, []
    with desk.dashboard:
        for number in desk.run(bouncing(6, step)):
            if number > 1:
                passed = desk.head() if passed is None else passed | desk.head()
                ends.append(desk.point())
    columns = np.flatnonzero(passed.any(axis=0))
    assert list(columns) == list(range(columns[0], columns[-1] + 1))
    rows = np.flatnonzero(passed.any(axis=1))
    assert list(rows) == list(range(rows[0], rows[-1] + 1))
    assert columns[0] <= min(x for x, _ in ends)
    assert columns[-1] >= max(x for x, _ in ends)


# ---------------------------------------------------------------------------------------------------------- sound


def sine(frequency, seconds, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def band_of(frequency):
    return round(6 * math.log2(frequency / 49.0))


@pytest.mark.parametrize("frequency", [60, 100, 220, 440, 1000, 2500, 5000, 8000])
def test_the_highest_bar_is_that_of_the_tone(frequency):
    ears = Ears(RATE)
    ears.hear(sine(frequency, 0.2), 0.0)
    bands = ears.sound(0.0).bands
    assert abs(int(bands.argmax()) - band_of(frequency)) <= 1
    assert bands.max() > 0.8
    assert np.sort(bands)[-8] < 0.6


def test_the_peak_follows_a_sweep():
    seconds, ears, found = 8.0, Ears(RATE), []
    moments = np.arange(round(seconds * RATE)) / RATE
    octaves = np.log2(6000 / 80) / seconds
    sweep = 0.5 * np.sin(2 * np.pi * 80 * (2 ** (octaves * moments) - 1) / (octaves * math.log(2)))
    for number in range(int(seconds / PIECE)):
        end = round((number + 1) * PIECE * RATE)
        ears.hear(sweep[end - 661 : end].astype(np.float32), number * PIECE)
        bands = ears.sound(number * PIECE).bands
        if number > 4:  # the bars fall slower than the tone rises: the newest is the highest with a full bar
            found.append((int(np.flatnonzero(bands > bands.max() - 0.02)[-1]), 80 * 2 ** (octaves * end / RATE)))
    assert all(abs(band - band_of(frequency)) <= 2 for band, frequency in found)
    assert found[-1][0] - found[0][0] > 30


def test_the_level_is_that_of_the_sound_and_falls_gently():
    ears = Ears(RATE)
    ears.hear(sine(440, 0.2, 1.0), 0.0)
    assert ears.sound(0.0).level == pytest.approx(-3.0, abs=0.1)
    ears.hear(sine(440, 0.2, 0.001), 0.1)
    assert -9 < ears.sound(0.1).level < -5
    later = [ears.sound(0.1 + 0.1 * number).level for number in range(1, 40)]
    assert all(after <= before for before, after in pairwise(later))
    assert later[-1] < -100


def test_without_sound_the_meters_come_to_rest():
    ears = Ears(RATE)
    assert ears.sound(0.0).level == SILENT
    ears.hear(sine(440, 0.2), 1.0)
    assert ears.sound(1.0).bands.max() > 0.8
    ears.hear(np.zeros(0, np.float32), 1.1)  # as a source that is paused yields
    for number in range(60):
        sound = ears.sound(1.2 + number / 10)
    assert sound.bands.max() == 0
    assert sound.level == sound.peak == SILENT


def test_blocks_of_any_size_give_the_same_spectrum():
    audio, found = sine(330, 1.0) + sine(2000, 1.0, 0.1), []
    for size in (1, 100, 661, 2048, 5000, len(audio)):
        ears = Ears(RATE)
        for start in range(0, len(audio), size):
            ears.hear(audio[start : start + size], 0.0)
        found.append(ears.sound(0.0).bands)
    assert len(found[0]) == BANDS
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-5)


# -------------------------------------------------------------------------------------------------- what is written


def scribbled(random, width=40, height=8):
    """Return a frame with all that a frame may have."""
    frame = Frame(width, height)
    frame.cells[GLYPH] = random.choice([ord(c) for c in " a▀▄█⠿é"], (height, width))
    frame.cells[INK] = random.choice([DEFAULT, PALETTE + 1, PALETTE + 12, PALETTE + 200, 0x123456], (height, width))
    frame.cells[GROUND] = random.choice([DEFAULT, PALETTE + 3, PALETTE + 15, 0xFFFFFF, 0x123456], (height, width))
    frame.cells[WEIGHT] = random.choice([0, 0, 0, 1, 2, 4, 7], (height, width))
    for y in range(height):
        frame.put(int(random.integers(width - 4)), y, ["界", "", "e\N{COMBINING ACUTE ACCENT}"], Pen(DEFAULT, DEFAULT))
    return frame


def seen(cells):
    """Return what can be seen of cells: half blocks as two colors, blanks without their ink."""
    found = []
    for glyph, ink, ground, weight in zip(*(plane.ravel().tolist() for plane in cells), strict=True):
        character = character_of(glyph) or "?"
        if character in "▀▄" and not weight and DEFAULT not in (ink, ground):
            found.append((ink, ground) if character == "▀" else (ground, ink))
        elif character in "▀ " and not weight & 4 and (character == " " or ink == ground):
            found.append((ground, ground))
        else:
            found.append((glyph, ink, ground, weight))
    return found


def test_changes_turn_any_frame_into_any_other():
    random = np.random.default_rng(5)
    terminal, before = ScreenReader(40, 8).feed("\x1b[?1049h"), None
    for number in range(60):
        now = scribbled(random) if number % 3 == 0 else Frame(40, 8, before.cells.copy())
        for _ in range(9 if number % 3 else 0):
            x, y = int(random.integers(40)), int(random.integers(8))
            if 0 not in now.cells[GLYPH, y, x : x + 2]:  # not one half of a wide character
                now.put(x, y, random.choice(["a", "▀", " "]), Pen(*random.choice([DEFAULT, 0x123456, 7], 2).tolist()))
        terminal.feed(changes(None if before is None else before.cells, now.cells))
        assert seen(terminal.frame.cells) == seen(now.cells)
        before = now


def test_nothing_is_written_where_nothing_can_be_seen():
    frame = scribbled(np.random.default_rng(6))
    assert changes(frame.cells, frame.cells.copy()) == ""
    blank, other = Frame(5, 1), Frame(5, 1)
    other.cells[INK] = 0x112233
    assert changes(blank.cells, other.cells) == ""


def test_a_change_costs_few_bytes():
    before, after = Frame(100, 30), Frame(100, 30)
    after.put(20, 10, "word", Pen(0x102030))
    assert changes(before.cells, after.cells) == "\x1b[11;21H\x1b[38;2;16;32;48mword\x1b[m"
    after.put(27, 10, "x", Pen(0x102030))  # three unchanged cells are cheaper than a jump
    assert changes(before.cells, after.cells) == "\x1b[11;21H\x1b[38;2;16;32;48mword   x\x1b[m"


def test_half_blocks_take_the_cheaper_half():
    frame = Frame(4, 1)
    frame.cells[GLYPH] = ord("▀")
    frame.cells[INK, 0], frame.cells[GROUND, 0] = [1, 2, 2, 3], [2, 1, 2, 2]
    written = changes(None, frame.cells)
    assert written == "\x1b[1;1H\x1b[38;2;0;0;1;48;2;0;0;2m▀▄ \x1b[38;2;0;0;3m▀\x1b[m"


def test_a_wide_character_is_written_as_a_whole():
    before, after = Frame(6, 1), Frame(6, 1)
    before.put(0, 0, ["界", "", "a"])
    after.put(0, 0, ["界", "", "b"])
    assert changes(before.cells, after.cells) == "\x1b[1;3Hb"
    after.put(0, 0, ["世", "", "a"])
    assert changes(before.cells, after.cells) == "\x1b[1;1H世"
    assert changes(after.cells, Frame(6, 1).cells) == "\x1b[1;1H   "


def test_a_frame_cuts_at_every_edge():
    frame = Frame(5, 2)
    for x, y in [(-3, 0), (3, 1), (9, 1), (0, -1), (0, 2), (-30, 1)]:
        frame.put(x, y, "abcde")
    frame.fill(-2, 1, 3, 5, Pen(), "#")
    assert ["".join(segment.text for segment in line) for line in frame.lines()] == ["de   ", "#  ab"]
    part = frame.part(1, 0, 3, 9)
    part.put(0, 1, "xyz!")
    assert (part.width, part.height) == (3, 2)
    assert "".join(segment.text for segment in frame.lines()[1]) == "#xyzb"


def test_braille():
    dots = np.zeros((4, 6), bool)
    dots[0, 0] = dots[3, 1] = dots[1, 4] = True
    assert [chr(glyph) for glyph in braille(dots)[0]] == ["⢁", " ", "⠂"]


# ---------------------------------------------------------------------------------------------------------- curves


def test_a_curve_shifts_as_a_whole():
    points = [(0.5 * n, 0.01 * n, -0.01 * n) for n in range(1, 121)]
    earlier, later = spread(points[:100], points[99][0], 60.0, 80), spread(points, points[119][0], 60.0, 80)
    shift = math.floor(points[119][0] / 0.75) - math.floor(points[99][0] / 0.75)
    np.testing.assert_array_equal(later[: 80 - shift], earlier[shift:])


def test_a_gap_leaves_a_hole():
    points = [(0.5 * n, 0.1, 0.2) for n in [*range(1, 30), *range(70, 100)]]
    known = np.isfinite(spread(points, 49.5, 60.0, 60)[:, 0])
    assert known.sum() == pytest.approx(30, abs=2)
    assert not known[-30:-17].any()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.31, 0.52], (0.0, 0.6)),
        ([-0.31, -0.52], (-0.6, 0.0)),
        ([0.0], (-0.1, 0.1)),
        ([-1.0, 1.0], (-1.0, 1.0)),
        ([0.25, 0.25], (0.0, 0.3)),
        ([0.05, 0.05], (0.0, 0.2)),
        ([-0.05, -0.05], (-0.2, 0.0)),
        ([], None),
    ],
)
def test_a_scale_is_in_whole_tenths_with_zero_on_it(values, expected):
    low, high = limits(np.array([*values, np.nan]))
    if expected:
        assert (low, high) == pytest.approx(expected)
    assert high - low >= 0.2 - 1e-9


# ------------------------------------------------------------------------------------------------------------ arcs


def test_an_arc_is_spread_over_columns():
    arc = Arc(np.stack([np.arange(8), -np.arange(8)], axis=1).astype(np.float32))
    assert arc.over(0.0, 4.0, 4)[:, 0].tolist() == [0.5, 2.5, 4.5, 6.5]
    assert arc.over(0.0, 4.0, 16)[:, 1].tolist() == [-n for n in range(8) for _ in range(2)]
    assert np.isnan(arc.over(0.0, 8.0, 4)[2:]).all()
    assert np.isnan(Arc().over(0.0, 4.0, 5)).all()
    assert Arc(arc.points, 10.0).over(10.0, 14.0, 4)[:, 0].tolist() == [0.5, 2.5, 4.5, 6.5]


def test_what_was_heard_is_an_arc():
    recorder = ArcRecorder()
    for time in (0.5, 1.0, 2.5, 1.5):
        recorder.add(time, time / 10, -time / 10)
    np.testing.assert_allclose(recorder.arc.points[:, 0], [0.05, 0.1, 0.15, np.nan, 0.25], atol=1e-6)
    assert recorder.arc.start == 0


def test_hours_of_listening_take_bounded_memory():
    recorder = ArcRecorder()
    for number in range(30_000):
        recorder.add(0.5 * (number + 1), number / 30_000, 0.0)
    arc = recorder.arc
    assert 3600 <= len(arc.points) <= 7300
    assert arc.start + 0.5 * len(arc.points) == 15_000
    assert arc.points[-1, 0] == pytest.approx(29_999 / 30_000)
    assert np.isfinite(arc.points).all()


def test_listening_that_begins_late_takes_no_room_for_what_was_before():
    recorder = ArcRecorder()
    recorder.add(1e6, 0.5, 0.5)
    assert len(recorder.arc.points) == 1
    assert recorder.arc.start + 0.5 == 1e6


# ----------------------------------------------------------------------------------------------------------- strip


def strip(position, length=100.0, look=None, arc=None):
    row = Frame(60, 1)
    halves = np.where(np.arange(200)[:, np.newaxis] < 100, [[0.5, 0.5]], [[-0.5, -0.5]]).astype(np.float32)
    draw_strip(row, Arc(halves) if arc is None else arc, position, length, look or Look())
    return row


def test_a_strip_has_the_colors_of_its_moods_and_their_names():
    row = strip(75.0)
    text = "".join(segment.text for segment in row.lines()[0])
    assert text.startswith("1:15 ")
    assert text.rstrip().endswith("1:40")
    assert "happy" in text
    assert "sad" in text
    grounds = unpacked(row.cells[GROUND, 0])
    np.testing.assert_allclose(grounds[7], to_rgb(color_of(0.5, 0.5)), atol=0.02)
    np.testing.assert_allclose(grounds[36], to_rgb(color_of(-0.5, -0.5)), atol=0.02)
    assert np.abs(grounds[52] - grounds[36]).max() > 0.2  # has not been played
    np.testing.assert_allclose(grounds[52] - grounds[36], 0.62 * (to_rgb(DARK) - grounds[36]), atol=0.03)


@pytest.mark.parametrize("look", [Look(depth, ground) for depth in Depth for ground in (DARK, LIGHT)], ids=str)
def test_the_mark_of_a_strip_moves_by_half_columns(look):
    seen_marks = []
    for halves in range(100):
        row = strip(halves * 0.5, 50.0, look)
        text = "".join(segment.text for segment in row.lines()[0])
        place = max(text.find("▌"), text.find("▐"))
        seen_marks.append(2 * place + (text[place] == "▐"))
    assert all(0 <= after - before <= 2 for before, after in pairwise(seen_marks))
    assert seen_marks[-1] - seen_marks[0] > 95


def test_until_the_moods_are_known_the_strip_is_plain():
    text = "".join(segment.text for segment in strip(50.0, arc=Arc()).lines()[0])
    assert "━━━━" in text
    assert "────" in text


def shown(row):
    return "".join(segment.text for segment in row.lines()[0])


def test_the_words_of_a_strip_are_those_of_the_large_word():
    """With the same hysteresis: a short way across an axis is no other mood."""
    values = np.tile([0.3, 0.3], (200, 1))
    values[100:, 0] = -0.03
    assert "tense" not in shown(strip(0.0, arc=Arc(values.astype(np.float32))))
    values[150:, 0] = -0.06
    row = shown(strip(0.0, arc=Arc(values.astype(np.float32))))
    assert abs(row.index("tense") - 46) < 3
    smoother, random = Smoother(0.5, 0.0), np.random.default_rng(3)
    points, named = random.normal(0, 0.06, (500, 2)), []
    for point in points.tolist():
        smoother.update(*point, is_silent=False)
        named.append(smoother.quadrant)
    assert quadrants(points) == named
    assert quadrants(np.array([[np.nan, np.nan], [0.2, 0.2], [np.nan, 0.1]])) == [None, Quadrant.HAPPY, None]


def test_stretches_that_have_no_room_for_their_word_are_part_of_their_neighbors():
    values = np.tile([0.3, 0.3], (200, 1))
    values[80:90] = values[120:126] = -0.3, -0.3
    row = shown(strip(0.0, look=Look(Depth.NONE), arc=Arc(values.astype(np.float32))))
    assert "│" not in row
    assert row.count("happy") == 1
    values[80:120] = -0.3, -0.3
    row = shown(strip(0.0, look=Look(Depth.NONE), arc=Arc(values.astype(np.float32))))
    assert row.count("│") == 2
    assert row.index("happy") < row.index("│") < row.index("sad") < row.rindex("│") < row.rindex("happy")


@pytest.mark.parametrize("look", [Look(), Look(Depth.NONE)], ids=str)
def test_the_mark_never_cuts_a_word(look):
    for second in range(100):
        row = shown(strip(float(second), look=look))
        assert "happy" in row or 40 < second < 55
        assert "sad" in row or second > 85


@pytest.mark.parametrize(
    ("position", "length", "expected"),
    [
        (5.0, 100.0, (0, 100)),
        (120.0, 100.0, (0, 120)),
        (5.0, None, (0, 60)),
        (90.0, None, (0, 120)),
        (5000.2, None, (4400.5, 5000.5)),
    ],
)
def test_window(position, length, expected):
    assert window(position, length) == expected


# ------------------------------------------------------------------------------------------------------------ looks


@pytest.mark.parametrize(
    ("options", "depth"),
    [
        ({"color_system": "truecolor"}, Depth.TRUE),
        ({"color_system": "256"}, Depth.PALETTE),
        ({"color_system": "standard"}, Depth.SIXTEEN),
        ({"color_system": None}, Depth.NONE),
        ({"color_system": "truecolor", "no_color": True}, Depth.NONE),
    ],
)
def test_as_many_colors_as_the_console_has(options, depth):
    console = Console(file=io.StringIO(), force_terminal=True, legacy_windows=False, _environ={}, **options)
    assert look_of(console, LIGHT) == Look(depth, LIGHT)


@pytest.mark.parametrize("look", [Look(d, g) for d in (Depth.TRUE, Depth.PALETTE) for g in (DARK, LIGHT)], ids=str)
def test_lines_and_notes_and_names_stand_out_from_the_background(look):
    def against(ink):
        return contrast("#" + bytes(rgb(int(ink), look.foreground)).hex(), look.background)

    axis = np.linspace(-1, 1, 15)
    points = np.stack(np.meshgrid(axis, axis), axis=-1)
    assert min(map(against, look.lines(points).ravel())) >= 3
    assert against(look.faint.ink) >= 4.5
    for quadrant in Quadrant:
        for is_muted in (False, True):
            ink = look.name_of(quadrant, is_muted=is_muted).ink
            assert against(ink) >= 4.5
            assert np.ptp(rgb(ink, "#000000")) > 30  # it has a color


def test_a_muted_name_is_grayer_and_as_bright():
    for ground in (DARK, LIGHT):
        for quadrant in Quadrant:
            full, muted = (
                unpacked(np.array(Look(Depth.TRUE, ground).name_of(quadrant, is_muted=m).ink)) for m in (0, 1)
            )
            assert np.ptp(muted) < 0.7 * np.ptp(full)
            assert contrasts(full, muted) < 1.25


def test_the_field_has_the_colors_of_emotions():
    random = np.random.default_rng(7)
    points = random.uniform(-1, 1, (200, 2))
    expected = np.array([to_rgb(color_of(*point)) for point in points.tolist()])
    assert np.abs(mood_colors(points) - expected).max() < 0.04


def test_colors_are_packed_in_steps_that_nobody_sees():
    random = np.random.default_rng(8)
    colors = random.uniform(0, 1, (500, 3))
    assert np.abs(unpacked(packed(colors)) - colors).max() < 5.5 / 255
    assert packed(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])).tolist() == [0xFFFFFF, 0]


def test_the_nearest_color_of_a_palette():
    look = Look(Depth.PALETTE)
    colors = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0], [0.5, 0.5, 0.5], [95 / 255, 135 / 255, 175 / 255]])
    assert (look.paint(colors) - PALETTE).tolist() == [16, 231, 196, 244, 67]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, DARK), ({"COLORFGBG": "15;0"}, DARK), ({"COLORFGBG": "0;15"}, LIGHT), ({"COLORFGBG": "0;default;7"}, LIGHT)],
)
def test_a_guess_at_the_background(environment, expected):
    assert background.guessed(environment) == expected


def test_a_chosen_background():
    assert background.chosen("light", {}) == LIGHT
    assert background.chosen(None, {"EMODJ_BACKGROUND": "dark"}) == DARK
    assert background.chosen("dark", {"EMODJ_BACKGROUND": "light"}) == DARK
    assert background.chosen(None, {"EMODJ_BACKGROUND": "green"}) == ""
    with pytest.raises(ValueError, match="must be 'dark' or 'light', got 'green'"):
        Dashboard(background="green")


def test_the_linux_console_is_not_asked():
    assert not background.may_ask({"TERM": "linux"})
    assert background.may_ask({"TERM": "xterm-256color"})


# ------------------------------------------------------------------------------------------------------------- keys


def pressed(*pieces):
    """Return the keys of what arrives in pieces, a tenth of a second apart, and the keyboard."""
    keyboard = Keyboard()
    for number, piece in enumerate((*pieces, "", "", "", "")):
        keyboard._take_in(piece, 0.1 * number)
    return list(keyboard._keys), keyboard


@pytest.mark.parametrize(
    ("pieces", "keys"),
    [
        (["qz "], ["q", "z", " "]),
        (["\x1b[C\x1b[D\x1bOA\x1b[1;5B"], ["right", "left", "up", "down"]),
        (["a\x1b", "[", "Cb"], ["a", "right", "b"]),
        (["\x1b"], ["escape"]),
        (["\x1b", "", "", "", "q"], ["escape", "q"]),
        (["\x1bq"], []),
        (["\x1b[200~x\x1b[201~"], ["x"]),
        (["\x1b[<0;3;4M"], []),
        (["é世"], ["é", "世"]),
        (["x\x1b]11;rgb:1111/2222/3333\x1b\\y"], ["x", "y"]),
        (["\x1b]11;rgb:11", "11/2222/3333\x1b", "\\y"], ["y"]),
        (["\x1b]0;title\x07q"], ["q"]),
        (["\x1b[", "", "", "", "", "q"], ["q"]),
    ],
)
def test_keys_are_told_from_answers(pieces, keys):
    assert pressed(*pieces)[0] == keys


@pytest.mark.parametrize(
    ("answer", "color"),
    [
        ("\x1b]11;rgb:ffff/8080/0000\x1b\\", "#ff8000"),
        ("\x1b]11;rgb:12/34/56\x07", "#123456"),
        ("\x1b]11;rgba:f/0/8/f\x07", "#ff0088"),
        ("\x1b]10;rgb:1111/1111/1111\x07", ""),
        ("\x1b]11;?\x1b\\", ""),
    ],
)
def test_the_terminals_answer_is_its_background(answer, color):
    assert pressed(answer)[1].background == color


@pytest.mark.parametrize("key", ["x", "q", " ", "left", ""])
def test_keys_that_are_not_the_dashboards_are_left_to_the_program(key):
    desk = Desk(80, 24)
    assert not desk.dashboard.press(key)
    assert all(desk.dashboard.press(own) for own in ("z", "v", "?"))


def test_zoomed_the_plane_is_where_music_lies():
    quantiles = np.stack([np.linspace(-0.5, 0.4, 101), np.linspace(-0.3, 0.6, 101)], axis=1)
    desk = Desk(calibration=Calibration((0.2, 0.1), quantiles))
    dashboard = desk.dashboard
    assert dashboard._span().valence == (-1.0, 1.0)
    dashboard.press("z")
    np.testing.assert_allclose(dashboard._span().valence, (-0.482, 0.382))
    np.testing.assert_allclose(dashboard._span().arousal, (-0.282, 0.582))
    dashboard.press("z")
    assert dashboard._span().valence == (-1.0, 1.0)


# ---------------------------------------------------------------------------------------------------------- sleeves


def test_a_cover_is_as_large_as_it_fits_and_keeps_its_shape():
    picture = np.zeros((40, 20, 3), np.uint8)
    picture[:20] = 255, 0, 0
    picture[20:] = 0, 0, 255
    cells = cover.paint(picture, 20, 10, Look())
    assert (cells[INK, :, :5] == cells[INK, 0, 0]).all()  # beside it
    assert set(np.unique(cells[INK, :5, 5:15]).tolist()) == {0xFF0000}
    assert set(np.unique(cells[GROUND, 5:, 5:15]).tolist()) == {0x0000FF}
    assert (cells[INK, :, 15:] == cells[INK, 0, 0]).all()


def test_a_smaller_cover_is_the_mean_of_a_larger_one():
    picture = np.random.default_rng(3).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    cells = cover.paint(picture, 8, 4, Look())
    means = (picture / 255).reshape(8, 8, 8, 8, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(unpacked(cells[INK]), means[::2], atol=0.03)
    np.testing.assert_allclose(unpacked(cells[GROUND]), means[1::2], atol=0.03)


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (3, 50)])
def test_a_cover_of_any_size_fits(size):
    picture = np.full((*size, 3), 200, np.uint8)
    for width, height in ((1, 1), (28, 14), (5, 3)):
        cells = cover.paint(picture, width, height, Look())
        assert cells.shape == (4, height, width)
        assert (np.abs(unpacked(cells[1:3]) - 200 / 255) < 0.03).all(axis=-1).any()


def test_a_sleeve_is_read_from_a_files_tags(write_audio, music, tmp_path):
    mutagen = pytest.importorskip("mutagen.flac", reason="needs the extra tags")
    image = pytest.importorskip("PIL.Image", reason="needs the extra tags")
    path, png = write_audio("song.flac", music(1.0)), io.BytesIO()
    image.new("RGB", (200, 100), (10, 200, 30)).save(png, "PNG")
    picture = mutagen.Picture()
    picture.data, picture.type, picture.mime = png.getvalue(), 3, "image/png"
    file = mutagen.FLAC(path)
    file["title"], file["artist"], file["album"] = "Jóga", "Björk", "Homogenic"
    file.add_picture(picture)
    file.save()
    with SleeveReader(str(path)) as reader:
        reader._reader.join(60)
        found = reader.sleeve()
    assert (found.title, found.artist, found.album) == ("Jóga", "Björk", "Homogenic")
    assert found.cover.shape == (32, 64, 3)
    assert (found.cover == [10, 200, 30]).all()
    assert reader._process.poll() is not None


def test_without_tags_a_sleeve_is_empty_and_what_is_read_slowly_is_given_up(write_audio, music):
    with SleeveReader(str(write_audio("song.wav", music(1.0)))) as reader:
        assert reader.sleeve().title == ""  # it may not have been read yet
    assert reader._process.poll() is not None
    assert reader.sleeve().cover is None


@pytest.mark.parametrize(("size", "is_there"), [((200, 55), True), ((120, 40), False), ((60, 18), False)])
def test_a_cover_is_shown_where_there_is_room(size, is_there):
    assert (layout(*size, has_cover=True).cover is not None) is is_there
    if is_there:
        place = layout(*size, has_cover=True)
        assert place.meters.x + place.meters.width < place.cover.x
        assert place.cover.width == 2 * place.cover.height


# ---------------------------------------------------------------------------------------------------------- pictures


def test_a_picture_has_what_the_screen_has(tmp_path):
    frame = scribbled(np.random.default_rng(9))
    frame.put(0, 0, "a <title> & more", Pen(0x00FF00, 0x0000FF, 1))
    frame.put(0, 1, "▀▄█▌━⠿ ", Pen(0xFF0000, DEFAULT))
    root = ElementTree.fromstring(svg(frame.cells, "#101010", "#eeeeee", title="x < y"))  # noqa: S314 (it is ours)
    texts = {element.text: element.get("fill") for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert texts["a <title> & more"] == "#00ff00"
    fills = {element.get("fill") for element in root.iter("{http://www.w3.org/2000/svg}path")}
    assert {"#ff0000", "#0000ff"} <= fills


def test_a_picture_never_replaces_another(tmp_path, monkeypatch):
    cells = Frame(10, 3).cells
    names = {snapshot.save(cells, Look(), "song", tmp_path) for _ in range(5)}
    assert len(names) == 5
    assert len(list(tmp_path.glob("*.svg"))) == 5


def test_a_picture_that_cannot_be_written_is_reported(tmp_path):
    message = snapshot.save(Frame(10, 3).cells, Look(), "song", tmp_path / "missing")
    assert "cannot be written: No such file or directory." in message


def test_status_is_untouched_by_what_the_screen_knows_better():
    status = SourceStatus(behind=0.5)
    assert replace(status, behind=None).behind is None
    assert status.behind == 0.5

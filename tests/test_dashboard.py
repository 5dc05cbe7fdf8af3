"""The dashboard: what a frame shows, what is written of it, and the terminal it leaves behind."""

import io
import logging
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console
from screen_reader import ScreenReader

from emodj_live import Emotion, Quadrant
from emodj_live.arc import Arc
from emodj_live.blocks import Seek, SourceStatus
from emodj_live.colors import contrast, to_rgb
from emodj_live.gliding import TailPoint
from emodj_live.sinks.terminal.controls import Controls
from emodj_live.sinks.terminal.dashboard import Dashboard
from emodj_live.sinks.terminal.frame import DEFAULT, GLYPH, GROUND, INK, PALETTE, UPPER_HALF, WEIGHT, Frame
from emodj_live.sinks.terminal.interruptions import uninterrupted
from emodj_live.sinks.terminal.keys import VIEW_KEYS, Key
from emodj_live.sinks.terminal.layout import layout
from emodj_live.sinks.terminal.lettering import large_letters, text_cells
from emodj_live.sinks.terminal.look import DARK, LIGHT, Depth, Look, unpacked
from emodj_live.sinks.terminal.plane import Span, Spot, axes
from emodj_live.sinks.terminal.screen import Screen
from emodj_live.sinks.terminal.sound import BANDS, Sound
from emodj_live.sinks.terminal.view import Mode, View, render
from emodj_live.work import Work

SIZES = [(60, 18), (80, 24), (120, 40), (160, 20), (200, 55), (300, 90)]
SMALL = [(30, 12), (59, 17), (16, 6), (59, 18), (60, 17), (45, 8), (120, 9)]
TINY = [(1, 1), (10, 3), (20, 1), (1, 20), (15, 30), (59, 5)]
LOOKS = [Look(), Look(Depth.TRUE, LIGHT), Look(Depth.PALETTE), Look(Depth.SIXTEEN, LIGHT), Look(Depth.NONE)]
NASTY = [
    "",
    "Björk \N{EM DASH} Jóga",
    "bell\a, escape\x1b[31m, new\nline\r\ttab\x9b2J",
    "x" * 1000,
    "音楽の感情 " * 60,
    "👩‍🎤🎵 " * 100,
    "🎛️🇩🇪❤️" * 100,
    "e\N{COMBINING ACUTE ACCENT}" * 400,
    "\N{RIGHT-TO-LEFT OVERRIDE}gnos",
    "a" + "界" * 200,
]
KEYS = (Key("space", "pause", "pause, and go on"), *VIEW_KEYS, Key("q", "quit", "quit"))
CODES = re.compile(r"\x1b\[[?0-9;]*[a-zA-Z]")


def emotion(time=1.0, valence=0.4, arousal=0.3, **changes):
    quadrant = changes.pop("quadrant", Quadrant.of(valence, arousal))
    values = {"raw_valence": valence, "raw_arousal": arousal, "level": -18.2, "gain": 7.5}
    values |= {"is_silent": False, "is_clipped": False, **changes}
    return Emotion(time=time, valence=valence, arousal=arousal, quadrant=quadrant, **values)


def wandering(count=120):
    return tuple(emotion(0.5 * (n + 1), -0.9 + 0.015 * n, 0.9 - 0.013 * n) for n in range(count))


def spot_at(valence, arousal, tail=()):
    point = valence, arousal
    return Spot(point, point, [TailPoint(*point, 0.0), *tail], (0.2, 0.15))


def with_emotions(view, *emotions):
    """Return a view of these emotions, with the point at the newest."""
    spot = spot_at(emotions[-1].valence, emotions[-1].arousal) if emotions else None
    return replace(view, emotions=emotions, spot=spot)


@pytest.fixture
def view():
    status = SourceStatus(position=61.5, length=180.0, input_rate=44100, channels=2, behind=0.142)
    sound = Sound(-20.0, -10.0, np.linspace(0, 1, BANDS, dtype=np.float32))
    arc = Arc(np.stack([np.sin(np.arange(360) / 60), np.cos(np.arange(360) / 90)], axis=1).astype(np.float32))
    empty = View(
        title="Artist - Title",
        status=status,
        sound=sound,
        arc=arc,
        cpu=0.034,
        message="a notice",
        keys=KEYS,
        place="3 of 12",
        album="The Album",
    )
    return with_emotions(empty, *wandering())


def text(frame):
    return "\n".join("".join(segment.text for segment in line) for line in frame.lines())


def quiet(view):
    """Return a view without a message, so that the details are shown."""
    return replace(view, message="")


# -------------------------------------------------------------------------------------------------------- a frame


@pytest.mark.parametrize("size", SIZES + SMALL + TINY)
@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("mode", Mode)
def test_every_look_fills_every_terminal_exactly(size, look, mode, view):
    width, height = size
    for shown in (view, with_emotions(view), replace(view, arc=Arc(), keys=())):
        lines = render(replace(shown, mode=mode), width, height, look).lines()
        assert len(lines) == height
        assert [sum(segment.cell_length for segment in line) for line in lines] == [width] * height


@pytest.mark.parametrize("size", [(60, 18), (120, 40), (30, 12), (10, 3)])
@pytest.mark.parametrize("length", [None, 0.0, 20.0, 7200.0])
@pytest.mark.parametrize("position", [0.0, 0.5, 61.5, 1e6])
def test_any_position_and_length_can_be_shown(size, length, position, view):
    for arc in (view.arc, Arc(), Arc(np.full((3, 2), np.nan, np.float32)), Arc(view.arc.points, 1e6 - 90)):
        for mode in (Mode.PLANE, Mode.ARC):
            status = replace(view.status, length=length, position=position)
            frame = render(replace(view, status=status, arc=arc, mode=mode), *size)
            assert (frame.width, frame.height) == size


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("look", [Look(), Look(Depth.NONE), Look(Depth.PALETTE, LIGHT)], ids=str)
def test_frame_shows_it_all(size, look, view):
    view = with_emotions(view, *wandering(90))
    shown = text(render(quiet(view), *size, look))
    newest = view.emotions[-1]
    for part in (
        "Artist - Title",
        "3 of 12",
        *("HAPPY", "TENSE", "SAD", "CALM"),
        f"valence {newest.valence:+.2f}",
        f"arousal {newest.arousal:+.2f}",
        "level -18.2 dBFS",
        "1:01",
        "3:00",
        "44100 Hz, 2 channels",
        "142 ms behind the sound",
        "3 % CPU",
        "space pause",
        "q quit",
    ):
        assert part in shown
    if size[0] >= 80 and size[1] >= 24:
        for part in ("pleasant", "unpleasant", "gain +7.5 dB", "excited", "calm", "The Album", "last 44 s"):
            assert part in shown
    rows = layout(*size).mood.height - 1
    for row in large_letters(newest.quadrant.value, rows):
        assert row.rstrip() in shown


@pytest.mark.parametrize("size", SIZES + SMALL)
def test_the_plane_is_there_and_about_square(size, view):
    plane, view = layout(*size).plane, with_emotions(view, *wandering(90))
    assert 1.0 <= plane.width / plane.height <= 3.6
    shown = text(render(view, *size))
    assert all(name in shown for name in ("HAPPY", "TENSE", "SAD", "CALM"))
    assert f"{view.emotions[-1].valence:+.2f}" in shown or size[0] < 24


@pytest.mark.parametrize("size", [*SIZES, (60, 50), (67, 50), (60, 24), (66, 40), (80, 60), (100, 60)])
def test_the_large_word_has_room_and_the_plane_is_not_stretched(size, view):
    for quadrant in Quadrant:
        shown = text(render(with_emotions(view, emotion(quadrant=quadrant)), *size))
        rows = large_letters(quadrant.value, layout(*size).mood.height - 1)
        assert all(row.rstrip() in shown for row in rows)
    plane = layout(*size).plane
    assert 1.6 <= plane.width / plane.height <= 2.4


@pytest.mark.parametrize("size", SIZES)
def test_no_meter_is_stretched(size):
    assert layout(*size).meters.width <= 64


@pytest.mark.parametrize("quadrant", Quadrant)
def test_mood_word_is_large(quadrant, view):
    shown = text(render(with_emotions(view, emotion(quadrant=quadrant)), 80, 24))
    assert all(row.rstrip() in shown for row in large_letters(quadrant.value))
    assert not any(
        row in shown for other in Quadrant if other is not quadrant for row in large_letters(other.value)[:1]
    )


def test_terminal_too_small_for_a_plane_shows_the_most_important(view):
    shown = text(render(view, 40, 4))
    assert view.emotions[-1].quadrant.value.upper() in shown
    assert f"valence {view.emotions[-1].valence:+.2f}" in shown
    assert f"arousal {view.emotions[-1].arousal:+.2f}" in shown
    assert text(render(view, 7, 1)).strip()


@pytest.mark.parametrize(
    ("certainty", "words", "is_large"),
    [
        (0.72, "72 % certain", True),
        (0.41, "rather happy, 41 % certain", True),
        (0.27, "perhaps happy", False),
    ],
)
def test_words_follow_the_certainty(certainty, words, is_large, view):
    newest = with_emotions(view, emotion(certainty=certainty))
    for size in SIZES:
        shown = text(render(newest, *size))
        assert words in shown
        assert (large_letters("happy", layout(*size).mood.height - 1)[0].rstrip() in shown) is is_large
        beside = text(render(newest, *size).part(*layout(*size).mood))
        assert ("happy" in beside) is (certainty < 0.5)  # a certain word is not said twice
        assert f"{100 * certainty:.0f} % certain" in shown
    assert newest.emotions[-1].mood.upper() in text(render(newest, 40, 4))
    assert "arousal +0.30" in text(render(newest, 40, 4))


def test_an_unsure_word_is_grayer(view):
    place = layout(80, 24).mood

    def ink(certainty):
        frame = render(with_emotions(view, emotion(certainty=certainty)), 80, 24)
        letters = frame.cells[:, place.y, place.x : place.x + 20]
        return f"#{letters[INK][letters[GLYPH] != ord(' ')].max():06x}"

    certain, unsure = (to_rgb(ink(certainty)) for certainty in (0.8, 0.41))
    assert np.ptp(unsure) < 0.7 * np.ptp(certain)


def test_how_long_a_mood_has_lasted(view):
    assert "for 9 s" in text(render(replace(view, since=9.2), 80, 24))
    assert "for " not in text(render(replace(quiet(view), since=0.5), 80, 24))
    certain = with_emotions(view, emotion(certainty=0.66))
    assert "66 % certain · for 18 s" in text(render(replace(certain, since=18.0), 80, 24))


def test_a_model_that_does_not_know_its_certainty_says_none(view):
    assert "certain" not in text(render(view, 80, 24))


@pytest.mark.parametrize(
    ("change", "words"),
    [({"is_silent": True}, " silence "), ({"is_clipped": True}, " clipping "), ({"gain": -10.0}, "gain -10.0 dB")],
)
def test_state_of_the_level(change, words, view):
    assert words in text(render(with_emotions(view, emotion(**change)), 80, 24))
    assert words not in text(render(with_emotions(view, emotion()), 80, 24))


@pytest.mark.parametrize("size", [*SIZES, *SMALL, (40, 4)])
def test_alarm_is_shown(size, view):
    assert "no sound arrives" in text(
        render(replace(view, status=replace(view.status, alarm="no sound arrives")), *size)
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input_rate": 192000.0, "channels": 1}, "192000 Hz, 1 channel   "),
        ({"lost": 0.5, "underflows": 3}, "44100 Hz, 2 channels, 0.50 s lost, 3 underflows   "),
        ({"underflows": 1}, "2 channels, 1 underflow   "),
        ({"channels": None}, "44100 Hz   "),
        ({"input_rate": None, "channels": None, "lost": 12.0}, "12.00 s lost   "),
    ],
)
@pytest.mark.parametrize("length", [None, 180.0])
def test_source_is_described(change, words, length, view):
    status = replace(view.status, length=length, behind=None, **change)
    assert words in text(render(replace(quiet(view), status=status), 100, 24))


@pytest.mark.parametrize("length", [None, 180.0])
def test_note_stands_before_what_the_source_says(length, view):
    shown = replace(quiet(view), note="next: a song", status=replace(view.status, length=length))
    assert "next: a song   44100 Hz, 2 channels   " in text(render(shown, 100, 24))


def test_pause_is_shown_unless_something_is_wrong(view):
    paused = replace(view.status, is_paused=True)
    assert "paused: press space to continue" in text(render(replace(view, status=paused), 80, 24))
    assert "paused" not in text(render(view, 80, 24))
    assert "paused" not in text(render(replace(view, status=replace(paused, alarm="no sound")), 80, 24))


def test_a_message_takes_the_place_of_the_details_or_of_the_keys(view):
    with_keys, without = text(render(view, 80, 24)), text(render(replace(view, keys=()), 80, 24))
    assert "a notice" in with_keys
    assert "% CPU" not in with_keys
    assert "q quit" in with_keys
    assert "a notice" in without
    assert "% CPU" in without


def test_estimated_length_is_marked(view):
    assert "~3:00" in text(render(replace(view, status=replace(view.status, is_length_exact=False)), 80, 24))


def test_position_beyond_an_estimated_length(view):
    status = replace(view.status, position=200.0, is_length_exact=False)
    assert "~3:20" in text(render(replace(view, status=status), 80, 24))


# ------------------------------------------------------------------------------------------------------ the plane


def pixels(frame, place):
    """Return the colors of a plane, two pixels to a cell, words left out: shape (2 * height, width, 3)."""
    cells = frame.cells[:, place.y : place.y + place.height, place.x : place.x + place.width]
    found = np.empty((2 * place.height, place.width), np.int32)
    found[::2], found[1::2] = np.where(cells[GLYPH] == UPPER_HALF, cells[INK], cells[GROUND]), cells[GROUND]
    return unpacked(found)


def bright_place(frame, place):
    """Return where the brightest pixel of a plane is: column and row, as shares of its size."""
    light = pixels(frame, place).sum(-1)
    row, column = np.unravel_index(light.argmax(), light.shape)
    return column / (light.shape[1] - 1), row / (light.shape[0] - 1)


@pytest.mark.parametrize("size", SIZES + SMALL)
@pytest.mark.parametrize("point", [(-1, 0.5), (1, 0.5), (0.4, 1), (0.4, -1), (0.13, -0.27), (-1, -1), (1, 1)])
def test_the_point_is_where_the_emotion_is(size, point, view):
    place = layout(*size).plane
    found = bright_place(render(with_emotions(view, emotion(1.0, *point)), *size), place)
    expected = (1 + point[0]) / 2, (1 - point[1]) / 2
    assert np.abs(np.subtract(found, expected)).max() * max(place.width, 2 * place.height) < 2.5


@pytest.mark.parametrize("depth", [Depth.NONE, Depth.SIXTEEN, Depth.PALETTE])
def test_with_few_colors_the_point_is_where_the_emotion_is(depth, view):
    place = layout(80, 24).plane
    frame = render(with_emotions(view, emotion(1.0, 0.6, -0.4)), 80, 24, Look(depth))
    glyphs = frame.cells[GLYPH, place.y : place.y + place.height, place.x : place.x + place.width]
    dots = np.vectorize(lambda glyph: (glyph - 0x2800).bit_count() if 0x2800 < glyph < 0x2900 else 0)(glyphs)
    row, column = np.unravel_index(dots.argmax(), dots.shape)
    assert dots.max() >= 6
    assert abs(column - 0.8 * (place.width - 1)) < 1.5
    assert abs(row - 0.7 * (place.height - 1)) < 1.5


def test_the_point_moves_by_parts_of_a_cell(view):
    place, seen = layout(80, 24).plane, []
    for step in range(40):
        frame = render(with_emotions(view, emotion(1.0, 0.001 * step, 0.2)), 80, 24)
        seen.append(pixels(frame, place).tobytes())
    assert len(set(seen)) > 5  # a column is 0.046 wide


def test_zoomed_the_same_emotion_is_further_out(view):
    place, shown = layout(80, 24).plane, with_emotions(view, emotion(1.0, 0.2, 0.2))
    near = bright_place(render(shown, 80, 24), place)
    far = bright_place(render(replace(shown, span=Span((-0.3, 0.3), (-0.3, 0.3))), 80, 24), place)
    assert far[0] > near[0] + 0.15
    assert far[1] < near[1] - 0.15


def test_the_tail_fades(view):
    place = layout(120, 40).plane
    newest, still = emotion(1.0, 0.8, 0.8), render(with_emotions(view, emotion(1.0, 0.8, 0.8)), 120, 40)
    tail = [TailPoint(0.8, -0.8, 3.0), TailPoint(-0.8, -0.8, 6.0)]
    moving = render(replace(with_emotions(view, newest), spot=spot_at(0.8, 0.8, tail)), 120, 40)
    light = np.abs(pixels(moving, place) - pixels(still, place)).sum(-1)
    rows, columns = light.shape

    def near(valence, arousal):
        x, y = round((1 + valence) / 2 * (columns - 1)), round((1 - arousal) / 2 * (rows - 1))
        return light[y - 1 : y + 2, x - 1 : x + 2].max()

    along, later = [near(0.8, a) for a in (0.4, 0, -0.4)], [near(v, -0.8) for v in (0.4, 0, -0.4)]
    assert all(before > after > 0 for before, after in pairwise([*along, *later]))


def test_the_halo_is_as_wide_as_the_doubt(view):
    def lit(spread):
        spot = replace(spot_at(0.1, 0.1), spread=spread)
        frame = render(replace(view, spot=spot), 120, 40)
        dark = render(replace(view, spot=spot_at(-0.9, -0.9)), 120, 40)
        place = layout(120, 40).plane
        change = np.abs(pixels(frame, place) - pixels(dark, place)).sum(-1) > 0.1
        return np.ptp(np.nonzero(change[: change.shape[0] // 2])[1])

    assert lit((0.3, 0.1)) > 1.5 * lit((0.1, 0.1))


@pytest.mark.parametrize("depth", Depth)
def test_nothing_erases_an_axis(depth, view):
    """Where tail or point have passed, the axis is drawn again; where they are, it shares the cell with them."""
    look, place = Look(depth), layout(120, 40).plane
    tail = [TailPoint(0.0, -0.9, 1.0), TailPoint(0.0, 0.9, 2.0)]
    over = render(replace(view, spot=spot_at(0.3, -0.9, tail)), 120, 40, look).cells
    after = render(replace(view, spot=spot_at(0.9, -0.9)), 120, 40, look).cells
    empty = render(with_emotions(view), 120, 40, look).cells
    dots = 1 if depth is Depth.TRUE else 2  # of a cell, across
    column = place.x + axes(Span(), dots * place.width, 4 * place.height)[0] // dots
    rows = slice(place.y + 3, place.y + place.height // 2 - 2)
    assert (after[:3, rows, column] == empty[:3, rows, column]).all()
    assert (over[:3, rows, column] != empty[:3, rows, column]).any()
    if depth < Depth.TRUE:
        both = over[GLYPH, rows, column] & empty[GLYPH, rows, column]
        assert (both == empty[GLYPH, rows, column]).all()


def test_render_is_pure(view):
    before = (view.status, tuple(view.emotions), view.arc.points.copy(), view.sound.bands.copy())
    first, second = render(view, 80, 24), render(view, 80, 24)
    assert (first.cells == second.cells).all()
    first.cells[:] = 0
    assert (render(view, 80, 24).cells == second.cells).all()
    assert (view.status, tuple(view.emotions)) == before[:2]
    assert (view.arc.points == before[2]).all()
    assert (view.sound.bands == before[3]).all()


# ------------------------------------------------------------------------------------------------------ the looks


@pytest.mark.parametrize("background", [DARK, LIGHT])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_words_can_be_read_on_every_background(background, size, view):
    """Whatever is written in a color of ours has contrast to what is behind it, also on the glow and on the tail."""
    for point in ((0.8, 0.8), (0.75, 0.05), (-0.8, -0.75), (0.0, 0.0)):
        tail = [TailPoint(-0.9, 0.9, 1.0), TailPoint(0.9, 0.9, 2.0)]
        shown = replace(quiet(view), spot=spot_at(*point, tail))
        assert_legible(render(shown, *size, Look(Depth.TRUE, background)), background)


def assert_legible(frame, background):
    glyphs, inks, grounds, _ = frame.cells
    is_letter = np.vectorize(lambda glyph: glyph < 0x2500 and chr(glyph).isalnum())(glyphs)
    for ink, ground in set(zip(inks[is_letter].tolist(), grounds[is_letter].tolist(), strict=True)):
        if ink != DEFAULT:
            behind = background if ground == DEFAULT else f"#{ground:06x}"
            assert contrast(f"#{ink:06x}", behind) > 3


@pytest.mark.parametrize("background", [DARK, LIGHT])
@pytest.mark.parametrize("depth", Depth)
def test_a_terminal_gets_no_color_that_it_does_not_have(depth, background, view):
    frame = render(view, 120, 40, Look(depth, background))
    colors = set(frame.cells[INK].ravel().tolist()) | set(frame.cells[GROUND].ravel().tolist())
    highest = {Depth.NONE: DEFAULT, Depth.SIXTEEN: PALETTE + 15, Depth.PALETTE: PALETTE + 255, Depth.TRUE: 0xFFFFFF}
    assert max(colors) <= highest[depth]
    if depth in (Depth.SIXTEEN, Depth.PALETTE):
        assert min(colors - {DEFAULT}) >= PALETTE


def test_without_colors_nothing_is_lost(view):
    """What colors say is said by words, shapes or weights too."""
    shown = render(view, 120, 40, Look(Depth.NONE))
    strip = text(shown).split("\n")[-3]
    assert any(word in strip for word in ("happy", "tense", "sad", "calm"))
    assert "━" in strip
    assert "─" in strip
    certain, unsure = (
        render(with_emotions(view, emotion(certainty=share)), 120, 40, Look(Depth.NONE)) for share in (0.9, 0.4)
    )
    assert (certain.cells[WEIGHT] != unsure.cells[WEIGHT]).any()


def test_upcoming_moods_are_fainter_than_those_that_were_heard(view):
    flat = replace(view, arc=Arc(np.tile(np.float32([0.5, 0.5]), (360, 1))))
    row = render(flat, 120, 40).cells[:, -3]
    played, upcoming = f"#{row[GROUND, 12]:06x}", f"#{row[GROUND, 100]:06x}"
    assert contrast(played, DARK) > 1.7 * contrast(upcoming, DARK)
    assert to_rgb(upcoming)[0] > to_rgb(upcoming)[2]  # still gold


# -------------------------------------------------------------------------------------------------- the other views


@pytest.mark.parametrize("size", SIZES)
def test_the_arc_is_over_the_whole_song(size, view):
    rising = Arc(np.stack([np.linspace(-0.5, 0.5, 360), np.linspace(0.5, -0.5, 360)], axis=1).astype(np.float32))
    shown = text(render(replace(view, arc=rising, mode=Mode.ARC), *size)).split("\n")
    names = [row.strip() for row in shown]
    valence, arousal = names.index("valence"), names.index("arousal")

    def heights(rows):
        return [
            next(n for n, row in enumerate(rows) if any(0x2800 < ord(c) < 0x2900 for c in row[x : x + 3]))
            for x in range(9, size[0] - 14, 6)
        ]

    upward, downward = heights(shown[valence + 1 : arousal]), heights(shown[arousal + 1 : -3])
    assert upward == sorted(upward, reverse=True)
    assert upward[0] > upward[-1]
    assert len(set(downward)) > 1


def test_the_color_fills_the_screen_and_the_word_is_on_it(view):
    frame = render(replace(with_emotions(view, emotion(1.0, 0.5, 0.5)), mode=Mode.COLOR), 120, 40)
    assert len(set(frame.cells[GROUND].ravel().tolist())) == 1
    assert np.abs(np.subtract(to_rgb(f"#{frame.cells[GROUND, 0, 0]:06x}"), to_rgb("#f5c22d"))).max() < 0.03
    assert all(row.strip() in text(frame) for row in large_letters("happy", 5))


def test_the_color_says_below_what_is_heard_and_what_happens(view):
    shown = with_emotions(replace(quiet(view), mode=Mode.COLOR), emotion(1.0, 0.5, 0.5))
    paused = replace(shown, status=replace(view.status, is_paused=True))
    for each, said in ((shown, "Artist - Title"), (replace(shown, message="a notice"), "a notice"), (paused, "paused")):
        row = text(render(each, 80, 24)).split("\n")[-1]
        assert row.strip().startswith(said)
        assert row.strip().endswith("1:01 / 3:00")


def test_the_zoom_has_a_sign_and_a_key_where_it_does_something(view):
    zoomed = replace(view, span=Span((-0.5, 0.5), (-0.5, 0.5)))
    assert "zoom" in "\n".join(text(render(zoomed, 80, 24)).split("\n")[:3])
    assert "zoom" not in "\n".join(text(render(view, 80, 24)).split("\n")[:3])
    assert "z zoom" in text(render(view, 80, 24))
    assert "zoom" not in text(render(replace(view, mode=Mode.ARC, shows_keys=True), 80, 24))


@pytest.mark.parametrize("depth", Depth)
def test_what_is_beyond_a_zoomed_plane_is_not_drawn_on_its_edge(depth, view):
    tail = [TailPoint(0.2, 0.9, 1.0), TailPoint(-0.2, 0.9, 2.0)]
    view = replace(view, span=Span((-0.5, 0.5), (-0.5, 0.5)))
    first, second = (
        render(replace(view, spot=spot_at(0.2, -0.3, way)), 80, 24, Look(depth)).cells
        for way in (tail, [TailPoint(0.2, 0.9, 1.0)])
    )
    assert (first == second).all()


@pytest.mark.parametrize("depth", Depth)
def test_words_stand_above_point_and_tail(depth, view):
    tail = [TailPoint(-1.0, 1.0, 1.0), TailPoint(1.0, 1.0, 2.0), TailPoint(1.0, -1.0, 3.0)]
    for size in ((20, 6), (80, 24)):
        for point in ((0.6, 0.6), (-0.7, -0.6), (0.8, 0.9)):
            shown = text(render(replace(view, spot=spot_at(*point, tail)), *size, Look(depth)))
            assert all(name in shown for name in ("HAPPY", "TENSE", "SAD", "CALM"))


def test_the_last_row_of_a_small_screen_says_word_values_and_time(view):
    row = text(render(with_emotions(view, emotion()), 30, 12)).split("\n")[-1]
    assert row.split() == ["HAPPY", "+0.40", "+0.30", "1:01"]


def test_curves_show_as_much_time_as_there_is_on_one_scale(view):
    def curve(name, frame):
        rows = getattr(layout(120, 40), name)
        return text(frame.part(*rows._replace(y=rows.y + 1, height=rows.height - 1))).split("\n")

    frame = render(with_emotions(view, *(emotion(0.5 * n, 0.52, -0.31) for n in range(1, 38))), 120, 40)
    assert text(frame).count("last 18 s") == 2
    for rows in (curve("valence", frame), curve("arousal", frame)):
        assert rows[0].rstrip().endswith("+0.6")
        assert rows[-1].rstrip().endswith("-0.4")
        dotted = max(rows, key=lambda row: sum(0x2800 < ord(c) < 0x2900 for c in row))
        assert not dotted[:39].strip(" ").count(" ")  # from the left edge to the scale
    assert text(render(with_emotions(view, *wandering(121)), 120, 40)).count("last minute") == 2


def test_before_any_sound_there_is_no_color(view):
    frame = render(replace(with_emotions(view), mode=Mode.COLOR), 120, 40)
    assert "listening" in text(frame)


@pytest.mark.parametrize("size", [*SIZES, (30, 12), (40, 7), (12, 3)])
def test_keys_are_explained_in_a_box(size, view):
    frame = render(replace(view, shows_keys=True), *size)
    assert (frame.width, frame.height) == size
    if size in SIZES:
        shown = text(frame)
        assert all(key.explained in shown for key in KEYS)
    elif size != (12, 3):
        assert "quit" in text(frame)


def test_on_a_low_screen_the_box_has_no_padding(view):
    keys = (*KEYS[:-1], Key("a", "", "one more"), Key("b", "", "and another"), KEYS[-1])
    shown = text(render(replace(view, keys=keys, shows_keys=True), 40, 10))
    assert all(key.explained[:20] in shown for key in keys)


def test_help_and_quit_are_shown_where_there_is_no_room_for_more_keys(view):
    row = text(render(replace(view, keys=(*KEYS[:-2], *[Key("x", "y" * 9, "")] * 9, *KEYS[-2:])), 60, 18)).split("\n")[
        -1
    ]
    assert "? keys" in row
    assert "q quit" in row


@pytest.mark.parametrize("size", SIZES)
def test_background_of_the_terminal_does_not_matter_on_the_plane(size, view):
    place = layout(*size).plane
    cells = render(view, *size).cells[:, place.y : place.y + place.height, place.x : place.x + place.width]
    assert (cells[INK] != DEFAULT).all()
    assert (cells[GROUND] != DEFAULT).all()


# -------------------------------------------------------------------------------------------------- texts of others


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("size", [(60, 18), (80, 24), (7, 3), (1, 3), (59, 17), (30, 12)])
@pytest.mark.parametrize("length", [None, 180.0])
def test_odd_texts_stay_within_their_row(name, size, length, view):
    width, height = size
    for alarm in ("", name):
        status = replace(view.status, length=length, alarm=alarm)
        shown = replace(view, title=name, album=name, note=name, status=status, message=name)
        for keys in (KEYS, ()):
            frame = render(replace(shown, keys=keys), width, height)
            lines = text(frame).split("\n")
            assert len(lines) == height
            for line in lines:
                assert "\x1b" not in line
                assert all(character.isprintable() for character in line)
                assert sum(cell_len(character) for character in line) == width
                assert cell_len(line) <= width


@pytest.mark.parametrize(
    ("given", "width", "expected"),
    [
        ("title", 5, "title"),
        ("titles", 5, "titl…"),
        ("音楽", 4, "音楽"),
        ("音楽", 3, "音…"),
        ("音楽家", 4, "音 …"),
        ("音楽家", 5, "音楽…"),
        ("a\x1bb", 9, "a?b"),
        ("e\N{COMBINING ACUTE ACCENT}f", 2, "e\N{COMBINING ACUTE ACCENT}f"),
        ("\N{COMBINING ACUTE ACCENT}a", 2, "a"),
        ("title", 1, "…"),
        ("", 0, ""),
    ],
)
def test_text_cells(given, width, expected):
    assert "".join(text_cells(given, width)) == expected
    assert len(text_cells(given, width)) <= width


# --------------------------------------------------------------------------------------------------- the terminal


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Song:
    """A source, as far as a dashboard knows one; it counts how often it is asked."""

    def __init__(self, title="song"):
        self.title, self.asked = title, 0
        self.now = SourceStatus(length=180.0, input_rate=44100)

    def status(self):
        self.asked += 1
        return self.now


class Desk:
    """A dashboard on a terminal in memory."""

    def __init__(self, width=80, height=24, **console):
        self.clock, self.song = Clock(), Song()
        self.file = console.pop("file", None) or io.StringIO()
        options = {"force_terminal": True, "color_system": "truecolor", "legacy_windows": False, "_environ": {}}
        self.console = Console(file=self.file, width=width, height=height, **{**options, **console})
        self.dashboard = Dashboard(self.song, console=self.console, clock=self.clock, cpu_clock=Clock())

    @property
    def shown(self):
        """What the terminal shows."""
        return ScreenReader(*self.console.size).feed(self.file.getvalue())

    def written(self, action, *arguments):
        """Return what an action writes."""
        before = len(self.file.getvalue())
        action(*arguments)
        return self.file.getvalue()[before:]


@pytest.mark.parametrize(("rate", "least", "most"), [(1 / 0.03, 330, 334), (80, 260, 300), (30, 299, 301), (5, 49, 51)])
def test_about_thirty_frames_a_second_at_most_and_one_a_block(rate, least, most):
    desk = Desk()
    with desk.dashboard:
        for n in range(round(10 * rate)):
            desk.clock.now = n / rate
            desk.dashboard.after_block(np.zeros(10, np.float32))
    assert least <= desk.song.asked <= most


@pytest.mark.slow
def test_without_a_heartbeat_emotions_draw():
    desk = Desk()
    with desk.dashboard:
        for n in range(1000):  # ten seconds of emotions 100 times a second
            desk.clock.now = n / 100
            desk.dashboard(emotion(n / 100, n / 1000))
        assert "valence +1.00" in desk.shown.text
    assert 250 <= desk.song.asked <= 1001


def test_numbers_do_not_wait_for_the_next_frame():
    """An emotion that comes just after a frame is drawn with its own block, and nothing is drawn before its number."""
    desk = Desk()
    with desk.dashboard:
        desk.clock.now = 1.0
        desk.dashboard.after_block()
        desk.clock.now = 1.011
        assert desk.written(desk.dashboard, emotion(valence=0.37)) == ""
        assert "+0.37" in desk.written(desk.dashboard.after_block)


def test_only_cells_that_changed_are_written():
    desk = Desk()
    with desk.dashboard:
        desk.clock.now = 1.0
        desk.dashboard(emotion())
        assert "song" in desk.file.getvalue()
        desk.clock.now = 20.0
        desk.dashboard.draw()
        desk.song.now = replace(desk.song.now, position=10.0)
        written = desk.written(desk.dashboard.draw)
        assert {int(row) for row, _ in re.findall(r"\x1b\[(\d+);(\d+)H", written)} == {22}  # the time
        assert len(CODES.sub("", written)) < 30
        assert "0:10" in desk.shown.text
        assert desk.written(desk.dashboard.draw) == ""


@pytest.mark.parametrize("size", [(100, 24), (80, 30), (120, 40), (60, 18), (30, 12)])
def test_resize_redraws_everything(size):
    desk = Desk(80, 24)
    with desk.dashboard:
        desk.console.size = size
        written = desk.written(desk.dashboard.draw)
        assert written.index("\x1b[2J") < written.index("\x1b[1;1H")
        assert len(re.findall(r"\x1b\[\d+;1H", written)) == size[1]
        assert "\x1b[2J" not in desk.written(desk.dashboard.draw)


@pytest.mark.slow
@pytest.mark.parametrize("keys", ["", "v", "vv", "z", "?"])
def test_what_the_terminal_shows_is_always_what_was_drawn(keys, music):
    """However little of a frame is written, the screen is as if all of it were."""
    desk, random = Desk(100, 30), np.random.default_rng(4)
    audio = music(4.0)
    with desk.dashboard:
        for key in keys:
            desk.dashboard.press(key)
        for n in range(60):
            desk.clock.now += 0.03
            if n % 9 == 0:
                point = random.uniform(-1, 1, 2)
                desk.dashboard(emotion(n / 18, *point, certainty=float(random.uniform(0.25, 1))))
            if n == 30:
                desk.song.title = "音楽の感情 e\N{COMBINING ACUTE ACCENT}"
            desk.dashboard.after_block(audio[n * 661 : (n + 1) * 661])
            shown, drawn = desk.shown.frame.lines(), Frame(100, 30, desk.dashboard._screen.cells).lines()
            assert as_seen(shown) == as_seen(drawn)


def as_seen(lines):
    """Return characters with their colors, where they can be seen; half blocks as the two colors that they are."""
    return [[seen_cell(character, segment.style) for segment in line for character in segment.text] for line in lines]


def seen_cell(character, style):
    ink, ground = style.color, style.bgcolor
    if character == " " and not style.reverse:
        return ground, ground
    if character in "▀▄" and ground is not None and not style.bold:
        return (ink, ground) if character == "▀" else (ground, ink)
    return character, style


@pytest.mark.parametrize("size", [(60, 18), (200, 55)])
def test_no_color_is_written_where_none_is_wanted(size):
    desk = Desk(*size, _environ={"NO_COLOR": "1"})
    with desk.dashboard:
        desk.clock.now = 1.0
        desk.dashboard(emotion())
        desk.dashboard.draw()
    codes = [code for code in CODES.findall(desk.file.getvalue()) if code.endswith("m")]
    assert codes
    assert not any("38" in code or "48" in code or re.search(r"[\[;][349][0-7]\b", code) for code in codes)


def is_left_as_it_was(written):
    entered, left = written.index("\x1b[?1049h"), written.rindex("\x1b[?1049l")
    return entered < left and written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def test_terminal_is_left_as_it_was():
    desk = Desk()
    with desk.dashboard:
        desk.dashboard(emotion())
        assert "\x1b[?1049l" not in desk.file.getvalue()
    assert is_left_as_it_was(desk.file.getvalue())


def test_terminal_is_left_when_the_body_raises():
    desk = Desk()
    with pytest.raises(ZeroDivisionError), desk.dashboard:
        raise ZeroDivisionError
    assert is_left_as_it_was(desk.file.getvalue())


def test_terminal_is_left_when_the_first_frame_raises():
    desk = Desk()
    desk.song.now = None
    with pytest.raises(AttributeError), desk.dashboard:
        pass
    assert is_left_as_it_was(desk.file.getvalue())


class Interrupting(io.StringIO):
    """A terminal on which Ctrl-C comes at the worst of times: just before a certain text is written, each time."""

    def __init__(self, moment):
        super().__init__()
        self._moment = moment

    def write(self, text):
        if self._moment in text:
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


@pytest.mark.parametrize("moment", ["\x1b[?1049h", "song", "\x1b[?1049l"], ids=["taking", "drawing", "giving back"])
def test_terminal_is_left_when_ctrl_c_comes_at_the_worst_of_times(moment):
    desk = Desk(file=Interrupting(moment))
    with pytest.raises(KeyboardInterrupt), desk.dashboard:
        desk.dashboard(emotion())
    assert is_left_as_it_was(desk.file.getvalue())
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert handlers == [signal.default_int_handler, signal.SIG_DFL]


def test_nothing_is_lost_that_comes_while_the_terminal_is_taken():
    came = []
    before = signal.signal(signal.SIGTERM, lambda *_: came.append("SIGTERM"))
    try:
        with uninterrupted():
            signal.raise_signal(signal.SIGTERM)
            assert came == []
        assert came == ["SIGTERM"]
        signal.raise_signal(signal.SIGTERM)
        assert came == ["SIGTERM", "SIGTERM"]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_on_another_thread_the_dashboard_sets_no_handlers():
    desk = Desk()
    with ThreadPoolExecutor(1) as pool, desk.dashboard:
        pool.submit(Desk().dashboard.__enter__).result().__exit__(None, None, None)
    assert is_left_as_it_was(desk.file.getvalue())


def test_terminal_is_taken_and_given_back_once():
    desk = Desk()
    screen = Screen(desk.console)
    for _ in range(2):
        assert screen.take()
    for _ in range(2):
        screen.give_back()
    assert desk.file.getvalue() == "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[?1049l\x1b[?25h"


def test_keeps_a_minute():
    desk = Desk()
    with desk.dashboard:
        for n in range(1000):
            desk.dashboard(emotion(n / 2))
        kept = [one.time for one in desk.dashboard._stream.emotions]
    assert kept[-1] - kept[0] == 60
    assert all(b > a for a, b in pairwise(kept))


def test_follow_begins_a_new_stream():
    desk = Desk()
    with desk.dashboard:
        desk.dashboard(emotion(120.0))
        desk.dashboard.draw()
        desk.dashboard.follow(Song("another"))
        desk.clock.now = 1.0
        written = desk.written(desk.dashboard.after_block)
        assert "listening" in written
        assert "another" in written
        assert "valence" not in desk.shown.text
        desk.clock.now = 2.0
        desk.dashboard(emotion(0.5))
        assert [one.time for one in desk.dashboard._stream.emotions] == [0.5]


def test_with_the_first_emotion_after_a_seek_the_last_moments_are_forgotten_and_the_song_is_not():
    desk = Desk()
    with desk.dashboard:
        for time in (60.0, 60.5, 61.0):
            desk.dashboard(emotion(time))
        desk.clock.now = 1.0
        desk.dashboard.after_block(Seek(63.0))
        assert "listening" not in desk.shown.text
        assert "valence +0.40" in desk.shown.text
        assert len(desk.dashboard._stream.arc.points) == 122
        desk.dashboard(emotion(63.5))
        assert [one.time for one in desk.dashboard._stream.emotions] == [63.5]
        desk.dashboard(emotion(64.0))
        assert [one.time for one in desk.dashboard._stream.emotions] == [63.5, 64.0]


def test_a_passing_message_goes_away_by_itself_and_a_lasting_one_comes_back():
    desk = Desk()
    with desk.dashboard:
        desk.dashboard.keys = KEYS
        desk.dashboard.show("a lasting one")
        desk.dashboard.show("saved", passing=True)
        for now, shown, hidden in ((3.9, "saved", "a lasting one"), (4.1, "a lasting one", "saved")):
            desk.clock.now = now
            desk.dashboard.after_block()
            assert shown in desk.shown.text
            assert hidden not in desk.shown.text
        desk.dashboard.show("saved again", passing=True)
        desk.dashboard.show("")
        desk.dashboard.draw()
        assert "saved" not in desk.shown.text
        assert "CPU" in desk.shown.text


@pytest.mark.parametrize(("size", "modes"), [((80, 24), "arc color plane"), ((59, 17), "color plane color")])
def test_views_that_have_no_room_are_left_out(size, modes):
    desk, seen = Desk(*size), []
    for _ in range(3):
        desk.dashboard.press("v")
        seen.append(desk.dashboard._mode.value)
    assert seen == modes.split()


def test_it_is_said_to_be_behind_only_where_that_matters_and_lasts():
    desk = Desk()
    desk.song.now = replace(desk.song.now, behind=0.592)
    with desk.dashboard:

        def shown_at(now):
            desk.clock.now = now
            desk.dashboard.draw()
            return "592 ms behind" in desk.shown.text

        assert [shown_at(now) for now in (1.0, 1.9, 3.1)] == [False, False, True]
        desk.dashboard.after_block(Seek(60.0))
        assert [shown_at(now) for now in (3.2, 4.3, 5.4)] == [False, False, True]
        desk.dashboard.follow(desk.song)
        assert [shown_at(now) for now in (5.5, 6.6, 7.7)] == [False, False, True]
        desk.song.now = replace(desk.song.now, behind=0.09)
        shown_at(9.0)
        assert "behind" not in desk.shown.text


class Played:
    """A song as it is played, as far as keys know one."""

    title, is_paused = "song", False

    def __init__(self):
        self.sought = []

    def seek(self, position):
        self.sought.append(position)


@pytest.mark.parametrize(
    ("work", "key", "skipped", "sought", "message"),
    [
        ({"number": 0, "count": 2}, "n", [1], [], ""),
        ({"number": 1, "count": 2, "is_last": True}, "n", [], [], "this is the last song"),
        ({"is_last": True}, "n", [], [], "this is the last song"),
        ({"is_last": True}, "p", [], [0.0], ""),
        ({"number": 0, "count": 2}, "p", [-1], [], ""),
    ],
)
def test_behind_the_last_song_there_is_no_next_one(work, key, skipped, sought, message, monkeypatch):
    desk, song, by = Desk(), Played(), []
    pressed = [key]
    with desk.dashboard:
        controls = Controls(desk.dashboard, Work(song, skip=by.append, **work))
        monkeypatch.setattr(desk.dashboard, "key", lambda: pressed.pop() if pressed else "")
        desk.clock.now = 1.0
        controls.after_block(np.zeros(661, np.float32))
        assert (by, song.sought) == (skipped, sought)
        assert ("this is the last song" in desk.shown.text) is bool(message)
        assert ("n p" in desk.shown.text) is (work.get("count", 1) > 1)


def test_what_the_library_reports_is_shown_and_repeated_behind(caplog):
    """On the screen nothing else may write: neither the library's own handlers nor those of the root."""
    library, told = logging.getLogger("emodj_live"), []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    library.addHandler(handler)
    try:
        desk = Desk()
        with desk.dashboard:
            library.warning("lost 3 s")
            desk.clock.now = 1.0
            desk.dashboard.after_block()
            assert "lost 3 s" in desk.file.getvalue()
            assert told == []
            assert caplog.records == []
        assert told == ["lost 3 s"]
        assert [record.message for record in caplog.records] == ["lost 3 s"]
        assert library.propagate
    finally:
        library.removeHandler(handler)


@pytest.mark.parametrize("size", [*SIZES, *SMALL, *TINY])
def test_silence_before_any_sound_is_no_mood(size):
    desk = Desk(*size)
    desk.song.title = ""
    with desk.dashboard:
        for silent in wandering(5):
            desk.dashboard(replace(silent, valence=0.0, arousal=0.0, is_silent=True, level=-120.0))
        desk.dashboard.draw()
        assert "valence" not in desk.shown.text
        assert "SAD  +0.00" not in desk.shown.text
        assert "listening"[: max(0, size[0] - 1)] in desk.shown.text


def test_silence_after_sound_keeps_the_mood():
    desk = Desk(100, 30)
    with desk.dashboard:
        for one in (emotion(1.0), emotion(1.5, is_silent=True)):
            desk.dashboard(one)
        desk.dashboard.draw()
        assert "valence +0.40" in desk.shown.text

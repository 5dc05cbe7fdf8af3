"""The dashboard: what a frame shows, what is written of it, and the terminal it leaves behind."""

import io
import logging
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest
from rich.cells import cell_len
from rich.console import Console

from emodj_live import Emotion, Quadrant
from emodj_live.blocks import SourceStatus
from emodj_live.sinks.terminal.canvas import Canvas, bar, large_letters, plot, text_cells
from emodj_live.sinks.terminal.dashboard import Dashboard
from emodj_live.sinks.terminal.interruptions import uninterrupted
from emodj_live.sinks.terminal.screen import Screen
from emodj_live.sinks.terminal.view import View, render

SIZES = [(60, 18), (80, 24), (120, 40), (200, 55), (300, 90)]
TINY = [(1, 1), (10, 3), (59, 17), (60, 17), (59, 18), (20, 1), (1, 20)]
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
CODES = re.compile(r"\x1b\[[?0-9;]*[a-zA-Z]")


def emotion(time=1.0, valence=0.4, arousal=0.3, **changes):
    quadrant = changes.pop("quadrant", Quadrant.of(valence, arousal))
    values = {"raw_valence": valence, "raw_arousal": arousal, "level": -18.2, "gain": 7.5}
    values |= {"is_silent": False, "is_clipped": False, **changes}
    return Emotion(time=time, valence=valence, arousal=arousal, quadrant=quadrant, **values)


def wandering(count=120):
    return tuple(emotion(0.5 * (n + 1), -0.9 + 0.015 * n, 0.9 - 0.013 * n) for n in range(count))


@pytest.fixture
def view():
    status = SourceStatus(position=61.5, length=180.0, input_rate=44100, channels=2, behind=0.042)
    return View(title="Artist - Title", status=status, emotions=wandering(), cpu=0.034, message="a notice")


def text(lines):
    return "\n".join("".join(segment.text for segment in line) for line in lines)


def cells(lines):
    """Return character and style of every cell, row by row."""
    return [[(character, segment.style) for segment in line for character in segment.text] for line in lines]


# -------------------------------------------------------------------------------------------------------- a frame


@pytest.mark.parametrize("size", SIZES + TINY)
@pytest.mark.parametrize("emotions", [(), wandering(1), wandering()], ids=["none", "one", "a minute"])
@pytest.mark.parametrize("length", [None, 0.0, 180.0])
def test_frame_fills_the_terminal_exactly(size, emotions, length, view):
    width, height = size
    lines = render(replace(view, emotions=emotions, status=replace(view.status, length=length)), width, height)
    assert len(lines) == height
    assert [sum(segment.cell_length for segment in line) for line in lines] == [width] * height


@pytest.mark.parametrize("size", SIZES)
def test_frame_shows_it_all(size, view):
    shown = text(render(view, *size))
    for part in (
        "Artist - Title",
        *("HAPPY", "TENSE", "SAD", "CALM"),
        *(" pleasant", "unpleasant", "excited", "calm"),
        f"valence {view.emotions[-1].valence:+.2f}",
        f"arousal {view.emotions[-1].arousal:+.2f}",
        "-18.2 dBFS",
        "gain  +7.5 dB",
        "1:01.5",
        "3:00.0",
        "44100 Hz, 2 channels",
        "42 ms behind the sound",
        "3 % CPU",
        "a notice",
        "●",
    ):
        assert part in shown
    for row in large_letters(view.emotions[-1].quadrant.value):
        assert row in shown


@pytest.mark.parametrize("quadrant", Quadrant)
def test_mood_word_is_large(quadrant, view):
    shown = text(render(replace(view, emotions=(emotion(quadrant=quadrant),)), 80, 24))
    assert all(row in shown for row in large_letters(quadrant.value))
    assert not any(
        row in shown for other in Quadrant if other is not quadrant for row in large_letters(other.value)[:1]
    )


def test_small_terminal_shows_the_most_important(view):
    shown = text(render(view, 40, 4))
    assert view.emotions[-1].quadrant.value.upper() in shown
    assert f"valence {view.emotions[-1].valence:+.2f}" in shown
    assert f"arousal {view.emotions[-1].arousal:+.2f}" in shown


@pytest.mark.parametrize(
    ("certainty", "words"),
    [(0.72, "happy, 72 % certain"), (0.41, "rather happy, 41 % certain"), (0.27, "perhaps happy, 27 % certain")],
)
def test_mood_in_words_and_its_certainty(certainty, words, view):
    newest = replace(view, emotions=(emotion(certainty=certainty),))
    for size in SIZES:
        assert f" {words} " in text(render(newest, *size))
    assert words.partition(",")[0].upper() in text(render(newest, 40, 4))
    assert "arousal +0.30" in text(render(newest, 40, 4))


def test_a_model_that_does_not_know_its_certainty_says_none(view):
    assert "certain" not in text(render(view, 80, 24))


@pytest.mark.parametrize(
    ("change", "words"),
    [({"is_silent": True}, " silence "), ({"is_clipped": True}, " clipping "), ({"gain": -10.0}, "gain -10.0 dB")],
)
def test_state_of_the_level(change, words, view):
    changed = render(replace(view, emotions=(emotion(**change),)), 60, 18)
    assert words in text(changed)
    assert words not in text(render(replace(view, emotions=(emotion(),)), 60, 18))


@pytest.mark.parametrize("size", [*SIZES, (40, 4)])
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
    assert words in text(render(replace(view, status=status), 100, 24))


@pytest.mark.parametrize("length", [None, 180.0])
def test_note_stands_before_what_the_source_says(length, view):
    shown = text(render(replace(view, note="song 2 of 5", status=replace(view.status, length=length)), 100, 24))
    assert "song 2 of 5   44100 Hz, 2 channels   " in shown


def test_pause_is_shown_unless_something_is_wrong(view):
    paused = replace(view.status, is_paused=True)
    assert "paused: press space to continue" in text(render(replace(view, status=paused), 80, 24))
    assert "paused" not in text(render(view, 80, 24))
    assert "paused" not in text(render(replace(view, status=replace(paused, alarm="no sound")), 80, 24))


def test_estimated_length_is_marked(view):
    assert "~3:00.0" in text(render(replace(view, status=replace(view.status, is_length_exact=False)), 80, 24))


def test_position_beyond_an_estimated_length(view):
    status = replace(view.status, position=200.0, is_length_exact=False)
    assert "~3:20.0" in text(render(replace(view, status=status), 80, 24))


def test_point_is_where_the_emotion_is(view):
    def place(valence, arousal):
        rows = text(render(replace(view, emotions=(emotion(1.0, valence, arousal),)), 80, 24)).split("\n")
        return next((row.index("●"), y) for y, row in enumerate(rows) if "●" in row)

    left, right = place(-1, 0.5), place(1, 0.5)
    upper, lower = place(0.5, 1), place(0.5, -1)
    assert (left[0], upper[1]) == (0, 1)
    assert right[0] > 30
    assert lower[1] == 19
    assert left[1] == right[1]


def test_trail_fades(view):
    marks = [character for row in cells(render(view, 120, 40)) for character, _ in row if character in "●•∙"]
    assert marks.count("●") == 1
    assert "•" in marks
    assert "∙" in marks


def test_render_is_pure(view):
    before = (view.status, tuple(view.emotions))
    assert render(view, 80, 24) == render(view, 80, 24)
    assert (view.status, tuple(view.emotions)) == before


@pytest.mark.parametrize("size", SIZES)
def test_background_of_the_terminal_does_not_matter(size, view):
    width, height = size
    plane = min(width - 32, int(2.2 * (height - 5)), int(0.62 * width))
    badge = large_letters(view.emotions[-1].quadrant.value)[0]
    for y, row in enumerate(cells(render(view, width, height))):
        if 1 <= y < height - 4:
            assert all(style.color and style.bgcolor for _, style in row[:plane])
        for _, style in row:
            assert not style.bgcolor or style.color
        if badge in "".join(character for character, _ in row):
            start = "".join(character for character, _ in row).index(badge)
            assert all(style.color and style.bgcolor for _, style in row[start : start + len(badge)])


# -------------------------------------------------------------------------------------------------- texts of others


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("size", [(60, 18), (80, 24), (7, 3), (1, 3), (59, 17)])
@pytest.mark.parametrize("length", [None, 180.0])
def test_odd_texts_stay_within_their_row(name, size, length, view):
    width, height = size
    for alarm in ("", name):
        status = replace(view.status, length=length, alarm=alarm)
        lines = render(replace(view, title=name, note=name, status=status, message=name), width, height)
        assert len(lines) == height
        for line in text(lines).split("\n"):
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


def test_canvas_cuts_at_every_edge():
    canvas = Canvas(5, 2)
    for x, y in [(-3, 0), (3, 1), (9, 1), (0, -1), (0, 2), (-30, 1)]:
        canvas.put(x, y, "abcde")
    assert text(canvas.lines()) == "de   \n   ab"


@pytest.mark.parametrize(("share", "expected"), [(-1, "    "), (0, "    "), (0.5, "██  "), (0.4, "█▋  "), (2, "████")])
def test_bar(share, expected):
    assert bar(share, 4) == expected


def test_plot():
    assert plot([], 3, 1) == ["   "]
    assert plot([1.0, 1.0, -1.0, -1.0], 2, 1) == ["⠉⣇"]
    assert plot([5.0, None, -5.0, None], 2, 2) == ["⠁ ", " ⡀"]


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

    def written(self, action, *arguments):
        """Return what an action writes."""
        before = len(self.file.getvalue())
        action(*arguments)
        return self.file.getvalue()[before:]


def test_at_most_five_frames_a_second():
    desk = Desk()
    with desk.dashboard:
        for n in range(1000):  # ten seconds of emotions 100 times a second
            desk.clock.now = n / 100
            desk.dashboard(emotion(n / 100, n / 1000))
    assert 45 <= desk.song.asked <= 51


def test_blocks_alone_draw_less_often():
    desk = Desk()
    with desk.dashboard:
        for n in range(1000):
            desk.clock.now = n / 100
            desk.dashboard.after_block()
    assert 15 <= desk.song.asked <= 21


def test_only_rows_that_changed_are_written():
    desk = Desk()
    with desk.dashboard:
        desk.clock.now = 1.0
        desk.dashboard(emotion())
        assert "song" in desk.file.getvalue()
        desk.song.now = replace(desk.song.now, position=10.0)
        desk.dashboard.show("a notice")
        written = desk.written(desk.dashboard.draw)
        assert re.findall(r"\x1b\[(\d+);1H", written) == ["22", "24"]  # the position and the notice
        assert desk.written(desk.dashboard.draw) == ""


@pytest.mark.parametrize("size", [(100, 24), (80, 30), (120, 40), (60, 18)])
def test_resize_redraws_everything(size):
    desk = Desk(80, 24)
    with desk.dashboard:
        desk.console.size = size
        written = desk.written(desk.dashboard.draw)
        assert written.index("\x1b[2J") < written.index("\x1b[1;1H")
        assert len(re.findall(r"\x1b\[\d+;1H", written)) == size[1]
        assert "\x1b[2J" not in desk.written(desk.dashboard.draw)


@pytest.mark.parametrize("size", [(60, 18), (200, 55)])
def test_without_colors_the_same_characters(size):
    shown = {}
    for name, environment in [("color", {}), ("none", {"NO_COLOR": "1"})]:
        desk = Desk(*size, _environ=environment)
        with desk.dashboard:
            desk.clock.now = 1.0
            shown[name] = desk.written(desk.dashboard, emotion())
    codes = [code for code in CODES.findall(shown["none"]) if code.endswith("m")]
    assert not any("38" in code or "48" in code or re.search(r"[\[;][349][0-7]\b", code) for code in codes)
    assert any("38;2" in code for code in CODES.findall(shown["color"]))
    assert CODES.sub("", shown["none"]) == CODES.sub("", shown["color"])


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
    assert desk.file.getvalue() == "\x1b[?1049h\x1b[?25l\x1b[?1049l\x1b[?25h"


def test_keeps_a_minute():
    desk = Desk()
    with desk.dashboard:
        for n in range(1000):
            desk.dashboard(emotion(n / 2))
        kept = [one.time for one in desk.dashboard._emotions]
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
        desk.clock.now = 2.0
        desk.dashboard(emotion(0.5))
        assert [one.time for one in desk.dashboard._emotions] == [0.5]


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


@pytest.mark.parametrize("size", [*SIZES, *TINY])
def test_silence_before_any_sound_is_no_mood(size, view):
    silent = [replace(emotion, valence=0.0, arousal=0.0, is_silent=True, level=-120.0) for emotion in wandering()]
    shown = text(render(replace(view, emotions=silent), *size))
    assert "valence" not in shown
    assert "●" not in shown
    assert "listening" in shown or size in TINY


def test_silence_after_sound_keeps_the_mood(view):
    silent = [replace(emotion, is_silent=True) for emotion in wandering()]
    assert "valence" in text(render(replace(view, emotions=silent), 100, 30))

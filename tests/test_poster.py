"""Posters: what is on them, whatever the song and its title."""

import logging
import re
from dataclasses import replace

import numpy as np
import pytest

from emodj_live import Emotion, PosterSink, Quadrant
from emodj_live.cli import main
from emodj_live.colors import color_of

pytest.importorskip("matplotlib", reason="needs the extra plot")
pytestmark = pytest.mark.slow

from matplotlib.colors import to_hex  # noqa: E402 (after the check that it is there)

from emodj_live.sinks.pictures import reach_of  # noqa: E402
from emodj_live.sinks.poster import draw  # noqa: E402


def emotion(time, valence, arousal, *, is_silent=False):
    quadrant = Quadrant.of(valence, arousal)
    return Emotion(time, valence, arousal, valence, arousal, quadrant, -20.0, 0.0, is_silent, False, 0.5)


def song(*points, **options):
    return [emotion(0.5 * n, *point, **options) for n, point in enumerate(points, start=1)]


def texts(figure):
    return [text.get_text() for text in figure.texts if text.get_text()]


def test_it_says_which_moods_there_are_and_how_long_it_is():
    figure = draw(song(*[(0.3, 0.2)] * 60, *[(-0.3, -0.2)] * 39, (0.2, -0.3)), "A song.mp3")
    assert texts(figure)[:2] == ["A song", "happy and sad  \u00b7  0:50"]
    shares = [text for text in texts(figure) if re.match(r"\d+ %", text)]
    assert shares == ["60 %", "39 %", "1 %"]
    dots = [text for text in figure.texts if text.get_text() == "\u25cf"]
    assert [dot.get_color() for dot in dots] == [color_of(*point) for point in [(0.3, 0.2), (-0.3, -0.2), (0.2, -0.3)]]


def test_the_shares_are_those_of_the_sides_where_the_path_is():
    """Near an axis a mood keeps its name for a while, which nobody sees on a poster."""
    named = [replace(one, quadrant=Quadrant.SAD) for one in song(*[(0.04, -0.2)] * 10)]
    assert texts(draw(named, "")) == ["calm  \u00b7  0:05", "\u25cf", "calm", "100 %", "emodj-live"]


def test_small_words_say_what_is_what():
    plane, arc = draw(song((0.1, 0.1), (-0.1, 0.2)), "").axes
    assert {"pleasant", "unpleasant", "excited", "calm", "start", "end"} <= {text.get_text() for text in plane.texts}
    assert {text.get_text() for text in arc.texts} == {"start", "end", "arousal"}
    ends = {text.get_text(): text.get_window_extent() for text in plane.texts if text.get_text() in ("start", "end")}
    assert ends["end"].x1 < ends["start"].x0


def test_the_arc_has_the_colors_and_the_heights():
    points = [(0.3, 0.3), (0.3, 0.3), (-0.3, -0.3), (-0.3, -0.3)]
    _, arc = draw(song(*points), "").axes
    assert [to_hex(line.get_color()) for line in arc.lines] == [color_of(*point) for point in points]
    heights = [line.get_ydata()[1] for line in arc.lines]
    assert heights[0] == heights[1] == pytest.approx(1.0)
    assert heights[2] == heights[3] == pytest.approx(0.2)


def test_the_path_goes_through_all_points_of_a_short_song():
    points = [(0.1 * np.cos(n), 0.1 * np.sin(n)) for n in range(20)]
    plane, _ = draw(song(*points), "").axes
    (path,) = [each for each in plane.collections if type(each).__name__ == "LineCollection"]
    steps = path.get_segments()
    assert np.array([steps[0][0], *(step[1] for step in steps)]) == pytest.approx(np.array(points))
    assert plane.get_ylim() == (-0.2, 0.2)


@pytest.mark.parametrize(
    ("farthest", "reach"), [(0.05, 0.2), (0.191, 0.2), (0.193, 0.4), (0.7, 0.8), (0.9, 1.0), (1, 1)]
)
def test_a_picture_reaches_as_far_as_the_values(farthest, reach):
    assert reach_of([(0.0, 0.01), (-farthest, 0.0)]) == reach


def test_silence_is_called_silence_and_has_no_path():
    figure = draw(song(*[(0.0, 0.0)] * 8, is_silent=True), "4\u203233\u2033")
    plane, arc = figure.axes
    assert texts(figure)[1] == "nothing but silence  \u00b7  0:04"
    assert not plane.collections
    assert not any("%" in text for text in texts(figure))
    assert {line.get_ydata()[1] for line in arc.lines} == {0.04}


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("", 0),
        ("$x_ {\\", 1),
        ("Wir setzen uns mit Tr\u00e4nen nieder, " * 6, 3),
        ("Supercalifragilistic" * 8, 3),
        ("\u591c\u306b\u99c6\u3051\u308b" * 14, 3),
        ("od\udcff\x01d\nname", 1),
    ],
)
def test_any_title_has_room(title, lines):
    figure = draw(song((0.1, 0.1)), title)
    written = figure.texts[0]
    box = written.get_window_extent()
    assert written.get_text().count("\n") + 1 == max(1, lines)
    assert (written.get_text().endswith("\u2026")) == (lines == 3)
    assert box.x1 <= 0.93 * figure.bbox.width
    assert box.y0 > figure.axes[0].get_window_extent().y1


def test_letters_that_no_font_has_are_reported(caplog):
    with caplog.at_level(logging.WARNING, "emodj_live"):
        draw(song((0.1, 0.1)), "plain")
        assert caplog.messages == []
        draw(song((0.1, 0.1)), "\U00012000")  # cuneiform
    (message,) = caplog.messages
    assert message.startswith("no font has all letters of ")


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_hours_are_a_picture_of_its_kind(suffix, tmp_path):
    with PosterSink(tmp_path / f"poster.{suffix}", title="long") as poster:
        for n in range(9000):
            poster(emotion(0.5 * n, 0.5 * np.sin(n / 900), 0.5 * np.cos(n / 700)))
    data = (tmp_path / f"poster.{suffix}").read_bytes()
    assert data.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix])
    if suffix == "png":
        assert (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == (1080, 1350)


def test_from_the_command_line(write_audio, music, tmp_path, model_path, monkeypatch, capsys):
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))
    path = write_audio("song.wav", music(2.0))
    assert main([str(path), str(path), "-q", "--poster", str(tmp_path / "poster.png")]) == 0
    assert {each.name for each in tmp_path.glob("poster*")} == {"poster-1.png", "poster-2.png"}
    with pytest.raises(SystemExit):
        main([str(path), "--poster", "poster.gif"])
    assert "poster.gif does not end in .png, .svg or .pdf" in capsys.readouterr().err

"""``emodj-library`` list, show, similar, playlist and map, as they are called."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_songs import made_library, made_points, made_song
from test_documentation import LIBRARY, commands

from emodj_live import Quadrant
from emodj_live.library import Library, Query, nearest, select, survey
from emodj_live.library.command import main
from emodj_live.library.playlist_file import read_playlist

NAMES = ["Blue in Green", "=SUM(A1)", "So What", None]


@pytest.fixture
def index(tmp_path):
    """Return the path of an index of 40 songs, of which the last is gone; a file failed."""
    songs = [
        made_song(
            number,
            *point,
            title=NAMES[number] if number < 4 else f"Title T{number}t",
            artist="@Ann" if number % 2 else "Bea",
            album="Kind" if number < 10 else None,
            path=os.fsencode(tmp_path / "music" / f"{number:02d}.mp3"),
            is_missing=number == 39,
        )
        for number, point in enumerate(made_points(40, 4))
    ]
    path = tmp_path / "music.db"
    made_library(path, songs).close()
    with Library(path) as library:
        library.query("INSERT INTO failure VALUES (?, 1, 1, 'm', NULL, 'is broken.')", (b"/music/broken.mp3",))
    return path


@pytest.fixture
def run(index, capsys):
    """``run(*arguments)``: exit code, stdout, stderr."""

    def call(*arguments, db=index):
        try:
            code = main(["--db", str(db), *map(str, arguments)])
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return call


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


# ------------------------------------------------------------------------------------------------------------ list


def test_json_is_every_value_of_every_song(run, index):
    code, out, err = run("list", "--json")
    with Library(index, read_only=True) as library:
        expected = [song.as_dict() for song in select(library)]
    assert (code, err) == (0, "")
    assert objects(out) == expected
    assert len(expected) == 39
    assert "broken" not in out


def test_csv_is_the_same_and_no_formula(run):
    _, out, _ = run("list", "--csv", "--sort", "id")
    rows = list(csv.DictReader(io.StringIO(out)))
    expected = objects(run("list", "--json", "--sort", "id")[1])
    assert len(rows) == len(expected) == 39
    for row, song in zip(rows, expected, strict=True):
        flat = song | song["shares"]
        del flat["shares"]
        assert list(row) == list(flat)
        for name, value in flat.items():
            protected = f"'{value}" if str(value)[:1] in "=@" and isinstance(value, str) and value else value
            assert row[name] == ("" if value is None else str(protected))
    assert rows[1]["title"] == "'=SUM(A1)"


def test_lines_name_the_files(run):
    _, out, _ = run("list", "-n", "2")
    first = out.splitlines()[0]
    assert first.split()[0] == "1"
    assert first.endswith("music/00.mp3")
    assert len(out.splitlines()) == 2


def test_a_table_on_a_terminal(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "90")
    _, out, _ = run("list", "--sort", "id")
    assert "Bea - Blue in Green" in out
    assert "\x1b[" in out
    assert "id" in out.splitlines()[0]
    assert sum("/" in line or "Title" in line for line in out.splitlines()) >= 35


def test_a_large_table_comes_in_pieces_that_fit_together(tmp_path, run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    made_library(tmp_path / "many.db", [made_song(n, *p) for n, p in enumerate(made_points(1100, 1))]).close()
    _, out, _ = run("list", "--sort", "id", db=tmp_path / "many.db")
    rows = [line for line in out.splitlines() if "Song" in line]
    assert [int(row.split("Song ")[1].split("\x1b")[0]) for row in rows] == list(range(1100))
    assert len({row.index("Song") for row in rows}) == 1
    assert out.count("valence") == 1


def test_filters_and_sorting_reach_the_query(run, index):
    arguments = "--mood", "happy", "--max-arousal", "0.4", "--artist", "bea", "--sort", "valence", "-r", "-n", "3"
    found = objects(run("list", "--json", *arguments)[1])
    asked = Query(mood=Quadrant.HAPPY, max_arousal=0.4, artist="Bea")
    with Library(index, read_only=True) as library:
        expected = [song.as_dict() for song in select(library, asked, sort="valence", is_reversed=True, count=3)]
    assert found == expected
    assert found


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (("title", "t13t"), 1),
        (("--text", "title t13t"), 1),
        (("--text", "title", "t13t"), 1),
        (("--album", "kin"), 10),
        (("--longer", "4:00"), 39),
        (("--longer", "241"), 0),
        (("--shorter", "0:03:59"), 0),
        (("--min-certainty", "0.6"), 0),
        (("--min-valence", "-1", "--max-valence", "-0.99"), 0),
    ],
)
def test_every_filter_has_its_option(run, arguments, count):
    code, out, err = run("list", "--json", *arguments)
    assert (code, len(objects(out))) == (0, count)
    assert err == ("" if count else "emodj-library: no song is like that.\n")


def test_missing_songs_on_demand(run):
    assert [song["id"] for song in objects(run("list", "--missing", "--json")[1])] == [40]


def test_an_empty_index_says_what_to_do(tmp_path, run):
    made_library(tmp_path / "empty.db", []).close()
    for arguments, expected in [
        (("list",), 0),
        (("similar", "--at", "0", "0"), 0),
        (("playlist", "--mood", "calm"), 1),
        (("map", str(tmp_path / "map.png")), 1),
    ]:
        code, out, err = run(*arguments, db=tmp_path / "empty.db")
        assert (code, out) == (expected, "")
        assert (
            err == f"emodj-library: {tmp_path}/empty.db: has no songs yet; scan some with: emodj-library scan FOLDER.\n"
        )


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "-n", "0"),
        ("list", "-n", "x"),
        ("list", "--min-valence", "1.5"),
        ("list", "--min-valence", "nan"),
        ("list", "--mood", "merry"),
        ("list", "--sort", "loudness"),
        ("list", "--json", "--csv"),
        ("list", "--longer", "1:2:3:4"),
        ("list", "--longer", "-3"),
        ("similar",),
        ("similar", "3", "--at", "0", "0"),
        ("similar", "--at", "0"),
        ("similar", "--at", "0", "2"),
        ("playlist",),
        ("playlist", "--from", "calm"),
        ("playlist", "--to", "calm"),
        ("playlist", "--mood", "calm", "--near", "3"),
        ("playlist", "--from", "calm", "--to", "sad", "--emodj", "3"),
        ("playlist", "--mood", "calm", "-n", "3", "--minutes", "3"),
        ("playlist", "--mood", "calm", "--minutes", "inf"),
        ("playlist", "--mood", "calm", "-o", "song.mp3"),
        ("map", "map.jpg"),
    ],
)
def test_wrong_arguments_are_refused(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "error:" in err.splitlines()[-1]


# ------------------------------------------------------------------------------------------------------------ show


def test_show_has_the_values_and_the_arc(tmp_path, run, monkeypatch):
    time = np.arange(200) / 200
    arc = np.stack([0.35 * np.sin(7 * time), np.where(time < 0.5, -0.2, 0.2)], axis=1)
    arc[150:] = np.nan
    song = made_song(0, 0.1, -0.3, title="One", artist="Ann", album="Blue", silence=0.25, duration=185.0)
    made_library(tmp_path / "one.db", [song], arc=arc).close()
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run("show", "one", db=tmp_path / "one.db")
    assert code == 0
    for part in [
        "Ann - One",
        "/music/00000.mp3",
        "Blue, 3:05, -20.0 dBFS, song 1",
        "calm  50 % certain",
        "-0.30 ± 0.10",
    ]:
        assert part in out
    assert "valence  +0.10 ± 0.10  more pleasant than 55 % of music" in out
    assert "100 % calm, 25 % silent" in out
    assert "+0.4" in out
    curve = out.split("\narousal\n")[1].splitlines()
    lit = [len(set(line[6:]) - set(" ⠁⠈")) > 0 for line in curve[:6]]
    assert lit[1:5] == [True, True, True, True]  # a step from -0.2 to +0.2, of 0.4
    early, late = ([bool(set(line[a:b]) - set(" ⠁⠈")) for line in curve[:6]] for a, b in ((10, 30), (46, 56)))
    assert early.index(True) > late.index(True)  # it goes up
    assert not lit[0]
    assert not lit[5]
    assert max(len(line.rstrip(" ⠁⠈")) for line in curve[:6]) < 0.8 * 80  # the end is unknown


def test_show_as_json_has_the_arc(run, index):
    (shown,) = objects(run("show", "3", "--json")[1])
    with Library(index, read_only=True) as library:
        assert {name: shown[name] for name in library.song(3).as_dict()} == library.song(3).as_dict()
        assert shown["arc"] == library.arc(3).tolist()


def test_a_hole_in_the_arc_is_null(tmp_path, run):
    made_library(tmp_path / "hole.db", [made_song(0, 0.1, 0.1)], arc=[(0.5, 0.25), (np.nan, np.nan)]).close()
    assert objects(run("show", "1", "--json", db=tmp_path / "hole.db")[1])[0]["arc"] == [[0.5, 0.25], None]


def test_a_song_is_meant_by_id_path_or_part(run, tmp_path):
    for name in ("3", tmp_path / "music" / "02.mp3", "so what", "SO WHA"):
        assert objects(run("show", name, "--json")[1])[0]["id"] == 3
    code, out, err = run("show", "Title T1")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "fits several songs (11: Bea - Title T10t; 12: @Ann - Title T11t; " in err
    assert run("show", "nothing like it")[0] == 1


# --------------------------------------------------------------------------------------------------------- similar


def test_similar_songs_with_their_distance(run, index):
    found = objects(run("similar", "5", "--json", "-n", "6")[1])
    with Library(index, read_only=True) as library:
        song = library.song(5)
        others = [each for each in nearest(library, (song.valence, song.arousal)) if each.song.id != 5][:6]
    assert [(each["id"], each["distance"]) for each in found] == [(each.song.id, each.distance) for each in others]
    assert list(found[0])[-1] == "distance"


def test_similar_to_a_point_with_filters(run, index):
    found = objects(run("similar", "--at", "-0.2", ".3", "--json", "--artist", "bea", "-n", "99")[1])
    with Library(index, read_only=True) as library:
        expected = [each.song.id for each in nearest(library, (-0.2, 0.3), Query(artist="Bea"))]
    assert [each["id"] for each in found] == expected
    assert len(objects(run("similar", "--at", "0", "0", "--json")[1])) == 10


def test_distance_is_in_every_form(run, monkeypatch):
    assert "distance" in run("similar", "5", "--csv")[1].splitlines()[0].split(",")
    assert " distance 0." in run("similar", "5")[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "distance" in run("similar", "5")[1].splitlines()[0]


def test_a_file_that_is_not_in_the_index_is_listened_to(run, index, music, write_audio, model, model_path, monkeypatch):
    from emodj_live import analyze

    monkeypatch.setenv("EMODJ_MODEL", str(model_path))
    path = write_audio("new song.wav", music(3.0))
    profile = analyze(path, model)
    code, out, err = run("similar", path, "--json")
    with Library(index, read_only=True) as library:
        expected = [each.song.id for each in nearest(library, (profile.valence, profile.arousal))][:10]
    assert code == 0
    assert [each["id"] for each in objects(out)] == expected
    assert "another model" in err  # that of the index is made up
    made = objects(run("playlist", "--near", path, "-n", "3", "--json")[1])
    assert made[0]["id"] == expected[0]
    broken = write_audio("broken.wav", music(3.0))
    broken.write_bytes(b"no sound")
    code, out, err = run("similar", broken)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith(f"emodj-library: {broken}: ")


# -------------------------------------------------------------------------------------------------------- playlist


def test_a_playlist_from_mood_to_mood(run, index):
    found = objects(run("playlist", "--from", "calm", "--to", "happy", "--minutes", "40", "--json")[1])
    assert len(found) == 10
    with Library(index, read_only=True) as library:
        moods = survey(library).moods
        first = next(nearest(library, moods[Quadrant.CALM])).song.id
    assert found[0]["id"] == first
    assert found[-1]["arousal"] > found[0]["arousal"]


def test_a_playlist_goes_to_stdout_with_paths_from_here(run, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    code, out, err = run("playlist", "--mood", "sad", "-n", "3")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "#EXTM3U"
    assert all(line.startswith("../music/") for line in lines[2::2])
    absolute = run("playlist", "--mood", "sad", "-n", "3", "--absolute")[1].splitlines()
    assert [os.path.abspath(line) for line in lines[2::2]] == absolute[2::2]  # noqa: PTH100


def test_a_playlist_goes_to_a_file(run, tmp_path):
    place = tmp_path / "lists" / "sad.m3u8"
    place.parent.mkdir()
    code, out, err = run("playlist", "--emodj", "3", "-n", "5", "-o", place)
    assert (code, out) == (0, "")
    assert err == f"{place}: 5 songs, 20:00\n"
    assert place.read_text().splitlines()[2].startswith("../music/")
    assert run("playlist", "--emodj", "3", "-n", "5", "-o", place, "--absolute", "-q") == (0, "", "")
    assert place.read_text().splitlines()[2].startswith("/")
    listed = read_playlist(os.fsencode(place)).paths
    found = objects(run("playlist", "--emodj", "3", "-n", "5", "-o", place, "--json", "-q")[1])
    assert [song["path"] for song in found] == [path.decode() for path in listed]
    assert found[0]["id"] == 3


def test_a_playlist_is_shown_on_a_terminal(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = run("playlist", "--near", "3", "-n", "2")[1]
    assert "EXTM3U" not in out
    assert "So What" in out


def test_too_few_songs_are_reported(run):
    code, out, err = run("playlist", "--mood", "calm", "--minutes", "600", "--json")
    assert (code, len(objects(out))) == (0, 39)
    assert err == "emodj-library: only 39 songs, 2:36:00: there are no more that fit.\n"
    assert run("playlist", "--mood", "calm", "-n", "40", "--json")[2]
    assert not run("playlist", "--mood", "calm", "-n", "39", "--json")[2]
    assert not run("playlist", "--mood", "calm", "--minutes", "155", "--json")[2]
    assert run("playlist", "--from", "sad", "--to", "calm", "--text", "t13t", "--json")[2].startswith(
        "emodj-library: only 1 song, 4:00:"
    )


def test_no_song_for_a_playlist_is_an_error(run, tmp_path):
    place = tmp_path / "none.m3u8"
    code, out, err = run("playlist", "--mood", "calm", "--text", "nothing like it", "-o", place)
    assert (code, out) == (1, "")
    assert err == "emodj-library: no song fits; leave out a filter, or ask for a longer playlist.\n"
    assert not place.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux alone")
def test_odd_bytes_reach_stdout_and_come_back(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9 \xff.mp3"
    Path(os.fsdecode(path)).touch()
    made_library(tmp_path / "odd.db", [made_song(0, 0.1, 0.1, path=path, title=None)]).close()
    command = [sys.executable, "-c", "from emodj_live.__main__ import library_console; library_console()"]
    arguments = ["--db", tmp_path / "odd.db", "playlist", "--mood", "calm", "-n", "1"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, env=environment, check=True)
    assert done.stdout.splitlines()[2] == b"caf\xe9 \xff.mp3"
    (tmp_path / "odd.m3u8").write_bytes(done.stdout)
    assert read_playlist(os.fsencode(tmp_path / "odd.m3u8")).paths == (path,)


# ------------------------------------------------------------------------------------------------- the page, and map


def test_the_commands_of_the_page_run(run, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    monkeypatch.chdir(tmp_path)
    mine = {"list", "show", "map", "similar", "playlist"}
    shown = [arguments for _, *arguments in commands(LIBRARY) if arguments[0] in mine]
    assert {arguments[0] for arguments in shown} == mine
    for arguments in shown:
        assert run(*arguments)[0] == 0, arguments
    assert len(read_playlist(os.fsencode(tmp_path / "evening.m3u8")).paths) == 15


def drawn(points, names=()):
    """Return the axes of a map."""
    from emodj_live.library.map_picture import draw_map

    moods = dict.fromkeys(Quadrant, (0.1, 0.1))
    return draw_map(np.array(points), list(names), moods, title="songs").axes[0]


def test_a_map_is_a_picture(run, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    for name, begins in [("map.png", b"\x89PNG"), ("map.svg", b"<?xml"), ("map.PDF", b"%PDF")]:
        assert run("map", tmp_path / name) == (0, "", "")
        assert (tmp_path / name).read_bytes().startswith(begins)
    code, _, err = run("map", tmp_path / "none.png", "--text", "nothing like it")
    assert (code, err) == (1, "emodj-library: no song is like that; ask for less.\n")
    code, _, err = run("map", tmp_path / "nowhere" / "map.png")
    assert code == 1
    assert "map.png: cannot be written: No such file" in err


def test_a_map_has_every_song(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    points = made_points(200, 3)
    axes = drawn(points)
    assert axes.collections[-2].get_offsets().tolist() == [list(point) for point in points]
    assert axes.get_xlim()[1] >= max(map(max, np.abs(points)))
    axes = drawn(points[:20], [f"song {number}" for number in range(20)])
    key = axes.figure.texts[-1].get_text().splitlines()
    heights = [points[int(line.split()[-1])][1] for line in key]
    assert heights == sorted(heights, reverse=True)
    assert len(key) == 20


def test_a_large_map_is_a_cloud_in_which_single_songs_show():
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    points = [(0.01, 0.01)] * 5000 + [(-0.51, 0.72)]
    (image,) = drawn(points).images
    alphas = image.get_array()[..., 3]
    assert (alphas > 0).sum() == 2
    rows, columns = np.nonzero(alphas)
    assert alphas.max() == 1
    assert sorted(alphas[alphas > 0])[0] > 0.05
    height, width = alphas.shape
    assert sorted(zip(columns // (width // 2), rows // (height // 2), strict=True)) == [(0, 1), (1, 1)]

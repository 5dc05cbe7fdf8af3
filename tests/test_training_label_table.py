"""Any folder of clips with a table of labels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from emodj_live import DatasetError, Quadrant
from emodj_live.training import load_dataset, terms

NAN = [np.nan, np.nan]


def make(root: Path, table: str, *clips: str) -> Path:
    for clip in clips or ("a.wav", "deep/er/b.opus"):
        path = root / clip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / "labels.csv").write_text(table, encoding="utf-8")
    return root


def test_a_row_labels_a_whole_clip(tmp_path: Path) -> None:
    table = "\ufeffPath, Valence ,arousal,comment\r\na.wav,0.5,-0.25,nice\r\n\r\ndeep/er/b.opus,-1,1,\r\n"
    dataset = load_dataset(make(tmp_path / "mine", table))
    assert [song.name for song in dataset.songs] == ["mine/a.wav", "mine/deep/er/b.opus"]
    assert dataset.songs[1].audio == tmp_path / "mine" / "deep" / "er" / "b.opus"
    assert dataset.songs[0].window_labels(2).tolist() == [[0.5, -0.25]] * 2
    assert dataset.songs[0].group == dataset.songs[0].recording == "mine/a.wav"
    assert all(song.is_graded and song.quadrant is None for song in dataset.songs)
    assert dataset.terms is terms.UNKNOWN
    assert not dataset.left_out


def test_a_window_belongs_to_the_segment_that_holds_its_middle(tmp_path: Path) -> None:
    """Middles lie at 0.25, 0.75, 1.25, ...; rows may be in any order, and may leave time without a label."""
    table = "path,valence,arousal,start,end\na.wav,0.2,0,1.26,2.25\na.wav,0.1,0,0.25,1.26\na.wav,0.3,0,3,\n"
    (song,) = load_dataset(make(tmp_path, table)).songs
    expected = [[0.1, 0], [0.1, 0], [0.1, 0], [0.2, 0], NAN, NAN, [0.3, 0], [0.3, 0]]
    np.testing.assert_array_equal(song.window_labels(8), expected)


def test_start_and_end_default_to_those_of_the_clip(tmp_path: Path) -> None:
    table = "path,valence,arousal,start,end\na.wav,0.1,0,,1\na.wav,0.2,0,1,\n"
    (song,) = load_dataset(make(tmp_path, table)).songs
    np.testing.assert_array_equal(song.window_labels(4)[:, 0], [0.1, 0.1, 0.2, 0.2])


def test_segments_between_the_middles_of_windows_are_left_out(tmp_path: Path) -> None:
    table = "path,valence,arousal,start,end\na.wav,0,0,0,0.2\na.wav,0,0,1,2\ndeep/er/b.opus,0,0,0.3,0.7\n"
    dataset = load_dataset(make(tmp_path, table))
    assert [song.window_indices.tolist() for song in dataset.songs] == [[2]]
    assert dataset.left_out == {
        "segments too short to hold the middle of a window": 2,
        "songs without a single label": 1,
    }


def test_segments_may_overlap_by_a_rounding_error(tmp_path: Path) -> None:
    table = "path,valence,arousal,start,end\na.wav,0,0,0,1.0005\na.wav,0.5,0,1.0001,2\n"
    (song,) = load_dataset(make(tmp_path, table)).songs
    assert song.window_labels(4)[:, 0].tolist() == [0, 0, 0.5, 0.5]


def test_rows_with_a_quadrant_are_placeholders(tmp_path: Path) -> None:
    table = "path,valence,arousal,quadrant\na.wav,,,Q2\ndeep/er/b.opus,0.3,-0.4,calm\n"
    dataset = load_dataset(make(tmp_path, table))
    assert [song.quadrant for song in dataset.songs] == [Quadrant.TENSE, Quadrant.CALM]
    assert [song.labels.tolist() for song in dataset.songs] == [[[-0.3, 0.3]], [[0.3, -0.4]]]
    assert not any(song.is_graded for song in dataset.songs)


def test_a_table_may_have_quadrants_and_no_values(tmp_path: Path) -> None:
    table = "path,start,end,quadrant\na.wav,0,1,Q1\na.wav,1,2,q3\n"
    (song,) = load_dataset(make(tmp_path, table)).songs
    assert song.labels.tolist() == [[0.3, 0.3], [-0.3, -0.3]]
    assert song.quadrant is None  # of the whole clip
    assert not song.is_graded


def test_groups_count_across_data_sets(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make(tmp_path / name, "path,valence,arousal,group\na.wav,0,0, Miles  Davis\ndeep/er/b.opus,0,0,\n")
    (one, alone), (two, other) = (load_dataset(tmp_path / name).songs for name in ("one", "two"))
    assert one.group == two.group
    assert alone.group != other.group


def test_missing_clips_are_counted(tmp_path: Path) -> None:
    table = "path,valence,arousal\na.wav,0,0\nb.wav,0,0\nsome\\where.wav,0,0\n.,0,0\n"
    dataset = load_dataset(make(tmp_path, table))
    assert len(dataset.songs) == 1
    assert dataset.left_out == {"annotated songs without audio": 3}


@pytest.mark.skipif(sys.platform == "win32", reason="a colon in a name")
def test_paths_may_be_absolute_and_take_detours_inside(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.wav").touch()
    table = f"path,valence,arousal\n{tmp_path}/elsewhere.wav,0,0\n./deep/../a.wav,0,0\n"
    dataset = load_dataset(make(tmp_path / "mine", table))
    assert [song.audio for song in dataset.songs] == [tmp_path / "elsewhere.wav", tmp_path / "mine" / "a.wav"]


HEAD = "path,valence,arousal,start,end,group,quadrant\n"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("file,valence,arousal\na.wav,0,0\n", "has no column path; separate columns by commas"),
        ("path;valence;arousal\na.wav;0;0\n", "has no column path; separate columns by commas"),
        ("path,valence\na.wav,0\n", "has no column arousal; valence and arousal, or a quadrant, are needed"),
        ("path,arousal,quadrant\na.wav,0,Q1\n", "has no column valence"),
        ("path\na.wav\n", "has no column valence"),
        ("path,valence,arousal\n", "has no row below its header"),
        ("", "has no column path"),
        (HEAD + "a.wav,loud,0,,,,\n", "line 2: valence 'loud' is not a number; write one such as 0.25"),
        (HEAD + "\na.wav,0,1.5,,,,\n", "line 3: arousal 1.5 is outside [-1, 1]; rescale or correct it"),
        (HEAD + "a.wav,0,inf,,,,\n", "line 2: arousal inf is outside [-1, 1]"),
        (HEAD + "a.wav,0,0,-1,,,\n", "line 2: start -1 is outside [0, 1e+06]"),
        (HEAD + "a.wav,0,0,2,1.5,,\n", "line 2: end 1.5 is not after start 2"),
        (HEAD + "a.wav,0,0,x,,,\n", "line 2: start 'x' is not a number"),
        (
            HEAD + "a.wav,,0.5,,,,Q1\n",
            "line 2: has only one of valence and arousal; give both, or neither and a quadrant",
        ),
        (HEAD + "a.wav,,,,,,\n", "line 2: has neither valence and arousal nor a quadrant"),
        (HEAD + "a.wav,,,,,,Q0\n", "line 2: quadrant 'Q0' is unknown; write Q1 (happy)"),
        (HEAD + ",0,0,,,,\n", "line 2: has no path; name the clip"),
        (HEAD + "../a.wav,0,0,,,,\n", "line 2: path ../a.wav leaves the folder of labels.csv"),
        (HEAD + "deep/../../a.wav,0,0,,,,\n", "line 2: path deep/../../a.wav leaves the folder of labels.csv"),
        (HEAD + "a.wav,0,0,,,,\na.wav,0,0,,,,\n", "line 3: its time overlaps that of line 2, of the same clip"),
        (HEAD + "a.wav,0,0,,,,\n./a.wav,0,0,,,,\n", "line 3: its time overlaps that of line 2"),
        (HEAD + "a.wav,0,0,5,9,,\na.wav,0,0,0,5.5,,\n", "line 3: its time overlaps that of line 2"),
        (HEAD + "a.wav,0,0,5,,,\na.wav,0,0,9,10,,\n", "line 3: its time overlaps that of line 2"),
        (HEAD + "a.wav,0,0,,1,,\na.wav,0,0,1,,,Q1\n", "line 3: differs from line 2 in whether there is a quadrant"),
        (HEAD + "a.wav,0,0,,1,x,\na.wav,0,0,1,,y,\n", "line 3: group 'y' is another than in line 2, of the same clip"),
        (HEAD + "a.wav,0,0,,,,,0\n", "line 2: has more cells than the header has columns"),
        (HEAD + "b.wav,0,0,,,,\nc.wav,0,0,,,,\n", "none of its 2 clips is there, such as b.wav; mend the paths"),
        (HEAD + "a.wav,0,0,0,0.1,,\n", "none of its clips has a label; a window's middle must lie in a segment"),
        (HEAD + f"{'x' * 5000},0,y,,,,\n", "line 2: arousal 'y' is not a number"),
        (HEAD + f"a.wav,0,{'y' * 5000},,,,\n", "is not a number"),
    ],
)
def test_refuses_tables_that_cannot_be_right(tmp_path: Path, table: str, sentence: str) -> None:
    make(tmp_path, table)
    with pytest.raises(DatasetError) as caught:
        load_dataset(tmp_path)
    message = str(caught.value)
    assert sentence in message
    assert str(tmp_path / "labels.csv") in message
    assert message.isprintable()
    assert len(message.replace(str(tmp_path), "")) < 200


def test_a_table_elsewhere_is_found_but_two_are_not_one(tmp_path: Path) -> None:
    make(tmp_path / "one", "path,valence,arousal\na.wav,0,0\n")
    assert load_dataset(tmp_path).songs[0].audio == tmp_path / "one" / "a.wav"
    make(tmp_path / "two", "path,valence,arousal\na.wav,0,0\n")
    with pytest.raises(DatasetError, match="give the folder of one data set"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("paths", "title"),
    [
        (["emopia/a.wav", "emopia/b.wav"], terms.EMOPIA.title),
        (["vgmidi/a.wav"], terms.VGMIDI.title),
        (["vgmidi/a.wav", "EMOPIA/b.wav"], f"{terms.EMOPIA.title} and {terms.VGMIDI.title}"),
        (["vgmidi/a.wav", "b.wav"], terms.UNKNOWN.title),
        (["vgmidi/a.wav", "mine/b.wav"], terms.UNKNOWN.title),
        (["other/a.wav"], terms.UNKNOWN.title),
    ],
)
def test_known_piano_is_recognized_by_its_folders(tmp_path: Path, paths: list[str], title: str) -> None:
    make(tmp_path, "path,valence,arousal\n" + "".join(f"{path},0,0\n" for path in paths), *paths)
    assert load_dataset(tmp_path).terms.title == title


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among files")
def test_a_pipe_is_no_clip(tmp_path: Path) -> None:
    import os

    make(tmp_path, "path,valence,arousal\na.wav,0,0\npipe.wav,0,0\n")
    os.mkfifo(tmp_path / "pipe.wav")
    assert load_dataset(tmp_path).left_out == {"annotated songs without audio": 1}


def test_a_name_that_is_too_long_is_no_clip(tmp_path: Path) -> None:
    dataset = load_dataset(make(tmp_path, f"path,valence,arousal\na.wav,0,0\n{'x' * 5000}.wav,0,0\n"))
    assert dataset.left_out == {"annotated songs without audio": 1}


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings_are_refused_with_advice(tmp_path: Path, encoding: str) -> None:
    root = make(tmp_path, "")
    (root / "labels.csv").write_text("path,valence,arousal,group\na.wav,0,0,caf\u00e9\n", encoding=encoding)
    with pytest.raises(DatasetError, match="is not comma-separated text in UTF-8; save it as that"):
        load_dataset(root)


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has column valence twice; keep one"):
        load_dataset(make(tmp_path, "path,valence,Valence,arousal\na.wav,0.5,-0.5,0\n"))

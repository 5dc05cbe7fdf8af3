"""Finding data sets, and refusing what cannot be right."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from test_training_helpers import noise, write_annotations, write_audio, write_csv

from emodj_live import DatasetError
from emodj_live.training import load_dataset, terms
from emodj_live.training.annotations import read_annotations

TIMES = (0, 500, 1000)
LABELS = {"2": [0.1, 0.2, 0.3], "10": [-0.1, -0.2, -0.3]}
DEAM = "annotations/annotations averaged per song/dynamic (per second annotations)"


def make(root: Path, audio: str = "clips_45seconds", songs: tuple[str, ...] = ("2", "10")) -> Path:
    write_annotations(root / "annotations", TIMES, LABELS, {key: value[::-1] for key, value in LABELS.items()})
    for name in songs:
        write_audio(root / audio / f"{name}.wav", noise(0.1))
    return root


@pytest.mark.parametrize("below", ["", "unpacked/emoMusic"])
@pytest.mark.parametrize(("audio", "kind"), [("clips_45seconds", terms.EMOMUSIC), ("clips", terms.UNKNOWN)])
def test_finds_emomusic_wherever_it_was_unpacked(tmp_path: Path, below: str, audio: str, kind: terms.Terms) -> None:
    make(tmp_path / "mine" / below, audio)
    dataset = load_dataset(tmp_path / "mine")
    assert dataset.name == "mine"
    assert dataset.terms is kind
    assert [song.name for song in dataset.songs] == ["mine/2", "mine/10"]
    assert [song.audio.name for song in dataset.songs] == ["2.wav", "10.wav"]
    np.testing.assert_array_equal(dataset.songs[0].labels, [[0.1, 0.3], [0.2, 0.2], [0.3, 0.1]])  # valence, arousal
    np.testing.assert_array_equal(dataset.songs[0].window_indices, [0, 1, 2])
    assert not dataset.left_out


def test_emotify_is_known_by_its_votes(tmp_path: Path) -> None:
    make(tmp_path, "clips")
    (tmp_path / "annotations" / "gems_votes.csv").touch()
    assert load_dataset(tmp_path).terms is terms.EMOTIFY


def test_finds_deam_with_archives_side_by_side(tmp_path: Path) -> None:
    averaged = tmp_path / "DEAM_Annotations" / DEAM
    write_csv(averaged / "valence.csv", (15000, 15500, 16000), {"3": [0.5, "", 0.1], "5": ["", "", ""]})
    write_csv(averaged / "arousal.csv", (15000, 15500, 16000, 16500), {"3": [0, 0.25, "", 0], "5": [1, 1, 1, 1]})
    write_audio(tmp_path / "DEAM_audio" / "MEMD_audio" / "3.wav", noise(0.1))
    write_audio(tmp_path / "DEAM_audio" / "MEMD_audio" / "5.wav", noise(0.1))
    shadow = tmp_path / "__MACOSX" / "MEMD_audio"
    shadow.mkdir(parents=True)
    dataset = load_dataset(tmp_path)
    assert dataset.terms is terms.DEAM
    assert dataset.songs[0].recording == "DEAM/3"  # as emoMusic's song 3, which it is
    np.testing.assert_array_equal(dataset.songs[0].window_indices, [30])  # a window counts only with both labels
    np.testing.assert_array_equal(dataset.songs[0].labels, [[0.5, 0]])
    assert dataset.left_out == {
        "songs without a single label": 1,
        "empty cells": 2,
        "label times in only one of the two files": 1,
    }


def test_counts_what_has_no_counterpart(tmp_path: Path) -> None:
    make(tmp_path, songs=("2", "77", "78"))
    (tmp_path / "clips_45seconds" / "notes.txt").touch()
    (tmp_path / "clips_45seconds" / "._2.wav").touch()
    assert load_dataset(tmp_path).left_out == {"annotated songs without audio": 1, "clips without labels": 2}


def test_tolerates_spaces_tabs_and_byte_order_mark(tmp_path: Path) -> None:
    make(tmp_path)
    for name in ("valence", "arousal"):
        path = tmp_path / "annotations" / f"{name}_cont_average.csv"
        text = "\ufeffsong_id,\tsample_0ms , sample_500ms\r\n 2 ,\t0.5\t, \r\n\r\n10, NaN ,-1\r\n"
        path.write_text(text, encoding="utf-8", newline="")
    dataset = load_dataset(tmp_path)
    assert [song.labels.tolist() for song in dataset.songs] == [[[0.5, 0.5]], [[-1, -1]]]


def test_follows_links_but_not_in_circles(tmp_path: Path) -> None:
    make(tmp_path / "disk")
    (tmp_path / "set").mkdir()
    for name in ("annotations", "clips_45seconds"):
        (tmp_path / "set" / name).symlink_to(tmp_path / "disk" / name)
    (tmp_path / "set" / "self").symlink_to(tmp_path / "set")
    assert len(load_dataset(tmp_path / "set").songs) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no annotated song"),
        ("song_id,sample_0ms\n", "has no annotated song"),
        ("id,sample_0ms\n2,0\n", "first column must be song_id, not 'id'"),
        ("song_id\n2\n", "has no label column"),
        ("song_id,second_1\n2,0\n", "column 'second_1' is not named after a time, such as sample_15000ms"),
        ("song_id,sample_250ms\n2,0\n", "column sample_250ms is not at a multiple of 500 ms"),
        ("song_id,sample_500ms,sample_0ms\n2,0,0\n", "column sample_0ms comes after sample_500ms"),
        ("song_id,sample_0ms,sample_0ms\n2,0,0\n", "has column sample_0ms twice"),
        ("song_id,sample_0ms\n2,0\n2,0\n", "has song 2 twice"),
        ("song_id,sample_0ms\n2,loud\n", "song 2, column sample_0ms: 'loud' is not a number"),
        ("song_id,sample_0ms\n2,1.01\n", "song 2, column sample_0ms: 1.01 is outside [-1, 1]"),
        ("song_id,sample_0ms\n2,inf\n", "song 2, column sample_0ms: inf is outside [-1, 1]"),
        ("song_id,sample_0ms\n2,0,0.5\n", "song 2 has more cells than the header has columns"),
        ("song_id,sample_0ms\n,0\n", "has a row without a song_id"),
        ("song_id,sample_0ms\n2,0\n", "has song 10 (and 0 more) that arousal_cont_average.csv lacks"),
        ("song_id,sample_0ms\n2,0\n10,0\n11,0\n", "has song 11 (and 0 more) that valence_cont_average.csv lacks"),
        ("song_id,sample_9000ms\n2,0\n10,0\n", "has no label time in common with valence_cont_average.csv"),
    ],
)
def test_refuses_annotations_that_cannot_be_right(tmp_path: Path, text: str, sentence: str) -> None:
    make(tmp_path)
    path = tmp_path / "annotations" / "arousal_cont_average.csv"
    path.write_text(text)
    with pytest.raises(DatasetError) as caught:
        load_dataset(tmp_path)
    assert sentence in str(caught.value)
    assert str(tmp_path / "annotations") in str(caught.value)
    assert "\n" not in str(caught.value)


LONG = "9" * 5000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"song_id,sample_3{'0' * 28}ms\n2,0\n", "is not named after a time"),
        (f"song_id,sample_{LONG}ms\n2,0\n", "is not named after a time"),
        (f"song_id,sample_{LONG}\n2,0\n", "is not named after a time"),
        (
            "song_id;" + ";".join(f"sample_{time}ms" for time in range(0, 90000, 500)) + "\n2;0",
            "separate columns by commas",
        ),
        (f"{LONG},sample_0ms\n2,0\n", "first column must be song_id"),
        (f"song_id,sample_0ms\n2,{LONG}\n", "is outside [-1, 1]"),
        (f"song_id,sample_0ms\n2,x{LONG}\n", "is not a number"),
        (f"song_id,sample_0ms\n{LONG},0,1\n", "has more cells than the header"),
        (f"song_id,sample_0ms\n{LONG},0\n{LONG},0\n", "twice"),
        (f"song_id,sample_0ms\n{LONG},0\n", "has song 2 (and 1 more)"),
        (f"song_id,sample_0ms\n2,0\n10,0\n{LONG},0\n", "(and 0 more) that valence_cont_average.csv lacks"),
        (f"song_id,sample_0ms\n,{LONG}\n", "a row without a song_id"),
        ('song_id,sample_0ms\n2,"a\n\x1b[2Jb\u2028c"\n', "'a??[2Jb?c' is not a number"),
        ('song_id,"sample_0\nms"\n2,0\n', "'sample_0?ms' is not named after a time"),
        ("song_id,sample_0ms\n2," + "9" * 200_000, "is not comma-separated text: field larger than field limit"),
    ],
)
def test_absurd_annotations_are_one_short_line(tmp_path: Path, text: str, sentence: str) -> None:
    make(tmp_path)
    path = tmp_path / "annotations" / "arousal_cont_average.csv"
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(DatasetError) as caught:
        load_dataset(tmp_path)
    message = str(caught.value)
    assert sentence in message
    assert message.isprintable()
    assert len(message.replace(str(tmp_path), "")) < 200
    assert LONG[:50] not in message


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither")
@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("name", ["valence", "arousal"])
def test_annotations_are_regular_files(tmp_path: Path, kind: str, name: str) -> None:
    """A pipe would wait for a writer for ever, and /dev/zero never ends."""
    make(tmp_path)
    path = tmp_path / "annotations" / f"{name}_cont_average.csv"
    path.unlink()
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    with pytest.raises(DatasetError, match=f"{name}_cont_average.csv: is not a regular file"):
        load_dataset(tmp_path)
    with pytest.raises(DatasetError, match="is not a regular file"):
        read_annotations(path, path)


def test_refuses_binary_annotations(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "annotations" / "valence_cont_average.csv").write_bytes(b"song_id,\xff\xfe\x00")
    with pytest.raises(DatasetError, match="is not comma-separated text"):
        load_dataset(tmp_path)


def _nothing(root: Path) -> None:
    (root / "clips_45seconds").mkdir()


def _one_file(root: Path) -> None:
    make(root)
    (root / "annotations" / "valence_cont_average.csv").unlink()


def _two_sets(root: Path) -> None:
    make(root / "a")
    make(root / "b")


def _two_audio_folders(root: Path) -> None:
    make(root)
    (root / "old" / "clips_45seconds").mkdir(parents=True)


def _no_audio(root: Path) -> None:
    write_annotations(root / "annotations", TIMES, LABELS)


def _other_clips(root: Path) -> None:
    make(root, songs=("99",))


def _same_song_twice(root: Path) -> None:
    make(root)
    write_audio(root / "clips_45seconds" / "2.flac", noise(0.1))


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (_nothing, "no annotations found: expected arousal_cont_average.csv (emoMusic)"),
        (_one_file, "has arousal_cont_average.csv but no valence_cont_average.csv"),
        (_two_sets, "give the folder of one data set"),
        (_two_audio_folders, "has audio in"),
        (_no_audio, "put the clips into a folder clips_45seconds or clips"),
        (_other_clips, "no annotated song has a clip in clips_45seconds"),
        (_same_song_twice, "song 2 also has 2.flac; keep one of them"),
    ],
)
def test_refuses_folders_that_are_no_data_set(tmp_path: Path, build, sentence: str) -> None:  # type: ignore[no-untyped-def]
    build(tmp_path)
    with pytest.raises(DatasetError) as caught:
        load_dataset(tmp_path)
    assert sentence in str(caught.value)


def test_refuses_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such folder; give the one"):
        load_dataset(tmp_path / "nowhere")

"""4Q, MERGE, and clips in folders Q1 to Q4."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emodj_live import DatasetError, Quadrant
from emodj_live.training import load_dataset, terms
from emodj_live.training.dataset import WHOLE

SONGS = {"MT01": "Q1", "MT02": "Q2", "MT03": "Q3", "MT04": "Q4"}
ANNOTATIONS = "panda_dataset_taffc_annotations.csv"
METADATA = "panda_dataset_taffc_metadata.csv"
QUADRANTS = "Song,Quadrant\nMT01,Q1\nMT02,Q2\nMT03,Q3\nMT04,Q4\n"
VALUES = "Song,Arousal,Valence\nMT01,0.6,0.75\nMT02,0.9,0.1\nMT03,0,0.5\nMT04,0.25,1\n"


def make(root: Path, tables: dict[str, str], below: str = "") -> Path:
    for song, quadrant in SONGS.items():
        path = root / below / quadrant / f"{song}.mp3"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name, text in tables.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("below", ["", "4Q/audio"])
def test_finds_4q(tmp_path: Path, below: str) -> None:
    make(tmp_path, {ANNOTATIONS: QUADRANTS, "av_values.csv": VALUES}, below)
    dataset = load_dataset(tmp_path)
    assert dataset.terms is terms.FOUR_Q
    assert [song.quadrant for song in dataset.songs] == [Quadrant.HAPPY, Quadrant.TENSE, Quadrant.SAD, Quadrant.CALM]
    np.testing.assert_allclose(
        [song.labels[0] for song in dataset.songs], [[0.5, 0.2], [-0.8, 0.8], [0, -1], [1, -0.5]]
    )
    assert all(song.is_graded and song.window_counts == WHOLE for song in dataset.songs)
    assert dataset.songs[0].window_labels(4).tolist() == [dataset.songs[0].labels[0].tolist()] * 4
    assert not dataset.left_out


def test_quadrants_alone_are_placeholders(tmp_path: Path) -> None:
    dataset = load_dataset(make(tmp_path, {ANNOTATIONS: QUADRANTS}))
    assert [song.labels[0].tolist() for song in dataset.songs] == [[0.3, 0.3], [-0.3, 0.3], [-0.3, -0.3], [0.3, -0.3]]
    assert not any(song.is_graded for song in dataset.songs)
    assert dataset.terms is terms.FOUR_Q_QUADRANTS


def test_folders_alone_are_a_data_set(tmp_path: Path) -> None:
    dataset = load_dataset(make(tmp_path, {}))
    assert {song.name.rpartition("/")[2]: song.quadrant for song in dataset.songs} == {
        "MT01": Quadrant.HAPPY,
        "MT02": Quadrant.TENSE,
        "MT03": Quadrant.SAD,
        "MT04": Quadrant.CALM,
    }
    assert dataset.terms is terms.UNKNOWN
    assert {song.recording for song in dataset.songs} == {f"{tmp_path.name}/{song}" for song in SONGS}


def test_finds_merge(tmp_path: Path) -> None:
    """Its splits are not read, and its songs that are AllMusic's under another name are known by AllMusic's."""
    metadata = "Song,Quadrant,AllMusic Id,Artist\nMT01,Q1,,Somebody\nMT02,Q2,MT99,\nMT03,Q3,,somebody\nMT04,Q4,,x\n"
    tables = {
        "merge_audio_complete_av_values.csv": VALUES,
        "merge_audio_complete_metadata.csv": metadata,
        "tvt_dataframes/tvt_70_15_15/tvt_70_15_15_test_audio_complete.csv": "Song,Quadrant\nMT01,Q1\n",
    }
    dataset = load_dataset(make(tmp_path, tables))
    assert dataset.terms is terms.MERGE
    assert [song.recording for song in dataset.songs] == [f"AllMusic/MT{number}" for number in ("01", "99", "03", "04")]
    groups = [song.group for song in dataset.songs]
    assert groups == ["group: somebody", "AllMusic/MT99", "group: somebody", "group: x"]


def test_finds_merge_with_lyrics(tmp_path: Path) -> None:
    tables = {
        "merge_bimodal_complete_av_values.csv": VALUES.replace("Song,", "Audio_Song,"),
        "lyrics/Q1/L1.txt": "la la la",
    }
    assert len(load_dataset(make(tmp_path, tables, "audio")).songs) == 4


def test_songs_are_grouped_by_artist(tmp_path: Path) -> None:
    metadata = 'Song,Artist,Title\nMT01,"Holiday,  Billie ","a, b"\nMT02,"holiday, billie",x\nMT03,,y\n'
    dataset = load_dataset(make(tmp_path, {ANNOTATIONS: QUADRANTS, METADATA: metadata}))
    groups = [song.group for song in dataset.songs]
    assert groups[0] == groups[1] == "group: holiday, billie"
    assert groups[2:] == ["AllMusic/MT03", "AllMusic/MT04"]


def test_counts_what_has_no_counterpart(tmp_path: Path) -> None:
    quadrants = "Song,Quadrant\nMT01,Q1\nMT77,Q2\nMT78,Q2\nMT02,Q2\n"
    make(tmp_path, {ANNOTATIONS: quadrants, "av_values.csv": "Song,Arousal,Valence\nMT01,0.5,0.5\nMT03,,\n"})
    dataset = load_dataset(tmp_path)
    assert [song.name.rpartition("/")[2] for song in dataset.songs] == ["MT01", "MT02", "MT03"]
    assert [song.is_graded for song in dataset.songs] == [True, False, False]
    assert dataset.left_out == {
        "annotated songs without audio": 2,
        "clips without a row in the tables": 1,
        "songs without values, used by their quadrant alone": 2,
    }


def _move_clip(root: Path) -> None:
    (root / "Q3" / "MT01.mp3").touch()


def _second_values(root: Path) -> None:
    (root / "balanced").mkdir()
    (root / "balanced" / "merge_audio_balanced_av_values.csv").write_text(VALUES)


def _no_clips(root: Path) -> None:
    for path in root.glob("Q?/*"):
        path.unlink()


def _other_clips(root: Path) -> None:
    for path in root.glob("Q?/*"):
        path.rename(path.with_stem(f"x{path.stem}"))


def _label_table(root: Path) -> None:
    (root / "labels.csv").write_text("path,valence,arousal\nQ1/MT01.mp3,0,0\n")


def _write(name: str, text: str):  # type: ignore[no-untyped-def]
    return lambda root: (root / name).write_text(text)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_move_clip, "song MT01 also has"),
        (_second_values, "has values in"),
        (_no_clips, "has annotations but no audio; put the clips into folders Q1, Q2, Q3 and Q4"),
        (_other_clips, "no row of its tables has a clip in Q1 to Q4; clips must be named by Song"),
        (_label_table, "give the folder of one data set"),
        (
            _write(ANNOTATIONS, QUADRANTS.replace("MT01,Q1", "MT01,Q3")),
            f"{ANNOTATIONS}: line 2: song MT01 is Q3, but its clip is in folder Q1; correct one of the two",
        ),
        (
            _write(METADATA, "Song,Quadrant\nMT02,Q4\n"),
            f"{METADATA}: line 2: song MT02 is Q4, but its clip is in folder Q2",
        ),
        (_write(ANNOTATIONS, "Song,Quadrant\nMT01,Q5\n"), "line 2: quadrant 'Q5' is unknown; write Q1 (happy), Q2"),
        (_write(ANNOTATIONS, "Song\nMT01\n"), f"{ANNOTATIONS}: has no column Quadrant"),
        (_write(ANNOTATIONS, "Id,Quadrant\nMT01,Q1\n"), f"{ANNOTATIONS}: has no column Song"),
        (_write(ANNOTATIONS, QUADRANTS + "MT01,Q1\n"), "line 6: song MT01 is also in line 2"),
        (_write("av_values.csv", "Song,Arousal\nMT01,0.5\n"), "av_values.csv: has no column Valence"),
        (_write("av_values.csv", "Song,Arousal,Valence\nMT01,0.5,-0.2\n"), "line 2: Valence -0.2 is outside [0, 1]"),
        (_write("av_values.csv", "Song,Arousal,Valence\nMT01,x,0.2\n"), "line 2: Arousal 'x' is not a number"),
    ],
)
def test_refuses_what_cannot_be_right(tmp_path: Path, change, sentence: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path, {ANNOTATIONS: QUADRANTS, "av_values.csv": VALUES})
    change(tmp_path)
    with pytest.raises(DatasetError) as caught:
        load_dataset(tmp_path)
    assert sentence in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_the_data_sets_own_name_is_no_quadrant(tmp_path: Path) -> None:
    make(tmp_path, {}, "Q1")
    assert {song.quadrant for song in load_dataset(tmp_path).songs} == set(Quadrant)
    with pytest.raises(DatasetError, match="no annotations found"):
        load_dataset(tmp_path / "Q1" / "Q1")


def test_values_are_rescaled_and_placeholders_keep_their_signs(tmp_path: Path) -> None:
    make(tmp_path, {"av_values.csv": VALUES})
    dataset = load_dataset(tmp_path, scale=(0.8, 0.5), offset=(0.0, 0.05))
    np.testing.assert_allclose(dataset.songs[0].labels, [[0.4, 0.15]])
    (tmp_path / "av_values.csv").unlink()
    for changes in ({"offset": (0.0, 0.4)}, {"scale": (1.0, 0.0)}):
        with pytest.raises(DatasetError, match="scale and offset turn the quadrant of .* into another; choose others"):
            load_dataset(tmp_path, **changes)

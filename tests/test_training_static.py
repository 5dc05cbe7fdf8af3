"""One rating for a whole clip, artists, and labels on another scale: emoMusic and DEAM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_training_helpers import write_annotations, write_csv

from emodj_live import DatasetError
from emodj_live.training import load_dataset, terms
from emodj_live.training.dataset import WHOLE

SONG_LEVEL = "DEAM_Annotations/annotations/annotations averaged per song/song_level"
DYNAMIC = "DEAM_Annotations/annotations/annotations averaged per song/dynamic (per second annotations)"
FIRST = "static_annotations_averaged_songs_1_2000.csv"
SECOND = "static_annotations_averaged_songs_2000_2058.csv"
AS_PUBLISHED = """song_id, valence_mean, valence_std, arousal_mean, arousal_std
      2,         3.1 ,        0.94,         3   ,        0.63
      3,         3.5 ,        1.75,         3.3 ,        1.62
      4,         5.7 ,        1.42,         5.5 ,        1.63
      5,         4.4 ,        2.01,         5.3 ,        1.85
      7,         5.8 ,        1.47,         6.4 ,        1.69
   1000,         6.8 ,        1.6 ,         5.6 ,        2.06
   1001,         4.4 ,        1.5 ,         3.8 ,        1.72
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def add_clips(folder: Path, *songs: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for song in songs:
        (folder / f"{song}.mp3").touch()


def make_deam(root: Path, table: str = AS_PUBLISHED) -> Path:
    write(root / SONG_LEVEL / FIRST, table)
    add_clips(root / "DEAM_audio" / "MEMD_audio", 2, 3, 4, 5, 7, 1000, 1001, 2001)
    return root


def make_emomusic(root: Path, *, dynamic: bool = True) -> Path:
    if dynamic:
        write_annotations(root / "annotations", (15000, 15500), {"3": [0.1, 0.2], "4": [0.3, 0.4]})
    write(
        root / "annotations" / "static_annotations.csv",
        "song_id,mean_arousal,std_arousal,mean_valence,std_valence\n3,7,1,4,1\n4,1,1,9,1\n",
    )
    add_clips(root / "clips_45seconds", 3, 4)
    return root


def labels(root: Path, **options: object) -> dict[str, list[float]]:
    """Return valence and arousal of songs with one label, by id."""
    dataset = load_dataset(root, **options)  # type: ignore[arg-type]
    return {song.name.rpartition("/")[2]: song.labels.ravel().round(9).tolist() for song in dataset.songs}


def test_emomusics_ratings_are_for_the_whole_clip(tmp_path: Path) -> None:
    make_emomusic(tmp_path)
    dataset = load_dataset(tmp_path, static=True)
    assert labels(tmp_path, static=True) == {"3": [-0.25, 0.5], "4": [1, -1]}
    assert dataset.terms is terms.EMOMUSIC_STATIC
    assert all(song.window_counts == WHOLE and song.is_graded for song in dataset.songs)
    np.testing.assert_array_equal(dataset.songs[0].window_labels(3), [[-0.25, 0.5]] * 3)
    assert dataset.songs[0].recording == "DEAM/3"


def test_ratings_over_time_come_first(tmp_path: Path) -> None:
    make_emomusic(tmp_path)
    dataset = load_dataset(tmp_path)
    assert dataset.terms is terms.EMOMUSIC
    assert dataset.window_indices.tolist() == [30, 31]


def test_static_ratings_are_used_if_there_are_no_others(tmp_path: Path) -> None:
    make_emomusic(tmp_path, dynamic=False)
    assert labels(tmp_path) == {"3": [-0.25, 0.5], "4": [1, -1]}


def test_deams_two_tables_are_one_set(tmp_path: Path) -> None:
    make_deam(
        tmp_path, "song_id, valence_mean, valence_std, arousal_mean, arousal_std\n 2, 3.0, 1, 7, 1\n 9, 5, 1, 5, 1"
    )
    write(
        tmp_path / SONG_LEVEL / SECOND,
        "song_id, valence_mean, valence_std, valence_ max_mean, arousal_mean, arousal_std\n2001, 9, 1, 2, 1, 1\n",
    )
    dataset = load_dataset(tmp_path)
    assert labels(tmp_path) == {"2": [-0.5, 0.5], "2001": [1, -1]}
    assert dataset.terms is terms.DEAM_STATIC
    assert dataset.left_out == {"annotated songs without audio": 1, "clips without labels": 6}


def test_deams_table_as_published_names_emomusics_ratings_wrongly(tmp_path: Path) -> None:
    """Its "valence_mean" of songs up to 1000 is emoMusic's mean arousal; later songs are right."""
    found = labels(make_deam(tmp_path))
    assert found["5"] == [0.075, -0.15]
    assert found["1000"] == [0.15, 0.45]
    assert found["1001"] == [-0.15, -0.3]


def test_a_corrected_table_of_deam_is_believed(tmp_path: Path) -> None:
    found = labels(make_deam(tmp_path, AS_PUBLISHED.replace("4.4 ,        2.01,         5.3", "5.3 ,  1.85,   4.4")))
    assert found["5"] == [0.075, -0.15]
    assert found["1000"] == [0.45, 0.15]


def test_deams_dynamic_and_static_annotations_are_one_set(tmp_path: Path) -> None:
    make_deam(tmp_path)
    for name in ("valence.csv", "arousal.csv"):
        write_csv(tmp_path / DYNAMIC / name, (15000,), {"2": [0.5]})
    assert load_dataset(tmp_path).terms is terms.DEAM
    assert load_dataset(tmp_path, static=True).terms is terms.DEAM_STATIC


def test_static_of_a_set_without_them_is_an_error(tmp_path: Path) -> None:
    write_annotations(tmp_path / "annotations", (0,), {"3": [0.1]})
    add_clips(tmp_path / "clips", 3)
    with pytest.raises(DatasetError, match=r"has no static annotations; leave out --static, or add static_annot"):
        load_dataset(tmp_path, static=True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "song_id,mean_arousal\n3,5\n",
            "static_annotations.csv: has no column mean_valence; separate columns by commas",
        ),
        ("song_id,mean_arousal,mean_valence,mean_valence\n3,5,5,5\n", "has column mean_valence twice; keep one"),
        ("song_id,mean_arousal,mean_valence\n", "has no row below its header"),
        ("song_id,mean_arousal,mean_valence\n3,5,5\n3,5,5\n", "line 3: song 3 is also in line 2; keep one"),
        ("song_id,mean_arousal,mean_valence\n3,5,loud\n", "line 2: mean_valence 'loud' is not a number"),
        ("song_id,mean_arousal,mean_valence\n3,0.2,5\n", "line 2: mean_arousal 0.2 is outside [1, 9]"),
        ("song_id,mean_arousal,mean_valence\n3,inf,5\n", "line 2: mean_arousal inf is outside [1, 9]"),
        ("song_id,mean_arousal,mean_valence\n,5,5\n", "line 2: has no song_id; fill it in or delete the row"),
        ("song_id,mean_arousal,mean_valence\n3,5,5,5\n", "line 2: has more cells than the header has columns"),
    ],
)
def test_refuses_ratings_that_cannot_be_right(tmp_path: Path, text: str, sentence: str) -> None:
    make_emomusic(tmp_path)
    write(tmp_path / "annotations" / "static_annotations.csv", text)
    with pytest.raises(DatasetError) as caught:
        load_dataset(tmp_path, static=True)
    assert sentence in str(caught.value)


def test_a_song_in_both_tables_of_deam_is_an_error(tmp_path: Path) -> None:
    make_deam(tmp_path)
    write(tmp_path / SONG_LEVEL / SECOND, "song_id,valence_mean,arousal_mean\n7,5,5\n")
    with pytest.raises(DatasetError, match=f"{SECOND}: line 2: song 7 is also in another of"):
        load_dataset(tmp_path)


def test_empty_ratings_are_left_out(tmp_path: Path) -> None:
    make_emomusic(tmp_path, dynamic=False)
    write(tmp_path / "annotations" / "static_annotations.csv", "song_id,mean_arousal,mean_valence\n3,5,\n4,5,5\n")
    dataset = load_dataset(tmp_path)
    assert [song.name for song in dataset.songs] == [f"{tmp_path.name}/4"]
    assert dataset.left_out == {"songs without a single label": 1}


def test_emomusics_songs_are_grouped_by_artist(tmp_path: Path) -> None:
    make_emomusic(tmp_path)
    write_annotations(tmp_path / "annotations", (0,), {"3": [0], "4": [0], "7": [0], "8": [0]})
    add_clips(tmp_path / "clips_45seconds", 7, 8)
    table = '"song_id","file_name","Artist","Song title"\n3,"\t3.mp3","Kevin  MacLeod\t","\tDD Groove\t"\n'
    table += '4,"\t4.mp3","\tkevin macleod","\tSlow"\n7,"\t7.mp3","\tSomebody Else\t",""\n8,"\t8.mp3","\t",""\n'
    write(tmp_path / "annotations" / "songs_info.csv", table)
    groups = [song.group for song in load_dataset(tmp_path).songs]
    assert groups[0] == groups[1] != groups[2]
    assert groups[3] == "DEAM/8"


def test_deams_songs_are_grouped_by_the_artists_of_all_years(tmp_path: Path) -> None:
    """The tables differ in their columns, and rows of 2015 have commas that nobody quoted."""
    make_deam(tmp_path)
    folder = tmp_path / "metadata" / "metadata"
    write(folder / "metadata_2013.csv", 'song_id,file_name,Artist,Song title\n2,"\t2.mp3","Jahzzar\t","\tA\t"\n')
    (folder / "metadata_2014.csv").write_bytes(b"Id,Artist,Album,Track\n1001,jahzzar,\xff,T\n")
    write(
        folder / "metadata_2015.csv", "id,Filename,title ,artist,album,genre\n2001,2001.mp3,T,Jahzzar,,Rock,Pop, more\n"
    )
    write(tmp_path / SONG_LEVEL / SECOND, "song_id,valence_mean,arousal_mean\n2001,5,5\n")
    groups = {song.recording: song.group for song in load_dataset(tmp_path).songs}
    assert groups["DEAM/2"] == groups["DEAM/1001"] == groups["DEAM/2001"] == "group: jahzzar"
    assert groups["DEAM/3"] == "DEAM/3"


def test_labels_are_rescaled(tmp_path: Path) -> None:
    make_emomusic(tmp_path)
    assert labels(tmp_path, static=True, scale=(0.5, 0.8), offset=(0.1, -0.2)) == {"3": [-0.025, 0.2], "4": [0.6, -1]}
    dataset = load_dataset(tmp_path, scale=(2.0, 1.0), offset=(0.0, 0.5))
    np.testing.assert_allclose(dataset.songs[1].labels, [[0.6, 0.8], [0.8, 0.9]])
    assert (dataset.scale, dataset.offset) == ((2.0, 1.0), (0.0, 0.5))


@pytest.mark.parametrize(
    ("scale", "offset"), [((1.1, 1.0), (0.0, 0.0)), ((1.0, 1.0), (0.0, -0.1)), ((np.nan, 1), (0, 0))]
)
def test_labels_must_stay_in_range(tmp_path: Path, scale: tuple[float, float], offset: tuple[float, float]) -> None:
    make_emomusic(tmp_path)
    with pytest.raises(
        DatasetError, match=r"a label of .*/[34] becomes (-?1\.1|nan), outside \[-1, 1\]; choose others"
    ):
        load_dataset(tmp_path, static=True, scale=scale, offset=offset)

"""From clips to a table of windows: where labels go, and what is left out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest
from test_training_helpers import RATE, WINDOW, noise, small_spec, song, write_annotations, write_audio

from emodj_live import DatasetError, FeatureExtractor
from emodj_live.training import Song, default_spec, extract, extraction, load_dataset, tabulate
from emodj_live.training.clip_windows import ClipWindows
from emodj_live.training.extraction import Clip


def test_label_at_t_belongs_to_the_window_that_begins_at_t(tmp_path: Path) -> None:
    """One window of noise at 3.5 s in a clip that is nearly silent: its label must meet it, and no neighbor's."""
    samples = noise(6.0, level=0.001)
    samples[7 * WINDOW : 8 * WINDOW] = noise(0.5, level=0.2)
    write_audio(tmp_path / "clips" / "1.wav", samples)
    times = range(1000, 6000, 500)
    labels = [0.9 if time == 3500 else -0.2 for time in times]
    write_annotations(tmp_path / "annotations", times, {"1": labels})
    spec = small_spec(context=0)
    table = tabulate(extract(load_dataset(tmp_path).songs, spec)[0], spec)
    assert len(table.features) == 12
    assert np.flatnonzero(table.labeled).tolist() == list(range(2, 12))
    assert np.nanargmax(table.labels[:, 0]) == np.argmax(table.levels) == 7


def test_features_are_those_of_the_live_path(tmp_path: Path) -> None:
    samples = noise(2.3)
    path = write_audio(tmp_path / "1.flac", samples)
    spec = default_spec()
    (clip,), left_out = extract([song(path, [0, 3])], spec)
    windows = np.stack(np.split(np.round(samples * 32768)[: 4 * WINDOW] / 32768, 4)).astype(np.float32)
    np.testing.assert_allclose(clip.windows.descriptors, FeatureExtractor(spec).describe(windows), atol=1e-3)
    np.testing.assert_allclose(clip.windows.levels, 20 * np.log10(np.sqrt((windows**2).mean(axis=1))), atol=1e-3)
    assert clip.windows.tail.size == round(2.3 * RATE) - 4 * WINDOW
    assert not left_out


def test_mel_basis_is_librosas() -> None:
    window = noise(0.5)
    expected = librosa.feature.mfcc(y=window, sr=RATE, n_mfcc=12).ravel()
    np.testing.assert_allclose(FeatureExtractor(default_spec()).extract(window), expected, atol=1e-3)


def test_left_out_is_counted(tmp_path: Path) -> None:
    good = write_audio(tmp_path / "1.wav", noise(1.2))
    short = write_audio(tmp_path / "2.wav", noise(0.7))
    empty = write_audio(tmp_path / "3.wav", noise(0))
    (tmp_path / "4.mp3").write_text("not audio")
    songs = [song(good, [0, 1, 2]), song(short, [5, 6]), song(empty, [0]), song(tmp_path / "4.mp3", [0])]
    clips, left_out = extract(songs, small_spec())
    assert left_out == {
        "labels after the end of their clip": 4,
        "songs whose clip ends before their first label": 2,
        "clips that cannot be decoded": 1,
    }
    table = tabulate(clips, small_spec())
    assert len(table.features) == 2
    assert np.unique(table.clips).tolist() == [0]


CLIPS_THAT_NEVER_END = """
import resource, sys
from pathlib import Path
import numpy as np
from emodj_live import FeatureSpec
from emodj_live.training import Song, extract
resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))
folder = Path(sys.argv[1])
songs = [Song(name, "", name, name, folder / name, np.zeros(1, int), np.zeros((1, 2))) for name in sys.argv[2:]]
spec = FeatureSpec(mel_basis=np.ones((40, 1025), np.float32), n_mels=40)
clips, left_out = extract(songs, spec, cache=folder / "cache")
print([clip.song.name for clip in clips], dict(left_out))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has none of these")
def test_only_regular_files_are_clips(tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess]) -> None:
    """A pipe would wait for a writer for ever, and /dev/zero never ends."""
    write_audio(tmp_path / "1.wav", noise(0.6))
    os.mkfifo(tmp_path / "2.wav")
    (tmp_path / "3.wav").symlink_to("/dev/zero")
    (tmp_path / "4.wav").mkdir()
    (tmp_path / "5.wav").symlink_to(tmp_path / "nowhere")
    names = [f"{number}.wav" for number in range(1, 6)]
    done = run_python(CLIPS_THAT_NEVER_END, tmp_path, *names)
    assert done.stdout == "['1.wav'] {'clips that cannot be decoded': 4}\n"


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "1.wav", noise(0.7))
    with pytest.raises(DatasetError, match="none of 1 clips has a labeled window"):
        extract([song(path, [30])], small_spec())


def test_many_links_to_a_clip_are_computed_once_and_are_one_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []
    compute = extraction.compute
    monkeypatch.setattr(extraction, "compute", lambda path, spec: computed.append(path) or compute(path, spec))
    path = write_audio(tmp_path / "0.wav", noise(1.2))
    songs = [song(path, [0])]
    for name in range(1, 5):
        (tmp_path / f"{name}.wav").symlink_to(path)
        songs.append(song(tmp_path / f"{name}.wav", [1]))
    songs.append(song(write_audio(tmp_path / "9.wav", noise(1.2, seed=9)), [1]))
    clips, _ = extract(songs, small_spec())
    assert len(computed) == 2
    table = tabulate(clips, small_spec())
    assert table.groups.tolist() == [0] * 10 + [1] * 2


@pytest.mark.slow
def test_workers_find_the_same(tmp_path: Path) -> None:
    songs = [song(write_audio(tmp_path / f"{name}.wav", noise(1.2, seed=name)), [0]) for name in range(3)]
    here = extract(songs, small_spec(), jobs=1)[0]
    there = extract(songs, small_spec(), jobs=2, cache=tmp_path / "cache")[0]
    for one, other in zip(here, there, strict=True):
        assert one.song is other.song
        np.testing.assert_array_equal(one.windows.descriptors, other.windows.descriptors)


def test_ctrl_c_counts_after_the_clip_in_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Inside libsndfile's read it would be taken for the end of the file, and half a clip would be kept for good."""
    finished = []

    def compute(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        finished.append(True)

    monkeypatch.setattr(extraction, "compute", compute)
    songs = [song(write_audio(tmp_path / f"{name}.wav", noise(1.2, seed=name)), [0]) for name in (1, 2)]
    with pytest.raises(KeyboardInterrupt):
        extract(songs, small_spec())
    assert finished == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _clip(name: str, group: str, recording: str, digest: str) -> Clip:
    labeled = Song(name, "set", recording, group, Path(name), np.zeros(1, np.int64), np.zeros((1, 2)))
    windows = ClipWindows(np.zeros((1, 264), np.float32), np.zeros(1), np.zeros(0, np.float32))
    return Clip(labeled, digest, windows)


def test_clips_are_grouped_by_artist_recording_and_content_also_by_way_of_others() -> None:
    """The last clip connects the first two: it is by the artist of one and has the content of the other."""
    clips = [
        _clip("1", "group: x", "a/1", "content 1"),
        _clip("2", "group: y", "a/2", "content 2"),
        _clip("3", "group: z", "a/3", "content 3"),
        _clip("4", "b/4", "a/3", "content 4"),
        _clip("5", "group: x", "a/5", "content 2"),
    ]
    assert tabulate(clips, small_spec(context=0)).groups.tolist() == [0, 0, 1, 1, 0]


def test_an_artist_is_one_group_in_all_data_sets(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_audio(tmp_path / name / "a.wav", noise(0.6, seed=len(name) + ord(name[0])))
        (tmp_path / name / "labels.csv").write_text("path,valence,arousal,group\na.wav,0.1,0.2,Some  Body\n")
    songs = [song for name in ("one", "two") for song in load_dataset(tmp_path / name).songs]
    spec = small_spec(context=0)
    table = tabulate(extract(songs, spec)[0], spec)
    assert table.groups.tolist() == [0, 0]
    assert table.datasets.tolist() == ["one", "two"]
    assert table.labels.tolist() == [[0.1, 0.2]] * 2

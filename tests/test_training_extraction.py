"""From clips to a table of windows: where labels go, what the cache keeps, what is left out."""

from __future__ import annotations

import signal
from pathlib import Path

import librosa
import numpy as np
import pytest
from test_training_helpers import RATE, WINDOW, noise, small_spec, song, write_annotations, write_audio

from emodj_live import DatasetError, EmodjError, FeatureExtractor
from emodj_live.training import default_spec, extract, extraction, load_dataset, tabulate


def test_label_at_t_belongs_to_the_window_that_begins_at_t(tmp_path: Path) -> None:
    """One window of noise at 3.5 s in a clip that is nearly silent: its label must meet it, and no neighbour's."""
    samples = noise(6.0, level=0.001)
    samples[7 * WINDOW : 8 * WINDOW] = noise(0.5, level=0.2)
    write_audio(tmp_path / "clips" / "1.wav", samples)
    times = range(1000, 6000, 500)
    labels = [0.9 if time == 3500 else -0.2 for time in times]
    write_annotations(tmp_path / "annotations", times, {"1": labels})
    table = tabulate(extract(load_dataset(tmp_path).songs, small_spec())[0])
    assert len(table.features) == 12
    assert np.flatnonzero(table.labelled).tolist() == list(range(2, 12))
    assert np.nanargmax(table.labels[:, 0]) == np.argmax(table.levels) == 7


def test_features_are_those_of_the_live_path(tmp_path: Path) -> None:
    samples = noise(2.3)
    path = write_audio(tmp_path / "1.flac", samples)
    spec = default_spec()
    (clip,), left_out = extract([song(path, [0, 3])], spec)
    windows = np.stack(np.split(np.round(samples * 32768)[: 4 * WINDOW] / 32768, 4)).astype(np.float32)
    np.testing.assert_allclose(clip.audio.features, FeatureExtractor(spec).extract(windows), atol=1e-3)
    np.testing.assert_allclose(clip.audio.levels, 20 * np.log10(np.sqrt((windows**2).mean(axis=1))), atol=1e-3)
    assert clip.audio.tail.size == round(2.3 * RATE) - 4 * WINDOW
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
    table = tabulate(clips)
    assert len(table.features) == 2
    assert np.unique(table.clips).tolist() == [0]


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "1.wav", noise(0.7))
    with pytest.raises(DatasetError, match="not one labelled window is left of 1 clips"):
        extract([song(path, [30])], small_spec())


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record what is computed and not taken from the cache: the extractor's spec, clip by clip."""
    calls: list[str] = []
    real = extraction.FeatureExtractor

    def spy(spec):  # type: ignore[no-untyped-def]
        calls.append(str(spec.top_db))
        return real(spec)

    monkeypatch.setattr(extraction, "FeatureExtractor", spy)
    return calls


def test_cache_is_found_by_content_and_by_spec(tmp_path: Path, computed: list[str]) -> None:
    cache = tmp_path / "cache"
    songs = [song(write_audio(tmp_path / f"{name}.wav", noise(1.2, seed=name)), [0]) for name in (1, 2)]

    def run(songs=songs, **changes: float):  # type: ignore[no-untyped-def]
        computed.clear()
        clips, _ = extract(songs, small_spec(**changes), cache=cache)
        return len(computed), [clip.audio.features for clip in clips]

    first = run()
    assert first[0] == 2
    again = run()
    assert again[0] == 0
    np.testing.assert_array_equal(again[1], first[1])
    changed = run(top_db=0.5)
    assert changed[0] == 2
    assert not np.array_equal(changed[1], first[1])
    moved = song((tmp_path / "1.wav").rename(tmp_path / "7.wav"), [0])
    assert run([moved])[0] == 0
    write_audio(tmp_path / "2.wav", noise(1.2, seed=3))
    assert run([songs[1]])[0] == 1


def test_cache_knows_the_mel_basis_and_the_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = small_spec()
    key = extraction._key(spec)
    assert key == extraction._key(small_spec())
    spec.mel_basis[3, 4] += 1
    assert extraction._key(spec) != key
    monkeypatch.setattr(extraction.ring_module, "__file__", str(write_audio(tmp_path / "x.wav", noise(0.1))))
    assert extraction._key(small_spec()) != key


def test_damaged_cache_entries_are_computed_anew(
    tmp_path: Path, computed: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    songs = [song(write_audio(tmp_path / f"{name}.wav", noise(1.2, seed=name)), [0]) for name in (1, 2, 3)]
    cache = tmp_path / "cache"
    before = extract(songs, small_spec(), cache=cache)[0]
    first, second, third = sorted(cache.rglob("output.pkl"))
    first.write_bytes(first.read_bytes()[:100])
    second.write_bytes(b"")
    third.write_bytes(b"no pickle")
    computed.clear()
    after = extract(songs, small_spec(), cache=cache)[0]
    assert len(computed) == 3
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.audio.features, other.audio.features)
    assert not caplog.records


def test_unusable_cache_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = write_audio(tmp_path / "1.wav", noise(1))
    with pytest.raises(EmodjError, match="choose another with --cache"):
        extract([song(path, [0])], small_spec(), cache=tmp_path / "file" / "cache")


def test_many_links_to_a_clip_are_computed_once_and_are_one_recording(tmp_path: Path, computed: list[str]) -> None:
    path = write_audio(tmp_path / "0.wav", noise(1.2))
    songs = [song(path, [0])]
    for name in range(1, 5):
        (tmp_path / f"{name}.wav").symlink_to(path)
        songs.append(song(tmp_path / f"{name}.wav", [1]))
    songs.append(song(write_audio(tmp_path / "9.wav", noise(1.2, seed=9)), [1]))
    clips, _ = extract(songs, small_spec())
    assert len(computed) == 2
    table = tabulate(clips)
    assert table.recordings.tolist() == [0] * 10 + [1] * 2


def test_workers_find_the_same(tmp_path: Path) -> None:
    songs = [song(write_audio(tmp_path / f"{name}.wav", noise(1.2, seed=name)), [0]) for name in range(3)]
    here = extract(songs, small_spec(), jobs=1)[0]
    there = extract(songs, small_spec(), jobs=2, cache=tmp_path / "cache")[0]
    for one, other in zip(here, there, strict=True):
        assert one.song is other.song
        np.testing.assert_array_equal(one.audio.features, other.audio.features)


def test_ctrl_c_counts_after_the_clip_in_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Raised inside libsndfile's read it would pass for the end of the file, and half a clip would be kept for good."""
    finished = []

    def compute(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        finished.append(True)

    monkeypatch.setattr(extraction, "_compute", compute)
    songs = [song(write_audio(tmp_path / f"{name}.wav", noise(1.2, seed=name)), [0]) for name in (1, 2)]
    with pytest.raises(KeyboardInterrupt):
        extract(songs, small_spec())
    assert finished == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

"""The cache of features: what finds an entry, and that an entry is what was written or nothing."""

from __future__ import annotations

import io
import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from test_training_helpers import noise, small_spec, song, write_audio

from emodj_live import EmodjError
from emodj_live.training import Song, extract, extraction
from emodj_live.training import cache as cache_module
from emodj_live.training.cache import FeatureCache, code_files, default_cache, fingerprint
from emodj_live.training.clip_windows import ClipWindows


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record what is computed and not taken from the cache."""
    names: list[str] = []
    compute = extraction.compute

    def recorded(path: Path, spec: object) -> ClipWindows:
        names.append(path.name)
        return compute(path, spec)  # type: ignore[arg-type]

    monkeypatch.setattr(extraction, "compute", recorded)
    return names


@pytest.fixture
def songs(tmp_path: Path) -> list[Song]:
    return [song(write_audio(tmp_path / f"{name}.wav", noise(1.2, seed=name)), [0]) for name in (1, 2, 3)]


def features(songs: list[Song], cache: Path, **changes: float) -> list[np.ndarray]:
    clips, _ = extract(songs, small_spec(**changes), cache=cache)
    return [clip.windows.descriptors for clip in clips]


def entries(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def test_an_entry_is_found_by_content_and_by_spec(tmp_path: Path, computed: list[str], songs: list[Song]) -> None:
    cache = tmp_path / "cache"
    first = features(songs, cache)
    assert computed == ["1.wav", "2.wav", "3.wav"]
    np.testing.assert_array_equal(features(songs, cache), first)
    assert len(computed) == 3
    assert not np.array_equal(features(songs, cache, top_db=1.0), first)
    assert len(computed) == 6
    moved = song((tmp_path / "1.wav").rename(tmp_path / "7.wav"), [0])
    np.testing.assert_array_equal(features([moved], cache), first[:1])
    assert len(computed) == 6
    write_audio(tmp_path / "2.wav", noise(1.2, seed=9))
    features(songs[1:2], cache)
    assert computed[6:] == ["2.wav"]


def test_the_fingerknownknows_the_mel_basis_the_code_and_the_libraries(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = small_spec()
    known = fingerprint(spec)
    assert known == fingerprint(small_spec())
    spec.mel_basis[3, 4] += 1
    assert fingerprint(spec) != known
    (tmp_path / "more.py").write_text("x = 1")
    with monkeypatch.context() as patch:
        patch.setattr(cache_module, "code_files", lambda: [*code_files(), tmp_path / "more.py"])
        assert fingerprint(small_spec()) != known
    monkeypatch.setattr(cache_module.soxr, "__version__", "0")
    assert fingerprint(small_spec()) != known


def test_the_code_that_counts_is_that_of_the_live_path(package: Path) -> None:
    names = {path.relative_to(package).as_posix() for path in code_files()}
    assert {"features.py", "ring.py", "tracker.py", "sources/file.py", "sources/resample.py"} <= names
    assert "training/clip_windows.py" in names


@pytest.mark.parametrize("position", [0, 31, 32, 700, -700, -1])
def test_a_flipped_bit_is_computed_again_without_a_word(
    tmp_path: Path, computed: list[str], songs: list[Song], position: int, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "cache"
    before = features(songs, cache)
    written = [path.read_bytes() for path in entries(cache)]
    damaged = bytearray(written[1])
    damaged[position] ^= 1
    entries(cache)[1].write_bytes(damaged)
    np.testing.assert_array_equal(features(songs, cache), before)
    assert len(computed) == 4
    assert not caplog.records
    assert [path.read_bytes() for path in entries(cache)] == written


def test_entries_that_were_not_written_for_this_are_computed_again(
    tmp_path: Path, computed: list[str], songs: list[Song]
) -> None:
    """Cut short, empty, and two that were exchanged: the digest is also of what an entry is for."""
    cache = tmp_path / "cache"
    before = features(songs, cache)
    first, second, third = entries(cache)
    one, other = first.read_bytes(), second.read_bytes()
    for replacements in ((one[:-1], other[:20], b""), (other, one, third.read_bytes() + b"x")):
        computed.clear()
        for path, content in zip((first, second, third), replacements, strict=True):
            path.write_bytes(content)
        np.testing.assert_array_equal(features(songs, cache), before)
        assert len(computed) == 3


def test_a_cache_holds_one_file_a_clip_and_no_code(tmp_path: Path, songs: list[Song]) -> None:
    features(songs, tmp_path / "cache")
    files = entries(tmp_path / "cache")
    assert len(files) == 3
    for file in files:
        assert len(file.name) == 64  # and no func_code.py, nor a .pkl
        content = file.read_bytes()[32:]
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            assert sorted(arrays) == ["descriptors", "levels", "tail"]


class _Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path(os.environ["TRAP"]),)


def test_a_pickle_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one behind the right digest."""
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    cache = FeatureCache(tmp_path, "fingerprint")
    windows = ClipWindows(np.ones((1, 4), np.float32), np.ones(1), np.ones(3, np.float32))
    cache.store("digest", windows)
    (entry,) = entries(tmp_path)
    for content in (pickle.dumps(_Trap()), _saved(np.array([_Trap()], object))):
        entry.write_bytes(cache_module._seal(entry.name, content) + content)
        with pytest.raises(ValueError, match="pickle"):
            cache.load("digest")
    assert not (tmp_path / "sprung").exists()
    pickle.loads(pickle.dumps(_Trap()))  # noqa: S301
    assert (tmp_path / "sprung").exists()  # the trap works


def _saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, descriptors=array, levels=array, tail=array)
    return buffer.getvalue()


def test_what_cannot_be_kept_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, songs: list[Song], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EmodjError) as caught:
        features(songs, tmp_path / "cache")
    why = "cannot be used as cache: No space left on device; choose another folder with --cache."
    assert str(caught.value) == f"{tmp_path / 'cache'}: {why}"
    assert not entries(tmp_path / "cache")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path, songs: list[Song]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmodjError, match="choose another folder with --cache"):
        features(songs, tmp_path / "file" / "cache")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other places")
def test_the_default_is_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "emodj-live"

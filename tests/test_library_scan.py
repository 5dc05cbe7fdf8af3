"""Scans: what is new is listened to, everything else is left alone, and nothing is lost."""

import builtins
import logging
import os
import shutil
import subprocess
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emodj_live import LibraryError, ModelError, analyze
from emodj_live.library import Library, Stamp, scan
from emodj_live.library import analysis as analysis_module
from emodj_live.library import bookkeeping as bookkeeping_module
from emodj_live.library.analysis import content_digest
from emodj_live.sources import ffmpeg

COUNTS = "added", "changed", "moved", "copied", "unchanged", "vanished", "pruned", "old_failures"


def name_of(path):
    return Path(os.fsdecode(path)).name


class Collection:
    """A folder of songs and its index, scanned in this process."""

    def __init__(self, folder, music):
        self.folder = folder / "music"
        self.folder.mkdir()
        self.log = folder / "log"
        self.library = Library(folder / "library.db")
        self._music = music

    def add(self, name, seed=0, seconds=1.5, **tags):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with soundfile.SoundFile(path, "w", 22050, 1) as file:
            for key, value in tags.items():
                setattr(file, key, value)
            file.write(self._music(seconds, seed))
        return path

    def scan(self, *paths, **options):
        return scan(paths or [self.folder], self.library, **{"jobs": 1, "log": self.log, **options})

    def counts(self, *paths, **options):
        """Scan, and return what came of it: the counts that are not 0."""
        report = self.scan(*paths, **options)
        counts = {name: getattr(report, name) for name in COUNTS} | {"failed": len(report.failures)}
        return {name: count for name, count in counts.items() if count}

    def begun(self):
        """Return how often each file was begun with, by name; and forget it."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return Counter(Path(line[6:]).name for line in lines if line.startswith("begin "))

    def names(self):
        """Return the names of the songs that are not missing, by their ids."""
        return {song.id: name_of(song.path) for song in self.library.songs()}


@pytest.fixture
def collection(tmp_path, music, model_path, monkeypatch):
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))
    collection = Collection(tmp_path, music)
    yield collection
    collection.library.close()


def change(path, seed, music):
    """Write other sound to a file, as if some time had passed."""
    soundfile.write(path, music(1.5, seed), 22050)
    later(path)


def later(path, seconds=10):
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + seconds * 10**9))


def test_songs_are_what_analyze_says(collection):
    paths = [
        collection.add("a.wav", 1),
        collection.add("deep/er/b.flac", 2, title="Title", artist="Artist", album="Album"),
    ]
    assert collection.counts() == {"added": 2}
    for path in paths:
        song, profile = collection.library.song_at(path), analyze(path)
        for name in ("valence", "arousal", "valence_std", "arousal_std", "shares", "level", "duration", "silence"):
            assert getattr(song, name) == getattr(profile, name)
        assert song.quadrant is profile.quadrant
        np.testing.assert_allclose(collection.library.arc(song.id), profile.arc, atol=1e-3)
        assert collection.library.query("SELECT content FROM song WHERE id = ?", (song.id,))[0][0] == content_digest(
            path
        )
    assert (song.title, song.artist, song.album) == ("Title", "Artist", "Album")


def test_what_the_model_knows_is_kept(collection, context_model, tmp_path):
    context_model.save(tmp_path / "context.npz")
    path = collection.add("a.wav", seconds=6)
    collection.scan(model=tmp_path / "context.npz")
    song, profile = collection.library.song_at(path), analyze(path, context_model)
    assert song.certainty == profile.certainty is not None
    assert (song.valence_rank, song.arousal_rank) == (profile.valence_rank, profile.arousal_rank)


def test_unchanged_files_are_not_opened(collection, monkeypatch):
    for seed in range(3):
        collection.add(f"{seed}.wav", seed)
    (collection.folder / "broken.mp3").write_bytes(b"no music")
    assert collection.counts() == {"added": 3, "failed": 1}
    assert collection.begun() == {"0.wav": 1, "1.wav": 1, "2.wav": 1, "broken.mp3": 1}
    opened = []

    def watch(opener):
        def watched(path, *arguments, **options):
            opened.append(os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else "")
            return opener(path, *arguments, **options)

        return watched

    monkeypatch.setattr(builtins, "open", watch(open))
    monkeypatch.setattr(os, "open", watch(os.open))
    monkeypatch.setattr(Path, "open", watch(Path.open))
    assert collection.counts() == {"unchanged": 3, "old_failures": 1}
    assert not [path for path in opened if path.startswith(str(collection.folder))]
    assert collection.begun() == {}


def test_a_changed_file_is_listened_to_again(collection, music):
    path = collection.add("a.wav", 1)
    collection.add("b.wav", 2)
    collection.scan()
    before = collection.library.song_at(path)
    change(path, 3, music)
    collection.begun()
    assert collection.counts() == {"changed": 1, "unchanged": 1}
    assert collection.begun() == {"a.wav": 1}
    after = collection.library.song_at(path)
    assert after.id == before.id
    assert after.valence == analyze(path).valence != before.valence


def test_a_file_with_another_time_and_the_same_content_is_not_listened_to(collection, monkeypatch):
    path = collection.add("a.wav")
    collection.scan()
    later(path)
    monkeypatch.setattr(analysis_module, "analyze", pytest.fail)
    assert collection.counts() == {"unchanged": 1}
    collection.begun()
    assert collection.counts() == {"unchanged": 1}
    assert collection.begun() == {}


def test_a_moved_file_keeps_its_row(collection, monkeypatch):
    first, second = collection.add("a.wav", 1), collection.add("b.wav", 2)
    collection.scan()
    before = collection.library.song_at(first)
    arc = collection.library.arc(before.id)
    first.rename(collection.folder / "new.wav")
    monkeypatch.setattr(analysis_module, "analyze", pytest.fail)
    assert collection.counts() == {"moved": 1, "unchanged": 1}
    after = collection.library.song_at(collection.folder / "new.wav")
    assert (after.id, after.valence) == (before.id, before.valence)
    np.testing.assert_array_equal(collection.library.arc(after.id), arc)
    assert len(collection.library) == 2
    assert collection.library.song_at(second) is not None
    assert collection.counts() == {"unchanged": 2}


def test_a_song_that_was_missing_is_found_in_another_folder(collection, tmp_path):
    path = collection.add("a.wav")
    collection.scan()
    number = collection.library.song_at(path).id
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path.rename(elsewhere / "a.wav")
    assert collection.counts() == {"vanished": 1}
    assert collection.counts(elsewhere) == {"moved": 1}
    assert collection.names() == {number: "a.wav"}


def test_a_file_that_was_moved_over_another_one(collection):
    first, second = collection.add("a.wav", 1), collection.add("b.wav", 2)
    collection.scan()
    number = collection.library.song_at(first).id
    later(first)
    first.rename(second)
    assert collection.counts() == {"moved": 1}
    assert collection.names() == {number: "b.wav"}


def test_files_that_changed_places(collection):
    first, second = collection.add("a.wav", 1), collection.add("b.wav", 2)
    collection.scan()
    values = [collection.library.song_at(path).valence for path in (first, second)]
    first.rename(collection.folder / "c")
    second.rename(first)
    (collection.folder / "c").rename(second)
    later(first)
    later(second)
    collection.begun()
    assert sum(collection.counts().values()) == 2
    assert collection.begun() == {"a.wav": 1, "b.wav": 1}
    assert [collection.library.song_at(path).valence for path in (first, second)] == values[::-1]


def test_copies_are_two_rows(collection, monkeypatch):
    path = collection.add("a.wav")
    collection.scan()
    shutil.copy(path, collection.folder / "b.wav")
    monkeypatch.setattr(analysis_module, "analyze", pytest.fail)
    assert collection.counts() == {"copied": 1, "unchanged": 1}
    first, second = (collection.library.song_at(collection.folder / name) for name in ("a.wav", "b.wav"))
    assert first.id != second.id
    assert (first.valence, first.shares) == (second.valence, second.shares)
    np.testing.assert_array_equal(collection.library.arc(first.id), collection.library.arc(second.id))
    assert collection.counts() == {"unchanged": 2}


def test_of_many_songs_of_one_size_the_moved_one_is_recognized(collection, monkeypatch):
    monkeypatch.setattr(bookkeeping_module, "_MOST_KNOWN", 1)
    paths = [collection.add(f"{seed}.wav", seed) for seed in range(5)]
    for seconds, path in enumerate(paths):
        later(path, seconds)
    collection.scan()
    number = collection.library.song_at(paths[3]).id
    paths[3].rename(collection.folder / "new.wav")
    monkeypatch.setattr(analysis_module, "analyze", pytest.fail)
    assert collection.counts() == {"moved": 1, "unchanged": 4}
    assert collection.names()[number] == "new.wav"


def test_copies_in_a_first_scan_are_two_rows(collection):
    shutil.copy(collection.add("a.wav"), collection.folder / "b.wav")
    collection.scan()
    assert sorted(collection.names().values()) == ["a.wav", "b.wav"]


def test_of_a_copy_that_is_gone_meanwhile_the_file_is_listened_to(collection, monkeypatch):
    path = collection.add("a.wav")
    collection.scan()
    shutil.copy(path, collection.folder / "b.wav")
    listen = analysis_module.listen

    def listen_while_another_program_removes_the_song(*arguments, **options):
        outcome = listen(*arguments, **options)
        collection.library.query("DELETE FROM song WHERE path = ?", (os.fsencode(path),))
        return outcome

    monkeypatch.setattr("emodj_live.library.crew.listen", listen_while_another_program_removes_the_song)
    assert collection.counts() == {"added": 1, "unchanged": 1}
    assert collection.begun() == {"a.wav": 1, "b.wav": 2}


def test_vanished_files_are_marked_and_come_back(collection, tmp_path):
    path = collection.add("a.wav", 1)
    collection.add("b.wav", 2)
    collection.scan()
    path.rename(tmp_path / "a.wav")
    assert collection.counts() == {"unchanged": 1, "vanished": 1}
    assert collection.library.song_at(path).is_missing
    assert len(collection.library) == 1
    assert collection.counts() == {"unchanged": 1}
    (tmp_path / "a.wav").rename(path)
    collection.begun()
    assert collection.counts() == {"unchanged": 2}
    assert collection.begun() == {}
    assert not collection.library.song_at(path).is_missing


def test_prune_removes_what_has_vanished(collection):
    path = collection.add("a.wav", 1)
    collection.add("b.wav", 2)
    collection.scan()
    path.unlink()
    assert collection.counts(prune=True) == {"unchanged": 1, "vanished": 1, "pruned": 1}
    assert collection.library.song_at(path) is None
    assert collection.library.query("SELECT count(*) FROM arc")[0][0] == 1


def test_prune_spares_other_folders(collection):
    paths = [collection.add(f"{folder}/{name}.wav", seed) for seed, folder in enumerate("ab") for name in "xy"]
    collection.scan()
    paths[0].unlink()
    paths[2].unlink()
    assert collection.counts(collection.folder / "b", prune=True) == {"unchanged": 1, "vanished": 1, "pruned": 1}
    assert collection.library.song_at(paths[0]) is not None
    assert collection.counts(prune=True)["pruned"] == 1


@pytest.mark.parametrize("is_mounted", [False, True])
def test_a_drive_that_is_not_there_loses_nothing(collection, is_mounted):
    drive = collection.folder / "drive"
    collection.add("drive/a.wav")
    collection.scan()
    shutil.rmtree(drive)
    if is_mounted:
        drive.mkdir()
    report = collection.scan(drive, prune=True)
    assert (report.vanished, report.pruned) == (1, 0)
    assert ["is not there any more" in problem.reason for problem in report.problems] == [True] * (not is_mounted)
    assert "has no music any more, so its songs were kept" in report.notices[0].reason
    assert len(collection.library.query("SELECT 1 FROM song")) == 1


def test_other_songs_are_not_looked_for(collection, tmp_path):
    path = collection.add("a/a.wav")
    collection.add("a.b/b.wav", 1)  # a name between the folder's and those in it
    collection.scan()
    shutil.rmtree(collection.folder / "a.b")
    path.unlink()
    assert collection.counts(collection.folder / "a") == {"vanished": 1}
    assert not collection.library.song_at(collection.folder / "a.b" / "b.wav").is_missing


def test_more_songs_than_are_asked_for_at_once(collection, monkeypatch):
    monkeypatch.setattr(bookkeeping_module, "_AT_ONCE", 2)
    paths = [collection.add(f"{seed}.wav", seed % 2) for seed in range(7)]
    collection.scan()
    for path in paths[1:]:
        path.unlink()
    assert collection.counts() == {"unchanged": 1, "vanished": 6}


# ----------------------------------------------------------------------------------------------------------- failures


def test_failures_are_kept_apart_with_their_reason(collection):
    collection.add("a.wav")
    collection.add("short.wav", seconds=0.2)
    (collection.folder / "broken.mp3").write_bytes(b"no music at all")
    (collection.folder / "empty.ogg").touch()
    report = collection.scan()
    assert {name_of(problem.path) for problem in report.failures} == {
        "short.wav",
        "broken.mp3",
        "empty.ogg",
    }
    assert all(problem.reason.startswith(f"{os.fsdecode(problem.path)}: is ") for problem in report.failures)
    reasons = dict(collection.library.failures())
    assert reasons[os.fsencode(collection.folder / "empty.ogg")] == "is empty; choose an audio file."
    assert collection.names() == {1: "a.wav"}


def test_a_failure_is_news_only_once(collection):
    (collection.folder / "broken.mp3").write_bytes(b"no music at all")
    assert collection.counts() == {"failed": 1}
    collection.begun()
    assert collection.counts() == {"old_failures": 1}
    assert collection.begun() == {}


def test_a_file_that_failed_is_tried_again_when_it_has_changed(collection, music):
    path = collection.folder / "a.wav"
    path.write_bytes(b"no music")
    collection.scan()
    change(path, 1, music)
    assert collection.counts() == {"added": 1}
    assert collection.library.failures() == []


def test_a_song_that_broke_is_no_song_any_more(collection):
    path = collection.add("a.wav")
    collection.scan()
    path.write_bytes(b"no music")
    assert collection.counts() == {"failed": 1}
    assert collection.library.song_at(path) is None


def test_failures_of_files_that_are_gone_are_forgotten(collection):
    path = collection.folder / "broken.mp3"
    path.write_bytes(b"no music at all")
    collection.scan()
    path.unlink()
    collection.scan()
    assert collection.library.failures() == []


def test_other_decoders_try_again(collection, monkeypatch):
    (collection.folder / "broken.mp3").write_bytes(b"no music at all")
    collection.scan()
    collection.begun()
    monkeypatch.setattr("emodj_live.library.scanning.decoders", lambda: "a better one")
    assert collection.counts() == {"old_failures": 1}  # for the same reason, which is no news
    assert collection.begun() == {"broken.mp3": 1}


@pytest.mark.skipif(not ffmpeg.is_available(), reason="needs ffmpeg")
def test_ffmpeg_is_tried_as_soon_as_it_is_installed(collection, tmp_path, monkeypatch):
    path = collection.add("a.wav")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-metadata", "title=Title", path.with_suffix(".m4a")], check=True
    )
    path.unlink()
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        report = collection.scan()
        assert "install ffmpeg" in report.failures[0].reason
        assert collection.counts() == {"old_failures": 1}
    assert collection.counts() == {"added": 1}
    assert collection.library.song_at(path.with_suffix(".m4a")).title == ("Title" if find_spec("mutagen") else None)


@pytest.fixture
def unreadable(monkeypatch):
    """Make files unreadable whose names are put into this set, even for root."""
    names = set()

    def open_unless_it_is_one(path, *arguments, **options):
        if isinstance(path, bytes) and name_of(path) in names:
            raise PermissionError(13, "Permission denied", path)
        return io_open(path, *arguments, **options)

    io_open = builtins.open
    monkeypatch.setattr(builtins, "open", open_unless_it_is_one)
    return names


def test_a_file_that_cannot_be_read_is_tried_at_every_scan(collection, unreadable):
    path = collection.add("a.wav")
    unreadable.add("a.wav")
    assert collection.counts() == {"failed": 1}
    assert collection.library.failures() == [(os.fsencode(path), "cannot be read: Permission denied.")]
    assert collection.counts() == {"old_failures": 1}
    unreadable.clear()
    assert collection.counts() == {"added": 1}


def test_the_song_of_a_file_that_cannot_be_read_is_missing_not_lost(collection, unreadable):
    path = collection.add("a.wav")
    collection.scan()
    number = collection.library.song_at(path).id
    later(path)
    unreadable.add("a.wav")
    assert collection.counts() == {"failed": 1}
    assert collection.library.song_at(path).is_missing
    unreadable.clear()
    assert collection.counts() == {"unchanged": 1}
    assert collection.names() == {number: "a.wav"}
    assert collection.library.failures() == []


def test_a_failure_to_read_a_file_is_forgotten_even_if_it_need_not_be_read(
    collection, unreadable, context_model, tmp_path
):
    collection.add("a.wav", seconds=3)
    collection.scan()
    context_model.save(tmp_path / "context.npz")
    unreadable.add("a.wav")
    assert collection.counts(model=tmp_path / "context.npz") == {"failed": 1}
    unreadable.clear()
    assert collection.counts() == {"unchanged": 1}
    assert collection.library.failures() == []
    assert len(collection.library) == 1


def test_an_error_that_nobody_expects_ends_no_scan(collection, monkeypatch):
    collection.add("a.wav", 1)
    collection.add("odd.wav", 2)

    def analyze_badly(path, model):
        if "odd" in path:
            raise ZeroDivisionError("odd")
        return analyze(path, model)

    monkeypatch.setattr(analysis_module, "analyze", analyze_badly)
    report = collection.scan()
    assert report.added == 1
    assert report.failures[0].reason.endswith("cannot be listened to, for no known reason: ZeroDivisionError('odd').")


def test_what_is_silent_is_a_song_that_is_never_near(collection):
    path = collection.folder / "silent.wav"
    soundfile.write(path, np.zeros(44100), 22050)
    assert collection.counts() == {"added": 1}
    song = collection.library.song_at(path)
    assert (song.silence, song.valence, song.arousal) == (1, 0, 0)
    assert set(song.shares.values()) == {0}
    assert collection.library.query("SELECT count(*) FROM place")[0][0] == 0


def test_what_is_odd_about_a_song_is_reported(collection, monkeypatch):
    samples = collection._music(1.5).copy()
    samples[100] = np.nan
    soundfile.write(collection.folder / "odd.wav", samples, 22050, subtype="FLOAT")
    logger = logging.getLogger("emodj_live")
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logger, "handlers", [])
    (notice,) = collection.scan().notices
    assert "odd.wav: " in notice.reason
    assert "not finite" in notice.reason
    assert logger.handlers == []


def test_what_a_program_shows_itself_is_not_reported_again(collection, caplog):
    samples = collection._music(1.5).copy()
    samples[100] = np.nan
    soundfile.write(collection.folder / "odd.wav", samples, 22050, subtype="FLOAT")
    assert collection.scan().notices == []
    assert "not finite" in caplog.text


# -------------------------------------------------------------------------------------------------------------- paths


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
def test_names_that_are_not_text_survive(collection):
    path = collection.folder / os.fsdecode(b"\xff\xfe \n.wav")
    collection.add("a.wav").rename(path)
    name = os.fsencode(path)
    (collection.folder / os.fsdecode(b"\xff.mp3")).write_bytes(b"no music")
    report = collection.scan()
    assert report.added == 1
    assert collection.library.song_at(name).path == name
    assert report.failures[0].reason.isprintable()
    assert collection.counts() == {"unchanged": 1, "old_failures": 1}
    assert "begin" in collection.log.read_text()
    path.unlink()
    assert collection.counts() == {"old_failures": 1, "vanished": 1}


def test_titles_are_one_printable_line(collection):
    path = collection.add("a.flac", title="bad \x1b[31m\nline " + "x" * 300)
    collection.scan()
    title = collection.library.song_at(path).title
    assert title.isprintable()
    assert 100 < len(title) <= 200


def test_files_and_playlists_may_be_named(collection, monkeypatch):
    collection.add("a.wav", 1)
    collection.add("b.wav", 2)
    collection.add("c.wav", 3)
    (collection.folder / "list.m3u").write_text("b.wav\nhttp://example.org/x.mp3\n")
    monkeypatch.chdir(collection.folder)
    report = collection.scan("a.wav", "list.m3u")
    assert (report.found, report.added, report.skipped_urls) == (2, 2, 1)
    assert sorted(collection.names().values()) == ["a.wav", "b.wav"]
    Path("b.wav").unlink()
    assert collection.counts("list.m3u") == {"vanished": 1}


def test_what_is_named_and_leads_nowhere_is_a_problem(collection):
    report = collection.scan(collection.folder / "no such folder")
    assert "there is no such file; check its name" in report.problems[0].reason
    assert (report.found, report.added) == (0, 0)


def test_a_playlist_may_name_impossible_files(collection):
    (collection.folder / "list.m3u").write_text("file:///a%00b.mp3\n" + "x" * 5000 + ".mp3\n")
    report = collection.scan(collection.folder / "list.m3u")
    assert (report.found, len(report.problems)) == (0, 2)


def test_a_file_that_is_gone_before_it_is_looked_at_is_left_out(collection, monkeypatch):
    path = collection.add("a.wav", 1)
    collection.add("b.wav", 2)
    stamp_of = Stamp.of

    def remove_first(name):
        path.unlink(missing_ok=True)
        return stamp_of(name)

    monkeypatch.setattr(Stamp, "of", remove_first)
    assert collection.counts() == {"added": 1}


# -------------------------------------------------------------------------------------------------------------- models


def test_another_model_listens_again(collection, context_model, tmp_path):
    path = collection.add("a.wav", seconds=3)
    collection.scan()
    before = collection.library.song_at(path)
    context_model.save(tmp_path / "context.npz")
    assert collection.counts(model=tmp_path / "context.npz") == {"changed": 1}
    after = collection.library.song_at(path)
    assert after.id == before.id
    assert after.valence == analyze(path, context_model).valence != before.valence
    assert collection.counts(model=tmp_path / "context.npz") == {"unchanged": 1}


def test_another_model_knows_a_moved_song_again(collection, context_model, tmp_path):
    path = collection.add("a.wav", seconds=3)
    collection.scan()
    number = collection.library.song_at(path).id
    context_model.save(tmp_path / "context.npz")
    path.rename(collection.folder / "b.wav")
    assert collection.counts(model=tmp_path / "context.npz") == {"changed": 1}
    assert collection.names() == {number: "b.wav"}


def test_the_same_model_in_another_file_is_the_same(collection, model_path, tmp_path):
    collection.add("a.wav")
    collection.scan()
    shutil.copy(model_path, tmp_path / "copy.npz")
    assert collection.counts(model=tmp_path / "copy.npz") == {"unchanged": 1}


def test_a_model_that_cannot_be_read(collection, tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"no model")
    for name in ("bad.npz", "none.npz"):
        with pytest.raises(ModelError, match=name):
            collection.scan(model=tmp_path / name)


# ------------------------------------------------------------------------------------------------------------ progress


def test_progress_is_told(collection, monkeypatch):
    monkeypatch.setattr("emodj_live.library.scanning._SHOWN_EVERY", 2)
    for seed in range(3):
        collection.add(f"{seed}.wav", seed)
    told = []
    collection.scan(progress=lambda done, total: told.append((done, total)))
    assert told == [(2, None), (0, 3), (1, 3), (2, 3), (3, 3)]


def test_each_song_is_in_the_index_as_soon_as_it_is_done(collection):
    for seed in range(3):
        collection.add(f"{seed}.wav", seed)

    def interrupt(done, total):
        if done == 2 and total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collection.scan(progress=interrupt)
    with Library(collection.library.path, read_only=True) as other:
        assert len(other) == 2
    assert collection.counts() == {"added": 1, "unchanged": 2}
    assert set(collection.begun().values()) == {1}


def test_the_log_says_what_became_of_each_file(collection):
    path = collection.add("a.wav")
    (collection.folder / "b.mp3").write_bytes(b"no music")
    collection.scan()
    lines = collection.log.read_text().splitlines()
    assert sorted(lines) == sorted(
        [
            f"begin {path}",
            f"done {path}",
            f"begin {collection.folder / 'b.mp3'}",
            f"failed {collection.folder / 'b.mp3'}",
        ]
    )


def test_a_full_disk_loses_nothing(collection, monkeypatch):
    collection.add("a.wav", 1)
    collection.scan()
    for number in range(40):
        collection.add(f"more/{number}.wav", number % 3, 1.0 + number / 100)
    pages = collection.library.query("PRAGMA page_count")[0][0]
    collection.library.query(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(LibraryError, match="the disk is full"):
        collection.scan()
    kept = len(collection.library)
    assert kept >= 1
    collection.library.query("PRAGMA max_page_count = 100000")
    assert collection.counts()["unchanged"] == kept
    assert len(collection.library) == 41


# ---------------------------------------------------------------------------------------------------------- many cores


@pytest.mark.slow
def test_workers_find_the_same(collection, tmp_path):
    for seed in range(6):
        collection.add(f"{seed}.wav", seed)
    (collection.folder / "broken.mp3").write_bytes(b"no music")
    collection.scan()
    with Library(tmp_path / "other.db") as other:
        report = scan([collection.folder], other, jobs=2)
        assert report.added == 6
        assert len(report.failures) == 1
        values = {song.path: song.as_dict() | {"id": None} for song in other.songs()}
    assert values == {song.path: song.as_dict() | {"id": None} for song in collection.library.songs()}

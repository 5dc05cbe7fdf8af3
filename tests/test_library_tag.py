"""``emodj-library tag``: what it shows, writes and removes, and songs that stay whole whatever happens."""

import errno
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emodj_live import LibraryError, Quadrant
from emodj_live.library import Library, Song, Stamp
from emodj_live.library.analysis import content_digest, model_digest
from emodj_live.library.command import main
from emodj_live.library.tagging.edits import SongError
from emodj_live.library.tagging.fields import NAMES, to_write
from emodj_live.library.tagging.kinds import open_tags
from emodj_live.library.tagging.replacing import clear_leftovers, copy_beside
from emodj_live.library.tagging.songs import Tagger
from emodj_live.model_file import default_path

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


class Collection:
    """A folder of songs, an index of them, and a command line."""

    def __init__(self, folder, write_audio, music, capsys):
        self.folder = folder / "music"
        self.folder.mkdir()
        self.database = folder / "library.db"
        self._write_audio, self._music, self._capsys = write_audio, music, capsys

    def add(self, name, valence=0.5, arousal=-0.25, *, seconds=1.0, model="some", **values):
        """Make a song and put it into the index."""
        path = self.folder / name
        if not path.exists():
            self._write_audio(f"made{Path(name).suffix}", self._music(seconds)).rename(path)
        known = {"valence_std": 0.1, "arousal_std": 0.1, "valence_rank": 0.5, "arousal_rank": 0.5, "certainty": 0.6}
        plain = {"title": name, "artist": None, "album": None, "duration": seconds, "level": -20.0, "silence": 0.0}
        song = Song(
            id=None,
            path=os.fsencode(path),
            valence=valence,
            arousal=arousal,
            quadrant=Quadrant.of(valence, arousal),
            shares=dict.fromkeys(Quadrant, 0.25),
            **{**known, **plain, **values},
        )
        with Library(self.database) as library, library.transaction():
            library.put(song, Stamp.of(path), content=content_digest(path), model=model, arc=np.zeros((2, 2)))
        return path

    def run(self, *arguments):
        """Run ``tag`` and return its exit code, its lines, and its messages."""
        code = main(["--db", str(self.database), "tag", *map(str, arguments)])
        said = self._capsys.readouterr()
        return code, said.out.splitlines(), said.err.splitlines()

    def is_known(self, path):
        """Return whether the index knows a file as it is, so that it need not be scanned."""
        with Library(self.database) as library:
            rows = library.query("SELECT size, mtime, content FROM song WHERE path = ?", (os.fsencode(path),))
        return tuple(rows[0]) == (*(lambda stamp: (stamp.size, stamp.mtime))(Stamp.of(path)), content_digest(path))


@pytest.fixture
def collection(tmp_path, write_audio, music, capsys):
    return Collection(tmp_path, write_audio, music, capsys)


def ours(path):
    with path.open("rb") as file:
        found = open_tags(file, path.name).found
    return {name: found[name] for name in NAMES if name in found}


CALM = {"MOOD": ["calm"], "EMODJ_VALENCE": ["0.5"], "EMODJ_AROUSAL": ["-0.25"], "EMODJ_CERTAINTY": ["0.6"]}


# --------------------------------------------------------------------------------------------------- what it is to do


def test_at_first_it_only_shows(collection):
    path = collection.add("a.flac")
    before, stamp = path.read_bytes(), path.stat()
    code, lines, said = collection.run()
    assert code == 0
    assert lines == [f"{path}: MOOD calm, EMODJ_VALENCE 0.5, EMODJ_AROUSAL -0.25, EMODJ_CERTAINTY 0.6"]
    assert said == ["1 song would be tagged.", "Nothing was written; add --write to do it."]
    assert path.read_bytes() == before
    assert path.stat().st_ino == stamp.st_ino


def test_it_writes_and_the_index_knows_the_file(collection):
    songs = [collection.add("a.flac"), collection.add("b.mp3", -0.5, -0.25)]
    assert collection.run("--write")[2] == ["2 songs tagged."]
    assert ours(songs[0]) == CALM
    assert ours(songs[1])["MOOD"] == ["sad"]
    assert all(map(collection.is_known, songs))
    assert sorted(path.name for path in collection.folder.iterdir()) == ["a.flac", "b.mp3"]


def test_a_second_time_changes_nothing(collection):
    path = collection.add("a.flac")
    collection.run("--write")
    before = path.stat()
    assert collection.run("--write") == (0, [], ["1 song was tagged already."])
    assert path.stat() == before


def test_new_values_replace_old_ones(collection):
    path = collection.add("a.flac")
    collection.run("--write")
    collection.add("a.flac", -0.5, 0.25, certainty=None)
    assert collection.run("--write")[1] == [
        f"{path}: MOOD tense, EMODJ_VALENCE -0.5, EMODJ_AROUSAL 0.25, EMODJ_CERTAINTY removed"
    ]
    assert ours(path) == {"MOOD": ["tense"], "EMODJ_VALENCE": ["-0.5"], "EMODJ_AROUSAL": ["0.25"]}


def test_removing_restores_the_file(collection):
    path = collection.add("a.flac")
    before = path.read_bytes()
    collection.run("--write")
    code, lines, said = collection.run("--remove")
    assert (code, said) == (0, ["1 song would be untagged.", "Nothing was written; add --write to do it."])
    assert lines == [f"{path}: {', '.join(f'{name} removed' for name in NAMES)}"]
    assert collection.run("--remove", "--write")[2] == ["1 song untagged."]
    assert path.read_bytes() == before
    assert collection.is_known(path)
    assert collection.run("--remove", "--write") == (0, [], ["1 song was without tags of ours."])


def test_somebody_elses_mood_stays_unless_forced(collection):
    from mutagen.flac import FLAC

    path = collection.add("a.flac")
    tags = FLAC(path)
    tags["mood"] = "Dark"
    tags.save()
    collection.add("a.flac")
    _, lines, said = collection.run("--write")
    assert lines[0].endswith("EMODJ_CERTAINTY 0.6, its own MOOD Dark stays")
    assert said[1] == "1 song with a MOOD that somebody else wrote, which stays; --force replaces it."
    assert ours(path) == {**CALM, "MOOD": ["Dark"]}
    collection.run("--remove", "--write")
    assert ours(path) == {"MOOD": ["Dark"]}
    collection.run("--force", "--write")
    assert ours(path) == CALM


def test_songs_are_chosen_by_name_and_by_filters(collection):
    collection.add("a.flac"), collection.add("b.flac", -0.5, 0.25), collection.add("c.flac")
    assert [line.split(":")[0][-6:] for line in collection.run()[1]] == ["a.flac", "b.flac", "c.flac"]
    assert [line.split(":")[0][-6:] for line in collection.run("--mood", "tense")[1]] == ["b.flac"]
    assert [line.split(":")[0][-6:] for line in collection.run("c.flac", "1")[1]] == ["a.flac", "c.flac"]
    assert [line.split(":")[0][-6:] for line in collection.run("c.flac", "1", "--text", "c.flac")[1]] == ["c.flac"]
    assert collection.run("--mood", "sad") == (0, [], ["emodj-library: no song is like that."])
    assert collection.run("nothing")[0] == 1


def test_silence_has_no_mood(collection):
    collection.add("a.flac", silence=1.0)
    assert collection.run()[1] == []


def test_force_is_not_for_removing(collection):
    with pytest.raises(SystemExit, match="2"):
        collection.run("--force", "--remove")


def test_it_says_once_that_the_bundled_model_has_terms(collection):
    collection.add("a.flac")
    assert not any("non-commercial" in line for line in collection.run()[2])
    for name in "bc":
        collection.add(f"{name}.flac", model=model_digest(default_path().read_bytes()))
    assert sum("non-commercial and share-alike" in line for line in collection.run("--write")[2]) == 1
    assert not any("non-commercial" in line for line in collection.run("--write")[2])
    assert not any("non-commercial" in line for line in collection.run("--remove")[2])


def test_a_scan_has_nothing_to_do_afterwards(collection, model_path, write_audio, music, capsys):
    for number, name in enumerate(("a.flac", "b.mp3", "c.ogg", "d.wav")):
        write_audio(name, music(1.0, number)).rename(collection.folder / name)
    scan = ["--db", str(collection.database), "scan", str(collection.folder), "--model", str(model_path), "-j", "1"]
    assert main(scan) == 0
    assert "4 added" in capsys.readouterr().err
    for options in (["--write"], ["--remove", "--write"]):
        assert collection.run(*options)[0] == 0
        assert main(scan) == 0
        assert "4 unchanged" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------- what may go wrong


def test_what_has_changed_since_the_scan_is_left_alone(collection):
    first, second = collection.add("a.flac"), collection.add("b.flac")
    os.utime(first, ns=(0, 0))
    before = first.read_bytes()
    code, lines, said = collection.run("--write")
    assert code == 1
    assert said == [
        f"emodj-library: {first}: has changed since it was scanned; scan it again first.",
        "1 song tagged; 1 song could not be tagged.",
    ]
    assert first.read_bytes() == before
    assert ours(second) == CALM
    assert len(lines) == 1


@posix
def test_a_read_only_file_is_left_alone(collection):
    path = collection.add("a.flac")
    path.chmod(0o444)
    for options in ((), ("--write",)):
        code, lines, said = collection.run(*options)
        assert (code, lines) == (1, [])
        assert said[0] == f"emodj-library: {path}: is read-only; its tags were left alone."
    assert ours(path) == {}


def needs_leases(path):
    """Skip a test where the system does not tell whether a file is open elsewhere."""
    if sys.platform != "linux":
        pytest.skip("needs Linux")
    import fcntl

    with path.open("rb") as file:
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except OSError:
            pytest.skip("needs leases")


def test_a_file_that_is_being_played_is_left_alone(collection):
    path, other = collection.add("a.flac"), collection.add("b.flac")
    needs_leases(path)
    with path.open("rb"):
        code, _, said = collection.run("--write")
    assert code == 1
    assert said[0].endswith("a.flac: is open in another program, such as a player; close it there, and try again.")
    assert (ours(path), ours(other)) == ({}, CALM)
    assert collection.run("--write")[0] == 0


def test_files_that_cannot_be_tagged_are_reported(collection, tmp_path):
    (collection.folder / "a.caf").write_bytes(b"caff" + bytes(100))
    (collection.folder / "b.flac").write_bytes(b"fLaC")
    gone = collection.add("a.caf"), collection.add("b.flac"), collection.add("c.flac")
    gone[2].unlink()
    code, _, said = collection.run("--write")
    assert code == 1
    assert [line.partition(".flac: ")[2] for line in said[:2]] == [
        "cannot be tagged: its FLAC metadata are damaged.",
        f"cannot be read: {os.strerror(errno.ENOENT)}.",
    ]
    assert said[2:] == ["2 songs could not be tagged; 1 song is of a kind that cannot be tagged."]
    code, _, said = collection.run("1", "--write")
    assert code == 1
    assert "a.caf: cannot be tagged: its kind of file" in said[0]


def test_a_missing_song_that_is_named_is_reported(collection):
    collection.add("a.flac", is_missing=True).unlink()
    assert collection.run()[0] == 0
    code, _, said = collection.run("1")
    assert code == 1
    assert "cannot be read" in said[0]


def tag_in_a_process(collection, before=""):
    """Run ``tag --write`` in a fresh process after some code; return what it said."""
    code = f"""
import os, resource, signal, sys
from emodj_live.library.command import main
{before}
sys.exit(main(["--db", sys.argv[1], "tag", "--write"]))
"""
    return subprocess.run(
        [sys.executable, "-c", code, collection.database], capture_output=True, text=True, timeout=60, check=False
    )


@posix
def test_a_disk_that_is_full_leaves_the_song_whole(collection):
    """A limit of a file's size stops the copy in the middle of it, as a full disk does."""
    path, small = collection.add("a.wav", seconds=20.0), collection.add("b.flac")
    before = path.read_bytes()
    assert len(before) > 800_000 > 2 * collection.database.stat().st_size
    done = tag_in_a_process(collection, "resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))")
    assert done.returncode == 1
    reason = os.strerror(errno.EFBIG)
    assert done.stderr.splitlines()[0].endswith(f"a.wav: cannot be written: {reason}; the song is as it was.")
    assert path.read_bytes() == before
    assert collection.is_known(path)
    assert ours(small) == CALM
    assert sorted(each.name for each in collection.folder.iterdir()) == ["a.wav", "b.flac"]


KILLED = """
import os, signal, sys
from emodj_live.library.tagging.replacing import clear_leftovers, copy_beside
def pieces():
    yield b"half"
    sys.stdout.write("written")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
with copy_beside(os.fsencode(sys.argv[1]), pieces()):
    pass
"""


@posix
def test_a_killed_program_leaves_the_song_whole_and_a_copy_that_goes_next_time(collection):
    path = collection.add("a.flac")
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", KILLED, path], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (-9, "written")
    assert path.read_bytes() == before
    assert [stat.S_IMODE(each.stat().st_mode) for each in collection.folder.glob(".emodj-*.part")] != []
    collection.run("--write")
    assert [each.name for each in collection.folder.iterdir()] == ["a.flac"]


@posix
def test_the_copy_of_a_living_program_stays(collection):
    path = collection.add("a.flac")
    before = path.read_bytes()
    with copy_beside(os.fsencode(path), [b"half", b"and half"]) as copy:
        clear_leftovers(os.fsencode(collection.folder))
        assert Path(os.fsdecode(copy)).read_bytes() == b"halfand half"
    assert [each.name for each in collection.folder.iterdir()] == ["a.flac"]
    assert path.read_bytes() == before


def test_an_index_in_use_stops_before_the_song_is_touched(collection):
    path = collection.add("a.flac")
    before = path.read_bytes()
    other = sqlite3.connect(collection.database, isolation_level=None)
    with Library(collection.database, timeout=0.1) as library:
        tagger = Tagger(library, to_write, writes=True)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LibraryError, match="in use by another program") as caught:
            tagger(library.find("a.flac"))
        assert not isinstance(caught.value, SongError)
    other.close()
    assert path.read_bytes() == before
    assert [each.name for each in collection.folder.iterdir()] == ["a.flac"]


def test_a_file_that_changes_meanwhile_is_left_alone(collection):
    path = collection.add("a.flac")

    def planner(found, song):
        path.write_bytes(b"fLaC, but another one")
        return to_write(found, song)

    with Library(collection.database) as library, pytest.raises(SongError, match="has changed just now"):
        Tagger(library, planner, writes=True)(library.find("a.flac"))
    assert path.read_bytes() == b"fLaC, but another one"


# ----------------------------------------------------------------------------------------------- what is kept of a file


@posix
def test_permissions_owner_and_attributes_are_kept(collection):
    path = collection.add("a.flac")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    has_attributes = hasattr(os, "setxattr")
    if has_attributes:
        try:
            os.setxattr(path, "user.note", b"kept")
        except OSError:
            has_attributes = False
    collection.add("a.flac")
    before = path.stat()
    assert collection.run("--write")[0] == 0
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_mtime_ns > before.st_mtime_ns
    assert not has_attributes or os.getxattr(path, "user.note") == b"kept"


@posix
def test_a_symbolic_link_stays_one_and_all_names_are_known(collection, tmp_path):
    real = collection.add("a.flac").rename(tmp_path / "real.flac")
    for name in ("a.flac", "b.flac"):
        (collection.folder / name).symlink_to(real)
        collection.add(name)
    assert collection.run("--write")[2] == ["1 song tagged; 1 song was tagged already."]
    assert ours(real) == CALM
    assert all((collection.folder / name).is_symlink() for name in ("a.flac", "b.flac"))
    assert collection.is_known(collection.folder / "a.flac")
    assert collection.is_known(collection.folder / "b.flac")


@posix
def test_another_hard_link_keeps_the_song_as_it_was(collection, tmp_path):
    path = collection.add("a.flac")
    before = path.read_bytes()
    (tmp_path / "backup.flac").hardlink_to(path)
    said = collection.run("--write")[2]
    assert said == ["1 song tagged.", "1 of the files have other hard links, which keep the song as it was."]
    assert (tmp_path / "backup.flac").read_bytes() == before
    assert ours(path) == CALM


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are no text")
def test_a_name_that_is_no_text(collection):
    path = collection.add("\udcff\x1b[31m.flac", title=None)
    code, lines, _ = collection.run("--write")
    assert code == 0
    assert lines[0].startswith(f"{collection.folder}/\\udcff?[31m.flac: MOOD calm")
    assert ours(path) == CALM
    assert collection.is_known(path)

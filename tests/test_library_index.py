"""The index: what is put in comes out again, what is wrong with a database is one sentence."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

import emodj_live.library
from emodj_live import LibraryError, Quadrant, SongProfile
from emodj_live.library import Library, Song, Stamp, default_database
from emodj_live.library.schema import APPLICATION_ID, VERSION

PACKAGE = Path(emodj_live.__file__).parent

STAMP = Stamp(1000, 1_700_000_000_123_456_789)
ARC = np.array([[0.25, -0.5], [np.nan, np.nan], [0.125, 1]], np.float32)
PROFILE = SongProfile(
    valence=0.1,
    arousal=0.2,
    valence_std=0.3,
    arousal_std=0.4,
    shares={Quadrant.HAPPY: 0.5, Quadrant.TENSE: 0.25, Quadrant.SAD: 0.25, Quadrant.CALM: 0.0},
    arc=ARC,
    level=-20.5,
    duration=1.5,
    silence=0.0,
    certainty=0.75,
    valence_rank=0.625,
    arousal_rank=0.5,
)


@pytest.fixture
def library(tmp_path):
    with Library(tmp_path / "library.db") as library:
        yield library


def song(path=b"/music/song.mp3", **changes):
    return replace(Song.from_profile(path, PROFILE), **changes)


def put(library, song, *, content=b"content", model="model"):
    return library.put(song, STAMP, content=content, model=model, arc=ARC)


def placed(library):
    """Return the ids in the R*Tree."""
    return [row["id"] for row in library.query("SELECT id FROM place ORDER BY id")]


def test_what_is_put_in_comes_out_again(library):
    given = song(b"/music/\xff \xe4.mp3", title="Tïtle", artist="Artist", album="Album")
    number = put(library, given)
    found = library.song(number)
    assert found == replace(given, id=number)
    assert library.song_at(b"/music/\xff \xe4.mp3") == found
    assert list(library.songs()) == [found]
    assert len(library) == 1
    np.testing.assert_array_equal(library.arc(number), ARC)


def test_what_a_model_does_not_know_stays_unknown(library):
    given = song(certainty=None, valence_rank=None, arousal_rank=None)
    assert library.song(put(library, given)) == replace(given, id=1)


def test_nothing_is_found_in_an_empty_index(library):
    assert library.song(1) is None
    assert library.song_at("/music/song.mp3") is None
    assert library.arc(1).shape == (0, 2)
    assert list(library.songs()) == []
    assert len(library) == 0


def test_a_path_that_is_known_keeps_its_id(library):
    first, _ = put(library, song()), put(library, song(b"/music/other.mp3"))
    assert put(library, song(valence=-0.5, quadrant=Quadrant.TENSE)) == first
    assert library.song(first).valence == -0.5
    assert len(library) == 2


def test_a_song_is_no_failure_any_more(library):
    library.query("INSERT INTO failure VALUES (?, 1, 1, 'model', NULL, 'is broken.')", (b"/music/song.mp3",))
    assert library.failures() == [(b"/music/song.mp3", "is broken.")]
    put(library, song())
    assert library.failures() == []


def test_the_tree_holds_what_can_be_played(library):
    there, silent = put(library, song()), put(library, song(b"/music/silent.mp3", silence=1.0))
    assert placed(library) == [there]
    library.mark_missing([there])
    assert placed(library) == []
    assert [each.id for each in library.songs()] == [silent]
    library.mark_missing([there], is_missing=False)
    assert placed(library) == [there]
    put(library, song(valence=0.75))
    assert library.query("SELECT min_valence, max_valence FROM place")[0][:] == (0.75, 0.75)
    library.query("DELETE FROM song WHERE id = ?", (there,))
    assert placed(library) == []
    assert library.arc(there).shape == (0, 2)


def test_a_changed_file_with_the_same_sound(library):
    number = put(library, song())
    library.restamp(number, Stamp(7, 8), b"tagged")
    assert library.query("SELECT size, mtime, content FROM song")[0][:] == (7, 8, b"tagged")


def test_a_transaction_is_all_or_nothing(library):
    def interrupted():
        with library.transaction():
            put(library, song())
            with library.transaction():
                put(library, song(b"/music/other.mp3"))
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert len(library) == 0
    with library.transaction():
        put(library, song())
    assert len(library) == 1


def test_other_threads_may_ask(library):
    put(library, song())
    found = []
    thread = threading.Thread(target=lambda: found.extend(library.songs()))
    with library.transaction():
        thread.start()
        thread.join(0.05)
        assert not found  # it waits until the transaction is over
    thread.join()
    assert found == list(library.songs())


def test_many_songs_are_yielded(library):
    with library.transaction():
        for number in range(600):
            put(library, song(b"/music/%d.mp3" % number))
    assert [each.id for each in library.songs("WHERE id > ? ORDER BY id", (10,))] == list(range(11, 601))


# ------------------------------------------------------------------------------------------------------------- names


@pytest.fixture
def three(library, tmp_path):
    """Put three songs into the index; their ids are 1 to 3."""
    put(library, song(os.fsencode(tmp_path / "one.mp3"), title="Jóga", artist="Björk"))
    put(library, song(b"/music/two.mp3", title="Joga Bonito", artist="Someone"))
    put(library, song(b"/music/42/\xff.mp3"))
    return library


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("2", 2),
        ("/music/two.mp3", 2),
        ("/music/../music/two.mp3", 2),
        ("BONITO", 2),
        ("BJÖRK", 1),
        ("björk - jó", 1),
        ("jóga", 1),
        ("one.MP3", 1),
        ("42/", 3),
        ("42", 3),
        ("\udcff.mp3", 3),
    ],
)
def test_a_song_is_found_by_name(three, name, number):
    assert three.find(name).id == number


def test_a_whole_title_goes_before_parts(three):
    put(three, song(b"/music/long.mp3", title="Bonito"))
    assert three.find("bonito").id == 4


def test_a_name_of_several_songs(three):
    with pytest.raises(LibraryError, match=r"mp3: fits several songs \(1: Björk - Jóga; 2: .*; 3: .*\); give more"):
        three.find("mp3")


def test_a_name_of_many_songs_lists_some(library):
    for number in range(9):
        put(library, song(b"/music/%d.mp3" % number))
    with pytest.raises(LibraryError, match="; 5: 4.mp3 and more\\)"):
        library.find("music")


@pytest.mark.parametrize("name", ["no such song", "7", ""])
def test_a_name_of_no_song(three, name):
    three.query("DELETE FROM song WHERE id = 3")
    three.mark_missing([1, 2])
    with pytest.raises(LibraryError, match="no song in the index has such an id, path or title"):
        three.find(name)


def test_json_has_plain_values_in_order(library):
    given = replace(song(b"/music/\xff.mp3", title="Title"), id=5)
    record = given.as_dict()
    assert list(record) == [field.name for field in fields(Song) if field.name != "is_missing"]
    assert record["path"] == "/music/\\udcff.mp3"
    assert record["quadrant"] == "happy"
    assert record["shares"] == {"happy": 0.5, "tense": 0.25, "sad": 0.25, "calm": 0.0}
    record["path"].encode()


@pytest.mark.parametrize(
    ("title", "artist", "name"),
    [("T", "A", "A - T"), ("T", None, "T"), (None, "A", "song.mp3"), (None, None, "song.mp3")],
)
def test_what_a_song_is_called(title, artist, name):
    assert song(title=title, artist=artist).name == name


def test_a_song_outside_the_index_has_an_absolute_path(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert Song.from_profile("a.mp3", PROFILE).path == os.fsencode(tmp_path / "a.mp3")


def test_the_door_names_no_module():
    """Otherwise the name would mean the module once that is imported."""
    modules = {path.stem for path in (PACKAGE / "library").glob("*.py")}
    assert modules & set(emodj_live.library.__all__) == set()


# --------------------------------------------------------------------------------------------------------- databases


def test_the_default_is_in_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    path = default_database()
    assert path.name == "library.db"
    if sys.platform == "linux":
        assert path == tmp_path / "emodj-live" / "library.db"
        with Library() as library:
            assert library.path == path
        assert path.exists()


def test_it_says_what_it_is(library):
    assert library.query("PRAGMA application_id")[0][0] == APPLICATION_ID
    assert library.query("PRAGMA user_version")[0][0] == VERSION
    assert library.query("PRAGMA journal_mode")[0][0] == "wal"


def test_folders_are_made(tmp_path):
    Library(tmp_path / "a" / "b" / "library.db").close()
    assert (tmp_path / "a" / "b" / "library.db").exists()


def test_closing_twice_does_nothing(library):
    library.close()
    library.close()


def test_what_is_read_only_is_not_made(tmp_path):
    with pytest.raises(LibraryError, match="there is no index yet; make one with: emodj-library scan FOLDER"):
        Library(tmp_path / "library.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_what_is_read_only_cannot_be_written_to(library):
    put(library, song())
    with Library(library.path, read_only=True) as reader:
        assert len(reader) == 1
        with pytest.raises(LibraryError, match="cannot be written to; change its permissions"):
            put(reader, song(b"/music/other.mp3"))


def newer(path):
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()


def foreign(path):
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE song(title)")
    connection.close()


def nonsense(path):
    path.write_bytes(b"nonsense " * 1000)


def damaged(path):
    content = bytearray(path.read_bytes())
    content[100:4096] = bytes(3996)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (newer, f"was written by a newer version of emodj-live .format {VERSION + 1}, this one reads {VERSION}."),
        (foreign, "is a database, but not a library of songs"),
        (nonsense, "is not a database; choose another file"),
        (damaged, "is damaged; restore a copy of it"),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_what_cannot_be_used_is_told_in_a_sentence_and_left_alone(tmp_path, harm, message, read_only):
    path = tmp_path / "library.db"
    with Library(path) as library:
        put(library, song())
    harm(path)
    before = path.read_bytes()
    with pytest.raises(LibraryError, match=message) as caught:
        Library(path, read_only=read_only)
    assert str(caught.value).startswith(f"{path}: ")
    assert path.read_bytes() == before


def test_a_folder_or_a_device_is_no_database(tmp_path):
    with pytest.raises(LibraryError, match="is a folder"):
        Library(tmp_path)
    if os.name != "nt":
        with pytest.raises(LibraryError, match="is a device or a pipe"):
            Library(os.devnull)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LibraryError, match="file: cannot be created"):
        Library(tmp_path / "file" / "library.db")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_permissions_that_are_missing(tmp_path):
    path = tmp_path / "library.db"
    Library(path).close()
    path.chmod(0o444)
    with pytest.raises(LibraryError, match="cannot be written to; change its permissions"):
        Library(path)
    tmp_path.chmod(0o555)
    with Library(path, read_only=True) as library:
        assert len(library) == 0
    with pytest.raises(LibraryError, match="cannot be opened; check the folder and its permissions"):
        Library(tmp_path / "other.db")
    tmp_path.chmod(0o755)


def test_a_full_disk(library):
    put(library, song())
    pages = library.query("PRAGMA page_count")[0][0]
    library.query(f"PRAGMA max_page_count = {pages}")

    def fill():
        with library.transaction():
            for number in range(1000):
                put(library, song(b"/music/%d.mp3" % number))

    with pytest.raises(LibraryError, match="the disk is full; what is in the index is safe"):
        fill()
    assert len(library) == 1
    assert library.query("PRAGMA integrity_check")[0][0] == "ok"
    library.query("PRAGMA max_page_count = 100000")
    put(library, song(b"/music/other.mp3"))
    assert len(library) == 2


def test_a_lock_that_is_held_for_long(library):
    put(library, song())
    with sqlite3.connect(library.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LibraryError, match="is in use by another program for too long; try again"):
            Library(library.path, timeout=0.01)
        with Library(library.path, read_only=True, timeout=0.01) as reader:
            assert len(reader) == 1  # whoever reads does not wait
        other.execute("ROLLBACK")
    other.close()


CREATE = """
import sys
from emodj_live.library import Library
with Library(sys.argv[1]) as library:
    print(len(library))
"""


def test_programs_that_create_it_at_once(tmp_path):
    processes = [
        subprocess.Popen([sys.executable, "-c", CREATE, tmp_path / "library.db"], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["0\n"] * 4
    with Library(tmp_path / "library.db") as library:
        assert library.query("PRAGMA integrity_check")[0][0] == "ok"


def test_a_mistake_of_the_program_is_not_told_as_one_of_the_world(library):
    with pytest.raises(sqlite3.ProgrammingError):
        library.query("SELECT ?", ())


def test_a_copy_of_the_file_is_whole_after_closing(tmp_path):
    with Library(tmp_path / "library.db") as library:
        put(library, song())
    shutil.copy(tmp_path / "library.db", tmp_path / "copy.db")
    with Library(tmp_path / "copy.db", read_only=True) as copy:
        assert len(copy) == 1

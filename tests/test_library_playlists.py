"""Playlists as files: what is written leads back to the songs, whatever their names."""

import logging
import os
import sys
from pathlib import Path

import pytest
from made_songs import made_song

from emodj_live import LibraryError
from emodj_live.library import as_m3u8, write_playlist
from emodj_live.library.playlist_file import read_playlist

ODD_NAMES = [
    b"plain.mp3",
    b"#hash.mp3",
    b" blank in front.mp3",
    b"blank behind.mp3 ",
    b"not \xe9 text \xff.mp3",
    "Ünïcode – 音.mp3".encode(),
    b"http:colon.mp3",
    b"C:drive.mp3",
    b"100%25.mp3",
    b"back\\slash.mp3",
    b"tab\there.mp3",
    b"-dash.mp3",
    b"~tilde.mp3",
]


def songs_at(paths):
    return [made_song(number, 0.0, 0.0, path=path) for number, path in enumerate(paths)]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux alone")
@pytest.mark.parametrize("is_absolute", [False, True])
@pytest.mark.parametrize("below", [b"", b"sub folder/", b"#sub/"])
def test_every_name_leads_back_to_its_file(tmp_path, is_absolute, below):
    folder = os.fsencode(tmp_path)
    (tmp_path / below.decode()).mkdir(exist_ok=True)
    paths = [folder + b"/" + below + name for name in ODD_NAMES]
    for path in paths:
        Path(os.fsdecode(path)).touch()
    for place in (tmp_path / "list.m3u8", tmp_path / "deep" / "er" / "list.m3u"):
        place.parent.mkdir(parents=True, exist_ok=True)
        write_playlist(place, songs_at(paths), is_absolute=is_absolute)
        entries = read_playlist(os.fsencode(place))
        assert list(entries.paths) == paths
        assert entries.urls == 0


def test_it_is_an_extended_m3u(tmp_path):
    songs = [
        made_song(0, 0, 0, path=b"/music/a.mp3", artist="Ann", title="One", duration=59.6),
        made_song(1, 0, 0, path=b"/music/b.mp3", artist=None, title=None, duration=123.4),
        made_song(2, 0, 0, path=b"/music/c.mp3", artist="Bé", title="two\nlines"),
    ]
    lines = ["#EXTM3U", "#EXTINF:60,Ann - One", "/music/a.mp3", "#EXTINF:123,b.mp3", "/music/b.mp3"]
    lines += ["#EXTINF:240,Bé - two?lines", "/music/c.mp3", ""]
    assert as_m3u8(songs) == "\n".join(lines).encode()
    assert as_m3u8([]) == b"#EXTM3U\n"


def test_relative_paths_lead_from_the_playlist_to_the_songs(tmp_path):
    inside, outside = (os.fsencode(tmp_path / name) for name in ("lists/more/a.mp3", "music/b.mp3"))
    data = as_m3u8(songs_at([inside, outside]), tmp_path / "lists")
    assert data.splitlines()[2::2] == [b"more/a.mp3", b"../music/b.mp3"]


def test_a_folder_behind_a_link_is_the_real_one(tmp_path):
    """The system follows the link first, and ".." afterward."""
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep")
    song = tmp_path / "song.mp3"
    song.touch()
    write_playlist(tmp_path / "link" / "list.m3u8", songs_at([os.fsencode(song)]))
    line = (tmp_path / "real" / "deep" / "list.m3u8").read_text().splitlines()[2]
    assert (tmp_path / "link" / line).samefile(song)


@pytest.mark.parametrize("name", [b"line\nbreak.mp3", b"carriage\rreturn.mp3", b"end\n"])
def test_a_name_with_a_line_break_is_left_out_and_reported(name, caplog):
    with caplog.at_level(logging.WARNING, "emodj_live"):
        data = as_m3u8(songs_at([b"/music/a.mp3", b"/music/" + name, b"/music/b.mp3"]))
    assert data.splitlines()[2::2] == [b"/music/a.mp3", b"/music/b.mp3"]
    assert [record.message for record in caplog.records if "line break" in record.message]


def test_it_replaces_a_playlist_whole_or_not_at_all(tmp_path, monkeypatch):
    place = tmp_path / "list.m3u8"
    place.write_text("#EXTM3U\nold.mp3\n")

    def broken(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken)
        with pytest.raises(LibraryError, match="list.m3u8: cannot be written: No space left"):
            write_playlist(place, songs_at([b"/music/a.mp3"]))
    assert place.read_text() == "#EXTM3U\nold.mp3\n"
    write_playlist(place, songs_at([b"/music/a.mp3"]))
    assert b"old" not in place.read_bytes()
    assert os.listdir(tmp_path) == ["list.m3u8"]  # noqa: PTH208


def test_nothing_but_a_playlist_is_overwritten(tmp_path):
    song = tmp_path / "song.mp3"
    song.write_bytes(b"sound")
    with pytest.raises(ValueError, match=r"must end in .m3u8 or .m3u, got .*song.mp3"):
        write_playlist(song, [])
    assert song.read_bytes() == b"sound"
    linked = tmp_path / "list.m3u8"
    linked.symlink_to(song)
    write_playlist(linked, [])
    assert song.read_bytes() == b"sound"


@pytest.mark.parametrize(
    ("name", "why"), [("nowhere/list.m3u8", "cannot be written: No such"), ("d.m3u8", "is a folder")]
)
def test_what_cannot_be_written_is_reported(tmp_path, name, why):
    (tmp_path / "d.m3u8").mkdir()
    with pytest.raises(LibraryError, match=f"{Path(name).name}: {why}"):
        write_playlist(tmp_path / name, songs_at([b"/music/a.mp3"]))

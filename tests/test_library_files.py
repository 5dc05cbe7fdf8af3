"""From named paths to audio files: folders, links, hidden and odd names, playlists in all their spellings."""

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from emodj_live import errors
from emodj_live.library.files import MEDIA, find_media
from emodj_live.library.playlist_file import read_playlist

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX file names")


@pytest.fixture
def folder(tmp_path):
    """Return an empty folder of which no path leads through a link."""
    found = Path(os.path.realpath(tmp_path)) / "music"
    found.mkdir()
    return found


def fill(folder, *names):
    """Make files, and the folders that they are in."""
    for name in names:
        path = os.path.join(os.fsencode(folder), os.fsencode(name))  # noqa: PTH118
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(b"not looked at")


def found_in(folder, *paths):
    """Return what is found, relative to the folder, and the search."""
    search = find_media(paths or [folder])
    start = os.fsencode(folder) + b"/"
    found = list(search)
    assert all(path.startswith(start) for path in found)
    return [os.fsdecode(path.removeprefix(start)) for path in found], search


def reasons(search):
    return [problem.reason for problem in search.problems]


# -------------------------------------------------------------------------------------------------------------- folders


def test_media_of_a_folder_in_order(folder):
    fill(folder, "b.mp3", "a.M4A", "B/2.flac", "B/1.wav", "A/x/deep.opus", "c.mkv", "B.ogg")
    found, search = found_in(folder)
    assert found == ["B.ogg", "a.M4A", "b.mp3", "c.mkv", "A/x/deep.opus", "B/1.wav", "B/2.flac"]
    assert (search.problems, search.skipped_urls) == ([], 0)
    assert found_in(folder)[0] == found


def test_what_is_not_media_is_passed_over_in_silence(folder):
    names = [
        "cover.jpg",
        "notes.txt",
        "album.nfo",
        "album.cue",
        "booklet.pdf",
        "list.m3u",
        "mp3",
        "song.mp3.part",
        ".mp3",
    ]
    fill(folder, *names)
    found, search = found_in(folder)
    assert (found, search.problems) == ([], [])


def test_a_search_opens_no_file(folder):
    fill(folder, "a.mp3", "list.m3u", "x.jpg")
    program = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(args[0]) if event == 'open' else None)\n"
        "from emodj_live.library.files import find_media\n"
        "print(len(list(find_media(sys.argv[1:]))), [path for path in map(str, opened) if sys.argv[1] in path])"
    )
    done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=True)
    assert done.stdout == "1 []\n"


def test_hidden_files_and_folders_are_passed_over(folder):
    fill(folder, ".hidden.mp3", "._song.mp3", ".Trash-1000/old.mp3", "$RECYCLE.BIN/x.mp3", "@eaDir/song.mp3/x.mp3")
    fill(folder, "...And Justice for All/One.mp3", ".38 Special/Caught.mp3", "song.mp3")
    assert found_in(folder)[0] == ["song.mp3", "...And Justice for All/One.mp3", ".38 Special/Caught.mp3"]


def test_a_hidden_folder_or_file_that_is_named_is_searched(folder):
    fill(folder, ".music/a.mp3", ".x.mp3", "b.mp3")
    assert found_in(folder, folder / ".music", folder / ".x.mp3")[0] == [".music/a.mp3", ".x.mp3"]
    assert sorted(found_in(folder, folder, folder / ".x.mp3")[0]) == [".x.mp3", "b.mp3"]


@POSIX
def test_names_that_are_no_text_survive(folder):
    names = [b"caf\xe9.mp3", b"line\nbreak.mp3", b"-dash.mp3", b"100%.mp3", b"a:b.mp3", b"dir\xff/x.wav"]
    fill(folder, *names)
    found = list(find_media([folder]))
    assert {os.path.relpath(path, os.fsencode(folder)) for path in found} == set(names)
    assert all(os.path.isabs(path) for path in found)  # noqa: PTH117


def test_paths_are_absolute(folder, monkeypatch):
    fill(folder, "x/a.mp3", "b.mp3")
    monkeypatch.chdir(folder / "x")
    expected = [os.fsencode(folder / "x/a.mp3"), os.fsencode(folder / "b.mp3")]
    for paths in [(".", "../b.mp3"), (b".", b"../x/../b.mp3"), (Path(), Path("../b.mp3"))]:
        assert list(find_media(paths)) == expected


@POSIX
def test_each_real_folder_once(folder):
    fill(folder, "z/a.mp3", "z/y/b.mp3")
    (folder / "a link to z").symlink_to(folder / "z")
    (folder / "z" / "loop").symlink_to(folder)
    (folder / "self").symlink_to("self")
    found, search = found_in(folder, folder, folder / "z", folder / "a link to z", folder)
    assert found == ["z/a.mp3", "z/y/b.mp3"]
    assert search.problems == []


@POSIX
def test_links_to_folders_are_followed_after_real_ones(folder):
    fill(folder, "elsewhere/one/1.mp3", "other/2.mp3")
    (folder / "here").mkdir()
    (folder / "here" / "to").symlink_to(folder / "elsewhere")
    (folder / "here" / "too").symlink_to(folder / "elsewhere" / "one")
    assert found_in(folder, folder / "here")[0] == ["here/to/one/1.mp3"]
    assert found_in(folder, folder / "here", folder / "elsewhere")[0] == ["elsewhere/one/1.mp3"]


@POSIX
def test_links_to_files_are_files(folder):
    fill(folder, "song.mp3")
    (folder / "best.mp3").symlink_to("song.mp3")
    found, search = found_in(folder)
    assert (found, search.problems) == (["best.mp3", "song.mp3"], [])


@POSIX
@pytest.mark.parametrize("is_named", [False, True])
def test_what_is_neither_file_nor_folder_is_reported_if_it_is_named(is_named, folder):
    (folder / "broken.mp3").symlink_to("nowhere.mp3")
    (folder / "loop.mp3").symlink_to("loop.mp3")
    os.mkfifo(folder / "pipe.mp3")
    (folder / "zero.mp3").symlink_to("/dev/zero")
    for name in ["broken.jpg", "loop"]:
        (folder / name).symlink_to(name)
    found, search = found_in(folder, *(sorted(folder.glob("*.mp3")) if is_named else [folder]))
    assert found == []
    if not is_named:
        assert reasons(search) == []
        return
    assert reasons(search) == [
        f"{folder}/broken.mp3: is a link that leads nowhere; check its name.",
        f"{folder}/loop.mp3: is a link that leads nowhere; check its name.",
        f"{folder}/pipe.mp3: is a pipe or a device, not a file; check its name.",
        f"{folder}/zero.mp3: is a pipe or a device, not a file; check its name.",
    ]


UNREADABLE = """
import os, sys
from emodj_live.library import files, playlist_file
if not os.geteuid():  # who may read everything
    os.seteuid(65534)
search = files.find_media([sys.argv[1], sys.argv[1]])
print([os.path.basename(path) for path in search])
print(*(problem.reason for problem in search.problems), sep="\\n")
"""


@POSIX
def test_a_folder_that_cannot_be_read_is_reported_once(run_python):
    with TemporaryDirectory() as name:  # in the folders around tmp_path another user may not look
        folder = Path(os.path.realpath(name))
        fill(folder, "open/a.mp3", "closed/b.mp3", "z.mp3")
        (folder / "link").symlink_to("closed")
        folder.chmod(0o755)
        (folder / "closed").chmod(0)
        found, *lines = run_python(UNREADABLE, folder).stdout.splitlines()
        (folder / "closed").chmod(0o755)
    assert found == "[b'z.mp3', b'a.mp3']"
    assert lines == [f"{folder}/closed: cannot be read: Permission denied; check its permissions."]


def test_a_large_folder_takes_little_memory(tmp_path):
    """Files of folders that are done are forgotten."""
    fill(tmp_path, *(f"{folder:02}/{number:03}.mp3" for folder in range(40) for number in range(100)))
    tracemalloc.start()
    count = sum(1 for _ in find_media([tmp_path]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 4000
    assert peak < 150_000


def test_every_suffix_is_small(folder):
    assert {b"mp3", b"m4a", b"flac", b"opus", b"wma", b"mkv"} <= MEDIA
    assert not {b"jpg", b"txt", b"nfo", b"cue", b"pdf", b"m3u", b"ts", b"png", b"log"} & MEDIA
    assert all(suffix == suffix.lower() for suffix in MEDIA)


# ---------------------------------------------------------------------------------------------------------- named files


def test_a_file_that_is_named_is_always_tried(folder):
    fill(folder, "song.txt", "noname", "song.mp3")
    assert found_in(folder, folder / "song.txt", folder / "noname")[0] == ["song.txt", "noname"]
    assert found_in(folder, folder / "song.txt", folder, folder / "noname")[0] == ["song.txt", "song.mp3", "noname"]


def test_each_file_once(folder):
    fill(folder, "a.mp3", "b.mp3", "x/c.mp3")
    a, c = folder / "a.mp3", folder / "x" / "c.mp3"
    (folder / "list.m3u").write_text("a.mp3\nx/c.mp3\na.mp3\n")
    for paths in [(a, a, folder), (folder, a, c), (c, folder, folder / "list.m3u"), (folder / "list.m3u", folder, a)]:
        assert sorted(found_in(folder, *paths)[0]) == ["a.mp3", "b.mp3", "x/c.mp3"]


@POSIX
def test_a_file_through_a_link_to_its_folder_is_the_same(folder):
    fill(folder, "x/c.mp3")
    (folder / "link").symlink_to("x")
    assert found_in(folder, folder / "link" / "c.mp3", folder / "x")[0] == ["link/c.mp3"]
    assert found_in(folder, folder / "x", folder / "link" / "c.mp3")[0] == ["x/c.mp3"]


def test_what_is_missing_is_reported_once(folder):
    found, search = found_in(folder, folder / "no.mp3", folder / "no.mp3", folder / "no" / "x.m3u", "")
    assert found == []
    assert reasons(search) == [
        f"{folder}/no.mp3: there is no such file; check its name.",
        f"{folder}/no/x.m3u: there is no such file; check its name.",
        ": there is no such file; check its name.",
    ]
    assert search.problems[0].path == os.fsencode(folder / "no.mp3")


def test_an_address_is_reported(folder):
    _, search = found_in(folder, "https://example.org/a.mp3")
    assert reasons(search) == ["https://example.org/a.mp3: is an address, not a file; download it first."]


def test_searching_twice_gives_the_same(folder):
    fill(folder, "a.mp3")
    (folder / "list.m3u").write_text("a.mp3\nhttp://x/y\nno.mp3")
    search = find_media([folder / "list.m3u", folder])
    first = list(search), search.skipped_urls, reasons(search)
    assert (list(search), search.skipped_urls, reasons(search)) == first
    assert first[1] == len(first[0]) == len(first[2]) == 1


# ------------------------------------------------------------------------------------------------------------ playlists


def entries(folder, text, name="list.m3u8"):
    """Return what a playlist of these bytes names, relative to its folder, and how many addresses."""
    path = folder / name
    path.write_bytes(text)
    found = read_playlist(os.fsencode(path))
    return [os.path.relpath(entry, os.fsencode(folder)) for entry in found.paths], found.urls


def test_m3u(folder):
    text = b"#EXTM3U\r\n#EXTINF:123,Somebody - Blue\r\na.mp3\r\n\r\n  # a remark\r\nx/b.mp3\r\n/abs/c.mp3"
    found, urls = entries(folder, text)
    assert found[:2] == [b"a.mp3", b"x/b.mp3"]
    assert os.path.abspath(os.path.join(os.fsencode(folder), found[2])) == b"/abs/c.mp3"  # noqa: PTH100, PTH118
    assert (len(found), urls) == (3, 0)


def test_pls(folder):
    text = b"[playlist]\nNumberOfEntries=3\nFile1=a.mp3\nTitle1=File2=x\nLength1=3\nfile2 = b c.mp3\nFile10=http://x/\nFile4=\n"
    assert entries(folder, text, "list.PLS") == ([b"a.mp3", b"b c.mp3"], 1)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_marks_and_line_ends(mark, end, folder):
    fill(folder, "ä.mp3")
    assert entries(folder, mark + "ä.mp3".encode() + end + b"b.mp3")[0] == ["ä.mp3".encode(), b"b.mp3"]


def test_utf16(folder):
    assert entries(folder, "#EXTM3U\nä.mp3\n".encode("utf-16"))[0] == ["ä.mp3".encode()]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Motörhead.mp3", "Motörhead.mp3".encode("latin-1")),
        ("Don’t – €.mp3", "Don’t – €.mp3".encode("cp1252")),
        ("Motörhead.mp3", "Motörhead.mp3".encode()),
        ("x/b.mp3", b"x\\b.mp3"),
        ("x/ö.mp3", "x\\ö.mp3".encode("latin-1")),
        ("a b.mp3", b"  a b.mp3\t"),
        (" blanks .mp3 ", b" blanks .mp3 "),
        ("a b.mp3", b"a%20b.mp3"),
        ("100%20.mp3", b"100%20.mp3"),
        ("ü.mp3", b"%C3%BC.mp3"),
        ("C:x.mp3", b"C:x.mp3"),
    ],
)
def test_spellings(name, written, folder):
    fill(folder, name)
    assert entries(folder, written, "list.m3u") == ([name.encode()], 0)


@POSIX
def test_bytes_as_they_are_come_first(folder):
    fill(folder, b"\xe4.mp3", "ä.mp3")
    assert entries(folder, b"\xe4.mp3") == ([b"\xe4.mp3"], 0)


def test_file_addresses(folder):
    fill(folder, "a b.mp3", "ü.mp3")
    start = str(folder).encode()
    for written in [b"file://" + start, b"file://localhost" + start, b"FILE://" + start, b"file:" + start]:
        text = written + b"/a%20b.mp3\n" + written + b"/%c3%bc.mp3"
        assert entries(folder, text) == ([b"a b.mp3", "ü.mp3".encode()], 0)
    assert entries(folder, b"file://server/share/a.mp3") == ([], 1)
    fill(folder, "100%.mp3", "100%25.mp3")
    assert entries(folder, b"file://" + start + b"/100%25.mp3") == ([b"100%.mp3"], 0)


def test_addresses_are_counted(folder):
    fill(folder, "a.mp3")
    addresses = b"http://example.org/a.mp3\nHTTPS://x/y\n rtsp://x\nmms://x/z\n"
    (folder / "list.m3u").write_bytes(addresses + b"a.mp3")
    found, search = found_in(folder, folder / "list.m3u", folder / "list.m3u")
    assert (found, search.skipped_urls, search.problems) == (["a.mp3"], 4, [])


def test_missing_entries_are_reported_once(folder):
    (folder / "list.m3u").write_bytes(b"no.mp3\nC:\\Music\\x.mp3\n")
    (folder / "more.m3u").write_bytes(b"no.mp3\nfile:///%00\n")
    found, search = found_in(folder, folder / "list.m3u", folder / "more.m3u")
    assert found == []
    assert reasons(search)[:2] == [
        f"{folder}/no.mp3: there is no such file; {folder}/list.m3u lists it.",
        f"{folder}/C:\\Music\\x.mp3: there is no such file; {folder}/list.m3u lists it.",
    ]
    assert len(search.problems) == 3


def test_playlists_in_playlists(folder):
    fill(folder, "a.mp3", "x/b.mp3", "y/c.mp3", "d.mp3")
    (folder / "one.m3u").write_text("a.mp3\nx/two.pls\nd.mp3\n")
    (folder / "x" / "two.pls").write_text("[playlist]\nFile1=b.mp3\nFile2=../one.m3u\nFile3=../y\n")
    found, search = found_in(folder, folder / "one.m3u")
    assert (found, search.problems) == (["a.mp3", "x/b.mp3", "y/c.mp3", "d.mp3"], [])


def test_a_long_chain_of_playlists(folder):
    fill(folder, "end.mp3")
    for number in range(1500):
        (folder / f"{number}.m3u").write_text(f"{number + 1}.m3u\n" if number < 1499 else "end.mp3")
    assert found_in(folder, folder / "0.m3u")[0] == ["end.mp3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:6\na.ts\n", "lists the pieces of a stream, not songs; name the songs"),
        (b"ID3\4\0\0\0\xff\xfb", "is not a playlist; name a text file that lists songs"),
    ],
)
def test_what_is_not_a_playlist_of_songs(text, message, folder):
    (folder / "x.m3u8").write_bytes(text)
    found, search = found_in(folder, folder / "x.m3u8")
    assert found == []
    (reason,) = reasons(search)
    assert reason.startswith(f"{folder}/x.m3u8: {message}")
    assert reason.endswith(".")


def test_a_playlist_without_songs_is_no_problem(folder):
    (folder / "x.m3u8").write_bytes(b"#EXTM3U\n\n")
    assert found_in(folder, folder / "x.m3u8")[1].problems == []


@POSIX
def test_a_pipe_is_no_playlist(folder):
    os.mkfifo(folder / "x.m3u")
    with pytest.raises(errors.LibraryError, match="is a pipe or a device, not a playlist"):
        read_playlist(os.fsencode(folder / "x.m3u"))
    assert reasons(found_in(folder, folder / "x.m3u")[1]) == [
        f"{folder}/x.m3u: is a pipe or a device, not a file; check its name."
    ]


def test_a_missing_playlist(folder):
    with pytest.raises(errors.LibraryError, match=r"no\.m3u: cannot be read: No such file"):
        read_playlist(os.fsencode(folder / "no.m3u"))

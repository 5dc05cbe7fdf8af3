"""The collection over HTTP, by a real server on the loopback, with the files of a real index."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from email.utils import formatdate

import numpy as np
import pytest
import soundfile
from served_collection import SCRIPT, SONGS, Client, running

from emodj_live import LibraryError
from emodj_live.library import Length, Library, scan, walk
from emodj_live.library.command import main
from emodj_live.library.readers import Readers

pytest.importorskip("starlette", reason="needs the extra web")
pytest.importorskip("uvicorn", reason="needs the extra web")

from emodj_live.library.song_file import media_type, part_of

pytest_plugins = ["served_collection"]

PROGRAM = [sys.executable, "-c", "from emodj_live.__main__ import library_console; library_console()"]
unix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


@pytest.fixture(scope="module")
def port(collection):
    with running(collection / "library.db") as number:
        yield number


@pytest.fixture
def ask(port):
    return Client(port)


@pytest.fixture
def library(collection):
    with Library(collection / "library.db", read_only=True) as opened:
        yield opened


# ----------------------------------------------------------------------------------------------------------- endpoints


def test_the_collection_and_its_moods(ask, library):
    told = ask.json("/collection")
    assert told["songs"] == SONGS
    assert set(told["moods"]) == {"happy", "tense", "sad", "calm"}
    assert told["moods"]["happy"][0] >= told["moods"]["sad"][0]


def test_the_map_has_each_song_at_its_place(ask, library):
    told = ask.json("/songs")
    songs = list(library.songs("ORDER BY id"))
    assert told["ids"] == [song.id for song in songs]
    assert told["valence"] == pytest.approx([song.valence for song in songs], abs=6e-5)
    assert told["arousal"] == pytest.approx([song.arousal for song in songs], abs=6e-5)
    assert told["next"] is None


def test_the_map_comes_in_pages(ask, monkeypatch):
    monkeypatch.setattr("emodj_live.library.pages._PAGE", 4)
    first = ask.json("/songs")
    second = ask.json(f"/songs?after={first['next']}")
    assert [len(first["ids"]), len(second["ids"]), second["next"]] == [4, 2, None]
    assert len({*first["ids"], *second["ids"]}) == SONGS


def test_a_song(ask, library):
    song = library.song(2)
    told = ask.json("/songs/2")
    assert {name: told[name] for name in ("id", "valence", "duration", "quadrant", "file")} == {
        "id": 2,
        "valence": song.valence,
        "duration": song.duration,
        "quadrant": song.quadrant.value,
        "file": os.fsdecode(song.path).rpartition("/")[2],
    }
    assert told["color"].startswith("#")
    assert "path" not in told


def test_a_title_of_markup_stays_text(ask):
    (song,) = ask.json("/search?q=nobody")["songs"]
    assert song["title"] == SCRIPT
    assert ask(f"/songs/{song['id']}")[1]["content-type"] == "application/json"


def test_an_arc(ask, library):
    told = ask.json("/songs/3/arc")
    assert told["step"] == 0.5
    assert np.array(told["points"]) == pytest.approx(library.arc(3), abs=6e-5)


def test_what_is_not_known_of_an_arc_is_null(tmp_path, collection):
    with Library(collection / "library.db") as library, Library(tmp_path / "copy.db") as copy, copy.transaction():
        stamp = type("Stamp", (), {"size": 1, "mtime": 1})()
        arc = np.array([[0.5, 0.25], [np.nan, np.nan]])
        copy.put(library.song(1), stamp, content=b"1", model="0" * 64, arc=arc)
    with running(tmp_path / "copy.db") as port:
        assert Client(port).json("/songs/1/arc")["points"] == [[0.5, 0.25], None]


def test_similar_songs(ask, library):
    song = library.song(4)
    told = ask.json("/songs/4/similar?n=3")["songs"]
    others = [each for each in library.songs() if each.id != 4]
    others.sort(key=lambda each: np.hypot(each.valence - song.valence, each.arousal - song.arousal))
    assert [each["id"] for each in told] == [each.id for each in others[:3]]
    assert told[0]["distance"] <= told[1]["distance"]


def test_search(ask):
    assert [song["file"] for song in ask.json("/search?q=THREE+tune")["songs"]] == ["three tune.wav"]
    told = ask.json("/search?q=tune")
    assert (len(told["songs"]), told["has_more"]) == (SONGS, False)
    assert ask.json("/search?q=%25_%27%22;--")["songs"] == []


def test_a_search_that_finds_much(ask, monkeypatch):
    monkeypatch.setattr("emodj_live.library.pages._MOST_FOUND", 2)
    told = ask.json("/search?q=tune")
    assert (len(told["songs"]), told["has_more"]) == (2, True)


def test_a_playlist_from_here_to_there(ask, library):
    low, high = (sorted(library.songs(), key=lambda song: song.valence)[place] for place in (0, -1))
    way = f"from={low.valence},{low.arousal}&to={high.valence},{high.arousal}&minutes=5"
    songs = ask.json(f"/playlist?{way}")["songs"]
    length = Length(seconds=300)
    points = [(song.valence, song.arousal) for song in (low, high)]
    assert [song["id"] for song in songs] == [song.id for song in walk(library, *points, length)]
    assert songs[0]["id"] == low.id
    status, headers, body = ask(f"/playlist.m3u8?{way}")
    assert status == 200
    assert headers["content-type"].startswith("audio/x-mpegurl")
    assert headers["content-disposition"] == 'attachment; filename="playlist.m3u8"'
    paths = [line for line in body.splitlines() if not line.startswith(b"#")]
    assert paths == [library.song(song["id"]).path for song in songs]


def test_a_playlist_from_mood_to_mood(ask):
    assert ask.json("/playlist?from=calm&to=happy")["songs"]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/songs/0", 404, "no such song"),
        ("/songs/7", 404, "no such song"),
        ("/songs/-1", 404, "no such song"),
        ("/songs/1.5/arc", 404, "no such song"),
        ("/songs/9223372036854775808", 404, "no such song"),
        (f"/songs/{'9' * 4000}/audio", 404, "no such song"),
        ("/songs/%D9%A1/audio", 404, "no such song"),
        ("/songs/99/similar", 404, "no such song"),
        ("/songs?after=-1", 400, "after must be a number"),
        ("/songs?after=nan", 400, "after must be a number"),
        ("/songs?after=1e400", 400, "after must be a number"),
        ("/songs/1/similar?n=0", 400, "n must be a number from 1 to 100"),
        ("/songs/1/similar?n=many", 400, "n must be a number"),
        ("/playlist", 400, "from must be valence and arousal"),
        ("/playlist?from=0,0", 400, "to must be"),
        ("/playlist?from=0,0&to=0,2", 400, "to must be"),
        ("/playlist?from=0,nan&to=0,0", 400, "from must be"),
        ("/playlist?from=0,0,0&to=0,0", 400, "from must be"),
        ("/playlist?from=calm&to=bored", 400, "to must be"),
        ("/playlist.m3u8?from=0,0&to=0,0&minutes=0", 400, "minutes must be a number from 1 to 600"),
        ("/playlist?from=0,0&to=0,0&minutes=1e9", 400, "minutes must be"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(ask, path, status, said):
    assert said in ask.refusal(path, status)


@pytest.mark.parametrize(
    "path",
    [
        "/songs/../../etc/passwd",
        "/songs/1/../../../etc/passwd",
        "/songs/%2e%2e%2fetc%2fpasswd/audio",
        "/songs//etc/passwd/audio",
        "/songs/1/audio/../../../library.db",
        "/library.db",
        "/%00",
        "/songs/1%00/audio",
    ],
)
def test_paths_lead_nowhere(ask, path):
    status, _, body = ask(path)
    assert status == 404
    assert b"root:" not in body
    assert b"SQLite" not in body


def test_nothing_but_reading_is_allowed(ask):
    assert [ask("/songs/1", method)[0] for method in ("POST", "PUT", "DELETE", "PATCH")] == [405] * 4


def test_an_empty_index(tmp_path):
    Library(tmp_path / "empty.db").close()
    with running(tmp_path / "empty.db") as port:
        ask = Client(port)
        assert ask.json("/collection") == {"songs": 0, "moods": {}}
        assert ask.json("/songs") == {"ids": [], "valence": [], "arousal": [], "next": None}
        said = ask.refusal("/playlist?from=calm&to=happy", 503)
        assert said == "The index has no songs yet; scan some with: emodj-library scan FOLDER."


# ----------------------------------------------------------------------------------------------------- files and ranges


@pytest.fixture
def file(library):
    """Return the bytes of song 1."""
    with open(library.song(1).path, "rb") as opened:  # noqa: PTH123 (of bytes)
        return opened.read()


def test_a_whole_file(ask, file):
    status, headers, body = ask("/songs/1/audio")
    assert (status, body) == (200, file)
    assert headers["content-type"] == "audio/wav"
    assert headers["accept-ranges"] == "bytes"
    assert headers["content-length"] == str(len(file))


def test_head_says_the_same_without_the_file(ask, file):
    status, headers, body = ask("/songs/1/audio", "HEAD", range="bytes=0-9")
    assert (status, body, headers["content-length"]) == (200, b"", str(len(file)))


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-", slice(0, None)),
        ("bytes=0-0", slice(0, 1)),
        ("bytes=100-199", slice(100, 200)),
        ("Bytes= 100-199 ", slice(100, 200)),
        ("bytes=100000-", slice(100_000, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=-999999999999", slice(0, None)),
        ("bytes=5-999999999999", slice(5, None)),
    ],
)
def test_a_part_of_a_file(ask, file, asked, part):
    status, headers, body = ask("/songs/1/audio", range=asked)
    assert (status, body) == (206, file[part])
    start, end, _ = part.indices(len(file))
    assert headers["content-range"] == f"bytes {start}-{end - 1}/{len(file)}"
    assert headers["content-length"] == str(end - start)


@pytest.mark.parametrize("asked", ["bytes={size}-", "bytes=999999999999999-", "bytes=-0"])
def test_a_part_that_does_not_exist(ask, file, asked):
    status, headers, body = ask("/songs/1/audio", range=asked.format(size=len(file)))
    assert (status, body, headers["content-range"]) == (416, b"", f"bytes */{len(file)}")


@pytest.mark.parametrize(
    "asked",
    [
        *("bytes=9-3", "bytes=a-b", "bytes=", "bytes=-", "lines=0-9", "bytes=0-9,20-29", "bytes=0x0-9", "0-9"),
        *("bytes=--5", f"bytes={'9' * 4000}-", "bytes=" + "0-," * 1000),
    ],
)
def test_a_range_that_lies_gets_the_whole(ask, file, asked):
    status, headers, body = ask("/songs/1/audio", range=asked)
    assert (status, body) == (200, file)
    assert "content-range" not in headers


def test_a_part_of_the_file_that_was_seen_before(ask, file):
    _, headers, _ = ask("/songs/1/audio", "HEAD")
    for validator in (headers["etag"], headers["last-modified"]):
        assert ask("/songs/1/audio", range="bytes=0-9", if_range=validator)[0] == 206
    for validator in ('"other"', "W/" + headers["etag"], formatdate(0, usegmt=True)):
        status, _, body = ask("/songs/1/audio", range="bytes=0-9", if_range=validator)
        assert (status, body) == (200, file)


def test_a_reader_that_leaves_holds_nothing_up(ask, port):
    for _ in range(50):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/songs/1/audio")
        connection.getresponse().read(10)
        connection.close()
    assert ask("/songs/1")[0] == 200


def test_kinds_of_files():
    assert media_type(b"/a/b.MP3") == "audio/mpeg"
    assert media_type(b"/a.b/c") == "application/octet-stream"
    assert media_type(b"/a/evil.html") == "application/octet-stream"
    assert media_type(b"/a/evil.svg\xff") == "application/octet-stream"


def test_nothing_of_an_empty_file_exists():
    assert part_of("bytes=0-", 0) == range(0)
    assert part_of(None, 0) is None


@pytest.fixture
def changed(collection, tmp_path, music):
    """Serve a song whose file can be changed; yield the client and the file."""
    path = tmp_path / "songs" / "song.wav"
    path.parent.mkdir()
    soundfile.write(path, music(2.0, 1), 22050)
    with Library(tmp_path / "changed.db") as library:
        scan([path], library, model=collection / "model.npz", jobs=1)
    with running(tmp_path / "changed.db") as port:
        yield Client(port), path


def test_a_vanished_file(changed):
    ask, path = changed
    path.unlink()
    assert ask.refusal("/songs/1/audio", 404) == "song.wav: the file is gone; scan the collection again."
    assert ask.json("/songs/1")["file"] == "song.wav"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes that have names")
@pytest.mark.parametrize("make", [os.mkdir, getattr(os, "mkfifo", None)], ids=["folder", "pipe"])
def test_what_is_no_file_any_more(changed, make):
    ask, path = changed
    path.unlink()
    make(path)
    assert "cannot be read" in ask.refusal("/songs/1/audio", 404)


def test_a_file_that_becomes_shorter_keeps_the_promised_length(changed, monkeypatch):
    ask, path = changed
    size = path.stat().st_size
    monkeypatch.setattr("emodj_live.library.song_file._CHUNK", 1000)
    connection = http.client.HTTPConnection("127.0.0.1", ask._port, timeout=30)
    os.truncate(path, 1 << 24)
    connection.request("GET", "/songs/1/audio")
    answer = connection.getresponse()
    answer.read(10)
    os.truncate(path, size)
    assert len(answer.read()) == (1 << 24) - 10
    connection.close()


def test_a_slow_reader_gets_the_whole_file_and_one_that_stops_reading_is_left(changed, collection, tmp_path):
    _, path = changed
    os.truncate(path, 1 << 22)
    with running(tmp_path / "changed.db", patience=1.0) as port:
        for pause, is_whole in ((0.05, True), (3.0, False)):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
                connection.sendall(b"GET /songs/1/audio HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                assert (received(connection, pause) > 1 << 22) is is_whole


def received(connection, pause):
    """Read all that comes, with pauses, and return how many bytes that were."""
    count, pauses = 0, 60
    try:
        while some := connection.recv(1 << 16):
            count += len(some)
            if pauses:
                pauses -= 1 if pause < 1 else 60
                time.sleep(pause)
    except ConnectionError:
        pass
    return count


# ---------------------------------------------------------------------------------------------------------- the command


@contextmanager
def command(*arguments, **environment):
    """Run ``emodj-library serve``, and yield the process and the link that it prints."""
    process = subprocess.Popen(
        [*PROGRAM, "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        yield process, process.stderr.readline().strip()
    finally:
        process.kill()
        process.communicate()


@unix
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_asked_to_end(collection, number):
    with command("0", "--db", str(collection / "library.db")) as (process, link):
        port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/", link)[1])
        status, headers, body = Client(port)("/")
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert b'<script type="module"' in body
        listener = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        listener.request("GET", "/songs/1/audio")  # is not read to its end
        process.send_signal(number)
        assert process.wait(15) == 0
        assert (process.stdout.read(), process.stderr.read()) == ("", "")
        listener.close()


@unix
@pytest.mark.slow
def test_on_a_network_the_link_has_a_token_that_every_request_needs(collection):
    with command("0.0.0.0:0", "--db", str(collection / "library.db")) as (_process, link):
        port, token = re.fullmatch(r"http://[^/]+:(\d+)/\?token=([\w-]{16,})", link).groups()
        ask = Client(int(port))
        for path in ("/", "/collection.js", "/songs", "/songs/1/audio", "/playlist.m3u8?from=calm&to=sad"):
            assert ask(path)[0] == 403
            assert ask(path, authorization=f"Bearer {token}")[0] == 200
        assert ask("/songs/1/audio", authorization="Bearer wrong")[0] == 403


def test_a_strange_host_gets_nothing(ask):
    assert ask("/songs", host="evil.example")[0] == 421


def test_every_answer_has_a_strict_policy(ask):
    for path in ("/", "/songs", "/songs/1/audio", "/none", "/songs/none"):
        policy = ask(path)[1]["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert ask(path)[1]["x-content-type-options"] == "nosniff"


def test_the_page_asks_for_nothing_that_is_not_there(ask):
    """Follow every script and style from the page on."""
    found, to_do = set(), ["/"]
    while to_do:
        path = to_do.pop()
        status, _, body = ask(path)
        assert status == 200, path
        found.add(path)
        named = re.findall(r"""(?:src|href)="(/[^"]+)"|from "\.(/[^"]+)";""", body.decode())
        to_do += {part for pair in named for part in pair if part} - found - set(to_do)
        assert "style=" not in body.decode() or path.endswith(".js"), path
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", body.decode()), path
    assert {"/collection.js", "/map.js", "/plane.js", "/colors.js", "/collection.css"} <= found


@pytest.mark.parametrize("address", ["", "8000x", "host", "1:2:3", "70000", "localhost:", ":8000"])
def test_wrong_addresses(address, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["serve", address])
    assert caught.value.code == 2
    assert "HOST:" in capsys.readouterr().err


def test_a_port_that_is_taken(collection, port, capsys):
    assert main(["serve", str(port), "--db", str(collection / "library.db")]) == 1
    assert capsys.readouterr().err.startswith(f"emodj-library: 127.0.0.1:{port}: cannot be served")


def test_without_the_extra_it_says_so(collection, monkeypatch, capsys):
    monkeypatch.setattr("emodj_live.sinks.web.address.find_spec", lambda name: None)
    assert main(["serve", "0", "--db", str(collection / "library.db")]) == 1
    assert capsys.readouterr().err == (
        "emodj-library: emodj-library serve needs starlette and uvicorn, which are not installed; "
        "install them with: pip install 'emodj-live[web]'.\n"
    )


# -------------------------------------------------------------------------------------------------------------- readers


def test_connections_are_used_again_and_closed(collection):
    readers = Readers(collection / "library.db")
    with readers.borrow() as first, readers.borrow() as second:
        assert first is not second
        readers_of_two = {id(first), id(second)}
    with readers.borrow() as third:
        assert id(third) in readers_of_two
        readers.close()
        assert len(third) == SONGS  # lent out
    for library in (first, second):
        with pytest.raises(Exception, match="closed"):
            len(library)


def test_an_index_that_is_none(tmp_path):
    with pytest.raises(LibraryError, match="there is no index yet"):
        Readers(tmp_path / "none.db")


def test_many_questions_at_once(ask):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask("/search?q=tune")[0])) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 24


def test_another_index_at_the_same_place_is_noticed(collection, tmp_path):
    """Its numbers mean other songs, so no answer may come from the one before."""
    database = tmp_path / "library.db"
    shutil.copy(collection / "library.db", database)
    readers = Readers(database)
    with readers.borrow() as lent, readers.borrow():
        assert len(lent) == SONGS
        other = tmp_path / "other.db"
        Library(other).close()
        other.replace(database)
        with readers.borrow() as new:
            assert len(new) == 0
    with readers.borrow() as one, readers.borrow() as two:
        assert (len(one), len(two)) == (0, 0)
    database.unlink()
    with pytest.raises(LibraryError, match="there is no index yet"), readers.borrow():
        pass
    readers.close()

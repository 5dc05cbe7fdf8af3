"""The web page's server, as real clients on the loopback see it: friendly ones, slow ones and hostile ones."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import emodj_live
from emodj_live import Emotion, Quadrant, SinkError, SourceStatus, color_of
from emodj_live.arguments import parse
from emodj_live.cli import main
from emodj_live.emotion import mood
from emodj_live.sinks.web import address as address_module
from emodj_live.sinks.web.address import Address, parse_address, parse_origin, token_for
from emodj_live.work import Work

pytest.importorskip("starlette", reason="needs the extra web")
pytest.importorskip("uvicorn", reason="needs the extra web")

from emodj_live.sinks.web.files import colors_script
from emodj_live.sinks.web.guard import HEADER_LIMIT
from emodj_live.sinks.web.hub import HISTORY, MOST_REMEMBERED, MOST_STREAMS, Hub
from emodj_live.sinks.web.output import WebOutput, event_of, open_output
from emodj_live.sinks.web.protocol import MOST_CONNECTIONS
from emodj_live.sinks.web.server import WebServer
from emodj_live.sinks.web.site import live_site

PACKAGE = Path(emodj_live.__file__).parent
STATIC = PACKAGE / "sinks" / "web" / "static"
TOKEN = "correct-horse-battery"  # noqa: S105 (of tests alone)
PATIENCE = 60.0  # of a client that waits for what will come [s]


def emotion(time=0.5, valence=0.25, arousal=-0.5, quadrant=Quadrant.CALM, **fields):
    return Emotion(time, valence, arousal, 0.1, -0.2, quadrant, -20.5, 3.0, False, True, **fields)


class Site:
    """A server with the live page."""

    def __init__(self, server, hub):
        self.server, self.hub, self.port = server, hub, server.address.port
        self.open = []

    def get(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        if (answer.headers["content-type"] or "").startswith("text/event-stream"):
            self.open += [answer, connection]
        else:
            answer.text = answer.read().decode()
            connection.close()
        return answer

    def connect(self, receive_buffer=None):
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", self.port))
        return client

    def listen(self, **headers):
        """Return a stream's lines, once it has begun."""
        answer = self.get("/events", **headers)
        assert answer.status == 200
        assert answer.readline() == b"retry: 1000\n"
        return answer

    def close(self):
        """Hang up."""
        for one in self.open:
            one.close()

    def tell(self, *emotions):
        for one in emotions:
            self.server.call(self.hub.emotion, event_of(one, "song.mp3", "A song"))


@contextmanager
def serving(address="0", hub=None, **settings):
    hub = hub or Hub()
    with WebServer(live_site(hub), parse_address(address), **settings) as server:
        site = Site(server, hub)
        try:
            yield site
        finally:
            site.close()


@pytest.fixture
def site():
    with serving() as site:
        yield site


def until(holds):
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def received(client):
    """Return all that a server sends until it closes the connection; a reset counts as its end."""
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def messages(lines, count):
    """Return so many messages of a stream: the kind and the values of each."""
    found, kind = [], "message"
    while len(found) < count:
        line = lines.readline().decode().rstrip("\n")
        if line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("data: "):
            found.append((kind, json.loads(line[6:])))
            kind = "message"
    return found


# ------------------------------------------------------------------------------------------------- what it answers


def test_now_is_empty_before_the_first_emotion_and_then_the_newest(site):
    assert site.get("/now").status == 204
    site.tell(emotion(0.5), emotion(1.0, 0.5, 0.5, Quadrant.HAPPY, certainty=0.4))
    until(lambda: site.get("/now").status == 200)
    newest = json.loads(site.get("/now").text)
    assert newest == emotion(1.0, 0.5, 0.5, Quadrant.HAPPY, certainty=0.4).as_dict() | {
        "source": "song.mp3",
        "title": "A song",
        "color": color_of(0.5, 0.5),
    }
    assert [one["time"] for one in json.loads(site.get("/history").text)] == [0.5, 1.0]


def test_every_listener_gets_every_emotion_in_order(site):
    streams = [site.listen() for _ in range(5)]
    site.tell(*(emotion(0.5 * number) for number in range(1, 301)))
    for stream in streams:
        found = messages(stream, 300)
        assert {kind for kind, _ in found} == {"message"}
        assert [values["time"] for _, values in found] == [0.5 * number for number in range(1, 301)]


def test_the_history_is_ten_minutes_long_and_bounded():
    now = 0.0
    hub = Hub(clock=lambda: now)
    for number in range(2 * int(HISTORY)):
        now = float(number)
        hub.emotion({"time": number})
    assert [one["time"] for one in json.loads(b"".join(hub.history()))] == list(
        range(int(HISTORY) - 1, 2 * int(HISTORY))
    )
    now += HISTORY + 1
    assert b"".join(hub.history()) == b"[]"
    assert json.loads(hub.newest()) == {"time": 2 * int(HISTORY) - 1}
    for number in range(2 * MOST_REMEMBERED):
        hub.emotion({"time": number})
    assert len(json.loads(b"".join(hub.history()))) == MOST_REMEMBERED


def test_head_has_no_body_and_ends(site):
    for path in ("/", "/events", "/history"):
        with site.connect() as client:
            client.sendall(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            head, _, body = received(client).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert body == b""
    assert not site.hub._listeners


def test_whoever_comes_later_learns_first_what_is_heard(site):
    state = {"title": "A song", "length": 60.0}
    site.server.call(site.hub.state, state)
    until(lambda: site.hub._state)
    assert messages(site.listen(), 1) == [("state", state)]


class Paced:
    """A source that says of itself what it is told to."""

    def __init__(self):
        self.now = SourceStatus(position=1.0, length=60.0)

    def __iter__(self):
        return iter(())

    def status(self):
        return self.now


def test_the_sink_hands_on_emotions_and_how_the_source_is_doing(site, caplog, monkeypatch):
    monkeypatch.setattr("emodj_live.sinks.web.output._LOOKS", 0.0)
    source, stream = Paced(), site.listen()
    work = Work(source, number=1, count=3, name="/home/me/music/song.mp3", title="<script>", spread=(0.2, 0.3))
    with WebOutput(site.server, site.hub)(work) as sink:
        sink(emotion())
        sink.after_block(None)
        source.now = replace(source.now, is_paused=True)
        sink.after_block(None)
    assert caplog.messages == [f"the page is at {site.server.link}"]
    (_, first), (kind, values), (_, paused), (_, over) = messages(stream, 4)
    assert (first["title"], first["number"], first["count"], first["length"]) == ("<script>", 2, 3, 60.0)
    assert (first["spread"], first["is_paused"], first["is_over"]) == ([0.2, 0.3], False, False)
    assert (kind, values["source"], values["title"]) == ("message", "song.mp3", "<script>")
    assert paused == first | {"is_paused": True}
    assert over == paused | {"is_over": True}


def test_points_between_emotions_come_as_events_of_their_own_and_end_at_the_emotion(site):
    stream = site.listen()
    with WebOutput(site.server, site.hub, rate=60)(Work([], name="song.mp3")) as sink:
        sink(emotion(0.5, 0.0, 0.0))
        sink(emotion(1.0, 0.5, 0.4))
        until(lambda: site.hub.newest() and b'"time":1.0' in site.hub.newest())
    found = messages(stream, 4)
    while not found[-1][1].get("is_over"):
        found += messages(stream, 1)
    points = [values for kind, values in found if kind == "point"]
    assert points[-1] == {"valence": 0.5, "arousal": 0.4, "color": color_of(0.5, 0.4)}


def test_the_page_has_the_same_colors_and_words_as_every_other_output():
    exported = dict(re.findall(r"^export const (\w+) = (.*);$", colors_script(), re.M))
    size, digits = json.loads(exported["SIZE"]), json.loads(exported["COLORS"])
    for column, row in ((0, 0), (32, 0), (5, 27), (16, 16)):
        start = 6 * (row * size + column)
        expected = color_of(2 * column / (size - 1) - 1, 2 * row / (size - 1) - 1)
        assert "#" + digits[start : start + 6] == expected
    words = json.loads(exported["WORDS"])
    for certainty in (0.6, 0.4, 0.3):
        found = next(text for lowest, text in words if certainty >= lowest)
        assert found.format("calm") == mood(Quadrant.CALM, certainty)


def test_pages_hold_no_script_no_style_and_no_other_host():
    for path in sorted(STATIC.iterdir()):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//\w", re.sub(r"(?m)(^|\s)//.*$", "", text)), path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", text), path.name
        if path.suffix == ".html":
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", text), path.name


def test_every_file_of_the_page_is_served_with_its_type(site):
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    pages = site.get("/").text + site.get("/overlay").text
    paths = {*re.findall(r'(?:src|href)="(/\w+\.\w+)"', pages)}
    for path in list(paths):
        paths |= {f"/{name}" for name in re.findall(r'from "\./(\w+\.js)"', site.get(path).text)}
    paths |= {f"/{name}" for path in list(paths) for name in re.findall(r'from "\./(\w+\.js)"', site.get(path).text)}
    assert {"/live.js", "/plane.js", "/colors.js", "/overlay.css", "/icon.svg"} <= paths
    for path in paths:
        answer = site.get(path)
        assert answer.status == 200, path
        assert answer.headers["content-type"].startswith(kinds[path.rpartition(".")[2]])


# ------------------------------------------------------------------------------------------------------ what it refuses

HOST = b"Host: localhost\r\n"
HOSTILE = {
    "another host": (b"GET /now HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    "a host that begins like ours": (b"GET /now HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", 421),
    "an address that is not ours": (b"GET /now HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", 421),
    "two hosts": (b"GET /now HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n", 400),
    "a host with a user": (b"GET /now HTTP/1.1\r\nHost: me@localhost\r\n\r\n", 421),
    "no host": (b"GET /now HTTP/1.0\r\n\r\n", 421),
    "an absolute address": (b"GET http://evil.example/now HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    "a path upward": (b"GET /../../../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "an encoded path upward": (b"GET /%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "a double path": (b"GET //etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "a NUL": (b"GET /live.js%00.html HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "bytes that are not UTF-8": (b"GET /%ff%fe HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "source text": (b"GET /output.py HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "a range that lies": (b"GET /live.js HTTP/1.1\r\nRange: bytes=999999999999-5,-0\r\n" + HOST + b"\r\n", 200),
    "POST": (b"POST /now HTTP/1.1\r\nContent-Length: 5\r\n" + HOST + b"\r\nhello", 405),
    "OPTIONS": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "CONNECT": (b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "a body": (b"GET /now HTTP/1.1\r\nContent-Length: 9999999999\r\n" + HOST + b"\r\n", 400),
    "a body in chunks": (b"GET /now HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + b"\r\nffffffff\r\n", 400),
    "two lengths": (b"GET /now HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + HOST + b"\r\n", 400),
    "a long address": (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "a long header": (b"GET / HTTP/1.1\r\nX: " + b"a" * 2 * HEADER_LIMIT + b"\r\n" + HOST + b"\r\n", 431),
    "many headers": (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4000 + HOST + b"\r\n", 431),
    "10 MB of header": (b"GET / HTTP/1.1\r\nX: " + b"a" * 10_000_000, 400),
    "a folded header": (b"GET /now HTTP/1.1\r\nX: a\r\n" + b"Host: evil.example\r\n\r\n", 421),
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 405),
    "an upgrade": (
        b"GET /events HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"
        b"Host: evil.example\r\n\r\n",
        421,
    ),
    "garbage after a stream": (b"GET /events HTTP/1.1\r\n" + HOST + b"\r\n\x00\x01\x02\r\n\r\n", 200),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_request_is_refused_or_harmless(case, site, caplog, capfd):
    request, status = HOSTILE[case]
    with site.connect() as client:
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
        except OSError:  # it has not even read it all
            pass
        client.settimeout(2)
        try:
            answer = client.recv(65536)
        except ConnectionResetError:  # it had answered, and hung up before we were done
            answer = b"HTTP/1.1 400 "
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert not re.search(rb"Traceback|/emodj_live|/site-packages|root:|uvicorn|starlette|\.py\b", answer)
    assert site.get("/").status == 200
    assert caplog.messages == []
    assert capfd.readouterr() == ("", "")


def test_every_answer_binds_the_browser(site):
    for path in ("/", "/now", "/nothing", "/plane.js"):
        headers = site.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["access-control-allow-origin"] is None
        assert headers["server"] is None


def test_what_fails_inside_says_nothing_of_the_inside(caplog, capfd):
    async def broken(scope, receive, send):
        raise RuntimeError("/home/me/secret")

    with WebServer(broken, parse_address("0")) as server:
        answer = Site(server, None).get("/")
    assert (answer.status, answer.text) == (500, "something went wrong here\n")
    assert caplog.messages == ["web: a request failed: RuntimeError"]
    assert capfd.readouterr().err == ""


def test_only_named_origins_may_read(site):
    with serving(origins=["https://example.org"]) as opened:
        answer = opened.get("/now", Origin="https://example.org")
        assert answer.headers["access-control-allow-origin"] == "https://example.org"
        for origin in ("https://evil.example", "null", "https://example.org.evil.example"):
            assert opened.get("/now", Origin=origin).headers["access-control-allow-origin"] is None
            assert opened.get("/now", Origin=origin).headers["vary"] == "Origin"
    assert site.get("/now", Origin="https://example.org").headers["access-control-allow-origin"] is None


# --------------------------------------------------------------------------------------------------------- the token


@pytest.fixture
def open_site(monkeypatch):
    """Return a site for others than this machine."""
    monkeypatch.setenv("EMODJ_WEB_TOKEN", TOKEN)
    with serving("0.0.0.0:0", origins=["https://example.org"]) as site:
        yield site


@pytest.mark.parametrize("path", ["/", "/overlay", "/events", "/now", "/history", "/plane.js", "/nothing"])
def test_without_the_token_nothing_is_answered(path, open_site):
    wrong = {"Cookie": f"emodj-{open_site.port}={TOKEN}x", "Authorization": "Bearer x"}
    for headers in ({}, wrong, {"Cookie": f"other={TOKEN}"}):
        answer = open_site.get(path, **headers)
        assert answer.status == 403
        assert TOKEN not in f"{answer.headers}{answer.text}"
    assert open_site.get(f"{path}?token={TOKEN[:-1]}").status == 403


def test_the_link_is_exchanged_for_a_cookie(open_site):
    assert open_site.server.link.endswith(f":{open_site.port}/?token={TOKEN}")
    answer = open_site.get(f"/overlay?show=word%2Cbar&token={TOKEN}")
    assert (answer.status, answer.headers["location"]) == (303, "/overlay?show=word%2Cbar")
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    for path in ("/overlay?show=word", "/now", "/history"):
        assert open_site.get(path, Cookie=f"theme=dark; {cookie}").status in (200, 204)
    assert open_site.get("/now", Authorization=f"Bearer {TOKEN}").status == 204
    assert open_site.get("/now", Authorization=f"bearer {TOKEN}").status == 204
    assert open_site.get("/now", Authorization=TOKEN).status == 403


def test_the_way_back_from_the_link_leads_to_no_other_host(open_site):
    for path in ("//evil.example/", "/%2f/evil.example", "/\\evil.example"):
        place = open_site.get(f"{path}?token={TOKEN}").headers["location"]
        assert re.match(r"/[^/\\]", place)


def test_a_named_page_of_another_site_puts_the_token_in_each_query(open_site):
    answer = open_site.get(f"/now?token={TOKEN}", Origin="https://example.org")
    assert (answer.status, answer.headers["set-cookie"]) == (204, None)


def test_a_token_is_random_or_chosen_well():
    first, second = (token_for(Address("0.0.0.0", 80), {}) for _ in range(2))  # noqa: S104
    assert first != second
    assert len(first) >= 20
    assert token_for(Address(), {}) is None
    assert token_for(Address(), {"EMODJ_WEB_TOKEN": TOKEN}) == TOKEN
    for weak in ("", "short", "with space in it", "quoted\"';token", "x" * 500):
        with pytest.raises(SinkError, match=r"EMODJ_WEB_TOKEN must be .*; choose another one\.$"):
            token_for(Address(), {"EMODJ_WEB_TOKEN": weak})


# ------------------------------------------------------------------------------------------- the slow, and the too many


def test_a_65th_stream_is_turned_away_until_one_leaves(site):
    streams = [site.listen() for _ in range(MOST_STREAMS)]
    refused = site.get("/events")
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert site.get("/now").status == 204
    streams.clear()
    site.close()
    until(lambda: len(site.hub._listeners) < MOST_STREAMS)
    assert site.get("/events").status == 200


def test_a_client_that_never_reads_is_dropped_and_costs_nobody_anything():
    with serving(patience=0.5) as site, ExitStack() as stack:
        deaf = [stack.enter_context(site.connect(receive_buffer=4096)) for _ in range(8)]
        for client in deaf:
            client.sendall(b"GET /events HTTP/1.1\r\n" + HOST + b"\r\n")
        until(lambda: len(site.hub._listeners) == len(deaf))
        stream, sent = site.listen(), 0
        while len(site.hub._listeners) > 1:
            site.tell(*(emotion(0.5 * (sent + number)) for number in range(1, 101)))
            assert [values["time"] for _, values in messages(stream, 100)][-1] == 0.5 * (sent + 100)
            sent += 100
        until(lambda: len(site.server._server.server_state.connections) == 1)


def test_a_client_that_does_not_read_gets_the_history_a_piece_at_a_time():
    with serving() as site, site.connect(receive_buffer=4096) as client:
        site.tell(*(emotion(0.01 * number) for number in range(1, 4001)))
        until(lambda: json.loads(site.hub.newest() or b"{}").get("time") == 40.0)
        client.sendall(b"GET /history HTTP/1.1\r\n" + HOST + b"\r\n")
        connections = site.server._server.server_state.connections
        until(lambda: any(one.transport.get_write_buffer_size() for one in list(connections)))
        assert max(one.transport.get_write_buffer_size() for one in list(connections)) < 100_000
        assert sum(map(len, site.hub.history())) > 1_000_000


WHOLE = b"GET /now HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\n" + HOST, WHOLE])
def test_a_request_that_is_not_complete_in_time_is_closed(begun):
    with serving(patience=0.3) as site, site.connect() as client:
        client.sendall(begun)
        answer = received(client)  # a complete one is answered; the connection is closed all the same
    assert answer.startswith(b"HTTP/1.1 204") == (WHOLE in begun)


def test_a_second_request_has_as_little_time():
    with serving(patience=0.3) as site, site.connect() as client:
        client.sendall(WHOLE)
        assert client.recv(65536).startswith(b"HTTP/1.1 204")
        client.sendall(b"GET / HT")
        assert received(client) == b""


def test_a_stream_is_not_closed_for_being_quiet():
    with serving(patience=0.3) as site:
        stream = site.listen()
        time.sleep(1.0)
        site.tell(emotion())
        assert messages(stream, 1)[0][1]["time"] == 0.5


def test_slow_requests_on_all_places_leave_one_for_whoever_asks():
    with serving(patience=600) as site, ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS + 5):
            client = stack.enter_context(site.connect())
            client.sendall(b"GET / HTTP/1.1\r\nX: ")
        assert site.get("/").status == 200
        until(lambda: len(site.server._server.server_state.connections) <= MOST_CONNECTIONS)


# ---------------------------------------------------------------------------------------------------- begin and end


def test_it_ends_its_streams_and_begins_again_at_the_same_address():
    with serving() as site:
        stream = site.listen()
        site.server.close()
        assert stream.fp.read().strip() == b""
        with serving(str(site.port)) as again:
            assert again.get("/now").status == 204


def test_a_sink_whose_server_has_ended_says_so():
    with serving() as site:
        pass
    for hand_over in (site.server.call, site.server.leave):
        with pytest.raises(SinkError, match=r"the web server has ended\.$"):
            hand_over(site.hub.emotion, {})


def test_what_was_left_just_before_the_end_still_goes_out():
    with serving() as site:
        stream = site.listen()
        for number in range(1, 101):
            site.server.leave(site.hub.emotion, {"time": number})
        site.server.close()
        assert [values["time"] for _, values in messages(stream, 100)] == list(range(1, 101))


def test_a_message_that_cannot_be_sent_does_not_stop_the_others(site, caplog):
    site.server.leave(site.hub.emotion, {"time": float("nan")})
    site.server.leave(site.hub.emotion, {"time": 1.0})
    until(lambda: site.get("/now").status == 200)
    assert len(caplog.messages) == 1


def test_a_taken_address_is_an_error(site):
    with pytest.raises(SinkError, match=rf"^127.0.0.1:{site.port}: cannot be served at \(.*\); choose another one\.$"):
        WebServer(live_site(Hub()), parse_address(str(site.port)))


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("8000", "127.0.0.1", 8000),
        ("0.0.0.0:80", "0.0.0.0", 80),  # noqa: S104
        ("studio.lan:0", "studio.lan", 0),
        ("[::1]:65535", "::1", 65535),
    ],
)
def test_an_address_is_read(text, host, port):
    assert parse_address(text) == Address(host, port)


@pytest.mark.parametrize("text", ["", ":", ":80", "host", "host:", "65536", "-1", "::1:80", "[host]:80", "a b:80", "٣"])
def test_what_is_not_an_address_is_refused(text):
    with pytest.raises(ValueError, match="is not"):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "origin"), [("https://Example.org/", "https://example.org"), ("http://localhost:3000", None)]
)
def test_an_origin_is_read(text, origin):
    assert parse_origin(text) == (origin or text)


@pytest.mark.parametrize(
    "text", ["", "*", "null", "example.org", "ftp://a", "https://a/b", "https://a b", "https://a:x"]
)
def test_what_is_not_an_origin_is_refused(text):
    with pytest.raises(ValueError, match="is not the origin of a page"):
        parse_origin(text)


def test_names_are_ours_or_not():
    names = ["localhost", "127.0.0.1", "[::1]", "10.0.0.5", "studio.lan", "evil.example"]
    ours = {
        "127.0.0.1": ["localhost", "127.0.0.1", "[::1]"],
        "10.0.0.5": ["10.0.0.5"],
        "studio.lan": ["studio.lan"],
        "0.0.0.0": ["localhost", "127.0.0.1", "[::1]", "10.0.0.5"],  # noqa: S104
    }
    for host, expected in ours.items():
        assert [name for name in names if Address(host, 80).is_named_by(name)] == expected


# ----------------------------------------------------------------------------------------------------- the command line


def test_it_goes_at_the_speed_of_the_music_unless_told_otherwise():
    assert parse(["--demo", "--web", "0"]).realtime
    assert not parse(["--demo", "--web", "0", "--fast"]).realtime
    assert not parse(["--demo", "--csv", "t.csv"]).realtime


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--exit"], "--exit needs --web"),
        (["--web-origin", "https://example.org"], "--web-origin needs --web"),
        (["--web", "0", "--web-origin", "example.org"], "is not the origin of a page"),
        (["--web", "eighty"], "is not [HOST:]PORT"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--demo", *arguments])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_without_the_extra_it_says_which_to_install(monkeypatch):
    monkeypatch.setattr(address_module, "find_spec", lambda name: None)
    with (
        pytest.raises(SinkError, match=r"starlette and uvicorn.*pip install 'emodj-live\[web\]'"),
        open_output(Address(), ()),
    ):
        pass


@pytest.fixture
def song(write_audio, music, model_path, monkeypatch):
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))
    return write_audio("song.wav", music(3.0))


def test_exit_ends_with_the_music(song, capsys):
    assert main([str(song), "--fast", "--web", "0", "--exit"]) == 0
    shown = capsys.readouterr()
    assert shown.err.startswith("emodj-live: the page is at http://127.0.0.1:")
    assert len(shown.out.splitlines()) == 6


def test_a_file_that_cannot_be_read_leaves_no_page_up(tmp_path, capsys):
    assert main([str(tmp_path / "nothing.wav"), "--fast", "--web", "0"]) == 1


@pytest.mark.parametrize("pace", [[], ["--fast"]])
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_page_stays_up_with_the_last_state_until_it_is_ended(song, end, pace):
    command = [sys.executable, "-m", "emodj_live", str(song), "--duration", "1", "--web", "0", "--json", *pace]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    ) as program:
        port = int(re.search(r":(\d+)/", program.stderr.readline())[1])
        assert "stays up until Ctrl-C" in program.stderr.readline()
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
            newest = {}
            while newest.get("time") != 1.0:  # the page is sent it within 20 ms
                connection.request("GET", "/now")
                newest = json.loads(connection.getresponse().read() or b"{}")
        program.send_signal(end)
        out, err = program.communicate(timeout=PATIENCE)
    assert (program.returncode, err) == (0, "")
    last = json.loads(out.splitlines()[-1])
    assert newest == last | {"source": "song.wav", "title": newest["title"], "color": newest["color"]}

"""OSC, as a real python-osc server receives it."""

import json
import socket
import sys
import threading

import pytest

from emodj_live import Emotion, OscSink, Quadrant, SinkError
from emodj_live.cli import main
from emodj_live.colors import color_of, to_rgb
from emodj_live.gliding import Glide
from emodj_live.sinks.osc import parse, parse_prefix

pytest.importorskip("pythonosc", reason="needs the extra osc")

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer

EACH = ("valence", "arousal", "quadrant", "level", "color")  # the messages of every emotion


def emotion(time=0.5, valence=0.25, arousal=-0.5, quadrant=Quadrant.CALM, **fields):
    return Emotion(time, valence, arousal, 0.1, -0.2, quadrant, -20.5, 3.0, False, True, **fields)


@pytest.fixture
def song(write_audio, music):
    return write_audio("song.wav", music(3.0))


@pytest.fixture(autouse=True)
def own_model(model_path, monkeypatch):
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))


class Received(list):
    """What a server has received so far."""

    def __init__(self, port):
        super().__init__()
        self.port = port
        self._has_come = threading.Condition()

    def add(self, address, *values):
        with self._has_come:
            self.append((address, *values))
            self._has_come.notify_all()

    def all(self):
        """Return what was sent up to now: messages to one socket of this computer keep their order."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, self._has_come:
            client.sendto(b"/end\0\0\0\0,\0\0\0", ("127.0.0.1", self.port))
            assert self._has_come.wait_for(lambda: ("/end",) in self, 10)
            self.remove(("/end",))
            return list(self)


@pytest.fixture
def server():
    """A real python-osc server: what it has received, and its port."""
    dispatcher = Dispatcher()
    with BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher) as server:
        received = Received(server.server_address[1])
        dispatcher.set_default_handler(received.add)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield received
        server.shutdown()
        thread.join()


def addresses(messages, prefix="/emodj/"):
    assert all(address.startswith(prefix) for address, *_ in messages)
    return [address.removeprefix(prefix) for address, *_ in messages]


def values(messages, name):
    """Return what the messages of one name say: single values, or lists."""
    found = [values for address, *values in messages if address == f"/emodj/{name}"]
    return [each[0] if len(each) == 1 else each for each in found]


# ------------------------------------------------------------------------------------------------- with each emotion


def test_it_says_what_json_says(song, server, capsys):
    assert main([str(song), "--json", "--osc", f"127.0.0.1:{server.port}"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = [record["quadrant"] for record in records]
    changes = [name for before, name in zip(["", *names], names, strict=False) if name != before]
    sent = server.all()
    assert len(records) == 6
    assert sent[0] == ("/emodj/title", "song.wav")
    for name in ("valence", "arousal", "level"):
        assert values(sent, name) == pytest.approx([record[name] for record in records], abs=1e-5), name
    assert values(sent, "quadrant") == names
    assert values(sent, "changed") == changes


def test_messages_have_an_order_and_plain_values(server):
    with OscSink("localhost", server.port) as sink:
        sink(emotion())
        sink(emotion(1.0))
    sent = server.all()
    assert addresses(sent) == [*EACH, "changed", *EACH]
    assert [type(value) for value in sent[0][1:] + sent[2][1:] + sent[4][1:]] == [float, str, float, float, float]


def test_the_color_is_that_of_every_output(server):
    with OscSink("localhost", server.port) as sink:
        sink(emotion(valence=-0.5, arousal=0.4, quadrant=Quadrant.TENSE))
    assert values(server.all(), "color") == [pytest.approx(to_rgb(color_of(-0.5, 0.4)), abs=1e-6)]


def test_certainty_and_ranks_are_sent_if_there_are_any(server):
    with OscSink("localhost", server.port) as sink:
        sink(emotion(certainty=0.5, valence_rank=0.25, arousal_rank=0.75))
        sink(emotion(1.0))
    sent = server.all()
    assert addresses(sent) == [*EACH[:4], "certainty", "rank", "color", "changed", *EACH]
    assert (values(sent, "certainty"), values(sent, "rank")) == ([0.5], [[0.25, 0.75]])


def test_a_session_knows_what_the_model_knows(song, server, context_model, tmp_path, monkeypatch, capsys):
    context_model.save(tmp_path / "context.npz")
    monkeypatch.setenv("EMODJ_MODEL", str(tmp_path / "context.npz"))
    assert main([str(song), "--json", "--osc", str(server.port)]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    sent = server.all()
    assert values(sent, "certainty") == pytest.approx([record["certainty"] for record in records], abs=1e-6)
    ranks = [[record["valence_rank"], record["arousal_rank"]] for record in records]
    assert values(sent, "rank") == [pytest.approx(each, abs=1e-6) for each in ranks]


def test_the_title_is_sent_when_it_changes(server):
    with OscSink("localhost", server.port, title="one") as sink:
        for number, title in enumerate(["one", "one", "two", "", "two", "three"]):
            sink.title = title
            sink(emotion(0.5 * number))
    assert values(server.all(), "title") == ["one", "two", "three"]


def test_a_new_name_of_the_mood_is_said_once(server):
    with OscSink("localhost", server.port) as sink:
        for quadrant in (Quadrant.CALM, Quadrant.CALM, Quadrant.SAD, Quadrant.SAD, Quadrant.CALM):
            sink(emotion(quadrant=quadrant))
    assert values(server.all(), "changed") == ["calm", "sad", "calm"]


def test_each_song_of_a_session_has_its_title(song, write_audio, music, server):
    other = write_audio("other.wav", music(1.0, 1))
    assert main([str(song), str(other), "-q", "--osc", str(server.port)]) == 0
    sent = server.all()
    assert values(sent, "title") == ["song.wav", "other.wav"]


@pytest.mark.parametrize(("title", "sent"), [("\u6b4c \udce9", "\u6b4c ?"), (100_000 * "x", 1000 * "x")])
def test_a_title_of_any_kind_is_sent(title, sent, server):
    with OscSink("127.0.0.1", server.port, title=title) as sink:
        sink(emotion())
    assert values(server.all(), "title") == [sent]
    assert addresses(server.all())[1:] == [*EACH, "changed"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names of any bytes")
def test_a_name_that_cannot_be_decoded(song, server, capsys):
    odd = song.rename(song.with_name("caf\udce9.wav"))
    assert main([str(odd), "-q", "--osc", str(server.port)]) == 0
    assert values(server.all(), "title") == ["caf?.wav"]


def test_addresses_begin_with_the_prefix(song, server):
    assert main([str(song), "-q", "--osc", str(server.port), "--osc-prefix", "/stage/left/"]) == 0
    assert addresses(server.all(), "/stage/left/")[:3] == ["title", "valence", "arousal"]


# ---------------------------------------------------------------------------------------------------- between emotions


def test_with_a_rate_values_glide_and_arrive_at_each_emotion(song, server, capsys):
    """The music is paced by a real clock, so nothing is said of when a value comes."""
    assert main([str(song), "--json", "--osc", str(server.port), "--rate", "60"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    sent = server.all()
    valence, arousal, color = (values(sent, name) for name in ("valence", "arousal", "color"))
    assert len(valence) == len(arousal) == len(color)
    assert len(valence) > 3 * len(records)
    assert [valence[-1], arousal[-1]] == pytest.approx([records[-1]["valence"], records[-1]["arousal"]], abs=1e-6)
    assert color[-1] == pytest.approx(to_rgb(color_of(records[-1]["valence"], records[-1]["arousal"])), abs=1e-6)
    assert addresses(sent).count("level") == len(records)
    assert min(record["valence"] for record in records) - 1e-6 <= min(valence)
    assert max(valence) <= max(record["valence"] for record in records) + 1e-6


def test_a_rate_sends_every_point_on_the_way(server, monkeypatch):
    """The clock is made here: the pacer is asked to send at given times."""
    sink, now = OscSink("127.0.0.1", server.port, rate=30), [10.0]
    sink._pacer.close()
    monkeypatch.setattr("emodj_live.sinks.osc.time.monotonic", lambda: now[0])
    sink._glide = Glide(margin=0.1)
    sink(emotion(0.5, 0.0, 0.0))
    sink(emotion(1.0, 0.4, -0.8))
    for now[0] in (10.0, 10.1, 10.2, 10.4, 10.45):
        sink._send_point()
    sink.close()
    sent = server.all()
    assert values(sent, "valence") == pytest.approx([0.0, 0.1, 0.2, 0.4, 0.4, 0.4], abs=1e-6)
    assert values(sent, "arousal") == pytest.approx([0.0, -0.2, -0.4, -0.8, -0.8, -0.8], abs=1e-6)


def test_nothing_is_sent_before_the_first_emotion(server):
    with OscSink("127.0.0.1", server.port, rate=60) as sink:
        sink._pacer.close()
        sink._send_point()
        sink(emotion())
    assert addresses(server.all()) == ["quadrant", "level", "changed", "valence", "arousal", "color"]


def test_the_end_is_sent_even_if_the_way_is_cut_short(server):
    with OscSink("127.0.0.1", server.port, rate=0.001) as sink:
        sink(emotion(0.5, 0.0, 0.0))
        sink(emotion(1.0, 0.5, 0.25))
    sent = server.all()
    assert (values(sent, "valence")[-1], values(sent, "arousal")[-1]) == (0.5, 0.25)
    sink.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rate", "30"], "--rate needs --osc"),
        (["--osc", "9000", "--rate", "0"], "0 is not a number above 0, at most 60"),
        (["--osc", "9000", "--rate", "61"], "61 is not a number above 0, at most 60"),
        (["--osc", "9000", "--rate", "fast"], "fast is not a number"),
        (["--osc", "9000", "--rate", "30", "--fast"], "--fast cannot be combined with --rate"),
        (["--osc-prefix", "/x"], "--osc-prefix needs --osc"),
        (["--osc", "9000", "--osc-prefix", "x"], "x is not the beginning of an OSC address, such as /emodj"),
    ],
)
def test_wrong_arguments_exit_2(arguments, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--demo", *arguments])
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9000", ("127.0.0.1", 9000)),
        ("lamp.local:7000", ("lamp.local", 7000)),
        ("[::1]:9000", ("::1", 9000)),
        ("10.0.0.255:65535", ("10.0.0.255", 65535)),
    ],
)
def test_an_address_is_a_host_and_a_port_or_a_port_here(text, address):
    assert parse(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "0", "90000", ":9000", "host", "host:", "host:0", "host:65536", "host:port", "-1", "[::1]9000", "9000:"],
)
def test_what_is_no_address_exits_2(text, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--demo", f"--osc={text}"])
    assert stopped.value.code == 2
    assert f"{text} is not an address such as 9000 or 192.168.1.20:9000" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["x..y:9", ".:9", f"{'x' * 64}.de:9"])
def test_what_is_no_host_name_exits_2(address, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--demo", "--osc", address])
    assert stopped.value.code == 2
    assert "is not a host name" in capsys.readouterr().err


def test_a_sink_to_what_is_no_host_name():
    with pytest.raises(SinkError, match="x..y:9: unreachable"):
        OscSink("x..y", 9)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_odd_ports(port):
    with pytest.raises(ValueError, match=f"got {port}"):
        OscSink("localhost", port)


@pytest.mark.parametrize(("text", "prefix"), [("/emodj", "/emodj"), ("/a/b/", "/a/b"), ("/", "")])
def test_prefixes(text, prefix):
    assert parse_prefix(text) == prefix
    OscSink("127.0.0.1", 9, prefix=parse_prefix(text)).close()  # as the command line does


@pytest.mark.parametrize("text", ["", "emodj", "/with space", "/a*", "/a#", "/{a}", "/\u00fc", "/a\n"])
def test_what_is_no_prefix(text):
    with pytest.raises(ValueError, match="is not the beginning of an OSC address"):
        parse_prefix(text)


# ------------------------------------------------------------------------------------------------ what goes wrong


def test_a_lost_network_is_told_once_and_sending_goes_on(server, caplog, monkeypatch):
    sink = OscSink("127.0.0.1", server.port, title="song")
    send = sink._client.send_message

    def fail(address, value):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(sink._client, "send_message", fail)
    sink(emotion(0.5))
    sink(emotion(1.0))
    assert caplog.messages == [f"127.0.0.1:{server.port}: unreachable (Network is unreachable); will keep trying."]
    monkeypatch.setattr(sink._client, "send_message", send)
    sink(emotion(1.5))
    sink(emotion(2.0))
    assert caplog.messages[1:] == [f"127.0.0.1:{server.port}: reachable again."]
    assert addresses(server.all()) == ["title", *EACH, "changed", *EACH]  # what could not be said is said now
    sink.close()


def test_an_unknown_host_is_told_before_the_start(song, monkeypatch, capsys):
    def unknown(host, *_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert main([str(song), "--osc", "nowhere.invalid:9000"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "emodj-live: nowhere.invalid:9000: unreachable (Name or service not known); check the name and the network.\n"
    )


def test_a_host_out_of_reach_is_told_before_the_start(monkeypatch):
    def unreachable(self, address):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    with pytest.raises(SinkError, match=r"192.0.2.1:9000: unreachable \(Network is unreachable\)"):
        OscSink("192.0.2.1", 9000)

"""MQTT with a real broker, mosquitto: what it keeps, what it says of a tracker that died, what Home Assistant reads."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from virtual_microphone import wait_until

from emodj_live import Emotion, Quadrant
from emodj_live.arguments import parse as parse_arguments
from emodj_live.cli import main
from emodj_live.colors import to_rgb
from emodj_live.sinks.home_assistant import discovery, identifier
from emodj_live.sinks.mqtt import PASSWORD, USER, Broker, MqttSink, parse, parse_topic, state_of

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
pytest.importorskip("paho.mqtt.client", reason="needs the extra mqtt")
DEADLINE = 60  # [s] after which a test gives up


def emotion(time=0.5, valence=0.25, arousal=-0.5, quadrant=Quadrant.CALM, **fields):
    return Emotion(time, valence, arousal, 0.1, -0.2, quadrant, -20.5, 3.0, False, True, **fields)


@pytest.fixture(autouse=True)
def own_surroundings(model_path, monkeypatch):
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))
    monkeypatch.delenv(USER, raising=False)
    monkeypatch.delenv(PASSWORD, raising=False)


class Mosquitto:
    """A broker of our own, on a port of its own, that keeps nothing on the disk."""

    def __init__(self, folder, *settings, anonymous=True):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {str(anonymous).lower()}", *settings]
        lines += ["user root"] if os.geteuid() == 0 else []  # who may read the test's folder
        self._config.write_text("\n".join(lines) + "\n")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers, DEADLINE, "mosquitto answers")

    def _answers(self):
        assert self.process.poll() is None, "mosquitto has ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


@pytest.fixture
def stopped_broker(tmp_path):
    if not MOSQUITTO:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed")
        pytest.skip("needs mosquitto")
    broker = Mosquitto(tmp_path)
    yield broker
    broker.stop()


@pytest.fixture
def broker(stopped_broker):
    stopped_broker.start()
    return stopped_broker


class Watcher:
    """Another program at the broker, which notes all that is said there."""

    def __init__(self):
        self.heard = []  # topic, payload, whether it was retained
        self._has_heard = threading.Condition()

    @contextmanager
    def watching(self, port, topics="#"):
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        subscribed = threading.Event()
        client = Client(CallbackAPIVersion.VERSION2)
        client.on_message = lambda _client, _data, message: self._note(message)
        client.on_connect = lambda client, *_: client.subscribe(topics)
        client.on_subscribe = lambda *_: subscribed.set()
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert subscribed.wait(DEADLINE)
        yield self
        client.disconnect()
        client.loop_stop()

    def _note(self, message):
        with self._has_heard:
            self.heard.append((message.topic, message.payload.decode(), message.retain))
            self._has_heard.notify_all()

    def until(self, condition):
        """Wait until something is true of what was heard."""
        with self._has_heard:
            assert self._has_heard.wait_for(lambda: condition(self.heard), DEADLINE), self.heard

    def payloads(self, topic):
        return [payload for name, payload, _ in self.heard if name == topic]


def newest(heard, topic):
    found = [payload for name, payload, _ in heard if name == topic]
    return found[-1] if found else None


def kept(broker, *topics):
    """Return what the broker keeps for somebody who comes later."""
    with Watcher().watching(broker.port) as watcher:
        watcher.until(lambda heard: set(topics) <= {topic for topic, _, _ in heard})
        assert all(is_retained for _, _, is_retained in watcher.heard)
        return {topic: payload for topic, payload, _ in watcher.heard}


def start(*arguments):
    """Start a real program."""
    command = [sys.executable, "-m", "emodj_live", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def song(write_audio, music):
    return write_audio("song.wav", music(3.0))


# ----------------------------------------------------------------------------------------------- what the broker keeps


@pytest.mark.broker
def test_the_broker_keeps_the_last_emotion(broker, song, capsys):
    with Watcher().watching(broker.port, "emodj/#") as watcher:
        assert main([str(song), "--json", "--mqtt", broker.address, "--fast"]) == 0
        watcher.until(lambda heard: newest(heard, "emodj/availability") == "offline")
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = kept(broker, "emodj/state", "emodj/availability")
    state = json.loads(found["emodj/state"])
    assert {name: state[name] for name in last} == last
    assert (state["title"], state["mood"]) == ("song.wav", last["quadrant"])
    assert state["rgb"] == [round(255 * part) for part in to_rgb(state["color"])]
    assert found["emodj/availability"] == "offline"
    assert watcher.payloads("emodj/availability") == ["online", "offline"]
    assert watcher.heard[-1][0] == "emodj/availability"


@pytest.mark.broker
def test_whoever_ends_at_once_still_leaves_the_last_state(broker, monkeypatch):
    monkeypatch.setattr("emodj_live.sinks.mqtt._PATIENCE", DEADLINE)
    with MqttSink(Broker("127.0.0.1", broker.port)) as sink:
        sink(emotion(7.5))
    found = kept(broker, "emodj/state", "emodj/availability")
    assert (json.loads(found["emodj/state"])["time"], found["emodj/availability"]) == (7.5, "offline")


@pytest.mark.broker
def test_every_emotion_of_paced_music_is_sent(broker, song, capsys):
    with Watcher().watching(broker.port, "emodj/#") as watcher:
        assert main([str(song), "--json", "--mqtt", broker.address]) == 0
        watcher.until(lambda heard: newest(heard, "emodj/availability") == "offline")
    times = [json.loads(state)["time"] for state in watcher.payloads("emodj/state")]
    assert times == [json.loads(line)["time"] for line in capsys.readouterr().out.splitlines()]


@pytest.mark.broker
def test_topics_begin_with_the_prefix(broker, song):
    assert main([str(song), "-q", "--fast", "--mqtt", broker.address, "--mqtt-topic", "home/kitchen"]) == 0
    found = kept(broker, "home/kitchen/state", "home/kitchen/availability")
    configs = {topic: json.loads(payload) for topic, payload in found.items() if topic.startswith("homeassistant/")}
    assert len(found) == 2 + len(configs)
    assert {config["state_topic"] for config in configs.values()} == {"home/kitchen/state"}


@pytest.mark.broker
def test_the_broker_says_when_the_tracker_was_killed(broker):
    program = start("--demo", "--mqtt", broker.address)
    try:
        with Watcher().watching(broker.port, "emodj/#") as watcher:
            watcher.until(lambda heard: newest(heard, "emodj/state"))
            assert newest(watcher.heard, "emodj/availability") == "online"
            program.kill()
            watcher.until(lambda heard: newest(heard, "emodj/availability") == "offline")
    finally:
        program.kill()
        program.communicate()
    found = kept(broker, "emodj/state", "emodj/availability")
    assert found["emodj/availability"] == "offline"
    assert json.loads(found["emodj/state"])["source"] == "demo"


# ------------------------------------------------------------------------------------------------------ Home Assistant

REQUIRED = {"state_topic", "unique_id", "device", "availability_topic", "value_template", "name"}


def configs(topic="emodj"):
    return {name: json.loads(payload) for name, payload in discovery(topic)}


@pytest.mark.parametrize("topic", ["emodj", "home/kitchen", "K\u00fcche 1".replace(" ", "-")])
def test_discovery_is_as_home_assistant_defines_it(topic):
    found = configs(topic)
    for name, config in found.items():
        assert re.fullmatch(r"homeassistant/sensor/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+/config", name)
        assert set(config) >= REQUIRED
        assert config["device"]["identifiers"]
        assert config["device"]["name"]
        assert config["origin"]["name"]
        assert (config["state_topic"], config["availability_topic"]) == (f"{topic}/state", f"{topic}/availability")
        assert not {"payload_available", "payload_not_available"} & set(config)  # so they are online and offline
        if config.get("device_class") == "enum":
            assert "state_class" not in config
            assert config["options"] == ["happy", "tense", "sad", "calm"]
    assert len({config["unique_id"] for config in found.values()}) == len(found)
    assert len({json.dumps(config["device"]) for config in found.values()}) == 1
    assert {name.split("/")[-2] for name in found} >= {"valence", "arousal", "mood", "color"}


def test_a_title_of_any_kind_is_one_that_every_parser_reads():
    state = state_of(emotion(), title="\u6b4c \udce9", source=100_000 * "x")
    assert (state["title"], state["source"]) == ("\u6b4c ?", 1000 * "x")
    assert json.dumps(state).encode("utf-8")


def test_two_trackers_are_two_devices():
    ids = [{config["unique_id"] for config in configs(topic).values()} for topic in ("a/b", "a_b", "emodj")]
    assert len(set.union(*ids)) == sum(map(len, ids))
    assert identifier("emodj") == "emodj"


@pytest.mark.parametrize("known", [{}, {"certainty": 0.4, "valence_rank": 0.5, "arousal_rank": 0.1}])
def test_templates_find_their_values_in_the_state(known):
    jinja2 = pytest.importorskip("jinja2", reason="needs jinja2")
    state = json.loads(json.dumps(state_of(emotion(**known), title="<b>" + 300 * "x", source="song.mp3")))
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)

    def rendered(template):
        return environment.from_string(template).render(value_json=state)

    values = {name.split("/")[-2]: rendered(config["value_template"]) for name, config in configs().items()}
    assert values == {
        "valence": "0.25",
        "arousal": "-0.5",
        "mood": "calm",
        "color": emotion().color,
        "certainty": str(known.get("certainty")),  # Home Assistant takes "None" for unknown
        "title": "<b>" + 252 * "x",
    }
    (attributes,) = {config.get("json_attributes_template") for config in configs().values()} - {None}
    assert json.loads(rendered(attributes)) == {"rgb_color": state["rgb"]}


@pytest.mark.broker
def test_discovery_is_there_for_a_home_assistant_that_starts_later(broker, song):
    assert main([str(song), "-q", "--fast", "--mqtt", broker.address]) == 0
    found = kept(broker, *configs())
    assert {name: json.loads(found[name]) for name in configs()} == configs()


# ----------------------------------------------------------------------------------------------- a broker that is away


@pytest.mark.broker
@pytest.mark.slow
def test_a_broker_that_restarts_gets_everything_again(broker):
    program = start("--demo", "--loop", "--mqtt", broker.address)
    everything = {"emodj/state", "emodj/availability", *configs()}
    try:
        with Watcher().watching(broker.port) as watcher:
            watcher.until(lambda heard: newest(heard, "emodj/state"))
        broker.stop()
        lost = program.stderr.readline()
        broker.start()
        with Watcher().watching(broker.port) as watcher:
            watcher.until(lambda heard: everything <= {topic for topic, _, _ in heard})
            assert newest(watcher.heard, "emodj/availability") == "online"
            back = program.stderr.readline()
            count = len(watcher.payloads("emodj/state"))
            watcher.until(lambda _: len(watcher.payloads("emodj/state")) > count + 1)
            program.send_signal(signal.SIGINT)
            watcher.until(lambda heard: newest(heard, "emodj/availability") == "offline")
        rest = program.communicate(timeout=DEADLINE)[1]
    finally:
        program.kill()
        program.communicate()
    assert program.returncode == 0
    assert lost == f"emodj-live: MQTT broker {broker.address}: connection lost; will keep trying.\n"
    assert back == f"emodj-live: MQTT broker {broker.address}: reachable again.\n"
    assert "MQTT" not in rest


@pytest.mark.broker
@pytest.mark.slow
def test_a_broker_that_restarts_gets_the_state_of_music_that_is_paused(broker):
    with MqttSink(Broker("127.0.0.1", broker.port)) as sink:
        for _ in range(2):
            with Watcher().watching(broker.port, "emodj/state") as watcher:
                sink(emotion(7.5))
                watcher.until(lambda heard: newest(heard, "emodj/state"))
            broker.stop()
            broker.start()
        with Watcher().watching(broker.port) as watcher:
            watcher.until(lambda heard: newest(heard, "emodj/state"))
            assert json.loads(newest(watcher.heard, "emodj/state"))["time"] == 7.5


@pytest.mark.broker
@pytest.mark.slow
def test_a_broker_that_starts_later_gets_the_newest_state(stopped_broker, caplog):
    with MqttSink(Broker("127.0.0.1", stopped_broker.port)) as sink:
        sink(emotion(0.5))
        wait_until(lambda: caplog.messages, DEADLINE, "the broker is missed")
        for number in range(2000):
            sink(emotion(0.5 * number))
        assert (len(sink._client._out_packet), len(sink._client._out_messages)) == (0, 0)
        stopped_broker.start()
        with Watcher().watching(stopped_broker.port) as watcher:
            watcher.until(lambda heard: newest(heard, "emodj/state"))
            assert [json.loads(state)["time"] for state in watcher.payloads("emodj/state")] == [999.5]
    away, back = caplog.messages
    assert away == f"MQTT broker {stopped_broker.address}: unreachable (Connection refused); will keep trying."
    assert back == f"MQTT broker {stopped_broker.address}: reachable again."


@pytest.mark.broker
def test_a_broker_that_hangs_costs_no_memory(broker):
    with MqttSink(Broker("127.0.0.1", broker.port)) as sink:
        sink.title = 1000 * "\u6b4c"
        with Watcher().watching(broker.port, "emodj/#") as watcher:
            sink(emotion(0.0))
            watcher.until(lambda heard: newest(heard, "emodj/state"))
            broker.process.send_signal(signal.SIGSTOP)
            for number in range(4000):  # 28 MB, more than sockets hold
                sink(emotion(number))
                assert len(sink._client._out_packet) <= 3
            broker.process.send_signal(signal.SIGCONT)
            watcher.until(lambda heard: json.loads(newest(heard, "emodj/state"))["time"] == 3999)


def test_without_a_broker_it_is_told_once_and_the_rest_goes_on(song, capsys):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and it does not listen
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        assert main([str(song), "--json", "--fast", "--mqtt", address]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 6
    assert captured.err == (f"emodj-live: MQTT broker {address}: unreachable (Connection refused); will keep trying.\n")


def test_what_accepts_and_never_answers_is_told_at_the_end(monkeypatch, caplog):
    monkeypatch.setattr("emodj_live.sinks.mqtt._PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        with MqttSink(Broker("127.0.0.1", mute.getsockname()[1])) as sink:
            sink(emotion())
        wait_until(lambda: not sink._client.is_connected(), DEADLINE, "the client has ended")
        address = f"127.0.0.1:{mute.getsockname()[1]}"
    assert caplog.messages == [f"MQTT broker {address}: does not answer; it did not get the last state."]


def test_what_is_no_broker_is_told(caplog):
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with MqttSink(Broker("127.0.0.1", other.getsockname()[1])):
            other.accept()[0].close()
            wait_until(lambda: caplog.messages, DEADLINE, "it is told")
    assert caplog.messages == [
        f"MQTT broker {address}: closed the connection at once (is it an MQTT broker without TLS?); will keep trying."
    ]


# ----------------------------------------------------------------------------------------------------- who may come in


@pytest.mark.broker
def test_user_and_password(tmp_path, stopped_broker, song, monkeypatch, capsys):
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "lamp", "s3cret"], check=True)
    broker = Mosquitto(tmp_path, f"password_file {passwords}", anonymous=False)
    broker.start()
    try:
        monkeypatch.setenv(USER, "lamp")
        monkeypatch.setenv(PASSWORD, "wrong")
        assert main([str(song), "--json", "--fast", "--mqtt", broker.address]) == 0
        refused = capsys.readouterr().err
        monkeypatch.setenv(PASSWORD, "s3cret")
        assert main([str(song), "--json", "--fast", "--mqtt", broker.address]) == 0
        assert capsys.readouterr().err == ""
    finally:
        broker.stop()
    assert refused.count("\n") == 1
    assert "refused the connection (Not authorized); check EMODJ_MQTT_USER and EMODJ_MQTT_PASSWORD" in refused
    assert "wrong" not in refused


def test_a_password_without_a_user_is_told(song, monkeypatch, capsys):
    monkeypatch.setenv(PASSWORD, "s3cret")
    assert main([str(song), "--mqtt", "127.0.0.1:1"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "emodj-live: MQTT broker 127.0.0.1:1: EMODJ_MQTT_PASSWORD is set without EMODJ_MQTT_USER; set both or none.\n"
    )


@pytest.mark.broker
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the client leaves a socket open
def test_tls(tmp_path, stopped_broker, song, monkeypatch, capsys):
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*command, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    broker = Mosquitto(tmp_path, f"certfile {certificate}", f"keyfile {key}")
    broker.start()
    try:
        assert main([str(song), "--json", "--fast", "--mqtt", f"mqtts://{broker.address}"]) == 0
        refused = capsys.readouterr().err
        assert "unreachable (its certificate is not accepted: self-signed certificate" in refused
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert main([str(song), "--json", "--fast", "--mqtt", f"mqtts://{broker.address}"]) == 0
        assert capsys.readouterr().err == ""
    finally:
        broker.stop()


def test_a_missing_extra_is_told_before_the_start(song, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.partition(".")[0] == "paho"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "paho", None)
    assert main([str(song), "--mqtt", "localhost"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "emodj-live: MQTT needs paho-mqtt, which is not installed; install it with: pip install 'emodj-live[mqtt]'.\n"
    )


# --------------------------------------------------------------------------------------------------------- the options


@pytest.mark.parametrize(
    ("text", "broker"),
    [
        ("homeassistant.local", Broker("homeassistant.local", 1883)),
        ("10.0.0.2:1884", Broker("10.0.0.2", 1884)),
        ("[fe80::1]", Broker("fe80::1", 1883)),
        ("[fe80::1]:1884", Broker("fe80::1", 1884)),
        ("mqtt://host", Broker("host", 1883)),
        ("mqtt://host:8883", Broker("host", 8883)),
        ("mqtts://host", Broker("host", 8883, is_secure=True)),
        ("mqtts://host:1885", Broker("host", 1885, is_secure=True)),
        ("host:8883", Broker("host", 8883, is_secure=True)),
    ],
)
def test_addresses(text, broker):
    assert parse(text) == broker


@pytest.mark.parametrize(
    "text", ["", "host:", "host:0", "host:65536", "host:x", "http://host", "x..y", "mqtts://", ":1"]
)
def test_what_is_no_address_exits_2(text, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--demo", f"--mqtt={text}"])
    assert stopped.value.code == 2
    assert f"argument --mqtt: {text}" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["emodj", "home/kitchen", "K\u00fcche/1"])
def test_topics(text):
    assert parse_topic(text) == text


@pytest.mark.parametrize("text", ["", "/emodj", "emodj/", "a/+/b", "a/#", "with space", "$SYS", "a\nb", 300 * "a"])
def test_what_is_no_topic_exits_2(text, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--demo", "--mqtt", "localhost", f"--mqtt-topic={text}"])
    assert stopped.value.code == 2
    assert "is not the beginning of an MQTT topic" in capsys.readouterr().err


def test_a_topic_needs_a_broker(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--demo", "--mqtt-topic", "x"])
    assert stopped.value.code == 2
    assert "--mqtt-topic needs --mqtt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "is_paced"),
    [
        (["--mqtt", "localhost"], True),
        (["--text", "mood.txt"], True),
        (["--mqtt", "localhost", "--fast"], False),
        (["--osc", "9000"], False),
        (["--osc", "9000", "--rate", "30"], True),
    ],
)
def test_what_makes_sense_at_the_speed_of_the_music_alone_asks_for_it(arguments, is_paced):
    assert parse_arguments(["--demo", "--plain", *arguments]).realtime is is_paced


@pytest.mark.parametrize("text", ["user:secret@host", "mqtt://user:secret@host:1883", "host/secret", "mqtts://host/x"])
def test_an_address_with_more_than_a_host_is_refused_without_repeating_it(text):
    with pytest.raises(ValueError, match="EMODJ_MQTT_USER") as error:
        parse(text)
    assert "secret" not in str(error.value)

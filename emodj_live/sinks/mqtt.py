"""Emotions to an MQTT broker, for a home's automation: ``--mqtt``.

The tracker never waits for the broker. Its thread leaves the newest state with the sink; the client's own thread
connects, sends and tries again. While the broker is away or slow, only the newest state is kept.
"""

from __future__ import annotations

import json
import logging
import os
import re
import ssl
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from emodj_live.blocks import Sink
from emodj_live.colors import to_rgb
from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError
from emodj_live.extras import missing
from emodj_live.sinks.addresses import parse_address
from emodj_live.sinks.home_assistant import discovery
from emodj_live.sinks.titles import sendable
from emodj_live.work import Output, Work

logger = logging.getLogger(__name__)

TOPIC = "emodj"
USER, PASSWORD = "EMODJ_MQTT_USER", "EMODJ_MQTT_PASSWORD"
_PORT, _TLS_PORT = 1883, 8883
_ALIVE = 20  # [s] within which the broker hears of us, or takes us for dead
_FIRST_RETRY, _LONGEST_RETRY = 1, 30  # [s]
_PATIENCE = 2.0  # [s] to wait for the last message, and then for the connection's end


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is.

    Attributes
    ----------
    host : str
    port : int
    is_secure : bool
        Whether it speaks TLS.
    """

    host: str
    port: int
    is_secure: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class MqttSink:
    """Keep the newest emotion at a broker, retained, and Home Assistant informed of what it means.

    ``TOPIC/state`` is a JSON object: every field of `Emotion`, and ``mood``, ``color``, ``rgb``, ``title`` and
    ``source``. ``TOPIC/availability`` is ``online`` or ``offline``; the broker itself says ``offline`` if this program
    dies. A broker that is away is logged once, and once more when it is there; meanwhile it is tried again and again.

    Parameters
    ----------
    broker : Broker
    topic : str
        What the topics begin with.
    user, password : str, optional
        For the broker.

    Attributes
    ----------
    title, source : str
        Of what is heard; may be set between emotions.

    Raises
    ------
    SinkError
        If paho-mqtt is missing.
    ValueError
        If the topic cannot be one.
    """

    def __init__(
        self, broker: Broker, *, topic: str = TOPIC, user: str | None = None, password: str | None = None
    ) -> None:
        self.title = self.source = ""
        self._broker = broker
        self._topic = parse_topic(topic)
        self._lock = threading.Condition()  # around the five that follow
        self._state: str | None = None  # the newest one
        self._is_fresh = False  # it has not been given to the client
        self._sending: int | None = None  # number of the state that the client has not sent yet
        self._is_connected = False
        self._is_closed = False
        self._is_missed = False  # and that has been logged
        self._client = self._make_client(user, password)
        self._client.connect_async(broker.host, broker.port, _ALIVE)
        self._client.loop_start()

    def __enter__(self) -> MqttSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say goodbye."""
        self.close()

    def __call__(self, emotion: Emotion) -> None:
        """Leave one emotion to be sent."""
        state = state_of(emotion, title=self.title, source=self.source)
        with self._lock:
            self._state, self._is_fresh = json.dumps(state, allow_nan=False), True
            self._send_state()

    def close(self) -> None:
        """Send the last state and that there will be no more, and disconnect; closing it twice does no harm."""
        with self._lock:
            if self._is_closed:
                return
            if not self._lock.wait_for(self._has_sent_all, _PATIENCE):
                logger.warning("MQTT broker %s: does not answer; it did not get the last state.", self._broker)
            self._is_closed = True
            if self._is_connected:
                self._publish("availability", "offline")
        self._client.disconnect()
        # the client's thread may be waiting for a name server: it is not worth waiting for
        ending = threading.Thread(target=self._client.loop_stop, daemon=True)
        ending.start()
        ending.join(_PATIENCE)

    def _make_client(self, user: str | None, password: str | None) -> Any:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise SinkError(missing("mqtt", "MQTT", ["paho-mqtt"])) from error
        client = Client(CallbackAPIVersion.VERSION2)
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_connect_fail, client.on_publish = self._failed, self._published
        client.reconnect_delay_set(_FIRST_RETRY, _LONGEST_RETRY)
        client.will_set(f"{self._topic}/availability", "offline", retain=True)
        if user is not None:
            client.username_pw_set(user, password)
        if self._broker.is_secure:
            client.tls_set_context(ssl.create_default_context())
        return client

    def _has_sent_all(self) -> bool:
        return self._is_missed or (self._is_connected and self._sending is None and not self._is_fresh)

    def _publish(self, name: str, payload: str) -> int:
        """Hand a message to the client, and return its number; its thread sends it."""
        number: int = self._client.publish(f"{self._topic}/{name}", payload, retain=True).mid
        return number

    def _send_state(self) -> None:
        """Send the newest state, unless an older one is still on its way: then `_published` does it."""
        if self._state is not None and self._is_fresh and self._is_connected and self._sending is None:
            self._is_fresh = False
            self._sending = self._publish("state", self._state)

    # What follows is called on the client's thread.

    def _connected(self, _client: object, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        if reason.is_failure:
            self._miss(f"refused the connection ({reason}); check {USER} and {PASSWORD}")
            return
        with self._lock:
            if self._is_missed:
                logger.warning("MQTT broker %s: reachable again.", self._broker)
            self._is_connected, self._is_missed, self._sending = True, False, None
            for topic, payload in discovery(self._topic):
                self._client.publish(topic, payload, retain=True)
            self._publish("availability", "online")
            self._is_fresh = self._state is not None  # a broker that was restarted may have lost it
            self._send_state()

    def _published(self, _client: object, _data: object, number: int, _reason: object, _properties: object) -> None:
        with self._lock:
            if number == self._sending:
                self._sending = None
                self._send_state()
                self._lock.notify_all()

    def _disconnected(
        self, _client: object, _data: object, _flags: object, _reason: object, _properties: object
    ) -> None:
        how = "with" if self._broker.is_secure else "without"
        refused = f"closed the connection at once (is it an MQTT broker {how} TLS?)"
        self._miss("connection lost" if self._is_connected else refused)

    def _failed(self, _client: object, _data: object) -> None:
        error = sys.exc_info()[1]  # the client calls while it handles it
        self._miss(f"unreachable ({_reason(error)})")

    def _miss(self, what: str) -> None:
        """Note that the broker is away, and log it if that is new."""
        with self._lock:
            self._is_connected = False
            if not (self._is_missed or self._is_closed):
                logger.warning("MQTT broker %s: %s; will keep trying.", self._broker, what)
                self._is_missed = True
            self._lock.notify_all()


def _reason(error: BaseException | None) -> str:
    """Return in words why a connection failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    return str(getattr(error, "strerror", None) or error)


def state_of(emotion: Emotion, *, title: str, source: str) -> dict[str, object]:
    """Return an emotion as other programs get it.

    Parameters
    ----------
    emotion : Emotion
    title, source : str
        Of what is heard.

    Returns
    -------
    dict
        As plain values, for JSON.
    """
    rgb = [round(255 * part) for part in to_rgb(emotion.color)]
    return emotion.as_dict() | {
        "mood": emotion.mood,
        "color": emotion.color,
        "rgb": rgb,
        "title": sendable(title),
        "source": sendable(source),
    }


def parse(text: str) -> Broker:
    """Read ``HOST[:PORT]``.

    Parameters
    ----------
    text : str
        The option's value; ``mqtts://`` in front, or port 8883, asks for TLS, ``mqtt://`` for none.

    Returns
    -------
    Broker

    Raises
    ------
    ValueError
        If it is not an address.

    Examples
    --------
    >>> parse("homeassistant.local")
    Broker(host='homeassistant.local', port=1883, is_secure=False)
    >>> parse("mqtts://broker.example")
    Broker(host='broker.example', port=8883, is_secure=True)
    """
    if "@" in text or "/" in text.rpartition("://")[2]:  # which may hold a password, so it is not repeated
        raise ValueError(f"a broker is a host and a port; user and password are taken from {USER} and {PASSWORD}")
    scheme, separator, rest = text.rpartition("://")
    if separator and scheme not in ("mqtt", "mqtts"):
        raise ValueError(f"{text} begins with neither mqtt:// nor mqtts://")
    if not rest:
        raise ValueError(f"{text} names no broker, such as homeassistant.local")
    example = "homeassistant.local, 192.168.1.20:1883 or mqtts://broker.example"
    host, port = parse_address(rest, example=example, port=_TLS_PORT if scheme == "mqtts" else _PORT)
    return Broker(host, port, scheme == "mqtts" or (not scheme and port == _TLS_PORT))


def parse_topic(text: str) -> str:
    """Check what topics begin with.

    Parameters
    ----------
    text : str
        Such as ``emodj`` or ``home/kitchen``.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If no topic begins like that.
    """
    if not re.fullmatch(r"[^\s+#/$][^\s+#]{0,200}", text) or text.endswith("/") or not text.isprintable():
        raise ValueError(f"{text} is not the beginning of an MQTT topic, such as {TOPIC} or home/kitchen")
    return text


@contextmanager
def open_output(
    broker: Broker,
    files: Sequence[str],  # noqa: ARG001 (all have it)
    *,
    mqtt_topic: str | None = None,
) -> Iterator[Output]:
    """Open the output of ``--mqtt``: one connection for all works.

    Parameters
    ----------
    broker : Broker
    files : sequence of str
        The audio files.
    mqtt_topic : str, optional
        What the topics begin with.

    Yields
    ------
    Output

    Raises
    ------
    SinkError
        If paho-mqtt is missing, or there is a password without a user.
    """
    user, password = os.environ.get(USER) or None, os.environ.get(PASSWORD) or None
    if password and not user:
        raise SinkError(f"MQTT broker {broker}: {PASSWORD} is set without {USER}; set both or none.")
    with MqttSink(broker, topic=mqtt_topic or TOPIC, user=user, password=password) as sink:

        @contextmanager
        def follow(work: Work) -> Iterator[Sink]:
            sink.title, sink.source = work.title, work.name
            yield sink

        yield follow

"""Emotions over the network to lights, visuals and synthesizers, as Open Sound Control: ``--osc``."""

from __future__ import annotations

import logging
import math
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from emodj_live.blocks import Sink
from emodj_live.colors import color_of, to_rgb
from emodj_live.emotion import Emotion, Quadrant
from emodj_live.errors import SinkError
from emodj_live.extras import missing
from emodj_live.gliding import UNEVEN, Glide, Pacer
from emodj_live.sinks.addresses import parse_address
from emodj_live.sinks.titles import sendable
from emodj_live.work import Output, Work

logger = logging.getLogger(__name__)

PREFIX = "/emodj"
_INTERPOLATED = ("valence", "arousal", "color")
_RESERVED = " #*,?[]{}"  # in addresses, by the OSC specification 1.0


class OscSink:
    """Send each emotion as OSC messages over UDP.

    With each emotion it sends, in this order, ``/emodj/title`` (a string) if the title has changed,
    ``/emodj/valence`` and ``/emodj/arousal`` (a float in [-1, 1] each), ``/emodj/quadrant`` (a string) and
    ``/emodj/level`` (a float [dBFS]), then, if the model knows them, ``/emodj/certainty`` (a float in [0, 1]) and
    ``/emodj/rank`` (two floats in [0, 1], of valence and arousal), then ``/emodj/color`` (red, green and blue, each a
    float in [0, 1]), and ``/emodj/changed`` (a string, the quadrant) if the mood has another name than before.

    With a rate, valence, arousal and color are not sent with the emotions but so many times a second, on a thread of
    their own: interpolated, so that they arrive at an emotion before the next one comes.

    UDP has no answers, so it cannot be known whether anything listens there. If the network fails later, that is logged
    once; sending continues, and recovers with the network.

    Parameters
    ----------
    host : str
        Name or address of the receiver.
    port : int
        Its UDP port.
    prefix : str
        What the addresses of the messages begin with.
    rate : float, optional
        How many interpolated values a second to send [Hz], at most 60; by default there are none.
    title : str
        What is heard.

    Attributes
    ----------
    title : str
        May be set between emotions; an empty one is not sent.

    Raises
    ------
    SinkError
        If python-osc is missing, or the host is unknown or unreachable.
    ValueError
        If the port is not from 1 to 65535, the prefix is not the beginning of an OSC address, or the rate is not above
        0 and at most 60.
    """

    def __init__(
        self, host: str, port: int, *, prefix: str = PREFIX, rate: float | None = None, title: str = ""
    ) -> None:
        if not isinstance(port, int) or not 1 <= port <= 65535:
            raise ValueError(f"port must be an integer from 1 to 65535, got {port!r}")
        self.title = title
        self._prefix = parse_prefix(prefix) if prefix else ""
        self._glide = Glide(margin=1 / rate + UNEVEN) if rate else None
        self._pacer = None if rate is None else Pacer(self._send_point, rate)
        self._sent_title = ""
        self._quadrant: Quadrant | None = None  # of the newest emotion that was sent
        self._name = f"{host}:{port}"
        self._is_reached = True
        self._lock = threading.Lock()
        self._client = _client(host, port)
        if self._pacer:
            self._pacer.start()

    def __enter__(self) -> OscSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the socket."""
        self.close()

    def __call__(self, emotion: Emotion) -> None:
        """Send one emotion, or set out for it."""
        messages = [message for message in _messages(emotion) if not (self._glide and message[0] in _INTERPOLATED)]
        if self.title and self.title != self._sent_title:
            messages.insert(0, ("title", sendable(self.title)))
        if emotion.quadrant is not self._quadrant:
            messages.append(("changed", emotion.quadrant.value))
        if self._glide:
            self._glide.move((emotion.valence, emotion.arousal), emotion.time, time.monotonic())
        if self._send(messages):
            self._sent_title, self._quadrant = self.title or self._sent_title, emotion.quadrant

    def close(self) -> None:
        """Send the end of the way, and close the socket; closing it twice does no harm."""
        if self._pacer:
            self._pacer.close()
            self._pacer = None
            self._send_point(math.inf)
        self._client.close()

    def _send_point(self, now: float | None = None) -> None:
        """Send where the point is at a time, by default the present."""
        point = self._glide.at(time.monotonic() if now is None else now) if self._glide else None
        if point:
            self._send(_point(*point))

    def _send(self, messages: Iterable[tuple[str, object]]) -> bool:
        """Send messages, log when the network goes and comes, and return whether it is there."""
        with self._lock:
            try:
                for address, value in messages:
                    self._client.send_message(f"{self._prefix}/{address}", value)
            except OSError as error:
                if self._is_reached:
                    logger.warning("%s: unreachable (%s); will keep trying.", self._name, error.strerror or error)
                self._is_reached = False
                return False
            if not self._is_reached:
                logger.warning("%s: reachable again.", self._name)
            self._is_reached = True
            return True


def _messages(emotion: Emotion) -> Iterator[tuple[str, object]]:
    """Yield the end of the address, and the value or list of values, of each message."""
    valence, arousal, color = _point(emotion.valence, emotion.arousal)
    yield valence
    yield arousal
    yield "quadrant", emotion.quadrant.value
    yield "level", emotion.level
    if emotion.certainty is not None:
        yield "certainty", emotion.certainty
    if emotion.valence_rank is not None and emotion.arousal_rank is not None:
        yield "rank", [emotion.valence_rank, emotion.arousal_rank]
    yield color


def _point(valence: float, arousal: float) -> tuple[tuple[str, object], ...]:
    """Return what is interpolated, as messages."""
    return ("valence", valence), ("arousal", arousal), ("color", list(to_rgb(color_of(valence, arousal))))


def _client(host: str, port: int) -> Any:
    """Return a client for an address."""
    try:
        from pythonosc.udp_client import SimpleUDPClient
    except ImportError as error:
        raise SinkError(missing("osc", "OSC", ["python-osc"])) from error
    try:
        family, address = _find_route(host, port)
        return SimpleUDPClient(address, port, allow_broadcast=True, family=family)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"{host}:{port}: unreachable ({reason}); check the name and the network."
        raise SinkError(message) from error


def _find_route(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    """Return the address family and the first address of a host that there is a route to.

    Connecting a UDP socket sends nothing, but asks the system for a route.
    """
    failure: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM):
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                probe.connect(address)
        except OSError as error:
            failure = failure or error
        else:
            return family, str(address[0])
    raise failure or OSError("it has no address")


def parse(text: str) -> tuple[str, int]:
    """Read ``[HOST:]PORT``.

    Parameters
    ----------
    text : str
        The option's value; without a host it is this computer.

    Returns
    -------
    host : str
    port : int

    Raises
    ------
    ValueError
        If it is not an address.
    """
    return parse_address(text, example="9000 or 192.168.1.20:9000", host="127.0.0.1")


def parse_prefix(text: str) -> str:
    """Check what the addresses of messages begin with.

    Parameters
    ----------
    text : str
        Such as ``/emodj``; a slash at its end is left out, so that ``/`` stands for nothing.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If no OSC address begins like that.
    """
    if not re.fullmatch(r"(/[!-~]*)", text) or set(text) & set(_RESERVED):
        raise ValueError(f"{text} is not the beginning of an OSC address, such as {PREFIX}")
    return text.rstrip("/")


@contextmanager
def open_output(
    address: tuple[str, int], files: Sequence[str], *, rate: float | None = None, osc_prefix: str | None = None
) -> Iterator[Output]:
    """Open the output of ``--osc``: one socket for all works.

    Parameters
    ----------
    address : tuple of str and int
        Host and port.
    files : sequence of str
        The audio files.
    rate : float, optional
        How many interpolated values a second [Hz].
    osc_prefix : str, optional
        What the addresses of messages begin with.

    Yields
    ------
    Output

    Raises
    ------
    SinkError
        As for `OscSink`.
    """
    del files  # it writes none
    with OscSink(*address, prefix=PREFIX if osc_prefix is None else osc_prefix, rate=rate) as sink:

        @contextmanager
        def follow(work: Work) -> Iterator[Sink]:
            sink.title = work.title
            yield sink

        yield follow

"""Emotions over the network to lights, visuals and synthesizers, as Open Sound Control: ``--osc``."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import Any

from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError
from emodj_live.extras import missing
from emodj_live.work import Output

logger = logging.getLogger(__name__)


class OscSink:
    """Send each emotion as OSC messages over UDP.

    ``/emodj/valence`` and ``/emodj/arousal`` (a float in [-1, 1] each), ``/emodj/quadrant`` (a string) and
    ``/emodj/level`` (a float [dBFS]), then, if the model knows them, ``/emodj/certainty`` (a float in [0, 1]) and
    ``/emodj/rank`` (two floats in [0, 1], of valence and arousal), in this order. UDP
    has no answers, so it cannot be known whether anything listens there. If the network fails later, that is logged
    once; sending continues, and recovers with the network.

    Parameters
    ----------
    host : str
        Name or address of the receiver.
    port : int
        Its UDP port.

    Raises
    ------
    SinkError
        If python-osc is missing, or the host is unknown or unreachable.
    ValueError
        If the port is not from 1 to 65535.
    """

    def __init__(self, host: str, port: int) -> None:
        if not isinstance(port, int) or not 1 <= port <= 65535:
            raise ValueError(f"port must be an integer from 1 to 65535, got {port!r}")
        try:
            from pythonosc.udp_client import SimpleUDPClient
        except ImportError as error:
            raise SinkError(missing("osc", "OSC", ["python-osc"])) from error
        self._name = f"{host}:{port}"
        self._is_reached = True
        try:
            family, address = _find_route(host, port)
            self._client: Any = SimpleUDPClient(address, port, allow_broadcast=True, family=family)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            message = f"{self._name}: unreachable ({reason}); check the name and the network."
            raise SinkError(message) from error

    def __enter__(self) -> OscSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the socket."""
        self.close()

    def __call__(self, emotion: Emotion) -> None:
        """Send one emotion."""
        try:
            for address, value in _messages(emotion):
                self._client.send_message(address, value)
        except OSError as error:
            if self._is_reached:
                logger.warning("%s: unreachable (%s); will keep trying.", self._name, error.strerror or error)
            self._is_reached = False
            return
        if not self._is_reached:
            logger.warning("%s: reachable again.", self._name)
        self._is_reached = True

    def close(self) -> None:
        """Close the socket; closing it twice does no harm."""
        self._client.close()


def _messages(emotion: Emotion) -> Iterator[tuple[str, object]]:
    """Yield address and value, or list of values, of each message."""
    yield "/emodj/valence", emotion.valence
    yield "/emodj/arousal", emotion.arousal
    yield "/emodj/quadrant", emotion.quadrant.value
    yield "/emodj/level", emotion.level
    if emotion.certainty is not None:
        yield "/emodj/certainty", emotion.certainty
    if emotion.valence_rank is not None and emotion.arousal_rank is not None:
        yield "/emodj/rank", [emotion.valence_rank, emotion.arousal_rank]


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
    """Read ``HOST:PORT``.

    Parameters
    ----------
    text : str
        The option's value.

    Returns
    -------
    host : str
    port : int

    Raises
    ------
    ValueError
        If it is not an address.
    """
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal() or len(port) > 5 or not 1 <= int(port) <= 65535:
        raise ValueError(f"{text} is not HOST:PORT, such as 127.0.0.1:9000")
    try:
        host.encode("idna")
    except UnicodeError:
        raise ValueError(f"{text}: {host} is not a host name") from None
    return host, int(port)


@contextmanager
def open_output(address: tuple[str, int], files: Sequence[str]) -> Iterator[Output]:  # noqa: ARG001 (all have it)
    """Open the output of ``--osc``: one socket for all works.

    Parameters
    ----------
    address : tuple of str and int
        Host and port.
    files : sequence of str
        The audio files.

    Yields
    ------
    Output

    Raises
    ------
    SinkError
        As for `OscSink`.
    """
    with OscSink(*address) as sink:
        yield lambda _work: nullcontext(sink)

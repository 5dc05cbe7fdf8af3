"""Emotions over the network to lights, visuals and synthesizers: Open Sound Control."""

from __future__ import annotations

import logging
import socket
from types import TracebackType
from typing import Any

from emodj_live.emotion import Emotion
from emodj_live.errors import SinkError

logger = logging.getLogger(__name__)


class OscSink:
    """Send each emotion as four OSC messages over UDP, one value each.

    ``/emodj/valence`` and ``/emodj/arousal`` (floats in [-1, 1]), ``/emodj/quadrant`` (a string) and ``/emodj/level``
    (a float [dBFS]), in this order. Nobody answers over UDP: that nothing listens there cannot be told. A network that
    goes away on the way is told once, and sending goes on, so that it works again when the network is back.

    Parameters
    ----------
    host : str
        Name or address of the receiver.
    port : int
        Its UDP port.

    Raises
    ------
    SinkError
        If python-osc is missing, or the host unknown or out of reach.
    ValueError
        If the port is not one.
    """

    def __init__(self, host: str, port: int) -> None:
        if not 1 <= port <= 65535:
            raise ValueError(f"port must be from 1 to 65535, got {port}")
        try:
            from pythonosc.udp_client import SimpleUDPClient
        except ImportError as error:
            raise SinkError("OSC needs python-osc, which is not installed: pip install 'emodj-live[osc]'.") from error
        self._name = f"{host}:{port}"
        self._is_reached = True
        try:
            family, address = _find_way(host, port)
            self._client: Any = SimpleUDPClient(address, port, allow_broadcast=True, family=family)
        except OSError as error:
            message = f"{self._name}: cannot be reached: {error.strerror or error}; check the name and the network."
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
            self._client.send_message("/emodj/valence", emotion.valence)
            self._client.send_message("/emodj/arousal", emotion.arousal)
            self._client.send_message("/emodj/quadrant", emotion.quadrant.value)
            self._client.send_message("/emodj/level", emotion.level)
        except OSError as error:
            if self._is_reached:
                logger.warning("%s: cannot be reached any more: %s; trying on.", self._name, error.strerror or error)
            self._is_reached = False
            return
        if not self._is_reached:
            logger.warning("%s: is reached again.", self._name)
        self._is_reached = True

    def close(self) -> None:
        """Close the socket; twice does no harm."""
        self._client.close()


def _find_way(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    """Return the address family and address of a host to which there is a way.

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

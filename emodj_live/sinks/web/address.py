"""Where a server listens, and by which names and with which secret it may be asked: plain values, no server yet."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from urllib.parse import urlsplit

from emodj_live.errors import SinkError
from emodj_live.extras import missing

TOKEN_VARIABLE = "EMODJ_WEB_TOKEN"  # noqa: S105 (the name of a variable)
_LOOPBACK = "127.0.0.1"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{12,200}")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens.

    Attributes
    ----------
    host : str
        Name or address; by default only this machine can connect.
    port : int
        From 0 to 65535; 0 lets the system choose.
    """

    host: str = _LOOPBACK
    port: int = 0

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can connect."""
        found = _as_ip(self.host)
        return self.host == "localhost" if found is None else found.is_loopback

    @property
    def is_any(self) -> bool:
        """Whether it stands for every address of this machine."""
        found = _as_ip(self.host)
        return found is not None and found.is_unspecified

    def is_named_by(self, host: str) -> bool:
        """Return whether a request that asks for this host means us; if not, another site's page may be behind it.

        Parameters
        ----------
        host : str
            Of the request's Host header, without the port.

        Returns
        -------
        bool
        """
        host, found = host.lower(), _as_ip(host)
        if self.is_loopback:
            return host == "localhost" if found is None else found.is_loopback
        if self.is_any:  # no name server can make an address stand for another
            return found is not None or host in {"localhost", *_own_names()}
        return host == self.host.lower() or (found is not None and found == _as_ip(self.host))

    def link(self, token: str | None = None, path: str = "/") -> str:
        """Return what to type into a browser."""
        host = _outward_address() if self.is_any else self.host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}{path}" + (f"?token={token}" if token else "")


def parse_address(text: str) -> Address:
    """Read ``[HOST:]PORT``.

    Parameters
    ----------
    text : str
        ``8000`` is for this machine alone; ``0.0.0.0:8000`` or ``[::]:8000`` for every network that it is on.

    Returns
    -------
    Address

    Raises
    ------
    ValueError
        If it is not an address.

    Examples
    --------
    >>> parse_address("8000")
    Address(host='127.0.0.1', port=8000)
    """
    host, _, port = text.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if is_bracketed else host
    if (text.startswith(":") or not (port.isascii() and port.isdecimal()) or int(port[:6]) > 65535) or (
        (":" in host) != is_bracketed
    ):
        raise ValueError(f"{text} is not [HOST:]PORT, such as 8000 or 0.0.0.0:8000")
    if not re.fullmatch(r"[A-Za-z0-9.:_-]*", host):
        raise ValueError(f"{text}: {host} is not a host name")
    return Address(host or _LOOPBACK, int(port))


def parse_origin(text: str) -> str:
    """Read the origin of a page that may read the events, such as ``https://example.org``.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        As browsers send it.

    Raises
    ------
    ValueError
        If it is not an origin.
    """
    try:
        parts = urlsplit(text)
        is_origin = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_origin = False
    if not (is_origin and text.isascii() and re.fullmatch(r"https?://[^/?#@\s\"',;]+/?", text)):
        raise ValueError(f"{text} is not the origin of a page, such as https://example.org")
    return text.rstrip("/").lower()


def token_for(address: Address, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the secret that requests need.

    Parameters
    ----------
    address : Address
    environment : mapping
        Where ``EMODJ_WEB_TOKEN`` is looked for.

    Returns
    -------
    str or None
        The variable's; else a new one, but None if only this machine can connect.

    Raises
    ------
    SinkError
        If the variable's is too weak, or could not stand in a link.
    """
    given = environment.get(TOKEN_VARIABLE)
    if given is None:
        return None if address.is_loopback else secrets.token_urlsafe(16)
    if not _TOKEN.fullmatch(given):
        raise SinkError(f"{TOKEN_VARIABLE} must be 12 to 200 letters, digits, - or _; choose another one.")
    return given


def require_web(what: str) -> None:
    """Refuse to go on without the packages of the extra ``web``.

    Parameters
    ----------
    what : str
        What needs them: the subject of the sentence.

    Raises
    ------
    SinkError
        If one is not installed.
    """
    if absent := [name for name in ("starlette", "uvicorn") if find_spec(name) is None]:
        raise SinkError(missing("web", what, absent))


def _as_ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _own_names() -> set[str]:
    name = socket.gethostname().lower()
    return {name, f"{name.partition('.')[0]}.local"}


def _outward_address() -> str:
    """Return the address by which others on the network most likely reach this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it asks the system for a route
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()

"""Addresses of other programs, as options of the command line name them."""

from __future__ import annotations


def parse_address(text: str, *, example: str, host: str = "", port: int = 0) -> tuple[str, int]:
    """Read a host and a port.

    Parameters
    ----------
    text : str
        ``HOST:PORT``; an IPv6 address in brackets. A number alone is a port, if there is a host by default; a text
        without a port is a host, if there is a port by default.
    example : str
        What an address looks like, for the message.
    host, port : str and int
        The defaults, if there are any.

    Returns
    -------
    host : str
    port : int

    Raises
    ------
    ValueError
        If it is not an address.

    Examples
    --------
    >>> parse_address("9000", example="9000", host="127.0.0.1")
    ('127.0.0.1', 9000)
    >>> parse_address("[::1]", example="localhost", port=1883)
    ('::1', 1883)
    """
    name, number = _halves(text, is_host=bool(port and not host))
    name, number = name or host * (":" not in text), number or str(port or "") * (not text.endswith(":"))
    if not name or not number.isdecimal() or len(number) > 5 or not 1 <= int(number) <= 65535:
        raise ValueError(f"{text} is not an address such as {example}")
    try:
        name.encode("idna")
    except UnicodeError:
        raise ValueError(f"{text}: {name} is not a host name") from None
    return name, int(number)


def _halves(text: str, *, is_host: bool) -> tuple[str, str]:
    """Return what stands before and after the last colon; `is_host` says what a text without one is."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return (host, rest[1:]) if rest[:1] in ("", ":") else ("", "")
    if ":" not in text:
        return (text, "") if is_host else ("", text)
    host, _, port = text.rpartition(":")
    return host, port

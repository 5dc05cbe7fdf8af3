"""What stands before every page: who may ask what, and what a browser may do with the answer.

It is plain ASGI and knows neither a server nor pages, so that both commands stand behind the same one. Only GET and
HEAD pass: nothing here changes anything. The rest of the defense is in `protocol` (slow requests, long headers, too
many connections).
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from emodj_live.sinks.web.address import Address

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

HEADER_LIMIT = 16_384  # bytes; the server gives up reading there, but may have read more at once
_LONGEST_TARGET = 4096  # path and query
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Headers = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),  # a link may hold the token
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


class _Refusal(Exception):  # noqa: N818 (it is an answer)
    """Why a request goes no further."""

    def __init__(self, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers


class Guard:
    """An ASGI application around another one, which lets through what may pass.

    Parameters
    ----------
    app : ASGI application
        Sees only requests without a body, by GET or HEAD, for a name of ours and with the token. What it raises becomes
        a bare 500 and one line in the log.
    address : Address
        Of the server.
    token : str or None
        What each request has to show: in a cookie, as ``Authorization: Bearer``, or once in the query as ``token``,
        which is answered with the cookie and the same address without it. None: nothing.
    origins : collection of str
        Pages of other sites that may read what is answered; they may put the token in each query.
    """

    def __init__(
        self, app: App, address: Address, token: str | None = None, origins: Collection[str] = frozenset()
    ) -> None:
        self._app = app
        self._address = address
        self._token = token
        self._origins = frozenset(origins)
        self._cookie = f"emodj-{address.port}"  # cookies do not know of ports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        own = [*_HEADERS, *self._cors(scope)]
        is_begun = False

        async def guarded(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                given: Headers = list(message.get("headers", []))
                names = {name.lower() for name, _ in given}
                default: Headers = [] if b"cache-control" in names else [(b"cache-control", b"no-store")]
                message = {**message, "headers": [*given, *default, *own]}
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, receive, guarded)
        except _Refusal as refusal:
            await _answer(guarded, refusal)
        except Exception as error:
            logger.error("web: a request failed: %s", type(error).__name__)  # noqa: TRY400 (one line, no traceback)
            if is_begun:
                raise  # the server ends the connection: an answer that was cut short must not look whole
            await _answer(guarded, _Refusal(500, "something went wrong here"))

    def _check(self, scope: Scope) -> None:
        """Refuse what may not pass."""
        if scope["method"] not in ("GET", "HEAD"):
            raise _Refusal(405, "only GET and HEAD", (b"allow", b"GET, HEAD"))
        if sum(len(name) + len(value) + 4 for name, value in scope["headers"]) > HEADER_LIMIT:
            raise _Refusal(431, "the headers are too long")
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _LONGEST_TARGET:
            raise _Refusal(414, "the address is too long")
        if any(value != b"0" for value in _all(scope, b"content-length")) or _all(scope, b"transfer-encoding"):
            raise _Refusal(400, "a request must not have a body")
        if not self._is_for_us(_all(scope, b"host")):
            raise _Refusal(421, "this server does not go by that name")
        if self._token is not None:
            self._check_token(scope, self._token.encode())

    def _is_for_us(self, hosts: list[bytes]) -> bool:
        """Return whether a request asks for a name of ours: a page that rebinds its own name to us does not."""
        match = _HOST.fullmatch(hosts[0].decode("latin-1")) if len(hosts) == 1 else None
        return match is not None and self._address.is_named_by(match[1].strip("[]"))

    def _check_token(self, scope: Scope, token: bytes) -> None:
        given = (value.partition(b" ") for value in _all(scope, b"authorization"))
        shown = [value.strip() for scheme, _, value in given if scheme.lower() == b"bearer"]
        for cookies in _all(scope, b"cookie"):
            pairs = (pair.strip().partition(b"=") for pair in cookies.split(b";"))
            shown += [value for name, _, value in pairs if name == self._cookie.encode()]
        if any(hmac.compare_digest(value, token) for value in shown):
            return
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        asked = [value.encode("utf-8", "replace") for name, value in query if name == "token"]
        if not any(hmac.compare_digest(value, token) for value in asked):
            raise _Refusal(403, "open the link with the token that the program has printed")
        if self._reader(scope):  # another site's page gets no cookies
            return
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        path = "/" + quote(scope["path"]).lstrip("/")  # never another host's
        cookie = f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000"
        place = path + (f"?{rest}" if rest else "")
        raise _Refusal(303, "", (b"location", place.encode("ascii")), (b"set-cookie", cookie.encode("ascii")))

    def _cors(self, scope: Scope) -> Headers:
        """Return the headers that let a named page of another site read the answer."""
        if not self._origins:
            return []
        reader = self._reader(scope)
        return [(b"vary", b"Origin"), *([(b"access-control-allow-origin", reader)] if reader else [])]

    def _reader(self, scope: Scope) -> bytes | None:
        """Return the origin of the page that asks, if it is one of those that may read the answer."""
        origins = _all(scope, b"origin")
        is_named = len(origins) == 1 and origins[0].decode("latin-1") in self._origins
        return origins[0] if is_named else None


def _all(scope: Scope, name: bytes) -> list[bytes]:
    """Return the values of a header."""
    return [value for key, value in scope["headers"] if key == name]


async def _answer(send: Send, refusal: _Refusal) -> None:
    """Answer with a refusal, and end the connection."""
    body = f"{refusal.text}\n".encode() if refusal.text else b""
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *refusal.headers,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

"""The output of ``--web``: what the tracker says goes to the page's server, at the price of leaving a call there."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from emodj_live.blocks import Block, Gap, Seek, Sink, status_of
from emodj_live.colors import color_of
from emodj_live.emotion import Emotion
from emodj_live.gliding import UNEVEN, Glide, Pacer
from emodj_live.sinks.web.address import Address, parse_address, require_web
from emodj_live.work import Output, Work

if TYPE_CHECKING:
    from emodj_live.sinks.web.hub import Hub
    from emodj_live.sinks.web.server import WebServer

logger = logging.getLogger(__name__)

parse = parse_address
_LOOKS = 0.25  # [s] from one look at how the source is doing to the next


@contextmanager
def open_output(
    address: Address,
    files: Sequence[str],  # noqa: ARG001 (all have it)
    rate: float | None = None,
    web_origin: Collection[str] | None = None,
) -> Iterator[Output]:
    """Open the output of ``--web``: one server for all works.

    Parameters
    ----------
    address : Address
    files : sequence of str
        The audio files.
    rate : float, optional
        How often clients are also sent where the point is between emotions [Hz].
    web_origin : collection of str, optional
        Pages of other sites that may read the events.

    Yields
    ------
    Output

    Raises
    ------
    SinkError
        If starlette or uvicorn is missing, or the address cannot be used.
    """
    require_web("the web page")
    from emodj_live.sinks.web.hub import Hub
    from emodj_live.sinks.web.server import WebServer
    from emodj_live.sinks.web.site import live_site

    hub = Hub()
    with WebServer(live_site(hub), address, web_origin or ()) as server:
        yield WebOutput(server, hub, rate)


class WebOutput:
    """An `Output` that shows one source after the other on the same page.

    Parameters
    ----------
    server : WebServer
    hub : Hub
        Of its site.
    rate : float, optional
        How often clients are also sent where the point is between emotions [Hz].
    """

    def __init__(self, server: WebServer, hub: Hub, rate: float | None = None) -> None:
        self._server = server
        self._hub = hub
        self._rate = rate
        self._is_announced = False

    @contextmanager
    def __call__(self, work: Work) -> Iterator[Sink]:
        """Show a source while it is followed.

        Parameters
        ----------
        work : Work

        Yields
        ------
        Sink
            With a heartbeat that looks at how the source is doing.
        """
        if not self._is_announced:  # now that a dashboard would show it
            logger.warning("the page is at %s", self._server.link)
            self._is_announced = True
        sink = WebSink(self._server, self._hub, work, Glide(margin=1 / self._rate + UNEVEN) if self._rate else Glide())
        try:
            with Pacer(sink.send_point, self._rate) if self._rate else nullcontext():
                yield sink
        finally:
            if self._rate:
                sink.send_point(math.inf)
            sink.end()


class WebSink:
    """Hand on what is heard of one source.

    Parameters
    ----------
    server : WebServer
    hub : Hub
    work : Work
    glide : Glide
        The way of the point, for `send_point`.
    """

    def __init__(self, server: WebServer, hub: Hub, work: Work, glide: Glide) -> None:
        self._server = server
        self._hub = hub
        self._work = work
        self._glide = glide
        self._source = PurePath(work.name).name  # where a file lies is nobody's business
        self._state: dict[str, Any] = {}
        self._looked_at = 0.0
        self._look()

    def __call__(self, emotion: Emotion) -> None:
        """Hand on an emotion."""
        self._glide.move((emotion.valence, emotion.arousal), emotion.time, time.monotonic())
        self._server.leave(self._hub.emotion, event_of(emotion, self._source, self._work.title))

    def after_block(self, block: Block | Gap | Seek) -> None:  # noqa: ARG002 (every heartbeat has it)
        """Hand on how the source is doing, if that has changed."""
        if time.monotonic() - self._looked_at >= _LOOKS:
            self._look()

    def send_point(self, now: float | None = None) -> None:
        """Hand on where the point is: now and at once, as a pacer wants it, or at a time, after all that was left."""
        hand_over = self._server.call if now is None else self._server.leave
        if point := self._glide.at(time.monotonic() if now is None else now):
            values = {"valence": point[0], "arousal": point[1], "color": color_of(*point)}
            hand_over(self._hub.point, values)

    def end(self) -> None:
        """Say that the source has come to its end."""
        self._look(is_over=True)

    def _look(self, *, is_over: bool = False) -> None:
        self._looked_at = time.monotonic()
        state = state_of(self._work, is_over=is_over)
        if state != self._state:
            self._state = state
            self._server.leave(self._hub.state, state)


def event_of(emotion: Emotion, source: str, title: str) -> dict[str, Any]:
    """Return what a page is sent of an emotion.

    Parameters
    ----------
    emotion : Emotion
    source : str
        Name of the file or device.
    title : str

    Returns
    -------
    dict
        The fields of ``--json``, ``color`` and ``title``.
    """
    return emotion.as_dict() | {"source": source, "color": emotion.color, "title": title}


def state_of(work: Work, *, is_over: bool = False) -> dict[str, Any]:
    """Return what a page is sent of what is heard.

    Parameters
    ----------
    work : Work
    is_over : bool
        Whether it has come to its end.

    Returns
    -------
    dict
    """
    status = status_of(work.source)
    return {
        "title": work.title,
        "number": work.number + 1,
        "count": work.count,
        "spread": work.spread,
        "length": status.length,
        "is_length_exact": status.is_length_exact,
        "is_paused": status.is_paused,
        "is_connected": status.is_connected,
        "alarm": status.alarm,
        "is_over": is_over,
    }

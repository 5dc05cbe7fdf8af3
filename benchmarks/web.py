"""What the web page's clients cost the tracker: 64 of them, 8 of which never read, against no server at all.

Five runs of each kind take turns. In each the demo piece is tracked at the speed of the music, ten emotions a second.
The figures are the 99th percentile of the time from a block of samples to the end of the sink's call, for the blocks
that complete a window; what reading clients were sent and what they got; and by how much the process grew from the
moment when all clients were there. The clients are in a process of their own.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line sets it

import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

import numpy as np
import psutil
from measure import arguments, report

from emodj_live import DemoSource, Emotion, EmotionModel, EmotionTracker
from emodj_live.gliding import Glide
from emodj_live.sinks.web.address import parse_address
from emodj_live.sinks.web.hub import MOST_STREAMS, Hub
from emodj_live.sinks.web.output import WebSink
from emodj_live.sinks.web.server import WebServer
from emodj_live.sinks.web.site import live_site
from emodj_live.work import Work

_DEAF = 8
_STEP = 0.1  # [s]
_BLOCKS = 30  # a second, as paced sources have them
_MARK = b'data: {"time":'
_RUNS = 5


def be_clients(port: int) -> None:
    """Connect, read what all but a few get until the server ends, and print how many emotions each has got."""
    with selectors.DefaultSelector() as ready, ExitStack() as stack:
        counts: dict[int, int] = {}
        for number in range(MOST_STREAMS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if number >= _DEAF:
                counts[number] = 0
                ready.register(client, selectors.EVENT_READ, [number, b""])
        while ready.get_map():
            for key, _ in ready.select():
                number, rest = key.data
                data = key.fileobj.recv(65536)
                if not data:
                    ready.unregister(key.fileobj)
                text = rest + data
                counts[number] += text.count(_MARK)
                key.data[1] = text[-len(_MARK) + 1 :]
        print(json.dumps(sorted(counts.values())))


def follow(model: EmotionModel, sink: Callable[[Emotion], object], seconds: float) -> list[float]:
    """Track the demo piece at the speed of the music, and return the times of blocks that gave emotions [s]."""
    tracker = EmotionTracker(model, step=round(_STEP * model.sample_rate))
    music = np.concatenate(list(DemoSource(sample_rate=model.sample_rate)))
    length, times = model.sample_rate // _BLOCKS, []
    begun = time.perf_counter()
    for number in range(round(seconds * _BLOCKS)):
        start = number * length % (len(music) - length)
        time.sleep(max(0.0, begun + number / _BLOCKS - time.perf_counter()))
        before = time.perf_counter()
        emotions = tracker.process(music[start : start + length])
        for emotion in emotions:
            sink(emotion)
        if emotions:
            times.append(time.perf_counter() - before)
    return times


def with_clients(model: EmotionModel, seconds: float) -> tuple[float, int, list[int], float]:
    """Return the 99th percentile [s], how many emotions there were, how many each client got, and the growth [MB]."""
    hub, process = Hub(), psutil.Process()
    with WebServer(live_site(hub), parse_address("0")) as server:
        command = [sys.executable, __file__, "--be-clients", str(server.address.port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as clients:
            while len(hub._listeners) < MOST_STREAMS:
                time.sleep(0.05)
            sink = WebSink(server, hub, Work([], name="demo", title="demo"), Glide())
            before = process.memory_info().rss
            times = follow(model, sink, seconds)
            growth = process.memory_info().rss - before
            time.sleep(0.5)
            server.close()
            got = json.loads(clients.communicate()[0])
    return float(np.percentile(times, 99)), len(times), got, growth / 1e6


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="of each run (default 120)")
    parser.add_argument("--be-clients", type=int, metavar="PORT", help="be the clients of a run")
    given = parser.parse_args()
    if given.be_clients:
        be_clients(given.be_clients)
        return
    model = EmotionModel.load()
    follow(model, id, 2.0)  # warm up
    alone, beside, missed, growths = [], [], 0, []
    for _ in range(_RUNS):
        alone.append(float(np.percentile(follow(model, id, given.seconds), 99)))
        p99, count, got, growth = with_clients(model, given.seconds)
        beside.append(p99)
        missed += sum(count - one for one in got)
        growths.append(growth)
    figures = {
        "clients": MOST_STREAMS,
        "clients_that_never_read": _DEAF,
        "seconds_a_run": given.seconds,
        "p99_ms_without_server": 1e3 * median(alone),
        "p99_ms_with_clients": 1e3 * median(beside),
        "ratio": median(beside) / median(alone),
        "emotions_that_a_reading_client_missed": missed,
        "growth_mb_at_most": max(growths),
    }
    report("web", figures, as_json=given.json)


if __name__ == "__main__":
    main()

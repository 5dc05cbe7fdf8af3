"""A real collection, served by a real server on the loopback: what the tests of pages and of the browser share.

A test module asks for the fixtures with ``pytest_plugins = ["served_collection"]``. PYTEST_DONT_REWRITE: it is imported
as a module too.
"""

from __future__ import annotations

import http.client
import json
from contextlib import closing, contextmanager

import pytest
import soundfile

from emodj_live.library import Library, scan
from emodj_live.library.readers import Readers

SCRIPT = "<script>document.title = 'run'</script><img src=x onerror=alert(1)>"
NAMES = "one tune.wav", "two tune.wav", "three tune.wav", "four tune.wav", "five tune.wav", "six tune.wav"
SONGS = len(NAMES)


@pytest.fixture(scope="module")
def collection(tmp_path_factory, model, music):
    """Return an index of six real files, the folder that they are in, and what each file holds."""
    folder = tmp_path_factory.mktemp("collection")
    model.save(folder / "model.npz")
    (folder / "Music").mkdir()
    with Library(folder / "library.db") as library:
        for number, name in enumerate(NAMES, 1):  # one after the other, so that each song's number is that in its name
            path = folder / "Music" / name
            soundfile.write(path, music(2.0 + number, number), 22050)
            scan([path], library, model=folder / "model.npz", jobs=1)
        library.query("UPDATE song SET title = ?, artist = ? WHERE id = 1", (SCRIPT, "Nobody"))
    return folder


@contextmanager
def running(path, **options):
    """Serve the index with a path, and yield the port."""
    from emodj_live.library.site import collection_site
    from emodj_live.sinks.web.address import Address
    from emodj_live.sinks.web.server import WebServer

    with closing(Readers(path)) as readers, WebServer(collection_site(readers), Address(), **options) as server:
        yield server.address.port


class Client:
    """Asks one server; what it answers is (status, headers, body)."""

    def __init__(self, port):
        self._port = port

    def __call__(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def json(self, path):
        status, headers, body = self(path)
        assert (status, headers["content-type"]) == (200, "application/json")
        return json.loads(body)

    def refusal(self, path, status):
        """Return the sentence with which it refuses."""
        got, headers, body = self(path)
        assert (got, headers["content-type"]) == (status, "application/json"), body
        (sentence,) = json.loads(body).values()
        assert sentence.endswith(".")
        return sentence

"""The map of ``emodj-library serve`` with many songs: how fast it loads, pans and zooms in Chromium.

The songs are made up (as in `library.py`), the server is the real command, and the browser is Chromium without a
graphics card, driven by selenium: a mouse that drags the map around, then a zoom. A frame counts if the page has drawn
the map anew for it. It needs Chromium, its driver and selenium.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from math import cos, sin
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from library import make
from measure import arguments, report

_SECONDS = 5.0  # of panning
_SERVE = "from emodj_live.__main__ import library_console; library_console()"
_RECORD = """
const map = window.collection.map;
window.moments = [];
const draw = map.drawGround.bind(map);
map.drawGround = () => { draw(); window.moments.push(performance.now()); };
"""
_ZOOM = """
const [length, done] = arguments;
const began = performance.now();
const step = () => {
  const time = performance.now() - began;
  if (time > length) return done();
  map.view.zoom(time % 2000 < 1000 ? 1.02 : 1 / 1.02, 400, 300);
  map.draw();
  requestAnimationFrame(step);
};
const map = window.collection.map;
step();
"""


@contextmanager
def served(path: Path) -> Iterator[str]:
    """Run the command, and yield its link."""
    command = [sys.executable, "-c", _SERVE, "--db", str(path), "serve", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield re.search(r"http://\S+", process.stderr.readline())[0]
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()


@contextmanager
def chromium(width: int, height: int) -> Iterator[Any]:
    """Run Chromium, and yield its driver."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or sys.exit("Chromium is not installed")
    for switch in (
        "no-sandbox",
        "headless=new",
        "disable-gpu",
        "disable-dev-shm-usage",
        f"window-size={width},{height}",
    ):
        options.add_argument(f"--{switch}")
    service = webdriver.ChromeService(shutil.which("chromedriver") or sys.exit("Chromium's driver is not installed"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


def mouse(driver: Any, kind: str, x: float, y: float, **more: object) -> None:
    driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})


def pan(driver: Any) -> None:
    """Drag the map around in a circle."""
    began = time.perf_counter()
    mouse(driver, "mousePressed", 400, 300, button="left", clickCount=1)
    while (turn := time.perf_counter() - began) < _SECONDS:
        mouse(driver, "mouseMoved", 250 + 150 * cos(2 * turn), 300 + 150 * sin(2 * turn), button="left", buttons=1)
    mouse(driver, "mouseReleased", 400, 300, button="left", clickCount=1)


def zoom(driver: Any) -> None:
    """Zoom in and out, a little at each frame; the driver's wheel would wait for each of its turns."""
    driver.execute_async_script(_ZOOM, 1000 * _SECONDS)


def frames(driver: Any, work: Any) -> dict[str, float]:
    """Return how often the map was drawn during some work."""
    driver.execute_script("window.moments = []")
    work(driver)
    moments = driver.execute_script("return window.moments")
    gaps = sorted(after - before for before, after in pairwise(moments))
    seconds = (moments[-1] - moments[0]) / 1000
    return {
        "frames a second": len(gaps) / seconds,
        "gap, 99 of 100 at most, ms": gaps[int(0.99 * len(gaps))],
        "longest gap, ms": gaps[-1],
    }


def measure(link: str, size: tuple[int, int]) -> dict[str, object]:
    """Open the page and move the map."""
    with chromium(*size) as driver:
        began = time.perf_counter()
        driver.get(link)
        while not driver.execute_script("return document.documentElement.dataset.ready"):
            time.sleep(0.01)
        figures: dict[str, object] = {"until all songs are on the map, s": time.perf_counter() - began}
        driver.execute_script(_RECORD)
        for name, work in (("pan", pan), ("zoom", zoom)):
            figures |= {f"{name}: {key}": value for key, value in frames(driver, work).items()}
        return figures


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--songs", type=int, nargs="+", default=[10_000], help="sizes of collections (10000)")
    parser.add_argument("--size", type=int, nargs=2, default=[1280, 800], help="of the window (1280 800)")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        for count in options.songs:
            path = Path(folder) / f"{count}.db"
            make(path, count)
            with served(path) as link:
                report(f"a map of {count:,} songs", measure(link, tuple(options.size)), as_json=options.json)


if __name__ == "__main__":
    main()

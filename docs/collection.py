"""Draws docs/pictures/collection.png: the page of a collection that is made up, while it plays the package's own demo.

It needs the extra ``web``, Chromium with its driver, selenium and Pillow. No song in it exists.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from PIL import Image

from emodj_live import Quadrant, analyze
from emodj_live.library import Library, Song, Stamp
from emodj_live.sources.demo import DemoSource

SONGS = 1200
SIZE = (1280, 800)
LIMIT = 300_000  # bytes
SECOND = 24.0  # of the demo that is shown
FIRST = ("Paper", "Glass", "Slow", "Northern", "Silver", "Hollow", "Summer", "Distant", "Velvet", "Copper", "Quiet")
SECOND_WORDS = (
    "Boats",
    "Lanterns",
    "Rivers",
    "Machines",
    "Gardens",
    "Letters",
    "Harbors",
    "Kites",
    "Signals",
    "Orchards",
)
ARTISTS = ("The Low Tides", "Marble Arcade", "Ida Fern", "Kite Season", "Otto & the Owls", "Nine Lamps", "Hazel Row")
SWITCHES = ("no-sandbox", "headless=new", "disable-gpu", "disable-dev-shm-usage", "mute-audio")


def song(number: int, point: tuple[float, float], random: np.random.Generator) -> Song:
    """Return a made-up song."""
    quadrant = Quadrant.of(*point)
    return Song(
        id=None,
        path=os.fsencode(f"/music/{number:04d}.flac"),
        title=f"{random.choice(FIRST)} {random.choice(SECOND_WORDS)}",
        artist=str(random.choice(ARTISTS)),
        album=None,
        duration=float(random.uniform(150, 320)),
        valence=point[0],
        arousal=point[1],
        valence_std=0.1,
        arousal_std=0.1,
        valence_rank=0.5,
        arousal_rank=0.5,
        quadrant=quadrant,
        certainty=0.6,
        shares={each: float(each is quadrant) for each in Quadrant},
        level=-18.0,
        silence=0.0,
    )


def make(folder: Path) -> Path:
    """Write an index of made-up songs and of the demo."""
    random = np.random.default_rng(7)
    centers = random.normal([0.05, 0.02], [0.17, 0.2], (60, 2))
    points = np.clip(centers[random.integers(0, 60, SONGS)] + random.normal(0, [0.06, 0.08], (SONGS, 2)), -0.8, 0.8)
    demo = folder / "demo.flac"
    soundfile.write(demo, np.concatenate(list(DemoSource())), 22050)
    profile = analyze(demo)
    with Library(folder / "library.db") as library, library.transaction():
        played = Song.from_profile(demo, profile, title="Four moods in a minute", artist="emodj-live")
        library.put(played, Stamp.of(demo), content=b"demo", model="0" * 64, arc=profile.arc)
        for number, point in enumerate(points.tolist(), 1):
            made = song(number, (point[0], point[1]), random)
            library.put(made, Stamp(1, 1), content=str(number).encode(), model="0" * 64, arc=profile.arc)
    return folder / "library.db"


def photograph(link: str) -> bytes:
    """Play the demo, ask for a playlist, and return a picture of the page."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for switch in (*SWITCHES, "autoplay-policy=no-user-gesture-required", f"window-size={SIZE[0]},{SIZE[1]}"):
        options.add_argument(f"--{switch}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        metrics = {"width": SIZE[0], "height": SIZE[1], "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
        driver.get(link)
        time.sleep(1)
        driver.find_element("id", "words").send_keys("minute")
        time.sleep(1)
        driver.find_element("css selector", "#found .song").click()
        time.sleep(1)
        driver.execute_script(f"document.getElementById('audio').currentTime = {SECOND}")
        driver.find_element("id", "words").clear()
        driver.find_element("id", "tab-playlist").click()
        for end, mood in (("from", "sad"), ("to", "happy")):
            driver.find_element("id", end).send_keys(mood)
        time.sleep(2)
        driver.execute_script("document.activeElement.blur()")
        return driver.get_screenshot_as_png()
    finally:
        driver.quit()


def main():
    target = Path(__file__).parent / "pictures" / "collection.png"
    target.parent.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        code = "from emodj_live.__main__ import library_console; library_console()"
        command = [sys.executable, "-c", code, "--db", str(make(Path(folder))), "serve", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            picture = photograph(re.search(r"http://\S+", process.stderr.readline())[0])
            process.terminate()
    data = io.BytesIO()
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.save(data, "PNG", optimize=True)
    size = len(data.getvalue())
    if size > LIMIT:
        raise SystemExit(f"the picture would be too large: {size} bytes")
    target.write_bytes(data.getvalue())
    print(f"{target.name}: {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

"""Pictures of the live page and the overlay in Chromium, to be looked at; one goes to docs/pictures/page.png.

``python docs/web_pictures.py FOLDER`` draws every size in both lights into a folder; without one it makes the
documentation's. It needs Chromium, its driver and selenium. The page shows the demo, as it is at second 37.
"""

from __future__ import annotations

import base64
import io
import shutil
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from selenium import webdriver

from emodj_live import DemoSource, EmotionModel, EmotionTracker
from emodj_live.gliding import Glide
from emodj_live.sinks.web.address import parse_address
from emodj_live.sinks.web.hub import Hub
from emodj_live.sinks.web.output import WebSink
from emodj_live.sinks.web.server import WebServer
from emodj_live.sinks.web.site import live_site
from emodj_live.work import Work

SIZES = ((360, 640), (640, 360), (768, 1024), (1280, 720), (1920, 1080))
SECOND = 37.0
HEARD_LIVE = 7.0  # [s] of which the tail tells
PICTURE = Path(__file__).parent / "pictures" / "page.png"
_LARGEST = 250_000  # bytes


def chromium() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def draw(browser: webdriver.Chrome, size: tuple[int, int], scheme: str, path: str = "/") -> Image.Image:
    """Return what the browser shows of the demo."""
    source, model, hub = DemoSource(), EmotionModel.load(), Hub()
    emotions = [one for one in EmotionTracker(model).track(source) if one.time <= SECOND]
    deviations = model.calibration.deviations if model.calibration else None
    with WebServer(live_site(hub), parse_address("0")) as server:
        sink = WebSink(server, hub, Work(source, title="Demo", spread=deviations), Glide())
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
        for one in emotions:
            if one.time == SECOND - HEARD_LIVE:
                browser.get(f"http://127.0.0.1:{server.address.port}{path}")
                time.sleep(0.5)
            if one.time > SECOND - HEARD_LIVE:
                time.sleep(0.5)
            sink(one)
        time.sleep(0.7)
        data = browser.execute_cdp_cmd("Page.captureScreenshot", {})["data"]
        return Image.open(io.BytesIO(base64.b64decode(data)))


def main() -> None:
    browser = chromium()
    try:
        if len(sys.argv) == 1:
            picture = draw(browser, (1280, 720), "dark").convert("RGB")
            PICTURE.parent.mkdir(exist_ok=True)
            picture.save(PICTURE, optimize=True)
            size = PICTURE.stat().st_size
            print(f"{PICTURE}: {size} bytes" + ", which is too large" * (size > _LARGEST))
            return
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        for width, height in SIZES:
            for scheme in ("dark", "light"):
                draw(browser, (width, height), scheme).save(folder / f"page-{width}x{height}-{scheme}.png")
        over = {"color": {"r": 0, "g": 0, "b": 0, "a": 0}}
        browser.execute_cdp_cmd("Emulation.setDefaultBackgroundColorOverride", over)
        overlay = draw(browser, (1280, 720), "dark", "/overlay?show=plane,word,bar,color").convert("RGBA")
        for name, light in (("dark", 40), ("bright", 225)):  # as over a video
            ground = np.random.default_rng(1).integers(light - 25, light + 25, (45, 80, 3), np.uint8)
            video = Image.fromarray(ground).resize((1280, 720), Image.Resampling.BICUBIC).convert("RGBA")
            Image.alpha_composite(video, overlay).save(folder / f"overlay-{name}.png")
    finally:
        browser.quit()


if __name__ == "__main__":
    main()

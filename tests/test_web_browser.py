"""The live page and the overlay in a real Chromium: what is seen, how soon, how smoothly, and what is not asked for."""

import base64
import io
import json
import shutil
import time
from contextlib import contextmanager

import pytest

from emodj_live import Emotion, Quadrant
from emodj_live.colors import color_of, to_rgb
from emodj_live.gliding import Glide
from emodj_live.sinks.web.address import parse_address
from emodj_live.sinks.web.output import WebSink
from emodj_live.work import Work

pytest.importorskip("selenium", reason="needs selenium")
pytest.importorskip("starlette", reason="needs the extra web")
pytest.importorskip("PIL", reason="needs the extra tags")

from PIL import Image
from selenium import webdriver

from emodj_live.sinks.web.hub import Hub
from emodj_live.sinks.web.server import WebServer
from emodj_live.sinks.web.site import live_site

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium and its driver"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

WAY = [(0.1, 0.4), (-0.3, 0.5), (-0.5, -0.2), (0.2, -0.5), (0.5, 0.1)]


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


class Page:
    """A page of a server that is here, in the browser."""

    def __init__(self, browser, server, hub, work):
        self.browser, self.server = browser, server
        self.sink = WebSink(server, hub, work, Glide())
        self.count = 0

    def open(self, path="/"):
        self.browser.get("about:blank")
        self.browser.get_log("browser"), self.browser.get_log("performance")
        self.browser.get(f"http://127.0.0.1:{self.server.address.port}{path}")

    def play(self, valence, arousal, **fields):
        self.count += 1
        quadrant = Quadrant.of(valence, arousal)
        time_ = 0.5 * self.count
        self.sink(Emotion(time_, valence, arousal, valence, arousal, quadrant, -20.0, 0.0, False, False, **fields))

    def run(self, script, *arguments):
        return self.browser.execute_script(f"return {script}", *arguments)

    def until(self, script):
        end = time.monotonic() + 15
        while not self.run(script):
            assert time.monotonic() < end, script
            time.sleep(0.05)

    def size(self, width, height):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, **features):
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})

    def picture(self):
        data = self.browser.execute_cdp_cmd("Page.captureScreenshot", {})["data"]
        return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")

    def complaints(self):
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] != "INFO"]

    def requests(self):
        events = (json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance"))
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


@contextmanager
def paging(browser, port=0, title="A song"):
    hub = Hub()
    with WebServer(live_site(hub), parse_address(str(port))) as server:
        yield Page(browser, server, hub, Work([], name="song.mp3", title=title, spread=(0.25, 0.3)))


@pytest.fixture
def page(browser):
    with paging(browser) as page:
        page.size(1280, 720)
        page.prefer(prefers_color_scheme="dark")
        yield page


def test_an_emotion_is_shown_within_300_ms_and_nobody_else_is_asked(page):
    page.open()
    page.play(0.0, 0.1)
    page.until("document.querySelector('#valence').textContent === '0.00'")
    page.run(
        "(window.seen = {}, new MutationObserver(() => {"
        "window.seen[document.querySelector('#valence').textContent] ??= Date.now() })"
        ".observe(document.querySelector('#valence'), {childList: true, characterData: true, subtree: true}))"
    )
    called = {}
    for number in range(1, 21):
        value = 0.01 * number
        called[f"+{value:.2f}"] = 1000 * time.time()
        page.play(value, 0.2)
        time.sleep(0.1)
    page.until("document.querySelector('#valence').textContent === '+0.20'")
    seen = page.run("window.seen")
    delays = [seen[text] - when for text, when in called.items()]
    assert max(delays) < 300
    host = f"http://127.0.0.1:{page.server.address.port}/"
    asked = {url for url in page.requests() if not url.startswith(("data:", "about:"))}
    assert {"events", "history", "colors.js"} <= {url.removeprefix(host) for url in asked}
    assert {url for url in asked if not url.startswith(host)} == set()
    assert page.complaints() == []


def test_the_point_glides_at_30_frames_a_second_or_more(page):
    page.size(1920, 1080)
    page.open()
    page.until("document.querySelector('#status').textContent !== 'connecting …'")
    page.run(
        "(window.frames_ = [], (function count(time) { window.frames_.push(time); requestAnimationFrame(count) })"
        "(performance.now()), 0)"
    )
    pictures = set()
    for point in WAY:
        page.play(*point)
        for _ in range(4):
            time.sleep(0.1)
            pictures.add(page.run("document.querySelector('.plane-front').toDataURL()"))
    times = page.run("window.frames_")
    assert (len(times) - 1) / (times[-1] - times[0]) * 1000 >= 30
    assert len(pictures) == 4 * (len(WAY) - 1) + 1  # it was somewhere else each time, except at its first point


def test_who_wants_less_motion_sees_none_between_emotions(page):
    page.prefer(prefers_reduced_motion="reduce")
    page.open()
    page.play(0.1, 0.1)
    page.play(-0.5, 0.5)
    page.until("document.querySelector('#valence').textContent === '\u22120.50'")
    time.sleep(0.1)
    first, second = (page.run("document.querySelector('.plane-front').toDataURL()", time.sleep(0.15)) for _ in "12")
    assert first == second


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", [(360, 640), (1920, 1080), (640, 360)], ids=str)
def test_everything_fits_on_small_and_large_screens(page, size, scheme):
    page.size(*size)
    page.prefer(prefers_color_scheme=scheme)
    page.open()
    for point in WAY:
        page.play(*point, certainty=0.3)
    page.until("document.querySelector('#word').textContent === 'happy'")
    boxes = page.run(
        "['title', 'plane', 'word', 'valence', 'arousal', 'valence-curve', 'level', 'strip', 'position', 'zoom']"
        ".map((id) => { const { left, top, right, bottom, width, height } ="
        " document.getElementById(id).getBoundingClientRect(); return [id, left, top, right, bottom, width, height] })"
    )
    for name, left, top, right, bottom, width, height in boxes:
        assert left >= 0 <= top, name
        assert right <= size[0], name
        assert bottom <= size[1], name
        assert min(width, height) > 5 or (name.endswith("curve") and size[1] < 400), name
    assert page.run("document.documentElement.scrollWidth") <= size[0]
    corner = page.picture().getpixel((2, 2))
    assert (sum(corner[:3]) < 100) == (scheme == "dark")


def test_the_plane_has_the_programs_colors(page):
    page.open()
    for valence, arousal in [*WAY, (0, 0), (1, -1)]:
        script = f"import('/plane.js').then(({{ colorOf }}) => colorOf({valence}, {arousal}))"
        found = page.run(script)
        assert found == pytest.approx([255 * part for part in to_rgb(color_of(valence, arousal))], abs=4)


def test_keys_and_buttons_do_the_same(page):
    page.open()
    page.play(0.2, 0.2)
    body = page.browser.find_element("tag name", "body")
    body.send_keys("z")
    assert page.run("document.querySelector('#zoom').getAttribute('aria-pressed')") == "true"
    body.send_keys("\ue004")  # tab
    assert page.run("document.activeElement.id") == "zoom"
    page.browser.switch_to.active_element.send_keys("\ue00d")  # space
    assert page.run("document.querySelector('#zoom').getAttribute('aria-pressed')") == "false"


def test_a_title_is_text_and_nothing_else(browser):
    title = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
    with paging(browser, title=title) as page:
        page.open()
        page.play(0.2, 0.2)
        page.until(f"document.querySelector('#title').textContent === {json.dumps(title)}")
        page.until(f"document.title.endsWith({json.dumps(title)})")
        assert page.run("window.hit") is None
        assert page.run("document.images.length") == 0
        assert page.complaints() == []


def test_the_page_comes_back_with_the_server(browser):
    with paging(browser) as page:
        page.open()
        page.play(0.2, 0.2)
        page.until("document.querySelector('#word').textContent === 'happy'")
    page.until("document.querySelector('#status').textContent === 'reconnecting …'")
    with paging(browser, page.server.address.port, title="Another song") as again:
        again.play(-0.4, -0.4)
        again.until("document.querySelector('#word').textContent === 'sad'")
        again.until("document.querySelector('#title').textContent === 'Another song'")
        again.until("document.querySelector('#status').textContent === ''")
        again.play(-0.4, 0.4)
        again.until("document.querySelector('#word').textContent === 'tense'")


def test_a_page_whose_token_is_out_of_date_says_what_to_do(browser, monkeypatch):
    monkeypatch.setenv("EMODJ_WEB_TOKEN", "the-first-token")
    with paging(browser) as page:
        page.open("/?token=the-first-token")
        page.until("document.querySelector('#status').textContent === ''")
        tab = browser.current_window_handle
        browser.switch_to.new_window("tab")
        overlay = browser.current_window_handle
        page.open("/overlay")
    port = page.server.address.port
    monkeypatch.setenv("EMODJ_WEB_TOKEN", "the-second-token")
    with paging(browser, port) as again:
        sentence = "open the new link that the program prints"
        for window in (overlay, tab):
            browser.switch_to.window(window)
            again.until(f"document.querySelector('#status').textContent === '{sentence}'")
            again.until("document.querySelector('#status').getBoundingClientRect().height > 20")
            if window == overlay:
                browser.close()
    browser.switch_to.window(tab)


def test_the_page_of_a_program_that_has_ended_goes_on_saying_so(browser):
    with paging(browser) as page:
        page.open()
        page.play(0.2, 0.2)
        page.sink.end()
        page.until("document.querySelector('#status').textContent === 'ended'")
    page.until("document.querySelector('#status').textContent === 'the program has ended'")
    time.sleep(2)  # which is longer than until the next attempt
    assert page.run("document.querySelector('#status').textContent") == "the program has ended"


def test_an_overlay_that_is_asked_for_nothing_that_there_is_shows_the_default(page):
    page.play(0.5, 0.5)
    for asked in ("foo", "", "plan,words"):
        page.open(f"/overlay?show={asked}")
        page.until("document.querySelector('#word').textContent === 'happy'")
        assert page.run("['plane', 'word', 'bar', 'color'].filter((id) => !document.getElementById(id).hidden)") == [
            "plane",
            "word",
        ]


def test_the_overlays_parts_are_as_wide_as_each_other(page):
    page.size(800, 600)
    page.play(0.5, 0.5)
    page.open("/overlay?show=plane,word,bar,color")
    page.until("document.querySelector('#word').textContent === 'happy'")
    boxes = page.run(
        "['plane', 'bar', 'color'].map((id) => document.getElementById(id).getBoundingClientRect())"
        ".map(({ left, right }) => [left, right])"
    )
    assert boxes[0] == boxes[1] == boxes[2]
    assert boxes[0][0] == 800 - boxes[0][1]  # in the middle


def test_the_overlay_shows_what_it_is_asked_for_on_nothing(page):
    page.size(800, 600)
    page.play(0.5, 0.5)
    transparent = {"color": {"r": 0, "g": 0, "b": 0, "a": 0}}
    page.browser.execute_cdp_cmd("Emulation.setDefaultBackgroundColorOverride", transparent)
    for shown in (["plane"], ["word", "bar"], ["color"], ["plane", "word", "bar", "color"]):
        page.open(f"/overlay?show={','.join(shown)}")
        page.until("document.querySelector('#word').textContent === 'happy'")
        time.sleep(0.6)  # until a change of color has come to its end
        script = "['plane', 'word', 'bar', 'color'].filter((id) => !document.getElementById(id).hidden)"
        assert page.run(script) == shown
        picture = page.picture()
        assert [picture.getpixel(place)[3] for place in ((0, 0), (799, 0), (0, 599), (799, 599))] == [0] * 4
        assert picture.getextrema()[3][1] > 150
        if shown == ["color"]:
            expected = [255 * part for part in to_rgb(color_of(0.5, 0.5))]
            assert picture.getpixel((400, 300))[:3] == pytest.approx(expected, abs=4)
    page.browser.execute_cdp_cmd("Emulation.setDefaultBackgroundColorOverride", {})
    assert page.complaints() == []


def test_curves_have_a_scale_that_fits_them_with_zero_in_it(page):
    page.open()
    for values in ([0.1, 0.2], [-0.1, -0.4], [-0.3, 0.5], [0.01], []):
        low, high = page.run(f"import('/strip.js').then(({{ reach }}) => reach({values}))")
        assert low <= min([0, *values])
        assert max([0, *values]) <= high
        assert high - low == pytest.approx(max(0.2, max([0, *values]) - min([0, *values])))


def test_the_panels_parts_fill_its_height(page):
    page.size(1280, 800)
    page.open()
    page.play(0.2, 0.2)
    page.until("document.querySelector('#word').textContent === 'happy'")
    bottom, top, *heights = page.run(
        "[document.querySelector('.level').getBoundingClientRect().bottom - "
        "document.querySelector('#stage').getBoundingClientRect().bottom, "
        "document.querySelector('#valence').getBoundingClientRect().top - "
        "document.querySelector('#mood').getBoundingClientRect().bottom, "
        "...['valence-curve', 'arousal-curve'].map((id) => document.getElementById(id).clientHeight)]"
    )
    assert abs(bottom) < 2
    assert top < 30
    assert min(heights) > 120


def test_a_long_title_has_two_lines_on_a_phone(browser):
    with paging(browser, title="A long title of a song that somebody recorded at night") as page:
        page.size(360, 640)
        page.open()
        page.play(0.2, 0.2)
        page.until("document.querySelector('#title').textContent.startsWith('A long')")
        lines = "document.querySelector('#title').clientHeight / parseFloat(getComputedStyle(document.body).fontSize)"
        assert 2.5 < page.run(lines) < 3.2
        assert page.run("document.documentElement.scrollHeight") <= 640

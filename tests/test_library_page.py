"""The page of a collection in Chromium: the map, search, playing, following, similar songs, a playlist, keys."""

import json
import shutil
import time

import numpy as np
import pytest
import soundfile
from served_collection import SCRIPT, SONGS, Client, running

from emodj_live.library import Library, scan

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
pytest.importorskip("starlette", reason="needs the extra web")
pytest.importorskip("uvicorn", reason="needs the extra web")

from selenium.webdriver.common.keys import Keys  # noqa: E402

pytest_plugins = ["served_collection"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("chromium") and shutil.which("chromedriver")), reason="needs Chromium"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # selenium's
]
SWITCHES = (
    *("no-sandbox", "headless=new", "disable-gpu", "disable-dev-shm-usage", "mute-audio", "window-size=1280,800"),
    "autoplay-policy=no-user-gesture-required",
)


class Page:
    """The page in a browser."""

    def __init__(self, driver, port):
        self.driver, self.port = driver, port
        driver.get(f"http://127.0.0.1:{port}/")
        self.wait("document.documentElement.dataset.ready")

    def run(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def value(self, code):
        return self.run(f"return {code}")

    def wait(self, code, seconds=20):
        """Return the value of an expression when it is true."""
        deadline = time.monotonic() + seconds
        while not (value := self.value(code)):
            assert time.monotonic() < deadline, code
            time.sleep(0.02)
        return value

    def text(self, name):
        return self.value(f"document.getElementById('{name}').textContent")

    def click(self, name):
        self.driver.find_element("id", name).click()

    def type(self, *keys, into="words"):
        self.driver.find_element("id", into).send_keys(*keys)

    def press(self, *keys):
        """Press keys without anything having the focus."""
        self.run("document.activeElement.blur()")
        self.driver.find_element("css selector", "body").send_keys(*keys)

    def names(self, panel):
        return self.value(f"[...document.querySelectorAll('#{panel} .title')].map((each) => each.textContent)")

    def click_map(self, valence, arousal):
        """Click where a point of the plane is."""
        code = """const map = window.collection.map, box = map.above.getBoundingClientRect();
            return [box.left + map.view.x(arguments[0]), box.top + map.view.y(arguments[1])];"""
        x, y = self.run(code, valence, arousal)
        for kind in ("mousePressed", "mouseReleased"):
            event = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def is_playing(self, title):
        self.wait(f"document.getElementById('title').textContent === {json.dumps(title)}")
        self.wait("!document.getElementById('audio').paused && document.getElementById('audio').currentTime > 0.3")


@pytest.fixture(scope="module")
def driver():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for switch in SWITCHES:
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def port(collection):
    with running(collection / "library.db") as number:
        yield number


@pytest.fixture
def page(driver, port):
    """Open the page; nothing in it may go wrong, or ask another host."""
    opened = Page(driver, port)
    driver.get_log("browser")
    yield opened
    assert driver.get_log("browser") == []
    asked = opened.value("performance.getEntriesByType('resource').map((each) => each.name)")
    assert {name.split("/")[2] for name in asked} == {f"127.0.0.1:{port}"}


@pytest.fixture
def songs(collection):
    with Library(collection / "library.db", read_only=True) as library:
        yield list(library.songs("ORDER BY id"))


def test_every_song_is_on_the_map(page, songs):
    shown = page.value("[...window.collection.map.ids]")
    assert shown == [song.id for song in songs]
    code = """const map = window.collection.map, box = map.below.getBoundingClientRect();
        return [...map.ids].every((_, dot) => {
            const [x, y] = [map.view.x(map.valence[dot]), map.view.y(map.arousal[dot])];
            return x > 0 && y > 0 && x < box.width && y < box.height;
        });"""
    assert page.run(code)
    assert len(page.names("found")) == SONGS


def test_search_and_play_and_follow(page, port, songs):
    page.type("three tune")
    page.wait("document.querySelectorAll('#found .song').length === 1")
    page.type(Keys.ENTER)
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.is_playing("three tune.wav")
    arc = np.array(Client(port).json("/songs/3/arc")["points"])
    for _ in range(10):
        time.sleep(0.1)
        at, shown = page.value(
            "[document.getElementById('audio').currentTime, window.collection.map.marks.playing?.point]"
        )
        assert shown is not None
        near = [
            np.array([np.interp(time, 0.5 * np.arange(len(arc)) + 0.25, arc[:, axis]) for axis in (0, 1)])
            for time in np.arange(at - 0.3, at + 0.01, 0.01)
        ]
        assert min(np.abs(point - shown).max() for point in near) < 0.02
    assert page.value("document.querySelector('#found [aria-current]').textContent").startswith("three tune.wav")
    assert int(page.value("document.getElementById('strip').getAttribute('aria-valuemax')")) == 5


def test_a_dot_that_is_clicked_plays(page, songs):
    song = songs[3]
    page.click_map(song.valence, song.arousal)
    page.is_playing("four tune.wav")
    strongest = """const canvas = document.getElementById('strip');
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return data.reduce((most, part) => Math.max(most, part), 0);"""
    assert page.run(strongest) > 100  # the strip has been drawn


def test_a_title_of_markup_is_shown_as_it_is(page):
    page.type("nobody")
    page.wait("document.querySelectorAll('#found .song').length === 1")
    assert page.names("found") == [SCRIPT]
    page.run("document.querySelector('#found .song').click()")
    page.is_playing(SCRIPT)
    assert page.value("document.title") == f"Nobody - {SCRIPT} - emodj-live"
    assert page.value("document.querySelectorAll('.player img, .list img').length") == 0


def test_similar_songs(page, port):
    page.type("five tune")
    page.wait("document.querySelectorAll('#found .song').length === 1")
    page.run("document.querySelector('#found .song').click()")
    page.click("tab-similar")
    page.wait("document.querySelectorAll('#similar .song').length > 0")
    near = Client(port).json("/songs/5/similar")["songs"]
    assert page.names("similar") == [song["title"] or song["file"] for song in near]
    page.run("document.querySelector('#similar .song').click()")
    page.is_playing(near[0]["title"] or near[0]["file"])


def test_a_playlist_from_here_to_there(page, port, songs):
    first, last = songs[1], songs[5]
    page.click("tab-playlist")
    page.click("pick")
    assert page.text("hint") == "Click where the playlist begins"
    page.click_map(first.valence, first.arousal)
    page.wait("document.getElementById('hint').textContent === 'Now click where it leads'")
    page.click_map(last.valence, last.arousal)
    page.wait("document.querySelectorAll('#playlist .song').length > 0")
    assert page.value("document.getElementById('hint').hidden")
    link = page.value("document.getElementById('save').getAttribute('href')")
    status, _, body = Client(port)(link)
    assert (status, body.count(b"\n#EXTINF")) == (200, SONGS)
    assert page.names("playlist") == [
        song["title"] or song["file"] for song in Client(port).json(link.replace(".m3u8", ""))["songs"]
    ]
    names = page.names("playlist")
    page.click("play-all")
    page.is_playing(names[0])
    page.run("const audio = document.getElementById('audio'); audio.currentTime = audio.duration - 0.2")
    page.is_playing(names[1])  # one after the other


def test_a_playlist_from_mood_to_mood_by_the_keyboard(page):
    page.click("tab-playlist")
    page.type("sad", into="from")
    page.type("happy", into="to")
    page.wait("document.querySelectorAll('#playlist .song').length > 0")
    assert page.text("playlist").find("6 songs") > 0


def test_keys(page, songs):
    page.press("/")
    assert page.value("document.activeElement.id") == "words"
    page.type("six tune", Keys.ARROW_DOWN)
    page.wait("document.querySelectorAll('#found .song').length === 1")
    page.type(Keys.ARROW_DOWN)
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.is_playing("six tune.wav")
    page.press(" ")
    page.wait("document.getElementById('audio').paused")
    page.press(Keys.ARROW_RIGHT)
    page.wait("document.getElementById('audio').currentTime > 6")
    page.press(Keys.ARROW_LEFT)
    page.wait("document.getElementById('audio').currentTime < 1")
    scale = page.value("window.collection.map.view.scale")
    page.press("+")
    assert page.value("window.collection.map.view.scale") == pytest.approx(1.5 * scale)
    page.press("0")
    assert page.value("window.collection.map.view.scale") == pytest.approx(scale)


def test_the_map_by_the_keyboard_alone(page, songs):
    page.run("document.querySelector('.marks').focus()")
    focused = page.driver.switch_to.active_element
    focused.send_keys(Keys.ARROW_RIGHT)
    cross = np.array(page.value("window.collection.map.marks.cross"))
    page.run("window.collection.map.view.zoom(0.7); window.collection.map.draw()")  # then every song is near
    song = min(songs, key=lambda each: np.hypot(each.valence - cross[0], each.arousal - cross[1]))
    page.run("window.collection.map.mark({ cross: arguments[0] })", [song.valence, song.arousal])
    focused.send_keys(Keys.ENTER)
    page.is_playing(song.title or song.path.decode().rpartition("/")[2])


def test_drag_and_wheel(page):
    view = "[...'valence arousal scale'.split(' ')].map((name) => window.collection.map.view[name])"
    before = page.value(view)
    send = page.driver.execute_cdp_cmd
    for kind, x in (("mousePressed", 400), ("mouseMoved", 450), ("mouseMoved", 500), ("mouseReleased", 500)):
        event = {"type": kind, "x": x, "y": 300, "button": "left", "buttons": 1, "clickCount": 1}
        send("Input.dispatchMouseEvent", event)
    after = page.value(view)
    assert before[0] - after[0] == pytest.approx(100 / before[2])
    send("Input.dispatchMouseEvent", {"type": "mouseWheel", "x": 300, "y": 200, "deltaX": 0, "deltaY": -100})
    page.wait(f"window.collection.map.view.scale > {before[2]} * 1.1")
    assert page.text("title") == "Nothing is playing"  # a drag is no click


def touch(driver, kind, *points):
    event = {"type": kind, "touchPoints": [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]}
    driver.execute_cdp_cmd("Input.dispatchTouchEvent", event)


def test_two_fingers_zoom_and_keep_what_they_touch(page):
    before = page.value("[window.collection.map.view.scale, window.collection.map.view.pointAt(400, 300)]")
    touch(page.driver, "touchStart", (350, 300), (450, 300))
    for apart in range(60, 110, 10):
        touch(page.driver, "touchMove", (400 - apart, 300), (400 + apart, 300))
    touch(page.driver, "touchEnd")
    after = page.value("[window.collection.map.view.scale, window.collection.map.view.pointAt(400, 300)]")
    assert after[0] == pytest.approx(2 * before[0])
    assert after[1] == pytest.approx(before[1])
    assert page.text("title") == "Nothing is playing"


@pytest.fixture
def screen(driver):
    """Return a function that sets the size of the screen, and what its user prefers."""

    def choose(width, height, **preferred):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in preferred.items()]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    yield choose
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


CONTROLS = "#words, #tab-found, #tab-similar, #tab-playlist, #previous, #toggle, #next, #strip, #title, .zoom, .marks"


@pytest.mark.parametrize("color", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 640), (640, 360), (768, 1024), (1920, 1080)])
def test_everything_has_its_place_on_every_screen(screen, driver, port, width, height, color):
    screen(width, height, prefers_color_scheme=color)
    page = Page(driver, port)
    page.run("document.querySelector('#found .song').click()")
    page.is_playing(SCRIPT)
    assert page.value("document.documentElement.scrollWidth") <= width
    code = f"""return [...document.querySelectorAll('{CONTROLS}')].filter((each) => {{
        const box = each.getBoundingClientRect();
        return box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight || box.width < 24;
    }}).map((each) => each.id || each.className)"""
    assert page.run(code) == []
    assert page.value("document.querySelector('.marks').getBoundingClientRect().height") > 0.3 * height
    corner = "const data = window.collection.map.groundContext.getImageData(5, 5, 1, 1).data; return data[0] + data[1]"
    assert (page.run(corner) > 256) is (color == "light")


def test_who_wants_no_motion_gets_steps_and_no_tail(screen, driver, port):
    for wish, has_tail in (("reduce", False), ("no-preference", True)):
        screen(1280, 800, prefers_reduced_motion=wish)
        page = Page(driver, port)
        page.run("document.querySelector('#found .song').click()")
        page.is_playing(SCRIPT)
        page.wait("window.collection.map.marks.playing")
        assert (len(page.value("window.collection.map.marks.playing.tail")) > 0) is has_tail


def test_what_cannot_be_played_says_so(driver, collection, tmp_path, music):
    folder = tmp_path / "songs"
    folder.mkdir()
    with Library(tmp_path / "library.db") as library:
        for number in range(3):
            path = folder / f"{number}.wav"
            soundfile.write(path, music(2.0 + number, number), 22050)
            scan([path], library, model=collection / "model.npz", jobs=1)
    (folder / "0.wav").write_bytes(b"this is no sound " * 100)
    (folder / "1.wav").unlink()
    with running(tmp_path / "library.db") as port:
        page = Page(driver, port)
        said = {
            "0.wav": "0.wav: this browser cannot decode it; play it with: emodj-library play --near 1 -n 1",
            "1.wav": "1.wav: the file is gone; scan the collection again.",
        }
        for name, sentence in said.items():
            page.run(
                "const rows = [...document.querySelectorAll('#found .song')];"
                "rows.find((row) => row.textContent.includes(arguments[0])).click()",
                name,
            )
            page.wait(f"document.getElementById('trouble').textContent === {json.dumps(sentence)}")
        page.click_map(*page.value("[window.collection.map.valence[2], window.collection.map.arousal[2]]"))
        page.is_playing("2.wav")
        assert page.value("document.getElementById('trouble').hidden")
    driver.get_log("browser")


def test_a_song_goes_on_after_a_pause_that_the_server_did_not_wait_for(driver, collection, tmp_path, music):
    soundfile.write(tmp_path / "long.wav", np.tile(music(20.0, 1), 30), 22050)
    with Library(tmp_path / "library.db") as library:
        scan([tmp_path / "long.wav"], library, model=collection / "model.npz", jobs=1)
    with running(tmp_path / "library.db", patience=0.5) as port:
        page = Page(driver, port)
        page.run("document.querySelector('#found .song').click()")
        page.is_playing("long.wav")
        page.press(" ")
        time.sleep(2)
        page.press(" ")
        audio = "document.getElementById('audio')"
        for place in (300, 150, 590):
            page.run(f"{audio}.currentTime = {place}")
            page.wait(f"{audio}.currentTime > {place} + 0.5")
        assert page.value(f"{audio}.error") is None
    driver.get_log("browser")


def test_an_empty_collection_says_what_to_do(driver, tmp_path):
    Library(tmp_path / "library.db").close()
    with running(tmp_path / "library.db") as port:
        assert "emodj-library scan FOLDER" in Page(driver, port).text("hint")


def test_silent_songs_are_not_on_the_map_and_the_page_says_so(driver, collection, tmp_path):
    sentences = ("1 song, silent: not on the map", "2 songs, all silent: not on the map")
    for count, sentence in enumerate(sentences, 1):
        soundfile.write(tmp_path / f"{count}.wav", np.zeros(22050 * (3 + count)), 22050)
        with Library(tmp_path / "library.db") as library:
            scan([tmp_path / f"{count}.wav"], library, model=collection / "model.npz", jobs=1)
        with running(tmp_path / "library.db") as port:
            assert Page(driver, port).text("hint") == sentence


def test_a_search_that_fails_leaves_no_answer_that_looks_new(driver, collection):
    with running(collection / "library.db") as port:
        page = Page(driver, port)
        page.type("three tune")
        page.wait("window.collection.map.marks.near.length === 1")
        page.run("window.really = window.fetch; window.fetch = () => Promise.reject(new TypeError())")
        page.type("s")
        page.wait("document.querySelector('#found .note').textContent.startsWith('The server does not answer')")
        opacity = "Number(getComputedStyle(document.querySelector('#found ol')).opacity)"
        assert page.value(opacity) < 0.5
        assert page.value("window.collection.map.marks.near.length") == 0
        page.run("window.fetch = window.really")
        page.type(Keys.BACKSPACE)
        page.wait(f"{opacity} === 1")


def test_copies_of_one_recording_are_chosen_one_after_the_other(driver, collection, tmp_path, music):
    for name, seed in (("copy one.wav", 1), ("copy two.wav", 1), ("other.wav", 2)):
        soundfile.write(tmp_path / name, music(3.0, seed), 22050)
        with Library(tmp_path / "library.db") as library:
            scan([tmp_path / name], library, model=collection / "model.npz", jobs=1)
    with running(tmp_path / "library.db") as port:
        page = Page(driver, port)
        place = page.value("window.collection.map.placeOf(0)")
        for name in ("copy one.wav", "copy two.wav", "copy one.wav"):
            page.click_map(*place)
            page.is_playing(name)
        page.click_map(*page.value("window.collection.map.placeOf(2)"))
        page.is_playing("other.wav")
    driver.get_log("browser")


def test_the_field_below_the_dots_has_no_blocks(screen, driver, port):
    screen(1280, 800, prefers_color_scheme="dark")
    page = Page(driver, port)
    code = """const { below, groundContext } = window.collection.map;
        let [steps, rows] = [0, 0];
        for (let row = 100; row < 300; row += 7, rows++) {
            const colors = new Uint32Array(groundContext.getImageData(0, row, below.width, 1).data.buffer);
            for (let at = 1; at < colors.length; at++) steps += colors[at] !== colors[at - 1];
        }
        return steps / rows / below.width;"""
    assert page.run(code) > 0.08  # of the pixels differ from that on their left: the steps between shades are strewn

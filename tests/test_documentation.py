"""The code in the README and in the guide is run as it stands there; what the pages say of the package is compared."""

import importlib
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import emodj_live

ROOT = Path(__file__).parents[1]
README, GUIDE, ARCHITECTURE = ROOT / "README.md", ROOT / "docs" / "embedding.md", ROOT / "docs" / "architecture.md"
TRAINING, LIBRARY = ROOT / "docs" / "training.md", ROOT / "docs" / "library.md"
LIGHTS = ROOT / "docs" / "lights.md"
PAGES = [README, GUIDE, TRAINING, LIBRARY, LIGHTS, ARCHITECTURE, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
CONTINUES = "<!-- continues the piece before -->"
WAYS = {
    "callback": ".run(",
    "iterator": ".track(",
    "push": ".process(",
    "background": "BackgroundTracker(",
    "asyncio": ".atrack(",
    "analyze": "analyze(",
}


def pieces(path):
    """Return each piece of Python with the line before its fence; one that continues has what it continues in front."""
    text, found = path.read_text(encoding="utf-8"), []
    for match in re.finditer(r"^```python\n(.*?)^```", text, re.M | re.S):
        before = text[: match.start()].rstrip().splitlines()[-1]
        found.append((found[-1][0] + match[1] if before == CONTINUES else match[1], before))
    return found


ALL = [
    pytest.param(code, before, id=f"{path.stem}-{number}", marks=[pytest.mark.slow] if "PacedSource(" in code else [])
    for path in (README, GUIDE)
    for number, (code, before) in enumerate(pieces(path))
]


def section(path, title):
    """Return what stands below a heading, its own subsections included."""
    text = path.read_text(encoding="utf-8")
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]


def anchors(path):
    """Return what a link can point to on a page: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture
def with_a_song(tmp_path, music, model_path, monkeypatch):
    """Make the working folder one with a song in it."""
    soundfile.write(tmp_path / "song.mp3", music(3.0, 0, 44100), 44100, format="MP3")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))


@pytest.mark.slow
@pytest.mark.parametrize(("code", "before"), ALL)
def test_code_runs(code, before, with_a_song, capsys):
    compiled = compile(code, "snippet", "exec")
    if "needs a microphone" in before or "needs a loudspeaker" in before:
        return
    if "PlotSink" in code:
        pytest.importorskip("matplotlib", reason="needs the extra plot")
    exec(compiled, {"__name__": "snippet"})  # noqa: S102
    if "print" in code and not any(quiet in code for quiet in ("BackgroundTracker", "arousal > 0.5", "Timer(")):
        assert capsys.readouterr().out


def test_readme_shows_the_callback_in_ten_lines_and_links_to_the_other_ways():
    shown = section(README, "The API in ten lines")
    (code,) = re.findall(r"^```python\n(.*?)^```", shown, re.M | re.S)
    assert WAYS["callback"] in code
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    linked = re.findall(r"\(docs/embedding.md#(\w+)\)", shown)
    assert ["callback", *linked] == list(WAYS)


@pytest.mark.parametrize("way", WAYS)
def test_guide_shows_each_way(way):
    code = re.findall(r"^```python\n(.*?)^```", section(GUIDE, way.capitalize()), re.M | re.S)
    assert WAYS[way] in code[0]


NUMBER = re.compile(r"[-+]?\d+\.\d+")


def numbers(line):
    return [float(number) for number in NUMBER.findall(line)]


def shown_after(marker):
    """Return the piece of the README behind a comment."""
    return re.search(rf"<!-- {marker} -->\n```\w+\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)[1]


def demo(run_python, *arguments):
    """Return the lines that ``emodj-live --demo`` prints with the model that ships."""
    code = f"import os; os.environ.pop('EMODJ_MODEL', None); from emodj_live.cli import main; main({arguments!r})"
    return run_python(code).stdout.splitlines()


def test_the_lines_in_the_readme_are_real(run_python):
    shown, real = shown_after("real lines").splitlines(), demo(run_python, "--demo", "--quiet")[-3:]
    assert [NUMBER.sub("", line) for line in shown] == [NUMBER.sub("", line) for line in real]
    apart = np.abs([np.subtract(numbers(one), numbers(other)) for one, other in zip(shown, real, strict=True)])
    assert (apart <= [0.0, 0.011, 0.011, 0.11]).all()  # time, valence, arousal, level: one in the last digit


def test_the_object_in_the_readme_is_real(run_python):
    shown, real = json.loads(shown_after("real object")), json.loads(demo(run_python, "--demo", "--json")[-1])
    assert list(shown) == list(real)
    for name, value in real.items():
        assert shown[name] == (pytest.approx(value, abs=2e-3) if isinstance(value, float) else value), name


def test_the_contract_is_the_same_everywhere():
    from test_embedding import CONTRACT

    assert " ".join(CONTRACT.split()) in " ".join(GUIDE.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("name", emodj_live.__all__)
def test_guide_tells_of_every_public_name(name):
    assert re.search(
        rf"`[^`\n]*\b{name}\b[^`\n]*`|^from emodj_live import .*\b{name}\b", GUIDE.read_text("utf-8"), re.M
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target, anchor in re.findall(r"\[[^]]*\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        path = page.parent / target if target else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), anchor


def test_architecture_shows_every_module_at_the_top():
    layout = section(ARCHITECTURE, "Layout")
    shown = set(re.findall(r"^    \|   `-- (\w+/) |^    [|`]-- ([\w.]+/?) ", layout, re.M))
    shown = {one or other for one, other in shown} - {"terminal/"}
    package = Path(emodj_live.__file__).parent
    found = {path.name for path in package.glob("*.py")} | {
        f"{path.parent.name}/" for path in package.glob("*/__init__.py")
    }
    assert shown == found - {"__main__.py"}  # which is named beside cli.py


def test_architecture_names_every_rule():
    from test_architecture import RULES

    named = section(ARCHITECTURE, "Who may import whom")
    assert [name for name in RULES if name and f"`{name}`" not in named] == []


def test_the_version_is_the_same_everywhere():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.M) == [emodj_live.__version__]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[(\d.*?)\]", changes, re.M)[1] == emodj_live.__version__


def test_help_and_readme_know_the_inputs_and_outputs(capsys):
    from emodj_live.cli import main
    from emodj_live.inputs import INPUTS
    from emodj_live.outputs import OUTPUTS

    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    readme = README.read_text(encoding="utf-8")
    for option in [*(f"--{row.name}" for row in (*OUTPUTS, *INPUTS)), "--raw", "--realtime"]:
        assert re.search(rf"(?<!\S){option}\b", shown), option
        assert re.search(rf"(?<![\w-]){option}\b", readme), option


def commands(path):
    """Return the calls of emodj-live on a page, as lists of arguments."""
    lines = re.findall(r"^(?:\w+=\S+ )*emodj-live (.*)$", path.read_text(encoding="utf-8"), re.M)
    inline = re.findall(r"`(?:\w+=\S+ )*emodj-live (.*?)`", path.read_text(encoding="utf-8"))
    return [shlex.split(line, comments=True) for line in (*lines, *inline)]


@pytest.mark.parametrize("arguments", commands(LIGHTS), ids=" ".join)
def test_commands_for_lights_are_understood(arguments):
    from emodj_live.arguments import parse

    assert parse(arguments).outputs


def test_the_page_for_lights_names_every_message_and_every_entity():
    from emodj_live.sinks.home_assistant import discovery
    from emodj_live.sinks.osc import OscSink

    page = LIGHTS.read_text(encoding="utf-8")
    for address in re.findall(r"``/emodj/(\w+)``", OscSink.__doc__):
        assert f"`/emodj/{address}`" in page
    for topic, _ in discovery("emodj"):
        assert f"`sensor.emodj_live_{topic.split('/')[-2]}`" in page


@pytest.mark.parametrize("page", sorted({*PAGES, *(ROOT / "docs").glob("*.md")}), ids=lambda page: page.name)
def test_no_placeholder_is_left(page):
    assert re.findall(r"@[A-Z_]+@", page.read_text(encoding="utf-8")) == []


# ---------------------------------------------------------------------------------------------------------- types

PROGRAM = """
from typing import assert_type

import numpy as np
from emodj_live import Adapter, BackgroundTracker, CsvSink, Emotion, EmotionModel, EmotionTracker, FileSource
from emodj_live import MicrophoneSource, Model, OscSink, PlotSink, Quadrant, SongProfile, SourceStatus, StreamSource
from emodj_live import analyze, load_model


def on_emotion(emotion: Emotion) -> None:
    assert_type(emotion.valence, float)
    assert_type(emotion.quadrant, Quadrant)


model = EmotionModel.load()
assert_type(model, EmotionModel)
tracker = EmotionTracker(model, gain="auto", step=2205)
tracker.run(FileSource("song.mp3"), on_emotion, print, CsvSink("t.csv"), OscSink("host", 9000), PlotSink("a.png"))
tracker.run([np.zeros(100, np.float32)], on_emotion)
for emotion in tracker.track(MicrophoneSource()):
    assert_type(emotion, Emotion)
assert_type(tracker.process(Adapter(44100).process(np.zeros((10, 2), np.int16))), list[Emotion])
assert_type(tracker.adapter(44100, channels=2), Adapter)
assert_type(load_model("model.npz"), Model)
assert_type(analyze("song.mp3", model), SongProfile)
assert_type(FileSource("song.mp3").status(), SourceStatus)


async def show() -> None:
    async for emotion in tracker.atrack(FileSource("song.mp3")):
        assert_type(emotion, Emotion)


with BackgroundTracker(tracker, StreamSource(open("pipe", "rb")), on_emotion) as background:
    assert_type(background.latest, Emotion | None)
    assert_type(background.error, BaseException | None)
    assert_type(background.wait(timeout=1.0), bool)
"""

MISTAKES = """
tracker.run(FileSource("song.mp3"), "print")
tracker.process("block")
background.latest.valence
EmotionTracker(model, smoothness=3.0)
"""
EXPECTED = ["arg-type", "arg-type", "union-attr", "call-arg"]


@pytest.mark.slow
def test_type_checker_honors_the_package_in_a_program_outside_it(tmp_path, package):
    """If the package were untyped, all would be Any: neither the types nor the mistakes would be seen."""
    pytest.importorskip("mypy", reason="needs the extra dev")
    (tmp_path / "program.py").write_text(PROGRAM + MISTAKES)
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\npython_version = 3.11\nfollow_imports = silent\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "program.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found = [re.match(r"program.py:(\d+): error: .*\[([\w-]+)\]$", line) for line in done.stdout.splitlines()]
    found = [(int(match[1]), match[2]) for match in found if match]
    first = PROGRAM.count("\n") + 2
    assert found == list(zip(range(first, first + 4), EXPECTED, strict=True)), done.stdout


# ------------------------------------------------------------------------------------------------------- training


def commands(path):
    """Return the commands of a page that are to be run: those in its pieces of bash."""
    shown = re.findall(r"^```bash\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)
    return [shlex.split(line) for piece in shown for line in piece.splitlines()]


def entry_point(name):
    """Return the function that an installed command calls, but for the one that exits with its result."""
    given = re.search(rf'^{name} = "([\w.]+:\w*console)"$', (ROOT / "pyproject.toml").read_text(), re.M)[1]
    module = {"emodj_live.__main__:library_console": "emodj_live.library.command"}.get(given, given.partition(":")[0])
    return importlib.import_module(module).main


def words(text):
    """Return the words of an output, without its figures and rules."""
    return re.sub(r"[^a-zA-Z\s]", " ", text).split()


@pytest.mark.slow
def test_the_commands_and_the_code_of_the_training_guide_run(tmp_path, monkeypatch, capsys):
    """On small sets of the names that it uses, one after the other as they stand there, and with what it shows."""
    for extra in ("librosa", "matplotlib"):
        pytest.importorskip(extra, reason="needs the extras train and plot")
    from test_training_helpers import write_labels, write_quadrants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_labels(tmp_path / "my-songs")
    write_quadrants(tmp_path / "4q")
    for number, (command, *arguments) in enumerate(commands(TRAINING)):
        assert entry_point(command)(arguments) == 0, arguments
        if number == 0:
            shown = re.search(r"<!-- real training -->\n```text\n(.*?)^```", TRAINING.read_text(), re.M | re.S)[1]
            assert words(shown) == words(capsys.readouterr().out)
    assert {"my.npz", "my.md", "both.npz", "emodjs.npz", "tuned.npz", "songs.csv"} <= {*os.listdir()}  # noqa: PTH208
    pictures = {path.name for path in (tmp_path / "pictures").iterdir()}
    told = {
        name.replace("NAME", "my-songs") for name in re.findall(r"^\| `([\w-]+\.png)` \|", TRAINING.read_text(), re.M)
    }
    assert told <= pictures
    for code, _ in pieces(TRAINING):
        exec(compile(code, "snippet", "exec"), {"__name__": "snippet"})  # noqa: S102
    assert "'auc'" in capsys.readouterr().out
    assert (tmp_path / "mine.npz").exists()


def test_the_training_guide_has_every_option(capsys):
    from emodj_live.training.evaluate_options import parse as parse_evaluation
    from emodj_live.training.options import parse

    text = TRAINING.read_text(encoding="utf-8")
    for read in (parse, parse_evaluation):
        with pytest.raises(SystemExit):
            read(["--help"])
        for option in set(re.findall(r"(?<![\w-])--[\w-]+", capsys.readouterr().out)) - {"--help"}:
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", text), option


def test_the_scores_in_the_readme_are_those_of_the_bundled_model(capsys, monkeypatch):
    monkeypatch.delenv("EMODJ_MODEL", raising=False)
    runpy.run_path(str(README.parent / "docs" / "scores.py"), run_name="__main__")
    shown = README.read_text(encoding="utf-8")
    for table in capsys.readouterr().out.strip().split("\n\n"):
        assert table in shown

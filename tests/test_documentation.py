"""The code in the README and in the guide is run as it stands there, and type checkers accept it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

import emodj_live

ROOT = Path(__file__).parents[1]
README, GUIDE = ROOT / "README.md", ROOT / "docs" / "embedding.md"
WAYS = ["callback", "iterator", "push", "background"]


def pieces(path):
    """Return each piece of Python with the line before its fence."""
    text, found = path.read_text(encoding="utf-8"), []
    for match in re.finditer(r"^```python\n(.*?)^```", text, re.M | re.S):
        before = text[: match.start()].rstrip().splitlines()[-1]
        found.append((match[1], before))
    return found


ALL = [
    pytest.param(code, before, id=f"{path.stem}-{number}")
    for path in (README, GUIDE)
    for number, (code, before) in enumerate(pieces(path))
]


@pytest.fixture
def with_a_song(tmp_path, music, model_path, monkeypatch):
    """Make the working folder one with a song in it."""
    soundfile.write(tmp_path / "song.mp3", music(3.0, 0, 44100), 44100, format="MP3")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))


@pytest.mark.parametrize(("code", "before"), ALL)
def test_code_runs(code, before, with_a_song, capsys):
    compiled = compile(code, "snippet", "exec")
    if "needs a microphone" in before:
        return
    if "PlotSink" in code:
        pytest.importorskip("matplotlib", reason="needs the extra plot")
    exec(compiled, {"__name__": "snippet"})  # noqa: S102
    if "print" in code and not any(quiet in code for quiet in ("BackgroundTracker", "arousal > 0.5")):
        assert capsys.readouterr().out


def test_readme_shows_each_way_in_in_ten_lines():
    text = README.read_text(encoding="utf-8")
    section = text[text.index("## In your program") : text.index("## On the command line")]
    names = [name.lower() for name in re.findall(r"\*\*(\w+)\*\*: ", section)]
    code = re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)
    assert names == WAYS
    for name, snippet, mark in zip(names, code, ("run(", "track(", "process(", "BackgroundTracker("), strict=True):
        assert mark in snippet, name
        assert len([line for line in snippet.splitlines() if line.strip()]) <= 10, name


def test_the_contract_is_the_same_everywhere():
    from test_embedding import CONTRACT

    assert " ".join(CONTRACT.split()) in " ".join(GUIDE.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("name", emodj_live.__all__)
def test_guide_tells_of_every_public_name(name):
    assert re.search(
        rf"`[^`\n]*\b{name}\b[^`\n]*`|^from emodj_live import .*\b{name}\b", GUIDE.read_text("utf-8"), re.M
    )


def test_links_lead_somewhere():
    for path in (README, GUIDE):
        text = path.read_text(encoding="utf-8")
        for target in re.findall(r"(?<!!)\[[^]]*\]\(([^)#:]+)\)", text):
            assert (path.parent / target).exists(), target


def test_help_and_readme_know_the_outputs(capsys):
    from emodj_live.cli import main

    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for option in ("--csv", "--osc", "--plot", "--raw"):
        assert option in shown
        assert option in README.read_text(encoding="utf-8")


# ---------------------------------------------------------------------------------------------------------- types

PROGRAM = """
from typing import assert_type

import numpy as np
from emodj_live import Adapter, BackgroundTracker, CsvSink, Emotion, EmotionModel, EmotionTracker, FileSource
from emodj_live import MicrophoneSource, OscSink, PlotSink, Quadrant, StreamSource


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


def test_type_checker_honours_the_package_in_a_program_outside_it(tmp_path, package):
    """Where the package were untyped, all would be Any: neither the types nor the mistakes would be seen."""
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

"""Who may import whom, read from the source text; and what a fresh interpreter really loads."""

import ast
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import emodj_live
from emodj_live import inputs, library, outputs, training
from emodj_live.library.command import SUBCOMMANDS

PACKAGE = Path(emodj_live.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {
    "dask",
    "distributed",
    "joblib",
    "mutagen",
    "librosa",
    "matplotlib",
    "numba",
    "pandas",
    "platformdirs",
    "scipy",
    "sklearn",
}
DEVICES_AND_FILES = {"sounddevice", "soundfile", "soxr"}


def module_name(path, package=PACKAGE):
    """Return a module's name inside the package: ``sources.file``, and ``""`` for the door."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path) for path in MODULES}


@dataclass(frozen=True)
class Import:
    """One name that a module imports."""

    name: str
    line: int
    is_at_module_level: bool  # and not for type checkers alone


@dataclass(frozen=True)
class Rule:
    """What a module may import besides the standard library; own modules with what is below them."""

    others: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)  # others and own, inside functions and for type checkers only


VALUES = {"errors", "colors", "emotion", "blocks"}
RULES = {
    "": Rule(
        own={"lazy"},
        later={
            *VALUES,
            "background",
            "calibration",
            "console",
            "context",
            "feature_spec",
            "features",
            "kinds",
            "listener",
            "model",
            "profile",
            "ring",
        }
        | {"sinks", "sources", "tracker"},
    ),
    "__main__": Rule(later={"cli", "library.command"}),
    "lazy": Rule(),
    "errors": Rule(),
    "colors": Rule(),
    "emotion": Rule(own={"colors"}),
    "extras": Rule(),
    "gliding": Rule(),
    "gain": Rule(),
    "console": Rule(),
    "smoothing": Rule(own={"emotion"}),
    "blocks": Rule({"numpy"}, {"emotion"}),
    "ring": Rule({"numpy"}, {"blocks"}),
    "window_statistics": Rule({"numpy"}),
    "feature_spec": Rule({"numpy"}, {"window_statistics"}),
    "features": Rule({"numpy"}, {"feature_spec", "window_statistics"}),
    "context": Rule({"numpy"}, {"feature_spec", "window_statistics"}),
    "arc": Rule({"numpy"}, {"emotion", "smoothing"}),
    "child": Rule(),
    "ahead": Rule(own={"arc", "child"}),
    "sleeve": Rule({"numpy"}, {"child"}, {"library.tags"}),  # which only a process of its own imports
    "calibration": Rule({"numpy"}, {"emotion"}),
    "atomic_file": Rule(own={"errors"}),
    "model_file": Rule({"numpy"}, {"atomic_file", "errors"}),
    "listener": Rule({"numpy"}),
    "model": Rule({"numpy"}, {"calibration", "context", "errors", "features", "listener", "model_file"}),
    "kinds": Rule(own={"listener", "model", "model_file"}),
    "tracker": Rule(
        {"numpy"},
        {"blocks", "calibration", "emotion", "gain", "listener", "ring", "smoothing"},
        {"asynchronous", "sources.adapter"},
    ),
    "profile": Rule({"numpy"}, {*VALUES, "calibration", "gain", "listener", "tracker"}, {"kinds", "sources.file"}),
    "background": Rule(own={*VALUES, "tracker"}),
    "asynchronous": Rule(own={*VALUES, "tracker"}),
    "options": Rule(own={"gain", "smoothing"}),
    "work": Rule(own={"errors"}, later={"arc", "blocks", "sleeve"}),
    "inputs": Rule(own={"errors", "options", "work"}, later={"blocks", "sources"}),
    "outputs": Rule(own={"console", "emotion", "errors", "options", "work"}, later={"blocks"}),
    "session": Rule(
        {"numpy"},
        {
            *VALUES,
            "ahead",
            "calibration",
            "console",
            "sleeve",
            "inputs",
            "kinds",
            "listener",
            "options",
            "outputs",
            "profile",
            "sinks.lines",
        }
        | {"sources.resample", "tracker", "work"},
        {"sinks.terminal"},
    ),
    "arguments": Rule(
        own={"", "gliding", "inputs", "options", "outputs"},
        later={"sinks.mqtt", "sinks.osc", "sinks.web.address", "sources.pcm"},
    ),
    "program": Rule(own={"console", "errors"}),
    "workers": Rule({"joblib"}),
    "cli": Rule(
        own={"arguments", "console", "errors", "inputs", "options", "outputs", "program"},
        later={"session", "sinks.lines", "sources.devices"},
    ),
    "sources": Rule({"numpy", "soundfile", "soxr"}, {*VALUES, "options", "sources"}, {"sounddevice"}),
    "sinks": Rule(
        {"numpy"}, {*VALUES, "atomic_file", "extras", "gliding", "sinks", "work"}, {"matplotlib", "paho", "pythonosc"}
    ),
    "sinks.home_assistant": Rule(own={"", "emotion"}),
    "sinks.web": Rule({"h11", "starlette", "uvicorn"}, {*VALUES, "extras", "sinks", "work"}),
    "sinks.web.output": Rule(
        own={*VALUES, "gliding", "sinks", "work"}
    ),  # imported to read the option, without the extra too
    "sinks.web.address": Rule(own={"errors", "extras"}),
    "sinks.terminal": Rule(
        {"numpy", "rich"}, {*VALUES, "arc", "calibration", "console", "gliding", "sinks", "sleeve", "work"}
    ),
    "training": Rule(
        {
            "numpy",
            "rich",
            "soundfile",
            "soxr",
            "joblib",
            "librosa",
            "platformdirs",
            "scipy",
            "sklearn",
            "threadpoolctl",
        },
        {
            *VALUES,
            "",
            "atomic_file",
            "calibration",
            "console",
            "context",
            "extras",
            "features",
            "gain",
            "lazy",
            "model",
            "model_file",
            "profile",
            "ring",
            "smoothing",
        }
        | {"sources", "tracker", "training", "workers"},
        {"matplotlib"},
    ),
    "library": Rule(
        {"numpy", "joblib", "rich"},
        {
            *VALUES,
            "",
            "atomic_file",
            "calibration",
            "colors",
            "console",
            "extras",
            "kinds",
            "lazy",
            "library",
            "listener",
            "model_file",
            "profile",
            "program",
            "sinks.csv_file",
            "sinks.lines",
            "sinks.pictures",
            "sinks.plot",
            "sinks.terminal.braille",
            "sinks.terminal.keys",
            "sources",
            "tracker",
            "workers",
        },
        {"platformdirs"},
    ),
    "library.commands.serve": Rule(
        own={"console", "library.index", "sinks.web.address"},
        later={"library.readers", "library.site", "sinks.web.server"},  # which need the extra
    ),
    "library.pages": Rule({"starlette"}, {*VALUES, "arc", "library"}),
    "library.site": Rule({"starlette"}, {"library", "sinks.web"}),  # the server and the plane of the live page
    "library.song_file": Rule({"anyio", "starlette"}),
    "library.cluster": Rule({"joblib", "distributed", "threadpoolctl"}, {"", "errors", "extras", "library"}),
    "library.tags": Rule(own={"errors", "library"}, later={"mutagen", "PIL"}),
}


def rule_of(name):
    """Return the rule of a module, or else of the nearest folder around it; None if there is none."""
    while name not in RULES and "." in name:
        name = name.rpartition(".")[0]
    return RULES.get(name)


def imports(text, module="module"):
    """Return every import in a source text: statements at any depth, and literal names given to ``import_module``."""
    tree = ast.parse(text)
    later = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        or (isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING")
        for node in ast.walk(block)
    }
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = list(from_names(node, module))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            names = [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
        found += [Import(name, node.lineno, id(node) not in later) for name in names]
    return found


def from_names(node, module):
    """Return the full names of ``from x import y``: ``x.y`` where that is one of our modules, else ``x``."""
    start = node.module or ""
    if node.level:
        parents = f"emodj_live.{module}".split(".")[: -node.level]
        start = ".".join([*parents, *([node.module] if node.module else [])])
    for alias in node.names:
        deeper = f"{start}.{alias.name}"
        is_ours = deeper.removeprefix("emodj_live.") in NAMES and start.startswith("emodj_live")
        yield deeper if is_ours else start


def is_among(name, allowed):
    """Return whether a name, or a package that it is in, is among those allowed; the door stands for itself alone."""
    parts = name.split(".")
    return name in allowed or any(".".join(parts[:end]) in allowed - {""} for end in range(1, len(parts)))


def offences(text, module):
    """Return what a module of this name and text imports against its rule."""
    rule, found = rule_of(module), []
    if rule is None:
        return [f"{module} has no rule"]
    for imported in imports(text, module):
        top, _, rest = imported.name.partition(".")
        name = rest if top == "emodj_live" else imported.name
        allowed = (rule.own if top == "emodj_live" else rule.others) | (
            set() if imported.is_at_module_level else rule.later
        )
        if not (is_among(name, allowed) or (top != "emodj_live" and top in sys.stdlib_module_names)):
            found.append(f"line {imported.line}: {imported.name}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_follow_the_rules(path):
    assert offences(path.read_text(encoding="utf-8"), module_name(path)) == []


def imported(texts):
    """Return the modules that another one imports, with the packages around them, given each one's text by its name."""
    found = set()
    for importer, text in texts.items():
        for name in {one.name for one in imports(text, importer)} - {f"emodj_live.{importer}"}:
            top, *parts = name.split(".")
            if top == "emodj_live":
                found |= {".".join(parts[:end]) for end in range(len(parts) + 1)}
    return found


def named_in_tables():
    """Return the modules that are imported by a name that stands in a table, or are the start of a program."""
    programs = re.findall(r'"emodj_live\.([\w.]+):console"', (PACKAGE.parent / "pyproject.toml").read_text())
    options = [*inputs.INPUTS, inputs.FILE, inputs.STREAM, *outputs.OUTPUTS]
    return {
        *(row.module.removeprefix("emodj_live.") for row in options),
        *emodj_live._HOMES.values(),
        *(f"training.{home}" for home in training._HOMES.values()),
        *(f"library.{home}" for home in library._HOMES.values()),
        *(row.module.removeprefix("emodj_live.") for row in SUBCOMMANDS),
        *programs,
        "library.commands",
    }


def test_every_module_is_used():
    program = Path(__file__).parents[1] / "train.py"
    texts = {module_name(path): path.read_text(encoding="utf-8") for path in MODULES} | {"train": program.read_text()}
    assert NAMES - imported(texts) - named_in_tables() == set()


def test_a_module_without_use_is_found():
    texts = {
        "alone": "from emodj_live.alone import itself\nimport numpy",
        "user": "def f():\n    from emodj_live.sinks.used import g",
        "sinks.used": "from emodj_live import __version__",
    }
    assert imported(texts) == {"", "sinks", "sinks.used"}


def test_the_modules_of_the_design_are_looked_at():
    core = {"", "__main__", "cli", "errors", "emotion", "blocks", "ring", "features", "model", "tracker", "profile"}
    assert core | {"sources.file", "sources.resample", "sinks.terminal.view"} <= NAMES


def test_every_rule_has_a_module():
    assert set(RULES) <= NAMES


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("errors", "import numpy"),
        ("emotion", "from emodj_live.errors import EmodjError"),
        ("ring", "from emodj_live.emotion import Emotion"),
        ("ring", "from .emotion import Emotion"),
        ("features", "import scipy.fft"),
        ("features", "import scipy.signal"),
        ("features", "from scipy.special import loggamma"),
        ("features", "def f():\n    import librosa"),
        ("features", "from emodj_live.model import EmotionModel"),
        ("newcomer", "import math"),
        ("newcomers.first", "import math"),
        ("tracker", "from emodj_live.asynchronous import atrack"),
        ("tracker", "def f():\n    from emodj_live.sources.file import FileSource"),
        ("profile", "from emodj_live.sources.file import FileSource"),
        ("sinks.lines", "import rich.console"),
        ("sinks.csv_file", "from emodj_live.profile import SongProfile"),
        ("sources.file", "from emodj_live.work import Work"),
        ("options", "from emodj_live.blocks import Source"),
        ("options", "import argparse, numpy"),
        ("model", "from emodj_live import tracker"),
        ("model", "class A:\n    def f(self):\n        from sklearn.svm import SVR"),
        ("tracker", "from emodj_live.sources.file import FileSource"),
        ("tracker", "try:\n    import rich\nexcept ImportError:\n    pass"),
        ("sources.microphone", "import sounddevice"),
        ("sources.microphone", "if True:\n    import sounddevice as sd"),
        ("sources.file", "import rich"),
        ("sources.file", "from emodj_live.tracker import EmotionTracker"),
        ("sinks.lines", "import sounddevice"),
        ("sinks.osc", "from pythonosc.udp_client import SimpleUDPClient"),
        ("sinks.plot", "import matplotlib.figure"),
        ("sinks.plot", "def f():\n    import pandas"),
        ("background", "from emodj_live.sources.file import FileSource"),
        ("sinks.lines", "from emodj_live.tracker import EmotionTracker"),
        ("sinks.lines", "from emodj_live import cli"),
        ("library.index", "from emodj_live.training.fitting import fit_model"),
        ("library.index", "import mutagen"),
        ("session", "def f():\n    from emodj_live.library import Library"),
        ("training.fitting", "from emodj_live.cli import main"),
        ("training.fitting", "from emodj_live.sinks.lines import LineSink"),
        ("training.fitting", "import sounddevice"),
        ("cli", "import librosa"),
        ("cli", "def f():\n    import emodj_live.training"),
        ("cli", "import numpy"),
        ("cli", "def f():\n    from emodj_live.training.fitting import fit_model"),
        ("cli", "from importlib import import_module\nimport_module('emodj_live.training')"),
        ("cli", "import rich.console"),
        ("session", "from emodj_live.cli import main"),
        ("session", "from . import cli"),
        ("session", "__import__('librosa')"),
        ("", "import numpy as np"),
        ("", "def f():\n    from emodj_live.training import extract"),
    ],
)
def test_an_offence_is_found(module, text):
    assert len(offences(text, module)) == 1


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("errors", "import os.path, sys\nfrom collections.abc import Iterator"),
        ("ring", "from __future__ import annotations\nimport numpy.lib.stride_tricks"),
        ("sinks.terminal.view", "from rich.style import Style\nfrom emodj_live.emotion import Emotion"),
        ("work", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from emodj_live.blocks import Sink"),
        ("tracker", "def f():\n    from emodj_live.sources.adapter import Adapter"),
        ("tracker", "from .blocks import Gap\nfrom . import ring\nfrom emodj_live import ring"),
        ("sources.microphone", "def f():\n    import sounddevice"),
        ("sources.microphone", "from emodj_live.sources import devices\nfrom .devices import Device"),
        ("training.fitting", "from sklearn.svm import SVR\nfrom emodj_live.training.windows import WindowTable"),
        ("training.fitting", "from emodj_live import __version__"),
        (
            "cli",
            "import signal\ndef f():\n    from emodj_live.sources.devices import list_devices",
        ),
        ("__main__", "def f():\n    from emodj_live.cli import main"),
        ("sinks.plot", "def f():\n    import matplotlib.figure"),
    ],
)
def test_what_is_allowed_is_no_offence(module, text):
    assert offences(text, module) == []


def loaded(run_python, code, *arguments):
    """Return the packages that are loaded after some code, and those right inside of them."""
    report = "\nimport sys as _sys\nprint(*[name for name in _sys.modules if name.count('.') < 2])"
    return set(run_python(code + report, *arguments).stdout.split())


def test_the_door_loads_nothing(run_python):
    assert not loaded(run_python, "import emodj_live") & {*HEAVY, *DEVICES_AND_FILES, "numpy", "rich", "argparse"}


def test_the_tracker_loads_nothing_heavy(run_python):
    found = loaded(run_python, "import emodj_live.tracker")
    assert {"numpy", "emodj_live.ring"} <= found
    assert not found & {*HEAVY, *DEVICES_AND_FILES, "rich"}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(emodj_live.__all__)))
def test_a_public_name_loads_nothing_heavy(name, run_python):
    drawn = {"rich"} if name == "Dashboard" else set()
    assert not loaded(run_python, f"from emodj_live import {name}") & {*HEAVY, "sounddevice", "rich"} - drawn


def test_tracking_a_file_loads_nothing_heavy(run_python, model_path, music, write_audio):
    code = """
import sys
from emodj_live import EmotionModel, EmotionTracker, FileSource
emotions = list(EmotionTracker(EmotionModel.load(sys.argv[1])).track(FileSource(sys.argv[2])))
assert len(emotions) == 4
"""
    path = write_audio("song.flac", music(2.0, 0, 44_100), 44_100)
    assert not loaded(run_python, code, model_path, path) & {*HEAVY, "sounddevice", "rich"}

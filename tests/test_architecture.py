"""Who may import whom, read from the source text; and what a fresh interpreter really loads."""

import ast
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import emodj_live

PACKAGE = Path(emodj_live.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"joblib", "librosa", "matplotlib", "numba", "pandas", "scipy", "sklearn", "sklearnex"}
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
    is_at_module_level: bool


@dataclass(frozen=True)
class Rule:
    """What a module may import besides the standard library; own modules with what is below them."""

    others: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    only_in_functions: set[str] = field(default_factory=set)


LIVE = {"", "lazy", "background", "errors", "emotion", "fft", "gain", "ring", "features", "model", "tracker"}
LIVE |= {"sources", "sinks"}
RULES = {
    "lazy": Rule(),
    "errors": Rule(),
    "emotion": Rule(),
    "gain": Rule(),
    "smoothing": Rule(own={"emotion"}),
    "ring": Rule({"numpy"}),
    "blocks": Rule({"numpy"}, {"ring"}),
    "fft": Rule({"numpy"}, only_in_functions={"scipy"}),
    "features": Rule({"numpy"}, {"errors", "emotion", "ring", "fft"}),
    "model_file": Rule({"numpy"}, {"errors", "features"}),
    "model": Rule({"numpy"}, {"errors", "emotion", "ring", "features", "model_file"}),
    "tracker": Rule({"numpy"}, {"errors", "emotion", "ring", "features", "gain", "model", "smoothing", "blocks"}),
    "sources": Rule({"numpy", "soundfile", "soxr"}, {"errors", "emotion", "ring", "sources"}, {"sounddevice"}),
    "sinks": Rule({"numpy", "rich"}, {"errors", "emotion", "sinks"}, {"matplotlib", "pythonosc"}),
    "background": Rule({"numpy"}, {"blocks", "emotion", "ring", "tracker"}),
    "training": Rule(
        {"numpy", "rich", "soundfile", "soxr", "joblib", "librosa", "scipy", "sklearn", "sklearnex"},
        {
            "",
            "lazy",
            "errors",
            "emotion",
            "ring",
            "features",
            "model",
            "model_file",
            "smoothing",
            "tracker",
            "sources",
            "training",
        },
    ),
    "__main__": Rule(own={"cli"}),
    "cli": Rule({"numpy"}, {*LIVE, "session", "console"}),
}
OTHERS = Rule({"numpy"}, {*LIVE, "session", "console", "outputs"})  # what stands beside the command line, and the door


def rule_of(name):
    return RULES.get(name) or RULES.get(name.split(".")[0]) or OTHERS


def imports(text, module="module"):
    """Return every import in a source text: statements at any depth, and literal names given to ``import_module``."""
    tree = ast.parse(text)
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
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
        found += [Import(name, node.lineno, id(node) not in inside) for name in names]
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


def offences(text, module):
    """Return what a module of this name and text imports against its rule."""
    rule, found = rule_of(module), []
    for imported in imports(text, module):
        top, _, rest = imported.name.partition(".")
        if top == "emodj_live":
            allowed = rest in rule.own or any(rest.startswith(f"{own}.") for own in rule.own)
        elif top in rule.only_in_functions:
            allowed = not imported.is_at_module_level
        else:
            allowed = top in sys.stdlib_module_names or bool({top, imported.name} & rule.others)
        if not allowed:
            found.append(f"line {imported.line}: {imported.name}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_follow_the_rules(path):
    assert offences(path.read_text(encoding="utf-8"), module_name(path)) == []


def test_the_modules_of_the_design_are_looked_at():
    core = {"", "__main__", "cli", "errors", "emotion", "ring", "features", "model", "tracker"}
    assert core | {"sources.file", "sources.resample"} <= NAMES


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
        ("training.fitting", "from emodj_live.cli import main"),
        ("training.fitting", "from emodj_live.sinks.lines import LineSink"),
        ("training.fitting", "import sounddevice"),
        ("cli", "import librosa"),
        ("cli", "def f():\n    import emodj_live.training"),
        ("cli", "def f():\n    from emodj_live.training.fitting import fit_model"),
        ("cli", "from importlib import import_module\nimport_module('emodj_live.training')"),
        ("cli", "import rich.console"),
        ("session", "from emodj_live.cli import main"),
        ("session", "from . import cli"),
        ("session", "__import__('librosa')"),
        ("", "import numpy as np\nfrom emodj_live.training import extract"),
    ],
)
def test_an_offence_is_found(module, text):
    assert len(offences(text, module)) == 1


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("errors", "import os.path, sys\nfrom collections.abc import Iterator"),
        ("ring", "from __future__ import annotations\nimport numpy.lib.stride_tricks"),
        ("fft", "def f():\n    from scipy.fft import rfft"),
        ("tracker", "from .ring import Gap\nfrom . import ring\nfrom emodj_live import ring"),
        ("sources.microphone", "def f():\n    import sounddevice"),
        ("sources.microphone", "from emodj_live.sources import devices\nfrom .devices import Device"),
        ("training.fitting", "from sklearn.svm import SVR\nfrom emodj_live.training.windows import WindowTable"),
        ("training.fitting", "from emodj_live import __version__"),
        ("cli", "from emodj_live import __version__\ndef f():\n    from emodj_live.sources.file import FileSource"),
        ("__main__", "from emodj_live.cli import console"),
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
    assert {"numpy", "emodj_live.features"} <= found
    assert not found & {*HEAVY, *DEVICES_AND_FILES, "rich"}


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

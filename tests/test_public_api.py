"""The door: what it offers is sorted, documented, at home where it says, and costs nothing until it is used."""

import ast
import inspect
import re
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module

import pytest

import emodj_live


def public_members(name):
    """Yield the functions and properties that a public class defines itself, with their names."""
    owner = getattr(emodj_live, name)
    if name in ALIASES or inspect.isfunction(owner):
        return
    for member_name, member in vars(owner).items():
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if not member_name.startswith("_") and (inspect.isfunction(function) or isinstance(function, property)):
            yield member_name, function


ALIASES = {"Block", "Sink", "Source"}  # of types: they have no docstring of their own
MEMBERS = [(name, *member) for name in emodj_live.__all__ for member in public_members(name)]


def test_all_is_sorted_and_without_doubles():
    assert emodj_live.__all__ == sorted(set(emodj_live.__all__))


def test_all_has_the_names_of_the_design():
    assert {
        "Adapter",
        "BackgroundTracker",
        "DatasetError",
        "EmodjError",
        "Emotion",
        "EmotionModel",
        "EmotionTracker",
        "FeatureExtractor",
        "FeatureSpec",
        "FileSource",
        "Gap",
        "ModelError",
        "Quadrant",
        "RingBuffer",
        "SinkError",
        "SourceError",
        "StreamSource",
    } <= set(emodj_live.__all__)


def test_homes_are_those_of_all():
    assert list(emodj_live._HOMES) == emodj_live.__all__


@pytest.mark.parametrize("name", emodj_live.__all__)
def test_name_is_at_home_where_it_says(name):
    home = f"emodj_live.{emodj_live._HOMES[name]}"
    value = getattr(emodj_live, name)
    if name in ALIASES:
        assert getattr(import_module(home), name) is value
        return
    assert value.__module__ == home
    assert value.__name__ == name
    assert getattr(import_module(home), name) is value


def test_type_checkers_see_the_same_names():
    """The imports under ``TYPE_CHECKING`` are a second list of the same things."""
    tree = ast.parse(inspect.getsource(emodj_live))
    seen = {
        alias.name: node.module.removeprefix("emodj_live.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.col_offset and node.module.startswith("emodj_live.")
        for alias in node.names
    }
    assert seen == emodj_live._HOMES


def test_star_import_gives_all():
    namespace = {}
    exec("from emodj_live import *", namespace)  # noqa: S102
    assert set(namespace) - {"__builtins__"} == set(emodj_live.__all__)


def test_dir_lists_all(run_python):
    assert set(emodj_live.__all__) | {"__version__", "__all__"} <= set(dir(emodj_live))
    found = run_python("import emodj_live; print(*dir(emodj_live))").stdout.split()  # before anything is used
    assert set(emodj_live.__all__) <= set(found)
    assert found == sorted(found)


@pytest.mark.parametrize("name", ["emotion_model", "Tracker", "_nothing", "__path_to__"])
def test_unknown_name(name):
    with pytest.raises(AttributeError, match=f"module 'emodj_live' has no attribute '{name}'"):
        getattr(emodj_live, name)
    assert not hasattr(emodj_live, name)


def test_version_is_one():
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", emodj_live.__version__)


def test_package_is_typed(package):
    assert (package / "py.typed").is_file()


def test_errors_are_a_tree():
    for name in ("DatasetError", "ModelError", "SinkError", "SourceError"):
        assert getattr(emodj_live, name).__bases__ == (emodj_live.EmodjError,)
    assert emodj_live.EmodjError.__bases__ == (Exception,)


def test_error_is_one_line_that_is_safe_to_print():
    assert str(emodj_live.SourceError("a\nb\x1b[2J\udce9 ü: odd.")) == "a?b?[2J\udce9 ü: odd."
    assert str(emodj_live.SourceError()) == ""


def is_written(documentation):
    """Whether a docstring is there and is one that somebody wrote: a dataclass makes its own."""
    return bool(documentation) and len(documentation.split()) > 2 and not re.match(r"\w+\(.*\)$", documentation)


@pytest.mark.parametrize("name", sorted(set(emodj_live.__all__) - ALIASES))
def test_name_is_documented(name):
    owner = getattr(emodj_live, name)
    text = owner.__doc__ if inspect.isfunction(owner) else vars(owner)["__doc__"]
    assert is_written(text)
    for needed in parameters(owner):
        assert re.search(rf"\b{needed}\b", text), f"{needed} is not explained"


def parameters(owner):
    """Return what a function or the constructor of a class takes, as far as it is the class's own."""
    if inspect.isfunction(owner):
        return list(inspect.signature(owner).parameters)
    if is_dataclass(owner):
        return [field.name for field in fields(owner)]
    if issubclass(owner, Exception | Enum) or getattr(owner, "_is_protocol", False) or "__init__" not in vars(owner):
        return []
    return list(inspect.signature(owner).parameters)


@pytest.mark.parametrize(
    ("name", "member_name", "member"), MEMBERS, ids=[f"{name}.{member_name}" for name, member_name, _ in MEMBERS]
)
def test_member_is_documented(name, member_name, member):
    assert is_written(member.__doc__), f"{name}.{member_name}"
    if isinstance(member, property):
        return
    for parameter in list(inspect.signature(member).parameters)[1:]:
        assert re.search(rf"\b{parameter}\b", member.__doc__), f"{name}.{member_name}: {parameter} is not explained"


@pytest.mark.parametrize(
    ("name", "positional"),
    [("EmotionTracker", ["model"]), ("FileSource", ["path"]), ("FeatureExtractor", ["spec"])],
)
def test_options_are_keyword_only(name, positional):
    found = inspect.signature(getattr(emodj_live, name)).parameters.values()
    assert [parameter.name for parameter in found if parameter.kind is parameter.POSITIONAL_OR_KEYWORD] == positional
    assert not any(parameter.kind is parameter.VAR_KEYWORD for parameter in found)


def test_nobody_needs_more_than_the_door(model_path, music):
    model = emodj_live.EmotionModel.load(model_path)
    tracker = emodj_live.EmotionTracker(model, smoothing=3.0)
    seen = []
    tracker.run([music(2.0)], seen.append)
    assert [emotion.time for emotion in seen] == [0.5, 1.0, 1.5, 2.0]
    features = emodj_live.FeatureExtractor(model.spec).extract(music(2.0).reshape(4, -1))
    assert model.predict(features).shape == (4, 2)

"""What lacks its extra says in one sentence which one to install."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from emodj_live import EmodjError, extras
from emodj_live.training import requirements

ROOT = Path(__file__).parents[1]
WITHOUT_TRAIN = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"librosa", "sklearn", "scipy", "numba"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
"""
RUN_SCRIPT = "import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
SENTENCE = (
    "training needs librosa, scikit-learn and SciPy, which are not installed; "
    "install them with: pip install 'emodj-live[train]'."
)


def run_without_train(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TRAIN + code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "benchmarks")])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("packages", "needs"),
    [
        (["a"], "a, which is not installed; install it"),
        (["a", "b"], "a and b, which are not installed; install them"),
        (["a", "b", "c"], "a, b and c, which are not installed; install them"),
    ],
)
def test_the_sentence(packages: list[str], needs: str) -> None:
    assert extras.missing("x", "X", packages) == f"X needs {needs} with: pip install 'emodj-live[x]'."


def test_only_what_is_missing_is_named_and_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    monkeypatch.setattr(requirements, "_PACKAGES", {"this": "this", "json": "json"})
    requirements.check_installed()
    monkeypatch.setattr(requirements, "_PACKAGES", {"this": "this", "no_such_module": "No-Such"})
    with pytest.raises(ImportError, match="training needs No-Such, which is not installed; install it") as caught:
        requirements.check_installed()
    assert isinstance(caught.value, EmodjError)
    assert "this" not in sys.modules


def test_train_says_which_extra_to_install(tmp_path: Path) -> None:
    done = run_without_train(RUN_SCRIPT, ROOT / "train.py", tmp_path, "--model", tmp_path / "m.npz")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"emodj-train: {SENTENCE}\n")
    done = run_without_train(RUN_SCRIPT, ROOT / "train.py", "--help")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["evaluate", "load_dataset", "to_sklearn"])
def test_a_name_of_the_trainer_says_which_extra_to_install(name: str) -> None:
    code = f"""
import emodj_live.training
try:
    from emodj_live.training import {name}
except ImportError as error:
    from emodj_live import EmodjError
    print(isinstance(error, EmodjError), error)
try:
    emodj_live.training.no_such_name
except AttributeError as error:
    print(error)
"""
    done = run_without_train(code)
    expected = f"True {SENTENCE}\nmodule 'emodj_live.training' has no attribute 'no_such_name'\n"
    assert (done.stdout, done.stderr) == (expected, "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["accuracy", "features", "track_file"])
def test_a_benchmark_says_which_extra_to_install(name: str) -> None:
    done = run_without_train(RUN_SCRIPT, ROOT / "benchmarks" / f"{name}.py", "x")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{name}.py: {SENTENCE}\n")

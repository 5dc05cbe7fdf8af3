"""What is built carries the model and works anywhere, and nothing strays into site-packages."""

import os
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from emodj_live.model_file import default_path

ROOT = Path(__file__).parents[1]

pytest.importorskip("hatchling", reason="building needs hatchling (extra dev)")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the wheel and the sdist of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def build(project, folder, *targets):
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), *targets]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=120)


def demo_from(folder, cwd):
    """Run the demo with the package in a folder alone, away from the checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "EMODJ_MODEL"}
    code = "import emodj_live; print(emodj_live.__file__); from emodj_live.cli import main; main(['--demo'])"
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"PYTHONPATH": str(folder)},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.splitlines()


def check_wheel(wheel, tmp_path):
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)  # noqa: S202
    top = {path.name for path in site.iterdir()}
    assert top == {"emodj_live", next(name for name in top if name.endswith(".dist-info"))}
    home, *lines = demo_from(site, tmp_path)
    assert Path(home).is_relative_to(site)
    shown = {path.name for path in (ROOT / "emodj_live" / "sinks" / "web" / "static").iterdir()}
    assert {path.name for path in (site / "emodj_live" / "sinks" / "web" / "static").iterdir()} == shown
    assert len(lines) == 120


def test_the_wheel_has_the_files_of_the_pages(built):
    with zipfile.ZipFile(built[0]) as archive:
        packed = set(archive.namelist())
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "emodj_live").glob("**/static/*")}
    assert {"emodj_live/library/static/collection.html", "emodj_live/sinks/web/static/plane.js"} <= pages <= packed


@pytest.mark.slow
def test_the_wheel_works_anywhere(built, tmp_path):
    check_wheel(built[0], tmp_path)


@pytest.mark.slow
def test_the_sdist_builds_a_wheel_that_works_anywhere(built, tmp_path):
    with tarfile.open(built[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    (project,) = tmp_path.iterdir()
    assert {"train.py", "tests", "models", "README.md", "LICENSE", "CHANGELOG.md"} <= {
        p.name for p in project.iterdir()
    }
    build(project, tmp_path / "dist", "-t", "wheel")
    check_wheel(next((tmp_path / "dist").glob("*.whl")), tmp_path)


def test_a_checkout_finds_its_own_model(monkeypatch):
    monkeypatch.delenv("EMODJ_MODEL", raising=False)
    path = default_path()
    assert path.is_file()
    assert path.name == "emodj.npz"


def test_license_metadata_names_both(built):
    with zipfile.ZipFile(built[0]) as archive:
        name = next(name for name in archive.namelist() if name.endswith("METADATA"))
        text = archive.read(name).decode()
    assert "License-Expression: MIT AND LicenseRef-Model-NonCommercial-ShareAlike" in text
    assert {"LICENSE", "models/README.md"} <= {
        line[14:] for line in text.splitlines() if line.startswith("License-File: ")
    }


def test_the_installed_version_is_the_packages_own():
    import emodj_live

    assert metadata.version("emodj-live") == emodj_live.__version__

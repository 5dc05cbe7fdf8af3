"""Files that are written whole or not at all, wherever they are."""

import sys
from types import SimpleNamespace

import pytest

from emodj_live import ModelError, atomic_file
from emodj_live.atomic_file import replaced


def write(path, content=b"new"):
    with replaced(path) as file:
        file.write(content)


def test_it_replaces_what_is_there(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    write(tmp_path / "file")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"new")]


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX locks")
def test_a_drive_without_locks_will_do(tmp_path, monkeypatch):
    import fcntl

    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    write(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_a_killed_writer_left_is_removed(tmp_path):
    (tmp_path / ".file.abc.part").write_bytes(b"half")
    (tmp_path / ".other.abc.part").write_bytes(b"half")
    write(tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.abc.part", "file"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX locks")
def test_what_a_living_writer_holds_is_left_alone(tmp_path):
    with replaced(tmp_path / "file") as first:
        first.write(b"first")
        write(tmp_path / "file", b"second")
        assert len(list(tmp_path.glob(".file.*.part"))) == 1
    assert (tmp_path / "file").read_bytes() == b"first"


def test_windows_removes_leftovers_without_opening_them(tmp_path, monkeypatch):
    (tmp_path / ".file.abc.part").write_bytes(b"half")
    monkeypatch.setattr(atomic_file, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(atomic_file, "_lock", lambda file: pytest.fail("opened") if ".abc." in str(file.name) else None)
    write(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(ModelError, match="cannot be written: No such file or directory"):
        write(tmp_path / "nowhere" / "file")

"""What docs/library.md says of scans, the index and the API is run and compared."""

import re

import pytest
import soundfile
from test_documentation import LIBRARY, commands, entry_point, pieces, section

import emodj_live.library
from emodj_live.library import Library
from emodj_live.library.command import SUBCOMMANDS, main


@pytest.fixture
def collection(tmp_path, music, model_path, monkeypatch):
    """Make the working folder one with a collection, and the index one of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))
    monkeypatch.setattr("emodj_live.library.index.default_database", lambda: tmp_path / "library.db")
    monkeypatch.setattr("emodj_live.sources.ffmpeg.is_available", lambda: False)
    (tmp_path / "Music").mkdir()
    for seed in range(12):
        soundfile.write(tmp_path / "Music" / f"{seed}.wav", music(1.0, seed), 22050)


def words(text):
    """Return the words of an output, without figures, paths and advice."""
    return re.findall(r"[a-z]{4,}", re.sub(r"\S*/\S*|;.*", "", text))


@pytest.mark.slow
def test_the_commands_about_scanning_do_what_the_page_shows(collection, tmp_path, capsys):
    (tmp_path / "Music" / "empty.mp3").touch()
    shown = re.search(r"<!-- real scan -->\n```text\n(.*?)^```", LIBRARY.read_text(encoding="utf-8"), re.M | re.S)[1]
    scan, failures = [words for words in commands(LIBRARY) if words[1] in ("scan", "failures")][:2]
    assert entry_point(scan[0])([*scan[1:], "--jobs", "1"]) == 1
    printed = [line for line in capsys.readouterr().err.splitlines() if "ffmpeg is not installed" not in line]
    assert [words(line) for line in printed] == [words(line) for line in shown.splitlines()]
    assert entry_point(failures[0])(failures[1:]) == 0
    assert "empty.mp3: is empty" in capsys.readouterr().out


@pytest.mark.slow
def test_the_code_about_the_api_runs(collection, capsys):
    for code, _ in pieces(LIBRARY):
        if "import Library, scan" in code:
            exec(compile(code, "snippet", "exec"), {"__name__": "snippet"})  # noqa: S102
            assert "12 new, 0 failed" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(emodj_live.library.__all__))
def test_the_page_names_the_whole_api(name):
    assert re.search(rf"\b{name}\b", section(LIBRARY, "In Python"))
    assert getattr(emodj_live.library, name).__doc__.strip()


@pytest.mark.parametrize(
    "subcommand", ["scan", "failures", "list", "show", "map", "similar", "playlist", "play", "serve"]
)
def test_the_page_has_every_option(subcommand, capsys):
    with pytest.raises(SystemExit):
        main([subcommand, "--help"])
    text = LIBRARY.read_text(encoding="utf-8")
    for option in set(re.findall(r"(?<![\w-])--[\w-]+", capsys.readouterr().out)) - {"--help", "--quiet", "--verbose"}:
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", text), option
    assert subcommand in {row.name for row in SUBCOMMANDS}


def test_the_page_names_every_table_and_column(tmp_path):
    text = section(LIBRARY, "The index")
    with Library(tmp_path / "library.db") as library:
        for table in ("song", "arc", "place", "failure"):
            assert f"| `{table}` |" in text
        for row in library.query("SELECT name FROM pragma_table_info('song')"):
            assert row["name"] in text or row["name"].rpartition("_")[1:] in (("_", "std"), ("_", "rank"))
        (query,) = re.findall(r"^```sql\n(.*?)^```", text, re.M | re.S)
        assert library.query(query) == []

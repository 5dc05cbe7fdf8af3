"""CSV and plots: what they write, that they go together, and what is told when they cannot be written."""

import csv
import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType

import pytest
from virtual_microphone import wait_until

from emodj_live import CsvSink, Emotion, EmotionTracker, FileSource, PlotSink, Quadrant, SinkError
from emodj_live.cli import main
from emodj_live.outputs import OUTPUTS, OutputOption, Outputs
from emodj_live.work import Work

unix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX devices and limits")


def emotion(time=0.5, valence=0.25, arousal=-0.5, quadrant=Quadrant.CALM):
    return Emotion(time, valence, arousal, 0.1, -0.2, quadrant, -20.5, 3.0, False, True)


def wander(count):
    """Return emotions that go round the plane."""
    for number in range(count):
        valence, arousal = 0.8 * math.cos(number / 9), 0.6 * math.sin(number / 9)
        yield emotion(0.5 * (number + 1), valence, arousal, Quadrant.of(valence, arousal))


@pytest.fixture
def song(write_audio, music):
    return write_audio("song.wav", music(3.0))


@pytest.fixture(autouse=True)
def own_model(model_path, monkeypatch):
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))


def emodj_live(*arguments, before="", **options):
    """Run the command line, in a shell if something has to be done before."""
    command = [sys.executable, "-m", "emodj_live", *map(str, arguments)]
    if before:
        command = ["bash", "-c", f'{before}; exec "$@"', "bash", *command]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}  # as a user has it
    return subprocess.run(command, text=True, timeout=60, check=False, env=environment, **streams)


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# ------------------------------------------------------------------------------------------------------------ CSV


def test_csv_has_every_field_and_the_source(tmp_path):
    path = tmp_path / "t.csv"
    with CsvSink(path, source='a "song", or two.mp3') as table:
        table(emotion())
    (row,) = rows(path)
    assert list(row) == [field.name for field in fields(Emotion)] + ["source"]
    assert row["source"] == 'a "song", or two.mp3'
    assert row["quadrant"] == "calm"
    assert [float(row[name]) for name in ("time", "valence", "arousal", "raw_valence", "raw_arousal")] == [
        0.5,
        0.25,
        -0.5,
        0.1,
        -0.2,
    ]
    assert (float(row["level"]), float(row["gain"])) == (-20.5, 3.0)
    assert (row["is_silent"], row["is_clipped"]) == ("False", "True")


def test_csv_has_certainty_and_ranks_or_empty_cells(tmp_path):
    path = tmp_path / "t.csv"
    with CsvSink(path) as table:
        table(emotion())
        table(replace(emotion(), certainty=0.4, valence_rank=0.25, arousal_rank=0.0))
    names = ("certainty", "valence_rank", "arousal_rank")
    assert [[row[name] for name in names] for row in rows(path)] == [["", "", ""], ["0.4", "0.25", "0.0"]]


def test_csv_is_there_while_it_is_written(tmp_path):
    path = tmp_path / "t.csv"
    table = CsvSink(path)
    for count, each in enumerate(wander(5)):
        assert len(rows(path)) == count
        table(each)
    table.close()
    table.close()


def test_csv_takes_names_of_any_letters(tmp_path, run_python):
    code = r"""
import sys
from emodj_live import CsvSink, Emotion, Quadrant
with CsvSink(sys.argv[1], source="\u6b4c\udce9") as table:
    table(Emotion(0.5, 0, 0, 0, 0, Quadrant.CALM, -20.0, 0, False, False))
"""
    run_python(code, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text("utf-8").splitlines()[1].endswith(",\u6b4c\\udce9")


def test_csv_that_is_closed_takes_no_more(tmp_path):
    with CsvSink(tmp_path / "t.csv") as table:
        table(emotion())
    with pytest.raises(ValueError, match=r"the table .*t\.csv is closed"):
        table(emotion())


def test_csv_says_what_json_says(song, tmp_path, capsys):
    path = tmp_path / "t.csv"
    assert main([str(song), "--json", "--csv", str(path)]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for row, record in zip(rows(path), records, strict=True):
        assert {name: "" if value is None else str(value) for name, value in record.items()} == row


def test_csv_takes_several_files_each_under_its_name(song, write_audio, music, tmp_path):
    other = write_audio("other.wav", music(2.0, 1))
    assert main([str(song), str(other), "-q", "--csv", str(tmp_path / "t.csv")]) == 0
    assert [row["source"] for row in rows(tmp_path / "t.csv")] == [str(song)] * 6 + [str(other)] * 4


# ----------------------------------------------------------------------------------------------------------- plot


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_plot_is_a_picture_of_its_kind(suffix, magic, song, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    path = tmp_path / f"arc.{suffix}"
    done = emodj_live(song, "--plot", path, "-q")
    assert (done.returncode, done.stderr) == (0, "")
    assert path.read_bytes().startswith(magic)
    assert len(path.read_bytes()) > 5000


def test_plot_shows_the_values_in_the_colours():
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from matplotlib.colors import to_hex

    from emodj_live.sinks.pictures import PALE
    from emodj_live.sinks.plot import draw

    emotions = list(wander(60))
    arc, plane = draw(emotions, "song").axes
    lines = {line.get_label(): line for line in arc.lines}
    assert list(lines["valence"].get_ydata()) == [e.valence for e in emotions]
    assert list(lines["arousal"].get_ydata()) == [e.arousal for e in emotions]
    assert list(lines["valence"].get_xdata()) == [e.time for e in emotions]
    spans = [(to_hex(patch.get_facecolor()), patch.get_x(), patch.get_x() + patch.get_width()) for patch in arc.patches]
    for each in emotions:
        (color,) = [color for color, start, end in spans if start < each.time - 0.25 < end]
        assert color == PALE[each.quadrant]
    (path,) = [c for c in plane.collections if type(c).__name__ == "LineCollection"]
    segments = path.get_segments()
    assert [tuple(segments[0][0]), *(tuple(s[1]) for s in segments)] == [(e.valence, e.arousal) for e in emotions]
    grounds = {c.get_paths()[0].get_extents().bounds[:2]: to_hex(c.get_facecolor()[0]) for c in plane.collections[:4]}
    corners = {Quadrant.HAPPY: (0, 0), Quadrant.TENSE: (-1, 0), Quadrant.SAD: (-1, -1), Quadrant.CALM: (0, -1)}
    assert grounds == {corner: PALE[quadrant] for quadrant, corner in corners.items()}


@pytest.mark.slow
def test_plot_of_one_emotion_and_any_title(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    for title in ("$x_", "歌", "", "a\nb"):
        with PlotSink(tmp_path / "arc.png", title=title) as plot:
            plot(emotion())
        assert (tmp_path / "arc.png").exists()
        (tmp_path / "arc.png").unlink()


@pytest.mark.slow
def test_plot_has_a_title_that_can_be_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    for suffix in ("svg", "png", "pdf"):
        with PlotSink(tmp_path / f"arc.{suffix}", title="od\udcff\x01d $x_$") as plot:
            plot(emotion())
    assert "<!-- od??d $x_$ -->" in (tmp_path / "arc.svg").read_text("utf-8")


@unix
def test_plot_to_where_nothing_can_be(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    with pytest.raises(SinkError, match="cannot be written: File name too long"):
        PlotSink(tmp_path / ("a" * 300 + ".png"))
    (tmp_path / "link.png").symlink_to(tmp_path / "goal.png")
    with PlotSink(tmp_path / "link.png") as plot:
        assert not (tmp_path / "goal.png").exists()
        plot(emotion())
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "goal.png").exists()


def test_plot_of_nothing_is_no_file(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    PlotSink(tmp_path / "arc.png").close()
    assert list(tmp_path.glob("arc*")) == []


def test_plot_keeps_what_is_there_until_it_has_something_better(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    (tmp_path / "arc.png").write_bytes(b"old")
    PlotSink(tmp_path / "arc.png").close()
    assert (tmp_path / "arc.png").read_bytes() == b"old"


@pytest.mark.slow
def test_plot_of_days_is_bounded(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    plot, first = PlotSink(tmp_path / "arc.png"), emotion()
    for number in range(100_000):
        plot(replace(first, time=float(number)))
    kept = [e.time for e in plot._emotions]
    assert len(kept) <= 20_001
    assert kept == [8.0 * number for number in range(len(kept))]
    assert kept[-1] >= 99_990


def test_several_plots_are_numbered(song, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    assert main([str(song), str(tmp_path / "none.wav"), str(song), "-q", "--plot", str(tmp_path / "arc.svg")]) == 1
    assert {path.name for path in tmp_path.glob("arc*")} == {"arc-1.svg", "arc-3.svg"}


@pytest.mark.slow
def test_plot_uses_no_pyplot(song, tmp_path, run_python):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    code = (
        "import sys; from emodj_live.cli import main; main(sys.argv[1:]);"
        "print({'matplotlib.pyplot', 'tkinter'} & set(sys.modules))"
    )
    done = run_python(code, song, "-q", "--plot", tmp_path / "arc.png")
    assert done.stdout.splitlines()[-1] == "set()"
    assert done.stderr == ""


@pytest.mark.parametrize("name", ["arc.gif", "arc", "arc.png.txt"])
def test_plot_suffixes(name, tmp_path, song, capsys):
    with pytest.raises(ValueError, match=name):
        PlotSink(tmp_path / name)
    with pytest.raises(SystemExit) as stopped:
        main([str(song), "--plot", str(tmp_path / name)])
    assert stopped.value.code == 2
    assert f"{name} does not end in .png, .svg or .pdf" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------- together


@pytest.mark.slow
def test_all_together(song, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    pytest.importorskip("pythonosc", reason="needs the extra osc")
    table, arc = tmp_path / "t.csv", tmp_path / "arc.png"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        done = emodj_live(song, "--json", "--csv", table, "--plot", arc, "--osc", receiver.getsockname()[1])
        assert receiver.recv(9999).startswith(b"/emodj/title")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(rows(table)) == 6
    assert arc.exists()


def test_in_a_program_of_ones_own(song, model, tmp_path):
    with CsvSink(tmp_path / "t.csv", source="song") as table:
        EmotionTracker(model).run(FileSource(song), table)
    assert len(rows(tmp_path / "t.csv")) == 6


@pytest.mark.parametrize(
    ("option", "module", "extra"),
    [("--osc=127.0.0.1:9000", "pythonosc", "osc"), ("--plot=arc.png", "matplotlib", "plot")],
)
def test_missing_extra_is_told_before_the_start(option, module, extra, song, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    assert main([str(song), option]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert f"pip install 'emodj-live[{extra}]'" in captured.err


@pytest.mark.parametrize("option", ["--csv=nowhere/t.csv", "--plot=nowhere/arc.png", "--csv=.", "--csv=/dev/full"])
def test_unwritable_path_is_told_before_the_start(option, song, capsys, monkeypatch, tmp_path):
    if option.startswith("--plot"):
        pytest.importorskip("matplotlib", reason="needs the extra plot")
    if "/dev" in option and not Path("/dev/full").exists():
        pytest.skip("needs a device that is always full")
    monkeypatch.chdir(tmp_path)
    assert main([str(song), option]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"emodj-live: {option.partition('=')[2]}: cannot be written: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--csv", "song.wav"],
        ["--plot", "song.wav"],
    ],
)
def test_wrong_arguments_exit_2(arguments, song, capsys, monkeypatch):
    """``--csv *.wav`` must not write over the first song."""
    monkeypatch.chdir(song.parent)
    before = song.read_bytes()
    with pytest.raises(SystemExit) as stopped:
        main(["--demo", *arguments])
    assert stopped.value.code == 2
    assert arguments[1] in capsys.readouterr().err
    assert song.read_bytes() == before


# ------------------------------------------------------------------------------------------- what fails on the way

SMALL_DISK = "ulimit -f 4"  # [KiB] where a file ends as on a full disk


@unix
def test_full_disk_is_told_once_and_the_rest_goes_on(tmp_path):
    table = tmp_path / "t.csv"
    done = emodj_live("--demo", "--json", "--csv", table, before=SMALL_DISK)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 120
    assert done.stderr == f"emodj-live: {table}: cannot be written: File too large. Other outputs continue.\n"
    assert table.stat().st_size == 4096


@unix
def test_full_disk_ends_it_if_that_was_the_only_output(tmp_path):
    table = tmp_path / "t.csv"
    done = emodj_live("--demo", "--csv", table, before=SMALL_DISK, stdout=subprocess.DEVNULL)
    assert done.returncode == 1
    assert done.stderr == f"emodj-live: {table}: cannot be written: File too large.\n"


@unix
def test_full_disk_under_the_lines_ends_it(song):
    with Path("/dev/full").open("w") as full:
        done = emodj_live(song, song, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "emodj-live: standard output: cannot be written: No space left on device.\n"


@unix
def test_full_disk_under_the_lines_leaves_the_table(song, tmp_path):
    with Path("/dev/full").open("w") as full:
        done = emodj_live(song, song, "--json", "--csv", tmp_path / "t.csv", stdout=full)
    assert done.returncode == 1
    assert done.stderr == (
        "emodj-live: standard output: cannot be written: No space left on device. Other outputs continue.\n"
    )
    assert len(rows(tmp_path / "t.csv")) == 12


@pytest.mark.slow
@unix
def test_full_disk_under_the_plot_is_told(song, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    (tmp_path / "full.png").symlink_to("/dev/full")
    done = emodj_live(song, "--json", "--plot", tmp_path / "full.png")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 6
    assert done.stderr.count("\n") == 1
    assert "full.png: cannot be written: No space left on device." in done.stderr


@pytest.mark.slow
@unix
def test_full_disk_under_one_plot_leaves_the_others(song, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    (tmp_path / "m-1.png").symlink_to("/dev/full")
    done = emodj_live(song, song, song, "--plot", tmp_path / "m.png")
    assert done.returncode == 1
    assert "m-1.png: cannot be written: No space left on device." in done.stderr
    assert sorted(path.name for path in tmp_path.glob("m-[23].png")) == ["m-2.png", "m-3.png"]


@unix
def test_lines_that_nobody_reads_leave_the_table(song, tmp_path):
    done = emodj_live(song, song, "--csv", tmp_path / "t.csv", before="exec > >(head -1)")
    assert (done.returncode, len(rows(tmp_path / "t.csv"))) == (0, 12)
    assert done.stderr.count("the reader closed the pipe; other outputs continue.") == 1


@unix
def test_messages_that_nobody_reads_leave_the_lines(song, tmp_path):
    done = emodj_live(song, tmp_path / "missing.wav", song, before="exec 2> /dev/full")
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 12)


@unix
@pytest.mark.parametrize("option", ["-v", "-q"])
def test_no_room_for_temporary_files(option, song):
    done = emodj_live(song, option, before="ulimit -f 0; export TMPDIR=/nonexistent")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 6), done.stderr


def test_plot_and_table_of_what_came_before_an_error(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    values = {"plot": tmp_path / "arc.png", "csv": tmp_path / "t.csv"}

    def follow():
        with Outputs(nowhere, values, ["song.wav"]) as outputs, outputs.following(Work([], name="song.wav")) as sink:
            sink(emotion())
            raise SinkError("odd")

    with pytest.raises(SinkError, match="odd"):
        follow()
    assert (tmp_path / "arc.png").exists()
    assert len(rows(tmp_path / "t.csv")) == 1


# --------------------------------------------------------------------------------------------- the list of outputs


def nowhere(work):
    """Stand for lines that nobody wants."""
    return nullcontext(lambda emotion: None)


def noting(notes, name, **answers):
    """Return an output that notes what happens to it; `answers` are errors to raise."""

    class Sink:
        def __call__(self, _emotion):
            notes.append((name, "emotion"))
            if error := answers.get("emotion"):
                raise error

        def after_block(self, _block):
            notes.append((name, "block"))
            if error := answers.get("block"):
                raise error

    @contextmanager
    def follow(work):
        notes.append((name, f"begins {work.name}"))
        yield Sink()
        notes.append((name, "ends"))

    return follow


@contextmanager
def with_a_row(monkeypatch, output, parse=str):
    """Add an output as a contributor would: a module, and a row of the table."""
    module = ModuleType("emodj_live_newcomer")
    module.parse = parse
    module.open_output = lambda value, files: nullcontext(output)
    monkeypatch.setitem(sys.modules, "emodj_live_newcomer", module)
    row = OutputOption("shout", "WORD", "shout it", "emodj_live_newcomer")
    for home in ("emodj_live.outputs", "emodj_live.arguments"):
        monkeypatch.setattr(f"{home}.OUTPUTS", (*OUTPUTS, row))
    yield


def test_a_new_output_is_a_module_and_a_row(song, monkeypatch, capsys):
    notes = []
    with with_a_row(monkeypatch, noting(notes, "shout")):
        assert main([str(song), "-q", "--shout", "hey"]) == 0
        with pytest.raises(SystemExit):
            main(["--help"])
    assert "--shout WORD" in capsys.readouterr().out
    assert notes[0] == ("shout", f"begins {song}")
    assert notes[-1] == ("shout", "ends")
    assert notes.count(("shout", "emotion")) == 6
    assert ("shout", "block") in notes


def test_a_wrong_value_is_told_in_the_words_of_its_module(song, monkeypatch, capsys):
    def parse(text):
        raise ValueError(f"{text} is not loud enough")

    with with_a_row(monkeypatch, nowhere, parse), pytest.raises(SystemExit) as caught:
        main([str(song), "--shout", "hush"])
    assert caught.value.code == 2
    assert "argument --shout: hush is not loud enough" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["emotion", "block"])
def test_an_output_that_fails_is_left_out_for_good(where, monkeypatch, caplog):
    notes = []
    outputs = Outputs(noting(notes, "show"), {})
    failing = noting(notes, "failing", **{where: SinkError("the lamp has burst.")})
    outputs._outputs.append(failing)
    for name in ("first", "second"):
        with outputs.following(Work([], name=name)) as sink:
            sink(emotion())
            sink.after_block(None)
            sink(emotion())
    assert outputs.has_failed
    assert caplog.messages == ["the lamp has burst. Other outputs continue."]
    assert notes.count(("show", "emotion")) == 4
    assert ("failing", "begins first") in notes
    assert ("failing", "begins second") not in notes
    assert ("failing", "ends") in notes


def test_an_output_that_cannot_begin_a_song_leaves_the_others(caplog):
    notes = []

    @contextmanager
    def closed(work):
        raise SinkError("the terminal is gone.")
        yield

    outputs = Outputs(noting(notes, "show"), {})
    outputs._outputs.append(closed)
    with outputs.following(Work([], name="song")) as sink:
        sink(emotion())
    assert outputs.has_failed
    assert caplog.messages == ["the terminal is gone. Other outputs continue."]
    assert notes == [("show", "begins song"), ("show", "emotion"), ("show", "ends")]


def test_the_last_output_that_fails_raises():
    outputs = Outputs(noting([], "show", emotion=SinkError("gone.")), {})
    with pytest.raises(SinkError, match="gone"), outputs.following(Work([])) as sink:
        sink(emotion())
    assert outputs.is_exhausted


# ------------------------------------------------------------------------------------------ a table for spreadsheets


@pytest.mark.parametrize("name", ['=HYPERLINK("http:x","y").wav', "+1.wav", "-1.wav", "@SUM(A1).wav", "\tx.wav"])
def test_a_name_is_text_and_no_formula(name, tmp_path):
    with CsvSink(tmp_path / "t.csv", source=name) as table:
        table(emotion())
    (row,) = rows(tmp_path / "t.csv")
    assert row["source"] == f"'{name}"


@pytest.mark.parametrize("name", ["song.wav", "-", "a=b.wav", "ü.wav"])
def test_other_names_stay_as_they_are(name, tmp_path):
    with CsvSink(tmp_path / "t.csv", source=name) as table:
        table(emotion())
    assert rows(tmp_path / "t.csv")[0]["source"] == name


@pytest.mark.parametrize("option", ["csv", "plot"])
@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_an_output_that_is_an_input_is_refused(option, link, song, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    suffix = {"csv": "csv", "plot": "png"}[option]
    before = song.read_bytes()
    getattr(tmp_path / f"x.{suffix}", link)(song)
    assert main([str(song), f"--{option}", str(tmp_path / f"x.{suffix}")]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert f"x.{suffix}: is the same file as the input {song}; choose another name for the output." in captured.err
    assert captured.out == ""
    assert song.read_bytes() == before


def test_a_plot_of_several_is_held_against_each_input(song, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    (tmp_path / "x-2.png").symlink_to(song)
    before = song.read_bytes()
    assert main([str(song), str(song), "--plot", str(tmp_path / "x.png")]) == 1
    assert "x-2.png: is the same file as the input" in capsys.readouterr().err
    assert song.read_bytes() == before


# --------------------------------------------------------------------------------------------- beside the dashboard


@pytest.mark.slow
@unix
@pytest.mark.parametrize("is_full", [False, True])
def test_beside_the_dashboard(is_full, tmp_path):
    from virtual_microphone import PROJECT, Terminal

    table = tmp_path / "t.csv"
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)); " if is_full else ""
    code = f"{limit}import os, sys; os.chdir({str(tmp_path)!r}); "
    code += "from emodj_live.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    told = "t.csv: cannot be written: File too large. Other outputs continue."
    with Terminal("-c", code, "--demo", "--csv", "t.csv", environment=environment, size=(160, 24)) as terminal:
        terminal.wait_for(lambda: "valence" in terminal.screen.text, 30, "the dashboard")
        if is_full:
            terminal.wait_for(lambda: "cannot be written" in terminal.screen.text, 30, "the notice")
        else:
            terminal.wait_for(lambda: len(rows(table)) >= 2, 30, "two rows")
        terminal.press("q")
        assert terminal.end() == int(is_full)
        behind = terminal.shown.split("\x1b[?1049l")[1]
        assert (told in behind.replace("\r\n", "")) == is_full
        assert re.search(r"demo: [a-z ]+, mean valence", behind)


@pytest.mark.slow
@unix
@pytest.mark.parametrize("is_told", [True, False])
def test_terminal_that_is_closed_costs_no_picture(is_told, tmp_path):
    """Closing a window or a connection sends SIGHUP; where nohup or the like keeps that away, tracking goes on."""
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    import pty

    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "emodj_live", "--demo", "--plot", "arc.png", "--csv", "t.csv"]
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).parents[1])}
    ignoring = None if is_told else lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), follower)
    with subprocess.Popen(command, cwd=tmp_path, env=environment, preexec_fn=ignoring, **streams) as process:
        os.close(follower)
        shown = b""
        while b"valence" not in shown:
            shown += os.read(leader, 65536)
        os.close(leader)
        process.send_signal(signal.SIGHUP)
        if is_told:
            assert process.wait(30) in (0, 1)
            assert (tmp_path / "arc.png").stat().st_size > 1000
        else:
            count = len(rows(tmp_path / "t.csv"))
            wait_until(lambda: len(rows(tmp_path / "t.csv")) > count + 2, 30, "more rows")
            process.terminate()

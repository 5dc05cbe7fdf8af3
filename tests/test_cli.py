"""The command line, run as a user runs it."""

import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from emodj_live import Device, Emotion, EmotionModel, EmotionTracker, FileSource, PacedSource, __version__, analyze
from emodj_live.cli import main
from emodj_live.inputs import INPUTS, InputOption

RATE = 22050
unix = pytest.mark.skipif(os.name == "nt", reason="needs pseudo-terminals and POSIX signals")


def music(seconds, rate=RATE, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    tone = np.sin(2 * np.pi * 220 * t) + 0.5 * np.sin(2 * np.pi * 660 * t)
    return (0.2 * tone * (1 + np.sin(2 * np.pi * 2 * t)) + 0.01 * rng.normal(size=len(t))).astype(np.float32)


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    soundfile.write(path, music(3), RATE)
    return path


def emodj_live(*arguments, **options):
    command = [sys.executable, "-m", "emodj_live", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


def on_terminal(*arguments, during=None):
    """Run with stdout on a pseudo-terminal; return the exit code, what it showed, and stderr."""
    import pty

    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "emodj_live", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=follower, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 65536):
            shown += piece
            if during and b"valence" in shown:
                process.send_signal(during)
                during = None
    except OSError:  # the other end is closed
        pass
    errors = process.stderr.read().decode()
    process.stderr.close()
    os.close(leader)
    return process.wait(30), shown.decode(), errors


def test_json_has_every_field_and_nothing_else(song, capsys):
    assert main([str(song), "--json"]) == 0
    captured = capsys.readouterr()
    records = [json.loads(line, parse_constant=pytest.fail) for line in captured.out.splitlines()]
    assert [record["time"] for record in records] == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    for record in records:
        assert list(record) == [field.name for field in fields(Emotion)] + ["source"]
        assert record["source"] == str(song)
        assert record["quadrant"] in {"happy", "tense", "sad", "calm"}
    assert captured.err == ""


def test_lines_go_to_stdout_and_the_summary_to_stderr(song, capsys):
    assert main([str(song)]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) == 6
    assert all("valence" in line and "arousal" in line and "dBFS" in line for line in lines)
    assert f"{song}: {analyze(song).mood}, mean valence" in captured.err
    assert "6 emotions; 3.0 s of music tracked in" in captured.err


@pytest.fixture
def knowing_model(context_model, tmp_path, monkeypatch):
    """Make a model with a context and a calibration the one that is used."""
    context_model.save(tmp_path / "context.npz")
    monkeypatch.setenv("EMODJ_MODEL", str(tmp_path / "context.npz"))
    return context_model


def test_json_says_what_the_model_knows(song, knowing_model, capsys):
    assert main([str(song), "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    emotions = EmotionTracker(knowing_model).track(FileSource(song))
    for record, emotion in zip(records, emotions, strict=True):
        assert record["certainty"] == pytest.approx(emotion.certainty, abs=1e-4)
        assert 0 <= record["valence_rank"] <= 1
        assert 0 <= record["arousal_rank"] <= 1


def test_json_is_null_where_the_model_does_not_know(song, model_path, monkeypatch, capsys):
    monkeypatch.setenv("EMODJ_MODEL", str(model_path))
    assert main([str(song), "--json"]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert '"certainty": null, "valence_rank": null, "arousal_rank": null' in line


def test_lines_and_summary_name_the_mood(song, knowing_model, capsys):
    assert main([str(song)]) == 0
    captured = capsys.readouterr()
    emotions = list(EmotionTracker(knowing_model).track(FileSource(song)))
    assert captured.out.splitlines() == [str(emotion) for emotion in emotions]
    assert f"{song}: {analyze(song, knowing_model).mood}, mean valence " in captured.err
    assert any(word in captured.out for word in ("rather ", "perhaps "))


def test_quiet_leaves_the_lines(song, capsys):
    assert main([str(song), "-q"]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 6
    assert captured.err == ""


def test_summary_agrees_with_the_records(song, capsys):
    main([str(song), "--json"])
    valence = np.mean([json.loads(line)["valence"] for line in capsys.readouterr().out.splitlines()])
    main([str(song)])
    assert f"mean valence {valence:+.2f}" in capsys.readouterr().err


def test_start_and_duration_choose_a_part_with_the_times_of_the_file(song, model_path, capsys):
    alone = ["--model", str(model_path)]  # a model without a context hears the same in a part as in the whole
    main([str(song), *alone, "--json", "--smooth", "0"])
    whole = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    main([str(song), *alone, "--json", "--smooth", "0", "--start", "1", "--duration", "1.2"])
    part = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["time"] for record in part] == [1.5, 2.0]
    assert part[0]["valence"] == pytest.approx(whole[2]["valence"], abs=1e-4)


def test_step_smooth_and_silence_reach_the_tracker(song, capsys):
    main([str(song), "--json", "--step", "0.25", "--smooth", "0", "--silence", "0"])
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(records) == 11
    assert all(record["is_silent"] and record["valence"] == 0 for record in records)
    main([str(song), "--json", "--smooth", "0"])
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(record["valence"] == record["raw_valence"] for record in records)


@pytest.mark.parametrize(
    ("step", "times"),
    [("0.5", [" 0:00.5", " 0:01.0"]), ("0.1", [" 0:00.5", " 0:00.6"]), ("0.25", [" 0:00.50", " 0:00.75"])],
)
def test_lines_have_the_digits_that_the_step_needs(step, times, song, capsys):
    main([str(song), "--step", step])
    assert [line.split("  valence")[0] for line in capsys.readouterr().out.splitlines()[:2]] == times


def test_several_files_each_start_afresh_and_a_bad_one_is_told(song, tmp_path, capsys):
    missing = tmp_path / "missing.wav"
    assert main([str(song), str(missing), str(song), "--json"]) == 1
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) == 12
    assert lines[:6] == lines[6:]
    assert captured.err == f"emodj-live: {missing}: there is no such file; check its name.\n"


def odd(path, kind):
    """Make an input that is not simply music, and return its path."""
    path = path / {"text": "text.mp3", "truncated": "t.mp3", "damaged": "d.mp3", "format": "x.m4a"}.get(
        kind, f"{kind}.wav"
    )
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("la la la\n" * 1000)
    elif kind == "folder":
        path.mkdir()
    elif kind == "samples":
        soundfile.write(path, np.zeros(0), RATE)
    elif kind == "short":
        soundfile.write(path, music(0.4), RATE)
    elif kind == "format":
        path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(5000))
    elif kind in ("truncated", "damaged"):
        soundfile.write(path, music(4, 44100), 44100, format="MP3")
        data = bytearray(path.read_bytes())
        if kind == "damaged":
            data[len(data) // 2 : len(data) // 2 + 600] = bytes(range(200)) * 3
        path.write_bytes(data[: len(data) * 2 // 3] if kind == "truncated" else data)
    elif kind == "nan":
        audio = music(2)
        audio[5000:5010], audio[30000] = np.nan, np.inf
        soundfile.write(path, audio, RATE, subtype="FLOAT")
    elif kind == "channels":
        soundfile.write(path, np.tile(music(2)[:, None], 8), RATE)
    elif kind in ("8000", "192000"):
        soundfile.write(path, music(2, int(kind)), int(kind))
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "there is no such file"),
        ("folder", "is a folder"),
        ("empty", "is empty"),
        ("text", "is not audio that can be decoded"),
        ("format", "is not audio that can be decoded"),
        ("samples", "shorter than one window"),
        ("short", "shorter than one window"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_1(tmp_path, kind, reason):
    path = odd(tmp_path, kind)
    result = emodj_live(path, "--json")
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"emodj-live: {path}: ")
    assert reason in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "count"), [("truncated", 5), ("damaged", 8), ("nan", 4), ("channels", 4), ("8000", 4), ("192000", 4)]
)
def test_odd_input_gives_its_emotions(tmp_path, kind, count):
    result = emodj_live(odd(tmp_path, kind), "--json")
    assert result.returncode == 0
    assert abs(len(result.stdout.splitlines()) - count) <= 1
    told = {"nan": "11 samples were not finite", "8000": "a sample rate of 8000 Hz lacks the top of the spectrum"}
    assert len(result.stderr.splitlines()) == (kind in told)
    assert told.get(kind, "") in result.stderr


@pytest.mark.slow
def test_what_decoders_complain_about_shows_only_when_asked(tmp_path):
    path = odd(tmp_path, "damaged")
    assert emodj_live(path, "--json").stderr == ""
    assert "resync" in emodj_live(path, "--json", "-v").stderr


@unix
def test_unreadable_file_is_told(tmp_path, song):
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    song.chmod(0)
    result = emodj_live(song)
    assert (result.returncode, result.stdout) == (1, "")
    assert "Permission denied" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--demo", "song.wav"],
        ["--demo", "--step", "0"],
        ["--demo", "--step", "nan"],
        ["--demo", "--smooth", "-1"],
        ["--demo", "--silence", "loud"],
        ["--demo", "--duration", "0"],
        ["--demo", "--nonsense"],
    ],
)
def test_wrong_arguments_exit_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_bad_models_are_told(tmp_path, song, capsys, monkeypatch):
    assert main([str(song), "--model", str(song)]) == 1
    assert f"{song}: is not a model file" in capsys.readouterr().err
    monkeypatch.setenv("EMODJ_MODEL", str(tmp_path / "none.npz"))
    assert main(["--demo"]) == 1
    assert "no such model file" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"emodj-live {__version__}\n"


@unix
def test_broken_pipe_ends_quietly():
    command = f"{sys.executable} -m emodj_live --demo --json | head -1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    first, code = result.stdout.splitlines()
    assert json.loads(first)["time"] == 0.5
    assert code == "0"
    assert result.stderr == ""


@unix
@pytest.mark.slow
def test_a_terminal_gets_the_summary_on_stdout_and_fast_does_not_wait(song):
    code, shown, errors = on_terminal("--demo", "--fast")
    assert code == 0
    assert "120 emotions; 60.0 s of music tracked in" in shown
    assert errors == ""


@unix
def test_plain_on_a_terminal_is_as_to_a_pipe(song):
    code, shown, errors = on_terminal(song, "--plain")
    assert code == 0
    assert len(shown.splitlines()) == 6
    assert "6 emotions" in errors


@pytest.mark.slow
@unix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_paced_file_ends_well_on_a_signal(song, number):
    code, shown, errors = on_terminal("--demo", during=number)
    assert code == 0
    assert "mean valence" in shown
    assert "120 emotions" not in shown
    assert errors == ""


@pytest.mark.slow
@unix
def test_ctrl_c_on_unpaced_work_is_130_even_when_it_came_ignored(tmp_path):
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(music(3), 40), RATE)
    command = [sys.executable, "-m", "emodj_live", str(path), "--step", "0.01", "--json"]
    script = f"trap '' INT; exec {' '.join(command)}"
    with subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == b""


def test_the_package_runs_as_a_module_from_anywhere(tmp_path):
    result = emodj_live("--version", cwd=tmp_path)
    assert result.stdout == f"emodj-live {__version__}\n"


def test_the_live_path_imports_nothing_heavy():
    code = (
        "import sys; from emodj_live.cli import main; main(['--demo', '--json']);"
        "print(sorted({'librosa', 'sklearn', 'numba', 'scipy', 'joblib', 'sounddevice', 'rich'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_surrogates_in_a_file_name_do_not_stop_the_output(tmp_path):
    if sys.platform != "linux":
        pytest.skip("file names are bytes only on Linux")
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    soundfile.write(os.fsencode(path), music(1), RATE, format="WAV")
    result = emodj_live(path, "--json")
    assert result.returncode == 0
    assert json.loads(result.stdout.splitlines()[0])["source"] == str(path)
    assert emodj_live(path).returncode == 0


def test_quiet_lasts_no_longer_than_the_call(song):
    library = logging.getLogger("emodj_live")
    before = library.level
    main([str(song), "-q"])
    assert library.level == before
    assert library.handlers == []


@pytest.mark.slow
@unix
@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_missing_stream_takes_nothing_into_another(closed, song, tmp_path):
    command = f"{sys.executable} -m emodj_live --json {song} {tmp_path}/missing.wav {closed}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert all(line.startswith("{") for line in result.stdout.splitlines())
    assert "Traceback" not in result.stderr


@unix
def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    result = emodj_live(tmp_path / "pipe")
    assert result.returncode == 1
    assert "is a pipe or a device" in result.stderr


def test_no_name_moves_the_cursor(capsys):
    assert main(["no\nsuch\x1b[31m.wav"]) == 1
    assert capsys.readouterr().err == "emodj-live: no?such?[31m.wav: there is no such file; check its name.\n"


def test_silence_is_called_silence(tmp_path, capsys):
    soundfile.write(tmp_path / "silent.wav", np.zeros(3 * RATE), RATE)
    assert main([str(tmp_path / "silent.wav")]) == 0
    assert "nothing heard in 3.0 s of silence" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--start", "--duration"])
def test_the_demo_has_no_parts(option):
    with pytest.raises(SystemExit):
        main(["--demo", option, "2"])


# ---------------------------------------------------------------------------------------------------------- devices


def devices(*names):
    return [Device(n, name, "ALSA", 2, 48000.0, is_default=n == 0) for n, name in enumerate(names)]


def test_a_devices_name_does_not_reach_the_terminal(monkeypatch, capsys):
    monkeypatch.setattr("emodj_live.sources.devices.list_devices", lambda kind: devices("evil\x1b]0;PWN\x07\n"))
    assert main(["-l"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)
    assert "evil?]0;PWN??" in lines[1]


@unix
def test_a_list_of_devices_that_cannot_be_written(monkeypatch):
    code = """
import sys
from emodj_live import Device
from emodj_live.sources import devices
devices.list_devices = lambda kind: [Device(0, "microphone", "ALSA", 2, 48000.0, True)]
from emodj_live.__main__ import console
sys.argv = ["emodj-live", "-l"]
console()
"""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == "emodj-live: standard output: cannot be written: No space left on device.\n"


# ------------------------------------------------------------------------------------------------------------- pace


def test_realtime_paces_what_is_not_on_a_terminal(song, monkeypatch, capsys):
    """By the clock of the pacing, which the test moves on itself."""
    slept = []
    monkeypatch.setattr(PacedSource.__init__, "__kwdefaults__", {"clock": lambda: sum(slept), "sleep": slept.append})
    assert main([str(song), "-q", "--realtime"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6
    assert sum(slept) == pytest.approx(3.0, abs=0.01)
    slept.clear()
    assert main([str(song), "-q"]) == 0
    assert slept == []


@pytest.mark.parametrize("arguments", [["--fast", "--realtime"], ["--fast", "--play"]])
def test_paces_that_contradict_each_other(arguments, song, capsys):
    with pytest.raises(SystemExit) as caught:
        main([str(song), *arguments])
    assert caught.value.code == 2
    assert "--fast cannot be combined with --play or --realtime" in capsys.readouterr().err


def test_the_text_of_an_emotion_is_the_line_that_is_printed(song, capsys):
    assert main([str(song), "-q"]) == 0
    emotions = list(EmotionTracker(EmotionModel.load()).track(FileSource(song)))
    assert capsys.readouterr().out.splitlines() == [str(emotion) for emotion in emotions]


class Enough(BaseException):
    """Ends what has no end."""


def test_loop_begins_again_at_the_end(song, monkeypatch, capsys):
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if sum(slept) > 7.2:
            raise Enough

    monkeypatch.setattr(PacedSource.__init__, "__kwdefaults__", {"clock": lambda: sum(slept), "sleep": sleep})
    with pytest.raises(Enough):
        main([str(song), "no.wav", "--json", "--realtime", "--loop"])
    shown = capsys.readouterr()
    times = [json.loads(line)["time"] for line in shown.out.splitlines()]
    assert times == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0] * 2 + [0.5, 1.0]
    assert shown.err.count("no.wav: there is no such file") == 2


def test_loop_ends_when_nothing_can_be_followed(capsys):
    assert main(["no.wav", "--json", "--realtime", "--loop"]) == 1
    assert capsys.readouterr().err.count("no.wav: there is no such file") == 1


@pytest.mark.parametrize("arguments", [["--demo"], ["--mic", "--realtime"], ["--demo", "--fast"], ["-"]])
def test_what_cannot_loop(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--loop"])
    assert caught.value.code == 2
    assert "--loop is for the demo and files" in capsys.readouterr().err


# ----------------------------------------------------------------------------------------------- rates and sources


def test_a_model_of_another_rate_works_on_the_command_line(tmp_path, model, capsys):
    spec = replace(model.spec, sample_rate=16000, window_length=8000, n_fft=1488, hop_length=372, fmax=8000.0,
                   mel_basis=np.ones((128, 745), np.float32))  # fmt: skip
    replace(model, spec=spec).save(tmp_path / "16khz.npz")
    soundfile.write(tmp_path / "ten.wav", music(10, 44_100), 44_100)
    assert main([str(tmp_path / "ten.wav"), "--json", "--model", str(tmp_path / "16khz.npz")]) == 0
    times = [json.loads(line)["time"] for line in capsys.readouterr().out.splitlines()]
    assert times == [n / 2 for n in range(1, 21)]


def test_a_new_source_is_a_module_and_a_row(monkeypatch, capsys):
    module = ModuleType("emodj_live_newcomer")
    module.open_source = lambda value, options, rate: [np.full(rate, float(value), np.float32)]
    monkeypatch.setitem(sys.modules, "emodj_live_newcomer", module)
    row = InputOption("hum", "a hum", "emodj_live_newcomer", metavar="LEVEL")
    for home in ("emodj_live.inputs", "emodj_live.arguments"):
        monkeypatch.setattr(f"{home}.INPUTS", (*INPUTS, row))
    assert main(["--hum", "0.1", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["level"] for record in records] == pytest.approx([-20.0, -20.0])
    with pytest.raises(SystemExit):
        main(["--hum", "0.1", "--demo"])
    assert "choose one source: --demo and --hum cannot be combined" in capsys.readouterr().err


# --------------------------------------------------------------------------------------------- arguments and summaries


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name what to listen to: audio files, - for standard input, or one of --demo, --mic, --system"),
        (["--demo", "--mic"], "choose one source: --demo and --mic cannot be combined"),
        (["--mic", "a.wav"], "choose one source: --mic and audio files cannot be combined"),
        (["a.wav", "--raw", "48000:2:s16le"], "--raw describes standard input: add -"),
        (["-", "-d", "3"], "--device needs --mic, --system or --play"),
        (["a.wav", "--gain", "loud"], "argument --gain: loud is not auto or a number of dB from -60 to 60"),
        (["a.wav", "--start", "1:00"], "argument --start: 1:00 is not 0 or a positive number of seconds, such as 60"),
    ],
)
def test_a_wrong_call_is_told_in_words(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {message}\n")


def test_everything_is_prepared_before_the_arguments_are_read(monkeypatch):
    """Reading them may import NumPy, which looks at the environment once, and takes a while."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    seen = []

    def parse(argv):
        seen.extend((os.environ.get("OPENBLAS_NUM_THREADS"), callable(signal.getsignal(signal.SIGINT))))
        raise SystemExit(2)

    monkeypatch.setattr("emodj_live.cli.parse", parse)
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with pytest.raises(SystemExit):
            main([])
        assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == ["1", True]


def test_what_is_only_silence_is_not_given_a_mood(tmp_path, capsys):
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE * 2), RATE)
    assert main([str(tmp_path / "silent.wav")]) == 0
    assert capsys.readouterr().err == f"{tmp_path / 'silent.wav'}: nothing heard in 2.0 s of silence\n"


def test_one_emotion_is_one(tmp_path, capsys):
    soundfile.write(tmp_path / "short.wav", music(0.6), RATE)
    assert main([str(tmp_path / "short.wav")]) == 0
    assert "  1 emotion; 0.5 s of music tracked in" in capsys.readouterr().err


@unix
def test_an_error_counts_though_the_reader_has_read_enough(tmp_path):
    soundfile.write(tmp_path / "long.wav", music(60), RATE)
    command = f"'{sys.executable}' -m emodj_live missing.wav long.wav -q | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 1)

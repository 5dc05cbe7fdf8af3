"""emodj-train, by way of train.py, from end to end: what it writes and shows, and what is left when it is killed."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from test_training_helpers import write_dataset

from emodj_live import EmotionModel, EmotionTracker, FileSource, ModelError
from emodj_live.model_file import MAX_HEADER_BYTES
from emodj_live.training import Dataset, card, command, options, terms
from emodj_live.training.provenance import command_line, describe_dataset, describe_training

pytestmark = pytest.mark.slow

TRAIN = Path(command.__file__).parents[2] / "train.py"


def train(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TRAIN, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **variables},
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """Train once, in a process of its own, on two sets, with everything switched on."""
    folder = tmp_path_factory.mktemp("run")
    write_dataset(folder / "first set", 12)
    write_dataset(folder / "second", 13)
    (folder / "second" / "clips_45seconds" / "13.wav").unlink()
    (folder / "second" / "clips_45seconds" / "12.wav").write_text("not audio")
    arguments = [folder / "first set", folder / "second", "--model", folder / "my.npz", "--cache", folder / "cache"]
    arguments += ["--protocol", "emodj", "--alpha", "0.01", "--gamma", "1/500", "--stride", "2", "--jobs", "2"]
    arguments += ["--scale", "second=0.9,0.8", "--compare", "--export-sklearn", folder / "export"]
    arguments += ["--csv", folder / "songs.csv", "--plots", folder / "pictures"]
    return folder, arguments, train(*arguments, SOURCE_DATE_EPOCH="1700000000")


def test_ends_well_and_says_what_it_does_in_plain_lines(run) -> None:  # type: ignore[no-untyped-def]
    _, _, done = run
    assert done.returncode == 0, done.stderr
    assert "second: 12 songs. Left out: 1 annotated songs without audio." in done.stderr
    assert "clips: 12 of 12" in done.stderr
    assert "Left out: " in done.stderr
    assert "1 clips that cannot be decoded" in done.stderr
    assert "folds by song: 5 of 5" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_prints_the_scores(run) -> None:  # type: ignore[no-untyped-def]
    folder, _, done = run
    assert "5 folds over 12 groups of songs" in done.stdout  # song 1 of both sets is the same one: both are emoMusic's
    assert "EmoDJ's shape, 264 MFCCs and exact regressors, by the same folds" in done.stdout
    assert "Certainty: said, and right" in done.stdout
    assert "second: 11 songs are too few" in done.stdout
    assert " centers, reference level" in done.stdout
    assert "EmoDJ's own protocol: LEAKY" in done.stdout
    assert "random" in done.stdout
    assert str(folder / "my.npz") in done.stdout.replace("\n", "")


def test_writes_a_model_that_works(run) -> None:  # type: ignore[no-untyped-def]
    folder, _, _ = run
    model = EmotionModel.load(folder / "my.npz")
    assert model.gamma == 1 / 500
    assert -25 < model.reference_level < -15
    clips = folder / "first set" / "clips_45seconds"
    sources = FileSource(clips / "1.wav"), FileSource(clips / "12.wav")
    dull, bright = ([one.arousal for one in EmotionTracker(model).track(source)] for source in sources)
    assert np.mean(bright) - np.mean(dull) > 0.3


def test_keeps_its_provenance_without_paths_of_the_machine(run) -> None:  # type: ignore[no-untyped-def]
    folder, _, _ = run
    provenance = EmotionModel.load(folder / "my.npz").provenance
    assert provenance["command"] == (
        "emodj-train 'first set' second --scale second=0.9,0.8 --model my.npz --gamma 1/500 --alpha 0.01 --stride 2 "
        "--compare --protocol emodj"
    )
    assert provenance["date"] == "2023-11-14"
    assert [data["folder"] for data in provenance["datasets"]] == ["first set", "second"]
    assert [data["songs"] for data in provenance["datasets"]] == [12, 11]
    assert provenance["datasets"][1]["left_out"] == {
        "annotated songs without audio": 1,
        "clips that cannot be decoded": 1,
    }
    assert [data["scale"] for data in provenance["datasets"]] == [[1.0, 1.0], [0.9, 0.8]]
    assert provenance["datasets"][0]["weight"] < 1 < provenance["datasets"][1]["weight"]
    assert provenance["hyperparameters"] == {
        "estimator": "condensed",
        "gamma": 1 / 500,
        "context_weight": 0.9,
        "timbre_weight": 0.35,
        "centers": 1500,
        "alpha": 0.01,
        "context": 4.0,
        "stride": 2,
        "tuned": False,
    }
    assert {"python", "numpy", "scikit-learn", "librosa", "soxr", "emodj-live"} <= provenance["versions"].keys()
    song = provenance["protocols"]["song"]
    assert [each["dataset"] for each in song["sets"]] == [each["dataset"] for each in song["emodj"]]
    assert song["sets"][0]["scores"]["auc"]["arousal"] > 0.8
    assert provenance["protocols"]["emodj"][0]["rows"] == 72
    assert str(folder.parent) not in json.dumps(provenance)


def test_writes_the_card_from_the_model_alone(run) -> None:  # type: ignore[no-untyped-def]
    folder, _, _ = run
    text = (folder / "my.md").read_text()
    assert text == card.markdown(EmotionModel.load(folder / "my.npz"))
    assert text.index("## Scores by song") < text.index("leaky") < text.index("## Limits")
    assert "### What the context brings" in text
    assert "98 % of the variance" in text
    assert "2023-11-14" in text
    assert str(folder.parent) not in text
    assert not list(folder.glob(".my*"))


def test_exports(run) -> None:  # type: ignore[no-untyped-def]
    folder, _, _ = run
    names = sorted(path.name for path in (folder / "export").iterdir())
    assert names == ["arousal.joblib", "mean.joblib", "std.joblib", "valence.joblib"]
    model = EmotionModel.load(folder / "my.npz")
    features = model.mean + model.std * np.random.default_rng(0).standard_normal((20, len(model.mean)))
    scaled = (features - joblib.load(folder / "export" / "mean.joblib")) / joblib.load(folder / "export" / "std.joblib")
    predicted = [joblib.load(folder / "export" / f"{axis}.joblib").predict(scaled) for axis in ("valence", "arousal")]
    np.testing.assert_allclose(np.transpose(predicted), model.predict(features.astype(np.float32)), atol=1e-4)


def test_writes_rows_and_pictures(run) -> None:  # type: ignore[no-untyped-def]
    folder, _, _ = run
    with (folder / "songs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["dataset"] for row in rows] == ["first set"] * 12 + ["second"] * 11
    assert float(rows[0]["arousal"]) < float(rows[11]["arousal"])
    pictures = {path.name for path in (folder / "pictures").iterdir()}
    each = {f"{name}-{what}.png" for name in ("first-set", "second") for what in ("scatter", "confusion")}
    assert pictures == each | {"calibration.png", "learning_curve.png"}


def test_the_installed_command_evaluates_it(run) -> None:  # type: ignore[no-untyped-def]
    """By the entry point that an installation makes a program of."""
    folder, _, _ = run
    evaluated = installed("evaluate", folder / "my.npz", folder / "first set", "--cache", folder / "cache", "--json")
    assert evaluated.returncode == 0, evaluated.stderr
    scores = json.loads(evaluated.stdout)["sets"][0]["scores"]
    assert scores["songs"]["all"] == 12
    assert scores["song"]["arousal"]["r"] > 0.9
    failed = installed("evaluate", folder / "nothing.npz", folder)
    assert failed.returncode == 1
    assert failed.stderr.startswith("emodj-train evaluate: ")


def installed(*arguments: object) -> subprocess.CompletedProcess[str]:
    (value,) = re.findall(r'^emodj-train = "(.*)"$', (TRAIN.parent / "pyproject.toml").read_text(), re.M)
    code = f"import importlib.metadata as m; m.EntryPoint('emodj-train', {value!r}, 'console_scripts').load()()"
    words = [sys.executable, "-c", code, *map(str, arguments), "--jobs", "1", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(TRAIN.parent)}
    return subprocess.run(words, capture_output=True, text=True, check=False, env=environment)


def test_knows_how_certain_it_is(run) -> None:  # type: ignore[no-untyped-def]
    folder, _, _ = run
    model = EmotionModel.load(folder / "my.npz")
    assert all(0.01 <= deviation <= 10 for deviation in model.calibration.deviations)
    emotions = list(EmotionTracker(model).track(FileSource(folder / "first set" / "clips_45seconds" / "12.wav")))
    assert emotions[-1].certainty > 0.5
    assert emotions[-1].arousal_rank > 0.6


def test_again_gives_the_same_file(run) -> None:  # type: ignore[no-untyped-def]
    folder, arguments, _ = run
    before = (folder / "my.npz").read_bytes()
    # in this process and one after the other; from the same place, so with the same provenance
    patch = pytest.MonkeyPatch()
    patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    try:
        assert command.main([*map(str, arguments), "--jobs", "1", "--quiet"]) == 0
    finally:
        patch.undo()
    first, again = EmotionModel.load(folder / "my.npz"), before
    (folder / "again.npz").write_bytes(again)
    second = EmotionModel.load(folder / "again.npz")
    for name in ("mean", "std", "support_vectors", "coefficients", "intercepts"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_allclose(first.calibration.deviations, second.calibration.deviations, rtol=1e-3)
    for each in (first, second):
        for protocol in ("song", "emodj"):  # workers may round the last bit differently
            each.provenance["protocols"].pop(protocol)
    assert first.provenance == second.provenance


def test_the_provenance_of_the_most_data_sets_is_far_below_what_a_model_file_holds(
    run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    """Six folders with names as long as they can be, of the set with most to say, by both protocols."""
    model = EmotionModel.load(run[0] / "my.npz")
    protocols = model.provenance["protocols"]
    names = [str(number) + "\u97f3" * (command._LONGEST_NAME - 1) for number in range(command._MOST_DATASETS)]
    given = ["--model", names[0], "--estimator", "svr", "--C", "1,2", "--tune", "--compare", "--protocol", "emodj"]
    parsed = options.parse([*names, *given, *(word for name in names for word in ("--scale", f"{name}=1.11,0.97"))])
    left_out = Counter(dict.fromkeys((f"{'songs that could not be used'} {number}" for number in range(9)), 123456))
    described = [
        describe_dataset(
            Dataset(name, terms.EMOTIFY, (), np.arange(0), left_out), [], left_out, 0.5, scale=(0.9, 1.1), offset=(0, 0)
        )
        for name in names
    ]
    song = protocols["song"]
    sets = [song["sets"][0] | {"dataset": name} for name in names]
    brief = song["emodj"][0]["scores"]
    song = song | {"sets": sets, "emodj": [{"dataset": name, "scores": brief} for name in names]}
    song["cross"] = [{"trained_on": [a], "tried_on": b, "scores": brief} for a in names for b in names if a != b]
    provenance = {
        "command": command_line(parsed),
        **describe_training(parsed.hyperparameters, parsed, described, 100_000),
        "protocols": {"song": song, "emodj": [protocols["emodj"][0] | {"folder": n} for n in names]},
    }
    size = len(json.dumps(provenance))
    assert size < 0.85 * MAX_HEADER_BYTES
    assert len(json.dumps(model.provenance)) < 0.15 * MAX_HEADER_BYTES
    replace(model, provenance=provenance).save(tmp_path / "most.npz")
    assert EmotionModel.load(tmp_path / "most.npz").provenance == provenance


def test_a_kill_while_the_card_is_written_leaves_the_old_one(
    run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    model = EmotionModel.load(run[0] / "my.npz")
    path = tmp_path / "card.md"
    path.write_text("old")

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            card.write_card(model, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    card.write_card(model, path)
    assert path.read_text().startswith(card.MARK)
    with pytest.raises(ModelError, match="cannot be written"):
        card.write_card(model, tmp_path / "nowhere" / "card.md")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_save_clears_what_killed_ones_left_behind(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Of the model and of its card; nothing else in the folder is touched."""
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from emodj_live import EmotionModel; from emodj_live.training import card\n"
        "source, folder, what = sys.argv[1:]\n"
        "model = EmotionModel.load(source)\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "model.save(Path(folder, 'm.npz')) if what == 'model' else card.write_card(model, Path(folder, 'm.md'))\n"
    )
    (tmp_path / ".m.npz.mine").touch()
    for what in ("model", "model", "card"):
        done = subprocess.run([sys.executable, "-c", code, run[0] / "my.npz", tmp_path, what], check=False)
        assert done.returncode == -signal.SIGKILL
        assert len(list(tmp_path.glob(".m.*.part"))) == (2 if what == "card" else 1)
    model = EmotionModel.load(run[0] / "my.npz")
    model.save(tmp_path / "m.npz")
    card.write_card(model, tmp_path / "m.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".m.npz.mine", "m.md", "m.npz"]


ENDLESS_WORK = """
import itertools, os, time
import joblib
from emodj_live.workers import as_completed, start_workers

def work():
    return os.getpid()

if __name__ == "__main__":
    start_workers(2)
    for pid in as_completed((joblib.delayed(work)() for _ in itertools.count()), 2):
        print(pid, flush=True)
        if idle: break
    time.sleep(600)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("is_idle", [False, True])
def test_workers_end_after_their_parent_was_killed(tmp_path: Path, is_idle: bool) -> None:
    psutil = pytest.importorskip("psutil")
    script = tmp_path / "script.py"
    script.write_text(f"idle = {is_idle}\n{ENDLESS_WORK}")
    environment = {**os.environ, "PYTHONPATH": str(TRAIN.parent)}
    with subprocess.Popen([sys.executable, script], env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        assert int(parent.stdout.readline())
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) >= 2
        parent.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    alive = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]  # nobody may wait for orphans
    for process in alive:
        process.kill()
    assert not alive


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process group")
def test_ctrl_c_ends_with_130_without_a_traceback(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "set", 60, 6.2)
    arguments = [
        sys.executable,
        TRAIN,
        root,
        "--model",
        tmp_path / "m.npz",
        "--cache",
        tmp_path / "cache",
        "--jobs",
        "2",
    ]
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr
    said = ""
    while "clips: " not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    out, rest = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in rest
    assert "Traceback" not in said + rest
    assert out == ""
    assert not (tmp_path / "m.npz").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal masks")
def test_workers_do_not_hear_ctrl_c() -> None:
    """In a process of its own, because workers are shared with whatever ran before."""
    code = (
        "import joblib, signal\n"
        "from emodj_live.workers import in_order, start_workers, stop_workers\n"
        "start_workers(2)\n"
        "ask = joblib.delayed(signal.pthread_sigmask)\n"
        "masks = in_order((ask(signal.SIG_BLOCK, []) for _ in range(4)), 2)\n"
        "print(all(signal.SIGINT in mask for mask in masks), signal.pthread_sigmask(signal.SIG_BLOCK, []))\n"
        "stop_workers()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("True set()\n", "")

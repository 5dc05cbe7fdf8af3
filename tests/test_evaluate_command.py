"""The command that scores a model against annotated music: options, tables, JSON, CSV, pictures, and how it fails."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
from test_training_helpers import write_dataset

from emodj_live import Calibration, EmotionModel, analyze
from emodj_live.training import Hyperparameters, evaluate_command, evaluate_options
from emodj_live.training.evaluate_options import EvaluateOptions
from emodj_live.training.provenance import fitted_with

QUADRANTS = {"happy", "tense", "sad", "calm"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, model: EmotionModel) -> Path:
    """Make a folder with two data sets, a model that knows how certain it is, and a cache."""
    folder = tmp_path_factory.mktemp("evaluation")
    write_dataset(folder / "first set", 6, 6.2)
    write_dataset(folder / "second", 5, 5.2)
    (folder / "second" / "clips_45seconds" / "5.wav").unlink()
    calibration = Calibration((0.3, 0.2), np.linspace([-1, -1], [1, 1], 101))
    provenance = {"datasets": [{"folder": "second"}, "not a mapping"]}
    replace(model, calibration=calibration, provenance=provenance).save(folder / "m.npz")
    replace(model, provenance={"datasets": 3}).save(folder / "without.npz")
    return folder


def evaluate(place: Path, *arguments: object, model: str = "m.npz") -> int:
    common = ["--cache", place / "cache", "--jobs", "1"]
    return evaluate_command.main([str(place / model), *map(str, arguments), *map(str, common)])


def test_tables_of_two_sets(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(place, place / "first set", place / "second") == 0
    out, err = capsys.readouterr()
    said = " ".join(out.split())
    for words in (
        "m.npz, by song",
        "first set: quadrants of 6 songs",
        "second: 4 songs with values",
        "first set: 6 songs are too few: read these figures as a check that nothing is broken.",
        "second: the model was trained on a data set of this name",
        "second: left out: 1 annotated songs without audio.",
        "Correlation between predicted valence and arousal over songs",
        "all together",
    ):
        assert words in said
    assert "first set: the model was trained" not in said
    assert "clips: " in err
    assert "\x1b" not in out + err


def test_json_is_all_there_is_on_stdout(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(place, place / "first set", "--json", "--quiet") == 0
    out, err = capsys.readouterr()
    assert err == ""
    found = json.loads(out)
    assert found["model"] == "m.npz"
    (first,) = found["sets"]
    assert first["dataset"] == "first set"
    assert first["scores"]["songs"] == {"all": 6, "graded": 6, "judged": 6}
    assert first["constant"]["song"]["valence"]["mae"] > 0
    assert found["calibration"] == first["scores"]["calibration"]
    assert found["calibration"]["songs"] == 6
    assert evaluate(place, place / "first set", "--json", "--quiet", model="without.npz") == 0
    assert json.loads(capsys.readouterr().out)["calibration"] is None


@pytest.mark.slow
def test_rows_and_pictures(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--csv", tmp_path / "songs.csv", "--plots", tmp_path / "pictures" / "new", "--quiet"]
    assert evaluate(place, place / "first set", place / "second", *arguments) == 0
    with (tmp_path / "songs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["dataset"] for row in rows] == ["first set"] * 6 + ["second"] * 4
    assert {row["named_quadrant"] for row in rows} <= QUADRANTS
    names = {path.name for path in (tmp_path / "pictures" / "new").iterdir()}
    pairs = {f"{name}-{what}.png" for name in ("first-set", "second") for what in ("scatter", "confusion")}
    assert names == pairs | {"calibration.png"}
    capsys.readouterr()


def test_what_is_scored_is_what_a_listener_gets(place: Path, tmp_path: Path) -> None:
    """The means of a labeled clip of more than 3 s against those of the tracker on the same file."""
    assert evaluate(place, place / "first set", "--csv", tmp_path / "s.csv", "--quiet") == 0
    with (tmp_path / "s.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    profile = analyze(place / "first set" / "clips_45seconds" / "1.wav", EmotionModel.load(place / "m.npz"))
    heard = profile.arc[6 : 6 + int(row["windows"])].mean(axis=0)
    assert [float(row["valence"]), float(row["arousal"])] == pytest.approx(heard.tolist(), abs=2e-4)


def test_labels_are_changed_as_asked(place: Path, tmp_path: Path) -> None:
    labels = []
    for name, change in (
        ("plain", []),
        ("changed", ["--scale", "first set=0.5,2", "--offset", f"{place / 'first set'}=0.1"]),
    ):
        path = tmp_path / f"{name}.csv"
        assert evaluate(place, place / "first set", "--csv", path, "--quiet", *change) == 0
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        labels.append([[float(row["label_valence"]), float(row["label_arousal"])] for row in rows])
    plain, changed = np.array(labels)
    np.testing.assert_allclose(changed, plain * [0.5, 2] + 0.1, atol=2e-4)


def test_two_folders_of_one_name_are_told_apart(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(tmp_path / "second", 4, 5.2)
    assert evaluate(place, place / "second", tmp_path / "second", "--json", "--quiet") == 0
    assert [one["dataset"] for one in json.loads(capsys.readouterr().out)["sets"]] == ["second", "second (2)"]


# --- options ---------------------------------------------------------------------------------------------------------


def test_every_option_has_its_place() -> None:
    arguments = ["m", "x", "y/z", "--scale", "z=2,3", "--offset", "x=0.5", "--static", "--csv", "c", "--plots", "p"]
    arguments += ["--json", "--cache", "k", "--jobs", "2", "--quiet"]
    parsed = evaluate_options.parse(arguments)
    assert parsed == EvaluateOptions(
        model=Path("m"),
        datasets=(Path("x"), Path("y/z")),
        scale={Path("y/z"): (2.0, 3.0)},
        offset={Path("x"): (0.5, 0.5)},
        static=True,
        csv=Path("c"),
        plots=Path("p"),
        json=True,
        cache=Path("k"),
        jobs=2,
        quiet=True,
    )
    with pytest.raises(FrozenInstanceError):
        parsed.jobs = 4  # type: ignore[misc]
    assert evaluate_options.parse(["m", "x"]) == EvaluateOptions(model=Path("m"), datasets=(Path("x"),))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "required"),
        (["m"], "required"),
        (["m", "x", "--scale", "2,3"], "is not FOLDER=VALENCE,AROUSAL"),
        (["m", "x", "--scale", "x=1,2,3"], "is not FOLDER=VALENCE,AROUSAL"),
        (["m", "x", "--scale", "x=nan"], "is not FOLDER=VALENCE,AROUSAL"),
        (["m", "x", "--offset", "y=1"], "argument --offset: 'y' is none of the folders"),
        (["m", "a/x", "b/x", "--scale", "x=1"], "argument --scale: 'x' is more than one of the folders"),
        (["m", "a/x", "--scale", "x=1", "--scale", "a/x=2"], "argument --scale: 'a/x' was given twice"),
        (["m", "x", "--jobs", "0"], "must be at least 1"),
        (["m", "x", "--jobs", "two"], "is not a whole number"),
    ],
)
def test_wrong_arguments_end_with_2(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        evaluate_command.main(arguments)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert "usage: emodj-train evaluate" in said
    assert why in said


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from emodj_live.training import evaluate_command\n"
        "try: evaluate_command.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'librosa', 'sklearn', 'scipy', 'joblib', 'numpy', 'rich', 'platformdirs', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--plots" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


# --- what goes wrong -------------------------------------------------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return the one line that an evaluation ends with."""
    assert evaluate_command.main([*map(str, arguments), "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("emodj-train evaluate: ")
    return err


def test_what_cannot_be_done_is_one_line(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    model, folder = place / "m.npz", place / "second"
    assert "nowhere.npz" in refused(capsys, place / "nowhere.npz", folder)
    assert "no such folder" in refused(capsys, model, place / "nowhere")
    assert "there is no folder" in refused(capsys, model, folder, "--csv", tmp_path / "nowhere" / "s.csv")
    assert "is a folder" in refused(capsys, model, folder, "--csv", tmp_path)
    assert "cannot be written to" in refused(capsys, model, folder, "--plots", tmp_path / "file")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert "pip install 'emodj-live[plot]'" in refused(capsys, model, folder, "--plots", tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()


def test_ctrl_c_ends_with_130(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("emodj_live.workers.stop_workers", lambda: None)
    monkeypatch.setattr("emodj_live.training.scoring.score", interrupted)
    assert evaluate(place, place / "second") == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.slow
def test_the_benchmark_calls_it_with_a_model(place: Path) -> None:
    script = Path(__file__).parents[1] / "benchmarks" / "accuracy.py"
    arguments = [place / "second", "--model", place / "m.npz", "--json", "--cache", place / "cache", "--jobs", "1"]
    done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sets"][0]["scores"]["songs"]["all"] == 4


# --- out of fold -----------------------------------------------------------------------------------------------------

FITTED = {
    "estimator": "condensed",
    "gamma": None,
    "context_weight": 0.7,
    "timbre_weight": 0.7,
    "centers": 20,
    "alpha": 0.1,
    "stride": 1,
}


def test_out_of_fold_tells_sets_and_what_was_left_out(
    place: Path, tmp_path: Path, model: EmotionModel, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(model, provenance={"hyperparameters": FITTED}).save(place / "fitted.npz")
    write_dataset(tmp_path / "second", 4, 5.2)
    options = ["--out-of-fold", "--csv", tmp_path / "songs.csv", "--json", "--quiet"]
    assert evaluate(place, place / "second", tmp_path / "second", *options, model="fitted.npz") == 0
    first, second = json.loads(capsys.readouterr().out)["sets"]
    assert (first["dataset"], first["scores"]["songs"]["all"]) == ("second", 4)
    assert (second["dataset"], second["scores"]["songs"]["all"]) == ("second (2)", 4)
    assert first["left_out"] == {"annotated songs without audio": 1}
    with (tmp_path / "songs.csv").open(newline="") as file:
        assert {row["dataset"] for row in csv.DictReader(file)} == {"second", "second (2)"}


@pytest.mark.parametrize(
    "damage",
    [
        {"stride": 0},
        {"stride": "x"},
        {"centers": "many"},
        {"centers": 1.5},
        {"alpha": -1},
        {"alpha": float("1e300")},
        {"gamma": 0},
        {"gamma": "a"},
        {"context_weight": 1},
        {"timbre_weight": 0},
        {"estimator": "forest"},
        {"C": {"valence": 1}},
        {"C": {"valence": 1, "arousal": -1}},
        {"epsilon": {"valence": 0, "arousal": True}},
    ],
    ids=str,
)
def test_a_model_that_cannot_be_fitted_again_is_one_line(
    place: Path, model: EmotionModel, capsys: pytest.CaptureFixture[str], damage: dict[str, object]
) -> None:
    replace(model, provenance={"hyperparameters": FITTED | damage}).save(place / "damaged.npz")
    assert evaluate(place, place / "second", "--out-of-fold", "--quiet", model="damaged.npz") == 1
    assert "does not say what it was fitted with; train it again" in capsys.readouterr().err


def test_a_model_of_the_older_format_was_exact() -> None:
    used = {"C": {"valence": 2.0, "arousal": 3.0}, "epsilon": {"valence": 0.1, "arousal": 0.2}, "gamma": 0.01}
    expected = Hyperparameters("svr", gamma=0.01, cost=(2.0, 3.0), epsilon=(0.1, 0.2))
    assert fitted_with({"hyperparameters": used | {"stride": 2}}) == (expected, 2)


def test_windows_of_another_length_cannot_be_matched(
    place: Path, model: EmotionModel, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = replace(model.spec, window_length=11000, hop_length=500)
    coefficients = np.zeros(spec.n_features)
    vectors = np.zeros((len(model.support_vectors), spec.n_features), np.float32)
    other = replace(model, spec=spec, mean=coefficients, std=coefficients + 1, support_vectors=vectors)
    other.save(place / "other.npz")
    assert evaluate(place, place / "second", "--quiet", model="other.npz") == 1
    assert "windows are not half a second long" in capsys.readouterr().err


@pytest.mark.slow
def test_a_closed_pipe_is_not_an_error(place: Path) -> None:
    arguments = [place / "m.npz", place / "second", "--cache", place / "cache", "--jobs", "1", "--quiet", "--json"]
    program = "from emodj_live.training.command import console; console()"
    command = [sys.executable, "-c", program, "evaluate", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0

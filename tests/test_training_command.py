"""The command train.py: its options, its card, and how it ends when something is wrong."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from test_training_helpers import noise, write_annotations, write_audio, write_dataset

from emodj_live import EmotionModel
from emodj_live.training import Hyperparameters, command, options
from emodj_live.training.options import TrainingOptions
from emodj_live.training.progress import Progress


def test_card_of_emotify_says_what_its_labels_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_dataset(tmp_path / "emotify-400", 2)
    (root / "clips_45seconds").rename(root / "clips")
    (root / "annotations" / "gems_votes.csv").touch()
    model = tmp_path / "m.npz"
    assert command.main([str(root), "--model", str(model), "--cache", str(tmp_path / "cache"), "--jobs", "1"]) == 0
    text = " ".join((tmp_path / "m.md").read_text().split())
    for words in (
        "not human ratings",
        "regression head that was trained on emoMusic",
        "smoothed over 4.5 s",
        "two to one",
        "agreement with derived labels",
        "not independent",
        "r = 0.75 (arousal) and 0.47 (valence)",
        "Non-commercial, share alike",
        "stand-in",
        "python train.py emotify-400 --model m.npz --stride 3",
    ):
        assert words in text
    assert "2 folds over 2 recordings" in capsys.readouterr().out


def test_quiet_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_dataset(tmp_path / "set", 2)
    arguments = ["--model", tmp_path / "m.npz", "--cache", tmp_path / "cache", "--jobs", "1", "--quiet"]
    assert command.main([str(root), *map(str, arguments)]) == 0
    assert capsys.readouterr() == ("", "")


def test_tuning_says_what_it_tries_and_how_it_was_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_dataset(tmp_path / "set", 2)
    arguments = ["--model", tmp_path / "m.npz", "--cache", tmp_path / "cache", "--jobs", "1", "--tune"]
    assert command.main([str(root), *map(str, arguments)]) == 0
    said = capsys.readouterr().err
    assert "Choosing C, gamma and epsilon on all songs" in said
    assert "C 10, gamma 1/264, epsilon 0.1: R2 smoothed " in said
    assert "gamma 1/528" in said
    assert "(nested)" in (tmp_path / "m.md").read_text()
    used = EmotionModel.load(tmp_path / "m.npz").provenance
    assert used["hyperparameters"]["tuned"]
    assert used["command"] == "python train.py set --model m.npz --stride 3 --tune"


def test_a_single_song_has_a_model_but_no_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = range(0, 4000, 500)
    write_annotations(tmp_path / "annotations", times, {"1": np.linspace(-0.5, 0.5, 8).tolist()})
    write_audio(tmp_path / "clips" / "1.wav", noise(4))
    arguments = ["--model", tmp_path / "m.npz", "--cache", tmp_path / "cache", "--jobs", "1"]
    assert command.main([str(tmp_path), *map(str, arguments)]) == 0
    assert "a single recording cannot be split" in capsys.readouterr().err
    assert "None: a single recording cannot be split by song." in (tmp_path / "m.md").read_text()


def test_trains_on_a_deam_shaped_folder(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "DEAM", 2)
    below = root / "DEAM_Annotations/annotations/annotations averaged per song/dynamic (per second annotations)"
    below.parent.mkdir(parents=True)
    (root / "annotations").rename(below)
    for name in ("valence", "arousal"):
        (below / f"{name}_cont_average.csv").rename(below / f"{name}.csv")
    (root / "DEAM_audio").mkdir()
    (root / "clips_45seconds").rename(root / "DEAM_audio" / "MEMD_audio")
    arguments = ["--model", tmp_path / "m.npz", "--cache", tmp_path / "cache", "--jobs", "1", "--quiet"]
    assert command.main([str(root), *map(str, arguments)]) == 0
    assert EmotionModel.load(tmp_path / "m.npz").provenance["datasets"][0]["title"].startswith("DEAM")


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x", "--nonsense"],
        ["x", "--stride", "0"],
        ["x", "--stride", "two"],
        ["x", "--gamma", "0"],
        ["x", "--gamma", "1/0"],
        ["x", "--gamma", "1e-10"],
        ["x", "--gamma", "1001"],
        ["x", "--C", "-1"],
        ["x", "--C", "1,2,3"],
        ["x", "--C", "1e9"],
        ["x", "--epsilon", "-0.1"],
        ["x", "--epsilon", "nan"],
        ["x", "--fast"],
        ["x", "--jobs", "0"],
        ["x", "--protocol", "frames"],
    ],
)
def test_wrong_arguments_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2
    assert "usage: train.py" in capsys.readouterr().err


def test_numbers_may_be_fractions_and_pairs() -> None:
    parsed = options.parse(["x", "--gamma", "1/264", "--C", "3", "--epsilon", "0.05,0"])
    assert parsed.hyperparameters == Hyperparameters(1 / 264, (3.0, 3.0), (0.05, 0.0))


def test_the_defaults_are_those_of_the_dataclass() -> None:
    parsed = options.parse(["x", "y"])
    assert parsed == TrainingOptions(datasets=(Path("x"), Path("y")))
    assert parsed.hyperparameters == Hyperparameters()
    with pytest.raises(FrozenInstanceError):
        parsed.stride = 4  # type: ignore[misc]


def test_every_option_has_its_place() -> None:
    arguments = ["x", "--model", "m", "--C", "2", "--gamma", "0.5", "--epsilon", "1", "--stride", "7", "--tune"]
    arguments += ["--protocol", "emodj", "--cache", "c", "--jobs", "5", "--export-sklearn", "e", "--quiet"]
    assert options.parse(arguments) == TrainingOptions(
        datasets=(Path("x"),),
        model=Path("m"),
        hyperparameters=Hyperparameters(0.5, (2.0, 2.0), (1.0, 1.0)),
        stride=7,
        tune=True,
        protocol="emodj",
        cache=Path("c"),
        jobs=5,
        export_sklearn=Path("e"),
        quiet=True,
    )


@pytest.mark.parametrize("gamma", options._GAMMA_BOUNDS)
def test_a_model_can_hold_any_gamma_that_is_accepted(model: EmotionModel, gamma: float) -> None:
    assert replace(model, gamma=gamma / 8).gamma == gamma / 8  # the tuner's smallest
    assert replace(model, gamma=gamma).gamma == gamma


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from emodj_live.training import command\n"
        "try: command.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'librosa', 'sklearn', 'scipy', 'joblib', 'numpy', 'rich', 'platformdirs', 'soundfile'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--gamma" in done.stdout
    assert "(default: 1/264)" in " ".join(done.stdout.split())
    assert done.stdout.splitlines()[-1] == "[]"


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return the one line that a run ends with that is refused before any work."""
    assert command.main([*map(str, arguments)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("train.py: ")
    return err


def test_a_model_that_could_not_be_kept_is_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.md").write_text("# My notes")
    (tmp_path / "file").touch()
    assert "there is no folder" in refused(capsys, tmp_path, "--model", tmp_path / "nowhere" / "m.npz")
    assert "is a folder" in refused(capsys, tmp_path, "--model", tmp_path)
    (tmp_path / "bytes.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.md").mkdir()
    for name in ("mine", "bytes", "folder"):
        assert "is not a model card" in refused(capsys, tmp_path, "--model", tmp_path / f"{name}.npz")
    assert "cannot be written to" in refused(
        capsys, tmp_path, "--model", tmp_path / "m.npz", "--export-sklearn", tmp_path / "file" / "x"
    )

    def denied(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(command, "TemporaryFile", denied)  # a real one means nothing to root
    assert "cannot be written to: Permission denied" in refused(capsys, tmp_path, "--model", tmp_path / "m.npz")
    assert (tmp_path / "mine.md").read_text() == "# My notes"


def test_a_data_set_error_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.npz"
    assert "no such folder; give" in refused(capsys, tmp_path / "nowhere", "--model", model)
    assert "was given twice" in refused(capsys, tmp_path, tmp_path / "." / "", "--model", model)
    assert "9 data sets were given; train on at most 8" in refused(capsys, *range(9), "--model", model)
    assert not model.exists()


def test_the_shipped_models_card_is_its_readme() -> None:
    assert command._card_path(command.DEFAULT_MODEL).name == "README.md"
    assert command._card_path(Path("other/my.npz")) == Path("other/my.md")


def test_a_terminal_gets_a_bar() -> None:
    screen = io.StringIO()
    progress = Progress(Console(file=screen, force_terminal=True, width=80))
    assert list(progress.counting(iter(range(3)), 3, "things")) == [0, 1, 2]
    assert "things" in screen.getvalue()
    assert "\x1b" in screen.getvalue()

"""The command emodj-train: its options, its card, and how it ends when something is wrong."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from test_training_helpers import noise, write_annotations, write_audio, write_dataset

from emodj_live import EmotionModel
from emodj_live.training import Hyperparameters, command, options
from emodj_live.training.options import TrainingOptions
from emodj_live.training.progress import Progress
from emodj_live.training.provenance import command_line


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
        "emodj-train emotify-400 --model m.npz --stride 3",
    ):
        assert words in text
    assert "2 folds over 2 groups of songs" in capsys.readouterr().out


def test_quiet_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_dataset(tmp_path / "set", 2)
    arguments = ["--model", tmp_path / "m.npz", "--cache", tmp_path / "cache", "--jobs", "1", "--quiet"]
    assert command.main([str(root), *map(str, arguments)]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("estimator", "tried"),
    [
        ("condensed", ("gamma 1/672, alpha 0.1, context weight 0.7: ", "alpha 0.3,", "context weight 0.9: ")),
        ("svr", ("gamma 1/features, C 10, epsilon 0.1, context weight 0.7: ", "epsilon 0.05,", "context weight 0.9: ")),
    ],
)
def test_tuning_says_what_it_tries_and_how_it_was_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], estimator: str, tried: tuple[str, ...]
) -> None:
    root = write_dataset(tmp_path / "set", 2)
    arguments = ["--model", tmp_path / "m.npz", "--cache", tmp_path / "cache", "--jobs", "1", "--tune"]
    assert command.main([str(root), *map(str, arguments), "--estimator", estimator]) == 0
    said = capsys.readouterr().err
    assert "Choosing the parameters on all songs" in said
    for words in tried:
        assert words in said
    assert "(nested)" in (tmp_path / "m.md").read_text()
    used = EmotionModel.load(tmp_path / "m.npz").provenance
    assert used["hyperparameters"]["tuned"]
    own = "" if estimator == "condensed" else "--estimator svr "
    assert used["command"] == f"emodj-train set --model m.npz {own}--stride 3 --tune"


def test_a_single_song_has_a_model_but_no_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = range(0, 4000, 500)
    write_annotations(tmp_path / "annotations", times, {"1": np.linspace(-0.5, 0.5, 8).tolist()})
    write_audio(tmp_path / "clips" / "1.wav", noise(4))
    assert train(tmp_path, "--csv", tmp_path / "songs.csv") == 0
    no_scores_were_told(tmp_path, capsys)


def test_neither_has_a_single_artist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{number}.wav,{valence},{-valence},Somebody" for number, valence in enumerate((-0.5, 0.1, 0.5))]
    (tmp_path / "labels.csv").write_text("\n".join(["path,valence,arousal,group", *rows]))
    for number in range(3):
        write_audio(tmp_path / f"{number}.wav", noise(2, seed=number))
    assert train(tmp_path, "--csv", tmp_path / "songs.csv", "--plots", tmp_path / "plots", "--compare") == 0
    no_scores_were_told(tmp_path, capsys)
    assert not list((tmp_path / "plots").iterdir())


def train(folder: Path, *arguments: object) -> int:
    """Train on the folder and write m.npz into it."""
    common = ["--model", folder / "m.npz", "--cache", folder / "cache", "--jobs", "1"]
    return command.main([str(folder), *map(str, arguments), *map(str, common)])


def no_scores_were_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = capsys.readouterr().err
    assert "No scores: a single group of songs cannot be split, so there are neither rows nor pictures." in said
    assert "None: a single group of songs cannot be split." in (folder / "m.md").read_text()
    model = EmotionModel.load(folder / "m.npz")
    assert model.provenance["protocols"]["song"] is None
    assert model.calibration is None
    assert not (folder / "songs.csv").exists()


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
        ["x", "--estimator", "forest"],
        ["x", "--context", "0.3"],
        ["x", "--context", "61"],
        ["x", "--context-weight", "1"],
        ["x", "--context-weight", "0"],
        ["x", "--timbre-weight", "0"],
        ["x", "--centers", "0"],
        ["x", "--alpha", "0"],
        ["x", "--scale", "2"],
        ["x", "--scale", "y=2"],
        ["x", "--offset", "x=inf"],
    ],
)
def test_wrong_arguments_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2
    assert "usage: emodj-train" in capsys.readouterr().err


def test_numbers_may_be_fractions_and_pairs() -> None:
    parsed = options.parse(["x", "--gamma", "1/264", "--C", "3", "--epsilon", "0.05,0"])
    assert parsed.hyperparameters == Hyperparameters(gamma=1 / 264, cost=(3.0, 3.0), epsilon=(0.05, 0.0))


def test_the_defaults_are_those_of_the_dataclass() -> None:
    parsed = options.parse(["x", "y"])
    assert parsed == TrainingOptions(datasets=(Path("x"), Path("y")))
    assert parsed.hyperparameters == Hyperparameters()
    with pytest.raises(FrozenInstanceError):
        parsed.stride = 4  # type: ignore[misc]


def test_every_option_has_its_place() -> None:
    arguments = ["x", "y/z", "--scale", "z=2,3", "--offset", "x=0.5", "--static", "--model", "m", "--context", "8"]
    arguments += ["--estimator", "svr", "--gamma", "0.5", "--context-weight", "0.4", "--C", "2", "--epsilon", "1"]
    arguments += ["--timbre-weight", "0.7"]
    arguments += ["--centers", "9", "--alpha", "3", "--stride", "7", "--tune", "--compare", "--protocol", "emodj"]
    arguments += ["--csv", "s", "--plots", "p", "--cache", "c", "--jobs", "5", "--export-sklearn", "e", "--quiet"]
    assert options.parse(arguments) == TrainingOptions(
        datasets=(Path("x"), Path("y/z")),
        scale={Path("y/z"): (2.0, 3.0)},
        offset={Path("x"): (0.5, 0.5)},
        static=True,
        model=Path("m"),
        context=8.0,
        hyperparameters=Hyperparameters("svr", 0.5, 0.4, 0.7, (2.0, 2.0), (1.0, 1.0), 9, 3.0),
        stride=7,
        tune=True,
        compare=True,
        protocol="emodj",
        csv=Path("s"),
        plots=Path("p"),
        cache=Path("c"),
        jobs=5,
        export_sklearn=Path("e"),
        quiet=True,
    )
    assert {f"--{field.name.replace('_', '-')}" for field in fields(TrainingOptions)} - set(arguments) == {
        "--datasets",
        "--hyperparameters",
    }


def test_the_command_in_the_card_gives_the_same_options() -> None:
    """All that decides what the model is; folders by their names, as the command stands in a folder of data sets."""
    words = "x z --scale z=2,3 --offset x=0.5 --static --model m --context 8 --estimator svr --gamma 1/500 "
    words += (
        "--context-weight 0.4 --timbre-weight 2 --centers 9 --alpha 3 --C 2 --epsilon 1,0.5 --stride 7 --tune --compare"
    )
    first = options.parse(words.split())
    again = shlex.split(command_line(first))
    assert again[0] == "emodj-train"
    assert options.parse(again[1:]) == first
    assert command_line(options.parse(["x"])) == "emodj-train x --stride 3"


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
    assert "(default: condensed)" in " ".join(done.stdout.split())
    assert done.stdout.splitlines()[-1] == "[]"


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return the one line that a run ends with that is refused before any work."""
    assert command.main([*map(str, arguments)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("emodj-train: ")
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

    assert "there is no folder" in refused(capsys, tmp_path, "--model", tmp_path / "m.npz", "--csv", tmp_path / "no/s")
    assert "is a folder" in refused(capsys, tmp_path, "--model", tmp_path / "m.npz", "--csv", tmp_path)
    assert "cannot be written to" in refused(
        capsys, tmp_path, "--model", tmp_path / "m.npz", "--plots", tmp_path / "file" / "x"
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
    (tmp_path / "a" / "set").mkdir(parents=True)
    said = refused(capsys, tmp_path / "a" / "set", tmp_path / "set", "--model", model)
    assert said == (
        f"emodj-train: {tmp_path / 'a' / 'set'}: another data set is called set too; rename one of the two folders.\n"
    )
    assert "longer than 32 characters" in refused(capsys, "x" * 41, "--model", model)
    assert "7 data sets were given; train on at most 6" in refused(capsys, *range(7), "--model", model)
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


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--model", "m.md"], "is where the card would go"),
        (["--model", "m.npz", "--csv", "m.npz"], "is where the model or its card goes"),
        (["--model", "m.npz", "--csv", "./m.md"], "is where the model or its card goes"),
    ],
)
def test_no_result_replaces_another(
    arguments: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command.main(["set", *arguments]) == 1
    assert why in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_folder_whose_name_is_no_text_has_a_card(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "set", 2).rename(tmp_path / "set\udcff")
    arguments = ["--model", tmp_path / "m.npz", "--cache", tmp_path / "cache", "--jobs", "1", "--quiet"]
    assert command.main([str(root), *map(str, arguments)]) == 0
    assert "**set?**" in (tmp_path / "m.md").read_text()

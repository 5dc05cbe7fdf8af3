"""``emodj-train``: from the command line to a model file, its card, scores and pictures."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import NoReturn

from emodj_live.console import discard_stdout
from emodj_live.errors import DatasetError, EmodjError, ModelError
from emodj_live.training.options import DEFAULT_MODEL, TrainingOptions, parse
from emodj_live.training.requirements import check_installed
from emodj_live.training.score_files import check_outputs, write_files

# What is told of all data sets has to fit into the model file's header.
_MOST_DATASETS = 6
_LONGEST_NAME = 32  # characters


def console() -> NoReturn:
    """Run `main` as a program and exit with its code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in a shell's background job SIGINT is ignored at first
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader closed the pipe, which is not an error
        discard_stdout()
        code = 0
    sys.exit(code)


def main(argv: Sequence[str]) -> int:
    """Train a model, or evaluate one if the first argument is ``evaluate``.

    Parameters
    ----------
    argv : sequence of str
        Arguments, without the program's name.

    Returns
    -------
    int
        Exit code: 0, or 1 for an `EmodjError`, or 130 for Ctrl-C. Wrong arguments raise ``SystemExit(2)``.
    """
    if argv and argv[0] == "evaluate":
        from emodj_live.training import evaluate_command

        return evaluate_command.main(argv[1:])
    options = parse(argv)
    try:
        check_installed()
        _run(options)
    except EmodjError as error:
        sys.stderr.write(f"emodj-train: {error}\n")
        return 1
    except KeyboardInterrupt:
        if workers := sys.modules.get("emodj_live.workers"):
            workers.stop_workers()
        sys.stderr.write("emodj-train: interrupted; the features computed so far are in the cache.\n")
        return 130
    return 0


def _run(options: TrainingOptions) -> None:
    card = _card_path(options.model)
    _check_can_write(options.model, card, options.export_sklearn)
    _check_distinct(options.model, card, options.csv)
    _check_datasets(options.datasets)
    check_outputs(options.csv, options.plots)
    from emodj_live.training.card import write_card
    from emodj_live.training.fitting import export_sklearn
    from emodj_live.training.pipeline import train
    from emodj_live.training.progress import Progress
    from emodj_live.training.report import print_scores
    from emodj_live.training.scoring import score_found

    trained = train(options, Progress(quiet=options.quiet))
    model = trained.model
    model.save(options.model)
    write_card(model, card)
    if trained.found and (options.csv or options.plots):
        sets, pooled = score_found(trained.found, model.calibration)
        write_files(sets, pooled, csv=options.csv, plots=options.plots, curve=trained.curve)
    if options.export_sklearn:
        export_sklearn(model, options.export_sklearn)
    if not options.quiet:
        print_scores(model, options.model, card)


def _card_path(model: Path) -> Path:
    """Return where a model's card goes: README.md for the bundled model, the model's own name with .md for others."""
    if model.resolve() == DEFAULT_MODEL.resolve():
        return model.with_name("README.md")
    return model.with_suffix(".md")


def _check_can_write(model: Path, card: Path, export: Path | None) -> None:
    """Report before hours of work that its result could not be written."""
    if model.is_dir():
        raise ModelError(f"{model}: is a folder; give the path of a file for the model.")
    if not model.parent.is_dir():
        raise ModelError(f"{model}: there is no folder {model.parent}; create it or choose another.")
    if model.resolve() != DEFAULT_MODEL.resolve():
        _check_is_card(card)
    for folder in (model.parent, *([export] if export else [])):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise ModelError(f"{folder}: cannot be written to: {error.strerror or error}.") from error


def _check_distinct(model: Path, card: Path, csv: Path | None) -> None:
    """Check that no result would replace another."""
    if model.resolve() == card.resolve():
        raise ModelError(f"{model}: is where the card would go; give the model another name, such as NAME.npz.")
    if csv and csv.resolve() in (model.resolve(), card.resolve()):
        raise ModelError(f"{csv}: is where the model or its card goes; choose another file for the rows.")


def _check_is_card(card: Path) -> None:
    """Check that nothing but an earlier card would be replaced."""
    from emodj_live.training.card import MARK

    if not card.exists():
        return
    begins = b""
    if card.is_file():
        with card.open("rb") as file:
            begins = file.read(len(MARK))
    if begins != MARK.encode():
        raise ModelError(f"{card}: exists and is not a model card written by emodj-train; choose another --model.")


def _check_datasets(folders: Sequence[Path]) -> None:
    if len(folders) > _MOST_DATASETS:
        raise DatasetError(f"{len(folders)} data sets were given; train on at most {_MOST_DATASETS} at once.")
    true_names = [os.path.realpath(folder) for folder in folders]
    names = [os.path.basename(name) for name in true_names]  # noqa: PTH119 (of a path that may not exist)
    for folder, true_name, name in zip(folders, true_names, names, strict=True):
        if true_names.count(true_name) > 1:
            raise DatasetError(f"{folder}: was given twice; give every data set once.")
        if len(name) > _LONGEST_NAME:
            raise DatasetError(f"{folder}: its name is longer than {_LONGEST_NAME} characters; rename the folder.")
        if names.count(name) > 1:
            raise DatasetError(f"{folder}: another data set is called {name} too; rename one of the two folders.")

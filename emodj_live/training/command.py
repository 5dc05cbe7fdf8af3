"""``python train.py``: from the command line to a model file, its card and a table of scores."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, NoReturn

from emodj_live.errors import DatasetError, EmodjError, ModelError
from emodj_live.training.options import parse

if TYPE_CHECKING:
    pass

DEFAULT_MODEL = Path(__file__).parents[2] / "models" / "emodj.npz"


def console() -> NoReturn:
    """Run `main` as a program: end with its exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.exit(code)


def main(argv: Sequence[str]) -> int:
    """Train a model.

    Parameters
    ----------
    argv : sequence of str
        Arguments, without the program's name.

    Returns
    -------
    int
        Exit code: 0, or 1 for an `EmodjError`, or 130 for Ctrl-C. Wrong arguments raise ``SystemExit(2)``.
    """
    options = parse(argv, DEFAULT_MODEL)
    try:
        _run(options)
    except EmodjError as error:
        sys.stderr.write(f"train.py: {error}\n")
        return 1
    except KeyboardInterrupt:
        if workers := sys.modules.get("emodj_live.training.workers"):
            workers.stop_workers()
        sys.stderr.write("train.py: interrupted; what was computed so far is in the cache.\n")
        return 130
    return 0


def _run(options: argparse.Namespace) -> None:
    card = _card_path(options.model)
    _check_can_write(options.model, card, options.export_sklearn)
    _check_datasets(options.datasets)
    from emodj_live.training.card import write_card
    from emodj_live.training.fitting import check_fast, export_sklearn
    from emodj_live.training.pipeline import train
    from emodj_live.training.progress import Progress
    from emodj_live.training.report import show

    if options.fast:
        check_fast()
    progress = Progress(quiet=options.quiet)
    model = train(options, DEFAULT_MODEL, progress)
    model.save(options.model)
    write_card(model, card)
    if options.export_sklearn:
        export_sklearn(model, options.export_sklearn)
    if not options.quiet:
        show(model, options.model, card)


def _card_path(model: Path) -> Path:
    """Return where a model's card goes: README.md for the shipped one, beside any other under its own name."""
    if model.resolve() == DEFAULT_MODEL.resolve():
        return model.with_name("README.md")
    return model.with_suffix(".md")


def _check_can_write(model: Path, card: Path, export: Path | None) -> None:
    """Say before hours of work that its result could not be kept."""
    if model.is_dir():
        raise ModelError(f"{model}: is a folder; name a file for the model.")
    if not model.parent.is_dir():
        raise ModelError(f"{model}: there is no folder {model.parent}; make it or choose another.")
    from emodj_live.training.card import MARK

    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
        if card.name != "README.md" or model.resolve() != DEFAULT_MODEL.resolve():
            begins = card.read_text(encoding="utf-8")[: len(MARK)]
            if begins != MARK:
                raise ModelError(f"{card}: is there and is not a model card of train.py; choose another --model.")
    for folder in (model.parent, *([export] if export else [])):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise ModelError(f"{folder}: cannot be written to: {error.strerror or error}.") from error


def _check_datasets(folders: Sequence[Path]) -> None:
    true_names = [os.path.realpath(folder) for folder in folders]
    for folder, name in zip(folders, true_names, strict=True):
        if true_names.count(name) > 1:
            raise DatasetError(f"{folder}: is named twice; name every data set once.")

"""``emodj-train evaluate``: how well a model does on annotated music, in tables, pictures, a CSV or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from emodj_live.errors import EmodjError
from emodj_live.training.evaluate_options import EvaluateOptions, parse
from emodj_live.training.requirements import check_installed

if TYPE_CHECKING:
    from emodj_live.training.scoring import Evaluation


def main(argv: Sequence[str]) -> int:
    """Score a model.

    Parameters
    ----------
    argv : sequence of str
        Arguments, after ``evaluate``.

    Returns
    -------
    int
        Exit code: 0, or 1 for an `EmodjError`, or 130 for Ctrl-C. Wrong arguments raise ``SystemExit(2)``.
    """
    options = parse(argv)
    try:
        check_installed()
        _run(options)
    except EmodjError as error:
        sys.stderr.write(f"emodj-train evaluate: {error}\n")
        return 1
    except KeyboardInterrupt:
        if workers := sys.modules.get("emodj_live.training.workers"):
            workers.stop_workers()
        sys.stderr.write("emodj-train evaluate: interrupted; the features computed so far are in the cache.\n")
        return 130
    return 0


def _run(options: EvaluateOptions) -> None:
    _check_outputs(options)
    from emodj_live.training.progress import Progress
    from emodj_live.training.scoring import score

    found = score(options, Progress(quiet=options.quiet))
    if options.csv:
        from emodj_live.training.song_table import write_song_rows

        write_song_rows([row for each in found.sets for row in each.rows], options.csv)
    if options.plots:
        _draw(found, options.plots)
    if options.json:
        sys.stdout.write(json.dumps(found.as_json(), allow_nan=False) + "\n")
    else:
        from emodj_live.training.report import print_evaluation

        print_evaluation(found.as_json())


def _check_outputs(options: EvaluateOptions) -> None:
    """Report before minutes of work that its result could not be written."""
    if options.plots:
        from emodj_live.training.plots import require_matplotlib

        require_matplotlib()
        _check_writable(options.plots, "pictures")
    if options.csv:
        if options.csv.is_dir():
            raise EmodjError(f"{options.csv}: is a folder; give the path of a file for the rows.")
        if not options.csv.parent.is_dir():
            raise EmodjError(f"{options.csv}: there is no folder {options.csv.parent}; create it or choose another.")
        _check_writable(options.csv.parent, "rows")


def _check_writable(folder: Path, what: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise EmodjError(f"{folder}: cannot be written to: {reason}; choose another folder for the {what}.") from error


def _draw(found: Evaluation, folder: Path) -> None:
    from emodj_live.training.plots import plot_calibration, plot_set

    known: dict[str, Mapping[str, Any] | None] = {}
    for each in found.sets:
        plot_set(folder, each.name, each.rows, each.scores)
        known[each.name] = each.scores["calibration"]
    if len(known) > 1:
        known["all together"] = found.calibration
    if any(known.values()):
        plot_calibration(folder / "calibration.png", known)

"""``emodj-train evaluate``: how well a model does on annotated music, in tables, pictures, a CSV or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from emodj_live.errors import EmodjError
from emodj_live.training.evaluate_options import EvaluateOptions, parse
from emodj_live.training.requirements import check_installed
from emodj_live.training.score_files import check_outputs, write_files


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
        if workers := sys.modules.get("emodj_live.workers"):
            workers.stop_workers()
        sys.stderr.write("emodj-train evaluate: interrupted; the features computed so far are in the cache.\n")
        return 130
    return 0


def _run(options: EvaluateOptions) -> None:
    check_outputs(options.csv, options.plots)
    from emodj_live.training.progress import Progress
    from emodj_live.training.scoring import score

    found = score(options, Progress(quiet=options.quiet))
    write_files(found.sets, found.calibration, csv=options.csv, plots=options.plots)
    if options.json:
        sys.stdout.write(json.dumps(found.as_json(), allow_nan=False) + "\n")
    else:
        from emodj_live.training.report import print_evaluation

        print_evaluation(found.as_json())

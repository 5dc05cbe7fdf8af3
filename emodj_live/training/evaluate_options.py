"""The options of ``emodj-train evaluate``. Nothing heavy is imported here, so that --help is quick."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Pair = tuple[float, float]
_EPILOG = """examples:
  emodj-train evaluate models/emodj.npz emomusic            score the bundled model against emoMusic
  emodj-train evaluate my.npz 4q piano --plots pictures     two data sets, with pictures
  emodj-train evaluate my.npz DEAM --static --csv songs.csv one rating per song, and one row per song
  emodj-train evaluate my.npz 4q --scale 4q=0.8,1.3 --offset 4q=0,0.05
"""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """What an evaluation is asked to do. The defaults of the command line are these.

    Attributes
    ----------
    model : Path
        The model file.
    datasets : tuple of Path
        Folders that each hold a data set.
    scale, offset : mapping of Path to tuple of float
        What the labels of a folder's data set are multiplied with, and what is then added: valence, arousal.
    static : bool
        Prefer one rating per song where a data set has both.
    csv : Path, optional
        File to write one row per song to.
    plots : Path, optional
        Folder to draw pictures into.
    json : bool
        Print one JSON object instead of tables.
    cache : Path, optional
        Folder that keeps computed features between runs; None is the user's cache folder.
    jobs : int
        Processes to use; -1 is one per core.
    quiet : bool
        Show no progress.
    """

    model: Path
    datasets: tuple[Path, ...]
    scale: Mapping[Path, Pair] = field(default_factory=dict)
    offset: Mapping[Path, Pair] = field(default_factory=dict)
    static: bool = False
    csv: Path | None = None
    plots: Path | None = None
    json: bool = False
    cache: Path | None = None
    jobs: int = -1
    quiet: bool = False


def parse(argv: Sequence[str]) -> EvaluateOptions:
    """Read the command line.

    Parameters
    ----------
    argv : sequence of str
        After ``evaluate``.

    Returns
    -------
    EvaluateOptions

    Raises
    ------
    SystemExit
        With code 2 on wrong arguments, 0 on ``--help``.
    """
    parser = _parser()
    values = vars(parser.parse_args(argv))
    values["datasets"] = tuple(values["datasets"])
    try:
        for name in ("scale", "offset"):
            values[name] = {_folder(given, values["datasets"]): pair for given, pair in values[name]}
    except ValueError as error:
        parser.error(f"argument --{name}: {error}")
    return EvaluateOptions(**values)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="emodj-train evaluate",
        description="Score a model against annotated music: emoMusic, DEAM, 4Q, MERGE, or a folder with labels.csv.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, default = parser.add_argument, EvaluateOptions
    add("model", metavar="MODEL", type=Path, help="model file")
    add("datasets", nargs="+", metavar="FOLDER", type=Path, help="folder that holds a data set")
    for name, what in (("--scale", "multiply the labels of a set"), ("--offset", "then add to them")):
        each = f"{what}: one value, or VALENCE,AROUSAL"
        add(name, type=_change, action="append", default=[], metavar="FOLDER=V,A", help=each)
    add("--static", action="store_true", help="prefer one rating per song where a data set has both")
    add("--csv", type=Path, metavar="FILE", help="write one row per song")
    add("--plots", type=Path, metavar="DIR", help="draw scatter, confusion and calibration into DIR (extra: plot)")
    add("--json", action="store_true", help="print one JSON object instead of tables")
    add("--cache", type=Path, metavar="DIR", help="where to keep computed features between runs")
    add("--jobs", type=_jobs, default=default.jobs, metavar="N", help="processes to use (default: one per core)")
    add("--quiet", action="store_true", help="show no progress")
    return parser


def _change(text: str) -> tuple[str, Pair]:
    """Read ``FOLDER=V,A``, or ``FOLDER=X`` for both axes."""
    folder, _, numbers = text.rpartition("=")
    try:
        values = [float(part) for part in numbers.split(",")]
    except ValueError:
        values = []
    if not folder or not 1 <= len(values) <= 2 or not all(map(math.isfinite, values)):
        raise argparse.ArgumentTypeError(f"{text!r} is not FOLDER=VALENCE,AROUSAL, such as 4q=0.8,1.3")
    return folder, (values[0], values[-1])


def _folder(given: str, folders: Sequence[Path]) -> Path:
    """Return the folder that is meant, by its path as given or by its name."""
    found = [folder for folder in folders if Path(given) == folder] or [
        folder for folder in folders if given == folder.resolve().name
    ]
    if len(found) != 1:
        raise ValueError(f"{given!r} is {'none' if not found else 'more than one'} of the folders to score")
    return found[0]


def _jobs(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value < 1 and value != -1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value

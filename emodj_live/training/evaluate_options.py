"""The options of ``emodj-train evaluate``. Nothing heavy is imported here, so that --help is quick."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emodj_live.training.option_values import Pair, by_folder
from emodj_live.training.options import add_data

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
    out_of_fold : bool
        Fit models like this one anew, each without some of the songs, and score those songs.
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
    out_of_fold: bool = False
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
    for name in ("scale", "offset"):
        values[name] = by_folder(parser, f"--{name}", values[name], values["datasets"])
    return EvaluateOptions(**values)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="emodj-train evaluate",
        description="Score a model against annotated music: emoMusic, DEAM, 4Q, MERGE, or a folder with labels.csv.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", metavar="MODEL", type=Path, help="model file")
    add_data(parser)
    refit = "score what models like this one say of songs that they were not trained on: by song and artist, five folds"
    add("--out-of-fold", action="store_true", help=refit)
    add("--json", action="store_true", help="print one JSON object instead of tables")
    add("--quiet", action="store_true", help="show no progress")
    return parser

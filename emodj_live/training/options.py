"""The trainer's options. Nothing heavy is imported here, so that --help is quick."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from emodj_live.training.hyperparameters import Estimator, Hyperparameters, pair
from emodj_live.training.option_values import Pair, both, by_folder, change, count, jobs, number

_T = TypeVar("_T")
_HYPERPARAMETERS = Hyperparameters()
DEFAULT_MODEL = Path(__file__).parents[2] / "models" / "emodj.npz"
# Beyond these a model file could not hold the result, or nothing could be learned.
_COST_BOUNDS = 1e-9, 1e8
_GAMMA_BOUNDS = 1e-9, 1e3
_EPSILON_BOUNDS = 0.0, 2.0
_ALPHA_BOUNDS = 1e-6, 1e9
_WEIGHT_BOUNDS = 0.01, 0.99
_TIMBRE_BOUNDS = 0.01, 100.0
_CONTEXT_BOUNDS = 0.0, 60.0
_FITTING = ("estimator", "gamma", "context_weight", "timbre_weight", "cost", "epsilon", "centers", "alpha")
_EPILOG = """examples:
  emodj-train emomusic --model my.npz                   train on emoMusic
  emodj-train emomusic 4q --scale 4q=0.8,1.3            on two data sets; the labels of one are stretched
  emodj-train emomusic --context 0 --estimator svr      EmoDJ's own model: 264 MFCCs, exact regressors
  emodj-train DEAM --model deam.npz --tune              also search for the best parameters
  emodj-train evaluate my.npz 4q --plots pictures       how well a model does; see emodj-train evaluate --help
"""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What a training run is asked to do. The defaults of the command line are these.

    Attributes
    ----------
    datasets : tuple of Path
        Folders that each hold a data set.
    scale, offset : mapping of Path to tuple of float
        What the labels of a folder's data set are multiplied with, and what is then added: valence, arousal.
    static : bool
        Prefer one rating per song where a data set has both.
    model : Path
        The file to write the model to; its card goes beside it.
    context : float
        How far back the features reach [s]; 0 is EmoDJ's own way.
    hyperparameters : Hyperparameters
        What to fit with, or where to start the search if `tune` is set.
    stride : int
        Train on every `stride`-th labeled window of a song.
    tune : bool
        Search for the best hyperparameters, by song.
    compare : bool
        Also score EmoDJ's own shape on the same songs, and each data set against the others.
    protocol : str
        ``"song"``, or ``"emodj"`` to also score by EmoDJ's own protocol.
    csv : Path, optional
        File to write one row per song to, as predicted out of fold.
    plots : Path, optional
        Folder to draw pictures of the scores into.
    cache : Path, optional
        Folder that keeps computed features between runs; None is the user's cache folder.
    jobs : int
        Processes to use; -1 is one per core.
    export_sklearn : Path, optional
        Folder to also write scikit-learn regressors to.
    quiet : bool
        Show neither progress nor scores.
    """

    datasets: tuple[Path, ...]
    scale: Mapping[Path, Pair] = field(default_factory=dict)
    offset: Mapping[Path, Pair] = field(default_factory=dict)
    static: bool = False
    model: Path = DEFAULT_MODEL
    context: float = 4.0
    hyperparameters: Hyperparameters = _HYPERPARAMETERS
    stride: int = 3
    tune: bool = False
    compare: bool = False
    protocol: Literal["song", "emodj"] = "song"
    csv: Path | None = None
    plots: Path | None = None
    cache: Path | None = None
    jobs: int = -1
    export_sklearn: Path | None = None
    quiet: bool = False


def parse(argv: Sequence[str]) -> TrainingOptions:
    """Read the command line.

    Parameters
    ----------
    argv : sequence of str
        Without the program's name.

    Returns
    -------
    TrainingOptions

    Raises
    ------
    SystemExit
        With code 2 on wrong arguments, 0 on ``--help``.
    """
    parser = _parser()
    values = vars(parser.parse_args(argv))
    fitting = {name: values.pop(name) for name in _FITTING}
    values["datasets"] = tuple(values["datasets"])
    for name in ("scale", "offset"):
        values[name] = by_folder(parser, f"--{name}", values[name], values["datasets"])
    return TrainingOptions(hyperparameters=Hyperparameters(**fitting), **values)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="emodj-train",
        description="Train a music emotion model on annotated music: emoMusic, DEAM, 4Q, MERGE, or any folder with "
        "labels.csv.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, default = parser.add_argument, TrainingOptions
    add("--model", type=Path, default=default.model, metavar="FILE", help="model file (default: models/emodj.npz)")
    add_data(parser)
    _add_fitting(parser)
    _add_scoring(parser)
    add("--export-sklearn", type=Path, metavar="DIR", help="also write scikit-learn regressors to DIR, as pickles")
    add("--quiet", action="store_true", help="show neither progress nor scores")
    return parser


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add what training and evaluation have in common: the data sets, and how they are read.

    Parameters
    ----------
    parser : ArgumentParser
    """
    add = parser.add_argument
    add("datasets", nargs="+", metavar="FOLDER", type=Path, help="folder that holds a data set")
    each: dict[str, Any] = {"type": change, "action": "append", "default": [], "metavar": "FOLDER=V,A"}
    add("--scale", **each, help="multiply the labels of a data set: one value, or VALENCE,AROUSAL")
    add("--offset", **each, help="then add to them")
    add("--static", action="store_true", help="prefer one rating per song where a data set has both")
    add("--csv", type=Path, metavar="FILE", help="write one row per song: what it was given, and what is true")
    add("--plots", type=Path, metavar="DIR", help="draw pictures of the scores into DIR (extra: plot)")
    add("--cache", type=Path, metavar="DIR", help="where to keep computed features between runs")
    add("--jobs", type=jobs, default=-1, metavar="N", help="processes to use (default: one per core)")


def _add_fitting(parser: argparse.ArgumentParser) -> None:
    add, default = parser.add_argument, TrainingOptions.hyperparameters
    context = f"seconds that the features look back; 0: EmoDJ's MFCCs alone (default: {TrainingOptions.context:g})"
    add("--context", type=_context, default=TrainingOptions.context, metavar="S", help=context)
    weight = f"share of the context in a distance (default: {default.context_weight:g})"
    between = _within(number, _WEIGHT_BOUNDS)
    add("--context-weight", type=between, default=default.context_weight, metavar="W", help=weight)
    timbre = f"how much mean timbre counts within the context (default: {default.timbre_weight:g})"
    between = _within(number, _TIMBRE_BOUNDS)
    add("--timbre-weight", type=between, default=default.timbre_weight, metavar="W", help=timbre)
    estimator = f"condensed: a few shared centers; svr: exact regressors (default: {default.estimator})"
    add("--estimator", choices=get_args(Estimator), default=default.estimator, help=estimator)
    gamma = "width of the kernel: a number or a fraction (default: 1 / number of features)"
    add("--gamma", type=_within(number, _GAMMA_BOUNDS), metavar="G", help=gamma)
    _add_condensed(parser)
    _add_svr(parser)
    stride = f"train on every N-th window of a song (default: {TrainingOptions.stride})"
    add("--stride", type=count, default=TrainingOptions.stride, metavar="N", help=stride)
    add("--tune", action="store_true", help="search for the best parameters by song; the scores are nested")


def _add_condensed(parser: argparse.ArgumentParser) -> None:
    add, default = parser.add_argument, TrainingOptions.hyperparameters
    centers = f"condensed: how many centers (default: {default.centers})"
    add("--centers", type=count, default=default.centers, metavar="N", help=centers)
    alpha = f"condensed: penalty of the ridge regression (default: {default.alpha:g})"
    add("--alpha", type=_within(number, _ALPHA_BOUNDS), default=default.alpha, metavar="A", help=alpha)


def _add_svr(parser: argparse.ArgumentParser) -> None:
    add, default = parser.add_argument, TrainingOptions.hyperparameters
    cost = f"svr: cost of an error: one value, or VALENCE,AROUSAL (default: {pair(default.cost)})"
    add("--C", type=_within(both, _COST_BOUNDS), default=default.cost, dest="cost", metavar="C", help=cost)
    epsilon = f"svr: error that costs nothing: one value, or VALENCE,AROUSAL (default: {pair(default.epsilon)})"
    add("--epsilon", type=_within(both, _EPSILON_BOUNDS), default=default.epsilon, metavar="E", help=epsilon)


def _within(read: Callable[..., _T], bounds: tuple[float, float]) -> Callable[[str], _T]:
    return partial(read, low=bounds[0], high=bounds[1])


def _add_scoring(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--compare", action="store_true", help="also score EmoDJ's shape on the same songs, and set against set")
    leaky = "emodj: also score by EmoDJ's own, leaky protocol"
    add("--protocol", choices=("song", "emodj"), default=TrainingOptions.protocol, help=leaky)


def _context(text: str) -> float:
    value = number(text, *_CONTEXT_BOUNDS)
    if 0 < value < 0.5:
        raise argparse.ArgumentTypeError(f"must be 0 or at least half a second, got {text}")
    return value

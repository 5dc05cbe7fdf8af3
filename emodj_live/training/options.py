"""The trainer's options. Nothing heavy is imported here, so that --help is quick."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from emodj_live.training.hyperparameters import Hyperparameters, fraction, pair

_HYPERPARAMETERS = Hyperparameters()
DEFAULT_MODEL = Path(__file__).parents[2] / "models" / "emodj.npz"
# Beyond these a model file could not hold the result, or nothing could be learned.
_COST_BOUNDS = 1e-9, 1e8
_GAMMA_BOUNDS = 1e-9, 1e3
_EPSILON_BOUNDS = 0.0, 2.0
_EPILOG = """examples:
  python train.py emomusic                      train on emoMusic, with C = 1 and gamma = 1/264
  python train.py DEAM --model deam.npz --tune  also search for the best C, gamma and epsilon
  python train.py emomusic --protocol emodj     also score by EmoDJ's own protocol (leaky; takes hours)
"""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What a training run is asked to do. The defaults of the command line are these.

    Attributes
    ----------
    datasets : tuple of Path
        Folders that each hold a data set.
    model : Path
        The file to write the model to; its card goes beside it.
    hyperparameters : Hyperparameters
        What to fit with, or where to start the search if `tune` is set.
    stride : int
        Train on every `stride`-th labeled window of a song.
    tune : bool
        Search for the best hyperparameters, by song.
    protocol : str
        ``"song"``, or ``"emodj"`` to also score by EmoDJ's own protocol.
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
    model: Path = DEFAULT_MODEL
    hyperparameters: Hyperparameters = _HYPERPARAMETERS
    stride: int = 3
    tune: bool = False
    protocol: Literal["song", "emodj"] = "song"
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
    values = vars(_parser().parse_args(argv))
    fitting = {name: values.pop(name) for name in ("gamma", "cost", "epsilon")}
    values["datasets"] = tuple(values["datasets"])
    return TrainingOptions(hyperparameters=Hyperparameters(**fitting), **values)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train.py",
        description="Train a music emotion model on emoMusic, DEAM, or clips with annotations in emoMusic's format.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, default = parser.add_argument, TrainingOptions
    add("datasets", nargs="+", metavar="DATASET", type=Path, help="folder that holds a data set")
    add("--model", type=Path, default=default.model, metavar="FILE", help="model file (default: models/emodj.npz)")
    _add_fitting(parser)
    leaky = "emodj: also score by EmoDJ's own, leaky protocol"
    add("--protocol", choices=("song", "emodj"), default=default.protocol, help=leaky)
    add("--cache", type=Path, metavar="DIR", help="where to keep computed features between runs")
    add("--jobs", type=_jobs, default=default.jobs, metavar="N", help="processes to use (default: one per core)")
    add("--export-sklearn", type=Path, metavar="DIR", help="also write scikit-learn regressors to DIR, as pickles")
    add("--quiet", action="store_true", help="show neither progress nor scores")
    return parser


def _add_fitting(parser: argparse.ArgumentParser) -> None:
    add, default = parser.add_argument, TrainingOptions.hyperparameters
    cost = f"cost of an error: one value, or VALENCE,AROUSAL (default: {pair(default.cost)})"
    add("--C", type=_costs, default=default.cost, dest="cost", metavar="C", help=cost)
    gamma = f"width of the kernel: a number or a fraction (default: {fraction(default.gamma)})"
    add("--gamma", type=_gamma, default=default.gamma, metavar="G", help=gamma)
    epsilon = f"error that costs nothing: one value, or VALENCE,AROUSAL (default: {pair(default.epsilon)})"
    add("--epsilon", type=_epsilons, default=default.epsilon, metavar="E", help=epsilon)
    stride = f"train on every N-th window of a song (default: {TrainingOptions.stride})"
    add("--stride", type=_count, default=TrainingOptions.stride, metavar="N", help=stride)
    add("--tune", action="store_true", help="search for the best C, gamma and epsilon by song; the scores are nested")


def _costs(text: str) -> tuple[float, float]:
    return _both(text, *_COST_BOUNDS)


def _epsilons(text: str) -> tuple[float, float]:
    return _both(text, *_EPSILON_BOUNDS)


def _gamma(text: str) -> float:
    return _number(text, *_GAMMA_BOUNDS)


def _both(text: str, low: float, high: float) -> tuple[float, float]:
    """Read one value for both axes, or one for each."""
    values = [_number(part, low, high) for part in text.split(",")]
    if len(values) > 2:
        raise argparse.ArgumentTypeError(f"takes one value or two, got {text!r}")
    return values[0], values[-1]


def _number(text: str, low: float, high: float) -> float:
    try:
        value = float(Fraction(text.strip()))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number or a fraction such as 1/264") from None
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"must be from {low:g} to {high:g}, got {text}")
    return value


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


def _jobs(text: str) -> int:
    return -1 if text == "-1" else _count(text)

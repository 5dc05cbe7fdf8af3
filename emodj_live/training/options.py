"""The trainer's arguments. Nothing heavy is imported here, so that --help is quick."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

_EPILOG = """examples:
  python train.py emomusic                      the shipped kind of model, from emoMusic
  python train.py DEAM --model deam.npz --tune  choose C, gamma and epsilon by song
  python train.py emomusic --protocol emodj     also score as EmoDJ did (leaky, takes hours)
"""


def parse(argv: Sequence[str], default_model: Path) -> argparse.Namespace:
    """Read the command line.

    Parameters
    ----------
    argv : sequence of str
        Without the program's name.
    default_model : Path
        Where the model goes if nothing else is said.

    Returns
    -------
    argparse.Namespace

    Raises
    ------
    SystemExit
        With code 2 on wrong arguments, 0 on ``--help``.
    """
    parser = argparse.ArgumentParser(
        prog="train.py",
        description="Train a music emotion model on emoMusic, DEAM, or clips with annotations in emoMusic's format.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("datasets", nargs="+", metavar="DATASET", type=Path, help="folder that holds a data set")
    parser.add_argument("--model", type=Path, default=default_model, metavar="FILE", help="where to write the model")
    _add_parameters(parser)
    parser.add_argument(
        "--protocol", choices=("song", "emodj"), default="song", help="emodj: also score by EmoDJ's own, leaky protocol"
    )
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where to keep computed features between runs")
    parser.add_argument("--jobs", type=_jobs, default=-1, metavar="N", help="processes at once (default: one per core)")
    parser.add_argument("--fast", action="store_true", help="fit with scikit-learn-intelex (install the extra 'fast')")
    parser.add_argument(
        "--export-sklearn", type=Path, metavar="DIR", help="also write scikit-learn regressors, pickled"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress and no scores")
    return parser.parse_args(argv)


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--C", type=_pair, default=(1.0, 1.0), dest="cost", metavar="C", help="one, or VALENCE,AROUSAL (default: 1)"
    )
    parser.add_argument(
        "--gamma", type=_positive, default=1 / 264, metavar="G", help="number or fraction (default: 1/264)"
    )
    parser.add_argument(
        "--epsilon", type=_epsilons, default=(0.1, 0.1), metavar="E", help="one, or VALENCE,AROUSAL (default: 0.1)"
    )
    parser.add_argument(
        "--stride", type=_count, default=3, metavar="N", help="train on every N-th window of a song (default: 3)"
    )
    parser.add_argument("--tune", action="store_true", help="search C, gamma and epsilon by song; scores are nested")


def _number(text: str) -> float:
    try:
        value = float(Fraction(text.strip()))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number or a fraction such as 1/264") from None
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not finite")
    return value


def _positive(text: str) -> float:
    if (value := _number(text)) <= 0:
        raise argparse.ArgumentTypeError(f"must be positive, got {text}")
    return value


def _pair(text: str) -> tuple[float, float]:
    values = [_positive(part) for part in text.split(",")]
    if len(values) > 2:
        raise argparse.ArgumentTypeError(f"takes one value or two, got {text!r}")
    return values[0], values[-1]


def _epsilons(text: str) -> tuple[float, float]:
    values = [_number(part) for part in text.split(",")]
    if len(values) > 2 or min(values) < 0:
        raise argparse.ArgumentTypeError(f"takes one value or two, not negative, got {text!r}")
    return values[0], values[-1]


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

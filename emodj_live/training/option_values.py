"""How the values of the trainer's options are written. Nothing heavy is imported here, so that --help is quick."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Protocol

Pair = tuple[float, float]


def number(text: str, low: float, high: float) -> float:
    """Read a number or a fraction such as 1/264, if it is within bounds.

    Parameters
    ----------
    text : str
    low, high : float

    Returns
    -------
    float

    Raises
    ------
    argparse.ArgumentTypeError
        If it is not.
    """
    try:
        value = float(Fraction(text.strip()))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number or a fraction such as 1/264") from None
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"must be from {low:g} to {high:g}, got {text}")
    return value


def both(text: str, low: float, high: float) -> Pair:
    """Read one value for both axes, or one for each: ``VALENCE,AROUSAL``.

    Parameters
    ----------
    text : str
    low, high : float

    Returns
    -------
    tuple of float

    Raises
    ------
    argparse.ArgumentTypeError
        If it is neither, or out of bounds.
    """
    values = [number(part, low, high) for part in text.split(",")]
    if len(values) > 2:
        raise argparse.ArgumentTypeError(f"takes one value or two, got {text!r}")
    return values[0], values[-1]


def count(text: str) -> int:
    """Read a whole number from 1 on.

    Parameters
    ----------
    text : str

    Returns
    -------
    int

    Raises
    ------
    argparse.ArgumentTypeError
        If it is not one.
    """
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


def jobs(text: str) -> int:
    """Read a number of processes: from 1 on, or -1 for one per core.

    Parameters
    ----------
    text : str

    Returns
    -------
    int

    Raises
    ------
    argparse.ArgumentTypeError
        If it is not one.
    """
    return -1 if text == "-1" else count(text)


def change(text: str) -> tuple[str, Pair]:
    """Read ``FOLDER=VALENCE,AROUSAL``, or ``FOLDER=X`` for both axes.

    Parameters
    ----------
    text : str

    Returns
    -------
    folder : str
    values : tuple of float

    Raises
    ------
    argparse.ArgumentTypeError
        If it is not of that form.
    """
    folder, _, numbers = text.rpartition("=")
    try:
        values = [float(part) for part in numbers.split(",")]
    except ValueError:
        values = []
    if not folder or not 1 <= len(values) <= 2 or not all(map(math.isfinite, values)):
        raise argparse.ArgumentTypeError(f"{text!r} is not FOLDER=VALENCE,AROUSAL, such as 4q=0.8,1.3")
    return folder, (values[0], values[-1])


def by_folder(
    parser: argparse.ArgumentParser, option: str, given: list[tuple[str, Pair]], folders: Sequence[Path]
) -> dict[Path, Pair]:
    """Return the values of an option by the folder that each is for, or end with the parser's message.

    Parameters
    ----------
    parser : ArgumentParser
    option : str
        Its name, for the message.
    given : list of tuple
        As `change` returns them.
    folders : sequence of Path
        Those that may be meant, by their path as given or by their name.

    Returns
    -------
    dict of Path to tuple of float
    """
    found: dict[Path, Pair] = {}
    for name, values in given:
        meant = [folder for folder in folders if Path(name) == folder]
        meant = meant or [folder for folder in folders if name == folder.resolve().name]
        if len(meant) != 1:
            many = "more than one" if meant else "none"
            parser.error(f"argument {option}: {name!r} is {many} of the folders given")
        if meant[0] in found:
            parser.error(f"argument {option}: {name!r} was given twice")
        found[meant[0]] = values
    return found


class _Changing(Protocol):
    @property
    def scale(self) -> Mapping[Path, Pair]: ...
    @property
    def offset(self) -> Mapping[Path, Pair]: ...


def changes(options: _Changing, folder: Path) -> dict[str, Pair]:
    """Return how the labels of a folder are changed: its ``scale`` and ``offset``."""
    return {"scale": options.scale.get(folder, (1.0, 1.0)), "offset": options.offset.get(folder, (0.0, 0.0))}

"""Where a model came from, as plain JSON: what its card and anyone who asks is told.

No path of the machine goes in, only names of folders.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from emodj_live import __version__
from emodj_live.training.card import fraction
from emodj_live.training.dataset import Dataset
from emodj_live.training.extraction import Clip
from emodj_live.training.fitting import Hyperparameters

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "librosa", "soxr", "soundfile", "joblib")


def command_line(options: argparse.Namespace, default_model: Path) -> str:
    """Return the command that makes the same model again, with folder names only.

    Parameters
    ----------
    options : argparse.Namespace
        As `options.parse` returns them.
    default_model : Path

    Returns
    -------
    str
    """
    words = [*(folder.resolve().name for folder in options.datasets)]
    if options.model.resolve() != default_model.resolve():
        words += ["--model", options.model.name]
    if options.cost != (1.0, 1.0):
        words += ["--C", _pair(options.cost)]
    if options.gamma != 1 / 264:
        words += ["--gamma", fraction(options.gamma)]
    if options.epsilon != (0.1, 0.1):
        words += ["--epsilon", _pair(options.epsilon)]
    words += ["--stride", str(options.stride)]
    words += [f"--{name}" for name in ("tune", "fast") if getattr(options, name)]
    if options.protocol != "song":
        words += ["--protocol", options.protocol]
    return "python train.py " + shlex.join(words)


def _pair(values: tuple[float, float]) -> str:
    return f"{values[0]:.12g}" if values[0] == values[1] else f"{values[0]:.12g},{values[1]:.12g}"


def describe_dataset(
    dataset: Dataset, clips: Sequence[Clip], left_out: Counter[str], window_seconds: float
) -> dict[str, Any]:
    """Return what is to be told of a data set.

    Parameters
    ----------
    dataset : Dataset
    clips : sequence of Clip
        Those that were decoded.
    left_out : Counter
        What the extraction left out.
    window_seconds : float

    Returns
    -------
    dict
    """
    used = [clip for clip in clips if clip.n_labelled]
    return {
        "folder": dataset.name,
        "title": dataset.terms.title,
        "labels": dataset.terms.labels,
        "licence": dataset.terms.licence,
        "limits": list(dataset.terms.limits),
        "songs": len(used),
        "windows": sum(clip.n_labelled for clip in used),
        "minutes": round(sum(len(clip.audio.features) for clip in used) * window_seconds / 60, 1),
        "left_out": dict(dataset.left_out + left_out),
    }


def describe_training(
    parameters: Hyperparameters, options: argparse.Namespace, datasets: Sequence[Mapping[str, Any]], n_windows: int
) -> dict[str, Any]:
    """Return how a model was made.

    Parameters
    ----------
    parameters : Hyperparameters
        What it was fitted with.
    options : argparse.Namespace
    datasets : sequence of mapping
        As `describe_dataset` returns them.
    n_windows : int
        Windows that it was fitted on.

    Returns
    -------
    dict
    """
    libraries = (*_LIBRARIES, *(["scikit-learn-intelex"] if parameters.fast else []))
    versions = {"emodj-live": __version__, "python": platform.python_version()}
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime(float(os.environ.get("SOURCE_DATE_EPOCH") or time.time()))),
        "datasets": list(datasets),
        "hyperparameters": {
            "gamma": parameters.gamma,
            "C": dict(zip(("valence", "arousal"), parameters.cost, strict=True)),
            "epsilon": dict(zip(("valence", "arousal"), parameters.epsilon, strict=True)),
            "stride": options.stride,
            "tuned": options.tune,
        },
        "training_windows": n_windows,
        "versions": versions | {name: version(name) for name in libraries},
    }

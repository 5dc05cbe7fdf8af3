"""Where a model came from, as plain JSON: the model card is written from it.

It holds names of folders only, never a path of the machine, and is small enough for a model file's header.
"""

from __future__ import annotations

import os
import platform
import shlex
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from emodj_live import __version__
from emodj_live.training.dataset import Dataset
from emodj_live.training.extraction import Clip
from emodj_live.training.hyperparameters import Hyperparameters, fraction, pair
from emodj_live.training.options import DEFAULT_MODEL, TrainingOptions

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "librosa", "soxr", "soundfile", "joblib")


def command_line(options: TrainingOptions) -> str:
    """Return the command that makes the same model again, with folder names only.

    Parameters
    ----------
    options : TrainingOptions

    Returns
    -------
    str
    """
    given, default = options.hyperparameters, TrainingOptions.hyperparameters
    words = [folder.resolve().name for folder in options.datasets]
    if options.model.resolve() != DEFAULT_MODEL.resolve():
        words += ["--model", options.model.name]
    if given.cost != default.cost:
        words += ["--C", pair(given.cost)]
    if given.gamma != default.gamma:
        words += ["--gamma", fraction(given.gamma)]
    if given.epsilon != default.epsilon:
        words += ["--epsilon", pair(given.epsilon)]
    words += ["--stride", str(options.stride)]
    if options.tune:
        words += ["--tune"]
    if options.protocol != TrainingOptions.protocol:
        words += ["--protocol", options.protocol]
    return "python train.py " + shlex.join(words)


def describe_dataset(
    dataset: Dataset, clips: Sequence[Clip], left_out: Counter[str], window_seconds: float
) -> dict[str, Any]:
    """Return what a model card says about a data set.

    Parameters
    ----------
    dataset : Dataset
    clips : sequence of Clip
        The clips that were decoded.
    left_out : Counter
        What the extraction left out.
    window_seconds : float

    Returns
    -------
    dict
    """
    used = [clip for clip in clips if clip.n_labeled]
    return {
        "folder": dataset.name,
        "title": dataset.terms.title,
        "labels": dataset.terms.labels,
        "licence": dataset.terms.license,  # a key of the model files that exist
        "limits": list(dataset.terms.limits),
        "songs": len(used),
        "windows": sum(clip.n_labeled for clip in used),
        "minutes": round(sum(len(clip.windows.descriptors) for clip in used) * window_seconds / 60, 1),
        "left_out": dict(dataset.left_out + left_out),
    }


def describe_training(
    parameters: Hyperparameters, options: TrainingOptions, datasets: Sequence[Mapping[str, Any]], n_windows: int
) -> dict[str, Any]:
    """Return how a model was made.

    Parameters
    ----------
    parameters : Hyperparameters
        What it was fitted with.
    options : TrainingOptions
    datasets : sequence of mapping
        As `describe_dataset` returns them.
    n_windows : int
        The number of windows that it was fitted on.

    Returns
    -------
    dict
    """
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
        "versions": versions | {name: version(name) for name in _LIBRARIES},
    }

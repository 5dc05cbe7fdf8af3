"""Where a model came from, as plain JSON: the model card is written from it.

It holds names of folders only, never a path of the machine, and is small enough for a model file's header.
"""

from __future__ import annotations

import os
import platform
import shlex
import time
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from emodj_live import __version__
from emodj_live.errors import ModelError
from emodj_live.training.dataset import Dataset
from emodj_live.training.extraction import Clip
from emodj_live.training.hyperparameters import Hyperparameters, fraction, pair
from emodj_live.training.option_values import Pair, count
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
    words = [folder.resolve().name for folder in options.datasets]
    for name, values in (("--scale", options.scale), ("--offset", options.offset)):
        for folder, both in values.items():
            words += [name, f"{folder.resolve().name}={pair(both)}"]
    if options.static:
        words += ["--static"]
    if options.model.resolve() != DEFAULT_MODEL.resolve():
        words += ["--model", options.model.name]
    words += _fitting_words(options)
    if options.compare:
        words += ["--compare"]
    if options.protocol != TrainingOptions.protocol:
        words += ["--protocol", options.protocol]
    return "emodj-train " + shlex.join(words)


def _fitting_words(options: TrainingOptions) -> list[str]:
    """Return the options that decide what is fitted and how, as far as they are not the defaults."""
    given, default = options.hyperparameters, TrainingOptions.hyperparameters
    chosen: dict[str, tuple[Any, Any, Callable[[Any], str]]] = {
        "--context": (options.context, TrainingOptions.context, "{:g}".format),
        "--estimator": (given.estimator, default.estimator, str),
        "--gamma": (given.gamma, default.gamma, fraction),
        "--context-weight": (given.context_weight, default.context_weight, "{:g}".format),
        "--timbre-weight": (given.timbre_weight, default.timbre_weight, "{:g}".format),
        "--centers": (given.centers, default.centers, str),
        "--alpha": (given.alpha, default.alpha, "{:g}".format),
        "--C": (given.cost, default.cost, pair),
        "--epsilon": (given.epsilon, default.epsilon, pair),
    }
    words = [word for name, (value, usual, form) in chosen.items() if value != usual for word in (name, form(value))]
    return [*words, "--stride", str(options.stride), *(["--tune"] if options.tune else [])]


def describe_dataset(
    dataset: Dataset, clips: Sequence[Clip], left_out: Counter[str], window_seconds: float, *, scale: Pair, offset: Pair
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
        "minutes": round(sum(len(clip.windows.levels) for clip in used) * window_seconds / 60, 1),
        "left_out": dict(dataset.left_out + left_out),
        "scale": list(scale),
        "offset": list(offset),
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
            **_describe_fit(parameters),
            "context": options.context,
            "stride": options.stride,
            "tuned": options.tune,
        },
        "training_windows": n_windows,
        "versions": versions | {name: version(name) for name in _LIBRARIES},
    }


def _describe_fit(parameters: Hyperparameters) -> dict[str, Any]:
    """Return what the estimator that was used was fitted with."""
    shared = {
        "estimator": parameters.estimator,
        "gamma": parameters.gamma,
        "context_weight": parameters.context_weight,
        "timbre_weight": parameters.timbre_weight,
    }
    if parameters.estimator == "condensed":
        return shared | {"centers": parameters.centers, "alpha": parameters.alpha}
    axes = "valence", "arousal"
    return shared | {
        "C": dict(zip(axes, parameters.cost, strict=True)),
        "epsilon": dict(zip(axes, parameters.epsilon, strict=True)),
    }


def fitted_with(provenance: Mapping[str, Any]) -> tuple[Hyperparameters, int]:
    """Return what a model was fitted with, so that it can be fitted again.

    Parameters
    ----------
    provenance : mapping
        The model's.

    Returns
    -------
    parameters : Hyperparameters
    stride : int

    Raises
    ------
    ModelError
        If it does not say so: it was not made by this trainer.
    """
    try:
        used = dict(provenance["hyperparameters"])
        names = "gamma", "context_weight", "timbre_weight", "centers", "alpha"
        given = {name: used[name] for name in names if name in used}
        for name, key in (("cost", "C"), ("epsilon", "epsilon")):
            if key in used:
                given[name] = used[key]["valence"], used[key]["arousal"]
        # Models of the format's older version do not say it: they were all exact.
        return Hyperparameters(used.get("estimator", "svr"), **given), count(str(used["stride"]))
    except (KeyError, TypeError, ValueError, OverflowError, ArgumentTypeError) as error:
        raise ModelError("The model does not say what it was fitted with; train it again with emodj-train.") from error

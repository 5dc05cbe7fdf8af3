"""A whole training run, from folders to a model with its provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emodj_live.errors import EmodjError
from emodj_live.features import FeatureSpec
from emodj_live.model import EmotionModel
from emodj_live.training import emodj_matrix, emodj_protocol
from emodj_live.training.cache import default_cache
from emodj_live.training.card import listed
from emodj_live.training.comparisons import across_sets, emodj_shape, learning_curve
from emodj_live.training.dataset import Dataset, load_dataset
from emodj_live.training.extraction import Clip, default_spec, extract
from emodj_live.training.fitting import check_learned, fit_model
from emodj_live.training.hyperparameters import Hyperparameters
from emodj_live.training.option_values import changes
from emodj_live.training.options import TrainingOptions
from emodj_live.training.progress import Progress
from emodj_live.training.provenance import command_line, describe_dataset, describe_training
from emodj_live.training.song_protocol import Choice, Fixed, OutOfFold, cross_validate, describe
from emodj_live.training.tuning import Tuner
from emodj_live.training.windows import WindowTable, tabulate
from emodj_live.workers import BrokenProcessPool, start_workers

_GIVEN = (
    "The parameters were given, not chosen by this run. If someone chose them by these same scores, as was done for "
    "the model that ships, the scores flatter them a little."
)
_NESTED = (
    "The parameters were chosen separately within the training songs of every fold (nested), so the choice does not "
    "depend on the songs that are scored; those of the final model were chosen on all songs."
)
_EMODJ_STRIDE = 4  # times the stride: exact regressors take minutes where condensed ones take seconds


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training run comes to.

    Attributes
    ----------
    model : EmotionModel
        With provenance.
    found : OutOfFold or None
        What was predicted for songs that were not trained on; None if there is only one group.
    curve : sequence of mapping
        The learning curve, if pictures were asked for.
    """

    model: EmotionModel
    found: OutOfFold | None
    curve: Sequence[Mapping[str, Any]]


def train(options: TrainingOptions, progress: Progress) -> Trained:
    """Read, extract, score, fit.

    Parameters
    ----------
    options : TrainingOptions
    progress : Progress

    Returns
    -------
    Trained

    Raises
    ------
    EmodjError
        If the data, the cache or a worker process fails.
    """
    try:
        return _train(options, progress)
    except BrokenProcessPool as error:
        raise EmodjError(
            "A worker process ended unexpectedly, perhaps for lack of memory; try again with --jobs 1."
        ) from error


def _train(options: TrainingOptions, progress: Progress) -> Trained:
    datasets = _load(options, progress)
    start_workers(options.jobs)
    spec = default_spec(options.context)
    clips, described = _extract(datasets, spec, options, progress)
    table = tabulate([clip for found in clips for clip in found], spec)
    parameters = _choose(table, spec, options, progress)
    found = _out_of_fold(table, spec, options, progress)
    figures, calibration = describe(found) if found else (None, None)
    if figures is not None:
        figures |= {"choice": _NESTED if options.tune else _GIVEN, "emodj": None, "cross": None}
        if options.compare:
            figures |= _compare(table, spec, parameters, options, progress)
    protocols: dict[str, Any] = {"song": figures}
    if options.protocol == "emodj":
        protocols["emodj"] = _score_as_emodj(datasets, clips, spec, options, progress)
    curve = _curve(found, spec, parameters, options, progress) if found and options.plots else []
    progress.report("Fitting the model on all songs")
    model = fit_model(table, spec, parameters, stride=options.stride, jobs=options.jobs)
    check_learned(model)
    rows = table.training_rows(options.stride)
    weighted = [each | {"weight": table.weight_of(each["folder"], rows)} for each in described]
    made = describe_training(replace(parameters, **model.provenance), options, weighted, len(rows))
    provenance = {"command": command_line(options), **made, "protocols": protocols}
    return Trained(replace(model, provenance=provenance, calibration=calibration), found, curve)


def _out_of_fold(
    table: WindowTable, spec: FeatureSpec, options: TrainingOptions, progress: Progress
) -> OutOfFold | None:
    choose: Choice = _tuner(spec, options, 1, None) if options.tune else Fixed(options.hyperparameters)
    found = cross_validate(table, spec, choose, stride=options.stride, jobs=options.jobs, progress=progress)
    if found is None:
        progress.report("No scores: a single group of songs cannot be split, so there are neither rows nor pictures.")
    return found


def _compare(
    table: WindowTable, spec: FeatureSpec, parameters: Hyperparameters, options: TrainingOptions, progress: Progress
) -> dict[str, Any]:
    """Return the scores of EmoDJ's shape on the same songs, and those of each data set against the others."""
    progress.report("Scoring EmoDJ's own shape, and each data set against the others")
    jobs = options.jobs
    return {
        "emodj": emodj_shape(table, spec, stride=_EMODJ_STRIDE * options.stride, jobs=jobs, progress=progress),
        "cross": across_sets(table, spec, parameters, stride=options.stride, jobs=jobs),
    }


def _curve(
    found: OutOfFold, spec: FeatureSpec, parameters: Hyperparameters, options: TrainingOptions, progress: Progress
) -> list[dict[str, Any]]:
    return learning_curve(found, spec, parameters, stride=options.stride, jobs=options.jobs, progress=progress)


def _load(options: TrainingOptions, progress: Progress) -> list[Dataset]:
    datasets = []
    for folder in options.datasets:
        dataset = load_dataset(folder, static=options.static, **changes(options, folder))
        progress.report(f"{dataset.name}: {len(dataset.songs)} songs. Left out: {listed(dataset.left_out)}.")
        datasets.append(dataset)
    return datasets


def _extract(
    datasets: Sequence[Dataset], spec: FeatureSpec, options: TrainingOptions, progress: Progress
) -> tuple[list[list[Clip]], list[dict[str, Any]]]:
    cache = options.cache or default_cache()
    clips, described = [], []
    for folder, dataset in zip(options.datasets, datasets, strict=True):
        found, left_out = extract(dataset.songs, spec, cache=cache, jobs=options.jobs, progress=progress)
        if left_out:
            progress.report(f"{dataset.name}: left out: {listed(left_out)}.")
        clips.append(found)
        seconds = spec.window_length / spec.sample_rate
        described.append(describe_dataset(dataset, found, left_out, seconds, **changes(options, folder)))
    return clips, described


def _tuner(spec: FeatureSpec, options: TrainingOptions, jobs: int, progress: Progress | None) -> Tuner:
    return Tuner(spec, options.hyperparameters, stride=2 * options.stride, jobs=jobs, progress=progress)


def _choose(table: WindowTable, spec: FeatureSpec, options: TrainingOptions, progress: Progress) -> Hyperparameters:
    """Return what the final model is fitted with."""
    if not options.tune:
        return options.hyperparameters
    progress.report("Choosing the parameters on all songs")
    return _tuner(spec, options, options.jobs, progress)(table)


def _is_over_time(dataset: Dataset) -> bool:
    return len(dataset.window_indices) > 1 and all(np.all(song.window_counts == 1) for song in dataset.songs)


def _score_as_emodj(
    datasets: Sequence[Dataset],
    clips: Sequence[Sequence[Clip]],
    spec: FeatureSpec,
    options: TrainingOptions,
    progress: Progress,
) -> list[dict[str, Any]]:
    results = []
    for dataset, found in zip(datasets, clips, strict=True):
        if not _is_over_time(dataset):
            progress.report(f"{dataset.name}: EmoDJ's protocol needs ratings over time, so it is left out.")
            continue
        matrix = emodj_matrix.build_matrix(found, dataset.window_indices, spec)
        progress.report(f"{dataset.name}: EmoDJ's matrix is {len(matrix.features)} x {matrix.features.shape[1]}.")
        result = emodj_protocol.run(matrix, jobs=options.jobs, progress=progress)
        results.append({"folder": dataset.name, **result})
    return results

"""A whole training run, from folders to a model with its provenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from emodj_live.errors import EmodjError
from emodj_live.features import FeatureSpec
from emodj_live.model import EmotionModel
from emodj_live.training import emodj_matrix, emodj_protocol
from emodj_live.training.cache import default_cache
from emodj_live.training.card import listed
from emodj_live.training.dataset import Dataset, load_dataset
from emodj_live.training.extraction import Clip, default_spec, extract
from emodj_live.training.fitting import check_learned, fit_model
from emodj_live.training.hyperparameters import Hyperparameters
from emodj_live.training.options import TrainingOptions
from emodj_live.training.progress import Progress
from emodj_live.training.provenance import command_line, describe_dataset, describe_training
from emodj_live.training.song_protocol import Choice, Fixed, by_song
from emodj_live.training.tuning import Tuner
from emodj_live.training.windows import WindowTable, tabulate
from emodj_live.training.workers import BrokenProcessPool, start_workers

_GIVEN = (
    "C, gamma and epsilon were given, not chosen by this run. If someone chose them by these same scores, as was done "
    "for the model that ships, the scores flatter them a little."
)
_NESTED = (
    "C, gamma and epsilon were chosen separately within the training songs of every fold (nested), so the choice does "
    "not depend on the songs that are scored; those of the final model were chosen on all songs."
)


def train(options: TrainingOptions, progress: Progress) -> EmotionModel:
    """Read, extract, score, fit.

    Parameters
    ----------
    options : TrainingOptions
    progress : Progress

    Returns
    -------
    EmotionModel
        With provenance.

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


def _train(options: TrainingOptions, progress: Progress) -> EmotionModel:
    datasets = _load(options, progress)
    start_workers(options.jobs)
    spec = default_spec()
    clips, described = _extract(datasets, spec, options, progress)
    table = tabulate([clip for found in clips for clip in found])
    protocols: dict[str, Any] = {"song": _score(table, spec, options, progress)}
    if options.protocol == "emodj":
        protocols["emodj"] = _score_as_emodj(datasets, clips, spec, options, progress)
    parameters = _choose(table, spec, options, progress)
    progress.report("Fitting the model on all songs")
    model = fit_model(table, spec, parameters, stride=options.stride, jobs=options.jobs)
    check_learned(model)
    rows = len(table.training_rows(options.stride))
    made = describe_training(parameters, options, described, rows)
    return replace(model, provenance={"command": command_line(options), **made, "protocols": protocols})


def _load(options: TrainingOptions, progress: Progress) -> list[Dataset]:
    datasets = []
    for folder in options.datasets:
        dataset = load_dataset(folder)
        progress.report(f"{dataset.name}: {len(dataset.songs)} songs. Left out: {listed(dataset.left_out)}.")
        datasets.append(dataset)
    return datasets


def _extract(
    datasets: Sequence[Dataset], spec: FeatureSpec, options: TrainingOptions, progress: Progress
) -> tuple[list[list[Clip]], list[dict[str, Any]]]:
    cache = options.cache or default_cache()
    clips, described = [], []
    for dataset in datasets:
        found, left_out = extract(dataset.songs, spec, cache=cache, jobs=options.jobs, progress=progress)
        if left_out:
            progress.report(f"{dataset.name}: left out: {listed(left_out)}.")
        clips.append(found)
        described.append(describe_dataset(dataset, found, left_out, spec.window_length / spec.sample_rate))
    return clips, described


def _tuner(spec: FeatureSpec, options: TrainingOptions, jobs: int, progress: Progress | None) -> Tuner:
    return Tuner(spec, options.hyperparameters, stride=2 * options.stride, jobs=jobs, progress=progress)


def _choose(table: WindowTable, spec: FeatureSpec, options: TrainingOptions, progress: Progress) -> Hyperparameters:
    """Return what the final model is fitted with."""
    if not options.tune:
        return options.hyperparameters
    progress.report("Choosing C, gamma and epsilon on all songs")
    return _tuner(spec, options, options.jobs, progress)(table)


def _score(
    table: WindowTable, spec: FeatureSpec, options: TrainingOptions, progress: Progress
) -> dict[str, Any] | None:
    choose: Choice = _tuner(spec, options, 1, None) if options.tune else Fixed(options.hyperparameters)
    scores = by_song(table, spec, choose, stride=options.stride, jobs=options.jobs, progress=progress)
    if scores is None:
        progress.report("No scores: a single recording cannot be split by song.")
        return None
    return {**scores, "choice": _NESTED if options.tune else _GIVEN}


def _score_as_emodj(
    datasets: Sequence[Dataset],
    clips: Sequence[Sequence[Clip]],
    spec: FeatureSpec,
    options: TrainingOptions,
    progress: Progress,
) -> list[dict[str, Any]]:
    results = []
    for dataset, found in zip(datasets, clips, strict=True):
        matrix = emodj_matrix.build_matrix(found, dataset.window_indices, spec)
        progress.report(f"{dataset.name}: EmoDJ's matrix is {len(matrix.features)} x {matrix.features.shape[1]}.")
        result = emodj_protocol.run(matrix, jobs=options.jobs, progress=progress)
        results.append({"folder": dataset.name, **result})
    return results

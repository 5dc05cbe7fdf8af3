"""All of a training run, from folders to a model with its provenance."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from emodj_live.errors import EmodjError
from emodj_live.features import FeatureSpec
from emodj_live.model import EmotionModel
from emodj_live.training import emodj_protocol
from emodj_live.training.card import listed
from emodj_live.training.dataset import Dataset, load_dataset
from emodj_live.training.extraction import Clip, default_cache, default_spec, extract
from emodj_live.training.fitting import Hyperparameters, check_learned, fit_model
from emodj_live.training.progress import Progress
from emodj_live.training.provenance import command_line, describe_dataset, describe_training
from emodj_live.training.song_protocol import Choice, Fixed, by_song
from emodj_live.training.tuning import Tuner
from emodj_live.training.windows import WindowTable, tabulate
from emodj_live.training.workers import BrokenProcessPool, start_workers

_GIVEN = (
    "C, gamma and epsilon were given, not chosen by this run. Where somebody chose them by looking at these very "
    "scores, as was done for the model that ships, the scores flatter them a little."
)
_NESTED = (
    "C, gamma and epsilon were chosen anew within the training songs of every fold (nested), so the scores do not know "
    "the songs that they are of; the model's own were chosen on all songs."
)


def train(options: argparse.Namespace, default_model: Path, progress: Progress) -> EmotionModel:
    """Read, extract, score, fit.

    Parameters
    ----------
    options : argparse.Namespace
        As `options.parse` returns them.
    default_model : Path
        The file that the command need not name.
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
        return _train(options, default_model, progress)
    except BrokenProcessPool as error:
        raise EmodjError("A worker process died, perhaps for want of memory; try again with --jobs 1.") from error


def _train(options: argparse.Namespace, default_model: Path, progress: Progress) -> EmotionModel:
    datasets = _load(options.datasets, progress)
    start_workers(options.jobs)
    spec = default_spec()
    clips, described = _extract(datasets, spec, options, progress)
    table = tabulate([clip for one in clips for clip in one])
    parameters = Hyperparameters(options.gamma, options.cost, options.epsilon, fast=options.fast)
    protocols = _protocols(table, spec, parameters, options, progress)
    if options.protocol == "emodj":
        protocols["emodj"] = _emodj(datasets, clips, spec, options, progress)
    if options.tune:
        progress.say("Choosing C, gamma and epsilon on all songs")
        parameters = _tuner(spec, parameters, options, options.jobs, progress)(table)
    progress.say("Fitting the model on all songs")
    model = fit_model(table, spec, parameters, stride=options.stride, jobs=options.jobs)
    check_learned(model)
    rows = len(table.training_rows(options.stride))
    provenance = {
        "command": command_line(options, default_model),
        **describe_training(parameters, options, described, rows),
        "protocols": protocols,
    }
    return replace(model, provenance=provenance)


def _load(folders: Sequence[Path], progress: Progress) -> list[Dataset]:
    datasets = []
    for folder in folders:
        dataset = load_dataset(folder)
        progress.say(f"{dataset.name}: {len(dataset.songs)} songs. Left out: {listed(dataset.left_out)}.")
        datasets.append(dataset)
    return datasets


def _extract(
    datasets: Sequence[Dataset], spec: FeatureSpec, options: argparse.Namespace, progress: Progress
) -> tuple[list[list[Clip]], list[dict[str, Any]]]:
    clips, described = [], []
    for dataset in datasets:
        found, left_out = extract(
            dataset.songs, spec, cache=options.cache or default_cache(), jobs=options.jobs, progress=progress
        )
        if left_out:
            progress.say(f"{dataset.name}: left out: {listed(left_out)}.")
        clips.append(found)
        described.append(describe_dataset(dataset, found, left_out, spec.window_length / spec.sample_rate))
    return clips, described


def _tuner(
    spec: FeatureSpec, parameters: Hyperparameters, options: argparse.Namespace, jobs: int, progress: Progress | None
) -> Tuner:
    return Tuner(spec, parameters, stride=2 * options.stride, jobs=jobs, progress=progress)


def _protocols(
    table: WindowTable,
    spec: FeatureSpec,
    parameters: Hyperparameters,
    options: argparse.Namespace,
    progress: Progress,
) -> dict[str, Any]:
    choose: Choice = _tuner(spec, parameters, options, 1, None) if options.tune else Fixed(parameters)
    song = by_song(table, spec, choose, stride=options.stride, jobs=options.jobs, progress=progress)
    if song is None:
        progress.say("No scores: a single recording cannot be split by song.")
    else:
        song["choice"] = _NESTED if options.tune else _GIVEN
    return {"song": song}


def _emodj(
    datasets: Sequence[Dataset],
    clips: Sequence[Sequence[Clip]],
    spec: FeatureSpec,
    options: argparse.Namespace,
    progress: Progress,
) -> list[dict[str, Any]]:
    results = []
    for dataset, found in zip(datasets, clips, strict=True):
        matrix = emodj_protocol.build_matrix(found, dataset.windows, spec)
        progress.say(f"{dataset.name}: EmoDJ's matrix is {len(matrix.features)} x {matrix.features.shape[1]}")
        result = emodj_protocol.run(matrix, fast=options.fast, jobs=options.jobs, progress=progress)
        results.append({"folder": dataset.name, **result})
    return results

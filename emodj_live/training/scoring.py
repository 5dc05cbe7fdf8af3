"""From a model file and folders to scores: what ``emodj-train evaluate`` shows."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.calibration import Calibration
from emodj_live.errors import EmodjError, ModelError
from emodj_live.model import EmotionModel
from emodj_live.training import score_grids
from emodj_live.training.cache import default_cache
from emodj_live.training.calibrating import fit_calibration
from emodj_live.training.card import listed
from emodj_live.training.dataset import Dataset, load_dataset
from emodj_live.training.evaluate_options import EvaluateOptions
from emodj_live.training.evaluation import constant_errors, evaluate, pooled_calibration
from emodj_live.training.extraction import Clip, extract
from emodj_live.training.option_values import changes
from emodj_live.training.progress import Progress
from emodj_live.training.provenance import fitted_with
from emodj_live.training.song_protocol import Fixed, OutOfFold, cross_validate
from emodj_live.training.song_table import song_rows
from emodj_live.training.tracked import WINDOW_SECONDS
from emodj_live.training.windows import WindowTable, tabulate
from emodj_live.workers import BrokenProcessPool, start_workers


@dataclass(frozen=True, eq=False)
class ScoredSet:
    """What a model does on one data set.

    Attributes
    ----------
    name : str
        The folder's, numbered if an earlier one has the same.
    scores : mapping
        `Scores.as_json`.
    constant : mapping or None
        `constant_errors` of the mean of the set's own labels; None if none of its labels are values.
    warnings : sequence of str
        What a reader of the figures has to know.
    left_out : mapping
        What could not be used and how many times.
    rows : sequence of mapping
        As `song_rows` returns them.
    """

    name: str
    scores: Mapping[str, Any]
    constant: Mapping[str, Any] | None
    warnings: Sequence[str]
    left_out: Mapping[str, int]
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model does on some data sets.

    Attributes
    ----------
    model : str
        Name of its file.
    sets : sequence of ScoredSet
    calibration : mapping or None
        `Reliability.as_json` over all sets; None if the model does not tell its certainty.
    """

    model: str
    sets: Sequence[ScoredSet]
    calibration: Mapping[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """Return everything but the rows as plain values for JSON."""
        names = ("scores", "constant", "warnings", "left_out")
        sets = [{"dataset": each.name, **{name: getattr(each, name) for name in names}} for each in self.sets]
        return {"model": self.model, "sets": sets, "calibration": self.calibration}


def score(options: EvaluateOptions, progress: Progress) -> Evaluation:
    """Load the model and the data sets, and score the one against the others.

    Parameters
    ----------
    options : EvaluateOptions
    progress : Progress

    Returns
    -------
    Evaluation

    Raises
    ------
    EmodjError
        If the model, the data, the cache or a worker process fails.
    """
    model = EmotionModel.load(options.model)
    if model.window_length != WINDOW_SECONDS * model.sample_rate:
        raise ModelError(f"{options.model}: its windows are not half a second long, so labels cannot be matched.")
    datasets = _with_own_names([_load(folder, options) for folder in options.datasets])
    try:
        start_workers(options.jobs)
        extracted = [_extract(dataset, model, options, progress) for dataset in datasets]
        if options.out_of_fold:
            found = _out_of_fold(model, [clip for clips, _ in extracted for clip in clips], options, progress)
            left_out = {dataset.name: dict(lost) for dataset, (_, lost) in zip(datasets, extracted, strict=True)}
            return replace(found, sets=[replace(each, left_out=left_out[each.name]) for each in found.sets])
    except BrokenProcessPool as error:
        raise EmodjError(
            "A worker process ended unexpectedly, perhaps for lack of memory; try again with --jobs 1."
        ) from error
    tables = [tabulate(clips, model.spec) for clips, _ in extracted]
    parts = [(table, model.predict(table.features)) for table in tables]
    sets = [
        _score_set(dataset.name, model, table, predictions, left_out)
        for dataset, (table, predictions), (_, left_out) in zip(datasets, parts, extracted, strict=True)
    ]
    pooled = pooled_calibration(parts, model.calibration) if model.calibration else None
    return Evaluation(options.model.name, sets, pooled.as_json() if pooled else None)


def _out_of_fold(
    model: EmotionModel, clips: Sequence[Clip], options: EvaluateOptions, progress: Progress
) -> Evaluation:
    """Score models like this one, each on the groups of songs that it was not trained on."""
    parameters, stride = fitted_with(model.provenance)
    table = tabulate(clips, model.spec)
    choice = Fixed(parameters)
    found = cross_validate(table, model.spec, choice, stride=stride, jobs=options.jobs, progress=progress)
    if found is None:
        raise EmodjError("A single group of songs cannot be split; give more songs, or leave out --out-of-fold.")
    sets, pooled = score_found(found, fit_calibration(table, found.predictions))
    return Evaluation(f"{options.model.name}, fitted again {found.n_folds} times without the songs", sets, pooled)


def score_found(found: OutOfFold, calibration: Calibration | None) -> tuple[list[ScoredSet], Mapping[str, Any] | None]:
    """Score what was predicted out of fold, set by set.

    Parameters
    ----------
    found : OutOfFold
    calibration : Calibration or None

    Returns
    -------
    sets : list of ScoredSet
    pooled : mapping or None
        `Reliability.as_json` over all sets.
    """
    sets = []
    for name, part in found.by_dataset():
        scores = evaluate(part.table, part.predictions, calibration=calibration).as_json()
        rows = song_rows(part.table, part.predictions, calibration)
        warnings = score_grids.warnings(scores)
        sets.append(ScoredSet(name, scores, constant_errors(part.table, part.constant), warnings, {}, rows))
    pooled = pooled_calibration([(found.table, found.predictions)], calibration) if calibration else None
    return sets, pooled.as_json() if pooled else None


def _load(folder: Path, options: EvaluateOptions) -> Dataset:
    return load_dataset(folder, static=options.static, **changes(options, folder))


def _extract(
    dataset: Dataset, model: EmotionModel, options: EvaluateOptions, progress: Progress
) -> tuple[list[Clip], Counter[str]]:
    progress.report(f"{dataset.name}: {len(dataset.songs)} songs. Left out: {listed(dataset.left_out)}.")
    cache = options.cache or default_cache()
    clips, left_out = extract(dataset.songs, model.spec, cache=cache, jobs=options.jobs, progress=progress)
    return clips, dataset.left_out + left_out


def _score_set(
    name: str, model: EmotionModel, table: WindowTable, predictions: NDArray[np.float64], left_out: Counter[str]
) -> ScoredSet:
    scores = evaluate(table, predictions, calibration=model.calibration).as_json()
    warnings = [*_known_to(model, table), *score_grids.warnings(scores)]
    rows = song_rows(table, predictions, model.calibration)
    return ScoredSet(name, scores, _constant(table), warnings, dict(left_out), rows)


def _known_to(model: EmotionModel, table: WindowTable) -> list[str]:
    """Warn if the model was trained on a data set of this name."""
    datasets = model.provenance.get("datasets")  # a stranger's file may hold anything there
    described = datasets if isinstance(datasets, list) else []
    trained_on = [data.get("folder") for data in described if isinstance(data, dict)]
    if table.songs[0].name.partition("/")[0] not in trained_on:
        return []
    return [
        "the model was trained on a data set of this name; if it is the same music, these figures say how well it "
        "remembers, and its card has the honest ones."
    ]


def _constant(table: WindowTable) -> dict[str, Any] | None:
    graded = np.array([song.is_graded for song in table.songs])[table.clips] & table.labeled
    if not graded.any():
        return None
    return constant_errors(table, np.broadcast_to(table.labels[graded].mean(axis=0), table.labels.shape))


def _with_own_names(datasets: Sequence[Dataset]) -> list[Dataset]:
    """Return the data sets, those numbered that have the name of an earlier one."""
    taken: set[str] = set()
    renamed = []
    for dataset in datasets:
        name = next(name for count in itertools.count(1) if (name := _numbered(dataset.name, count)) not in taken)
        taken.add(name)
        songs = tuple(replace(song, dataset=name) for song in dataset.songs)
        renamed.append(replace(dataset, name=name, songs=songs))
    return renamed


def _numbered(name: str, count: int) -> str:
    return f"{name} ({count})" if count > 1 else name

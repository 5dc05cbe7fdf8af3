"""What a score is worth beside others: EmoDJ's shape, each data set against the others, fewer songs to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import joblib
import numpy as np

from emodj_live.features import FeatureSpec
from emodj_live.training.evaluation import evaluate
from emodj_live.training.fitting import fit_model
from emodj_live.training.hyperparameters import EMODJ, Hyperparameters
from emodj_live.training.progress import Progress
from emodj_live.training.song_protocol import Fixed, OutOfFold, cross_validate
from emodj_live.training.windows import WindowTable
from emodj_live.workers import in_order

_CURVE = 1 / 8, 1 / 4, 1 / 2  # shares of the training groups, before all of them


def emodj_shape(
    table: WindowTable, spec: FeatureSpec, *, stride: int, jobs: int = 1, progress: Progress | None = None
) -> list[dict[str, Any]] | None:
    """Cross-validate EmoDJ's own model, 264 MFCCs and two exact regressors, on the same songs.

    Parameters
    ----------
    table : WindowTable
    spec : FeatureSpec
    stride, jobs, progress
        As for `cross_validate`.

    Returns
    -------
    list of dict or None
        For each data set ``dataset`` and the brief ``scores``. None if there is only one group.
    """
    shape = replace(spec, context=0.0)
    alone = replace(table, features=np.ascontiguousarray(table.features[:, : spec.n_coefficients]))
    found = cross_validate(
        alone, shape, Fixed(EMODJ), stride=stride, jobs=jobs, progress=progress, what="folds of EmoDJ's shape"
    )
    return brief_by_dataset(found) if found else None


def brief_by_dataset(found: OutOfFold) -> list[dict[str, Any]]:
    """Return the brief scores of each data set."""
    return [
        {"dataset": name, "scores": evaluate(part.table, part.predictions).brief()} for name, part in found.by_dataset()
    ]


def across_sets(
    table: WindowTable, spec: FeatureSpec, parameters: Hyperparameters, *, stride: int, jobs: int = 1
) -> list[dict[str, Any]] | None:
    """Train on each data set alone, and try it on each of the others.

    Parameters
    ----------
    table : WindowTable
    spec : FeatureSpec
    parameters : Hyperparameters
    stride, jobs : int
        As for `cross_validate`.

    Returns
    -------
    list of dict or None
        For each pair ``trained_on``, ``tried_on`` and the brief ``scores``. Songs whose group is on both sides are not
        scored. None if there is only one data set.
    """
    names = list(dict.fromkeys(table.datasets.tolist()))
    if len(names) < 2:
        return None
    work = (joblib.delayed(_across)(table, spec, parameters, stride, name, names) for name in names)
    return [result for results in in_order(work, jobs) for result in results]


def _across(
    table: WindowTable, spec: FeatureSpec, parameters: Hyperparameters, stride: int, name: str, names: Sequence[str]
) -> list[dict[str, Any]]:
    training = table.of_dataset(name)
    if not training.training_rows(stride).size:
        return []
    model = fit_model(training, spec, parameters, stride=stride)
    is_known = np.isin(table.groups, training.groups)
    results = []
    for other in names:
        tried = table.at((table.datasets == other) & ~is_known)
        if other != name and tried.labeled.any():
            scores = evaluate(tried, model.predict(tried.features)).brief()
            results.append({"trained_on": [name], "tried_on": other, "scores": scores})
    return results


def learning_curve(
    found: OutOfFold,
    spec: FeatureSpec,
    parameters: Hyperparameters,
    *,
    stride: int,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Cross-validate with a part of the training groups.

    Parameters
    ----------
    found : OutOfFold
        What was found with all of them.
    spec : FeatureSpec
    parameters : Hyperparameters
    stride, jobs, progress
        As for `cross_validate`.

    Returns
    -------
    list of dict
        For each share of the groups ``groups``, how many a model was trained on, and the brief ``scores`` by data set.
    """
    curve = [(1.0, found)]
    for share in reversed(_CURVE):
        what = f"folds with {share:.0%} of the songs"
        part = cross_validate(
            found.table, spec, Fixed(parameters), stride=stride, share=share, jobs=jobs, progress=progress, what=what
        )
        if part:
            curve.insert(0, (share, part))
    trained_on = len(np.unique(found.table.groups)) * (1 - 1 / found.n_folds)
    return [
        {"groups": round(share * trained_on), "scores": {e["dataset"]: e["scores"] for e in brief_by_dataset(part)}}
        for share, part in curve
    ]

"""Choose hyperparameters by the scores of songs that were not trained on.

One parameter is searched after the other, and with a coarser stride, which bounds the cost: a dozen candidates instead
of a grid of sixty. C and epsilon are chosen for each axis; everything else is shared, because the kernel is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from emodj_live.features import FeatureSpec
from emodj_live.training.evaluation import AXES, evaluate
from emodj_live.training.hyperparameters import Hyperparameters, described
from emodj_live.training.progress import Progress
from emodj_live.training.song_protocol import Fixed, cross_validate
from emodj_live.training.windows import WindowTable

COSTS = (1.0, 10.0, 100.0, 1000.0)
GAMMA_FACTORS = (1.0, 1 / 2, 1 / 4, 1 / 8)
FINE_COST_FACTORS = (0.3, 3.0)
EPSILONS = (0.05, 0.1, 0.2)
ALPHA_FACTORS = (0.1, 0.3, 3.0, 10.0)
CONTEXT_WEIGHTS = (0.3, 0.5, 0.7, 0.9)
TIMBRE_WEIGHTS = (0.25, 0.5, 1.0)

Tried = tuple[Hyperparameters, tuple[float, float]]
Search = Callable[[Hyperparameters], Iterator[Hyperparameters]]


@dataclass(frozen=True)
class Tuner:
    """Chooses `Hyperparameters` by cross-validation over the songs that it is called with.

    Attributes
    ----------
    spec : FeatureSpec
    start : Hyperparameters
        Where the search begins; kept if nothing better is found.
    stride : int
        Train the candidates on every `stride`-th labeled window.
    folds : int
    jobs : int
    progress : Progress, optional
        Where to report the candidates.
    """

    spec: FeatureSpec
    start: Hyperparameters = field(default_factory=Hyperparameters)
    stride: int = 6
    folds: int = 3
    jobs: int = 1
    progress: Progress | None = None

    def __call__(self, table: WindowTable) -> Hyperparameters:
        """Return the best parameters for some songs: those whose songs' means have the best r and AUC.

        Parameters
        ----------
        table : WindowTable

        Returns
        -------
        Hyperparameters
            `start` if there are fewer than two groups.
        """
        if len(np.unique(table.groups)) < 2:
            return self.start
        best, scores = self.start, self._score(table, self.start)
        for search in self._searches():
            candidates = [candidate for candidate in search(best) if candidate != best]
            tried = [(candidate, self._score(table, candidate)) for candidate in candidates]
            best, scores = _best(best, scores, tried)
        return best

    def _searches(self) -> Iterator[Search]:
        gammas = partial(_gammas, default=1 / self.spec.n_features)
        if self.start.estimator == "svr":
            yield from (_costs, gammas, _fine_costs, _epsilons)
        else:
            yield from (gammas, _alphas)
        if self.spec.context:
            yield from (_context_weights, _timbre_weights)

    def _score(self, table: WindowTable, parameters: Hyperparameters) -> tuple[float, float]:
        """Return how well valence and arousal do, on average over the data sets."""
        found = cross_validate(
            table, self.spec, Fixed(parameters), stride=self.stride, folds=self.folds, jobs=self.jobs
        )
        briefs = [evaluate(part.table, part.predictions).brief() for _, part in found.by_dataset()] if found else []
        valence, arousal = (float(np.mean([_quality(brief, axis) for brief in briefs] or [0.0])) for axis in AXES)
        if self.progress:
            self.progress.report(f"{described(parameters)}: {valence:.3f} valence, {arousal:.3f} arousal")
        return valence, arousal


def _quality(brief: Mapping[str, Any], axis: str) -> float:
    """Return the mean of the songs' r and of their AUC mapped to the same range: 0 is chance, 1 is perfect."""
    r, area = brief["r"][axis], brief["auc"][axis]
    defined = [value for value in (r, None if area is None else 2 * area - 1) if value is not None]
    return sum(defined) / len(defined) if defined else 0.0


def _best(
    best: Hyperparameters, scores: tuple[float, float], tried: Iterable[Tried]
) -> tuple[Hyperparameters, tuple[float, float]]:
    """Return each axis' best C and epsilon with the shared parameters that are best for both, and their scores."""
    everything: list[Tried] = [(best, scores), *tried]
    shared = max(everything, key=lambda each: sum(each[1]))[0]
    rivals = [each for each in everything if _shared(each[0]) == _shared(shared)]
    valence, arousal = (max(rivals, key=lambda each: each[1][axis]) for axis in (0, 1))
    chosen = replace(
        shared,
        cost=(valence[0].cost[0], arousal[0].cost[1]),
        epsilon=(valence[0].epsilon[0], arousal[0].epsilon[1]),
    )
    return chosen, (valence[1][0], arousal[1][1])


def _shared(parameters: Hyperparameters) -> Hyperparameters:
    default = Hyperparameters()
    return replace(parameters, cost=default.cost, epsilon=default.epsilon)


def _costs(best: Hyperparameters) -> Iterator[Hyperparameters]:
    return (replace(best, cost=(cost, cost)) for cost in COSTS)


def _gammas(best: Hyperparameters, default: float) -> Iterator[Hyperparameters]:
    return (replace(best, gamma=(best.gamma or default) * factor) for factor in GAMMA_FACTORS)


def _fine_costs(best: Hyperparameters) -> Iterator[Hyperparameters]:
    return (replace(best, cost=(best.cost[0] * factor, best.cost[1] * factor)) for factor in FINE_COST_FACTORS)


def _epsilons(best: Hyperparameters) -> Iterator[Hyperparameters]:
    return (replace(best, epsilon=(epsilon, epsilon)) for epsilon in EPSILONS)


def _alphas(best: Hyperparameters) -> Iterator[Hyperparameters]:
    return (replace(best, alpha=best.alpha * factor) for factor in ALPHA_FACTORS)


def _context_weights(best: Hyperparameters) -> Iterator[Hyperparameters]:
    return (replace(best, context_weight=weight) for weight in CONTEXT_WEIGHTS)


def _timbre_weights(best: Hyperparameters) -> Iterator[Hyperparameters]:
    return (replace(best, timbre_weight=weight) for weight in TIMBRE_WEIGHTS)

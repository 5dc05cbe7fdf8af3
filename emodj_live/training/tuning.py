"""Choose C, gamma and epsilon by the scores of songs that were not trained on.

One parameter is searched after the other, and with a coarser stride, which bounds the cost: a dozen candidates instead
of a grid of sixty. C and epsilon are chosen for each axis; gamma is shared, because the kernel is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from emodj_live.features import FeatureSpec
from emodj_live.training.evaluation import AXES, evaluate
from emodj_live.training.hyperparameters import Hyperparameters, fraction, pair
from emodj_live.training.progress import Progress
from emodj_live.training.song_protocol import cross_predict
from emodj_live.training.windows import WindowTable

COSTS = (1.0, 10.0, 100.0, 1000.0)
GAMMA_FACTORS = (1.0, 1 / 2, 1 / 4, 1 / 8)
FINE_COST_FACTORS = (0.3, 3.0)
EPSILONS = (0.05, 0.1, 0.2)


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
        """Return the best parameters for some songs: those with the highest R2 after smoothing, as a listener sees it.

        Parameters
        ----------
        table : WindowTable

        Returns
        -------
        Hyperparameters
            `start` if there are fewer than two recordings.
        """
        if len(np.unique(table.groups)) < 2:
            return self.start
        best, scores = self.start, self._score(table, self.start)
        for search in (_costs, _gammas, _fine_costs, _epsilons):
            candidates = [candidate for candidate in search(best) if candidate != best]
            tried = [(candidate, self._score(table, candidate)) for candidate in candidates]
            best, scores = _best(best, scores, tried)
        return best

    def _score(self, table: WindowTable, parameters: Hyperparameters) -> tuple[float, float]:
        """Return the R2 of valence and arousal after smoothing."""
        predicted = cross_predict(table, self.spec, parameters, stride=self.stride, folds=self.folds, jobs=self.jobs)
        smoothed = evaluate(table, predicted).smoothed
        valence, arousal = (smoothed[axis].r2 or 0.0 for axis in AXES)
        if self.progress:
            self.progress.report(
                f"C {pair(parameters.cost)}, gamma {fraction(parameters.gamma)}, epsilon {pair(parameters.epsilon)}: "
                f"R2 smoothed {valence:.3f} valence, {arousal:.3f} arousal"
            )
        return valence, arousal


Tried = tuple[Hyperparameters, tuple[float, float]]


def _best(
    best: Hyperparameters, scores: tuple[float, float], tried: Iterable[Tried]
) -> tuple[Hyperparameters, tuple[float, float]]:
    """Return each axis' best C and epsilon with the gamma that is best for both, and their scores."""
    everything: list[Tried] = [(best, scores), *tried]
    gamma = max(everything, key=lambda each: sum(each[1]))[0].gamma
    rivals = [each for each in everything if each[0].gamma == gamma]
    valence, arousal = (max(rivals, key=lambda each: each[1][axis]) for axis in (0, 1))
    chosen = replace(
        best,
        gamma=gamma,
        cost=(valence[0].cost[0], arousal[0].cost[1]),
        epsilon=(valence[0].epsilon[0], arousal[0].epsilon[1]),
    )
    return chosen, (valence[1][0], arousal[1][1])


def _costs(best: Hyperparameters) -> Iterator[Hyperparameters]:
    return (replace(best, cost=(cost, cost)) for cost in COSTS)


def _gammas(best: Hyperparameters) -> Iterator[Hyperparameters]:
    return (replace(best, gamma=best.gamma * factor) for factor in GAMMA_FACTORS)


def _fine_costs(best: Hyperparameters) -> Iterator[Hyperparameters]:
    return (replace(best, cost=(best.cost[0] * factor, best.cost[1] * factor)) for factor in FINE_COST_FACTORS)


def _epsilons(best: Hyperparameters) -> Iterator[Hyperparameters]:
    return (replace(best, epsilon=(epsilon, epsilon)) for epsilon in EPSILONS)

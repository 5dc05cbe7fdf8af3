"""From annotated music to a model file. Offline only: the live path never imports this.

Importing the package imports nothing heavy; each name's module is imported when the name is first used. Without the
extra ``train`` that is a `MissingExtraError`, which is an `ImportError` and an `EmodjError`.
"""

from typing import TYPE_CHECKING

from emodj_live.lazy import lazy
from emodj_live.training.requirements import check_installed

if TYPE_CHECKING:
    from emodj_live.training.dataset import Dataset, Song, load_dataset
    from emodj_live.training.evaluation import Metrics, Scores, evaluate
    from emodj_live.training.extraction import default_spec, extract
    from emodj_live.training.fitting import export_sklearn, fit_model, to_sklearn
    from emodj_live.training.hyperparameters import Hyperparameters
    from emodj_live.training.windows import WindowTable, tabulate

__all__ = [
    "Dataset",
    "Hyperparameters",
    "Metrics",
    "Scores",
    "Song",
    "WindowTable",
    "default_spec",
    "evaluate",
    "export_sklearn",
    "extract",
    "fit_model",
    "load_dataset",
    "tabulate",
    "to_sklearn",
]

_HOMES = {
    "Dataset": "dataset",
    "Hyperparameters": "hyperparameters",
    "Metrics": "evaluation",
    "Scores": "evaluation",
    "Song": "dataset",
    "WindowTable": "windows",
    "default_spec": "extraction",
    "evaluate": "evaluation",
    "export_sklearn": "fitting",
    "extract": "extraction",
    "fit_model": "fitting",
    "load_dataset": "dataset",
    "tabulate": "windows",
    "to_sklearn": "fitting",
}

_get, __dir__ = lazy(__name__, _HOMES)


def __getattr__(name: str) -> object:
    if name in _HOMES:
        check_installed()
    return _get(name)

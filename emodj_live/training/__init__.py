"""From annotated music to a model file. Offline only: the live path never imports this.

Importing the package imports nothing heavy; a name's module comes with its first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emodj_live.training.dataset import Dataset, Song, load_dataset
    from emodj_live.training.evaluation import Metrics, Scores, evaluate
    from emodj_live.training.extraction import default_spec, extract
    from emodj_live.training.fitting import Hyperparameters, export_sklearn, fit_model, to_sklearn
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
    "Hyperparameters": "fitting",
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


def __getattr__(name: str) -> object:
    """Import a public name's module at its first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

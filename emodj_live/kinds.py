"""The kinds of model that a file may hold. A new kind is one module, and one row here."""

from __future__ import annotations

import os
from collections.abc import Mapping

from emodj_live import model_file
from emodj_live.listener import Model
from emodj_live.model import EmotionModel

KINDS: Mapping[str, model_file.Kind[Model]] = {
    EmotionModel.KIND: EmotionModel,
}


def load_model(
    path: str | os.PathLike[str] | None = None, *, kinds: Mapping[str, model_file.Kind[Model]] = KINDS
) -> Model:
    """Read a model file of any kind; nothing is believed before it is checked.

    Parameters
    ----------
    path : path-like, optional
        The file. None: the one that the environment variable ``EMODJ_MODEL`` names, else the bundled one.
    kinds : mapping of Kind
        What the file may hold: for each kind's name, the class that is made of it.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        If the file is missing or is not a valid model file; its text says why.
    """
    return model_file.load(path, kinds)

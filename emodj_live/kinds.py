"""The kinds of model that a file may hold. A new kind is one module, and one row here."""

from __future__ import annotations

import io
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


def model_from_bytes(data: bytes, *, kinds: Mapping[str, model_file.Kind[Model]] = KINDS) -> Model:
    """Read a model of any kind from the bytes of its file.

    Parameters
    ----------
    data : bytes
    kinds : mapping of Kind
        As for `load_model`.

    Returns
    -------
    Model

    Raises
    ------
    ValueError
        Or another of the errors that `model_file.opened` translates, if they are not a valid model file's.
    """
    contents = model_file.read(io.BytesIO(data), {name: kind.ARRAYS for name, kind in kinds.items()})
    return kinds[contents.kind].from_contents(contents)

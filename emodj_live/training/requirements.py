"""What training needs beyond a plain install: the extra ``train``."""

from __future__ import annotations

from importlib.util import find_spec

from emodj_live.errors import EmodjError
from emodj_live.extras import missing

_PACKAGES = {"librosa": "librosa", "sklearn": "scikit-learn", "scipy": "SciPy"}


class MissingExtraError(EmodjError, ImportError):
    """The extra that something needs is not installed."""


def check_installed() -> None:
    """Check that the extra ``train`` is installed, without importing anything of it.

    Raises
    ------
    MissingExtraError
        If it is not; the message says what to install.
    """
    if absent := [package for module, package in _PACKAGES.items() if not _is_installed(module)]:
        raise MissingExtraError(missing("train", "training", absent))


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:  # an import hook may refuse it
        return False

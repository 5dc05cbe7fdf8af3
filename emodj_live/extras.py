"""Optional dependencies: one sentence, everywhere, for what lacks its extra.

A plain install is small. What needs more, such as training, checks for it before it starts, so that the user reads
which extra to install and not a traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from emodj_live.errors import EmodjError


class MissingExtraError(EmodjError, ImportError):
    """Something needs packages of an extra that is not installed."""


def missing(extra: str, what: str, packages: Sequence[str]) -> str:
    """Say which extra to install.

    Parameters
    ----------
    extra : str
        Its name, as in ``pip install 'emodj-live[train]'``.
    what : str
        What needs it: the subject of the sentence.
    packages : sequence of str
        Those that are not installed, at least one.

    Returns
    -------
    str

    Examples
    --------
    >>> missing("osc", "OSC", ["python-osc"])
    "OSC needs python-osc, which is not installed; install it with: pip install 'emodj-live[osc]'."
    """
    *others, last = packages
    listed = f"{', '.join(others)} and {last}" if others else last
    are, them = ("are", "them") if others else ("is", "it")
    command = f"pip install 'emodj-live[{extra}]'"
    return f"{what} needs {listed}, which {are} not installed; install {them} with: {command}."


def require(extra: str, what: str, **packages: str) -> None:
    """Check that the packages of an extra are installed, without importing them.

    Parameters
    ----------
    extra, what : str
        As for `missing`.
    **packages : str
        For each module to be imported the name of its package, as in ``pythonosc="python-osc"``.

    Raises
    ------
    MissingExtraError
        With the sentence of `missing`, if any of them is not.
    """
    if absent := [package for module, package in packages.items() if not _is_installed(module)]:
        raise MissingExtraError(missing(extra, what, absent))


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:  # an import hook may refuse it
        return False

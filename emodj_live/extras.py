"""Optional dependencies: one sentence for everything that lacks its extra. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence


def missing(extra: str, what: str, packages: Sequence[str]) -> str:
    """Return the sentence that says which extra to install.

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

"""Processes beside the one that follows the music: Python with our modules, at a lower priority, gone when we are."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_NICENESS = 5
_BEGINNING = "import sys; sys.path[0] = sys.argv.pop(1); "


def start(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start Python with some code.

    Not with "-m", which would look for modules in the working directory first, where anything may lie.

    Parameters
    ----------
    code : str
        Finds our package and no others in the way.
    *arguments : str
        What it finds in ``sys.argv`` from 1 on.

    Returns
    -------
    subprocess.Popen
        With standard output to be read; whoever started it has to kill it and to wait for it.
    """
    command = [sys.executable, "-c", _BEGINNING + code, str(Path(__file__).parents[1]), *arguments]
    process = subprocess.Popen(  # noqa: S603 (it is this very program)
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with suppress(AttributeError, OSError):  # Windows has no such priorities
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, and leave nothing of it."""
    process.kill()
    process.wait()

"""The processes of the command lines: ``emodj-live``, ``python -m emodj_live``, and ``emodj-library``.

It imports next to nothing, so that Ctrl-C ends a process quietly from its first moments on.
"""

import signal
import sys
from collections.abc import Callable
from typing import NoReturn


def console() -> NoReturn:
    """Run ``emodj-live`` and exit the process: the console script."""
    _let_ctrl_c_end_it()
    from emodj_live.cli import main

    _run(main)


def library_console() -> NoReturn:
    """Run ``emodj-library`` and exit the process: the console script."""
    _let_ctrl_c_end_it()
    from emodj_live.library.command import main

    _run(main)


def _let_ctrl_c_end_it() -> None:
    """Until `main` handles it, because Python's own handler prints a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _run(main: Callable[[], int]) -> NoReturn:
    code = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not change the code of a process that ends
    sys.exit(code)


if __name__ == "__main__":
    console()

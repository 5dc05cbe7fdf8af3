"""The process of the command line: ``emodj-live`` and ``python -m emodj_live``.

It imports next to nothing, so that Ctrl-C ends the process quietly from its first moments on.
"""

import signal
import sys


def console() -> None:
    """Run the command line and exit the process: the console script."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until `main` handles it; Python's own handler prints a traceback
    from emodj_live.cli import main

    code = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not change the code of a process that ends
    sys.exit(code)


if __name__ == "__main__":
    console()

"""The command line: from arguments to an exit code.

Nothing heavy is imported before Ctrl-C has its handler, so that it counts from the first moment.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from functools import partial

from emodj_live.arguments import parse
from emodj_live.console import TERMINATION, ending_signals, fill_missing_streams, own_stderr
from emodj_live.errors import EmodjError
from emodj_live.inputs import is_live
from emodj_live.options import Options
from emodj_live.outputs import stays_up
from emodj_live.program import exit_code, notices, report

_NAME = "emodj-live"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    int
        0 for a normal end, 1 for an error reported in one line, 130 if an offline run was interrupted. Wrong arguments
        raise ``SystemExit(2)``.
    """
    # A window's worth of arithmetic is too little to share: threads would cost more than they gain, beside a player.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    fill_missing_streams()
    return exit_code(partial(_main, argv))


def _main(argv: Sequence[str] | None) -> int:
    stop = threading.Event()
    with ending_signals(stop, signal.SIGINT):
        options = parse(argv)
        goes_on = is_live(options) or stays_up(options.outputs)
        with (
            ending_signals(stop, *(TERMINATION if goes_on else ())),
            own_stderr(show=options.verbose),
            notices(_NAME, quiet=options.quiet),
        ):
            return _run(options, stop)


def _run(options: Options, stop: threading.Event) -> int:
    try:
        if options.lists_devices:
            return _list_devices()
        from emodj_live.session import Session

        return Session(options, stop, partial(report, _NAME)).run()
    except EmodjError as error:
        return report(_NAME, error)


def _list_devices() -> int:
    from emodj_live.sinks.lines import write_line
    from emodj_live.sources.devices import list_devices

    found = {"input": list_devices("input"), "output": list_devices("output")}
    for kind, devices in found.items():
        write_line(sys.stdout, f"{kind} devices (* is the default):")
        for device in [str(device) for device in devices] or ["none"]:
            write_line(sys.stdout, f"  {device}")
    return 0

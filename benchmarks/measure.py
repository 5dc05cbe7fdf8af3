"""What the benchmarks share: interleaved timing, a table, and one JSON object on request."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from emodj_live.training.requirements import MissingExtraError, check_installed

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # programs start from compiled bytecode, as installed ones do


def needs_training() -> None:
    """End with one line unless the extra ``train`` is installed."""
    try:
        check_installed()
    except MissingExtraError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the option that every benchmark has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    return parser


def best_of(rounds: int, **tasks: Callable[[], object]) -> dict[str, float]:
    """Return the best time of each task [s], all of them run in turn so that a slow spell meets every one."""
    best = dict.fromkeys(tasks, float("inf"))
    for _ in range(rounds):
        for name, task in tasks.items():
            began = time.perf_counter()
            task()
            best[name] = min(best[name], time.perf_counter() - began)
    return best


def report(title: str, figures: Mapping[str, object], *, as_json: bool) -> None:
    """Print the figures, with the machine that they were measured on."""
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    if as_json:
        print(json.dumps({"benchmark": title, "machine": machine, **figures}, allow_nan=False))
        return
    table = Table(title=f"{title} ({machine})", show_header=False, title_justify="left")
    for name, value in figures.items():
        table.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    Console().print(table)

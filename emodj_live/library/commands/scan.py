"""``emodj-library scan``: progress on a terminal, a summary, and what failed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from emodj_live.library.files import Problem
from emodj_live.library.index import Library
from emodj_live.library.scanning import Progress, ScanReport, scan
from emodj_live.program import INTERRUPTED
from emodj_live.sources import ffmpeg

_MOST_LISTED = 20  # files of one kind
_DEFAULT_JOBS = -1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments.

    Parameters
    ----------
    parser : ArgumentParser
    """
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="folders, audio files and playlists (m3u, m3u8, pls)")
    add("-j", "--jobs", type=_jobs, default=_DEFAULT_JOBS, metavar="N", help="processes (default: one per core)")
    add("--scheduler", metavar="ADDRESS", help="work on a Dask cluster, e.g. tcp://HOST:8786")
    add("--prune", action="store_true", help="remove songs whose files are gone, instead of marking them")
    add("--model", metavar="FILE", help="another model file (or set EMODJ_MODEL)")
    add("--log", metavar="FILE", help="append a line to it when a song is begun and when it is done")


def _jobs(value: str) -> int:
    if not value.isdecimal() or not int(value):
        raise argparse.ArgumentTypeError(f"{value} is not a number of processes, such as 4")
    return int(value)


def run(options: argparse.Namespace, library: Library) -> int:
    """Scan.

    Parameters
    ----------
    options : Namespace
    library : Library

    Returns
    -------
    int
        0, or 1 if something failed that did not fail before, or 130 after Ctrl-C.
    """
    try:
        with _shown_progress(quiet=options.quiet) as progress:
            report = scan(
                options.paths,
                library,
                model=options.model,
                jobs=options.jobs,
                scheduler=options.scheduler,
                prune=options.prune,
                log=options.log,
                progress=progress,
            )
    except KeyboardInterrupt:
        sys.stderr.write(f"emodj-library: interrupted; {len(library)} songs are in the index, scan again to go on.\n")
        return INTERRUPTED
    if options.quiet:
        _list(report.problems)
    else:
        _tell(report, library)
    return 1 if report.failures or report.problems else 0


# ------------------------------------------------------------------------------------------------------- the report


def _tell(report: ScanReport, library: Library) -> None:
    _list(report.notices)
    _list(report.problems)
    if report.failures:
        sys.stderr.write(f"{_count(len(report.failures), 'file')} could not be used:\n")
        _list(report.failures, indent="  ", advice="; list them with: emodj-library failures")
        if not ffmpeg.is_available():
            sys.stderr.write("ffmpeg is not installed; it may know their formats: install it, and scan again.\n")
    sys.stderr.write(f"{_summary(report)}; {_count(len(library), 'song')} in {library.path}\n")


def _list(problems: Sequence[Problem], *, indent: str = "", advice: str = "") -> None:
    for problem in problems[:_MOST_LISTED]:
        sys.stderr.write(f"{indent}{problem.reason}\n")
    if (more := len(problems) - _MOST_LISTED) > 0:
        sys.stderr.write(f"{indent}and {more} more{advice}\n")


def _summary(report: ScanReport) -> str:
    parts = {
        "added": report.added,
        "changed": report.changed,
        "moved": report.moved,
        "copied": report.copied,
        "unchanged": report.unchanged,
        "failed": len(report.failures),
        "failed before": report.old_failures,
        "vanished": report.vanished,
        "removed from the index": report.pruned,
        "skipped, because they are addresses": report.skipped_urls,
    }
    told = ", ".join(f"{count} {what}" for what, count in parts.items() if count)
    return f"{_count(report.found, 'file')} in {report.seconds:.1f} s: {told or 'nothing to do'}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


# --------------------------------------------------------------------------------------------------------- progress


@contextmanager
def _shown_progress(*, quiet: bool) -> Iterator[Progress | None]:
    """Show a bar on a terminal, and nothing anywhere else."""
    console = Console(file=sys.stderr)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed()
    with Bar(*columns, TextColumn("left"), TimeRemainingColumn(), console=console, transient=True) as bar:
        shown = bar.add_task("looking for songs", total=None)

        def progress(done: int, total: int | None) -> None:
            bar.update(shown, completed=done, total=total)
            if total is not None and done == 0:
                bar.reset(shown, description="listening", total=total)

        yield progress


class _Speed(ProgressColumn):
    """Songs per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} songs/s" if speed else "")

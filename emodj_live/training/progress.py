"""What the trainer shows while it works: a bar on a terminal, a few plain lines anywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

T = TypeVar("T")
_PLAIN_LINES = 10


class Progress:
    """Shows how much of the work is done.

    Parameters
    ----------
    console : Console, optional
        Where to print; by default the standard error stream.
    quiet : bool
        Print nothing at all.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._quiet = quiet

    def report(self, text: str) -> None:
        """Print one line."""
        if not self._quiet:
            self._console.print(text, markup=False)

    def counting(self, results: Iterable[T], total: int, what: str) -> Iterator[T]:
        """Yield results as they come, and show how many have come.

        Parameters
        ----------
        results : iterable
            Yields while the work is being done, such as joblib's generators.
        total : int
            How many results there will be.
        what : str
            What is counted, such as "clips".

        Yields
        ------
        object
            The results.
        """
        if self._quiet:
            yield from results
        elif self._console.is_terminal:
            yield from self._bar(results, total, what)
        else:
            yield from self._lines(results, total, what)

    def _bar(self, results: Iterable[T], total: int, what: str) -> Iterator[T]:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        times = TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()
        with Bar(*columns, *times, console=self._console, transient=True) as bar:
            yield from bar.track(results, total=total, description=what)

    def _lines(self, results: Iterable[T], total: int, what: str) -> Iterator[T]:
        every = -(-total // _PLAIN_LINES) or 1
        for done, result in enumerate(results, 1):
            yield result
            if done % every == 0 or done == total:
                self.report(f"{what}: {done} of {total}")

"""What the trainer says while it works: a bar on a terminal, a few plain lines anywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

T = TypeVar("T")
_PLAIN_LINES = 10


class Progress:
    """Tell how far the work is.

    Parameters
    ----------
    console : Console, optional
        Where to; by default the standard error stream.
    quiet : bool
        Say nothing at all.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._quiet = quiet

    def say(self, text: str) -> None:
        """Print one line."""
        if not self._quiet:
            self._console.print(text, markup=False)

    def track(self, results: Iterable[T], total: int, what: str) -> Iterator[T]:
        """Yield results as they come and show how many there are.

        Parameters
        ----------
        results : iterable
            Comes as the work gets done, such as joblib's generators.
        total : int
            How many there will be.
        what : str
            What they are, as in "clips".

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
                self.say(f"{what}: {done} of {total}")

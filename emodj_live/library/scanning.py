"""From folders and files to songs in the index: what is new is listened to, everything else is left alone."""

from __future__ import annotations

import os
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from emodj_live.errors import LibraryError, one_line
from emodj_live.library.analysis import Failed, Heard, Known, Outcome, Task, model_digest, note, read_model
from emodj_live.library.bookkeeping import Bookkeeping, Reuse, State, is_gone
from emodj_live.library.crew import Crew, LocalCrew
from emodj_live.library.files import FoundMedia, Problem, find_media
from emodj_live.library.index import Library, Stamp
from emodj_live.library.song import absolute, text
from emodj_live.sources.about import decoders

Progress = Callable[[int, int | None], None]
"""Called with a number of files and of how many; that is None while files are looked for."""

_SHOWN_EVERY = 256  # files that are looked at


@dataclass(slots=True)
class ScanReport:
    """What a scan did.

    Attributes
    ----------
    found : int
        Media files.
    added, changed, moved, copied, unchanged : int
        How many of them are new; were listened to again; are songs that were in another place; have the content of
        another song; and were left alone.
    vanished : int
        Songs whose files are gone, which is news.
    pruned : int
        Songs that were removed from the index.
    failures : list of Problem
        Files that are no songs, which is news.
    old_failures : int
        Files that were no songs before either.
    problems : list of Problem
        What was named and leads nowhere, and folders that cannot be read.
    notices : list of Problem
        What else is worth knowing.
    skipped_urls : int
        Addresses in playlists.
    seconds : float
        Time that it took [s].
    """

    found: int = 0
    added: int = 0
    changed: int = 0
    moved: int = 0
    copied: int = 0
    unchanged: int = 0
    vanished: int = 0
    pruned: int = 0
    failures: list[Problem] = field(default_factory=list)
    old_failures: int = 0
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)
    skipped_urls: int = 0
    seconds: float = 0.0


def scan(
    paths: Iterable[str | bytes | os.PathLike[str]],
    library: Library,
    *,
    model: str | os.PathLike[str] | None = None,
    jobs: int = -1,
    scheduler: str | None = None,
    prune: bool = False,
    log: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> ScanReport:
    """Bring the index up to date with what is in some folders, files and playlists.

    A song is in the index as soon as it was listened to. So a scan that is interrupted, however that happens, loses
    only the songs that it was listening to, and the next one goes on from there. Several scans may run at once.

    Parameters
    ----------
    paths : iterable of path-like
        As for `find_media`.
    library : Library
        The index, opened to be written to.
    model : path-like, optional
        The model file that listens; as for `load_model`. Songs that another model listened to are listened to again.
    jobs : int
        Processes to use; 1 works in this one, -1 is one per core.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://host:8786``, whose workers are used instead. They must have the
        same version of this package and see the same files under the same paths.
    prune : bool
        Whether to remove songs from the index whose files are gone, instead of only marking them.
    log : path-like, optional
        A file that gets a line when a song is begun and when it is done.
    progress : callable, optional
        Called now and then with two numbers: files so far and None while they are looked for, then files done and the
        number of those to listen to.

    Returns
    -------
    ScanReport

    Raises
    ------
    LibraryError
        If the index or the log cannot be written to, or the cluster cannot be used.
    ModelError
        If the model cannot be loaded.

    Examples
    --------
    >>> with Library("music.db") as library:  # doctest: +SKIP
    ...     report = scan(["Music"], library)
    >>> report.added, len(report.failures)  # doctest: +SKIP
    (5120, 3)
    """
    began = time.monotonic()
    named = [os.fsencode(path) for path in paths]
    data = read_model(model)
    log = None if log is None else _checked_log(log)
    books = Bookkeeping(library, model=model_digest(data), decoders=decoders())
    work = _Scan(books, log, progress or (lambda _done, _total: None), frozenset(map(absolute, named)))
    if due := work.look(find_media(named)):
        work.listen(_crew(data, jobs, scheduler, log, most=due))
    work.clear_up([absolute(path) for path in named], prune=prune)
    work.report.seconds = time.monotonic() - began
    return work.report


def _checked_log(log: str | os.PathLike[str]) -> str:
    """Return the whole path of a log that can be written."""
    try:
        with open(log, "ab"):  # noqa: PTH123 (of any path)
            return os.path.abspath(os.fspath(log))  # noqa: PTH100
    except OSError as error:
        raise LibraryError(f"{log}: cannot be written: {error.strerror or error}; choose another file.") from error


def _crew(model: bytes, jobs: int, scheduler: str | None, log: str | None, *, most: int) -> Crew:
    if scheduler is None:
        return LocalCrew(model, jobs=jobs, most=most, log=log)
    from emodj_live.library.cluster import ClusterCrew

    return ClusterCrew(model, scheduler=scheduler, log=log)


class _Scan:
    """One scan at work."""

    def __init__(self, books: Bookkeeping, log: str | None, progress: Progress, named: frozenset[bytes]) -> None:
        self.report = ScanReport()
        self._books = books
        self._log = log
        self._progress = progress
        self._named = named
        self._due: deque[tuple[bytes, Stamp]] = deque()
        self._left_alone: Counter[State] = Counter()  # after all: another scan was faster
        self._vanished: list[bytes] = []

    def look(self, found: FoundMedia) -> int:
        """Find out what there is to listen to, without opening a file, and return how many files that is.

        The files are shuffled: so scans that run at once do not listen to the same ones, the time that is left can be
        told from those that are done, and a part of a collection has something of everything in it.
        """
        report, seen, due = self.report, Counter[State](), []
        for path in found:
            if (stamp := _stamp(path)) is None:
                continue
            state = self._books.state(path, stamp)
            seen[state] += 1
            if state is State.DUE:
                due.append((path, stamp))
            if seen.total() % _SHOWN_EVERY == 0:
                self._progress(seen.total(), None)
        report.found, report.unchanged, report.old_failures = seen.total(), seen[State.UNCHANGED], seen[State.FAILED]
        report.skipped_urls = found.skipped_urls
        self._sort(found.problems)
        random.shuffle(due)
        self._due.extend(due)
        return len(due)

    def _sort(self, problems: Iterable[Problem]) -> None:
        """Tell what leads nowhere from what is known and has vanished, which is a problem only if it was named."""
        for problem in problems:
            path = problem.path
            if not (is_gone(path) and self._books.knows(path)):
                self.report.problems.append(problem)
                continue
            self._vanished.append(path)
            if path in self._named:
                reason = "is not there any more; the songs of it count as missing until a scan finds them again"
                self.report.problems.append(Problem(path, one_line(f"{text(path)}: {reason}.")))

    def listen(self, crew: Crew) -> None:
        """Listen to what is due, and write down each outcome as it comes."""
        total, done = len(self._due), 0
        self._progress(0, total)
        with crew:
            while self._due:
                with closing(crew.listen(self._tasks())) as outcomes:
                    for outcome in outcomes:
                        done += self._write(outcome)
                        self._progress(done + self._left_alone.total(), total)
        self.report.unchanged += self._left_alone[State.UNCHANGED]
        self.report.old_failures += self._left_alone[State.FAILED]

    def _tasks(self) -> Iterator[Task]:
        """Hand out the files, on whatever thread: nothing but the database, which has a lock, is shared with others."""
        while self._due:
            path, stamp = self._due.popleft()
            state = self._books.state(path, stamp)
            if state is State.DUE:
                yield self._books.task(path, stamp)
            else:
                self._left_alone[state] += 1

    def _write(self, outcome: Outcome) -> bool:
        """Write down an outcome, and return whether that is all there is to do with the file."""
        report, path = self.report, outcome.task.path
        if isinstance(outcome, Heard):
            if self._books.keep(outcome):
                report.added += 1
            else:
                report.changed += 1
            report.notices += [Problem(path, notice) for notice in outcome.notices]
        elif isinstance(outcome, Failed):
            if self._books.note_failure(outcome):
                report.failures.append(Problem(path, one_line(f"{text(path)}: {outcome.reason}")))
            else:
                report.old_failures += 1
        elif not self._reuse(outcome):
            return False
        note(self._log, "failed" if isinstance(outcome, Failed) else "done", path)
        return True

    def _reuse(self, known: Known) -> bool:
        """Write down that a file's content is known; return whether it still is."""
        reuse, report = self._books.reuse(known), self.report
        if reuse is Reuse.NONE:
            self._due.append((known.task.path, known.task.stamp))
            return False
        report.unchanged += reuse is Reuse.TOUCHED
        report.moved += reuse is Reuse.MOVED
        report.copied += reuse is Reuse.COPIED
        return True

    def clear_up(self, tops: Sequence[bytes], *, prune: bool) -> None:
        """Mark what has vanished from some folders and files, and remove it if that is wanted."""
        for top in dict.fromkeys([*tops, *self._vanished]):
            self.report.vanished += self._books.mark_vanished(top)
        for top in dict.fromkeys(tops) if prune else ():
            if self._books.knows(top, only_there=True):
                self.report.pruned += self._books.prune(top)
            elif self._books.knows(top):
                reason = (
                    "has no music any more, so its songs were kept; its drive may not be there. To remove them all the "
                    "same, scan the folder around it with --prune"
                )
                self.report.notices.append(Problem(top, one_line(f"{text(top)}: {reason}.")))


def _stamp(path: bytes) -> Stamp | None:
    """Return a file's stamp; None if it is gone since it was found."""
    try:
        return Stamp.of(path)
    except OSError:
        return None

"""``emodj-library tag``: moods and values written into the files' own tags, or taken out again."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from emodj_live.errors import one_line
from emodj_live.library.analysis import model_digest
from emodj_live.library.commands.filters import add_filters, query_of
from emodj_live.library.commands.list import why_nothing
from emodj_live.library.index import Library
from emodj_live.library.query import select
from emodj_live.library.song import Song, text
from emodj_live.library.tagging.edits import KindError, SongError
from emodj_live.library.tagging.fields import Found, Plan, to_remove, to_write
from emodj_live.library.tagging.songs import Tagger
from emodj_live.model_file import default_path
from emodj_live.sinks.lines import write_line

logger = logging.getLogger(__name__)

_TERMS = (
    "the values come from the bundled model, whose terms are non-commercial and share-alike;"
    " they hold for the tags too (models/README.md)."
)


@dataclass(slots=True)
class _Counts:
    """How many songs were looked at, changed, kept a mood of their own, failed, or cannot be tagged by their kind."""

    songs: int = 0
    changed: int = 0
    others: int = 0
    failed: int = 0
    other_kinds: int = 0

    def add(self, plan: Plan) -> None:
        self.changed += bool(plan.changes)
        self.others += plan.others_mood is not None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this subcommand.

    Parameters
    ----------
    parser : ArgumentParser
    """
    parser.add_argument("songs", nargs="*", metavar="SONG", help="id, file, or a part of title or path (default: all)")
    parser.add_argument("--write", action="store_true", help="do it; without this option it is only shown")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--force", action="store_true", help="replace a MOOD that somebody else wrote")
    kind.add_argument("--remove", action="store_true", help="take out what this program wrote, and nothing else")
    add_filters(parser)


def run(options: argparse.Namespace, library: Library) -> int:
    """Show or change the tags.

    Parameters
    ----------
    options : Namespace
    library : Library

    Returns
    -------
    int
        1 if the tags of any song could not be looked at or changed, else 0. Songs of a kind that cannot be tagged are
        only counted, unless they were named.

    Raises
    ------
    LibraryError
        If it is not clear which song is meant, or the index cannot be used.
    SinkError
        If standard output cannot be written to.
    """
    planner = _removal if options.remove else partial(to_write, is_forced=options.force)
    tagger, counts, terms = Tagger(library, planner, writes=options.write), _Counts(), _Terms(library)
    for song in _songs(options, library):
        counts.songs += 1
        try:
            plan = tagger(song)
        except SongError as error:
            if isinstance(error.__cause__, KindError) and not options.songs:
                counts.other_kinds += 1
            else:
                logger.error("%s", error)  # noqa: TRY400 (one sentence)
                counts.failed += 1
            continue
        counts.add(plan)
        if plan.changes:
            if not options.remove:
                terms.tell(song)
            write_line(sys.stdout, one_line(f"{text(song.path)}: {plan}"))
    _tell(counts, options, library, tagger.linked)
    return 1 if counts.failed else 0


def _removal(found: Found, _: Song) -> Plan:
    return to_remove(found)


def _songs(options: argparse.Namespace, library: Library) -> Iterator[Song]:
    """Yield the songs that are meant, each as the index has it by then; silence has no mood."""
    named = [library.find(name) for name in options.songs]
    chosen, gone = {song.id for song in named}, [song.id for song in named if song.is_missing]
    found = [song.id for song in select(library, query_of(options)) if not named or song.id in chosen]
    for number in [*gone, *found]:
        song = library.song(number) if number is not None else None
        if song and (options.remove or song.silence < 1):
            yield song


class _Terms:
    """Says once that values of the bundled model carry its terms."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._model: str | None = None
        self._is_told = False

    def tell(self, song: Song) -> None:
        """Say it if the song was heard by the bundled model and nothing was said yet."""
        if self._is_told:
            return
        if self._model is None:
            self._model = model_digest(default_path().read_bytes())
        rows = self._library.query("SELECT model FROM song WHERE id = ?", (song.id,))
        self._is_told = bool(rows) and rows[0]["model"] == self._model
        if self._is_told:
            logger.warning(_TERMS)


def _tell(counts: _Counts, options: argparse.Namespace, library: Library, linked: int) -> None:
    """Say what was done, or would be done."""
    if not counts.songs:
        logger.warning("%s", why_nothing(library))
    elif not options.quiet:
        sys.stderr.writelines(f"{line}\n" for line in _summary(counts, options, linked))


def _summary(counts: _Counts, options: argparse.Namespace, linked: int) -> Iterator[str]:
    same = counts.songs - counts.changed - counts.failed - counts.other_kinds
    verb, unchanged = ("untagged", "without tags of ours") if options.remove else ("tagged", "tagged already")
    parts = {
        f"{'' if options.write else 'would be '}{verb}": counts.changed,
        f"{'was' if same == 1 else 'were'} {unchanged}": same,
        f"could not be {verb}": counts.failed,
        f"{'is' if counts.other_kinds == 1 else 'are'} of a kind that cannot be tagged": counts.other_kinds,
    }
    yield "; ".join(f"{_count(number)} {what}" for what, number in parts.items() if number) + "."
    if counts.others and not options.remove:
        yield f"{_count(counts.others)} with a MOOD that somebody else wrote, which stays; --force replaces it."
    if linked:
        yield f"{linked} of the files have other hard links, which keep the song as it was."
    if counts.changed and not options.write:
        yield "Nothing was written; add --write to do it."


def _count(number: int) -> str:
    return f"{number} song" if number == 1 else f"{number} songs"

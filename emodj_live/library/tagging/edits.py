"""Changes of a file as edits: what is taken out where, and what is put in. Everything else is copied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Protocol

from emodj_live.errors import LibraryError

_PIECE = 1 << 20  # [bytes] copied at once

Changes = Mapping[str, str | None]
"""What fields shall say, by their names in capitals; None takes a field out. Fields that are not named stay."""


class TagsError(Exception):
    """Why the tags of a file cannot be read or changed: a clause about it, such as "its ID3 tag is damaged"."""


class KindError(TagsError):
    """The tags of files of this kind cannot be read or changed at all."""


class SongError(LibraryError):
    """The tags of one song cannot be looked at or changed; those of others may."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change.

    Attributes
    ----------
    begin, end : int
        What is taken out of the old file [bytes]; nothing if they are the same.
    data : bytes
        What is put in there.
    """

    begin: int
    end: int
    data: bytes = b""

    @property
    def growth(self) -> int:
        """By how much the file gets longer [bytes]."""
        return len(self.data) - (self.end - self.begin)


class Tags(Protocol):
    """The tags of a file of some kind.

    Attributes
    ----------
    found : mapping of str to list of str
        What the fields say, by their names in capitals; only free text fields need be among them.
    """

    @property
    def found(self) -> Mapping[str, list[str]]:
        """The values by their names in capitals."""
        ...

    def edits(self, changes: Changes) -> Iterable[Edit]:
        """Return the edits that make some changes, in the order of the file, or raise a `TagsError`."""
        ...


def growth(edits: Iterable[Edit]) -> int:
    """Return by how much some edits make a file longer.

    Parameters
    ----------
    edits : iterable of Edit

    Returns
    -------
    int
        [bytes]
    """
    return sum(edit.growth for edit in edits)


def edited(file: IO[bytes], edits: Iterable[Edit]) -> Iterator[bytes]:
    """Yield the pieces of the changed file.

    Parameters
    ----------
    file : binary file
        The old one.
    edits : iterable of Edit
        In the order of the file, none of them overlapping.

    Yields
    ------
    bytes
    """
    position = 0
    for edit in edits:
        if edit.begin < position:
            raise ValueError(f"edits must be in order, got {edit} at {position}")
        yield from _pieces(file, position, edit.begin)
        yield edit.data
        position = edit.end
    yield from _pieces(file, position, None)


def _pieces(file: IO[bytes], begin: int, end: int | None) -> Iterator[bytes]:
    """Yield a part of a file, up to its end if none is given."""
    file.seek(begin)
    while end is None or begin < end:
        piece = file.read(_PIECE if end is None else min(_PIECE, end - begin))
        if not piece:
            break
        begin += len(piece)
        yield piece

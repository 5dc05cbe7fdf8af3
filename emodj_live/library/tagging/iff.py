"""WAV and AIFF files: their ID3 tag is a chunk, which is changed, added or taken away.

Other chunks stay as they are; RIFF's own INFO, which has no place for a mood, is not touched.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, Literal

from emodj_live.library.tagging.edits import Changes, Edit, TagsError, growth
from emodj_live.library.tagging.id3 import Tag
from emodj_live.library.tagging.id3_fields import Id3Tags

_ORDERS: dict[bytes, Literal["little", "big"]] = {b"RIFF": "little", b"FORM": "big"}
_NAMES = {b"RIFF": b"id3 ", b"FORM": b"ID3 "}  # of a new chunk, as other programs write it
MAGICS = tuple(_ORDERS)
_HEADER = 8  # [bytes] of a chunk
_KINDS = b"WAVE", b"AIFF", b"AIFC"
_MOST_CHUNKS = 10_000


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Where a chunk is: its header, its content, and what follows it and its padding."""

    begin: int
    content_end: int
    end: int

    @property
    def content(self) -> int:
        return self.begin + _HEADER


class IffTags:
    """The fields in the ID3 chunk of a WAV or AIFF file.

    Parameters
    ----------
    file : binary file

    Raises
    ------
    TagsError
        If its chunks or its ID3 tag are damaged.
    """

    def __init__(self, file: IO[bytes]) -> None:
        file.seek(0)
        start = file.read(12)
        self._magic = start[:4]
        self._end = _HEADER + self._number(start[4:8])
        if start[8:12] not in _KINDS or self._end > file.seek(0, io.SEEK_END):
            raise TagsError("its length is not what it says")
        self._chunk = chunk = find_chunk(file)
        try:
            tag = Tag(file, chunk.content) if chunk else None
        except ValueError:
            raise TagsError("its ID3 tag is damaged") from None
        if tag and chunk and tag.end > chunk.content_end:
            raise TagsError("its ID3 tag is damaged")
        self._tag = Id3Tags(tag)

    @property
    def found(self) -> dict[str, list[str]]:
        """The values by their names in capitals."""
        return self._tag.found

    def edits(self, changes: Changes) -> list[Edit]:
        """Return the edits that make some changes, in the order of the file.

        Parameters
        ----------
        changes : mapping

        Returns
        -------
        list of Edit
        """
        edits = self._tag.edits(changes)
        if edits:
            edits = self._changed(self._chunk, edits) if self._chunk else self._added(edits[0].data)
        size = self._end - _HEADER + growth(edits)
        return [Edit(4, 8, self._bytes(size)), *edits] if edits else []

    def _added(self, data: bytes) -> list[Edit]:
        """Return the edit that adds a chunk."""
        before = b"\0" * (self._end % 2)
        chunk = _NAMES[self._magic] + self._bytes(len(data)) + data + b"\0" * (len(data) % 2)
        return [Edit(self._end, self._end, before + chunk)]

    def _changed(self, chunk: _Chunk, edits: list[Edit]) -> list[Edit]:
        """Return the edits of the chunk for those of the tag in it."""
        if edits == [Edit(chunk.content, chunk.content_end)]:
            return [Edit(chunk.begin, chunk.end)]
        size = chunk.content_end - chunk.content + growth(edits)
        number = Edit(chunk.begin + 4, chunk.content, self._bytes(size))
        return [number, *edits, Edit(chunk.content_end, chunk.end, b"\0" * (size % 2))]

    def _number(self, field: bytes) -> int:
        return int.from_bytes(field, _ORDERS[self._magic])

    def _bytes(self, number: int) -> bytes:
        if number >= 1 << 32:
            raise TagsError("it is too large for more")
        return number.to_bytes(4, _ORDERS[self._magic])


def find_chunk(file: IO[bytes]) -> _Chunk | None:
    """Return the ID3 chunk of a file, if it has one.

    Parameters
    ----------
    file : binary file
        That begins with one of the `MAGICS`.

    Returns
    -------
    _Chunk or None

    Raises
    ------
    TagsError
        If the chunks do not fit in.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    order = _ORDERS[file.read(4)]
    end = min(size, _HEADER + int.from_bytes(file.read(4), order))
    begin, found = 12, None
    for _ in range(_MOST_CHUNKS):
        file.seek(begin)
        header = file.read(_HEADER)
        if begin == end:
            return found
        size = int.from_bytes(header[4:], order)
        content_end = begin + _HEADER + size
        if len(header) < _HEADER or content_end > end:
            break
        after = min(content_end + size % 2, end)
        if header[:4].upper() == b"ID3 " and found is None:
            found = _Chunk(begin, content_end, after)
        begin = after
    raise TagsError("its chunks are damaged")

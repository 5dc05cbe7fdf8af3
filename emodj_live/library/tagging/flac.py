"""FLAC files: their Vorbis comments are a block of metadata, and all other blocks stay as they are.

The layout is that of RFC 9639. An ID3 tag in front is passed over: it is not FLAC's own, and players read the comments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from emodj_live.library.tagging.edits import Changes, Edit, TagsError
from emodj_live.library.tagging.vorbis import Comments, block

MAGIC = b"fLaC"
_COMMENTS = 4  # the type of a block
_LAST = 0x80
_HEADER = 4  # [bytes] of a block
_LARGEST = (1 << 24) - 1  # [bytes] of a block
_MOST_BLOCKS = 10_000
_VENDOR = b"emodj-live"
_DAMAGED = "its FLAC metadata are damaged"


@dataclass(frozen=True, slots=True)
class _Block:
    """Where a block of metadata is, header included."""

    kind: int
    is_last: bool
    begin: int
    end: int


class FlacTags:
    """The Vorbis comments of a FLAC file.

    Parameters
    ----------
    file : binary file
    begin : int
        Where FLAC begins in the file, after an ID3 tag [bytes].

    Raises
    ------
    TagsError
        If the metadata are damaged.
    """

    def __init__(self, file: IO[bytes], begin: int = 0) -> None:
        blocks = _blocks(file, begin + len(MAGIC))
        self._first = blocks[0]
        self._block = next((block for block in blocks if block.kind == _COMMENTS), None)
        self._comments = Comments(_content(file, self._block) if self._block else block(_VENDOR, []))

    @property
    def found(self) -> dict[str, list[str]]:
        """The values by their names in capitals."""
        return self._comments.found

    def edits(self, changes: Changes) -> list[Edit]:
        """Return the edits that make some changes, in the order of the file.

        Parameters
        ----------
        changes : mapping

        Returns
        -------
        list of Edit
        """
        content = self._comments.changed(changes)
        if len(content) > _LARGEST:
            raise TagsError("its Vorbis comments are too large for more")
        if self._block is None:
            return self._new_block(content)
        if content == block(_VENDOR, []) and self._block.begin == self._first.end:  # it was made here
            return self._no_block(self._block)
        data = _header(_COMMENTS, self._block.is_last, len(content)) + content
        return [Edit(self._block.begin, self._block.end, data)]

    def _new_block(self, content: bytes) -> list[Edit]:
        """Add a block after the first one, which has to be first."""
        first = self._first
        data = _header(_COMMENTS, first.is_last, len(content)) + content
        return [Edit(first.begin, first.begin + 1, bytes([first.kind])), Edit(first.end, first.end, data)]

    def _no_block(self, old: _Block) -> list[Edit]:
        """Take out the block that follows the first one, which is the last one now if that was."""
        first = self._first
        mark = bytes([first.kind | (_LAST if old.is_last else 0)])
        return [Edit(first.begin, first.begin + 1, mark), Edit(old.begin, old.end)]


def _blocks(file: IO[bytes], begin: int) -> list[_Block]:
    """Return the blocks of metadata, of which the first one is the stream's."""
    size = file.seek(0, 2)
    blocks: list[_Block] = []
    while not blocks or not blocks[-1].is_last:
        file.seek(begin)
        header = file.read(_HEADER)
        end = begin + _HEADER + int.from_bytes(header[1:], "big")
        if len(header) < _HEADER or end > size or len(blocks) == _MOST_BLOCKS:
            raise TagsError(_DAMAGED)
        blocks.append(_Block(header[0] & ~_LAST, bool(header[0] & _LAST), begin, end))
        begin = end
    if blocks[0].kind:
        raise TagsError(_DAMAGED)
    return blocks


def _content(file: IO[bytes], place: _Block) -> bytes:
    file.seek(place.begin + _HEADER)
    return file.read(place.end - place.begin - _HEADER)


def _header(kind: int, is_last: bool, size: int) -> bytes:
    return bytes([kind | (_LAST if is_last else 0)]) + size.to_bytes(3, "big")

"""MP4 files (m4a): fields are items of the list in moov/udta/meta/ilst, in the free form ----:com.apple.iTunes:NAME.

The layout is that of ISO/IEC 14496-12 and of Apple's iTunes metadata. What the list gets longer moves what follows it,
so the sizes of the boxes around it are changed, and the places of those chunks of audio that move.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from emodj_live.library.tagging.edits import Changes, Edit, TagsError, growth

MAGIC = b"ftyp"  # after the four bytes of its size
_MEAN = b"com.apple.iTunes"
_TEXT = 1  # the type of an item's data: UTF-8
_LARGEST_ITEM = 1 << 16  # [bytes] of a field
_MOST_BOXES = 100_000
_LARGEST_TABLE = 1 << 26  # [bytes] of the places of chunks
_UNKNOWN = {b"moof", b"mfra", b"meta"}  # boxes beside moov that hold places too
_TABLES = {b"stco": "I", b"co64": "Q"}  # the places of chunks
_HANDLER = bytes(8) + b"mdirappl" + bytes(8) + b"emodj-live\0"  # by which boxes that were made here are known again
_DAMAGED = "its MP4 boxes are damaged"


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a box is, and where its content begins."""

    kind: bytes
    begin: int
    content: int
    end: int
    is_open: bool = False  # its size is not in the file: it goes to the end

    def grown(self, growth: int) -> Edit | None:
        """Return the edit of its size, if it has one."""
        if self.is_open or not growth:
            return None
        size = self.end - self.begin + growth
        if self.content - self.begin >= 16:
            return Edit(self.begin + 8, self.begin + 16, size.to_bytes(8, "big"))
        if size >= 1 << 32:
            raise TagsError("its MP4 boxes are too large for more")
        return Edit(self.begin, self.begin + 4, size.to_bytes(4, "big"))


class Mp4Tags:
    """The free form items of an MP4 file.

    Parameters
    ----------
    file : binary file

    Raises
    ------
    TagsError
        If its boxes are damaged, or hold places that are not known here.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        top = list(_boxes(file, 0, file.seek(0, 2), is_top=True))
        movies = [box for box in top if box.kind == b"moov"]
        if len(movies) != 1:
            raise TagsError(_DAMAGED)
        if any(box.kind in _UNKNOWN for box in top):
            raise TagsError("it is a fragmented MP4 file, whose tags cannot be written")
        self._movie = movies[0]
        self._around = _list_of_items(file, self._movie)
        self._items = [(box, *_field(file, box)) for box in self._children(b"ilst")]

    def _children(self, kind: bytes) -> list[_Box]:
        """Return what is in the list of items, if there is one."""
        place = self._around[-1]
        return list(_boxes(self._file, place.content, place.end)) if place.kind == kind else []

    @property
    def found(self) -> dict[str, list[str]]:
        """The values by their names in capitals."""
        values: dict[str, list[str]] = {}
        for _, name, texts in self._items:
            if name:
                values.setdefault(name, []).extend(texts)
        return values

    def edits(self, changes: Changes) -> list[Edit]:
        """Return the edits that make some changes, in the order of the file.

        Parameters
        ----------
        changes : mapping

        Returns
        -------
        list of Edit
        """
        removed = [Edit(box.begin, box.end) for box, name, _ in self._items if name in changes]
        items = b"".join(_item(name, value) for name, value in changes.items() if value is not None)
        edits = self._inside(removed, items)
        at, size = edits[0].begin if edits else 0, growth(edits)
        sizes = [edit for box in self._around_of(edits) if (edit := box.grown(size))]
        return sorted([*edits, *sizes, *self._moved(at, size)], key=lambda edit: (edit.begin, edit.end))

    def _inside(self, removed: list[Edit], items: bytes) -> list[Edit]:
        """Return the edits of the list of items. Missing boxes around it are made, and go away with the last item."""
        place = self._around[-1]
        if place.kind == b"ilst":
            whole = self._made_here(removed) if not items else None
            return [whole] if whole else [*removed, *([Edit(place.end, place.end, items)] if items else [])]
        if not items:
            return []
        if place.kind != b"udta":  # it has to consist of boxes up to its end, where another one follows
            list(_boxes(self._file, place.content, place.end))
        missing = {b"moov": (b"udta", b"meta", b"ilst"), b"udta": (b"meta", b"ilst"), b"meta": (b"ilst",)}[place.kind]
        at = place.content if place.kind == b"udta" else place.end  # a terminator may end an udta
        return [Edit(at, at, _nested(missing, items))]

    def _made_here(self, removed: list[Edit]) -> Edit | None:
        """Return the edit that takes away the boxes around the last items, if they were made here."""
        if len(removed) < len(self._items):
            return None
        _, user, meta, listed = self._around
        self._file.seek(meta.begin)
        data = self._file.read(listed.end - meta.begin)
        items = data[len(data) - (listed.end - listed.content) :] if self._items else b""
        if meta.end > listed.end or data != _nested((b"meta", b"ilst"), items):
            return None
        is_alone = (user.content, user.end) == (meta.begin, meta.end)
        return Edit(user.begin, user.end) if is_alone else Edit(meta.begin, meta.end)

    def _around_of(self, edits: list[Edit]) -> list[_Box]:
        """Return the boxes that all edits are inside of."""
        return [box for box in self._around if all(box.content <= edit.begin and edit.end <= box.end for edit in edits)]

    def _moved(self, at: int, size: int) -> Iterator[Edit]:
        """Yield the edits of the places of chunks: those beyond a place move."""
        for table in _tables(self._file, self._movie) if size else ():
            self._file.seek(table.content + 4)
            content = self._file.read(min(table.end - table.content - 4, _LARGEST_TABLE + 1))
            letter = _TABLES[table.kind]
            count = int.from_bytes(content[:4], "big")
            if len(content) > _LARGEST_TABLE or count > (len(content) - 4) // struct.calcsize(letter):
                raise TagsError(_DAMAGED)
            places = struct.unpack_from(f">{count}{letter}", content, 4)
            moved = [place + size if place > at else place for place in places]
            if letter == "I" and max(moved, default=0) >= 1 << 32:
                raise TagsError("its MP4 boxes are too large for more")
            begin = table.content + 8
            yield Edit(begin, begin + count * struct.calcsize(letter), struct.pack(f">{count}{letter}", *moved))


def _boxes(file: IO[bytes], begin: int, end: int, *, is_top: bool = False) -> Iterator[_Box]:
    """Yield the boxes that make up a part of a file; at the top the last one may have no size."""
    for _ in range(_MOST_BOXES):
        if begin >= end:
            return
        file.seek(begin)
        header = file.read(16)
        size, kind, content = int.from_bytes(header[:4], "big"), header[4:8], begin + 8
        if size == 1:
            size, content = int.from_bytes(header[8:16], "big"), begin + 16
        is_open = size == 0 and is_top
        after = end if is_open else begin + size
        if len(header) < 8 or after < content or after > end:
            raise TagsError(_DAMAGED)
        yield _Box(kind, begin, content, after, is_open)
        begin = after
    raise TagsError(_DAMAGED)


def _child(file: IO[bytes], parent: _Box, kind: bytes) -> _Box | None:
    """Return the first box of a kind in another one; zeros at its end are no box."""
    position = parent.content
    while parent.end - position >= 8:
        file.seek(position)
        if not any(file.read(4)):
            break
        box = next(_boxes(file, position, parent.end))
        if box.kind == kind:
            return box
        position = box.end
    return None


def _list_of_items(file: IO[bytes], movie: _Box) -> list[_Box]:
    """Return the boxes from moov down to ilst, or as far as there are any."""
    around = [movie]
    for kind in (b"udta", b"meta", b"ilst"):
        box = _child(file, around[-1], kind)
        if box is None:
            break
        around.append(_checked_meta(file, box) if kind == b"meta" else box)
    return around


def _checked_meta(file: IO[bytes], box: _Box) -> _Box:
    """Return a meta box whose content begins with its first box: after version and flags, which some leave out."""
    file.seek(box.content + 4)
    content = box.content if file.read(4) == b"hdlr" else box.content + 4
    whole = _Box(box.kind, box.begin, content, box.end, box.is_open)
    handler = _child(file, whole, b"hdlr")
    file.seek(handler.content + 8 if handler else 0)
    if file.read(4) != b"mdir":
        raise TagsError("its metadata are QuickTime's, which cannot be written")
    return whole


def _field(file: IO[bytes], item: _Box) -> tuple[str, list[str]]:
    """Return the name of a free form item in capitals and its texts; an empty name if it is another item."""
    if item.kind != b"----" or item.end - item.begin > _LARGEST_ITEM:
        return "", []
    mean, name, texts = b"", b"", []
    for box in _boxes(file, item.content, item.end):
        file.seek(box.content)
        content = file.read(box.end - box.content)
        if box.kind == b"mean":
            mean = content[4:]
        elif box.kind == b"name":
            name = content[4:]
        elif box.kind == b"data":
            texts.append(content[8:].decode("utf-8", "replace"))
    return (name.decode("utf-8", "replace").upper(), texts) if mean == _MEAN else ("", [])


def _tables(file: IO[bytes], movie: _Box) -> Iterator[_Box]:
    """Yield the tables of the places of chunks, one for each track."""
    for track in _boxes_of(file, movie, b"trak"):
        place: _Box | None = track
        for kind in (b"mdia", b"minf", b"stbl"):
            place = _child(file, place, kind) if place else None
        inside = list(_boxes(file, place.content, place.end)) if place else []
        if any(box.kind == b"saio" for box in inside):
            raise TagsError("it is an encrypted MP4 file, whose tags cannot be written")
        yield from (box for box in inside if box.kind in _TABLES)


def _boxes_of(file: IO[bytes], parent: _Box, kind: bytes) -> Iterator[_Box]:
    return (box for box in _boxes(file, parent.content, parent.end) if box.kind == kind)


def _item(name: str, value: str) -> bytes:
    """Return a free form item."""
    parts = [(b"mean", bytes(4) + _MEAN), (b"name", bytes(4) + name.encode())]
    data = (b"data", _TEXT.to_bytes(4, "big") + bytes(4) + value.encode())
    return _box(b"----", b"".join(_box(kind, content) for kind, content in [*parts, data]))


def _nested(kinds: tuple[bytes, ...], content: bytes) -> bytes:
    """Return boxes in one another, around some content."""
    for kind in reversed(kinds):
        before = bytes(4) + _box(b"hdlr", _HANDLER) if kind == b"meta" else b""
        content = _box(kind, before + content)
    return content


def _box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content

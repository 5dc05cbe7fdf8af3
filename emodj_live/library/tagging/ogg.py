"""Ogg files: Vorbis, Opus, FLAC and Speex, each with Vorbis comments in a stream's second packet.

The layout is that of RFC 3533. Packets are cut into pages; a comment that gets longer changes the page in which the
packet of comments ends. Only if that page is full then, another one follows it, and all later pages of the stream are
numbered anew. Other streams in the file are left alone, and so are later ones that follow in a chain.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO

from emodj_live.library.tagging.edits import Changes, Edit, TagsError
from emodj_live.library.tagging.vorbis import Comments

MAGIC = b"OggS"
_HEADER = 27  # [bytes] of a page without its lacing values
_CONTINUED, _FIRST, _LAST = 1, 2, 4  # a page's flags
_NO_PACKET_ENDS = b"\xff" * 8  # a page's position, if none does
_CHECKSUM = slice(22, 26)  # of a page
_MOST_LACING = 255  # of a page
_MOST_PAGES = 256  # of comments: 16 MB
_HEADS = {b"\x01vorbis": b"\x03vorbis", b"OpusHead": b"OpusTags", b"\x7fFLAC": b"\x04", b"Speex   ": b""}
"""What a stream's first packet begins with, and its second one."""
_FLAC_HEADER = 4  # [bytes] of a block of FLAC's metadata: its kind and its size
_DAMAGED = "its Ogg pages are damaged"
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))  # each byte's bits, for the checksum


@dataclass(frozen=True, slots=True)
class _Page:
    """One page; `begin` is where it is in the file."""

    begin: int
    flags: int
    position: bytes
    serial: bytes
    number: int
    lacing: bytes
    body: bytes
    checksum: bytes = b""  # that it has in the file

    @property
    def end(self) -> int:
        return self.begin + _HEADER + len(self.lacing) + len(self.body)

    def data(self) -> bytes:
        """Return its bytes, with the right checksum."""
        start = MAGIC + b"\0" + bytes([self.flags]) + self.position + self.serial + self.number.to_bytes(4, "little")
        rest = bytes([len(self.lacing)]) + self.lacing + self.body
        return start + _checksum(start + bytes(4) + rest) + rest

    def checked(self) -> _Page:
        """Return it, unless its checksum is wrong: a new one would hide that."""
        if self.data()[_CHECKSUM] != self.checksum:
            raise TagsError(_DAMAGED)
        return self


class OggTags:
    """The Vorbis comments of the first stream of an Ogg file that has any.

    Parameters
    ----------
    file : binary file

    Raises
    ------
    TagsError
        If there is no such stream, or its first pages are damaged.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        first, head = _first_page(file)
        self._pages = _header_pages(file, first)
        size, lacing_count = _packet(self._pages)
        self._after = self._pages[-1].lacing[lacing_count:]  # the lacing of what follows in the last page
        data = b"".join(page.body for page in self._pages)
        packet, self._rest = data[:size], data[size:]
        self._is_flac = head == _HEADS[b"\x7fFLAC"]
        if not (packet.startswith(head) or (self._is_flac and packet[:1] == b"\x84")):
            raise TagsError(_DAMAGED)
        begin = _FLAC_HEADER if self._is_flac else len(head)
        self._head, self._comments = packet[:begin], Comments(packet[begin:])

    @property
    def found(self) -> dict[str, list[str]]:
        """The values by their names in capitals."""
        return self._comments.found

    def edits(self, changes: Changes) -> Iterator[Edit]:
        """Yield the edits that make some changes, in the order of the file.

        Parameters
        ----------
        changes : mapping

        Yields
        ------
        Edit
        """
        content = self._comments.changed(changes)
        packet = (self._head[:1] + len(content).to_bytes(3, "big") if self._is_flac else self._head) + content
        pages = self._paged(_lacing(len(packet)), packet + self._rest)
        old = self._pages
        for index, page in enumerate(old):
            last = index == len(old) - 1
            new = pages[index:] if last else pages[index : index + 1]
            yield Edit(page.begin, page.end, b"".join(each.data() for each in new))
        if len(pages) != len(old):
            yield from self._renumbered(old[-1], len(pages) - len(old))

    def _paged(self, lacing: bytes, data: bytes) -> list[_Page]:
        """Cut the packet of comments and what follows it into pages, each as long as before if that is possible."""
        cut: list[bytes] = []
        for page in self._pages[:-1]:
            if len(lacing) > len(page.lacing):
                cut.append(lacing[: len(page.lacing)])
                lacing = lacing[len(page.lacing) :]
        lacing += self._after
        cut += [lacing[begin : begin + _MOST_LACING] for begin in range(0, len(lacing), _MOST_LACING)]
        return self._made(cut, data)

    def _made(self, cut: list[bytes], data: bytes) -> list[_Page]:
        """Make pages of lacing values and bytes."""
        old, pages, position = self._pages, [], 0
        for index, lacing in enumerate(cut):
            is_continued = index > 0 and cut[index - 1][-1] == 255
            is_last = index == len(cut) - 1 and old[-1].flags & _LAST
            flags = (_CONTINUED if is_continued else 0) | (_LAST if is_last else 0)
            body = data[position : position + sum(lacing)]
            position += len(body)
            number = (old[0].number + index) & 0xFFFFFFFF
            pages.append(_Page(0, flags, self._granule(index, lacing), old[0].serial, number, lacing, body))
        return pages

    def _granule(self, index: int, lacing: bytes) -> bytes:
        """Return the position in the stream that a page says: as before, unless another packet ends in it."""
        ends = min(lacing) < 255
        if index < len(self._pages) and ends == (min(self._pages[index].lacing) < 255):
            return self._pages[index].position
        return self._pages[-1].position if ends else _NO_PACKET_ENDS

    def _renumbered(self, page: _Page, shift: int) -> Iterator[Edit]:
        """Yield the edits that number the later pages of the stream anew."""
        serial, is_last = page.serial, bool(page.flags & _LAST)
        following = _pages(self._file, page.end)
        while not is_last and (next_page := next(following, None)):
            if next_page.serial != serial:
                continue
            if next_page.flags & _FIRST:  # another stream of the same name
                return
            is_last = bool(next_page.flags & _LAST)
            numbered = replace(next_page.checked(), number=(next_page.number + shift) & 0xFFFFFFFF)
            yield Edit(next_page.begin + 18, next_page.begin + 26, numbered.data()[18:26])


def _pages(file: IO[bytes], begin: int) -> Iterator[_Page]:
    """Yield pages up to the end of the file, or where it was cut off."""
    while True:
        file.seek(begin)
        header = file.read(_HEADER)
        if len(header) < _HEADER:
            return
        if header[:4] != MAGIC or header[4]:
            raise TagsError(_DAMAGED)
        lacing = file.read(header[26])
        body = file.read(sum(lacing))
        if len(body) < sum(lacing) or len(lacing) < header[26]:
            return
        number = int.from_bytes(header[18:22], "little")
        page = _Page(begin, header[5], header[6:14], header[14:18], number, lacing, body, header[_CHECKSUM])
        yield page
        begin = page.end


def _first_page(file: IO[bytes]) -> tuple[_Page, bytes]:
    """Return the first page of the stream with comments, and what the packet of these begins with."""
    for page in _pages(file, 0):
        if not page.flags & _FIRST:
            break
        for magic, head in _HEADS.items():
            if page.body.startswith(magic):
                return page, head
    raise TagsError("it has no stream of Vorbis, Opus, FLAC or Speex")


def _header_pages(file: IO[bytes], first: _Page) -> list[_Page]:
    """Return the pages from the beginning to the end of the second packet of a stream."""
    found: list[_Page] = []
    for page in _pages(file, first.end):
        if page.serial == first.serial:
            found.append(page.checked())
            if min(page.lacing, default=0) < 255:
                break
        if len(found) == _MOST_PAGES:
            break
    if found and found[-1].lacing and min(found[-1].lacing) < 255:
        return found
    raise TagsError(_DAMAGED)


def _packet(pages: list[_Page]) -> tuple[int, int]:
    """Return the size of the packet that ends in the last page, and how many lacing values it has there."""
    lacing = pages[-1].lacing
    count = next(index for index, value in enumerate(lacing) if value < 255) + 1
    return sum(len(page.body) for page in pages[:-1]) + sum(lacing[:count]), count


def _lacing(size: int) -> bytes:
    return b"\xff" * (size // 255) + bytes([size % 255])


def _checksum(data: bytes) -> bytes:
    """Return Ogg's checksum: that of zlib, but with the bits of each byte in the other order, and begun with 0."""
    reversed_sum = ~zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF) & 0xFFFFFFFF
    return reversed_sum.to_bytes(4, "big").translate(_REVERSED)

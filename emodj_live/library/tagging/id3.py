"""ID3v2 tags as a list of frames that stay as they are. It reads headers, and skips contents.

A tag may be any size, and a frame in it may be compressed a thousandfold or hold a large picture. So nothing is read
but the frames' headers and what is asked for. The layout is that of id3.org's ID3v2.2, ID3v2.3.0 and ID3v2.4.0.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

HEADER = 10  # [bytes] of a tag's header
_UNSYNCHRONIZED, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10  # a tag's flags
_COMPRESSED = 0x40  # in version 2.2
_PACKED = {2: 0x0000, 3: 0x00C0, 4: 0x000C}  # a frame's flags by version: compressed or encrypted
_GROUP = {2: 0x0000, 3: 0x0020, 4: 0x0040}  # a byte precedes its content
_LENGTH, _FRAME_UNSYNCHRONIZED = 0x0001, 0x0002  # in version 2.4: four bytes precede it; it is unsynchronized
_NAME = {2: re.compile(rb"[A-Z0-9]{3}"), 3: re.compile(rb"[A-Z0-9]{3}[A-Z0-9 \0]"), 4: re.compile(rb"[A-Z0-9]{4}")}
_SYNCHRONIZED = re.compile(rb"\xff[\xe0-\xff]")  # looks like the beginning of sound
_MOST_FRAMES = 10_000
_LARGEST_DECODED = 1 << 23  # [bytes] of a tag that can only be read as a whole


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a frame is in the body of a tag.

    Attributes
    ----------
    name : str
        Such as "TIT2"; three letters in version 2.2.
    begin, content, end : int
        Its header, what follows, and its end, counted from the beginning of the tag's body [bytes].
    flags : int
        Of the header.
    """

    name: str
    begin: int
    content: int
    end: int
    flags: int = 0


class Tag:
    """An ID3v2 tag in a file.

    Parameters
    ----------
    file : binary file
    begin : int
        Where the tag begins in the file [bytes].

    Attributes
    ----------
    begin, end : int
        Where it is in the file [bytes], padding and footer included.
    version : int
        2, 3 or 4.
    flags : int
        Of the header.
    has_footer : bool
        Whether its end repeats the header.
    is_decoded : bool
        Whether the body in the file is coded: versions before 2.4 are unsynchronized as a whole.
    size : int
        Of the body, decoded [bytes].
    frames : list of Frame
        In their order in the file, up to where they end or are damaged.
    is_whole : bool
        Nothing but padding follows the frames.

    Raises
    ------
    ValueError
        If there is none, or none that can be read.
    """

    def __init__(self, file: IO[bytes], begin: int = 0) -> None:
        self.begin = begin
        file.seek(begin)
        header = file.read(HEADER)
        if len(header) < HEADER or header[:3] != b"ID3" or header[3] not in _NAME or max(header[6:]) > 127:
            raise ValueError("no ID3v2 tag")
        self.version, self.flags = header[3], header[5]
        if self.version == 2 and self.flags & _COMPRESSED:
            raise ValueError("a compressed tag")
        size = _sync_safe(header[6:])
        self.has_footer = bool(self.version == 4 and self.flags & _FOOTER)
        self.end = begin + HEADER + size + (HEADER if self.has_footer else 0)
        self.is_decoded = False
        self._body, self._origin, self.size = self._open(file, size)
        self.frames: list[Frame] = []
        self.is_whole = self._find_frames()

    def _open(self, file: IO[bytes], size: int) -> tuple[IO[bytes], int, int]:
        """Return where to read the tag's body: the file, the offset of the body in it, and its size."""
        if self.version == 4 or not self.flags & _UNSYNCHRONIZED:
            return file, self.begin + HEADER, size
        if size > _LARGEST_DECODED:
            raise ValueError("too large a tag")
        coded = file.read(size)
        if _SYNCHRONIZED.search(coded):  # some set the flag and do not code anything
            return file, self.begin + HEADER, size
        self.is_decoded = True
        body = coded.replace(b"\xff\x00", b"\xff")
        return io.BytesIO(body), 0, len(body)

    def read(self, begin: int, end: int) -> bytes:
        """Return a part of the body.

        Parameters
        ----------
        begin, end : int
            Counted from the beginning of the body [bytes].

        Returns
        -------
        bytes
            Fewer at the end of the file.
        """
        self._body.seek(self._origin + begin)
        return self._body.read(max(0, min(end, self.size) - begin))

    @property
    def first(self) -> int:
        """Where the frames begin in the body: after the extended header, if there is one."""
        if self.version == 2 or not self.flags & _EXTENDED:
            return 0
        start = self.read(0, 4)
        if _NAME[self.version].fullmatch(start):  # some set the flag and write no such header
            return 0
        return _sync_safe(start) if self.version == 4 else 4 + int.from_bytes(start, "big")

    def _find_frames(self) -> bool:
        """Note where the frames are, and return whether nothing but padding follows them."""
        position = self.first
        while position < self.size and len(self.frames) < _MOST_FRAMES:
            frame = self._frame(position)
            if frame is None:
                return not any(self.read(position, position + HEADER))
            self.frames.append(frame)
            position = frame.end
        return position == self.size

    def _frame(self, begin: int) -> Frame | None:
        """Return the frame that begins there, if there is one that fits in."""
        letters = 3 if self.version == 2 else 4
        header = self.read(begin, begin + (6 if self.version == 2 else HEADER))
        name = header[:letters]
        if len(header) < 2 * letters or not _NAME[self.version].fullmatch(name):
            return None
        flags = 0 if self.version == 2 else struct.unpack(">H", header[8:10].rjust(2, b"\0"))[0]
        content = begin + len(header)
        end = content + self._length(header[letters : 2 * letters], content)
        return Frame(name.decode("ascii").rstrip(" \0"), begin, content, end, flags) if end <= self.size else None

    def _length(self, field: bytes, begin: int) -> int:
        """Return the length of a content; some programs write version 2.4's in the manner of version 2.3."""
        plain = int.from_bytes(field, "big")
        if self.version != 4 or plain < 128:
            return plain
        if max(field) > 127 or not self._may_follow(begin + _sync_safe(field)):
            return plain
        return _sync_safe(field)

    def _may_follow(self, position: int) -> bool:
        """Return whether a frame, padding, or the end of the tag is there."""
        if position >= self.size:
            return position == self.size
        start = self.read(position, position + 4)
        return not any(start) or bool(_NAME[self.version].fullmatch(start))

    def is_packed(self, frame: Frame) -> bool:
        """Return whether a frame's content is compressed or encrypted.

        Parameters
        ----------
        frame : Frame

        Returns
        -------
        bool
        """
        return bool(frame.flags & _PACKED[self.version])

    def content(self, frame: Frame) -> bytes:
        """Return a frame's content as it is meant.

        Parameters
        ----------
        frame : Frame
            One that is not packed.

        Returns
        -------
        bytes
        """
        begin = frame.content + (1 if frame.flags & _GROUP[self.version] else 0)
        begin += 4 if self.version == 4 and frame.flags & _LENGTH else 0
        data = self.read(begin, frame.end)
        is_coded = self.version == 4 and (frame.flags & _FRAME_UNSYNCHRONIZED or self.flags & _UNSYNCHRONIZED)
        return data.replace(b"\xff\x00", b"\xff") if is_coded else data

    def only(self, names: Sequence[str], largest: int) -> bytes:
        """Return a small tag that has just some of the frames.

        Parameters
        ----------
        names : sequence of str
        largest : int
            Length up to which a frame is of interest [bytes].

        Returns
        -------
        bytes
            A tag of the same version, without extended header and padding.
        """
        wanted = (frame for frame in self.frames if frame.name in names and not self.is_packed(frame))
        kept = [frame for frame in wanted if frame.end - frame.begin <= largest]
        body = b"".join(self.read(frame.begin, frame.end) for frame in kept)
        flags = self.flags & _UNSYNCHRONIZED if self.version == 4 else 0
        return header(self.version, flags, len(body)) + body


def header(version: int, flags: int, size: int) -> bytes:
    """Return the header of a tag.

    Parameters
    ----------
    version : int
        2, 3 or 4.
    flags : int
    size : int
        Of its body [bytes], less than 2**28.

    Returns
    -------
    bytes
    """
    digits = bytes(size >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, flags]) + digits


def _sync_safe(field: bytes) -> int:
    """Return a number that is written with seven bits a byte."""
    number = 0
    for byte in field:
        number = number << 7 | byte & 127
    return number

"""Where the next part of a joined file begins, as in ``cat a.mp3 b.mp3`` or a chained Ogg.

A decoder ends where the first part does. What follows is found here by its bytes alone; nothing is decoded.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO

_LARGEST_JUNK = 1 << 20  # [bytes] without any mp3 frame, after which the search is given up
_MOST_TAGS = 100  # between two parts
_MP3_READ_AHEAD = 4  # [bytes] of the next frame that the decoder may have looked at before it ended
_OGG_READ_AHEAD = 1 << 16  # [bytes]
_PADDING_FRAMES = 3  # that an encoder may add to the end of a part, and that a decoder leaves out

_FRAME_HEADER = rb"\xff(?=[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef])"  # MPEG 2.5, 2 or 1, layer 3
_FRAME_OR_TAG = re.compile(_FRAME_HEADER + rb"|ID3[\2-\4]|APETAGEX")
_DESCRIPTIONS = (b"Xing", b"Info", b"VBRI")  # mark an mp3's first frame, which holds no audio
_DESCRIPTION_ENDS = 40  # [bytes] after the beginning of the frame
_OGG_BEGINNING = re.compile(rb"OggS\0[\2\3\6\7]")

_KILOBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_LOW_RATES = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = (44100, 48000, 32000)  # [Hz] of MPEG 1
_SAME_IN_ALL_FRAMES = 0xFFFE0C00  # bits of a header: synchronization, version, layer, sample rate


@dataclass(frozen=True, slots=True)
class Next:
    """What follows a part of a file.

    Attributes
    ----------
    begin : int or None
        Where the next part begins [bytes]; None if there is none.
    lost : int
        How much before it, or to the end of the file, cannot be decoded [bytes]. Tags do not count.
    """

    begin: int | None
    lost: int


def next_part(file: IO[bytes], kind: str, begin: int, stopped: int) -> Next:
    """Find what follows a part of a file.

    Parameters
    ----------
    file : binary file
        Its position is lost.
    kind : str
        libsndfile's name of the part's format. Only MP3 and OGG files have several parts.
    begin : int
        Where the part begins [bytes].
    stopped : int
        Up to where its decoder has read [bytes]; `begin` if it cannot be decoded at all.

    Returns
    -------
    Next
    """
    if kind == "MP3":
        end = _end_of_audio(file)
        return _next_mp3(file, max(begin + 1, min(stopped, end) - _MP3_READ_AHEAD), end)
    if kind == "OGG":
        return _next_ogg(file, begin, stopped)
    return Next(None, 0)


def leading_tag_size(file: IO[bytes]) -> int:
    """Return the size of the ID3v2 tag at the beginning of a file [bytes]; 0 if there is none."""
    return _tag_size(_read(file, 0, 32))


def remaining_audio(file: IO[bytes], stopped: int) -> int:
    """Return how much of an mp3 follows a position, without the tags at the end [bytes]."""
    return max(0, _end_of_audio(file) - stopped)


# ------------------------------------------------------------------------------------------------------------------ mp3


def _next_mp3(file: IO[bytes], position: int, end: int) -> Next:
    """Find the next two frames in a row; before them there may be tags and a limited amount of junk."""
    lost = 0
    for _ in range(_MOST_TAGS):
        data = _read(file, position, min(_LARGEST_JUNK, end - position))
        found = (match.start() for match in _FRAME_OR_TAG.finditer(data))
        at = next((at for at in found if _tag_size(data[at : at + 32]) or _is_frame(data, at)), None)
        if at is None:
            break
        if size := _tag_size(data[at : at + 32]):
            lost += at
            position += at + size
            continue
        first = _without_padding(data, at)
        return Next(position + first, lost + at) if first is not None else Next(None, lost)
    return Next(None, lost + max(0, end - position))


def _without_padding(data: bytes, at: int) -> int | None:
    """Return where decoding should begin: not at a few frames that only pad the part before; None at the end."""
    starts = list(islice(_frames(data, at), _PADDING_FRAMES + 1))
    for start in starts:
        if any(name in data[start : start + _DESCRIPTION_ENDS] for name in _DESCRIPTIONS):
            return start
    last = starts[-1]
    is_end = len(starts) <= _PADDING_FRAMES and last + _frame_length(data, last) >= len(data) < _LARGEST_JUNK
    return None if is_end else at


def _frames(data: bytes, at: int) -> Iterator[int]:
    """Yield where each of the frames in a row begins."""
    while length := _frame_length(data, at):
        yield at
        at += length


def _is_frame(data: bytes, at: int) -> bool:
    """Return whether a frame and another of the same kind begin here."""
    length = _frame_length(data, at)
    return (
        bool(length)
        and bool(_frame_length(data, at + length))
        and _frame_kind(data, at) == _frame_kind(data, at + length)
    )


def _frame_kind(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big") & _SAME_IN_ALL_FRAMES


def _frame_length(data: bytes, at: int) -> int:
    """Return the length of a frame of layer 3 [bytes]; 0 if none begins here."""
    header = int.from_bytes(data[at : at + 4], "big")
    version, layer = header >> 19 & 3, header >> 17 & 3
    bitrate, rate = header >> 12 & 15, header >> 10 & 3
    if header >> 21 != 0x7FF or version == 1 or layer != 1 or bitrate in (0, 15) or rate == 3:
        return 0
    padding = header >> 9 & 1
    if version == 3:
        return 144_000 * _KILOBITS[bitrate] // _RATES[rate] + padding
    return 72_000 * _KILOBITS_LOW_RATES[bitrate] // (_RATES[rate] // (2 if version == 2 else 4)) + padding


def _tag_size(head: bytes) -> int:
    """Return the size of the ID3v2 or APE tag that begins with these bytes; 0 if none does."""
    if head[:3] == b"ID3" and len(head) >= 10 and head[3] in (2, 3, 4) and max(head[6:10]) < 128:
        length = sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        return 10 + length + 10 * bool(head[5] & 16)
    if head[:8] == b"APETAGEX" and len(head) >= 32:
        return 32 + int.from_bytes(head[12:16], "little")
    return 0


def _end_of_audio(file: IO[bytes]) -> int:
    """Return where the tags at the end of an mp3 begin, or the file ends."""
    end = os.fstat(file.fileno()).st_size
    if _read(file, end - 128, 3) == b"TAG":
        end -= 128
    footer = _read(file, end - 32, 32)
    if footer[:8] == b"APETAGEX":
        has_header = footer[23] & 128
        end -= int.from_bytes(footer[12:16], "little") + (32 if has_header else 0)
    return max(0, end)


# ------------------------------------------------------------------------------------------------------------------ Ogg


def _next_ogg(file: IO[bytes], begin: int, stopped: int) -> Next:
    """Find the next page that begins a stream; those at the very beginning of a part belong to the part."""
    position = begin
    while size := _beginning_page_size(_read(file, position, 27 + 255)):
        position += size
    position = max(position, stopped - _OGG_READ_AHEAD)
    while data := _read(file, position, _LARGEST_JUNK):
        if match := _OGG_BEGINNING.search(data):
            found = position + match.start()
            return Next(found, max(0, found - stopped))
        position += max(1, len(data) - 5)
    return Next(None, max(0, os.fstat(file.fileno()).st_size - stopped))


def _beginning_page_size(head: bytes) -> int:
    """Return the size of an Ogg page if it begins a stream [bytes]; else 0."""
    if len(head) < 27 or not _OGG_BEGINNING.match(head):
        return 0
    segments = head[26]
    return 27 + segments + sum(head[27 : 27 + segments])


def _read(file: IO[bytes], position: int, count: int) -> bytes:
    """Return the bytes at a position; fewer at the end of the file."""
    if position < 0 or count <= 0:
        return b""
    file.seek(position)
    return file.read(count)

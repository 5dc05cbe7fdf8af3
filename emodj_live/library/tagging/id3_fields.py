"""Fields in ID3v2 tags: frames of free text, TXXX, and in version 2.4 also TMOO, its own frame for the mood.

A mood is written as TXXX:MOOD in every version, because that is the place that all versions have, and where foobar2000,
Mp3tag, Jaikoz and MusicBee look for it in version 2.3. Version 2.4 defines a frame TMOO, which is all that MPD and Quod
Libet read and where MusicBrainz Picard and TagLib have their MOOD; so there it is written too. Version 2.3 has no such
frame, and programs that convert a tag to it drop TMOO.

Everything else in a tag stays as it is, byte by byte: other frames and their order, version, flags, padding.
"""

from __future__ import annotations

import re

from emodj_live.library.tagging.edits import Changes, Edit, TagsError, growth
from emodj_live.library.tagging.id3 import HEADER, Frame, Tag, header

_LARGEST_FIELD = 1 << 16  # [bytes]
_LARGEST_TAG = 1 << 28  # [bytes]
_NEW_VERSION = 3  # of a tag where there was none: more programs read it than version 2.4
_CHECKSUM = {3: (4, 0x80), 4: (5, 0x20)}  # where an extended header says that it has one
_ENCODINGS = "latin-1", "utf-16", "utf-16-be", "utf-8"
_MOOD, _MOOD_FRAME = "MOOD", "TMOO"


class Id3Tags:
    """The fields of an ID3v2 tag.

    Parameters
    ----------
    tag : Tag or None
        None if there is none yet.
    begin : int
        Where the tag begins, or a new one shall begin, in the file [bytes].
    """

    def __init__(self, tag: Tag | None, begin: int = 0) -> None:
        self._tag = tag
        self._begin = begin
        if tag and not tag.is_whole:
            raise TagsError("its ID3 tag is damaged")
        self._fields = [(frame, *_field(tag, frame)) for frame in tag.frames] if tag else []

    @property
    def found(self) -> dict[str, list[str]]:
        """The values by their names in capitals."""
        values: dict[str, list[str]] = {}
        for _, name, texts in self._fields:
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
        tag = self._tag
        added = b"".join(_frames(name, text, tag.version if tag else _NEW_VERSION) for name, text in changes.items())
        if tag is None:
            new = header(_NEW_VERSION, 0, len(added)) + added
            return [Edit(self._begin, self._begin, new)] if added else []
        removed = [frame for frame, name, _ in self._fields if name in changes]
        if len(removed) == len(tag.frames) and not added and self._last == tag.size:
            return [Edit(tag.begin, tag.end)]
        edits = [*(Edit(frame.begin, frame.end) for frame in removed), Edit(self._last, self._last, added)]
        return self._in_body(tag, edits) if removed or added else []

    @property
    def _last(self) -> int:
        """Where the frames end in the body."""
        return self._tag.frames[-1].end if self._tag and self._tag.frames else self._tag.first if self._tag else 0

    def _in_body(self, tag: Tag, edits: list[Edit]) -> list[Edit]:
        """Return the edits of the file for edits of a tag's body."""
        _refuse_checksum(tag)
        body = tag.begin + HEADER
        if tag.is_decoded:
            if len(_unsynchronized(tag.read(0, tag.size))) != tag.end - body:
                raise TagsError("its ID3 tag is coded in an unusual way")
            moved = [Edit(body, tag.end, _unsynchronized(_spliced(tag, edits)))]
        else:
            moved = [Edit(body + edit.begin, body + edit.end, edit.data) for edit in edits]
        size = tag.end - tag.begin - HEADER * (2 if tag.has_footer else 1) + growth(moved)
        if size >= _LARGEST_TAG:
            raise TagsError("its ID3 tag is too large for more")
        digits = header(tag.version, tag.flags, size)[6:]
        footer = [Edit(tag.end - 4, tag.end, digits)] if tag.has_footer else []
        return [Edit(tag.begin + 6, tag.begin + 10, digits), *moved, *footer]


def _field(tag: Tag, frame: Frame) -> tuple[str, list[str]]:
    """Return the name of a field in capitals and its texts; an empty name if the frame is something else."""
    is_mood = frame.name == _MOOD_FRAME
    if (
        frame.name not in ("TXXX", "TXX", _MOOD_FRAME)
        or frame.end - frame.begin > _LARGEST_FIELD
        or tag.is_packed(frame)
    ):
        return "", []
    content = tag.content(frame)
    if not content or content[0] >= len(_ENCODINGS):
        return "", []
    texts = _texts(content[1:], _ENCODINGS[content[0]])
    return (_MOOD, texts) if is_mood else (texts[0].upper(), texts[1:])


def _texts(data: bytes, encoding: str) -> list[str]:
    """Return texts that zeros separate; a zero at the end is none."""
    if encoding == "utf-16":  # each text has a mark of its own
        order = "utf-16-be" if data[:2] == b"\xfe\xff" else "utf-16-le"
        return [text.lstrip("\ufeff") for text in _texts(data, order)]
    texts = data.decode(encoding, "replace").split("\0")
    return texts[:-1] if len(texts) > 1 and not texts[-1] else texts


def _frames(name: str, text: str | None, version: int) -> bytes:
    """Return the frames of a field, which all texts of ours fit in: they are short, and ASCII."""
    if text is None:
        return b""
    free = _frame("TXX" if version == 2 else "TXXX", f"{name}\0{text}", version)
    return free + (_frame(_MOOD_FRAME, text, version) if version == 4 and name == _MOOD else b"")


def _frame(name: str, text: str, version: int) -> bytes:
    """Return a frame of text."""
    content = b"\0" + text.encode("latin-1")
    if len(content) > 127:  # of which all versions write the length in the same way
        raise ValueError(f"text must be short, got {text!r}")
    size = len(content).to_bytes(3 if version == 2 else 4, "big")
    return name.encode() + size + (b"" if version == 2 else bytes(2)) + content


def _refuse_checksum(tag: Tag) -> None:
    """Raise an error if an extended header has a checksum of the frames, which would be wrong then."""
    if tag.version in _CHECKSUM and tag.first:
        at, flag = _CHECKSUM[tag.version]
        if tag.read(at, at + 1)[0] & flag:
            raise TagsError("its ID3 tag has a checksum, which cannot be written")


def _spliced(tag: Tag, edits: list[Edit]) -> bytes:
    """Return a tag's body after some edits."""
    parts, position = [], 0
    for edit in edits:
        parts += [tag.read(position, edit.begin), edit.data]
        position = edit.end
    return b"".join([*parts, tag.read(position, tag.size)])


def _unsynchronized(body: bytes) -> bytes:
    """Return a body without anything that looks like the beginning of sound, as versions before 2.4 code it."""
    return re.sub(rb"\xff(?=[\x00\xe0-\xff]|\Z)", b"\xff\x00", body)

"""Vorbis comments, which FLAC and Ogg have in common: a vendor and a list of NAME=value, each of which stays as it is.

The layout is that of https://xiph.org/vorbis/doc/v-comment.html.
"""

from __future__ import annotations

from collections.abc import Iterable

from emodj_live.library.tagging.edits import Changes, TagsError

_MOST_COMMENTS = 100_000
_DAMAGED = "its Vorbis comments are damaged"


class Comments:
    """A block of Vorbis comments.

    Parameters
    ----------
    data : bytes
        From the length of the vendor on, with whatever follows the comments.

    Attributes
    ----------
    vendor : bytes
    comments : list of bytes
        Each with its name.
    rest : bytes
        What follows: Vorbis's framing bit, padding, data of Opus.

    Raises
    ------
    TagsError
        If it is damaged.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self.vendor = self._text()
        self.comments = [self._text() for _ in range(min(self._number(), _MOST_COMMENTS + 1))]
        if len(self.comments) > _MOST_COMMENTS:
            raise TagsError(_DAMAGED)
        self.rest = data[self._position :]

    def _number(self) -> int:
        field = self._data[self._position : self._position + 4]
        if len(field) < 4:
            raise TagsError(_DAMAGED)
        self._position += 4
        return int.from_bytes(field, "little")

    def _text(self) -> bytes:
        begin, size = self._position + 4, self._number()
        self._position = begin + size
        if self._position > len(self._data):
            raise TagsError(_DAMAGED)
        return self._data[begin : self._position]

    @property
    def found(self) -> dict[str, list[str]]:
        """The values by their names in capitals."""
        values: dict[str, list[str]] = {}
        for comment in self.comments:
            name, separator, value = comment.partition(b"=")
            if separator:
                values.setdefault(_name(name), []).append(value.decode("utf-8", "replace"))
        return values

    def changed(self, changes: Changes) -> bytes:
        """Return the block with some fields changed: the old ones are left out, new ones come last.

        Parameters
        ----------
        changes : mapping

        Returns
        -------
        bytes
        """
        kept = [comment for comment in self.comments if _name(comment.partition(b"=")[0]) not in changes]
        added = [f"{name}={value}".encode() for name, value in changes.items() if value is not None]
        return block(self.vendor, [*kept, *added]) + self.rest


def block(vendor: bytes, comments: Iterable[bytes]) -> bytes:
    """Return a block of Vorbis comments.

    Parameters
    ----------
    vendor : bytes
    comments : iterable of bytes

    Returns
    -------
    bytes
        Without a framing bit.
    """
    listed = list(comments)
    parts = [_sized(vendor), len(listed).to_bytes(4, "little"), *map(_sized, listed)]
    return b"".join(parts)


def _sized(text: bytes) -> bytes:
    return len(text).to_bytes(4, "little") + text


def _name(field: bytes) -> str:
    return field.decode("ascii", "replace").upper()

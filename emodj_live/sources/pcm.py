"""Bare samples as bytes, and the header that a WAV stream puts before them.

Our own, because libsndfile waits inside C until a whole request is there: a live stream would come late, and neither
Ctrl-C nor a stop could end the wait.
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from emodj_live.sources.adapter import full_scale_one

_FORMATS = {"u8": "u1"} | {
    f"{kind}{bits}{order}": f"{'<' if order == 'le' else '>'}{code}{bits // 8}"
    for kind, code, sizes in (("s", "i", (16, 24, 32)), ("f", "f", (32, 64)))
    for bits in sizes
    for order in ("le", "be")
}
_LEAST_RATE, _MOST_RATE, _MOST_CHANNELS = 1000, 1_000_000, 256
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_UNKNOWN = 0x7FFF0000  # [bytes] a length from here on is what programs write that do not know it
_LONGEST_FORMAT = 1 << 16  # [bytes]


@dataclass(frozen=True, slots=True)
class Pcm:
    """How bytes are samples.

    Attributes
    ----------
    rate : int
        [Hz]
    channels : int
    form : str
        Such as "s16le": signed, unsigned or float, bits, byte order.
    """

    rate: int
    channels: int
    form: str

    def __post_init__(self) -> None:
        if not (_LEAST_RATE <= self.rate <= _MOST_RATE and 1 <= self.channels <= _MOST_CHANNELS):
            raise ValueError(f"no sound has {self.channels} channels at {self.rate} Hz")
        if self.form not in _FORMATS:
            raise ValueError(f"{self.form!r} is not one of {', '.join(_FORMATS)}")

    @classmethod
    def parse(cls, text: str) -> Pcm:
        """Read ``RATE:CHANNELS:FORMAT``, such as ``48000:2:s16le``."""
        parts = text.split(":")
        if len(parts) != 3 or not (parts[0].isdecimal() and parts[1].isdecimal()):
            raise ValueError(f"{text!r} is not RATE:CHANNELS:FORMAT, such as 48000:2:s16le")
        return cls(int(parts[0]), int(parts[1]), parts[2].lower())

    @property
    def frame_size(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * int(_FORMATS[self.form][-1])

    def decode(self, data: bytes) -> NDArray[np.float32]:
        """Return a whole number of frames as float32 with full scale +-1, shape (n, channels)."""
        code = _FORMATS[self.form]
        if code[-1] == "3":
            # As the upper three bytes of four: numpy has no numbers of three.
            padded = np.zeros((len(data) // 3, 4), np.uint8)
            start = 1 if code[0] == "<" else 0
            padded[:, start : start + 3] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            samples: NDArray[Any] = padded.view(f"{code[0]}i4")
        else:
            samples = np.frombuffer(data, code)
        with np.errstate(over="ignore", invalid="ignore"):  # absurd numbers become infinite, and count as unusable
            return full_scale_one(samples.reshape(-1, self.channels))


class Reader(Protocol):
    """What gives bytes, and empty blocks of sound while there are none."""

    def take(self, count: int) -> Generator[NDArray[np.float32], None, bytes]:
        """Return the next bytes: so many, or fewer where the stream ends."""

    def skip(self, count: int) -> Generator[NDArray[np.float32], None, None]:
        """Pass over the next bytes."""


class NotWavError(ValueError):
    """The bytes are not the beginning of a WAV stream of PCM; the message says what they are."""


def read_wav_header(reader: Reader) -> Generator[NDArray[np.float32], None, tuple[Pcm, int | None]]:
    """Read a WAV stream up to its samples.

    Parameters
    ----------
    reader : Reader
        At the stream's first byte.

    Returns
    -------
    pcm : Pcm
    length : int or None
        Of the samples [bytes], if whoever wrote the header knew it.

    Raises
    ------
    NotWavError
        If this is something else.
    """
    start = yield from reader.take(12)
    if start[:4] not in (b"RIFF", b"RF64") or start[8:] != b"WAVE":
        raise NotWavError("is empty" if not start else "does not begin as WAV does")
    pcm, long_length = None, None
    while True:
        head = yield from reader.take(8)
        if len(head) < 8:
            raise NotWavError("ends within its header")
        name, size = head[:4], int.from_bytes(head[4:], "little")
        if name == b"data":
            if pcm is None:
                raise NotWavError("does not say what its samples are")
            return pcm, long_length or (size if 0 < size < _UNKNOWN else None)
        if name in (b"fmt ", b"ds64") and size <= _LONGEST_FORMAT:
            body = yield from reader.take(size + size % 2)
            if name == b"fmt ":
                pcm = _parse_format(body)
            else:
                long_length = int.from_bytes(body[8:16], "little")
        else:
            yield from reader.skip(size + size % 2)


def _parse_format(body: bytes) -> Pcm:
    if len(body) < 16:
        raise NotWavError("has a damaged header")
    tag, channels, rate, _, frame_size, bits = struct.unpack("<HHIIHH", body[:16])
    bits = max(bits, 8 * frame_size // max(1, channels))  # 20 or 24 bits may lie at the top of 24 or 32
    if tag == _EXTENSIBLE:
        tag = int.from_bytes(body[24:26], "little")
    kind = {_PCM: "u" if bits == 8 else "s", _FLOAT: "f"}.get(tag)
    form = f"{kind}{bits}" + "le" * (bits > 8)
    if kind is None or form not in _FORMATS:
        raise NotWavError(f"has samples of a kind that is not PCM (format {tag}, {bits} bits)")
    try:
        return Pcm(rate, channels, form)
    except ValueError as error:
        raise NotWavError(f"has a damaged header: {error}") from error

"""Raw samples in bytes and in numbers of any format, and the header that a WAV stream puts before them.

libsndfile could read streams too, but it waits inside C until a whole request is there: live audio would come late, and
neither Ctrl-C nor a stop could end the wait.
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from emodj_live.sources.resample import check_format

_FORMATS = {"u8": "u1"} | {
    f"{kind}{bits}{order}": f"{'<' if order == 'le' else '>'}{code}{bits // 8}"
    for kind, code, sizes in (("s", "i", (16, 24, 32)), ("f", "f", (32, 64)))
    for bits in sizes
    for order in ("le", "be")
}
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_UNKNOWN = 0x7FFF0000  # [bytes] programs that do not know the length write one from here on
_LONGEST_FORMAT = 1 << 16  # [bytes]


def to_float32(samples: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return samples of any number format as float32 with full scale +-1.

    Parameters
    ----------
    samples : ndarray of int16, int32, uint8 or floating point
        Unsigned ones are silent at half their range.

    Returns
    -------
    ndarray of float32, of the same shape

    Raises
    ------
    TypeError
        If they are of another type.
    """
    kind = samples.dtype.kind
    if kind == "f":
        return samples.astype(np.float32, copy=False)
    if kind == "u" and samples.dtype.itemsize == 1:
        return (samples.astype(np.float32) - np.float32(128)) / np.float32(128)
    if kind == "i" and samples.dtype.itemsize in (2, 4):
        scale = np.float32(2.0 ** (1 - 8 * samples.dtype.itemsize))
        return samples.astype(np.float32) * scale
    raise TypeError(f"samples must be int16, int32, uint8 or floating point, got {samples.dtype}")


@dataclass(frozen=True, slots=True)
class Pcm:
    """How bytes hold samples.

    Attributes
    ----------
    rate : float
        Sample rate [Hz].
    channels : int
        Number of channels, interleaved.
    format : str
        Such as "s16le": signed, unsigned or float, bits, byte order.

    Raises
    ------
    ValueError
        If the rate or the channels are out of bounds, or the format is unknown.
    """

    rate: float
    channels: int
    format: str

    def __post_init__(self) -> None:
        check_format(self.rate, self.channels)
        if self.format not in _FORMATS:
            raise ValueError(f"unknown sample format {self.format!r}; use one of {', '.join(_FORMATS)}")

    @classmethod
    def parse(cls, text: str) -> Pcm:
        """Read ``RATE:CHANNELS:FORMAT``, such as ``48000:2:s16le``."""
        parts = text.split(":")
        if len(parts) != 3 or not (parts[0].isdecimal() and parts[1].isdecimal()):
            raise ValueError(f"expected RATE:CHANNELS:FORMAT, such as 48000:2:s16le, got {text!r}")
        return cls(int(parts[0]), int(parts[1]), parts[2].lower())

    @property
    def frame_size(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * int(_FORMATS[self.format][-1])

    def decode(self, data: bytes) -> NDArray[np.float32]:
        """Return a whole number of frames as float32 with full scale +-1, shape (n, channels)."""
        code = _FORMATS[self.format]
        if code[-1] == "3":
            # NumPy has no 24-bit integers: put each into the upper three bytes of 32 bits.
            padded = np.zeros((len(data) // 3, 4), np.uint8)
            start = 1 if code[0] == "<" else 0
            padded[:, start : start + 3] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            samples: NDArray[Any] = padded.view(f"{code[0]}i4")
        else:
            samples = np.frombuffer(data, code)
        with np.errstate(over="ignore", invalid="ignore"):  # huge float64 become infinite, which counts as unusable
            return to_float32(samples.reshape(-1, self.channels))


class Reader(Protocol):
    """A stream of bytes, which yields empty blocks of audio while none arrive."""

    def take(self, count: int) -> Generator[NDArray[np.float32], None, bytes]:
        """Return the next `count` bytes, or fewer where the stream ends."""

    def skip(self, count: int) -> Generator[NDArray[np.float32], None, None]:
        """Discard the next `count` bytes."""


class NotWavError(ValueError):
    """The bytes are not the beginning of a WAV stream of PCM; the message says what is wrong with them."""


def read_wav_header(reader: Reader) -> Generator[NDArray[np.float32], None, tuple[Pcm, int | None]]:
    """Read a WAV stream up to its samples.

    Parameters
    ----------
    reader : Reader
        At the stream's first byte.

    Returns
    -------
    pcm : Pcm
        What follows the header.
    length : int or None
        Length of the samples [bytes]; None if the header does not know it.

    Raises
    ------
    NotWavError
        If the stream does not begin as WAV does.
    """
    start = yield from reader.take(12)
    if start[:4] not in (b"RIFF", b"RF64") or start[8:] != b"WAVE":
        raise NotWavError("is empty" if not start else "is not a WAV stream")
    pcm, long_length = None, None
    while True:
        head = yield from reader.take(8)
        if len(head) < 8:
            raise NotWavError("ends within its header")
        name, size = head[:4], int.from_bytes(head[4:], "little")
        if name == b"data":
            if pcm is None:
                raise NotWavError("has no description of its samples")
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
    name = f"{kind}{bits}" + "le" * (bits > 8)
    if kind is None or name not in _FORMATS:
        raise NotWavError(f"holds samples in an unsupported format (WAV format {tag}, {bits} bits)")
    try:
        return Pcm(rate, channels, name)
    except ValueError as error:
        raise NotWavError(f"has a damaged header: {error}") from error

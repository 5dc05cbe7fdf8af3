"""Audio that another program writes: standard input or any pipe, as a WAV stream or raw PCM."""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Generator, Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

from emodj_live.blocks import SourceStatus
from emodj_live.errors import SourceError
from emodj_live.options import SourceOptions
from emodj_live.sources.pcm import NotWavError, Pcm, read_wav_header
from emodj_live.sources.resample import Resampler, check_rate, warn_low_rate, warn_unusable

_HEARTBEAT = 0.03  # [s] the longest wait for bytes, so that it yields at least 30 times a second
_PIECE = 1 << 16  # [bytes] read at once: what a pipe holds
_NOTHING = np.empty(0, np.float32)


class StreamSource:
    """The blocks of a stream of bytes from another program, each as soon as it arrives.

    While nothing arrives it yields empty blocks, so that whoever iterates gets a chance to stop (not on Windows, where
    a pipe cannot be watched). An end in the middle of a frame, or earlier than the header says, is treated as a normal
    end. It can be read once.

    Parameters
    ----------
    file : binary file
        A pipe, such as ``sys.stdin.buffer`` or the ``stdout`` of a `subprocess.Popen`, or anything else whose ``read``
        returns bytes. A pipe is read past Python's buffer, so do not read from it before.
    sample_rate : int
        Rate of the blocks [Hz].
    raw : str, optional
        ``RATE:CHANNELS:FORMAT`` of raw samples, such as ``"48000:2:s16le"``; None reads a WAV stream. Formats are u8,
        and s16, s24, s32, f32 and f64 followed by le or be.
    title : str
        What to call the stream.

    Attributes
    ----------
    position : float
        How much audio was handed out so far [s].

    Raises
    ------
    SourceError
        If it is a terminal; while iterating, if it cannot be read or is not a WAV stream.
    TypeError
        If `file` is not a binary file.
    ValueError
        If `raw` or `sample_rate` is out of range.
    """

    def __init__(
        self, file: IO[bytes], *, sample_rate: int = 22050, raw: str | None = None, title: str = "audio stream"
    ) -> None:
        if not callable(getattr(file, "read", None)) or isinstance(file, io.TextIOBase):
            raise TypeError(f"file must be a binary file, such as sys.stdin.buffer, got {file!r}")
        check_rate("sample_rate", sample_rate)
        if callable(isatty := getattr(file, "isatty", None)) and isatty():
            raise SourceError(f"{title}: is a terminal; pipe audio into it: ffmpeg -i song.mp3 -f wav - | ...")
        self.sample_rate = sample_rate
        self.title = title
        self._raw = None if raw is None else Pcm.parse(raw)
        self._file = file
        self._pcm = self._raw
        self._length: float | None = None
        self.position = 0.0

    @property
    def input_rate(self) -> float | None:
        """The stream's own sample rate [Hz]; None until its header has arrived."""
        return self._pcm.rate if self._pcm else None

    @property
    def channels(self) -> int | None:
        """The stream's own channels; None until its header has arrived."""
        return self._pcm.channels if self._pcm else None

    @property
    def length(self) -> float | None:
        """Length of the stream [s]; None if its header does not know it."""
        return self._length

    def status(self) -> SourceStatus:
        """Return what it says of itself."""
        return SourceStatus(
            position=self.position, length=self.length, input_rate=self.input_rate, channels=self.channels
        )

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Yield the stream's blocks: float32, shape (n,), any n."""
        reader = _Reader(self._file, self.title)
        if self._raw is not None:
            yield from self._samples(reader, self._raw, sys.maxsize)
            return
        try:
            pcm, length = yield from read_wav_header(reader)
        except NotWavError as error:
            hint = "send WAV (ffmpeg -i song.mp3 -f wav -), or describe raw samples, such as 48000:2:s16le"
            raise SourceError(f"{self.title}: {error}; {hint}.") from error
        self._pcm = pcm
        self._length = None if length is None else length / pcm.frame_size / pcm.rate
        yield from self._samples(reader, pcm, sys.maxsize if length is None else length)

    def _samples(self, reader: _Reader, pcm: Pcm, left: int) -> Iterator[NDArray[np.float32]]:
        warn_low_rate(self.title, pcm.rate, self.sample_rate)
        resampler = Resampler(pcm.rate, self.sample_rate)
        while left >= pcm.frame_size:
            data = yield from reader.some(pcm.frame_size, left)
            if not data:
                break
            left -= len(data)
            self.position += len(data) / pcm.frame_size / pcm.rate
            yield resampler.process(pcm.decode(data))
        yield resampler.process(np.empty((0, 1), np.float32), last=True)
        warn_unusable(self.title, resampler.unusable)


class _Reader:
    """The bytes of a file as they arrive, and empty blocks of audio while none do."""

    def __init__(self, file: IO[bytes], title: str) -> None:
        self._file = file
        self._title = title
        self._kept = b""
        # Of anything but a plain file, such as a `gzip.GzipFile`, the descriptor has other bytes than `read` returns.
        is_plain = isinstance(getattr(file, "raw", file), io.FileIO)
        self._descriptor = file.fileno() if is_plain else None

    def take(self, count: int) -> Generator[NDArray[np.float32], None, bytes]:
        """Return the next `count` bytes, or fewer where the stream ends."""
        while len(self._kept) < count:
            if not (yield from self._more()):
                break
        taken, self._kept = self._kept[:count], self._kept[count:]
        return taken

    def skip(self, count: int) -> Generator[NDArray[np.float32], None, None]:
        """Discard the next `count` bytes."""
        while count > len(self._kept):
            count -= len(self._kept)
            self._kept = b""
            if not (yield from self._more()):
                return
        self._kept = self._kept[count:]

    def some(self, unit: int, most: int) -> Generator[NDArray[np.float32], None, bytes]:
        """Return what has arrived, in whole units and at most `most` bytes; nothing at the end of the stream."""
        while len(self._kept) < unit:
            if not (yield from self._more()):
                return b""
        count = min(len(self._kept), most) // unit * unit
        taken, self._kept = self._kept[:count], self._kept[count:]
        return taken

    def _more(self) -> Generator[NDArray[np.float32], None, bool]:
        """Read what has arrived, or wait until something does; return False at the end of the stream."""
        while self._descriptor is not None and os.name != "nt" and not self._is_ready(self._descriptor):
            yield _NOTHING
        try:
            data = self._file.read(_PIECE) if self._descriptor is None else os.read(self._descriptor, _PIECE)
        except OSError as error:
            raise SourceError(f"{self._title}: cannot be read: {error.strerror or error}.") from error
        self._kept += data
        return bool(data)

    @staticmethod
    def _is_ready(descriptor: int) -> bool:
        watch = select.poll()  # `select.select` refuses descriptors from 1024 on
        watch.register(descriptor, select.POLLIN)
        return bool(watch.poll(1000 * _HEARTBEAT))


def open_source(_name: str, options: SourceOptions, sample_rate: int) -> StreamSource:
    """Open standard input, into which another program writes."""
    if sys.stdin is None:
        raise SourceError("standard input: is closed; pipe audio into it.")
    return StreamSource(sys.stdin.buffer, sample_rate=sample_rate, raw=options.raw, title="standard input")

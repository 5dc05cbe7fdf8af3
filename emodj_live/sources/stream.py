"""Audio that another program writes: standard input or any pipe, as a WAV stream or bare PCM."""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Generator, Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import SourceError
from emodj_live.options import SourceOptions
from emodj_live.sources.pcm import NotWavError, Pcm, read_wav_header
from emodj_live.sources.resample import Resampler, tell_of_unusable, warn_low_rate

_HEARTBEAT = 0.1  # [s] the longest wait without giving the caller a chance to stop
_PIECE = 1 << 16  # [bytes] at once: what a pipe holds
_NOTHING = np.empty(0, np.float32)


class StreamSource:
    """The blocks of a stream of bytes from another program, each as soon as it is there.

    While nothing comes it yields empty blocks, so that whoever iterates gets a chance to stop (not on Windows, where a
    pipe cannot be watched). A stream that ends in the middle of a frame or before its header said is simply over. It
    can be read once.

    Parameters
    ----------
    file : binary file
        A pipe, such as ``sys.stdin.buffer`` or the ``stdout`` of a `subprocess.Popen`, or anything else with a
        ``read``. A descriptor is read past Python's buffer, so read nothing before.
    sample_rate : int
        Rate of the blocks [Hz].
    raw : str, optional
        ``RATE:CHANNELS:FORMAT`` of bare samples, such as ``"48000:2:s16le"``; None reads a WAV stream. Formats are u8
        and s16, s24, s32, f32 and f64 with le or be.
    title : str
        What to call it.

    Attributes
    ----------
    input_rate, channels : int or None
        The stream's own; None until its header has come.
    position : float
        How much was handed out so far [s].

    Raises
    ------
    SourceError
        If it is a terminal; while reading if it is not a WAV stream.
    ValueError
        If `raw` is wrong.
    """

    def __init__(
        self, file: IO[bytes], *, sample_rate: int = 22050, raw: str | None = None, title: str = "audio stream"
    ) -> None:
        if file.isatty():
            raise SourceError(f"{title}: is a terminal; pipe audio into it: ffmpeg -i song.mp3 -f wav - | ...")
        self.sample_rate = sample_rate
        self.title = title
        self._raw = None if raw is None else Pcm.parse(raw)
        self._file = file
        self._pcm = self._raw
        self.position = 0.0

    @property
    def input_rate(self) -> int | None:
        """The stream's own rate [Hz]."""
        return self._pcm.rate if self._pcm else None

    @property
    def channels(self) -> int | None:
        """The stream's own channels."""
        return self._pcm.channels if self._pcm else None

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Yield the stream's blocks: float32, shape (n,), any n."""
        reader = _Reader(self._file, self.title)
        if self._raw is not None:
            yield from self._samples(reader, self._raw, sys.maxsize)
            return
        try:
            pcm, length = yield from read_wav_header(reader)
        except NotWavError as error:
            hint = "send WAV (ffmpeg -i song.mp3 -f wav -) or say what it is: raw, such as 48000:2:s16le"
            raise SourceError(f"{self.title}: {error}; {hint}.") from error
        self._pcm = pcm
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
        tell_of_unusable(self.title, resampler)


class _Reader:
    """Bytes of a file as they come; empty blocks of sound while none do."""

    def __init__(self, file: IO[bytes], title: str) -> None:
        self._file = file
        self._title = title
        self._kept = b""
        # Behind anything but a plain file, such as a `gzip.GzipFile`, the descriptor's bytes are not those of `read`.
        is_plain = isinstance(getattr(file, "raw", file), io.FileIO)
        self._descriptor = file.fileno() if is_plain else None

    def take(self, count: int) -> Generator[NDArray[np.float32], None, bytes]:
        """Return the next bytes: so many, or fewer where the stream ends."""
        while len(self._kept) < count:
            if not (yield from self._more()):
                break
        taken, self._kept = self._kept[:count], self._kept[count:]
        return taken

    def skip(self, count: int) -> Generator[NDArray[np.float32], None, None]:
        """Pass over the next bytes."""
        while count > len(self._kept):
            count -= len(self._kept)
            self._kept = b""
            if not (yield from self._more()):
                return
        self._kept = self._kept[count:]

    def some(self, unit: int, most: int) -> Generator[NDArray[np.float32], None, bytes]:
        """Return what is there, in whole units and no more than `most` bytes; nothing at the end of the stream."""
        while len(self._kept) < unit:
            if not (yield from self._more()):
                return b""
        count = min(len(self._kept), most) // unit * unit
        taken, self._kept = self._kept[:count], self._kept[count:]
        return taken

    def _more(self) -> Generator[NDArray[np.float32], None, bool]:
        """Read what is there, or wait until something is; return whether there was."""
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
        watch = select.poll()  # which `select` is not: it refuses descriptors from 1024 on
        watch.register(descriptor, select.POLLIN)
        return bool(watch.poll(1000 * _HEARTBEAT))


def open_source(_name: str, options: SourceOptions, sample_rate: int) -> StreamSource:
    """Open standard input, into which another program writes."""
    if sys.stdin is None:
        raise SourceError("standard input: is closed; pipe audio into it.")
    return StreamSource(sys.stdin.buffer, sample_rate=sample_rate, raw=options.raw, title="standard input")

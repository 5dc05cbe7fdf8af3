"""Audio files as a source: decoded, mixed and resampled as a stream, in constant memory."""

from __future__ import annotations

import math
import os
import stat
import sys
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import IO

import numpy as np
import soxr
from numpy.typing import NDArray

from emodj_live.blocks import Block, Gap, SourceStatus
from emodj_live.errors import SourceError, one_line
from emodj_live.options import SourceOptions
from emodj_live.sources.ffmpeg import FfmpegPart
from emodj_live.sources.parts import Part, parts
from emodj_live.sources.resample import Resampler, check_rate, warn_unusable, with_channels


class FileSource:
    """The blocks of an audio file.

    Each iteration reads the file from its start.

    Parameters
    ----------
    path : path-like
        A file in any format that libsndfile reads (wav, flac, ogg, opus, mp3, aiff, ...), at any rate, with any number
        of channels. Of joined mp3s and chained Ogg all parts are read. If ffmpeg is installed, it decodes everything
        else (m4a, aac, wma, videos, ...), of which the first audio stream is read.
    sample_rate : int
        Rate of the blocks [Hz].
    start : float
        Where to begin [s]. It comes first as a `Gap`, so that times are those of the file.
    duration : float, optional
        How much to read [s]; None reads to the end.

    Attributes
    ----------
    input_rate : int
        The file's own sample rate [Hz]. If a later part has another one, it is converted to that of the first.
    channels : int
        The file's own channels.
    length : float or None
        Length of the file, as it says itself [s]; None if it does not say.
    is_length_exact : bool
        False for an mp3, whose length is an estimate and often wrong, and for what ffmpeg decodes.
    position : float
        Time in the file up to which audio was handed out [s].
    title : str
        Artist and title if the file names them, otherwise the file's name.

    Raises
    ------
    SourceError
        If the file cannot be opened; while iterating, if it cannot be decoded.
    ValueError
        If `sample_rate`, `start` or `duration` is out of range.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        sample_rate: int = 22050,
        start: float = 0.0,
        duration: float | None = None,
    ) -> None:
        check_rate("sample_rate", sample_rate)
        _check_span(start, duration)
        if "://" in str(path):
            raise SourceError(f"{path}: is an address, not a file; download it first.")
        self.path = Path(path)
        self.sample_rate = sample_rate
        self.start = self.position = start
        self.duration = duration
        with _open(self.path) as file:
            part = next(parts(file, self.path))
        self._foreign = part if isinstance(part, FfmpegPart) else None
        self.is_length_exact = part.is_length_exact
        self.input_rate = part.rate
        self.channels = part.channels
        self.length = part.length / part.rate if part.length else None
        self.title = one_line(part.name or self.path.name)

    def status(self) -> SourceStatus:
        """Return what it says of itself."""
        return SourceStatus(
            position=self.position,
            length=self.length,
            is_length_exact=self.is_length_exact,
            input_rate=self.input_rate,
            channels=self.channels,
        )

    def __iter__(self) -> Iterator[Block | Gap]:
        """Yield the file's blocks: float32, shape (n,), any n."""
        if self.start:
            self.position = self.start
            yield Gap(_count(self.start, self.sample_rate))
        yield from self._blocks(self.start, self.frames())

    def blocks_from(self, position: float) -> Iterator[Block]:
        """Yield the blocks from another place on, to the same end; none if that is behind the end.

        Parameters
        ----------
        position : float
            Where to begin [s], not before the start.

        Yields
        ------
        ndarray of float32, shape (n,)
        """
        position = max(position, self.start)
        yield from self._blocks(position, self.frames(position))

    def _blocks(self, position: float, decoded: Iterator[NDArray[np.float32]]) -> Iterator[Block]:
        resampler = Resampler(self.input_rate, self.sample_rate)
        count = _count(position, self.sample_rate)
        self.position = position
        for frames in decoded:
            block = resampler.process(frames)
            count += len(block)
            self.position = count / self.sample_rate
            yield block
        block = resampler.process(np.empty((0, self.channels), np.float32), last=True)
        self.position = (count + len(block)) / self.sample_rate
        yield block
        warn_unusable(self.path, resampler.unusable)

    def frames(self, position: float | None = None) -> Iterator[NDArray[np.float32]]:
        """Decode the file up to the end that was asked for, or its true one.

        Parameters
        ----------
        position : float, optional
            Where to begin [s], not before the start; by default there. There are no frames behind the end.

        Yields
        ------
        ndarray of float32, shape (n, channels)
            Frames at the file's own rate, valid until the next ones are asked for.
        """
        skip = begin = _count(self.start if position is None else position, self.input_rate)
        left = sys.maxsize
        if self.duration is not None:
            end = _count(self.start, self.input_rate) + _count(self.duration, self.input_rate)
            left = max(0, end - begin)
        for part in self._parts():
            ratio = part.rate / self.input_rate
            wanted = round(skip * ratio)
            for decoded in self._converted(part, part.read(wanted, math.ceil(min(left * ratio, sys.maxsize)))):
                frames = decoded[:left]
                left -= len(frames)
                yield frames
            if not left:
                return
            skip = 0 if part.skipped == wanted else skip - round(part.skipped / ratio)
        if skip and position is None:
            raise SourceError(f"{self.path}: ends before {self.start:g} s; choose an earlier start.")

    def _parts(self) -> Iterator[Part | FfmpegPart]:
        with _open(self.path) as file:
            if self._foreign is None:
                yield from parts(file, self.path)
            else:
                yield copy(self._foreign)  # which is known already; each reader has one of its own

    def _converted(
        self, part: Part | FfmpegPart, decoded: Iterator[NDArray[np.float32]]
    ) -> Iterator[NDArray[np.float32]]:
        """Yield the frames of a part with the rate and the channels of the first one."""
        if (part.rate, part.channels) == (self.input_rate, self.channels):
            yield from decoded
            return
        stream = soxr.ResampleStream(part.rate, self.input_rate, self.channels, dtype="float32", quality="HQ")
        for frames in decoded:
            yield stream.resample_chunk(with_channels(frames, self.channels)).reshape(-1, self.channels)
        end = np.empty((0, self.channels), np.float32)
        yield stream.resample_chunk(end, last=True).reshape(-1, self.channels)


def _open(path: Path) -> IO[bytes]:
    """Open a file, or raise an error that says in one sentence why that does not work."""
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening one may wait for ever
            raise SourceError(f"{path}: is a pipe or a device, not a file; read it through standard input.")
        file = path.open("rb", buffering=0)
    except FileNotFoundError:
        raise SourceError(f"{path}: there is no such file; check its name.") from None
    except IsADirectoryError:
        raise SourceError(f"{path}: is a folder; name the files in it, or index it with emodj-library scan.") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}.") from error
    if os.fstat(file.fileno()).st_size:
        return file
    file.close()
    raise SourceError(f"{path}: is empty; choose an audio file.")


def _check_span(start: float, duration: float | None) -> None:
    if not 0 <= start < math.inf:
        raise ValueError(f"start must be 0 or a positive number of seconds, got {start}")
    if duration is not None and not 0 < duration < math.inf:
        raise ValueError(f"duration must be a positive number of seconds, got {duration}")


def _count(seconds: float, rate: int) -> int:
    """Return how many frames that is, if a computer can count them."""
    return round(min(seconds * rate, float(2**62)))


def open_source(name: str, options: SourceOptions, sample_rate: int) -> FileSource:
    """Open an audio file that the command line names."""
    return FileSource(name, sample_rate=sample_rate, start=options.start, duration=options.duration)

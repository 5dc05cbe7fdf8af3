"""Audio files: decoded, mixed and resampled as a stream, in constant memory."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from emodj_live.errors import SourceError
from emodj_live.ring import Gap
from emodj_live.sources.resample import Resampler

logger = logging.getLogger(__name__)

_BLOCK_SECONDS = 0.5
_UNBELIEVABLE = 1 << 40  # [bytes] added to the length of an mp3, so that libsndfile reads on to its true end
_TAGS_AT_END = 8192  # [bytes] a quarter of a second of a good mp3


class _EndlessFile(io.RawIOBase):
    """A file that says it is much longer than it is.

    libsndfile reads no further than its estimate of an mp3's length, which is made from the first frame and may be a
    third of the truth. With a length that nothing can exceed it reads until there is nothing left.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._pretended = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._pretended = _UNBELIEVABLE if whence == os.SEEK_END else 0
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell() + self._pretended

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)  # type: ignore[attr-defined, no-any-return]


class _Decoder(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is read straight on.

    soundfile seeks to where it already is after every read of a seekable file. An mp3 decoder loses its bit reservoir
    over that: the next frames come out slightly wrong, with complaints on the standard error stream.
    """

    def seekable(self) -> bool:
        return False


class FileSource:
    """The blocks of an audio file.

    Each iteration reads the file anew, from its start.

    Parameters
    ----------
    path : path-like
        A file in any format that libsndfile reads (wav, flac, ogg, opus, mp3, aiff, ...), at any rate, with any number
        of channels.
    sample_rate : int
        Rate of the blocks [Hz].
    start : float
        Where to begin [s]. It comes first as a `Gap`, so that times are those of the file.
    duration : float, optional
        How much to read [s]; None reads to the end.

    Attributes
    ----------
    input_rate : int
        The file's own rate [Hz].
    channels : int
        The file's own channels.
    approximate_length : float or None
        What the file says of its length [s]. None where it says nothing.
    is_length_exact : bool
        Not so for mp3: it is an estimate, and often wrong.
    title : str
        Artist and title where the file tells them, else its name.

    Raises
    ------
    SourceError
        If the file cannot be opened, or while reading if it cannot be decoded.
    ValueError
        If `start` or `duration` is out of range.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        sample_rate: int = 22050,
        start: float = 0.0,
        duration: float | None = None,
    ) -> None:
        if not 0 <= start < float("inf"):
            raise ValueError(f"start must be 0 or a positive number of seconds, got {start}")
        if duration is not None and not 0 < duration < float("inf"):
            raise ValueError(f"duration must be a positive number of seconds, got {duration}")
        self.path = Path(path)
        self.sample_rate = sample_rate
        self.start = start
        self.duration = duration
        with _open_path(self.path) as raw, _open(raw, self.path) as file:
            self.is_length_exact = file.format != "MP3"
            self.input_rate: int = file.samplerate
            self.channels: int = file.channels
            known = 0 < file.frames < 2**62
            self.approximate_length: float | None = file.frames / file.samplerate if known else None
            names = [name for name in (file.artist, file.title) if name]
            self.title: str = " - ".join(names) if names else self.path.name

    def __iter__(self) -> Iterator[NDArray[np.float32] | Gap]:
        """Yield the file's blocks: float32, shape (n,), any n."""
        resampler = Resampler(self.input_rate, self.sample_rate)
        if self.start:
            yield Gap(round(self.start * self.sample_rate))
        for frames in self.frames():
            yield resampler.process(frames)
        yield resampler.process(np.empty((0, self.channels), np.float32), last=True)
        if resampler.not_finite:
            logger.warning("%s: %d samples are not finite; they count as silence.", self.path, resampler.not_finite)

    def frames(self) -> Iterator[NDArray[np.float32]]:
        """Decode piece by piece up to the end that was asked for, or the file's true one.

        Yields
        ------
        ndarray of float32, shape (n, channels)
            Frames at the file's own rate, valid until the next ones are asked for.
        """
        piece = np.empty((max(1, round(_BLOCK_SECONDS * self.input_rate)), self.channels), np.float32)
        position = round(self.start * self.input_rate)
        end = sys.maxsize if self.duration is None else position + round(self.duration * self.input_rate)
        for endless in (False, True) if not self.is_length_exact else (False,):
            with _open_path(self.path) as raw, _open(_EndlessFile(raw) if endless else raw, self.path) as file:
                found = _seek(file, position)
                while found and position < end and len(frames := self._read(file, piece[: end - position])):
                    position += len(frames)
                    yield frames
                if position >= end or (found and self._is_used_up(raw)):
                    return
        if not found:
            raise SourceError(f"{self.path}: ends before {self.start:g} s; choose an earlier start.")

    def _read(self, file: _Decoder, piece: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            frames: NDArray[np.float32] = file.read(out=piece)
        except soundfile.LibsndfileError as error:
            raise SourceError(f"{self.path}: cannot be decoded on from here: {_reason(error)}.") from error
        return frames

    def _is_used_up(self, raw: IO[bytes]) -> bool:
        """Return whether the decoder has read the whole file, but for tags at its end."""
        return os.fstat(raw.fileno()).st_size - raw.tell() < _TAGS_AT_END


def _seek(file: _Decoder, position: int) -> bool:
    """Go to a frame and return whether the file says that it has it."""
    try:
        file.seek(position)
    except soundfile.LibsndfileError:
        return False
    return True


def _open(raw: IO[bytes] | _EndlessFile, path: Path) -> _Decoder:
    """Begin to decode an open file, or say in one sentence why that does not work."""
    try:
        return _Decoder(raw)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: soundfile takes .raw for headerless PCM
        reason = _reason(error) if isinstance(error, soundfile.LibsndfileError) else "it has no header"
        message = f"{path}: is not audio that can be decoded: {reason}; convert it to wav, flac, ogg or mp3."
        raise SourceError(message) from error


def _open_path(path: Path) -> IO[bytes]:
    """Open a file, or say in one sentence why that does not work."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise SourceError(f"{path}: there is no such file; check its name.") from None
    except IsADirectoryError:
        raise SourceError(f"{path}: is a folder; name the files in it.") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}.") from error
    if os.fstat(file.fileno()).st_size:
        return file
    file.close()
    raise SourceError(f"{path}: is empty; choose an audio file.")


def _reason(error: soundfile.LibsndfileError) -> str:
    reason: str = error.error_string
    return reason.strip().rstrip(".").replace("File contains data in", "it is in")

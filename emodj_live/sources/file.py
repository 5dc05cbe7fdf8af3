"""Audio files: decoded, mixed and resampled as a stream, in constant memory."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from emodj_live.blocks import Gap
from emodj_live.errors import SourceError, one_line
from emodj_live.options import SourceOptions
from emodj_live.sources.resample import Resampler, tell_of_unusable

_BLOCK_SAMPLES = 2**19  # over all channels: some seconds, so that several windows are predicted at once
_PIECE_FRAMES = 2**13
_UNBELIEVABLE = 1 << 40  # [bytes] added to the length of an mp3, so that libsndfile reads on to its true end
_TAGS_AT_END = 8192  # [bytes] a quarter of a second of a good mp3


class _Bytes(io.RawIOBase):
    """A file that libsndfile reads through Python, and that may say it is much longer than it is.

    libsndfile reads no further than its estimate of an mp3's length, which is made from the first frame and may be a
    third of the truth. With a length that nothing can exceed it reads until there is nothing left.

    An exception cannot pass through C: `error` keeps it.
    """

    def __init__(self, file: IO[bytes], *, endless: bool) -> None:
        self._file = file
        self._added = _UNBELIEVABLE if endless else 0
        self._pretended = 0
        self.error: BaseException | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._pretended = self._added if whence == os.SEEK_END else 0
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell() + self._pretended

    def readinto(self, buffer: Any) -> int:
        try:
            return self._file.readinto(buffer)  # type: ignore[attr-defined, no-any-return]
        except BaseException as error:  # raised again as soon as Python is back
            self.error = error
            return 0


class _Decoder(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is read straight on.

    soundfile seeks to where it already is after every read of a seekable file. An mp3 decoder loses its bit reservoir
    over that: the next frames come out slightly wrong, with complaints on the standard error stream.
    """

    def seekable(self) -> bool:
        return False

    def read(self, *, out: NDArray[np.float32]) -> NDArray[np.float32]:
        """Read into an array, and raise what a `_Bytes` could not."""
        frames: NDArray[np.float32] = super().read(out=out)
        if error := getattr(self.name, "error", None):
            raise error
        return frames


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
        if "://" in str(path):
            raise SourceError(f"{path}: is an address, not a file; download it first.")
        self.path = Path(path)
        self.sample_rate = sample_rate
        self.start = start
        self.duration = duration
        with _open_path(self.path) as raw, _decode(raw, self.path) as file:
            self.is_length_exact = file.format != "MP3"
            self.input_rate: int = file.samplerate
            self.channels: int = file.channels
            known = 0 < file.frames < 2**62
            self.approximate_length: float | None = file.frames / file.samplerate if known else None
            names = [name for name in (file.artist, file.title) if name]
            self.title: str = one_line(" - ".join(names) if names else self.path.name)

    def __iter__(self) -> Iterator[NDArray[np.float32] | Gap]:
        """Yield the file's blocks: float32, shape (n,), any n."""
        resampler = Resampler(self.input_rate, self.sample_rate)
        if self.start:
            yield Gap(_count(self.start, self.sample_rate))
        for frames in self.frames():
            yield resampler.process(frames)
        yield resampler.process(np.empty((0, self.channels), np.float32), last=True)
        tell_of_unusable(self.path, resampler)

    def frames(self) -> Iterator[NDArray[np.float32]]:
        """Decode piece by piece up to the end that was asked for, or the file's true one.

        Yields
        ------
        ndarray of float32, shape (n, channels)
            Frames at the file's own rate, valid until the next ones are asked for.
        """
        position = _count(self.start, self.input_rate)
        end = sys.maxsize if self.duration is None else position + _count(self.duration, self.input_rate)
        for endless in (False,) if self.is_length_exact else (False, True):
            with _open_path(self.path) as raw, _decode(raw, self.path, endless=endless) as file:
                found = _seek(file, position)
                for frames in self._read(file, end - position) if found else ():
                    position += len(frames)
                    yield frames
                if position >= end or (found and self._is_used_up(raw)):
                    return
        if not found:
            raise SourceError(f"{self.path}: ends before {self.start:g} s; choose an earlier start.")

    def _read(self, file: _Decoder, most: int) -> Iterator[NDArray[np.float32]]:
        """Yield the next frames until there are no more, or as many as asked for."""
        block = np.empty((max(1, _BLOCK_SAMPLES // self.channels), self.channels), np.float32)
        while most > 0:
            wanted = block[:most]
            filled, error = _fill(file, wanted)
            most -= filled
            if filled:
                yield wanted[:filled]
            if error:
                raise SourceError(f"{self.path}: cannot be decoded on from here: {_reason(error)}.") from error
            if filled < len(wanted):
                return

    def _is_used_up(self, raw: IO[bytes]) -> bool:
        """Return whether the decoder has read the whole file, but for tags at its end."""
        return os.fstat(raw.fileno()).st_size - raw.tell() < _TAGS_AT_END


def _count(seconds: float, rate: int) -> int:
    """Return how many frames that is, if a computer can count them."""
    return round(min(seconds * rate, float(2**62)))


def _fill(file: _Decoder, block: NDArray[np.float32]) -> tuple[int, soundfile.LibsndfileError | OSError | None]:
    """Fill a block piece by piece, so that a failure costs no more than the piece it happens in.

    Returns
    -------
    filled : int
        Frames that were read; fewer than there is room for only at the end or with an error.
    error : exception or None
    """
    filled = 0
    while filled < len(block):
        try:
            frames = file.read(out=block[filled : filled + _PIECE_FRAMES])
        except (soundfile.LibsndfileError, OSError) as error:
            return filled, error
        if not len(frames):
            break
        filled += len(frames)
    return filled, None


def _seek(file: _Decoder, position: int) -> bool:
    """Go to a frame and return whether the file says that it has it."""
    try:
        if position:  # at the start we are: some damaged files cannot even seek to it
            file.seek(position)
    except soundfile.LibsndfileError:
        return False
    return True


def _decode(raw: IO[bytes], path: Path, *, endless: bool = False) -> _Decoder:
    """Begin to decode an open file, or say in one sentence why that does not work."""
    through_python = endless or os.name == "nt"  # where a library may not share our file descriptors
    source = _Bytes(raw, endless=endless) if through_python else raw.fileno()
    try:
        return _Decoder(source, closefd=False)
    except (soundfile.LibsndfileError, OSError) as error:
        if kept := getattr(source, "error", None):
            raise (
                kept if not isinstance(kept, OSError) else SourceError(f"{path}: cannot be read: {_reason(kept)}.")
            ) from kept
        message = f"{path}: is not audio that can be decoded: {_reason(error)}; convert it to wav, flac, ogg or mp3."
        raise SourceError(message) from error


def _open_path(path: Path) -> IO[bytes]:
    """Open a file, or say in one sentence why that does not work."""
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening one may wait for ever
            raise SourceError(f"{path}: is a pipe or a device, not a file; read it through standard input.")
        file = path.open("rb", buffering=0)
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


def _reason(error: soundfile.LibsndfileError | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    reason: str = error.error_string
    return reason.strip().rstrip(".").replace("File contains data in", "it is in")


def open_source(name: str, options: SourceOptions, sample_rate: int) -> FileSource:
    """Open an audio file that the command line names."""
    return FileSource(name, sample_rate=sample_rate, start=options.start, duration=options.duration)

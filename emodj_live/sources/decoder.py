"""libsndfile, and what it needs to decode every file to its true end."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import IO, Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from emodj_live.errors import SourceError

_PIECE_FRAMES = 2**13
_UNBELIEVABLE = 1 << 40  # [bytes] added to the length of an mp3, so that libsndfile reads on to its true end


class UndecodableError(SourceError):
    """libsndfile does not know what is in a file; ffmpeg might."""


class _View(io.RawIOBase):
    """A file from an offset on, which may pretend to be much longer than it is; libsndfile reads it through Python.

    libsndfile reads no further than its estimate of an mp3's length, which is made from the first frame and may be a
    third of the truth. With a length that nothing can exceed it reads until there is nothing left.

    An exception cannot pass through C: `error` keeps it.
    """

    def __init__(self, file: IO[bytes], offset: int, *, endless: bool) -> None:
        self._file = file
        self._offset = offset
        self._added = _UNBELIEVABLE if endless else 0
        self._pretended = 0
        self.error: BaseException | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._pretended = self._added if whence == os.SEEK_END else 0
        return self._file.seek(offset + (self._offset if whence == os.SEEK_SET else 0), whence) - self._offset

    def tell(self) -> int:
        return self._file.tell() - self._offset + self._pretended

    def readinto(self, buffer: Any) -> int:
        try:
            return self._file.readinto(buffer)  # type: ignore[attr-defined, no-any-return]
        except BaseException as error:  # raised again as soon as Python is back
            self.error = error
            return 0


class Decoder(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is read straight through.

    soundfile seeks to where it already is after every read of a seekable file. An mp3 decoder loses its bit reservoir
    over that: the next frames come out slightly wrong, with complaints on the standard error stream.
    """

    def seekable(self) -> bool:
        """Return False, so that it is not sought in."""
        return False

    def read(self, *, out: NDArray[np.float32]) -> NDArray[np.float32]:
        """Read into an array, and raise what a `_View` could not."""
        frames: NDArray[np.float32] = super().read(out=out)
        if error := getattr(self.name, "error", None):
            raise error
        return frames

    def go_to(self, position: int) -> bool:
        """Seek to a frame, and return whether the decoder believes that there is one."""
        try:
            if position:  # some damaged files cannot even seek to their start
                self.seek(position)
        except soundfile.LibsndfileError:
            return False
        return True

    def fill(self, block: NDArray[np.float32]) -> tuple[int, soundfile.LibsndfileError | OSError | None]:
        """Fill a block piece by piece.

        Returns
        -------
        filled : int
            Frames that were read; fewer than there is room for only at the end or with an error.
        error : exception or None
        """
        filled = 0
        while filled < len(block):
            piece = block[filled : filled + _PIECE_FRAMES]
            if self.format == "MP3":
                piece[:, 0] = np.nan  # which shows after a failure how much was decoded before it
            try:
                count = len(self.read(out=piece))
            except (soundfile.LibsndfileError, OSError) as error:
                decoded = np.isfinite(piece[:, 0]) if self.format == "MP3" else np.zeros(1, bool)
                return filled + int(np.logical_and.accumulate(decoded).sum()), error
            if not count:
                break
            filled += count
        return filled, None


def open_decoder(file: IO[bytes], path: Path, begin: int = 0, *, endless: bool = False) -> Decoder:
    """Begin to decode an open file.

    Parameters
    ----------
    file : binary file
        Without a buffer. It stays open when the decoder is closed.
    path : path-like
        What to call it in messages.
    begin : int
        Where in the file to begin [bytes].
    endless : bool
        Whether to read on after the end that libsndfile believes in, which it only estimates for an mp3.

    Returns
    -------
    Decoder

    Raises
    ------
    UndecodableError
        If libsndfile cannot decode it.
    SourceError
        If the file cannot be read.
    """
    file.seek(begin)
    through_python = endless or begin or os.name == "nt"  # where a library may not share our file descriptors
    source = _View(file, begin, endless=endless) if through_python else file.fileno()
    try:
        return Decoder(source, closefd=False)
    except (soundfile.LibsndfileError, OSError) as error:
        if kept := getattr(source, "error", None):
            if isinstance(kept, OSError):
                raise SourceError(f"{path}: cannot be read: {reason(kept)}.") from kept
            raise kept from None
        advice = "install ffmpeg, or convert it to wav, flac, ogg or mp3"
        raise UndecodableError(f"{path}: is not audio that can be decoded: {reason(error)}; {advice}.") from error


def reason(error: soundfile.LibsndfileError | OSError) -> str:
    """Return what an error says, to be put into a sentence.

    Parameters
    ----------
    error : exception

    Returns
    -------
    str
    """
    if isinstance(error, OSError):
        return error.strerror or str(error)
    text: str = error.error_string
    return text.strip().rstrip(".").replace("File contains data in", "it is in")

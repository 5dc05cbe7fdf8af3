"""The parts of an audio file: one in most, several in joined mp3s and chained Ogg; and who decodes them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import SourceError
from emodj_live.sources.decoder import Decoder, UndecodableError, open_decoder, reason
from emodj_live.sources.ffmpeg import FfmpegPart, is_available
from emodj_live.sources.joined import leading_tag_size, next_part, remaining_audio
from emodj_live.sources.resample import check_format

logger = logging.getLogger(__name__)

_BLOCK_SAMPLES = 2**19  # over all channels: some seconds, so that several windows are predicted at once
_NEGLIGIBLE = 8192  # [bytes] a quarter of a second of a good mp3
_LARGEST_TAG = 1 << 23  # [bytes] of which a decoder takes seven times as much
_LONGEST_NAME = 200  # of an artist or a title
_PLAYLISTS = {".m3u", ".m3u8", ".pls"}
_MOST_FAILURES = 50  # in a row to decode what looks like a part, after which the rest counts as lost


class Part:
    """One stream of audio in a file, from an offset on; most files have just one.

    Parameters
    ----------
    file : binary file
        Without a buffer.
    path : path-like
        What to call it in messages.
    begin : int
        Where the part begins [bytes].

    Attributes
    ----------
    format : str
        libsndfile's name of the format.
    is_length_exact : bool
        False for an mp3, whose length is an estimate and often wrong.
    rate, channels : int
        The part's own.
    length : int or None
        Number of frames, as the file says, which is an estimate for an mp3; None if it does not say.
    name : str
        Artist and title; empty if the file does not say.
    skipped : int
        Frames that were left out at the beginning of the part, once it is read.
    stopped : int
        Up to where the decoder has read [bytes].

    Raises
    ------
    SourceError
        If it cannot be decoded.
    """

    def __init__(self, file: IO[bytes], path: Path, begin: int = 0) -> None:
        self._file = file
        self._path = path
        self.begin = self.stopped = begin
        self.skipped = 0
        with open_decoder(self._file, self._path, self.begin) as decoder:
            self.format: str = decoder.format
            self.is_length_exact = self.format != "MP3"
            self.rate: int = decoder.samplerate
            self.channels: int = decoder.channels
            self.length: int | None = decoder.frames if 0 < decoder.frames < 2**62 else None
            self.name = " - ".join(text[:_LONGEST_NAME] for text in (decoder.artist, decoder.title) if text)
        try:
            check_format(self.rate, self.channels)
        except ValueError as error:
            raise SourceError(f"{path}: {error}; convert it to wav, flac, ogg or mp3.") from error

    def read(self, skip: int, most: int) -> Iterator[NDArray[np.float32]]:
        """Decode the part.

        An mp3 is read twice if need be: up to the end that libsndfile believes in, and from there to the true one.

        Parameters
        ----------
        skip : int
            Frames to leave out at the beginning. If the part has fewer, all are left out; `skipped` says how many.
        most : int
            Frames to read after that, at most.

        Yields
        ------
        ndarray of float32, shape (n, channels)
            Valid until the next one is asked for.

        Raises
        ------
        SourceError
            If the file cannot be read, or decoding fails. After a failure in an mp3 its next part may be tried.
        """
        done = 0
        for endless in (False, True) if self.format == "MP3" else (False,):
            with open_decoder(self._file, self._path, self.begin, endless=endless) as decoder:
                for frames in self._frames(decoder, most - done) if decoder.go_to(skip + done) else ():
                    self.skipped = skip
                    done += len(frames)
                    yield frames
            if done == most or (done and not self._has_more()):
                return
        if skip and not done:
            yield from self._read_from_beginning(skip, most)

    def _read_from_beginning(self, skip: int, most: int) -> Iterator[NDArray[np.float32]]:
        """Decode all the frames to leave out too, to see how many there are: seeking has led to none."""
        with open_decoder(self._file, self._path, self.begin, endless=self.format == "MP3") as decoder:
            for frames in self._frames(decoder, min(skip + most, sys.maxsize)):
                left_out = min(skip - self.skipped, len(frames))
                self.skipped += left_out
                if left_out < len(frames):
                    yield frames[left_out:]

    def _frames(self, decoder: Decoder, most: int) -> Iterator[NDArray[np.float32]]:
        """Yield the next frames until there are no more, or as many as asked for."""
        block = np.empty((min(most, max(1, _BLOCK_SAMPLES // self.channels)), self.channels), np.float32)
        while most > 0:
            wanted = block[:most]
            filled, error = decoder.fill(wanted)
            most -= filled
            self.stopped = max(self.stopped, self._file.tell())
            if filled:
                yield wanted[:filled]
            if error and (self.format != "MP3" or isinstance(error, OSError)):
                raise SourceError(f"{self._path}: decoding failed at this point: {reason(error)}.") from error
            if filled < len(wanted):
                return

    def _has_more(self) -> bool:
        """Return whether there is more than tags after what the decoder has read of an mp3."""
        try:
            return self.format == "MP3" and remaining_audio(self._file, self.stopped) > _NEGLIGIBLE
        except OSError as error:
            raise SourceError(f"{self._path}: cannot be read: {reason(error)}.") from error


def parts(file: IO[bytes], path: Path) -> Iterator[Part | FfmpegPart]:
    """Yield the parts of a file, and log a warning at the end if something could not be decoded.

    What libsndfile does not know is ffmpeg's, if that is installed; there is one part then.

    Parameters
    ----------
    file : binary file
        Without a buffer.
    path : path-like
        What to call it in messages.

    Yields
    ------
    Part or FfmpegPart
        To be read before the next one is asked for.

    Raises
    ------
    UndecodableError
        If libsndfile cannot decode the first part, and there is no ffmpeg.
    SourceError
        If the file cannot be read or its first part cannot be decoded.
    """
    try:
        yield from _decoded(file, path)
    except UndecodableError as error:
        if path.suffix.lower() in _PLAYLISTS:
            advice = "name the songs in it, or index them with emodj-library scan"
            raise SourceError(f"{path}: is a playlist; {advice}.") from error
        if not is_available():
            raise
    else:
        return
    yield FfmpegPart(path)


def _decoded(file: IO[bytes], path: Path) -> Iterator[Part]:
    """Yield the parts that libsndfile decodes."""
    try:
        part: Part | None = Part(file, path, _beginning(file))
        lost = 0
        while part is not None:
            yield part
            part, more_lost = _following(part, file, path)
            lost += more_lost
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {reason(error)}.") from error
    if lost > _NEGLIGIBLE:
        logger.warning("%s: %d bytes could not be decoded.", path, lost)


def _following(part: Part, file: IO[bytes], path: Path) -> tuple[Part | None, int]:
    """Return the next part that can be decoded, if there is one, and how many bytes before it cannot."""
    begin, stopped, lost = part.begin, part.stopped, 0
    for _ in range(_MOST_FAILURES):
        following = next_part(file, part.format, begin, stopped)
        lost += following.lost
        if following.begin is None:
            return None, lost
        begin = stopped = following.begin
        with suppress(SourceError):
            return Part(file, path, begin), lost
    return None, lost + os.fstat(file.fileno()).st_size - stopped


def _beginning(file: IO[bytes]) -> int:
    """Return where to begin to decode a file: at its beginning, or after a tag that would take too much memory."""
    size = leading_tag_size(file)
    return size if size > _LARGEST_TAG else 0

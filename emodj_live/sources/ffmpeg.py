"""ffmpeg, if it is installed: it decodes what libsndfile does not, such as m4a, wma, and the sound of videos.

It runs as a process of its own, gets a file's name, and writes samples into a pipe. A file may be anything, also a
playlist that calls itself a song. So ffmpeg may use nothing but files and pipes, and only formats that hold their own
audio; for a playlist, files would be enough to hear, or to wait for, what nobody named.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import SourceError
from emodj_live.sources.external import Program, is_installed, running
from emodj_live.sources.resample import check_format

logger = logging.getLogger(__name__)

_FORMATS = (  # ffmpeg's names of those that need no other file
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,asf_o,au,avi,caf,dsf,dts,dtshd,dv,eac3,flac,flv,gsm,iff,ircam,loas,matroska,"
    "mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,mpegvideo,mxf,nsv,nut,ogg,oma,rm,shn,spdif,tak,truehd,tta,voc,w64,wav,wtv,wv,xwma"
)
_SAFELY = ("-hide_banner", "-v", "error", "-protocol_whitelist", "file,pipe", "-format_whitelist", _FORMATS)
_SHOWN = (
    "stream=codec_name,codec_tag_string,sample_rate,channels,duration:stream_tags=artist,title:"
    "format=duration:format_tags=artist,title"
)
_BLOCK_SAMPLES = 2**19  # over all channels, as of other files
_LONGEST_NAME = 200  # of an artist or a title
_LONGEST_REASON = 100
_SAMPLE = np.dtype("<f4")

_MARKS = re.compile(r"(\[[^\]]* @ [^\]]*\] )+")  # who complains, at the beginning of a line
_REFUSED = re.compile(r"\[([\w-]+)[^\]]*\] Format not on whitelist")
_NOT_INTERESTING = ("[f32le @", "    Last message repeated")  # times do not matter in a stream of samples


class FfmpegPart:
    """The first audio stream of a file that ffmpeg decodes; from outside it is like any other part of a file.

    Parameters
    ----------
    path : path-like

    Attributes
    ----------
    rate, channels : int
        The stream's own.
    length : int or None
        Number of frames, as the file says; None if it does not say.
    is_length_exact : bool
        False: ffmpeg estimates it if it must, and does not say so.
    name : str
        Artist and title; empty if the file does not say.
    skipped : int
        Frames that were left out at the beginning, once it is read.

    Raises
    ------
    SourceError
        If ffmpeg finds no audio that it can decode.
    """

    is_length_exact = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self.skipped = 0
        stream, whole = _probe(path)
        self.rate = int(_number(stream.get("sample_rate")))
        self.channels = int(_number(stream.get("channels")))
        if "codec_name" not in stream:
            kind = stream.get("codec_tag_string", "unknown")
            raise SourceError(f"{path}: ffmpeg cannot decode its sound ({kind}); it may be protected.")
        try:
            check_format(self.rate, self.channels)
        except ValueError as error:
            raise SourceError(f"{path}: {error}; convert it to wav, flac, ogg or mp3.") from error
        seconds = _number(stream.get("duration")) or _number(whole.get("duration"))
        self.length = round(seconds * self.rate) or None
        self.name = _name({**stream.get("tags", {}), **whole.get("tags", {})})

    def read(self, skip: int, most: int) -> Iterator[NDArray[np.float32]]:
        """Decode it.

        All of it is decoded from the beginning, also what is left out: that goes about a thousand times as fast as the
        music, and where ffmpeg lands when it seeks differs between formats.

        Parameters
        ----------
        skip : int
            Frames to leave out at the beginning. If there are fewer, all are left out; `skipped` says how many.
        most : int
            Frames to read after that, at most.

        Yields
        ------
        ndarray of float32, shape (n, channels)
            Valid until the next one is asked for.

        Raises
        ------
        SourceError
            If ffmpeg fails or hangs. If it only complains, a warning is logged at the end.
        """
        self.skipped = 0
        with running(self._command(), self._path) as program:
            for frames in self._blocks(program):
                left_out = min(skip - self.skipped, len(frames))
                self.skipped += left_out
                wanted = frames[left_out : left_out + most]
                most -= len(wanted)
                if len(wanted):
                    yield wanted
                if not most:
                    return
            self._check(*program.wait())

    def _command(self) -> list[str]:
        shape = ("-ar", str(self.rate), "-ac", str(self.channels), "-f", "f32le")
        return ["ffmpeg", "-nostdin", *_SAFELY, "-i", f"file:{self._path}", "-map", "0:a:0", *shape, "pipe:1"]

    def _blocks(self, program: Program) -> Iterator[NDArray[np.float32]]:
        """Yield what ffmpeg decodes, in blocks of which all but the last are full."""
        block = np.empty((max(1, _BLOCK_SAMPLES // self.channels), self.channels), _SAMPLE)
        room = memoryview(block.data).cast("B")
        filled = len(room)
        while filled == len(room):
            filled = program.read_into(room)
            yield block[: filled // (_SAMPLE.itemsize * self.channels)].astype(np.float32, copy=False)

    def _check(self, code: int, complaints: bytes) -> None:
        """Raise or log what went wrong until ffmpeg ended."""
        why = _reason(complaints, self._path)
        if code:
            raise SourceError(
                f"{self._path}: decoding failed at this point: {why or f'ffmpeg ended with code {code}'}."
            )
        if why:
            logger.warning("%s: some of it could not be decoded: %s.", self._path, why)


def is_available() -> bool:
    """Return whether ffmpeg is installed."""
    return is_installed("ffmpeg", "ffprobe")


def _probe(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what ffprobe says of a file's first audio stream, and of the file."""
    command = ["ffprobe", *_SAFELY, "-select_streams", "a:0", "-show_entries", _SHOWN, "-of", "json", f"file:{path}"]
    with running(command, path) as program:
        answer = program.read()
        code, complaints = program.wait()
    if code:
        why = _reason(complaints, path) or f"ffprobe ended with code {code}"
        raise SourceError(f"{path}: is not audio that can be decoded: {why}; choose another file.")
    try:
        known = json.loads(answer.decode(errors="replace"), strict=False)
    except ValueError as error:
        raise SourceError(f"{path}: ffprobe's answer makes no sense; try another version of ffmpeg.") from error
    if not known.get("streams"):
        raise SourceError(f"{path}: has no sound; choose a file that has some.")
    return known["streams"][0], known.get("format", {})


def _reason(complaints: bytes, path: Path) -> str:
    """Return what ffmpeg says went wrong, to be put into a sentence: the last line that says more than the name."""
    lines = os.fsdecode(complaints).replace(f"file:{path}: ", "").splitlines()
    if refused := next((match for line in lines if (match := _REFUSED.match(line))), None):
        return f"its format is {refused[1]}"
    lines = [line for line in lines if line.strip() and not line.startswith(_NOT_INTERESTING)]
    last = ([line for line in lines if _MARKS.match(line)] or lines or [""])[-1]
    return _MARKS.sub("", last).strip().rstrip(".")[:_LONGEST_REASON]


def _name(tags: dict[str, str]) -> str:
    """Return artist and title, as far as there are any."""
    known = {key.lower(): text for key, text in tags.items()}
    return " - ".join(known[key][:_LONGEST_NAME] for key in ("artist", "title") if known.get(key))


def _number(text: object) -> float:
    """Return a positive number that ffprobe gives as a text; 0 if it gives none."""
    try:
        number = float(str(text))
    except ValueError:
        return 0.0
    return number if 0 < number < math.inf else 0.0

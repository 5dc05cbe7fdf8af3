"""The command line: the only place that parses, prints and exits."""

from __future__ import annotations

import argparse
import logging
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from emodj_live import __version__
from emodj_live.console import abandon_stdout, have_streams, own_stderr
from emodj_live.errors import EmodjError, one_line


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    int
        0 for a normal end, 1 for an error told in one line, 130 for Ctrl-C on unpaced work. Wrong arguments raise
        ``SystemExit(2)``.
    """
    have_streams()
    options = _parse(argv)
    # A window's worth of arithmetic is too little to share: threads would cost more than they bring, beside a player.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        with own_stderr(show=options.verbose), _notices(quiet=options.quiet):
            return _run(options)
    except BrokenPipeError:
        abandon_stdout()
        return 0
    except KeyboardInterrupt:
        return 130


def console() -> None:
    """Run the command line and exit the process: the console script."""
    sys.exit(main())


def _run(options: argparse.Namespace) -> int:
    try:
        if options.list_devices:
            return _list_devices()
        from emodj_live.session import Session

        return Session(options, tell=_tell).run()
    except EmodjError as error:
        return _tell(error)


def _tell(error: EmodjError) -> int:
    """Say what went wrong in one line, and return the exit code for it."""
    with suppress(OSError):  # that nobody reads it is no reason to stop
        print(f"emodj-live: {error}", file=sys.stderr)
    return 1


def _list_devices() -> int:
    from emodj_live.sources.devices import list_devices

    found = {"input": list_devices("input"), "output": list_devices("output")}
    for kind, those in found.items():
        print(f"{kind} devices (* is the default):")
        for device in [str(device) for device in those] or ["none"]:
            print(f"  {device}")
    return 0


class _OneLine(logging.Formatter):
    """Keep what a file's name may hold from the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


@contextmanager
def _notices(*, quiet: bool) -> Iterator[None]:
    """Show what the library reports, and let no odd file name stop the output."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("emodj-live: %(message)s"))
    library = logging.getLogger("emodj_live")
    library.addHandler(handler)
    level = library.level
    library.setLevel(logging.ERROR if quiet else logging.WARNING)
    try:
        yield
    finally:
        library.removeHandler(handler)
        library.setLevel(level)


# ------------------------------------------------------------------------------------------------------- arguments


def _number(text: str, *, what: str, low: float, high: float = math.inf, open_end: bool = False) -> float:
    """Parse a number within bounds for argparse."""
    value = float(text)
    if not low <= value <= high or (open_end and value == low) or math.isinf(value):
        raise argparse.ArgumentTypeError(f"{text} is not {what}")
    return value


_positive = partial(_number, what="a positive number of seconds", low=0, open_end=True)
_not_negative = partial(_number, what="0 or a positive number of seconds", low=0)
_step = partial(_number, what="from 0.01 s to an hour", low=0.01, high=3600)
_silence = partial(_number, what="a level from -200 to 0 dBFS", low=-200, high=0)
_delay = partial(_number, what="from -5000 to 5000 ms", low=-5000, high=5000)
for _type in (_positive, _not_negative, _step, _silence, _delay):
    _type.__name__ = "number"  # type: ignore[attr-defined]


def _gain(text: str) -> float | str:
    return text if text == "auto" else _number(text, what="'auto' or from -60 to 60 dB", low=-60, high=60)


def _device(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _raw(text: str) -> str:
    """Check ``RATE:CHANNELS:FORMAT``."""
    from emodj_live.sources.pcm import Pcm

    try:
        Pcm.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _table(text: str) -> Path:
    """Take a file for a table, but none that `--csv *.wav` would overwrite by mistake."""
    path = Path(text)
    if path.suffix.lower() != ".csv" and (path.is_file() or not path.exists()):
        raise argparse.ArgumentTypeError(f"{text} does not end in .csv")
    return path


def _picture(text: str) -> Path:
    from emodj_live.sinks.plot import SUFFIXES

    path = Path(text)
    if path.suffix.lower() not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text} ends in none of {', '.join(SUFFIXES)}")
    return path


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not HOST:PORT, such as 127.0.0.1:9000")
    return host.strip("[]"), int(port)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="emodj-live",
        description="Tell, while music plays, what it feels like: valence and arousal, twice a second.",
    )
    _add_sources(parser.add_argument_group("what to listen to"))
    _add_output(parser.add_argument_group("output"))
    _add_tracking(parser.add_argument_group("tracking"))
    parser.add_argument("--version", action="version", version=f"emodj-live {__version__}")
    options = parser.parse_args(argv)
    _check(parser, options)
    if options.gain is None:
        options.gain = "auto" if options.mic else 0.0
    return options


def _add_sources(group: argparse._ArgumentGroup) -> None:
    group.add_argument("files", nargs="*", metavar="FILE", help="wav, flac, ogg, opus, mp3, ...; - is WAV from stdin")
    group.add_argument("--demo", action="store_true", help="a piece that the program makes itself")
    group.add_argument("--mic", action="store_true", help="the microphone, or whatever input --device names")
    group.add_argument("--play", action="store_true", help="play the file too, with the emotions in step")
    group.add_argument("--raw", type=_raw, metavar="RATE:CHANNELS:FORMAT", help="stdin is no WAV: 48000:2:s16le")
    group.add_argument("-d", "--device", type=_device, metavar="DEVICE", help="its number or a part of its name")
    group.add_argument("-l", "--list-devices", action="store_true", help="list the devices and exit")
    group.add_argument("--start", type=_not_negative, default=0.0, metavar="SECONDS", help="where in a file to begin")
    group.add_argument("--duration", type=_positive, metavar="SECONDS", help="how much to listen to")


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--json", action="store_true", help="JSON Lines and nothing else on stdout")
    group.add_argument("--csv", type=_table, metavar="FILE", help="write a table too: every value, a row per emotion")
    group.add_argument("--osc", type=_address, metavar="HOST:PORT", help="send OSC too: /emodj/valence and so on")
    group.add_argument("--plot", type=_picture, metavar="FILE", help="draw the song too: .png, .svg or .pdf")
    group.add_argument("--plain", action="store_true", help="lines as to a pipe, also on a terminal")
    group.add_argument("--fast", action="store_true", help="as fast as it can, also on a terminal")
    group.add_argument("--delay-ms", type=_delay, default=0.0, metavar="MS", help="with --play: show this much later")
    group.add_argument("-q", "--quiet", action="store_true", help="no summary and no notices")
    group.add_argument("-v", "--verbose", action="store_true", help="show what decoders and devices complain about")


def _add_tracking(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--step", type=_step, default=0.5, metavar="SECONDS", help="from one emotion to the next (0.5)")
    group.add_argument("--smooth", type=_not_negative, default=3.0, metavar="SECONDS", help="average, 0 is off (3)")
    group.add_argument("--silence", type=_silence, default=-60.0, metavar="DB", help="below this is silence (-60 dBFS)")
    group.add_argument("--gain", type=_gain, metavar="DB", help="fixed, or auto (auto for --mic, else 0)")
    group.add_argument("--model", metavar="FILE", help="another model (or name it in EMODJ_MODEL)")


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse what does not go together."""
    if options.list_devices:
        return
    if bool(options.files) + options.demo + options.mic != 1:
        parser.error("name audio files, or - for standard input, or --demo, or --mic")
    if options.mic and (options.play or options.start or options.fast):
        parser.error("--mic goes with neither --play nor --start nor --fast")
    if options.demo and (options.start or options.duration):
        parser.error("--start and --duration do not go with --demo")
    if "-" in options.files and (len(options.files) > 1 or options.play or options.start or options.fast):
        parser.error("- (standard input) goes with no other file and with neither --play nor --start nor --fast")
    if options.raw and options.files != ["-"]:
        parser.error("--raw goes with - (standard input)")
    if options.play and options.fast:
        parser.error("--play goes at the speed of the music, so not with --fast")
    if options.delay_ms and not options.play:
        parser.error("--delay-ms goes with --play")
    if options.device is not None and not (options.mic or options.play):
        parser.error("--device goes with --mic or --play")

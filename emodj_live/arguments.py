"""The command line's arguments: parsed, held against each other, and returned as typed options."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

from emodj_live import __version__
from emodj_live.gliding import FASTEST
from emodj_live.inputs import INPUTS, STANDARD_INPUT
from emodj_live.options import Options, SendingOptions, SourceOptions, TrackingOptions
from emodj_live.outputs import OUTPUTS, OutputOption


def parse(argv: Sequence[str] | None) -> Options:
    """Read the arguments.

    Parameters
    ----------
    argv : sequence of str or None
        None: those of the process.

    Returns
    -------
    Options

    Raises
    ------
    SystemExit
        With code 2 if they are wrong, with 0 after ``--help`` and ``--version``.
    """
    return _options(_namespace(argv))


def _number(text: str, *, what: str, low: float, high: float = math.inf, is_open: bool = False) -> float:
    """Parse a number within bounds for argparse; `is_open` leaves `low` itself out."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not {what}") from None
    if not low <= value <= high or (is_open and value == low) or math.isinf(value):
        raise argparse.ArgumentTypeError(f"{text} is not {what}")
    return value


_positive = partial(_number, what="a positive number of seconds, such as 60", low=0, is_open=True)
_not_negative = partial(_number, what="0 or a positive number of seconds, such as 60", low=0)
_step = partial(_number, what="a number of seconds from 0.01 to 3600", low=0.01, high=3600)
_silence = partial(_number, what="a level from -200 to 0 dBFS", low=-200, high=0)
_rate = partial(_number, what="a number above 0, at most 60", low=0, high=FASTEST, is_open=True)
_delay = partial(_number, what="a number of milliseconds from -5000 to 5000", low=-5000, high=5000)


def _gain(text: str) -> float | str:
    return text if text == "auto" else _number(text, what="auto or a number of dB from -60 to 60", low=-60, high=60)


def _device(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _raw(text: str) -> str:
    """Check ``RATE:CHANNELS:FORMAT``."""
    from emodj_live.sources.pcm import Pcm

    Pcm.parse(text)
    return text


def _osc_prefix(text: str) -> str:
    from emodj_live.sinks.osc import parse_prefix

    return parse_prefix(text)


def _saying_why(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Let argparse show why a value is wrong: of a `ValueError` it would drop the text."""

    def checked(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked


def _namespace(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="emodj-live",
        description="Real-time music emotion tracking: valence and arousal, twice a second, while the music plays.",
    )
    _add_sources(parser.add_argument_group("what to listen to"))
    _add_output(parser.add_argument_group("output"))
    _add_tracking(parser.add_argument_group("tracking"))
    parser.add_argument("--version", action="version", version=f"emodj-live {__version__}")
    arguments = parser.parse_args(argv)
    _check(parser, arguments)
    return arguments


def _add_sources(group: argparse._ArgumentGroup) -> None:
    default = SourceOptions()
    add = group.add_argument
    add("files", nargs="*", metavar="FILE", help="wav, flac, ogg, opus, mp3, ...; - reads WAV from stdin")
    for row in INPUTS:
        if row.metavar is None:
            add(f"--{row.name}", action="store_const", const=True, help=row.help)
        else:
            add(f"--{row.name}", metavar=row.metavar, help=row.help)
    add("--play", action="store_true", help="also play the file, in sync with the emotions")
    add("--loop", action="store_true", help="begin again at the end (with --play, --realtime, --web or a dashboard)")
    add("--raw", type=_saying_why(_raw), metavar="RATE:CHANNELS:FORMAT", help="stdin is raw PCM, e.g. 48000:2:s16le")
    add("-d", "--device", type=_device, metavar="DEVICE", help="number of a device, or part of its name")
    add("-l", "--list-devices", action="store_true", help="list the devices and exit")
    add("--start", type=_not_negative, default=default.start, metavar="SECONDS", help="where in a file to begin")
    add("--duration", type=_positive, metavar="SECONDS", help="how much to listen to")


def _add_output(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--json", action="store_true", help="JSON Lines and nothing else on stdout")
    for row in sorted(OUTPUTS, key=lambda row: row.name):
        add(f"--{row.name}", type=_saying_why(row.parse), metavar=row.metavar, help=row.help)
    add("--rate", type=_rate, metavar="HZ", help=f"{_takers('rate')}: so many values a second, between emotions too")
    add("--osc-prefix", type=_saying_why(_osc_prefix), metavar="PREFIX", help="with --osc: instead of /emodj")
    add(
        "--web-origin",
        type=_saying_why(_origin),
        action="append",
        metavar="ORIGIN",
        help="with --web: a page of this site may read the events, e.g. https://example.org (may be repeated)",
    )
    add("--exit", action="store_true", help=f"with {_staying()}: end with the music instead of staying up")
    add("--plain", action="store_true", help="plain lines even on a terminal")
    add("--background", choices=("dark", "light"), help="what the terminal's background is (default: found out)")
    add("--fast", action="store_true", help="as fast as possible even on a terminal")
    add("--realtime", action="store_true", help="at the speed of the music even without a terminal")
    add("--delay-ms", type=_delay, default=0.0, metavar="MS", help="with --play: show emotions this much later")
    add("-q", "--quiet", action="store_true", help="no summary and no notices")
    add("-v", "--verbose", action="store_true", help="show messages from decoders and sound drivers")


def _origin(text: str) -> str:
    from emodj_live.sinks.web.address import parse_origin

    return parse_origin(text)


def _staying() -> str:
    """Return the options of the outputs that stay up after the music."""
    return " or ".join(f"--{row.name}" for row in OUTPUTS if row.stays)


def _takers(setting: str) -> str:
    """Return the options of the outputs that take a setting."""
    return " or ".join(f"--{row.name}" for row in OUTPUTS if setting in row.settings)


def _add_tracking(group: argparse._ArgumentGroup) -> None:
    default = TrackingOptions()
    add = group.add_argument
    add("--step", type=_step, default=default.step, metavar="SECONDS", help="time between emotions (default 0.5)")
    add(
        "--smooth",
        type=_not_negative,
        default=default.smoothing,
        metavar="SECONDS",
        help="smoothing time constant, 0 turns it off (default 3)",
    )
    add("--silence", type=_silence, default=default.silence, metavar="DB", help="silence threshold (dBFS, default -60)")
    leveled = " and ".join(f"--{row.name}" for row in INPUTS if row.gain == "auto")
    add("--gain", type=_gain, metavar="DB", help=f"fixed gain, or auto (default: auto for {leveled}, else 0)")
    add("--model", metavar="FILE", help="another model file (or set EMODJ_MODEL)")


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Refuse what does not go together."""
    named = [row for row in INPUTS if getattr(arguments, row.name) is not None]
    live = [f"--{row.name}" for row in named if row.is_live] + [STANDARD_INPUT] * (STANDARD_INPUT in arguments.files)
    if arguments.list_devices:
        return
    _check_input(parser, arguments, [f"--{row.name}" for row in named])
    if live and (arguments.play or arguments.start or arguments.fast):
        parser.error(f"{live[0]} cannot be combined with --play, --start or --fast")
    if live == [STANDARD_INPUT] and len(arguments.files) > 1:
        parser.error("- (standard input) cannot be combined with files")
    if named and not live and (arguments.start or arguments.duration):
        parser.error(f"--start and --duration cannot be combined with --{named[0].name}")
    if arguments.fast and (arguments.play or arguments.realtime):
        parser.error("--fast cannot be combined with --play or --realtime")
    _check_sending(parser, arguments)
    if arguments.loop and (live or arguments.fast or not (arguments.play or _is_paced(arguments))):
        parser.error("--loop is for the demo and files, with --play, --realtime, --web or a dashboard")
    if arguments.delay_ms and not arguments.play:
        parser.error("--delay-ms needs --play")
    if arguments.device is not None and not (arguments.play or any(row.is_live for row in named)):
        parser.error(f"--device needs {', '.join(f'--{row.name}' for row in INPUTS if row.is_live)} or --play")


def _check_sending(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Refuse what no output takes that is asked for."""
    taken = {name for row in _used(arguments) for name in row.settings}
    for name in _sending(arguments):
        if name not in taken:
            parser.error(f"--{name.replace('_', '-')} needs {_takers(name)}")
    if arguments.fast and arguments.rate is not None:
        parser.error("--fast cannot be combined with --rate")
    if arguments.exit and not any(row.stays for row in _used(arguments)):
        parser.error(f"--exit needs {_staying()}")


def _used(arguments: argparse.Namespace) -> list[OutputOption]:
    """Return the outputs that are asked for."""
    return [row for row in OUTPUTS if getattr(arguments, row.name) is not None]


def _sending(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what is said of how outputs send."""
    names = [field.name for field in fields(SendingOptions)]
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def _check_input(parser: argparse.ArgumentParser, arguments: argparse.Namespace, named: Sequence[str]) -> None:
    """Refuse all but one kind of source."""
    if arguments.raw and arguments.files != [STANDARD_INPUT]:
        parser.error("--raw describes standard input: add -")
    given = [*named, *(["audio files"] if arguments.files else [])]
    if not given:
        every = ", ".join(f"--{row.name}" for row in INPUTS)
        parser.error(f"name what to listen to: audio files, - for standard input, or one of {every}")
    if len(given) > 1:
        parser.error(f"choose one source: {' and '.join(given)} cannot be combined")


def _options(arguments: argparse.Namespace) -> Options:
    given = vars(arguments)
    return Options(
        files=tuple(arguments.files),
        inputs={row.name: given[row.name] for row in INPUTS if given[row.name] is not None},
        source=SourceOptions(**{name: given[name] for name in ("device", "start", "duration", "raw")}),
        tracking=TrackingOptions(
            step=arguments.step,
            smoothing=arguments.smooth,
            silence=arguments.silence,
            gain=arguments.gain,
            model=arguments.model,
        ),
        outputs={row.name: given[row.name] for row in OUTPUTS if given[row.name] is not None},
        sending=SendingOptions(**_sending(arguments)),
        play=arguments.play,
        delay=arguments.delay_ms / 1000,
        realtime=_is_paced(arguments),
        exits=arguments.exit,
        is_watched=_is_watched(arguments),
        lists_devices=arguments.list_devices,
        **{name: given[name] for name in ("background", "json", "loop", "plain", "quiet", "verbose")},
    )


def _is_watched(arguments: argparse.Namespace) -> bool:
    """Return whether somebody at a terminal looks at the emotions."""
    return sys.stdout.isatty() and not (arguments.plain or arguments.json)


def _is_paced(arguments: argparse.Namespace) -> bool:
    """Return whether it goes at the speed of the music."""
    is_wished = _is_watched(arguments) or arguments.rate is not None or any(row.is_live for row in _used(arguments))
    return arguments.realtime or (is_wished and not arguments.fast)

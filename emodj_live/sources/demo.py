"""A short piece of music that the package makes itself, to try it without any file. It goes through all four moods."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from emodj_live.blocks import SourceStatus
from emodj_live.options import SourceOptions
from emodj_live.sources.resample import Resampler, check_rate
from emodj_live.sources.synthesis import Room, Samples, Voice, air, cymbal, distorted, kick, note, snare

_RATE = 22050  # [Hz] at which it is made
_SECTION_SECONDS = 15
_LONGEST_NOTE = 6  # [s]
_ACCENT = 0.85  # strength of what lies between the beats
_FADE = 2.0  # [s] at the end
_STEPS_IN_BEAT = 4
_CYMBALS = {"hat": 0.03, "open hat": 0.12, "crash": 0.6}  # how long they ring [s]
_LOUDSPEAKER = 6500.0  # [Hz] where that of a guitar ends

_Bars = tuple[tuple[tuple[int, ...], ...], ...]  # of each bar the steps, of each step the notes


@dataclass(frozen=True)
class _Layer:
    """What one instrument plays: its bars over and over."""

    voice: Voice
    bars: _Bars
    level: float
    seconds: float  # how long a note may ring
    drive: float = 0.0  # of a distorting amplifier; 0 is none


@dataclass(frozen=True)
class _Section:
    """One mood of the piece."""

    bars: int
    layers: Sequence[_Layer]
    level: float
    air: float  # relative to the sound around it
    tilt: float  # of the air
    echo: float
    decay: float  # of the echo [s]
    darkness: float  # of the echo [Hz]
    highest: float  # where the recording ends [Hz]
    drums: Sequence[tuple[str, Sequence[str], float]] = ()  # which, how hard in each step of a bar (0 to 9), how loud


def _chords(chords: Sequence[Sequence[int]], *patterns: str, transposed: int = 0) -> _Bars:
    """Return bars in which a pattern plays chord after chord: ``"012 . 3"`` is three notes, a rest, one note."""
    count = max(len(chords), len(patterns))
    return tuple(
        tuple(
            tuple(chords[bar % len(chords)][int(digit)] + transposed for digit in step.strip("."))
            for step in patterns[bar % len(patterns)].split()
        )
        for bar in range(count)
    )


def _melody(*bars: str, transposed: int = 0) -> _Bars:
    """Return bars of single notes, given their numbers; a dot is a rest."""
    return tuple(tuple(() if step == "." else (int(step) + transposed,) for step in bar.split()) for bar in bars)


_HARP = Voice(0.8, 1.7, 0.01, damping=0.6, stretch=3e-4)
_PAD = Voice(0.2, 30, 0.5, chorus=0.002, overtones=12)
_IN_C = (48, 55, 60, 64, 67, 72), (53, 57, 60, 65, 69, 72), (48, 55, 60, 64, 67, 76), (43, 50, 59, 62, 67, 71)
_DREAMY = _melody("76 . 79 . . 76 . .", "76 . 74 . 72 . . .", "69 . 72 . 76 . . .", "74 . . . . . 71 .")
_CALM = _Section(
    bars=4,
    layers=(
        _Layer(_HARP, _chords(_IN_C, "0 2 3 4 5 4 3 2"), 0.45, 3.0),
        _Layer(_PAD, _chords(_IN_C, "123"), 0.2, 4.3),
        _Layer(_HARP, _chords(_IN_C, "0"), 0.17, 3.75),
        _Layer(_HARP, _DREAMY, 0.45, 3.75),
    ),
    level=0.09, air=0.09, tilt=0.75, echo=0.58, decay=0.69, darkness=2100, highest=8000,
)  # fmt: skip

_CHEERFUL = (48, 60, 64, 67, 72), (43, 59, 62, 67, 71), (45, 60, 64, 69, 72), (41, 60, 65, 69, 72)
_HAPPY = _Section(
    bars=8,
    layers=(
        _Layer(Voice(0.79, 0.3, 0.004, damping=0.1), _chords(_CHEERFUL, "0 0 0 0 0 0 0 0", transposed=-12), 0.25, 0.4),
        _Layer(Voice(0.93, 0.27, 0.004, chorus=0.002), _chords(_CHEERFUL, ". 1234 . 1234 . 1234 . 1234"), 0.8, 0.35),
        _Layer(
            Voice(0.83, 0.15, 0.002, damping=0.4),
            _melody(
                "76 . 79 76 . 72 . 76 79 . 84 . 83 . 79 .",
                "74 . 79 74 . 71 . 74 79 . 83 . 81 . 79 .",
                "72 . 76 72 . 69 . 72 76 . 81 . 79 . 76 .",
                "77 . 76 74 . 72 . 74 76 . 77 . 79 . 83 .",
            ),
            0.54,
            0.7,
        ),
    ),
    drums=(
        ("kick", ("9...9...9...9...",), 0.6),
        ("snare", ("....9.......9...",), 1.2),
        ("hat", ("5.9.5.9.5.9.5.9.",), 0.74),
        ("open hat", ("..9...9...9...9.",), 0.58),
    ),
    level=0.2, air=0.01, tilt=0.5, echo=0.31, decay=0.11, darkness=6000, highest=10000,
)  # fmt: skip

_GUITAR = Voice(0.986, 0.7, 0.002, damping=0.02, chorus=0.005, overtones=40)
_SCREAM = Voice(0.88, 0.4, 0.002, damping=0.02, chorus=0.006, overtones=40)
_HARSH = (28, 35, 40, 34), (28, 35, 40, 41), (29, 36, 41, 35), (27, 34, 39, 33)
_TENSE = _Section(
    bars=10,
    layers=(
        _Layer(
            _GUITAR,
            _chords(
                _HARSH,
                "012 . 0 0 . 0 012 . 0 . 0 0 013 . . .",
                "012 . 0 0 . 0 012 . 013 . 013 . 0 0 0 0",
                transposed=12,
            ),
            0.71,
            0.17,
            drive=4.8,
        ),
        _Layer(
            _SCREAM,
            _chords(_HARSH, ". . 23 . . . . . 23 . . . . . . .", ". . . . 123 . . . . . . . 13 . . .", transposed=24),
            0.35,
            0.37,
            drive=4.0,
        ),
    ),
    drums=(
        ("kick", ("9.99.9..9.99....", "9.99.9..9...9999"), 0.8),
        ("snare", ("....9.......9..4",), 1.5),
        ("hat", ("9.5.9.5.9.5.9.5.",), 0.38),
        ("crash", ("9...............", "................"), 0.37),
    ),
    level=0.17, air=0.1, tilt=0.15, echo=0.6, decay=0.3, darkness=6000, highest=10430,
)  # fmt: skip

_PIANO = Voice(0.6, 1.2, 0.004, damping=0.25, stretch=3e-4)
_STRINGS = Voice(0.78, 30, 0.63, chorus=0.003)
_IN_A_MINOR = (45, 52, 57, 60), (38, 50, 57, 62), (40, 52, 56, 59), (45, 52, 57, 60)
_SAD = _Section(
    bars=4,
    layers=(
        _Layer(_STRINGS, _chords(_IN_A_MINOR, "0123"), 0.31, 4.4),
        _Layer(_PIANO, _chords(_IN_A_MINOR, "0"), 0.27, 3.75),
        _Layer(_PIANO, _melody("76 . 74 72", "74 . 72 69", "71 . 69 68", "69 . . .", transposed=-12), 0.45, 3.75),
    ),
    level=0.1, air=0.036, tilt=0.61, echo=0.84, decay=1.0, darkness=1000, highest=10600,
)  # fmt: skip

_SECTIONS = _CALM, _HAPPY, _TENSE, _SAD


class _Band:
    """Plays one section, bar after bar."""

    def __init__(self, section: _Section, number: int) -> None:
        self._section = section
        self._rng = np.random.default_rng(number)
        self._note = cache(lambda voice, midi, seconds: note(voice, midi, seconds, _RATE))
        self._drums = {name: _drum(name, self._rng) for name, _, _ in section.drums}

    def play(self, rest: Samples) -> Generator[Samples, None, Samples]:
        """Yield the bars, given what still sounds of the section before; return what still sounds after this one."""
        section = self._section
        room = Room(
            echo=section.echo,
            decay=section.decay,
            darkness=section.darkness,
            highest=section.highest,
            rate=_RATE,
            rng=self._rng,
        )
        ends = np.linspace(0, _SECTION_SECONDS * _RATE, section.bars + 1).round().astype(int)
        ringing = np.zeros(_LONGEST_NOTE * _RATE)
        for number, length in enumerate(np.diff(ends)):
            played = np.concatenate([ringing, np.zeros(length)])
            for layer in section.layers:
                self._add_notes(played, layer, layer.bars[number % len(layer.bars)], length)
            for drum, bars, level in section.drums:
                self._add_drum(played, level * self._drums[drum], bars[number % len(bars)], length)
            sound, ringing = played[:length], played[length:]
            sound = sound + section.air * air(sound, section.tilt, _RATE, self._rng)
            heard, rest = room.hear(section.level * sound, rest)
            yield heard
        return rest

    def _add_notes(self, played: Samples, layer: _Layer, bar: Sequence[Sequence[int]], length: int) -> None:
        """Add what a layer plays in a bar."""
        sound = np.zeros_like(played) if layer.drive else played
        for step, chord in enumerate(bar):
            start = round(step * length / len(bar))
            strength = layer.level if step % _STEPS_IN_BEAT == 0 else _ACCENT * layer.level
            for midi in chord:
                tone = self._note(layer.voice, midi, layer.seconds)
                sound[start : start + len(tone)] += strength / np.sqrt(len(chord)) * tone
        if layer.drive:
            played[:length] += layer.level * distorted(sound[:length] / layer.level, layer.drive, _LOUDSPEAKER, _RATE)

    @staticmethod
    def _add_drum(played: Samples, drum: Samples, bar: str, length: int) -> None:
        """Add what a drum plays in a bar."""
        for step, strength in enumerate(bar):
            if strength != ".":
                start = round(step * length / len(bar))
                played[start : start + len(drum)] += int(strength) / 9 * drum


def _drum(name: str, rng: np.random.Generator) -> Samples:
    if name == "kick":
        return kick(_RATE)
    return snare(_RATE, rng) if name == "snare" else cymbal(_CYMBALS[name], _RATE, rng)


class DemoSource:
    """The blocks of a piece of 60 s in four moods of 15 s, calm, happy, tense and sad, always the same.

    It is made while it is heard, bar after bar.

    Parameters
    ----------
    sample_rate : int
        Rate of the blocks [Hz].

    Attributes
    ----------
    input_rate, channels, start, length, is_length_exact, position, title
        As those of a `FileSource`.

    Raises
    ------
    ValueError
        If `sample_rate` is out of range.
    """

    input_rate = _RATE
    channels = 1
    start = 0.0
    length = float(_SECTION_SECONDS * len(_SECTIONS))
    is_length_exact = True
    title = "demo"

    def __init__(self, *, sample_rate: int = _RATE) -> None:
        check_rate("sample_rate", sample_rate)
        self.sample_rate = sample_rate
        self.position = 0.0

    def status(self) -> SourceStatus:
        """Return what it says of itself."""
        return SourceStatus(
            position=self.position, length=self.length, input_rate=self.input_rate, channels=self.channels
        )

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Yield the piece bar by bar: float32, shape (n,)."""
        return self.blocks_from(0.0)

    def blocks_from(self, position: float) -> Iterator[NDArray[np.float32]]:
        """Yield the blocks from another place on.

        Parameters
        ----------
        position : float
            Where to begin [s].

        Yields
        ------
        ndarray of float32, shape (n,)
        """
        self.position = position
        resampler = Resampler(_RATE, self.sample_rate)
        for frames in self.frames(position):
            self.position += len(frames) / _RATE
            yield resampler.process(frames)
        yield resampler.process(np.empty((0, 1), np.float32), last=True)

    def frames(self, position: float | None = None) -> Iterator[NDArray[np.float32]]:
        """Yield the piece as a `FileSource` yields a file's frames: float32, shape (n, 1).

        Parameters
        ----------
        position : float, optional
            Where to begin [s].
        """
        skip = round((position or 0.0) * _RATE)
        left, fade = round(self.length * _RATE), round(_FADE * _RATE)
        for bar in _bars():
            remaining = np.arange(left, left - len(bar), -1)
            left -= len(bar)
            frames = (bar * np.minimum(1, remaining / fade)).astype(np.float32)[:, np.newaxis]
            if skip < len(frames):
                yield frames[skip:]
            skip = max(0, skip - len(frames))


def _bars() -> Iterator[Samples]:
    """Yield the bars of all sections; what still sounds at the end of one is heard in the next."""
    rest = np.zeros(0)
    for number, section in enumerate(_SECTIONS):
        rest = yield from _Band(section, number).play(rest)


def open_source(_value: bool, _options: SourceOptions, sample_rate: int) -> DemoSource:
    """Open the source of ``--demo``."""
    return DemoSource(sample_rate=sample_rate)

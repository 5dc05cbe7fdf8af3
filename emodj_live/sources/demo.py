"""A short piece that the package plays itself, so that it can be seen at work without any file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emodj_live.options import SourceOptions

_SECTION_SECONDS = 7.5
_INAUDIBLE = 1e-3  # overtones weaker than this are left out


@dataclass(frozen=True)
class _Section:
    """One mood of the piece: its chords, and how they are played."""

    chords: Sequence[Sequence[int]]  # MIDI notes, each chord for an equal share of the section
    strikes: int  # how many times a chord is struck
    arpeggiated: bool  # one note at a strike, or all
    brightness: float  # strength of an overtone relative to the one below it
    attack: float  # [s]
    decay: float  # [s]
    drums: float  # their strength beside the notes
    level: float  # RMS


_SECTIONS = (
    _Section(((48, 60, 64, 67), (45, 57, 60, 64), (53, 57, 60, 65)), 2, False, 0.25, 0.01, 2.0, 0.0, 0.1),
    _Section(((60, 64, 67, 72), (65, 69, 72, 77), (67, 71, 74, 79)), 8, True, 0.85, 0.01, 0.2, 1.0, 0.11),
    _Section(((36, 43, 48, 52), (41, 48, 53, 57), (43, 50, 55, 59)), 12, False, 0.95, 0.01, 0.25, 1.0, 0.12),
    _Section(((33, 45, 52, 57), (29, 41, 48, 53)), 1, False, 0.5, 0.8, 4.0, 0.0, 0.1),
)


def _note(midi: int, length: int, section: _Section, sample_rate: int) -> NDArray[np.float64]:
    """Return one note: overtones that weaken by the section's brightness, struck and dying away."""
    seconds = np.arange(length) / sample_rate
    frequency = 440 * 2 ** ((midi - 69) / 12)
    played = np.zeros(length)
    for overtone in range(1, 1 + min(24, int(0.45 * sample_rate / frequency))):
        strength = section.brightness ** (overtone - 1)
        if strength > _INAUDIBLE:
            played += strength * np.sin(2 * np.pi * overtone * frequency * seconds)
    return played * np.minimum(1, seconds / section.attack) * np.exp(-seconds / section.decay)


def _drum(beat: int, length: int, sample_rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return what the drums do on a beat: always a hi-hat, with a kick and a snare in turn on every other."""
    seconds = np.arange(length) / sample_rate
    noise = rng.normal(size=length)
    hit = 0.5 * np.diff(noise, prepend=0) * np.exp(-seconds / 0.03)
    if beat % 4 == 0:
        sweep = 50 * seconds + 1.8 * (1 - np.exp(-seconds / 0.03))
        hit += 2 * np.sin(2 * np.pi * sweep) * np.exp(-seconds / 0.12)
    if beat % 4 == 2:
        hit += 0.7 * noise * np.exp(-seconds / 0.08)
    played: NDArray[np.float64] = hit
    return played


def _play(section: _Section, sample_rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a whole section."""
    total = round(_SECTION_SECONDS * sample_rate)
    beats = len(section.chords) * section.strikes
    audio = np.zeros(total)
    for beat in range(beats):
        start = beat * total // beats
        chord = section.chords[beat // section.strikes]
        notes = [chord[beat % len(chord)]] if section.arpeggiated else chord
        ringing = min(total - start, round(4 * section.decay * sample_rate))
        for midi in notes:
            audio[start : start + ringing] += _note(midi, ringing, section, sample_rate) / np.sqrt(len(notes))
        if section.drums:
            struck = min(total - start, sample_rate // 4)
            audio[start : start + struck] += section.drums * _drum(beat, struck, sample_rate, rng)
    played: NDArray[np.float64] = audio * section.level / np.sqrt(np.mean(audio**2))
    return played.astype(np.float32)


class DemoSource:
    """The blocks of a piece of 30 s in four moods, always the same.

    Parameters
    ----------
    sample_rate : int
        Rate of the blocks [Hz].

    Attributes
    ----------
    input_rate, channels, start, approximate_length, is_length_exact, title
        As those of a `FileSource`.
    """

    channels = 1
    start = 0.0
    approximate_length = _SECTION_SECONDS * len(_SECTIONS)
    is_length_exact = True
    title = "demo"

    def __init__(self, *, sample_rate: int = 22050) -> None:
        self.sample_rate = self.input_rate = sample_rate

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Yield the piece section by section: float32, shape (n,)."""
        rng = np.random.default_rng(0)
        for section in _SECTIONS:
            yield _play(section, self.sample_rate, rng)

    def frames(self) -> Iterator[NDArray[np.float32]]:
        """Yield the piece as a `FileSource` yields a file's frames: float32, shape (n, 1)."""
        for block in self:
            yield block[:, np.newaxis]


def open_source(_value: bool, _options: SourceOptions, sample_rate: int) -> DemoSource:
    """Open the source of ``--demo``."""
    return DemoSource(sample_rate=sample_rate)

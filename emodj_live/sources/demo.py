"""A short piece of music that the package makes itself, to try it without any file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from emodj_live.blocks import SourceStatus
from emodj_live.options import SourceOptions
from emodj_live.sources.resample import check_rate

_SECTION_SECONDS = 7.5
_INAUDIBLE = 1e-3  # overtones weaker than this are left out
_STRETCH = 1024  # [samples]
_REVERBERATION = 0.25  # [s] in which the room's echo falls to 1/e
_ECHO = 0.5  # of the room, relative to the notes
_AIR = 0.2  # breath, bow and hiss, relative to the sound around them
_SWELL = 0.1  # [s] over which the air follows the sound


@dataclass(frozen=True)
class _Section:
    """One mood of the piece: its chords, and how they are played."""

    chords: Sequence[Sequence[int]]  # MIDI notes, each chord for an equal share of the section
    strikes: int  # how many times a chord is struck
    arpeggiated: bool  # each strike plays one note of the chord instead of all
    brightness: float  # strength of an overtone relative to the one below it
    attack: float  # [s]
    decay: float  # [s]
    drums: float  # how loud they are relative to the notes
    level: float  # RMS


_HIGH = (60, 64, 67, 72), (65, 69, 72, 77), (67, 71, 74, 79)
_HARSH = (36, 42, 48, 51), (37, 43, 49, 52), (35, 41, 47, 50)
_SECTIONS = (
    _Section(_HIGH, 8, True, 0.85, 0.01, 0.2, 1.0, 0.11),
    _Section(_HIGH, 4, True, 0.7, 0.01, 0.6, 0.2, 0.06),
    _Section(_HARSH, 16, False, 0.97, 0.005, 0.18, 2.0, 0.15),
    _Section(((33, 45, 52, 57), (29, 41, 48, 53)), 1, False, 0.5, 0.8, 4.0, 0.0, 0.1),
)


def _note(midi: int, envelope: NDArray[np.float64], brightness: float, sample_rate: int) -> NDArray[np.float64]:
    """Return one note as long as its envelope: overtones whose strength falls with the brightness.

    ``sin(n x) = 2 cos(x) sin((n - 1) x) - sin((n - 2) x)``, so that one sine and cosine serve for all overtones.
    """
    length = len(envelope)
    frequency = 440 * 2 ** ((midi - 69) / 12)
    turns = _turns(frequency / sample_rate, length)
    twice_cosine, before, overtone = 2 * turns.real, np.zeros(length), turns.imag.copy()
    played = np.zeros(length)
    for number in range(min(24, int(0.45 * sample_rate / frequency))):
        strength = brightness**number
        if strength <= _INAUDIBLE:
            break
        played += strength * overtone
        before, overtone = overtone, twice_cosine * overtone - before
    return played * envelope


def _turns(cycles: float, length: int) -> NDArray[np.complex128]:
    """Return ``exp(2 pi i cycles n)`` for n below `length`, as products of a few: a tenth of the time."""
    steps = np.exp(2j * np.pi * cycles * np.arange(_STRETCH))
    starts = np.exp(2j * np.pi * cycles * _STRETCH * np.arange(-(-length // _STRETCH)))
    turns: NDArray[np.complex128] = np.outer(starts, steps).ravel()[:length]
    return turns


def _drum(beat: int, length: int, sample_rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the drums of a beat: a hi-hat on each, and a kick or a snare in turn on every other."""
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
    longest = min(total, round(4 * section.decay * sample_rate))
    seconds = np.arange(longest) / sample_rate
    envelope = np.minimum(1, seconds / section.attack) * np.exp(-seconds / section.decay)
    note = cache(lambda midi: _note(midi, envelope, section.brightness, sample_rate))
    audio = np.zeros(total)
    for beat in range(beats):
        start = beat * total // beats
        chord = section.chords[beat // section.strikes]
        notes = [chord[beat % len(chord)]] if section.arpeggiated else chord
        ringing = min(total - start, longest)
        for midi in notes:
            audio[start : start + ringing] += note(midi)[:ringing] / np.sqrt(len(notes))
        if section.drums:
            struck = min(total - start, sample_rate // 4)
            audio[start : start + struck] += section.drums * _drum(beat, struck, sample_rate, rng)
    audio = _in_a_room(audio, sample_rate, rng)
    played: NDArray[np.float64] = audio * section.level / np.sqrt(np.mean(audio**2))
    return played.astype(np.float32)


def _in_a_room(audio: NDArray[np.float64], sample_rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Add an echo, and pink noise that follows the loudness: no recording is silent between its overtones."""
    length = len(audio)
    seconds = np.arange(round(4 * _REVERBERATION * sample_rate)) / sample_rate
    echo = rng.normal(size=len(seconds)) * np.exp(-seconds / _REVERBERATION)
    echo *= _ECHO / np.sqrt(np.sum(echo**2))
    echo[0] = 1
    padded = 2 ** (length + len(echo)).bit_length()
    wet: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(audio, padded) * np.fft.rfft(echo, padded))[:length]
    swell = max(1, round(_SWELL * sample_rate))
    energy = np.convolve(np.add.reduceat(wet**2, np.arange(0, length, swell)) / swell, (0.25, 0.5, 0.25), "same")
    loudness = np.interp(np.arange(length), swell * (0.5 + np.arange(len(energy))), np.sqrt(energy))
    noise = np.fft.rfft(rng.normal(size=length))
    noise /= np.sqrt(np.maximum(1, np.arange(len(noise))))
    air = np.fft.irfft(noise, length)
    heard: NDArray[np.float64] = wet + _AIR * loudness * air / np.sqrt(np.mean(air**2))
    return heard


class DemoSource:
    """The blocks of a piece of 30 s in four moods, always the same.

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

    channels = 1
    start = 0.0
    length = _SECTION_SECONDS * len(_SECTIONS)
    is_length_exact = True
    title = "demo"

    def __init__(self, *, sample_rate: int = 22050) -> None:
        check_rate("sample_rate", sample_rate)
        self.sample_rate = self.input_rate = sample_rate
        self.position = 0.0

    def status(self) -> SourceStatus:
        """Return what it says of itself."""
        return SourceStatus(
            position=self.position, length=self.length, input_rate=self.input_rate, channels=self.channels
        )

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Yield the piece section by section: float32, shape (n,)."""
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
        for frames in self.frames(position):
            self.position += len(frames) / self.sample_rate
            yield frames[:, 0]

    def frames(self, position: float | None = None) -> Iterator[NDArray[np.float32]]:
        """Yield the piece as a `FileSource` yields a file's frames: float32, shape (n, 1).

        Parameters
        ----------
        position : float, optional
            Where to begin [s].
        """
        rng = np.random.default_rng(0)
        skip = round((position or 0.0) * self.sample_rate)
        for section in _SECTIONS:
            played = _play(section, self.sample_rate, rng)[:, np.newaxis]
            if skip < len(played):
                yield played[skip:]
            skip = max(0, skip - len(played))


def open_source(_value: bool, _options: SourceOptions, sample_rate: int) -> DemoSource:
    """Open the source of ``--demo``."""
    return DemoSource(sample_rate=sample_rate)

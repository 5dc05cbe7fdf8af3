"""Sound out of numbers: notes, drums and a room, made faster than they are heard. The demo piece plays on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

_STRETCH = 1024  # [samples]
_INAUDIBLE = 1e-3  # overtones weaker than this are left out
_HIGHEST_OVERTONE = 0.42  # of the sample rate
_RELEASE = 0.05  # [s]
_FILTER = 63  # half the length of the filter that ends the spectrum [samples]
_SWELL = 0.1  # [s] over which the air follows the sound
_LEVEL_BELOW = 20  # bins of the air's spectrum below which it does not rise any more
_GOLDEN = 0.618  # spreads the phases of overtones, so that they do not all peak at once


@dataclass(frozen=True)
class Voice:
    """How an instrument sounds.

    Attributes
    ----------
    brightness : float
        Strength of an overtone relative to the one below it.
    decay : float
        Time in which a note of the middle octave falls to 1/e [s].
    attack : float
        Time in which a note rises [s].
    damping : float
        How much faster each further overtone decays.
    stretch : float
        How far overtones lie above the multiples of the lowest, as on stiff strings.
    chorus : float
        How far a pair of players is out of tune, relative to the frequency.
    overtones : int
        How many there are at most.
    """

    brightness: float
    decay: float
    attack: float = 0.003
    damping: float = 0.0
    stretch: float = 0.0
    chorus: float = 0.0
    overtones: int = 24


def note(voice: Voice, midi: int, seconds: float, rate: int) -> Samples:
    """Return one note.

    An overtone is a decaying rotation ``exp(growth n)``. A rotation through n samples is one through whole stretches
    and one within a stretch, so all overtones together are a product of two small matrices.

    Parameters
    ----------
    voice : Voice
    midi : int
        Its pitch; 69 is 440 Hz.
    seconds : float
        Its length [s].
    rate : int
        Sample rate [Hz].

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    strengths, growths = _overtones(voice, midi, rate)
    length = round(seconds * rate)
    steps = np.exp(np.outer(growths, np.arange(_STRETCH)))
    starts = strengths * np.exp(np.outer(_STRETCH * np.arange(-(-length // _STRETCH)), growths))
    played: Samples = (starts.real @ steps.imag + starts.imag @ steps.real).ravel()[:length]
    rise, fall = (min(length, max(1, round(part * rate))) for part in (voice.attack, _RELEASE))
    played[:rise] *= np.linspace(0, 1, rise)
    played[length - fall :] *= np.linspace(1, 0, fall)
    return played


def _overtones(voice: Voice, midi: int, rate: int) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return the strength and phase of each overtone of a note, and how it grows from sample to sample."""
    numbers = np.arange(1, voice.overtones + 1)
    cycles = 440 * 2 ** ((midi - 69) / 12) / rate * numbers * np.sqrt(1 + voice.stretch * numbers**2)
    strengths = voice.brightness ** (numbers - 1.0)
    heard = (strengths > _INAUDIBLE) & (cycles < _HIGHEST_OVERTONE)
    numbers, cycles, strengths = numbers[heard], cycles[heard], strengths[heard] / np.linalg.norm(strengths[heard])
    decays = (1 + voice.damping * (numbers - 1)) * 2 ** ((midi - 60) / 24) / (voice.decay * rate)
    phased = strengths * np.exp(2j * np.pi * _GOLDEN * numbers**2)
    if not voice.chorus:
        return phased, 2j * np.pi * cycles - decays
    pair = [2j * np.pi * cycles * (1 + apart) - decays for apart in (-voice.chorus, voice.chorus)]
    return np.concatenate([phased, 1j * phased]) / np.sqrt(2), np.concatenate(pair)


def kick(rate: int) -> Samples:
    """Return a bass drum.

    Parameters
    ----------
    rate : int
        Sample rate [Hz].

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    seconds = np.arange(rate // 2) / rate
    turns = 48 * seconds + 1.9 * (1 - np.exp(-seconds / 0.03))
    drum: Samples = np.sin(2 * np.pi * turns) * np.exp(-seconds / 0.13)
    return drum


def snare(rate: int, rng: np.random.Generator) -> Samples:
    """Return a snare drum.

    Parameters
    ----------
    rate : int
        Sample rate [Hz].
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    seconds = np.arange(2 * rate // 5) / rate
    rattle = 0.7 * rng.normal(size=len(seconds)) * np.exp(-seconds / 0.09)
    drum: Samples = rattle + 0.6 * np.sin(2 * np.pi * 185 * seconds) * np.exp(-seconds / 0.08)
    return drum


def cymbal(decay: float, rate: int, rng: np.random.Generator) -> Samples:
    """Return a cymbal.

    Parameters
    ----------
    decay : float
        Time in which it falls to 1/e [s]: 0.03 is a closed hi-hat, 0.6 a crash.
    rate : int
        Sample rate [Hz].
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    seconds = np.arange(round(5 * decay * rate)) / rate
    struck: Samples = 0.3 * np.diff(rng.normal(size=len(seconds) + 2), n=2) * np.exp(-seconds / decay)
    return struck


def distorted(sound: Samples, drive: float, highest: float, rate: int) -> Samples:
    """Return what an overdriven amplifier and its loudspeaker make of a sound.

    Parameters
    ----------
    sound : ndarray of float64, shape (n,)
    drive : float
        How far the amplifier is overdriven: 1 hardly, 10 much.
    highest : float
        Where the loudspeaker ends [Hz].
    rate : int
        Sample rate [Hz].

    Returns
    -------
    ndarray of float64, shape (n,)
        From -1 to 1, but for the loudspeaker.
    """
    size = _fast(len(sound))
    spectrum = np.fft.rfft(np.tanh(drive * sound), size)
    hertz = np.fft.rfftfreq(size, 1 / rate)
    spectrum /= np.sqrt((1 + (hertz / highest) ** 6) * (1 + (80 / np.maximum(1, hertz)) ** 4))
    return np.fft.irfft(spectrum, size)[: len(sound)]


def air(sound: Samples, tilt: float, rate: int, rng: np.random.Generator) -> Samples:
    """Return breath, bow and hiss: noise as loud as the sound is. No recording is silent between its overtones.

    Parameters
    ----------
    sound : ndarray of float64, shape (n,)
    tilt : float
        How fast it falls with the frequency: 0 is white noise, 0.5 pink.
    rate : int
        Sample rate [Hz].
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    length, swell = len(sound), round(_SWELL * rate)
    energy = np.add.reduceat(sound**2, np.arange(0, length, swell)) / swell
    energy = np.convolve(energy, (0.25, 0.5, 0.25), "same")
    loudness = np.interp(np.arange(length), swell * (0.5 + np.arange(len(energy))), np.sqrt(energy))
    spectrum = np.fft.rfft(rng.normal(size=_fast(length)))
    spectrum /= np.maximum(_LEVEL_BELOW, np.arange(len(spectrum))) ** tilt
    noise = np.fft.irfft(spectrum)[:length]
    rushing: Samples = loudness * noise / noise.std()
    return rushing


class Room:
    """Where music is recorded: an echo, and an end of the spectrum, as every recording has one.

    Parameters
    ----------
    echo : float
        Strength of the echo relative to the sound.
    decay : float
        Time in which the echo falls to 1/e [s].
    darkness : float
        Above which frequency the walls swallow the echo [Hz].
    highest : float
        Where the recording ends [Hz].
    rate : int
        Sample rate [Hz].
    rng : numpy.random.Generator
    """

    def __init__(
        self, *, echo: float, decay: float, darkness: float, highest: float, rate: int, rng: np.random.Generator
    ) -> None:
        seconds = np.arange(round(4 * decay * rate)) / rate
        size = _fast(len(seconds))
        spectrum = np.fft.rfft(rng.normal(size=len(seconds)) * np.exp(-seconds / decay), size)
        spectrum /= 1 + (np.fft.rfftfreq(size, 1 / rate) / darkness) ** 2
        response = np.fft.irfft(spectrum, size)[: len(seconds)]
        response *= echo / np.linalg.norm(response)
        response[0] += 1
        turns = 2 * highest / rate
        filtering = turns * np.sinc(turns * np.arange(-_FILTER, _FILTER + 1)) * np.blackman(2 * _FILTER + 1)
        self._response = np.convolve(response, filtering)

    def hear(self, sound: Samples, rest: Samples) -> tuple[Samples, Samples]:
        """Return what is heard while a sound is played, and what still sounds after it.

        Parameters
        ----------
        sound : ndarray of float64, shape (n,)
        rest : ndarray of float64, shape (m,)
            What still sounds of what was played before.

        Returns
        -------
        heard : ndarray of float64, shape (n,)
        rest : ndarray of float64, shape (k,)
        """
        length = max(len(sound) + len(self._response) - 1, len(rest))
        size = _fast(length)
        heard: Samples = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(self._response, size), size)[:length]
        heard[: len(rest)] += rest
        return heard[: len(sound)], heard[len(sound) :]


def _fast(length: int) -> int:
    """Return the next size at which a Fourier transform is fast."""
    return 1 << (length - 1).bit_length()

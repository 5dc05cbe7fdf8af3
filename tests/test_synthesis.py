"""The instruments of the demo piece, against what they are said to do."""

import numpy as np
import pytest

from emodj_live.sources.synthesis import Room, Voice, air, cymbal, distorted, kick, note, snare

RATE = 22050


def spectrum(sound):
    """Return the frequencies of a sound and how strong they are."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    return np.fft.rfftfreq(len(sound), 1 / RATE), power


def slow_note(voice, frequency, seconds):
    """Return a note, overtone by overtone, without the chorus and the attack."""
    time = np.arange(round(seconds * RATE)) / RATE
    numbers = np.arange(1, voice.overtones + 1)
    strengths = voice.brightness ** (numbers - 1.0)
    sound = np.zeros(len(time))
    for number, strength in zip(numbers, strengths, strict=True):
        hertz = frequency * number * np.sqrt(1 + voice.stretch * number**2)
        rate = (1 + voice.damping * (number - 1)) * (frequency / 261.6255653) ** 0.5 / voice.decay
        sound += strength * np.sin(2 * np.pi * (hertz * time + 0.618 * number**2)) * np.exp(-rate * time)
    return sound / np.linalg.norm(strengths)


@pytest.mark.parametrize(
    "voice", [Voice(0.5, 0.4, overtones=5), Voice(0.7, 2.0, damping=0.3, stretch=1e-3, overtones=6)]
)
@pytest.mark.parametrize(("midi", "frequency"), [(57, 220.0), (69, 440.0)])
def test_a_note_is_the_sum_of_its_overtones(voice, midi, frequency):
    found, expected = note(voice, midi, 1.0, RATE), slow_note(voice, frequency, 1.0)
    assert len(found) == RATE
    assert found[0] == 0
    middle = slice(round(0.01 * RATE), round(0.94 * RATE))
    np.testing.assert_allclose(found[middle], expected[middle], atol=1e-9)
    assert abs(found[-1]) < 1e-6


def test_a_pair_of_players_beats():
    sound = note(Voice(0.1, 1e9, chorus=0.01, overtones=1), 69, 4.0, RATE)[1000:-2000]
    frequencies, power = spectrum(sound)
    assert sorted(frequencies[np.argsort(power)[-2:]]) == pytest.approx([435.6, 444.4], abs=0.5)


def test_no_overtone_folds_back():
    frequencies, power = spectrum(note(Voice(0.99, 1.0, overtones=40), 96, 1.0, RATE))
    assert power[frequencies > 0.43 * RATE].sum() < 1e-6 * power.sum()


def test_drums_differ_in_their_pitch():
    rng = np.random.default_rng(0)
    centers = []
    for drum in (kick(RATE), snare(RATE, rng), cymbal(0.1, RATE, rng)):
        frequencies, power = spectrum(drum)
        centers.append((frequencies * power).sum() / power.sum())
        assert 0.2 < np.abs(drum).max() < 5
    assert centers == sorted(centers)
    assert centers[0] < 200
    assert centers[-1] > 5000


def test_distortion_adds_overtones_and_the_loudspeaker_ends_them():
    sine = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    frequencies, power = spectrum(distorted(sine, 5.0, 3000.0, RATE))
    at = [power[np.abs(frequencies - hertz) < 5].sum() for hertz in (440, 880, 1320, 8360)]
    assert at[2] > 0.01 * at[0]
    assert at[1] < 1e-6 * at[0]
    assert at[3] < 1e-4 * at[2]


def test_air_is_as_loud_as_the_sound():
    rng = np.random.default_rng(0)
    sound = np.repeat([0.0, 1.0, 0.1], RATE) * rng.choice([-1, 1], 3 * RATE)
    heard = air(sound, 0.5, RATE, rng).reshape(3, RATE)[:, 4000:-4000].std(axis=1)
    assert heard == pytest.approx([0, 1, 0.1], rel=0.25, abs=1e-9)


@pytest.fixture
def room():
    rng = np.random.default_rng(0)
    return Room(echo=0.5, decay=0.2, darkness=4000, highest=8000, rate=RATE, rng=rng)


def test_the_room_remembers_what_still_sounds(room):
    sound = np.random.default_rng(1).normal(size=RATE)
    whole, rest = room.hear(sound, np.zeros(0))
    first, left = room.hear(sound[:7000], np.zeros(0))
    second, left = room.hear(sound[7000:7100], left)
    third, left = room.hear(sound[7100:], left)
    np.testing.assert_allclose(np.concatenate([first, second, third]), whole, atol=1e-9)
    np.testing.assert_allclose(left[: len(rest)], rest, atol=1e-9)


def test_the_room_has_an_echo_and_an_end_of_the_spectrum(room):
    click = np.zeros(RATE)
    click[0] = 1
    heard, _ = room.hear(click, np.zeros(0))
    frequencies, power = spectrum(np.roll(heard, RATE // 2))
    assert power[frequencies > 8600].max() < 1e-7 * power[frequencies < 7000].max()
    assert np.linalg.norm(heard[200:]) == pytest.approx(0.5, rel=0.1)
    assert np.linalg.norm(heard[RATE // 2 :]) < 0.1 * np.linalg.norm(heard[200:])

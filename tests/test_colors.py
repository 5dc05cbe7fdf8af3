"""The color of an emotion: continuous, easy to tell apart, and the same for every output."""

import math
from itertools import combinations, pairwise

import pytest

from emodj_live import Quadrant, color_of
from emodj_live.colors import blend, ink_on, to_rgb

CIRCLE = [2 * math.pi * step / 720 for step in range(720)]


def linear(color):
    return [((part + 0.055) / 1.055) ** 2.4 if part > 0.04045 else part / 12.92 for part in to_rgb(color)]


def lightness(color):
    """Return L* of CIELAB, the formula of another color space than the one under test."""
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear(color), strict=True))
    return 116 * luminance ** (1 / 3) - 16


def hue(color):
    red, green, blue = to_rgb(color)
    return math.degrees(math.atan2(math.sqrt(3) * (green - blue), 2 * red - green - blue)) % 360


def distance(first, second):
    return max(abs(a - b) for a, b in zip(to_rgb(first), to_rgb(second), strict=True))


def test_the_middle_is_gray_and_the_quadrants_have_their_hues():
    assert len(set(to_rgb(color_of(0, 0)))) == 1
    hues = {quadrant.value: hue(quadrant.color) for quadrant in Quadrant}
    for name, expected in {"happy": 45, "tense": 1, "sad": 222, "calm": 160}.items():
        assert abs((hues[name] - expected + 180) % 360 - 180) < 15


def test_quadrants_differ_in_lightness_too():
    """So that neither red and green nor blue and green need be told apart by their hue alone."""
    levels = [lightness(quadrant.color) for quadrant in Quadrant]
    assert all(abs(one - other) > 10 for one, other in combinations(levels, 2))


def test_hues_turn_once_around_the_middle():
    around = [hue(color_of(0.4 * math.cos(angle), 0.4 * math.sin(angle))) for angle in CIRCLE]
    turns = [(after - before + 180) % 360 - 180 for before, after in zip(around, around[1:] + around[:1], strict=True)]
    assert round(sum(turns)) == -360
    assert max(turns) < 1.5  # never back by more than rounding


@pytest.mark.parametrize("radius", [0.02, 0.1, 0.3, 1.0])
def test_a_small_step_changes_the_color_a_little(radius):
    around = [color_of(radius * math.cos(angle), radius * math.sin(angle)) for angle in CIRCLE]
    assert all(distance(one, other) < 0.03 for one, other in zip(around, around[1:] + around[:1], strict=True))
    outward = [color_of(0.7 * step / 500, -0.3 * step / 500) for step in range(500)]
    assert all(distance(one, other) < 0.03 for one, other in pairwise(outward))


def test_beyond_the_edge_it_is_the_edge():
    assert color_of(7.0, -3.0) == color_of(1.0, -1.0)
    assert color_of(math.inf, 0.2) == color_of(1.0, 0.2)


def test_what_is_no_number_has_no_color():
    with pytest.raises(ValueError, match="must be numbers, got nan and 0"):
        color_of(math.nan, 0.0)


@pytest.mark.parametrize(("share", "expected"), [(0, "#102030"), (1, "#ffffff"), (0.5, "#889098")])
def test_blend(share, expected):
    assert blend("#102030", "#ffffff", share) == expected


def test_ink_can_be_read():
    for quadrant in Quadrant:
        light = sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear(quadrant.color), strict=True))
        dark = ink_on(quadrant.color) == "#000000"
        assert (light + 0.05) / 0.05 >= 4.5 if dark else 1.05 / (light + 0.05) >= 4.5

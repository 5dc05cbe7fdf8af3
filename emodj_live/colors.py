"""The color of an emotion: the one home for every output, so that a mood looks the same wherever it is shown.

The angle on the valence-arousal plane gives the hue, the distance from its middle how strong the color is. Hues, chroma
and lightness are those of OKLCH (Ottosson, "A perceptual color space for image processing", 2020), in which equal steps
look equal. Lightness differs between neighbors too, for whoever cannot tell red from green.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

# At 45, 135, 225 and 315 degrees: happy is gold, tense red, sad blue, calm sea green. Hues turn once, backward.
_HUE = (88.0, 25.0, -96.0, -192.0)
_CHROMA = (0.165, 0.195, 0.155, 0.118)
_LIGHTNESS = (0.84, 0.63, 0.51, 0.71)
_LESS_CHROMA = 0.02  # on the axis of arousal, where screens have no strong orange and cyan
_NEUTRAL = 0.74  # lightness in the middle
_FAST = 0.33  # distance from the middle at which a color has three quarters of its strength: songs lie within 0.5

_TO_CONES = ((1.0, 0.3963377774, 0.2158037573), (1.0, -0.1055613458, -0.0638541728), (1.0, -0.0894841775, -1.291485548))
_TO_RGB = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.707614701),
)


def color_of(valence: float, arousal: float) -> str:
    """Return the color of a point of the plane: gold is happy, red tense, blue sad, sea green calm.

    Parameters
    ----------
    valence, arousal : float
        The point; what is beyond [-1, 1] counts as its edge.

    Returns
    -------
    str
        As ``#rrggbb``. It changes continuously with the point, and is gray in the middle.

    Raises
    ------
    ValueError
        If a value is not a number.

    Examples
    --------
    >>> color_of(0.5, 0.5)
    '#f5c22d'
    >>> color_of(0.0, 0.0)
    '#ababab'
    """
    if math.isnan(valence) or math.isnan(arousal):
        raise ValueError(f"valence and arousal must be numbers, got {valence} and {arousal}")
    x, y = (min(1.0, max(-1.0, value)) for value in (valence, arousal))
    hue, chroma, lightness = _at_angle(math.atan2(y, x))
    strength = math.tanh(math.hypot(x, y) / _FAST)
    a, b = (strength * chroma * turn(hue) for turn in (math.cos, math.sin))
    return to_hex(_srgb(_NEUTRAL + strength * (lightness - _NEUTRAL), a, b))


def _at_angle(angle: float) -> tuple[float, float, float]:
    """Return hue [radians], chroma and lightness at an angle of the plane [radians], without a kink anywhere."""
    turned = angle - math.pi / 4
    straight = [hue + 90 * quarter for quarter, hue in enumerate(_HUE)]  # the hues without their turn
    hue = math.radians(_around(straight, turned)) - turned
    chroma = _around(_CHROMA, turned) - _LESS_CHROMA * math.sin(2 * turned)
    return hue, chroma, _around(_LIGHTNESS, turned)


def _around(values: Sequence[float], angle: float) -> float:
    """Return what lies at an angle, given what lies at 0, 90, 180 and 270 degrees: the Fourier series through them."""
    first, second, third, fourth = values
    even, odd = (first + third) / 2, (second + fourth) / 2
    wave = (first - third) / 2 * math.cos(angle) + (second - fourth) / 2 * math.sin(angle)
    return (even + odd) / 2 + wave + (even - odd) / 2 * math.cos(2 * angle)


def _srgb(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    """Return red, green and blue of a color in OKLab, each in [0, 1]."""
    cones = [sum(factor * part for factor, part in zip(row, (lightness, a, b), strict=True)) ** 3 for row in _TO_CONES]
    red, green, blue = (sum(factor * cone for factor, cone in zip(row, cones, strict=True)) for row in _TO_RGB)
    return _encoded(red), _encoded(green), _encoded(blue)


def _encoded(light: float) -> float:
    """Return an amount of light as sRGB encodes it."""
    light = min(1.0, max(0.0, light))
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def to_hex(color: tuple[float, float, float]) -> str:
    """Return red, green and blue as text.

    Parameters
    ----------
    color : tuple of float
        Each in [0, 1].

    Returns
    -------
    str
        As ``#rrggbb``.
    """
    return "#" + "".join(f"{round(255 * part):02x}" for part in color)


def to_rgb(color: str) -> tuple[float, float, float]:
    """Return red, green and blue of a color.

    Parameters
    ----------
    color : str
        As ``#rrggbb``.

    Returns
    -------
    tuple of float
        Each in [0, 1].
    """
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def blend(first: str, second: str, share: float) -> str:
    """Mix two colors.

    Parameters
    ----------
    first, second : str
        As ``#rrggbb``.
    share : float
        Of the second, from 0 to 1.

    Returns
    -------
    str
        As ``#rrggbb``.
    """
    red, green, blue = (a + (b - a) * share for a, b in zip(to_rgb(first), to_rgb(second), strict=True))
    return to_hex((red, green, blue))


def contrast(first: str, second: str) -> float:
    """Return the contrast between two colors as WCAG 2 defines it, from 1 to 21.

    Parameters
    ----------
    first, second : str
        As ``#rrggbb``.

    Returns
    -------
    float
    """
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    light = (((part + 0.055) / 1.055) ** 2.4 if part > 0.04045 else part / 12.92 for part in to_rgb(color))
    return sum(factor * part for factor, part in zip((0.2126, 0.7152, 0.0722), light, strict=True))


def ink_on(color: str) -> str:
    """Return black or white, whichever is easier to read on a color.

    Parameters
    ----------
    color : str
        As ``#rrggbb``.

    Returns
    -------
    str
        As ``#rrggbb``.
    """
    return max("#000000", "#ffffff", key=lambda ink: contrast(ink, color))

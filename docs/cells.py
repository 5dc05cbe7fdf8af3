"""Cells of a terminal as a picture: half blocks, bars and braille dots as terminals draw them, the rest from a font."""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from emodj_live.colors import to_rgb
from emodj_live.sinks.terminal.frame import BOLD, DEFAULT, DIM, PALETTE, REVERSE, character_of

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono{}.ttf"
WIDTH, HEIGHT = 10, 20  # of a cell [pixels]
_SIXTEEN = (
    *("#000000", "#cd3131", "#0dbc79", "#c8a500", "#2472c8", "#bc3fbc", "#11a8cd", "#c8c8c8"),
    *("#767676", "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff"),
)
_CUBE = (0, 95, 135, 175, 215, 255)
_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


@cache
def _font(is_bold):
    return ImageFont.truetype(FONT.format("-Bold" if is_bold else ""), 16)


def rgb(color, default):
    """Return red, green and blue, up to 255, of a color of a frame."""
    if color == DEFAULT:
        return tuple(round(255 * part) for part in to_rgb(default))
    if color < PALETTE:
        return tuple(color.to_bytes(3, "big"))
    number = color - PALETTE
    if number < 16:
        return tuple(round(255 * part) for part in to_rgb(_SIXTEEN[number]))
    if number >= 232:
        return (8 + 10 * (number - 232),) * 3
    number -= 16
    return _CUBE[number // 36], _CUBE[number // 6 % 6], _CUBE[number % 6]


def picture(cells, background, foreground):
    """Draw the cells of a frame, shape (4, height, width), on a terminal with these colors (``#rrggbb``)."""
    _, height, width = cells.shape
    image = Image.new("RGB", (width * WIDTH, height * HEIGHT), rgb(DEFAULT, background))
    draw = ImageDraw.Draw(image)
    for y in range(height):
        for x in range(width):
            _draw_cell(draw, x * WIDTH, y * HEIGHT, cells[:, y, x].tolist(), background, foreground)
    return image


def _draw_cell(draw, x, y, cell, background, foreground):
    glyph, ink, ground, weight = cell
    ink, ground = rgb(ink, foreground), rgb(ground, background)
    if weight & REVERSE:
        ink, ground = ground, ink
    if weight & DIM:
        ink = tuple((2 * a + b) // 3 for a, b in zip(ink, ground, strict=True))
    box = [x, y, x + WIDTH - 1, y + HEIGHT - 1]
    if glyph == 0:
        return
    draw.rectangle(box, fill=ground)
    character = character_of(glyph)
    code = ord(character[0])
    if 0x2581 <= code <= 0x2588:
        draw.rectangle([x, y + HEIGHT - round((code - 0x2580) / 8 * HEIGHT), *box[2:]], fill=ink)
    elif 0x2589 <= code <= 0x258F:
        draw.rectangle([x, y, x + round((0x2590 - code) / 8 * WIDTH) - 1, box[3]], fill=ink)
    elif character == "▀":
        draw.rectangle([x, y, box[2], y + HEIGHT // 2 - 1], fill=ink)
    elif 0x2800 <= code <= 0x28FF:
        _draw_dots(draw, x, y, code - 0x2800, ink)
    elif character != " ":
        draw.text((x, y + 1), character, font=_font(bool(weight & BOLD)), fill=ink)


def _draw_dots(draw, x, y, dots, ink):
    for row, bits in enumerate(_BRAILLE):
        for column, bit in enumerate(bits):
            if dots & bit:
                left, top = x + WIDTH * (2 * column + 1) / 4, y + HEIGHT * (2 * row + 1) / 8
                draw.ellipse([left - 1.4, top - 1.4, left + 1.4, top + 1.4], fill=ink)

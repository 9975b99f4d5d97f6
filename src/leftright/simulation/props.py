"""What is held and who holds it: instruments, a hand, and the room behind.

An instrument's unit is its half size and its origin is the place that sounds.
"""

import cv2
import numpy as np

from leftright.simulation.drawing import Pixels, Sheet, Sprite, lay, mixed
from leftright.simulation.performer import Instrument, Rgb, Room

_BLACK: Rgb = (20, 16, 18)
_WHITE: Rgb = (250, 248, 244)


def draw_instrument(instrument: Instrument, scale: float) -> Sprite:
    """The thing that is tapped or brushed. scale : pixels that its half size takes on the sprite."""
    sheet = Sheet(size=(3.2, 4.0), origin=(1.6, 1.5), scale=scale)
    _SHAPES[instrument.shape](sheet, instrument.colour, instrument.accent)
    return sheet.sprite()


def draw_hand(skin: Rgb, is_pointing: bool, scale: float) -> Sprite:
    """A hand from below whose fingertip (pointing) or grip is the origin; its unit is half a hand's breadth."""
    sheet = Sheet(size=(3.4, 5.2), origin=(1.5, 0.5), scale=scale)
    shadow = mixed(skin, (110, 50, 36), 0.25)
    if is_pointing:
        sheet.box((-0.24, -0.25), (0.24, 2.2), skin, 0.23)
        sheet.ellipse((0, -0.02), (0.15, 0.19), mixed(skin, (255, 210, 205), 0.5))
        sheet.box((-0.5, 1.4), (1.4, 3.4), skin, 0.45)
        for x in (0.3, 0.72, 1.12):
            sheet.box((x - 0.2, 1.15), (x + 0.21, 2.2), skin, 0.2)
            sheet.curve([(x - 0.2, 1.5), (x - 0.21, 1.85), (x - 0.2, 2.2)], shadow, 0.05)
        sheet.box((-0.75, 2.0), (-0.2, 3.0), skin, 0.25)
    else:
        sheet.box((-0.9, 0.3), (1.0, 2.6), skin, 0.5)
        for y in (0.1, 0.55, 1.0, 1.45):
            sheet.box((-0.95, y), (0.75, y + 0.48), skin, 0.23)
            sheet.curve([(-0.75, y + 0.48), (0, y + 0.5), (0.6, y + 0.48)], shadow, 0.05)
        sheet.ellipse((0.75, 0.75), (0.28, 0.55), skin, turn_deg=-25)
    sheet.box((-0.35, 2.4), (0.85, 4.7), skin, 0.2)
    return sheet.sprite()


def draw_arm(clothes: Rgb, scale: float, bottom: float = 8.7) -> Sprite:
    """A sleeve that hangs from its origin down to `bottom`; its unit is half a hand's breadth."""
    sheet = Sheet(size=(3.0, bottom + 0.3), origin=(1.5, 0.2), scale=scale)
    sheet.box((-0.9, 0), (0.9, bottom), clothes, 0.3)
    sheet.box((-1.0, 0), (1.0, 0.5), mixed(clothes, _BLACK, 0.18), 0.2)
    return sheet.sprite()


def draw_room(room: Room, width: int, height: int) -> Pixels:
    """The wall, what stands before it, and the light, (height, width, 3)."""
    rng = np.random.default_rng(room.furniture)
    picture = _walls(room, width, height, rng)
    num_pieces = rng.integers(2, 4)
    pieces, spots = rng.permutation(len(_FURNITURE))[:num_pieces], rng.permutation(_SPOTS)[:num_pieces]
    for piece, x in zip(pieces, spots, strict=True):
        sheet = Sheet(size=(1.0, 0.75), origin=(float(x), 0.0), scale=float(width))
        _FURNITURE[piece](sheet, room, rng)
        lay(picture, sheet.sprite(), (x * width, 0.0), float(width))
    # What is behind the performer is out of focus.
    return cv2.GaussianBlur(picture, (0, 0), width / 200).astype(np.uint8, copy=False)


def draw_furniture(room: Room, rng: np.random.Generator, scale: float) -> Sprite:
    """A piece of furniture by chance, as the rooms have it. Its origin is above its middle, 0.75 units above the floor.

    scale : pixels that the unit takes on the sprite.
    """
    sheet = Sheet(size=(1.0, 0.75), origin=(0.5, 0.0), scale=scale)
    _FURNITURE[rng.integers(len(_FURNITURE))](sheet, room, rng)
    return sheet.sprite()


def _walls(room: Room, width: int, height: int, rng: np.random.Generator) -> Pixels:
    x, y = np.linspace(0, 1, width), np.linspace(0, 1, height)[:, None]
    lamp_x, lamp_y = rng.uniform(0.1, 0.9), rng.uniform(0, 0.4)
    light = np.exp(-((x - lamp_x) ** 2 + (y - lamp_y) ** 2) / 0.5)[..., None]
    wall = np.array(room.wall) * (0.72 + 0.2 * light) + 0.12 * light * np.array(room.light)
    if rng.random() < 0.4:
        wall = wall * (1 - 0.06 * (np.sin(2 * np.pi * x * rng.integers(6, 14)) > 0))[None, :, None]
    return np.clip(wall, 0, 255).astype(np.uint8)


def _window(sheet: Sheet, room: Room, rng: np.random.Generator) -> None:
    frame = mixed(room.wall, _WHITE, 0.6)
    sheet.box((-0.13, 0.06), (0.13, 0.42), frame, 0.01)
    sky = mixed((150, 190, 226), (40, 50, 90), float(rng.uniform(0, 1)))
    for x in (-0.115, 0.008):
        for y in (0.075, 0.25):
            sheet.box((x, y), (x + 0.107, y + 0.155), sky, 0.004)


def _shelf(sheet: Sheet, room: Room, rng: np.random.Generator) -> None:
    wood = mixed(room.floor, _BLACK, 0.1)
    for y in (0.22, 0.42):
        sheet.box((-0.15, y), (0.15, y + 0.02), wood, 0.004)
        x = -0.14
        while x < 0.1:
            breadth, tall = rng.uniform(0.015, 0.035), rng.uniform(0.08, 0.14)
            red, green, blue = rng.integers(60, 220, size=3).tolist()
            sheet.box((x, y - tall), (x + breadth, y), (red, green, blue), 0.003)
            x += breadth + 0.003


def _plant(sheet: Sheet, room: Room, rng: np.random.Generator) -> None:
    red, green, blue = rng.integers(-20, 20, size=3).tolist()
    leaf = (70 + red, 130 + green, 84 + blue)
    for turn in rng.uniform(-60, 60, size=7):
        sway = 0.13 * np.sin(np.radians(turn))
        sheet.ellipse(
            (sway, 0.4 - 0.1 * np.cos(np.radians(turn))), (0.03, 0.12), mixed(leaf, _BLACK, rng.uniform(0, 0.3)), turn
        )
    sheet.polygon([(-0.07, 0.46), (0.07, 0.46), (0.05, 0.75), (-0.05, 0.75)], mixed(room.floor, (210, 120, 80), 0.6))


def _lamp(sheet: Sheet, room: Room, rng: np.random.Generator) -> None:
    sheet.box((-0.008, 0.25), (0.008, 0.75), mixed(room.floor, _BLACK, 0.5), 0.004)
    top = float(rng.uniform(0.03, 0.05))
    sheet.polygon([(-top, 0.1), (top, 0.1), (0.1, 0.28), (-0.1, 0.28)], mixed(room.light, (255, 220, 150), 0.5))


def _frames(sheet: Sheet, room: Room, rng: np.random.Generator) -> None:
    for x, y in ((-0.13, 0.08), (0.02, 0.14)):
        breadth, tall = rng.uniform(0.08, 0.12), rng.uniform(0.1, 0.16)
        sheet.box((x, y), (x + breadth, y + tall), mixed(room.floor, _BLACK, 0.3), 0.004)
        red, green, blue = rng.integers(90, 230, size=3).tolist()
        sheet.box((x + 0.01, y + 0.01), (x + breadth - 0.01, y + tall - 0.01), (red, green, blue), 0.002)
        sheet.ellipse((x + breadth / 2, y + tall / 2), (breadth / 4, tall / 4), mixed((red, green, blue), _WHITE, 0.5))


_FURNITURE = (_window, _shelf, _plant, _lamp, _frames)
_SPOTS = (0.14, 0.5, 0.86)  # of the picture's width


def _box(sheet: Sheet, colour: Rgb, accent: Rgb) -> None:
    sheet.box((-1.15, -0.15), (1.15, 1.35), mixed(colour, _BLACK, 0.18), 0.12)
    sheet.box((-1.15, -0.15), (1.15, 0.3), colour, 0.12)
    sheet.box((-0.25, 0.1), (0.25, 0.65), accent, 0.08)


def _jar(sheet: Sheet, colour: Rgb, accent: Rgb) -> None:
    sheet.box((-0.85, 0.0), (0.85, 1.8), mixed(colour, _WHITE, 0.35), 0.3)
    sheet.box((-0.7, 0.7), (0.7, 1.65), colour, 0.2)
    sheet.box((-0.8, -0.2), (0.8, 0.25), accent, 0.1)
    sheet.curve([(-0.6, 0.45), (-0.64, 0.9), (-0.6, 1.4)], _WHITE, 0.08)


def _tin(sheet: Sheet, colour: Rgb, accent: Rgb) -> None:
    sheet.ellipse((0, 1.2), (1.15, 0.4), mixed(colour, _BLACK, 0.3))
    sheet.polygon([(-1.15, 0.15), (1.15, 0.15), (1.15, 1.2), (-1.15, 1.2)], mixed(colour, _BLACK, 0.12))
    sheet.polygon([(-1.15, 0.5), (1.15, 0.5), (1.15, 0.85), (-1.15, 0.85)], accent)
    sheet.ellipse((0, 0.15), (1.15, 0.38), mixed(colour, _WHITE, 0.4))


def _book(sheet: Sheet, colour: Rgb, accent: Rgb) -> None:
    sheet.box((-1.1, -0.2), (1.1, 1.9), colour, 0.06)
    sheet.box((-1.1, -0.2), (-0.85, 1.9), mixed(colour, _BLACK, 0.3), 0.05)
    sheet.box((-0.5, 0.3), (0.75, 0.75), accent, 0.04)
    sheet.box((-0.3, 1.0), (0.55, 1.12), mixed(accent, _WHITE, 0.4), 0.03)


def _brush(sheet: Sheet, colour: Rgb, accent: Rgb) -> None:
    sheet.box((-0.16, 0.9), (0.16, 2.4), mixed(colour, _BLACK, 0.35), 0.12)
    sheet.box((-0.34, 0.55), (0.34, 1.1), (196, 190, 178), 0.06)
    sheet.ellipse((0, 0.0), (0.75, 0.95), accent)
    for x in (-0.4, -0.15, 0.12, 0.38):
        sheet.curve([(x * 0.5, 0.7), (x * 0.9, 0.1), (x, -0.55)], mixed(accent, _WHITE, 0.35), 0.05)


def _sponge(sheet: Sheet, colour: Rgb, accent: Rgb) -> None:
    sheet.box((-1.1, -0.55), (1.1, 0.85), colour, 0.35)
    sheet.box((-1.1, 0.45), (1.1, 0.95), accent, 0.2)
    for x, y in ((-0.7, -0.2), (-0.25, 0.1), (0.2, -0.25), (0.6, 0.05), (0.85, -0.2), (-0.85, 0.2)):
        sheet.ellipse((x, y), (0.1, 0.08), mixed(colour, _BLACK, 0.25))


def _powder(sheet: Sheet, colour: Rgb, accent: Rgb) -> None:
    sheet.ellipse((0, 0.1), (1.05, 0.95), mixed(colour, _WHITE, 0.45))
    sheet.ellipse((0, 0.3), (0.95, 0.7), mixed(colour, _WHITE, 0.2))
    sheet.box((-0.8, 0.0), (0.8, 0.35), accent, 0.12)


_SHAPES = {
    "box": _box, "jar": _jar, "tin": _tin, "book": _book, "brush": _brush, "sponge": _sponge, "powder": _powder,
}  # fmt: skip

"""The performer's face and shoulders, drawn once for every opening of the mouth and for shut eyes.

The unit is half the head's height, the origin is the mouth: a face is placed by its mouth, since that is what sounds.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from leftright.simulation.drawing import Sheet, Sprite, mixed
from leftright.simulation.performer import Look, Rgb

NUM_OPENINGS = 5
MOUTH_BELOW_CENTRE = 0.5

_FOREHEAD_ABOVE_CENTRE = 0.8  # where a detector trained on real heads sees the face end, whatever hair is drawn
_CHIN_BELOW_CENTRE = 1.0

_BLACK: Rgb = (20, 16, 18)
_WHITE: Rgb = (250, 248, 244)
_SHADOW: Rgb = (64, 26, 22)


def draw_head(look: Look, openness: float, is_blinking: bool, scale: float) -> Sprite:
    """A head. openness : 0..1 of the mouth. scale : pixels that half the head's height takes on the sprite."""
    # In head units with the origin at the head's centre, moved so that the sprite's origin is the mouth.
    sheet = Sheet(size=(3.4, 3.6), origin=(1.7, 1.75), scale=scale)
    _BACK_HAIR[look.hair_style](sheet, look)
    _face(sheet, look)
    _eyes(sheet, look, is_blinking)
    _nose(sheet, look)
    _mouth(sheet, look, openness)
    _FRONT_HAIR[look.hair_style](sheet, look)
    _glasses(sheet, look)
    sprite = sheet.sprite()
    return Sprite(sprite.pixels, sprite.scale, (sprite.origin[0], sprite.origin[1] + MOUTH_BELOW_CENTRE * scale))


def face_box(look: Look, roll_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """The box of a drawn face: of the ellipse from forehead to chin, as wide as the face is between its ears.

    roll_deg : (...,), clockwise. Returns (..., 4): left, top, right and bottom edge, in half heights from the mouth,
    x to the right and y down. Hair is outside. It is what RetinaFace boxes on these heads (a test measures by how much not).
    """
    roll = np.radians(roll_deg)
    cosine, sine = np.cos(roll), np.sin(roll)
    radius_x, radius_y = look.face_width, (_FOREHEAD_ABOVE_CENTRE + _CHIN_BELOW_CENTRE) / 2
    # The head turns about the mouth, and the ellipse's centre with it.
    above_mouth = MOUTH_BELOW_CENTRE + _FOREHEAD_ABOVE_CENTRE - radius_y
    x, y = above_mouth * sine, -above_mouth * cosine
    reach_x, reach_y = np.hypot(radius_x * cosine, radius_y * sine), np.hypot(radius_x * sine, radius_y * cosine)
    return np.stack([x - reach_x, y - reach_y, x + reach_x, y + reach_y], axis=-1)


def draw_shoulders(look: Look, scale: float, bottom: float = 3.4) -> Sprite:
    """Neck and shoulders down to `bottom`; the origin is the mouth, as a head's."""
    sheet = Sheet(size=(4.8, bottom + 0.2), origin=(2.4, 0.2), scale=scale)
    dark = mixed(look.clothes, _BLACK, 0.25)
    sheet.ellipse((0, 2.35), (1.75, 1.45), look.clothes)
    sheet.polygon([(-1.75, 2.35), (1.75, 2.35), (1.9, bottom), (-1.9, bottom)], look.clothes)
    sheet.curve([(-1.15, 1.95), (-1.28, 2.6), (-1.3, bottom)], dark, 0.05)
    sheet.curve([(1.15, 1.95), (1.28, 2.6), (1.3, bottom)], dark, 0.05)
    sheet.ellipse((0, 1.02), (0.52, 0.4), dark)
    neck = mixed(look.skin, (120, 60, 40), 0.22)
    sheet.ellipse((0, 0.95), (0.46, 0.38), neck)
    sheet.polygon([(-0.33, 0), (0.33, 0), (0.38, 1.0), (-0.38, 1.0)], neck)
    sheet.shade((-0.4, 1.0), 0.35)
    return sheet.sprite()


def _face(sheet: Sheet, look: Look) -> None:
    width = look.face_width
    ear = mixed(look.skin, (150, 70, 50), 0.18)
    for side in (-1, 1):
        sheet.ellipse((side * width * 0.98, 0.08), (0.12, 0.2), ear)
    sheet.ellipse((0, -0.08), (width, 0.92), look.skin)
    sheet.ellipse((0, 0.25), (width * 0.9, 0.75), look.skin)
    sheet.shade((-0.35, -0.3), 0.3)
    blush = mixed(look.skin, (220, 80, 80), 0.08 + 0.12 * min(look.skin) / 255)
    for side in (-1, 1):
        sheet.ellipse((side * width * 0.62, 0.32), (0.16, 0.11), blush)
    sheet.curve([(-0.2, 0.78), (0, 0.83), (0.2, 0.78)], mixed(look.skin, _SHADOW, 0.15), 0.035)


def _eyes(sheet: Sheet, look: Look, is_blinking: bool) -> None:
    lash, shade = mixed(look.hair, _BLACK, 0.75), mixed(look.skin, _SHADOW, 0.6)
    size = look.eye_size
    for side in (-1, 1):
        x, y = side * look.eye_spacing, -0.06
        sheet.ellipse((x, y - size * 0.1), (size * 1.4, size * 1.1), mixed(look.skin, _SHADOW, 0.2))
        if is_blinking:
            sheet.ellipse((x, y), (size * 1.1, size * 0.75), mixed(look.skin, _SHADOW, 0.1))
            sheet.curve([(x - size * 1.1, y), (x, y + size * 0.5), (x + size * 1.1, y)], lash, 0.045)
        else:
            sheet.ellipse((x, y), (size * 1.12, size * 0.72), _WHITE)
            sheet.ellipse((x, y), (size * 0.62, size * 0.68), look.eyes)
            sheet.ellipse((x, y), (size * 0.32, size * 0.36), _BLACK)
            sheet.ellipse((x - size * 0.2, y - size * 0.25), (size * 0.16, size * 0.16), _WHITE)
            sheet.curve([(x - size * 1.15, y), (x, y - size * 0.78), (x + size * 1.15, y)], lash, 0.06)
            sheet.curve(
                [(x - size * 1.0, y + size * 0.3), (x, y + size * 0.72), (x + size * 1.0, y + size * 0.3)], shade, 0.03
            )
        brow = y - size - 0.15
        inner, outer = x - side * size * 0.95, x + side * size * 1.15
        sheet.curve([(inner, brow + 0.02), (x, brow - look.brow_arch), (outer, brow + 0.03)], lash, look.brow_weight)


def _nose(sheet: Sheet, look: Look) -> None:
    soft, deep = mixed(look.skin, _SHADOW, 0.25), mixed(look.skin, _SHADOW, 0.5)
    sheet.polygon([(0.06, -0.08), (0.15, 0.24), (0.0, 0.3), (0.03, 0.1)], soft)
    sheet.ellipse((0, 0.22), (0.11, 0.075), mixed(look.skin, _WHITE, 0.2))
    sheet.curve([(-0.13, 0.23), (0, 0.33), (0.13, 0.23)], deep, 0.04)
    for side in (-1, 1):
        sheet.ellipse((side * 0.06, 0.268), (0.035, 0.02), mixed(deep, _BLACK, 0.5))


def _mouth(sheet: Sheet, look: Look, openness: float) -> None:
    y, width = MOUTH_BELOW_CENTRE, look.mouth_width * (1 - 0.25 * openness)
    if openness < 0.1:
        sheet.ellipse((0, y + 0.015), (width * 0.8, 0.06), look.lips)
        sheet.curve([(-width, y - 0.02), (0, y + 0.03), (width, y - 0.02)], mixed(look.lips, _BLACK, 0.45), 0.035)
        return
    gap = 0.05 + 0.15 * openness
    sheet.ellipse((0, y + 0.02), (width, gap + 0.055), look.lips)
    sheet.ellipse((0, y + 0.02), (width * 0.82, gap), (74, 22, 28))
    sheet.ellipse((0, y + 0.02 + gap * 0.55), (width * 0.5, gap * 0.42), (198, 92, 98))
    sheet.ellipse((0, y + 0.02), (width * 0.66, gap * 0.94), _WHITE, arc_deg=(205, 335))


def _glasses(sheet: Sheet, look: Look) -> None:
    if look.glasses == "none":
        return
    frame, y, radius = mixed(_BLACK, look.clothes, 0.3), -0.05, min(0.25, look.eye_spacing - 0.06)
    for side in (-1, 1):
        x = side * look.eye_spacing
        height = radius if look.glasses == "round" else radius * 0.8
        sheet.ellipse((x, y), (radius, height), frame, width=0.035)
        sheet.curve([(x + side * radius, y), (side * 0.66, y - 0.02), (side * look.face_width, y)], frame, 0.035)
    gap = look.eye_spacing - radius
    sheet.curve([(-gap, y), (0, y - 0.05), (gap, y)], frame, 0.035)


def _crown(sheet: Sheet, look: Look, thickness: float) -> None:
    """Hair over the skull, behind the face."""
    sheet.ellipse((0, -0.22), (look.face_width + thickness, 0.88 + thickness * 0.6), look.hair)


def _long_back(sheet: Sheet, look: Look) -> None:
    _crown(sheet, look, 0.2)
    width = look.face_width + 0.22
    sheet.box((-width, -0.35), (width, 1.6), mixed(look.hair, _BLACK, 0.14), 0.3)


def _bob_back(sheet: Sheet, look: Look) -> None:
    _crown(sheet, look, 0.22)
    width = look.face_width + 0.24
    sheet.box((-width, -0.35), (width, 0.8), mixed(look.hair, _BLACK, 0.14), 0.28)


def _bun_back(sheet: Sheet, look: Look) -> None:
    sheet.ellipse((0, -1.15), (0.36, 0.34), look.hair)
    sheet.ellipse((-0.08, -1.22), (0.2, 0.14), mixed(look.hair, _WHITE, 0.12))
    _crown(sheet, look, 0.1)


def _short_back(sheet: Sheet, look: Look) -> None:
    _crown(sheet, look, 0.09)


def _curly_back(sheet: Sheet, look: Look) -> None:
    width = look.face_width
    for x, y in ((-1.12, 0.3), (-1.2, -0.1), (-1.1, -0.5), (-0.8, -0.85), (-0.3, -1.05), (0.25, -1.05), (0.75, -0.85)):
        sheet.ellipse((x * width * 1.1, y), (0.36, 0.36), look.hair)
        sheet.ellipse((-x * width * 1.1, y), (0.36, 0.36), look.hair)
    _crown(sheet, look, 0.15)


def _parted_front(sheet: Sheet, look: Look) -> None:
    width, light = look.face_width, mixed(look.hair, _WHITE, 0.1)
    sheet.polygon(
        [(-0.2, -1.02), (-width * 0.75, -0.85), (-width * 1.08, -0.2), (-width * 0.92, -0.18), (-0.3, -0.66)], look.hair
    )
    sheet.polygon(
        [(-0.25, -1.02), (width * 0.75, -0.85), (width * 1.08, -0.2), (width * 0.92, -0.18), (-0.28, -0.66)], look.hair
    )
    sheet.ellipse((0, -0.78), (width * 0.86, 0.26), look.hair, arc_deg=(180, 360))
    sheet.curve([(-0.2, -0.98), (0.25, -0.9), (0.55, -0.7)], light, 0.04)


def _fringe_front(sheet: Sheet, look: Look) -> None:
    width, light = look.face_width, mixed(look.hair, _WHITE, 0.1)
    sheet.ellipse((0, -0.42), (width * 1.03, 0.62), look.hair, arc_deg=(180, 360))
    sheet.box((-width * 0.95, -0.6), (width * 0.95, -0.34), look.hair, 0.1)
    for x in (-0.4, -0.1, 0.25):
        sheet.curve([(x, -0.85), (x + 0.03, -0.6), (x + 0.02, -0.38)], light, 0.03)


def _short_front(sheet: Sheet, look: Look) -> None:
    width = look.face_width
    sheet.ellipse((0, -0.55), (width * 0.98, 0.5), look.hair, arc_deg=(180, 360))
    for x in (-0.5, -0.2, 0.1, 0.4):
        sheet.ellipse((x, -0.6), (0.2, 0.13), look.hair, turn_deg=-20)
    sheet.curve([(-0.4, -0.92), (0, -0.99), (0.35, -0.9)], mixed(look.hair, _WHITE, 0.12), 0.04)


def _curly_front(sheet: Sheet, look: Look) -> None:
    for x, y in ((-0.55, -0.66), (-0.28, -0.78), (0.0, -0.74), (0.28, -0.8), (0.55, -0.66)):
        sheet.ellipse((x, y), (0.22, 0.2), look.hair)
    for x, y in ((-0.4, -0.86), (0.15, -0.9)):
        sheet.ellipse((x, y), (0.1, 0.07), mixed(look.hair, _WHITE, 0.14))


_HairPart = Callable[[Sheet, Look], None]
_BACK_HAIR: dict[str, _HairPart] = {
    "long": _long_back, "bob": _bob_back, "bun": _bun_back, "short": _short_back, "curly": _curly_back, "fringe": _long_back,
}  # fmt: skip
_FRONT_HAIR: dict[str, _HairPart] = {
    "long": _parted_front, "bob": _fringe_front, "bun": _parted_front, "short": _short_front, "curly": _curly_front,
    "fringe": _fringe_front,
}  # fmt: skip

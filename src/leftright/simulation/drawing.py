"""Flat illustration: shapes with smooth edges on a transparent sheet, and sheets laid on a picture.

A sheet is drawn without antialiasing at several times its size and averaged down, so that its edges carry true coverage. A
`Sprite` is premultiplied RGBA, so that it can be moved, turned and scaled by interpolation without dark rims.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from leftright.simulation.performer import Rgb

Pixels = NDArray[np.uint8]
Point = tuple[float, float]

_OVERSAMPLING = 3
_SHIFT = 4  # fractional bits of OpenCV's coordinates

cv2.setNumThreads(1)


@dataclass(frozen=True)
class Sprite:
    """Premultiplied RGBA (height, width, 4), whose unit is `scale` pixels and whose origin lies at pixel `origin`."""

    pixels: Pixels
    scale: float
    origin: Point


class Sheet:
    """A transparent sheet: x to the right, y down, the origin at `origin` of its `size`; a unit is `scale` pixels."""

    def __init__(self, size: Point, origin: Point, scale: float) -> None:
        self.scale, self.origin = scale, origin
        self._fine = scale * _OVERSAMPLING
        shape = (math.ceil(size[1] * scale) * _OVERSAMPLING, math.ceil(size[0] * scale) * _OVERSAMPLING)
        self._pixels = np.zeros((*shape, 4), np.uint8)

    def ellipse(
        self, centre: Point, radii: Point, colour: Rgb, turn_deg: float = 0, arc_deg: Point = (0, 360), width: float = 0
    ) -> None:
        """A filled ellipse or sector, or its outline where `width` is given. Angles run clockwise from the x axis."""
        thickness = -1 if width == 0 else max(1, round(width * self._fine))
        rim = 0.5 if width == 0 else 0.0  # OpenCV fills the pixels that the outline touches, too
        axes = (round((radii[0] * self._fine - rim) * 2**_SHIFT), round((radii[1] * self._fine - rim) * 2**_SHIFT))
        ink = (*colour, 255)
        cv2.ellipse(self._pixels, self._at(centre), axes, turn_deg, *arc_deg, ink, thickness, cv2.LINE_8, _SHIFT)

    def polygon(self, points: Sequence[Point], colour: Rgb) -> None:
        """A filled polygon."""
        corners = np.array([self._at(point) for point in points], np.int32)
        cv2.fillPoly(self._pixels, [corners], (*colour, 255), cv2.LINE_8, _SHIFT)

    def curve(self, points: Sequence[Point], colour: Rgb, width: float) -> None:
        """A smooth stroke through three points (a quadratic curve) with round ends."""
        start, through, end = (np.array(point) for point in points)
        control = 2 * through - (start + end) / 2
        t = np.linspace(0, 1, 24)[:, None]
        path = (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end
        corners = np.array([self._at((x, y)) for x, y in path], np.int32)
        thickness = max(1, round(width * self._fine))
        cv2.polylines(self._pixels, [corners], False, (*colour, 255), thickness, cv2.LINE_8, _SHIFT)

    def box(self, left_top: Point, right_bottom: Point, colour: Rgb, corner: float) -> None:
        """A rectangle with rounded corners."""
        (left, top), (right, bottom) = left_top, right_bottom
        self.polygon(
            [(left + corner, top), (right - corner, top), (right - corner, bottom), (left + corner, bottom)], colour
        )
        self.polygon(
            [(left, top + corner), (right, top + corner), (right, bottom - corner), (left, bottom - corner)], colour
        )
        for x in (left + corner, right - corner):
            for y in (top + corner, bottom - corner):
                self.ellipse((x, y), (corner, corner), colour)

    def shade(self, towards: Point, strength: float) -> None:
        """Darken what is drawn so far, the more the farther it is from the point `towards`: by `strength` two units away."""
        height, width = (side // _OVERSAMPLING for side in self._pixels.shape[:2])
        x = np.arange(width) / self.scale - self.origin[0] - towards[0]
        y = np.arange(height) / self.scale - self.origin[1] - towards[1]
        light = 255 * (1 - strength * np.clip((x**2 + (y**2)[:, None]) / 4, 0, 1.5))
        fine = cv2.resize(light.astype(np.uint8), self._pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        alpha = np.full_like(fine, 255)
        cv2.multiply(self._pixels, cv2.merge([fine, fine, fine, alpha]), dst=self._pixels, scale=1 / 255)

    def sprite(self) -> Sprite:
        """The sheet at its proper size, cut to what is drawn on it."""
        height, width = (side // _OVERSAMPLING for side in self._pixels.shape[:2])
        # Ink is opaque and the ground is black, so that averaging yields premultiplied colour.
        small = cv2.resize(self._pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        left, top, wide, tall = cv2.boundingRect(small[..., 3])
        cut = cv2.copyMakeBorder(small[top : top + tall, left : left + wide], 1, 1, 1, 1, cv2.BORDER_CONSTANT)
        origin = (self.origin[0] * self.scale - left + 1, self.origin[1] * self.scale - top + 1)
        return Sprite(cut.astype(np.uint8, copy=False), self.scale, origin)

    def _at(self, point: Point) -> tuple[int, int]:
        # A pixel's centre has whole coordinates in OpenCV and lies half a pixel in, in ours.
        x, y = ((value + start) * self._fine - 0.5 for value, start in zip(point, self.origin, strict=True))
        return round(x * 2**_SHIFT), round(y * 2**_SHIFT)


def lay(
    picture: Pixels, sprite: Sprite, at: Point, scale: float, turn_deg: float = 0, shear: float = 0, stretch: float = 1
) -> None:
    """Lay a sprite on a picture, in place.

    picture : (height, width, 3) RGB. at : where the sprite's origin comes, in pixels. scale : pixels that its unit becomes.
    turn_deg : clockwise. shear : pixels to the right for each pixel down. stretch : how much wider it becomes at the end.
    """
    ratio, turn = scale / sprite.scale, math.radians(turn_deg)
    cosine, sine = ratio * math.cos(turn), ratio * math.sin(turn)
    across = (stretch * (cosine + shear * sine), stretch * (-sine + shear * cosine), 0.0)
    matrix = np.array([across, [sine, cosine, 0.0]])
    centre = np.array(sprite.origin) - 0.5
    matrix[:, 2] = np.array(at) - 0.5 - matrix[:, :2] @ centre
    left, top, right, bottom = _bounds(matrix, sprite.pixels.shape, picture.shape)
    if right <= left or bottom <= top:
        return
    matrix[:, 2] -= (left, top)
    moved = cv2.warpAffine(sprite.pixels, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    blend(picture[top:bottom, left:right], moved.astype(np.uint8, copy=False))


def blend(region: Pixels, layer: Pixels) -> None:
    """Lay premultiplied RGBA (height, width, 4) on a region of a picture (height, width, 3) of equal size, in place."""
    uncovered = cv2.cvtColor(255 - layer[..., 3], cv2.COLOR_GRAY2RGB)
    under = cv2.multiply(region, uncovered, scale=1 / 255)
    region[:] = cv2.add(under, cv2.cvtColor(layer, cv2.COLOR_RGBA2RGB))


def _bounds(
    matrix: NDArray[np.float64], sprite: tuple[int, ...], picture: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of a picture that the moved sprite covers."""
    (a, b, x), (c, d, y) = matrix.tolist()
    height, width = sprite[:2]
    left, right = x + min(0, a * width) + min(0, b * height), x + max(0, a * width) + max(0, b * height)
    top, bottom = y + min(0, c * width) + min(0, d * height), y + max(0, c * width) + max(0, d * height)
    return (
        max(math.floor(left), 0),
        max(math.floor(top), 0),
        min(math.ceil(right) + 1, picture[1]),
        min(math.ceil(bottom) + 1, picture[0]),
    )


def mixed(colour: Rgb, other: Rgb, share: float) -> Rgb:
    """`colour` with a share (0..1) of `other`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue

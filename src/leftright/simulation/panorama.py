"""The place around the listener as an equirectangular picture: a room or the open air, and the table before everybody.

Planes (walls, floor, table) are seen by rays, one a pixel, so that they bend as a 360 camera bends them; things that stand
about are flat sheets at their size. Everything is drawn at twice the size and averaged down. No place looks alike all around.
"""

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from leftright import equirectangular
from leftright.ambisonics import directions
from leftright.simulation import props
from leftright.simulation.drawing import Pixels, Sheet, Sprite, lay, mixed
from leftright.simulation.performer import FLOORS, HAIRS, OBJECTS, WALLS, Rgb, Room

_FINE = 2  # how many pixels of a side are drawn for one
_EYE_HEIGHT_M, _CEILING_M = 1.25, 1.35  # below and above the listener's eyes
_WALL_DISTANCE_M = (1.6, 4.0)
_TEXTURE_PX_M = 48
_FURNITURE_UNIT_M = 2.4  # so that furniture stands on the floor
_STANDING_PX_M = 16
_TABLE_DEPTH_M = 0.36  # below the eyes
_TABLE_RADIUS_M = 0.4
_BLACK: Rgb = (20, 16, 18)
_WHITE: Rgb = (250, 248, 244)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """What stays: the picture behind everybody, (height, width, 3), and the table, premultiplied RGBA of the same size."""

    behind: Pixels
    table: Pixels


def draw_place(room: Room, is_outdoors: bool, width: int) -> Place:
    """A place, by the furniture's seed. width : of the picture in pixels; it is half as high."""
    rng = np.random.default_rng(room.furniture)
    fine = _open_air(room, width * _FINE, rng) if is_outdoors else _room(room, width * _FINE, rng)
    return Place(_averaged(fine), _averaged(_table(room, width * _FINE, rng)))


def lay_around(
    picture: Pixels, sprite: Sprite, at: tuple[float, float], scale: float, turn_deg: float = 0, shear: float = 0,
    stretch: float = 1,
) -> None:  # fmt: skip
    """`lay`, where what leaves the picture at its left or right edge comes in at the other."""
    width = picture.shape[1]
    reach = scale / sprite.scale * stretch * sum(sprite.pixels.shape[:2])
    for shift in (-width, 0, width):
        if -reach < at[0] + shift < width + reach:
            lay(picture, sprite, (at[0] + shift, at[1]), scale, turn_deg, shear, stretch)


def _averaged(fine: Pixels) -> Pixels:
    height, width = fine.shape[:2]
    small = cv2.resize(fine, (width // _FINE, height // _FINE), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)


@functools.lru_cache(maxsize=2)
def _rays(width: int) -> Array:
    """Where each pixel looks: (height, width, 3) ahead, left and up."""
    azimuth = equirectangular.azimuth_of((np.arange(width) + 0.5) / width)
    elevation = equirectangular.elevation_of((np.arange(width // 2) + 0.5) / (width // 2))
    return directions(azimuth[None], elevation[:, None])


def _room(room: Room, width: int, rng: np.random.Generator) -> Pixels:
    rays = _rays(width)
    planes = [(axis, side) for axis in (0, 1) for side in (1, -1)]
    distances = rng.uniform(*_WALL_DISTANCE_M, size=4)
    with np.errstate(divide="ignore"):
        reach = [side * distance / rays[..., axis] for (axis, side), distance in zip(planes, distances, strict=True)]
        up = rays[..., 2]
        reach += [-_EYE_HEIGHT_M / up, _CEILING_M / up]
    reach_m = np.where(np.array(reach) > 0, np.array(reach), np.inf)
    nearest = np.argmin(reach_m, axis=0)
    points = rays * reach_m.min(axis=0)[..., None]
    picture = np.zeros((*rays.shape[:2], 3), np.uint8)
    for index, (axis, side) in enumerate(planes):
        # Seen from inside, a wall's x runs to the listener's right.
        across = -side * points[..., 1 - axis] * (1 if axis == 0 else -1)
        half = float(max(distances[2:] if axis == 0 else distances[:2]))
        texture = _wall(room, half, rng)
        column = ((across + half) * _TEXTURE_PX_M).astype(np.float32)
        row = ((_CEILING_M - points[..., 2]) * _TEXTURE_PX_M).astype(np.float32)
        seen = cv2.remap(texture, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        picture[nearest == index] = seen[nearest == index]
    picture[nearest == 4] = _floor(room, points[nearest == 4], rng)
    picture[nearest == 5] = mixed(room.wall, _WHITE, 0.7)
    return _lit(picture, rays, rng)


def _wall(room: Room, half_m: float, rng: np.random.Generator) -> Pixels:
    """A wall from the ceiling down to the floor, `half_m` to either side of the listener's nearest point of it."""
    colour = mixed(room.wall, WALLS[rng.integers(len(WALLS))], float(rng.uniform(0, 0.7)))
    colour = mixed(colour, _BLACK, float(rng.uniform(0, 0.3)))
    tall_m, broad_m = _CEILING_M + _EYE_HEIGHT_M, 2 * half_m
    texture = np.full((round(tall_m * _TEXTURE_PX_M), round(broad_m * _TEXTURE_PX_M), 3), colour, np.uint8)
    if rng.random() < 0.35:
        stripes = np.sin(2 * np.pi * np.arange(texture.shape[1]) / _TEXTURE_PX_M / rng.uniform(0.2, 0.6)) > 0
        texture[:, stripes] = mixed(colour, _WHITE, 0.12)
    texture[-round(0.1 * _TEXTURE_PX_M) :] = mixed(room.floor, _WHITE, 0.35)
    if rng.random() < 0.35:
        _door(texture, room, rng)
    for x_m in np.arange(0.7, broad_m - 0.3, 1.15):
        if rng.random() < 0.7:
            piece = props.draw_furniture(room, rng, _FURNITURE_UNIT_M * _TEXTURE_PX_M)
            at = ((x_m + rng.uniform(-0.2, 0.2)) * _TEXTURE_PX_M, (tall_m - 0.75 * _FURNITURE_UNIT_M) * _TEXTURE_PX_M)
            lay(texture, piece, at, _FURNITURE_UNIT_M * _TEXTURE_PX_M)
    return texture


def _door(texture: Pixels, room: Room, rng: np.random.Generator) -> None:
    sheet = Sheet(size=(1.2, 2.2), origin=(0.6, 2.2), scale=_TEXTURE_PX_M)
    leaf = mixed(OBJECTS[rng.integers(len(OBJECTS))], room.floor, 0.6)
    sheet.box((-0.5, -2.1), (0.5, 0), mixed(leaf, _WHITE, 0.5), 0.02)
    sheet.box((-0.42, -2.02), (0.42, 0), leaf, 0.02)
    for top in (-1.85, -0.95):
        sheet.box((-0.3, top), (0.3, top + 0.75), mixed(leaf, _BLACK, 0.2), 0.02)
    sheet.ellipse((0.33, -1.0), (0.05, 0.05), (226, 190, 90))
    x_m = rng.uniform(0.6, texture.shape[1] / _TEXTURE_PX_M - 0.6)
    lay(texture, sheet.sprite(), (x_m * _TEXTURE_PX_M, float(texture.shape[0])), _TEXTURE_PX_M)


def _floor(room: Room, points: Array, rng: np.random.Generator) -> Array:
    """Boards or tiles, and a rug somewhere: (pixels, 3) of the points (pixels, 3) where the floor is seen."""
    board = np.floor(points[:, 0] / rng.uniform(0.15, 0.4)) + (rng.random() < 0.5) * np.floor(points[:, 1] / 0.4)
    colour = np.where((board % 2 == 0)[:, None], room.floor, mixed(room.floor, _BLACK, 0.12)).astype(np.float64)
    middle, size = rng.uniform(-1.5, 1.5, size=2), rng.uniform(0.6, 1.2, size=2)
    off_rug = np.linalg.norm((points[:, :2] - middle) / size, axis=1)
    rug = OBJECTS[rng.integers(len(OBJECTS))]
    colour[off_rug < 1] = rug
    colour[off_rug < 0.75] = mixed(rug, _WHITE, 0.4)
    return colour


def _lit(picture: Pixels, rays: Array, rng: np.random.Generator) -> Pixels:
    """Brighter towards a lamp somewhere above."""
    lamp = directions(rng.uniform(-180, 180), rng.uniform(10, 60))
    light = 0.74 + 0.36 * np.exp(2 * (rays @ lamp - 1))
    return np.clip(picture * light[..., None], 0, 255).astype(np.uint8)


def _open_air(room: Room, width: int, rng: np.random.Generator) -> Pixels:
    rays = _rays(width)
    height = rays.shape[0]
    high = np.clip(rays[..., 2:], 0, 1) ** 0.6
    sky = mixed((120, 170, 224), (232, 170, 130), float(rng.uniform(0, 0.35)))
    picture = (1 - high) * np.array(mixed(sky, _WHITE, 0.55)) + high * np.array(sky)
    sun = directions(rng.uniform(-180, 180), rng.uniform(8, 50))
    picture += 90 * np.exp(60 * (rays @ sun - 1))[..., None] * np.array([1.0, 0.9, 0.6])
    ground = mixed((104, 148, 78), FLOORS[rng.integers(len(FLOORS))], float(rng.uniform(0, 0.8)))
    _hills(picture, ground, rng)
    below = rays[..., 2] < 0
    metres = _EYE_HEIGHT_M / np.maximum(-rays[..., 2], 1e-3)
    east, north = rays[..., 0] * metres, rays[..., 1] * metres
    patches = np.sin(east * rng.uniform(0.5, 1.5) + rng.uniform(0, 6)) * np.sin(north * rng.uniform(0.5, 1.5))
    shade = 0.9 + 0.08 * patches / (1 + metres / 8)
    picture[below] = (np.array(ground) * shade[..., None])[below]
    turn = rng.uniform(-np.pi, np.pi)
    on_path = below & (np.abs(east * np.sin(turn) - north * np.cos(turn) - rng.uniform(-2, 2)) < rng.uniform(0.4, 0.9))
    picture[on_path] = mixed(ground, (206, 188, 150), 0.7)
    solid = np.clip(picture, 0, 255).astype(np.uint8)
    _plant(solid, room, height / np.pi, rng)
    return solid


def _hills(picture: Array, ground: Rgb, rng: np.random.Generator) -> None:
    """Two ranges of hills above the horizon, in place."""
    height, width = picture.shape[:2]
    turn = 2 * np.pi * np.arange(width) / width
    row = np.arange(height)[:, None]
    for far, colour in ((0.09, mixed(ground, (150, 170, 200), 0.65)), (0.05, mixed(ground, (150, 170, 200), 0.3))):
        waves = sum(rng.uniform(0.2, 1) * np.sin(wave * turn + rng.uniform(0, 6.3)) / wave for wave in (1, 2, 3, 5))
        top = height / 2 - height * far * np.clip(0.6 + 0.45 * waves, 0.05, 1.5)
        picture[row >= top] = colour


def _plant(picture: Pixels, room: Room, px_rad: float, rng: np.random.Generator) -> None:
    """Trees, bushes, houses and rocks around, far ones first, in place. px_rad : pixels that a radian takes."""
    height, width = picture.shape[:2]
    for distance in np.sort(rng.uniform(3, 18, size=rng.integers(9, 15)))[::-1]:
        pixels = px_rad / distance
        sheet = Sheet(size=(9.0, 8.0), origin=(4.5, 7.5), scale=_STANDING_PX_M)
        _STANDING[rng.choice(len(_STANDING), p=_STANDING_SHARES)](sheet, room, rng)
        foot = height / 2 + px_rad * np.arctan(_EYE_HEIGHT_M / distance)
        lay_around(picture, sheet.sprite(), (rng.uniform(0, width), foot), pixels)


def _tree(sheet: Sheet, room: Room, rng: np.random.Generator) -> None:
    leaf = _leaf(rng)
    tall = rng.uniform(2.4, 4.5)
    sheet.polygon(
        [(-0.18, 0), (0.18, 0), (0.1, -tall), (-0.1, -tall)], mixed((104, 74, 50), _BLACK, rng.uniform(0, 0.3))
    )
    if rng.random() < 0.4:
        for step in range(3):
            foot, half = -tall * 0.35 - step * tall * 0.28, 1.2 - 0.3 * step
            sheet.polygon([(-half, foot), (half, foot), (0, foot - tall * 0.45)], mixed(leaf, _BLACK, 0.12 * step))
        return
    for _ in range(7):
        x, y = rng.uniform(-0.9, 0.9), -tall - rng.uniform(-0.6, 1.0)
        sheet.ellipse((x, y), (0.75, 0.6), mixed(leaf, _BLACK, float(rng.uniform(0, 0.3))))


def _bush(sheet: Sheet, room: Room, rng: np.random.Generator) -> None:
    leaf = _leaf(rng)
    flower = OBJECTS[rng.integers(len(OBJECTS))] if rng.random() < 0.5 else leaf
    for x in (-0.6, 0.0, 0.55):
        sheet.ellipse((x, -0.4), (0.6, 0.5 + rng.uniform(0, 0.3)), mixed(leaf, _BLACK, float(rng.uniform(0, 0.25))))
    for _ in range(6):
        sheet.ellipse((rng.uniform(-0.8, 0.8), rng.uniform(-0.8, -0.2)), (0.1, 0.1), flower)


def _house(sheet: Sheet, room: Room, rng: np.random.Generator) -> None:
    wall, roof = WALLS[rng.integers(len(WALLS))], mixed(OBJECTS[rng.integers(len(OBJECTS))], _BLACK, 0.3)
    half = rng.uniform(1.6, 2.8)
    sheet.box((-half, -2.6), (half, 0), wall, 0.05)
    sheet.polygon([(-half - 0.3, -2.5), (half + 0.3, -2.5), (half * 0.5, -4.2), (-half * 0.5, -4.2)], roof)
    for x in (-half * 0.6, half * 0.55):
        sheet.box((x - 0.35, -1.9), (x + 0.35, -1.1), (96, 120, 150), 0.05)
    sheet.box((-0.35, -1.8), (0.35, 0), mixed(roof, _BLACK, 0.3), 0.05)


def _rock(sheet: Sheet, room: Room, rng: np.random.Generator) -> None:
    grey = mixed((150, 146, 140), room.wall, 0.2)
    sheet.ellipse((0, -0.25), (rng.uniform(0.5, 1.0), 0.45), grey)
    sheet.ellipse((0.2, -0.45), (0.4, 0.25), mixed(grey, _WHITE, 0.25))


def _leaf(rng: np.random.Generator) -> Rgb:
    green: Rgb = (84, 132, 70)
    return mixed(green, HAIRS[rng.integers(len(HAIRS))], float(rng.uniform(0, 0.35)))


_STANDING = (_tree, _bush, _house, _rock)
_STANDING_SHARES = (0.45, 0.25, 0.15, 0.15)


def _table(room: Room, width: int, rng: np.random.Generator) -> Pixels:
    """The round table that everybody sits around, the listener not quite in its middle: premultiplied RGBA."""
    rays = _rays(width)
    with np.errstate(divide="ignore"):
        points = rays[..., :2] * (_TABLE_DEPTH_M / np.maximum(-rays[..., 2:], 1e-6))
    from_middle = np.linalg.norm(points - rng.uniform(-0.04, 0.04, size=2), axis=-1)
    wood = mixed(room.floor, (150, 110, 70), float(rng.uniform(0.2, 0.8)))
    turn = rng.uniform(0, np.pi)
    board = np.floor((points[..., 0] * np.cos(turn) + points[..., 1] * np.sin(turn)) / 0.09) % 2 == 0
    colour = np.where(board[..., None], wood, mixed(wood, _BLACK, 0.1))
    colour[from_middle > _TABLE_RADIUS_M - 0.012] = mixed(wood, _BLACK, 0.4)
    for _ in range(rng.integers(2, 5)):
        middle = directions(rng.uniform(-180, 180))[:2] * rng.uniform(0.17, 0.3)
        radius, mat = rng.uniform(0.03, 0.07), OBJECTS[rng.integers(len(OBJECTS))]
        off_mat = np.linalg.norm(points - middle, axis=-1)
        colour[off_mat < radius] = mat
        colour[off_mat < radius * 0.6] = mixed(mat, _WHITE, 0.3)
    colour[from_middle < 0.04] = mixed(wood, _BLACK, 0.55)  # the foot of the camera
    is_table = (from_middle < _TABLE_RADIUS_M) & (rays[..., 2] < 0)
    sheet = np.concatenate([colour, np.full((*is_table.shape, 1), 255)], axis=-1) * is_table[..., None]
    return sheet.astype(np.uint8)

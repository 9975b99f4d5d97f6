"""A scene as equirectangular pictures: everybody where the sound comes from, the nearer before the farther.

A sprite stands upright where its azimuth and elevation are seen and is as large as the thing would be at its distance; the
picture's stretch at its elevation is the only bend that it gets. Sprites are drawn once a video.
"""

import math
from collections.abc import Iterator

import numpy as np

from leftright import equirectangular
from leftright.simulation import faces, props
from leftright.simulation.choreography import SPEAKING, STEPS_PER_FRAME, TAPPING
from leftright.simulation.drawing import Pixels, blend
from leftright.simulation.panorama import Place, lay_around
from leftright.simulation.surround import Part, Scene

_HAND_HALF_BREADTH_M = 0.03
_WRIST = 3.4  # half breadths below the fingertip
_LIFT_M = 0.035  # that the finger rises between taps
_BODY_BOTTOM = 7.0  # half heads below the mouth: behind the table
_ARM_BOTTOM = 18.0  # half breadths below the wrist: behind the table
_DRAWN_LARGER = 2.0  # than they are seen: small features need it


class PersonPainter:
    """A person seen from the front, who opens the mouth and blinks."""

    def __init__(self, part: Part, width: int) -> None:
        self._part = part
        half_height_px = _px_m(part, width, int(np.argmin(part.distance_m))) * part.performer.look.head_half_height
        scale = max(half_height_px, 4.0) * _DRAWN_LARGER
        openings = range(faces.NUM_OPENINGS) if part.is_source else range(1)
        self._heads = [
            [faces.draw_head(part.performer.look, step / (faces.NUM_OPENINGS - 1), shut, scale) for step in openings]
            for shut in (False, True)
        ]
        self._body = faces.draw_shoulders(part.performer.look, scale, _BODY_BOTTOM)

    def paint(self, picture: Pixels, step: int) -> None:
        """Paint the person as of a step of the scene."""
        part = self._part
        at, stretch = _seen_at(part, picture, step)
        scale = _px_m(part, picture.shape[1], step) * part.performer.look.head_half_height
        lay_around(picture, self._body, at, scale, stretch=stretch)
        heads = self._heads[int(part.is_blinking[step])]
        lay_around(picture, heads[round(part.activity[step] * (len(heads) - 1))], at, scale, stretch=stretch)


class ThingPainter:
    """A thing, and the hand that works with it, if one does."""

    def __init__(self, part: Part, width: int) -> None:
        self._part = part
        self._is_tapping = part.kind == TAPPING
        performer = part.performer
        self._instrument = performer.tapped if self._is_tapping else performer.brushed
        px_m = _px_m(part, width, int(np.argmin(part.distance_m))) * _DRAWN_LARGER
        self._thing = props.draw_instrument(self._instrument, px_m * self._instrument.half_size)
        self._hand = props.draw_hand(performer.look.skin, self._is_tapping, px_m * _HAND_HALF_BREADTH_M)
        self._arm = props.draw_arm(performer.look.clothes, px_m * _HAND_HALF_BREADTH_M, _ARM_BOTTOM)

    def paint(self, picture: Pixels, step: int) -> None:
        """Paint the thing as of a step of the scene."""
        at, stretch = _seen_at(self._part, picture, step)
        px_m = _px_m(self._part, picture.shape[1], step)
        size, activity = px_m * self._instrument.half_size, float(self._part.activity[step])
        if not self._part.is_source:
            lay_around(picture, self._thing, at, size, stretch=stretch)
        elif self._is_tapping:
            lay_around(picture, self._thing, at, size, stretch=stretch)
            self._limb(picture, (at[0], at[1] - px_m * _LIFT_M * (1 - activity)), px_m)
        else:
            sweep = px_m * 0.03 * (2 * activity - 1)
            lay_around(picture, self._thing, (at[0], at[1] + sweep), size, 14 * (2 * activity - 1), stretch=stretch)
            self._limb(picture, (at[0], at[1] + sweep + 1.15 * size), px_m)

    def _limb(self, picture: Pixels, at: tuple[float, float], px_m: float) -> None:
        breadth = px_m * _HAND_HALF_BREADTH_M
        lay_around(picture, self._hand, at, breadth)
        lay_around(picture, self._arm, (at[0], at[1] + _WRIST * breadth), breadth)


def film(scene: Scene, place: Place, *, shows_sources: bool = True) -> Iterator[Pixels]:
    """The pictures of a scene, (height, width, 3) RGB each, `STEPS_PER_FRAME` steps apart.

    shows_sources : whether those that sound are in the picture at all.
    """
    width = place.behind.shape[1]
    shown = [*scene.silent, *(scene.sources if shows_sources else ())]
    painters = [(part, _painter(part, width)) for part in shown]
    top = int(np.argmax(place.table[..., 3].any(axis=1)))
    for step in range(0, scene.times_s.size, STEPS_PER_FRAME):
        picture = place.behind.copy()
        for part, painter in sorted(painters, key=lambda pair: -pair[0].distance_m[step]):
            if not _lies(part):
                painter.paint(picture, step)
        blend(picture[top:], place.table[top:])
        for part, painter in painters:
            if _lies(part):
                painter.paint(picture, step)
        yield picture


def _painter(part: Part, width: int) -> PersonPainter | ThingPainter:
    return PersonPainter(part, width) if part.kind == SPEAKING else ThingPainter(part, width)


def _lies(part: Part) -> bool:
    """Whether a thing lies on the table."""
    return part.kind != SPEAKING and not part.is_source


def _px_m(part: Part, width: int, step: int) -> float:
    """Pixels that a metre takes at the part's distance, seen straight."""
    return width / (2 * math.pi) / float(part.distance_m[step])


def _seen_at(part: Part, picture: Pixels, step: int) -> tuple[tuple[float, float], float]:
    """The pixel where the part is seen, and how much wider the picture makes things there."""
    height, width = picture.shape[:2]
    elevation = part.elevation_deg[step]
    x, y = equirectangular.x_of(part.azimuth_deg[step]), equirectangular.y_of(elevation)
    return (float(x) * width, float(y) * height), 1 / math.cos(math.radians(elevation))

"""A performance as pictures: room, shoulders, head, and the hand with its instrument, each where the camera sees it.

Sprites are drawn once a video at their largest and only moved, turned and scaled after that.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leftright.simulation import faces, props
from leftright.simulation.camera import FORWARD, Camera
from leftright.simulation.choreography import SPEAKING, STEPS_PER_FRAME, TAPPING, Performance
from leftright.simulation.drawing import Pixels, lay
from leftright.simulation.performer import Look, Performer

_HAND_HALF_BREADTH = 0.03  # metres
_WRIST = 3.4  # half breadths below the fingertip
_LIFT = 0.035  # metres that the finger rises between taps


@dataclass(frozen=True)
class Bystander:
    """A second person who is seen and never heard."""

    look: Look
    position: NDArray[np.float64]  # (3,) metres, of the mouth


class HeadPainter:
    """A head that opens its mouth and blinks, at sizes up to `max_half_height_px`."""

    def __init__(self, look: Look, max_half_height_px: float) -> None:
        levels = [step / (faces.NUM_OPENINGS - 1) for step in range(faces.NUM_OPENINGS)]
        self._look = look
        self._heads = [
            [faces.draw_head(look, level, is_blinking, max_half_height_px) for level in levels]
            for is_blinking in (False, True)
        ]
        self._shoulders = faces.draw_shoulders(look, max_half_height_px)

    def paint(
        self, picture: Pixels, camera: Camera, mouth: NDArray[np.float64], seat_x: float, roll_deg: float,
        openness: float, is_blinking: bool,
    ) -> None:  # fmt: skip
        """Paint head and shoulders. mouth : (3,) metres. seat_x : where the body rests, in pixels."""
        x, y = camera.project(mouth)
        scale = camera.focal_px * self._look.head_half_height / mouth[FORWARD]
        # The body leans from its seat towards the head.
        shear = 0.25 * (seat_x - x) / (3.0 * scale)
        lay(picture, self._shoulders, (x, y), scale, shear=shear)
        head = self._heads[int(is_blinking)][round(openness * (faces.NUM_OPENINGS - 1))]
        lay(picture, head, (x, y), scale, turn_deg=roll_deg)


class HandPainter:
    """The hand and what it holds or taps."""

    def __init__(self, performer: Performer, kind: str, camera: Camera, nearest: float) -> None:
        self._is_tapping = kind == TAPPING
        self._instrument = performer.tapped if self._is_tapping else performer.brushed
        self._camera = camera
        pixels = camera.focal_px / nearest
        self._thing = props.draw_instrument(self._instrument, pixels * self._instrument.half_size)
        self._hand = props.draw_hand(performer.look.skin, self._is_tapping, pixels * _HAND_HALF_BREADTH)
        self._arm = props.draw_arm(performer.look.clothes, pixels * _HAND_HALF_BREADTH)

    def paint(self, picture: Pixels, position: NDArray[np.float64], activity: float) -> None:
        """Paint them at `position` (3,) in metres, which is the place that sounds."""
        x, y = self._camera.project(position)
        pixels = self._camera.focal_px / position[FORWARD]
        size, breadth = pixels * self._instrument.half_size, pixels * _HAND_HALF_BREADTH
        outwards = 3 * (x / self._camera.width - 0.5)  # an arm comes from the side that it works on
        if self._is_tapping:
            lay(picture, self._thing, (x, y), size)
            self._limb(picture, (x, y - pixels * _LIFT * (1 - activity)), breadth, turn_deg=-outwards * 35)
        else:
            swing = 14 * (2 * activity - 1)
            lay(picture, self._thing, (x, y), size, turn_deg=swing)
            self._limb(picture, (x, y + 1.15 * size), breadth, turn_deg=-outwards * 20)

    def _limb(self, picture: Pixels, at: tuple[float, float], breadth: float, turn_deg: float) -> None:
        turn = np.radians(turn_deg)
        wrist = _WRIST * breadth
        lay(picture, self._hand, at, breadth, turn_deg=turn_deg)
        at_wrist = (at[0] - wrist * np.sin(turn), at[1] + wrist * np.cos(turn))
        lay(picture, self._arm, at_wrist, breadth, turn_deg=turn_deg)


def film(
    performer: Performer, performance: Performance, camera: Camera, *, has_face: bool = True,
    bystander: Bystander | None = None,
) -> Iterator[Pixels]:  # fmt: skip
    """The pictures of a performance, (height, width, 3) RGB each, `STEPS_PER_FRAME` steps apart."""
    room = props.draw_room(performer.room, camera.width, camera.height)
    if bystander is not None:
        _paint_bystander(room, camera, bystander)
    is_speaking = performance.kind == SPEAKING
    nearest = performance.mouth[:, FORWARD].min()
    head = HeadPainter(performer.look, camera.focal_px * performer.look.head_half_height / nearest)
    hand = HandPainter(performer, performance.kind, camera, performance.source[:, FORWARD].min())
    seat_x = camera.width * float(camera.image_x(np.array(performer.seat_azimuth_deg)))
    for step in range(0, performance.times_s.size, STEPS_PER_FRAME):
        picture = room.copy()
        activity = float(performance.activity[step])
        if has_face:
            openness, is_blinking = activity * is_speaking, bool(performance.is_blinking[step])
            mouth, roll = performance.mouth[step], float(performance.roll_deg[step])
            head.paint(picture, camera, mouth, seat_x, roll, openness, is_blinking)
        if not is_speaking:
            hand.paint(picture, performance.source[step], activity)
        yield picture


def face_boxes(performer: Performer, performance: Performance, camera: Camera) -> NDArray[np.float64]:
    """Where `film` shows the performer's face, if it shows one.

    Returns (frames, 4): left and right edge as fractions of the picture's width, top and bottom of its height, in the order
    left, top, right, bottom. They end at the picture's edge, and are NaN where nothing of the face is inside.
    """
    mouth, roll_deg = performance.mouth[::STEPS_PER_FRAME], performance.roll_deg[::STEPS_PER_FRAME]
    scale = camera.focal_px * performer.look.head_half_height / mouth[:, FORWARD]
    box = faces.face_box(performer.look, roll_deg) * scale[:, None] + np.tile(camera.project(mouth), 2)
    seen = np.clip(box / (camera.width, camera.height, camera.width, camera.height), 0, 1)
    is_inside = np.all(seen[:, :2] < seen[:, 2:], axis=-1, keepdims=True)
    return np.where(is_inside, seen, np.nan)


def _paint_bystander(room: Pixels, camera: Camera, bystander: Bystander) -> None:
    size = camera.focal_px * bystander.look.head_half_height / float(bystander.position[FORWARD])
    x = float(camera.project(bystander.position)[0])
    HeadPainter(bystander.look, size).paint(room, camera, bystander.position, x, 0.0, 0.0, False)

"""Who performs: a channel's look, habits, room and instruments, drawn once from the channel's own generator.

Colours are RGB, 0..255. Lengths are metres. A habit is a leaning, not a rule: every video draws anew around it.
"""

from dataclasses import dataclass

import numpy as np

Rgb = tuple[int, int, int]

SKINS: tuple[Rgb, ...] = (
    (255, 224, 198), (247, 206, 172), (236, 188, 150), (222, 168, 125),
    (200, 142, 99), (168, 112, 76), (134, 86, 58), (104, 66, 46),
)  # fmt: skip
HAIRS: tuple[Rgb, ...] = (
    (32, 26, 26), (58, 38, 28), (92, 58, 36), (134, 86, 46), (184, 134, 70),
    (222, 186, 118), (156, 66, 38), (120, 120, 128), (206, 104, 140), (74, 92, 150),
)  # fmt: skip
EYES: tuple[Rgb, ...] = ((86, 56, 34), (58, 92, 132), (74, 110, 74), (108, 84, 48), (50, 40, 36))
LIPS: tuple[Rgb, ...] = ((196, 92, 92), (178, 72, 84), (208, 112, 104), (150, 64, 70), (216, 88, 110))
CLOTHES: tuple[Rgb, ...] = (
    (94, 124, 160), (168, 92, 88), (98, 140, 112), (210, 178, 120), (126, 104, 156),
    (70, 74, 92), (226, 222, 212), (196, 128, 152), (60, 110, 118), (220, 150, 90),
)  # fmt: skip
WALLS: tuple[Rgb, ...] = (
    (226, 214, 200), (188, 204, 210), (206, 190, 210), (176, 196, 176), (222, 196, 182), (120, 134, 158),
    (96, 92, 116), (168, 142, 120), (232, 226, 206), (92, 116, 112), (200, 168, 160), (70, 78, 104),
)  # fmt: skip
FLOORS: tuple[Rgb, ...] = ((138, 104, 78), (96, 84, 80), (176, 150, 122), (84, 92, 104))
LIGHTS: tuple[Rgb, ...] = ((255, 236, 206), (222, 234, 255), (255, 214, 226), (236, 255, 232))
OBJECTS: tuple[Rgb, ...] = (
    (196, 120, 62), (64, 150, 168), (206, 72, 72), (236, 190, 66),
    (120, 82, 160), (70, 142, 84), (232, 128, 168), (52, 84, 150),
)  # fmt: skip

HAIR_STYLES = ("long", "bob", "bun", "short", "curly", "fringe")
TAPPED = ("box", "jar", "tin", "book")
BRUSHED = ("brush", "sponge", "powder")


@dataclass(frozen=True)
class Look:
    """How a performer is drawn. Ratios are to the head's half height."""

    skin: Rgb
    hair: Rgb
    eyes: Rgb
    lips: Rgb
    clothes: Rgb
    hair_style: str
    face_width: float
    eye_spacing: float
    eye_size: float
    brow_weight: float
    brow_arch: float
    mouth_width: float
    glasses: str  # "round", "square" or "none"
    head_half_height: float  # metres, chin to crown halved


@dataclass(frozen=True)
class Instrument:
    """A thing that is tapped or brushed: its shape, colours, size in metres, and the frequency that it rings at."""

    kind: str
    shape: str
    colour: Rgb
    accent: Rgb
    half_size: float
    pitch_hz: float


@dataclass(frozen=True)
class Room:
    """The room behind the performer, and how it sounds. `furniture` seeds the drawing of what stands there."""

    wall: Rgb
    floor: Rgb
    light: Rgb
    furniture: int
    rt60_s: float
    volume_m3: float


@dataclass(frozen=True)
class Performer:
    """One channel: `favourite_side` is +1 for the left and -1 for the right; `depth` is how far away the face is kept."""

    look: Look
    room: Room
    tapped: Instrument
    brushed: Instrument
    favourite_side: int
    whispers: float  # the share of spoken videos that are whispered
    taps: float  # the share of instrument videos that are tapped
    depth: float
    seat_azimuth_deg: float
    pitch_hz: float  # of the voice
    restlessness: float  # 1 is usual; less dwells longer


def draw(rng: np.random.Generator, rt60_s: tuple[float, float], depth: tuple[float, float]) -> Performer:
    """A performer. `rt60_s` and `depth` are the lowest and highest reverberation time (s) and distance of the face (m)."""
    look = draw_look(rng)
    return Performer(
        look=look,
        room=_draw_room(rng, rt60_s),
        tapped=_draw_instrument(rng, "tapping"),
        brushed=_draw_instrument(rng, "brushing"),
        favourite_side=int(rng.choice([-1, 1])),
        whispers=float(rng.uniform(0.3, 0.8)),
        taps=float(rng.uniform(0.3, 0.7)),
        depth=float(rng.uniform(*depth)),
        seat_azimuth_deg=float(rng.uniform(-8, 8)),
        pitch_hz=float(rng.choice([1.0, 1.75]) * rng.uniform(95, 130)),
        restlessness=float(rng.uniform(0.8, 1.25)),
    )


def draw_look(rng: np.random.Generator) -> Look:
    """A face, as unlike the others as the tables allow."""
    return Look(
        skin=_jittered(rng, SKINS),
        hair=_jittered(rng, HAIRS),
        eyes=_jittered(rng, EYES),
        lips=_jittered(rng, LIPS),
        clothes=_jittered(rng, CLOTHES, 18),
        hair_style=str(rng.choice(HAIR_STYLES)),
        face_width=float(rng.uniform(0.72, 0.82)),
        eye_spacing=float(rng.uniform(0.31, 0.36)),
        eye_size=float(rng.uniform(0.13, 0.165)),
        brow_weight=float(rng.uniform(0.035, 0.07)),
        brow_arch=float(rng.uniform(0.02, 0.08)),
        mouth_width=float(rng.uniform(0.24, 0.31)),
        glasses=str(rng.choice(["none", "none", "none", "round", "square"])),
        head_half_height=float(rng.uniform(0.11, 0.125)),
    )


def _draw_room(rng: np.random.Generator, rt60_s: tuple[float, float]) -> Room:
    return Room(
        wall=_jittered(rng, WALLS, 14),
        floor=_jittered(rng, FLOORS, 10),
        light=_jittered(rng, LIGHTS, 6),
        furniture=int(rng.integers(2**31)),
        rt60_s=float(rng.uniform(*rt60_s)),
        volume_m3=float(rng.uniform(25, 60)),
    )


def _draw_instrument(rng: np.random.Generator, kind: str) -> Instrument:
    first, second = rng.choice(len(OBJECTS), size=2, replace=False)
    return Instrument(
        kind=kind,
        shape=str(rng.choice(TAPPED if kind == "tapping" else BRUSHED)),
        colour=_jittered(rng, (OBJECTS[first],), 14),
        accent=_jittered(rng, (OBJECTS[second],), 14),
        half_size=float(rng.uniform(0.05, 0.065)),
        pitch_hz=float(rng.uniform(350, 1400)),
    )


def _jittered(rng: np.random.Generator, table: tuple[Rgb, ...], amount: int = 8) -> Rgb:
    colour = np.array(table[rng.integers(len(table))]) + rng.integers(-amount, amount + 1, size=3)
    red, green, blue = np.clip(colour, 0, 255).tolist()
    return red, green, blue

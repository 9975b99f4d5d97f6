"""A world of channels: the plan of its videos, and one video of it with its truth.

Every channel and every video draws from a generator of its own, keyed by the seed, the channel and the video. So the order of
rendering and the number of processes change nothing, and more channels add videos without changing the earlier ones.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leftright.files import replace_file
from leftright.simulation import acoustics, camera, encoding, faults, sofa, sounds
from leftright.simulation.choreography import (
    BRUSHING,
    SPEAKING,
    STEPS_PER_FRAME,
    TAPPING,
    Leaning,
    Performance,
    perform,
)
from leftright.simulation.drawing import Pixels
from leftright.simulation.parameters import WorldParameters
from leftright.simulation.performer import Performer, draw, draw_look
from leftright.simulation.pictures import Bystander, face_boxes, film
from leftright.video_files import write_mp4

_DRY_LEVEL_DB = -32.0  # RMS of full scale that a sounding source has at one metre
_SILENCE_DB = -50.0  # what is left of the sound in a silent video
_PEAK = 0.9
_TRUNCATED_LEFT_S = (3.0, 7.0)  # of a truncated video's sound and picture


@dataclass(frozen=True)
class Video:
    """One video of the plan: channel and place in it, its number in the world, and the fault planted in it."""

    channel: int
    place: int
    fault: str

    @property
    def channel_name(self) -> str:
        """Such as `ch007`."""
        return f"ch{self.channel:03d}"

    @property
    def name(self) -> str:
        """Such as `ch007v01`."""
        return f"{self.channel_name}v{self.place:02d}"


def plan(parameters: WorldParameters) -> Iterator[Video]:
    """Every video of the world, channel by channel."""
    index = 0
    for channel in range(parameters.num_channels):
        num_videos = _generator(parameters, channel).integers(parameters.min_videos, parameters.max_videos + 1)
        for place in range(num_videos):
            yield Video(channel, place, faults.fault_of(index, parameters.shares, parameters.seed))
            index += 1


def make_video(parameters: WorldParameters, video: Video, directory: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write `<directory>/<channel>/<video>.mp4` and its `.info.json`, the sidecar that yt-dlp writes.

    Returns the video's row of the truth and its trajectory. A file appears whole or not at all.
    """
    rng = _generator(parameters, video.channel, video.place)
    performer = _performer(parameters, video.channel)
    performance = _perform(parameters, performer, video.fault, rng)
    waveform = _spoilt_sound(_sound(parameters, performer, performance, rng), video.fault)
    frames = _spoilt_pictures(parameters, performer, performance, video.fault, rng)
    duration_s = performance.times_s.size / (parameters.frame_rate * STEPS_PER_FRAME)
    folder = directory / video.channel_name
    with replace_file(folder / f"{video.name}.mp4") as path:
        write_mp4(
            path, frames, waveform, frame_rate=parameters.frame_rate, sample_rate=parameters.sample_rate,
            quality=parameters.quality, audio_bit_rate=parameters.audio_bit_rate,
        )  # fmt: skip
        if video.fault == faults.CORRUPT:
            encoding.corrupt(path, rng)
        if video.fault == faults.TRUNCATED:
            encoding.truncate(path, rng.uniform(*_TRUNCATED_LEFT_S) / duration_s)
    _write_info(folder / f"{video.name}.info.json", video, performance.kind, duration_s)
    truth = _truth(parameters, performer, video, performance.kind, duration_s)
    return truth, _trajectory(parameters, performer, video, performance)


def _generator(parameters: WorldParameters, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(parameters.seed, spawn_key=key))


def _performer(parameters: WorldParameters, channel: int) -> Performer:
    rng = _generator(parameters, channel, 2**20)
    rt60_s = (parameters.min_rt60_s, parameters.max_rt60_s)
    return draw(rng, rt60_s, (parameters.min_depth_m, parameters.max_depth_m))


def _perform(parameters: WorldParameters, performer: Performer, fault: str, rng: np.random.Generator) -> Performance:
    duration_s = rng.uniform(parameters.min_duration_s, parameters.max_duration_s)
    is_instrument = rng.random() < parameters.instrument_share or fault == faults.NO_FACE
    kind = (TAPPING if rng.random() < performer.taps else BRUSHING) if is_instrument else SPEAKING
    if fault == faults.SHORT:
        duration_s = parameters.short_duration_s
    leaning = Leaning(parameters.habit_strength, parameters.min_azimuth_deg, parameters.max_azimuth_deg)
    if fault == faults.CENTRED:
        leaning = Leaning(0, 0, 0)
    return perform(performer, kind, duration_s, parameters.frame_rate, leaning, rng)


def _sound(
    parameters: WorldParameters, performer: Performer, performance: Performance, rng: np.random.Generator
) -> NDArray[np.floating]:
    """What the two ears hear, (2, samples)."""
    rate = parameters.sample_rate
    num_samples = performance.times_s.size * rate // (parameters.frame_rate * STEPS_PER_FRAME)
    dry = sounds.dry_sound(performer, performance.kind, performance.events, num_samples, rate, rng)
    dry = dry * 10 ** (_DRY_LEVEL_DB / 20)
    if parameters.hrtf:
        heard = _responses(parameters.hrtf, rate).render(dry, performance.source)
    else:
        heard = acoustics.spherical_head(dry, performance.source, rate)
    if performer.room.rt60_s > 0:
        heard = heard + acoustics.reverberation(dry, performer.room.rt60_s, performer.room.volume_m3, rate, rng)
    heard = heard + acoustics.room_tone(num_samples, parameters.room_tone_db, rate, rng)
    return heard * min(1.0, _PEAK / np.abs(heard).max())


@lru_cache(maxsize=1)
def _responses(path: str, sample_rate: int) -> sofa.HeadResponses:
    return sofa.read(Path(path), sample_rate)


def _spoilt_sound(waveform: NDArray[np.floating], fault: str) -> NDArray[np.floating]:
    if fault == faults.SWAPPED:
        return waveform[::-1]
    if fault == faults.MONO:
        return waveform.mean(axis=0, keepdims=True)
    if fault == faults.DUAL_MONO:
        return np.repeat(waveform.mean(axis=0, keepdims=True), 2, axis=0)
    if fault == faults.SILENT:
        return waveform * 10 ** (_SILENCE_DB / 20)
    return waveform


def _spoilt_pictures(
    parameters: WorldParameters, performer: Performer, performance: Performance, fault: str, rng: np.random.Generator
) -> Iterator[Pixels]:
    bystander = _bystander(parameters, performer, rng) if fault == faults.SECOND_FACE else None
    has_face = fault != faults.NO_FACE
    frames = film(performer, performance, parameters.camera, has_face=has_face, bystander=bystander)
    if fault == faults.MIRRORED:
        return (np.ascontiguousarray(frame[:, ::-1]) for frame in frames)
    if fault == faults.STILL:
        first = next(frames)
        return (first for _ in range(0, performance.times_s.size, STEPS_PER_FRAME))
    return frames


def _shown_boxes(
    parameters: WorldParameters, performer: Performer, performance: Performance, fault: str
) -> NDArray[np.float64]:
    """The performer's face in the pictures of `_spoilt_pictures`: (frames, 4), as `face_boxes` has them."""
    boxes = face_boxes(performer, performance, parameters.camera)
    if fault == faults.NO_FACE:
        return np.full_like(boxes, np.nan)
    if fault == faults.MIRRORED:
        return np.stack([1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0], boxes[:, 3]], axis=-1)
    if fault == faults.STILL:
        return np.repeat(boxes[:1], len(boxes), axis=0)
    return boxes


def _bystander(parameters: WorldParameters, performer: Performer, rng: np.random.Generator) -> Bystander:
    side = rng.choice([-1.0, 1.0]) * rng.uniform(0.6, 0.9) * parameters.max_azimuth_deg
    depth = np.array(performer.depth * 1.25)
    return Bystander(draw_look(rng), camera.place(np.array(side), depth, np.array(0.02)))


def _write_info(path: Path, video: Video, kind: str, duration_s: float) -> None:
    info = {
        "id": video.name,
        "title": f"{kind.capitalize()} from ear to ear, no. {video.place + 1}",
        "channel": video.channel_name,
        "duration": duration_s,
        "webpage_url": f"https://simulated.invalid/{video.channel_name}/{video.name}",
    }
    with replace_file(path) as temporary:
        temporary.write_text(json.dumps(info, indent=1) + "\n")


def _truth(
    parameters: WorldParameters, performer: Performer, video: Video, kind: str, duration_s: float
) -> pd.DataFrame:
    row = {
        "video": video.name,
        "channel": video.channel_name,
        "fault": video.fault,
        "kind": kind,
        "duration_s": duration_s,
        "fov_deg": parameters.fov_deg,
        "favourite_side": performer.favourite_side,
        "rt60_s": performer.room.rt60_s,
        "hrtf": Path(parameters.hrtf).name,
        "seed": parameters.seed,
    }
    return pd.DataFrame([row])


def _trajectory(
    parameters: WorldParameters, performer: Performer, video: Video, performance: Performance
) -> pd.DataFrame:
    """One row a frame. The azimuth is where the source was; `source_x` is where the file's picture shows it.

    The face is the performer's, a bystander's is left out; its box is where the file's picture shows it.
    """
    source = performance.source[::STEPS_PER_FRAME]
    source_x = parameters.camera.project(source)[:, 0] / parameters.width
    left, top, right, bottom = _shown_boxes(parameters, performer, performance, video.fault).T
    return pd.DataFrame(
        {
            "video": video.name,
            "time_s": performance.times_s[::STEPS_PER_FRAME],
            "azimuth_deg": camera.azimuth_deg(source),
            "distance_m": np.linalg.norm(source, axis=-1),
            "source_x": 1 - source_x if video.fault == faults.MIRRORED else source_x,
            "is_sounding": performance.is_sounding[::STEPS_PER_FRAME],
            "kind": performance.kind,
            "is_face_sounding": performance.kind == SPEAKING,
            "face_left": left,
            "face_top": top,
            "face_right": right,
            "face_bottom": bottom,
        }
    )

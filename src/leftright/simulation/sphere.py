"""The 360 world: videos of people and things all around a listener, with first-order ambisonic sound.

Like the stereo world's, every channel and every video draws from a generator of its own, keyed by the seed, so that neither the
order nor the number of processes nor more videos change any. A channel is a place, indoors or out; each of its videos has
people of its own.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leftright import ambisonics
from leftright.files import replace_file
from leftright.simulation import faults, panorama, soundfield, sounds
from leftright.simulation.choreography import STEPS_PER_FRAME
from leftright.simulation.parameters import FIRST_ORDER, HEAD_LOCKED, NO_Z, SILENT_Z, WorldParameters
from leftright.simulation.performer import Room, draw
from leftright.simulation.surround import Part, Scene, stage
from leftright.simulation.surround_pictures import film
from leftright.spherical import ambix, write_metadata
from leftright.video_files import write_mp4

_KEY = 360  # sets these generators apart from the stereo world's
_TRACK_KEY, _UNSEEN_KEY, _PLACE_KEY = 0, 1, 2
_BLOCK = 10  # videos
_VIDEOS_PER_CHANNEL = 2
_DRY_LEVEL_DB = -32.0  # RMS of full scale that a sounding source has at one metre
_MUSIC_DB = -40.0
_PEAK = 0.9
_FLOOR_DB = -120.0
_UNSEEN: str = "unseen"


@dataclass(frozen=True)
class SphereVideo:
    """One 360 video of the plan: channel and place in it, the kind of its sound, and whether no source is seen."""

    channel: int
    place: int
    track: str
    is_unseen: bool

    @property
    def channel_name(self) -> str:
        """Such as `sp007`."""
        return f"sp{self.channel:03d}"

    @property
    def name(self) -> str:
        """Such as `sp007v01`."""
        return f"{self.channel_name}v{self.place:02d}"


@dataclass(frozen=True)
class Setting:
    """A channel's place. rt60_s : 0 where there is no room."""

    room: Room
    is_outdoors: bool

    @property
    def rt60_s(self) -> float:
        """Reverberation time in seconds."""
        return 0.0 if self.is_outdoors else self.room.rt60_s


def plan_sphere(parameters: WorldParameters) -> Iterator[SphereVideo]:
    """Every 360 video, channel by channel. Each block of ten has its quotas of sound tracks and of unseen sources."""
    for index in range(parameters.sphere_num_videos):
        channel, place = divmod(index, _VIDEOS_PER_CHANNEL)
        track = faults.planted(index, parameters.sphere_tracks, _BLOCK, [parameters.seed, _KEY, _TRACK_KEY])
        unseen = {_UNSEEN: parameters.sphere_unseen_share}
        hidden = faults.planted(index, unseen, _BLOCK, [parameters.seed, _KEY, _UNSEEN_KEY])
        yield SphereVideo(channel, place, FIRST_ORDER if track == faults.NONE else track, hidden == _UNSEEN)


def make_sphere_video(
    parameters: WorldParameters, video: SphereVideo, directory: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write `<directory>/<channel>/<video>.mp4` and its `.info.json`, as `world.make_video` does.

    Returns the video's row of the truth and its trajectory. A file appears whole or not at all.
    """
    rng = _generator(parameters, video.channel, video.place)
    setting = draw_setting(parameters, video.channel)
    scene = _staged(parameters, video, rng)
    waveform, levels_db = _sound(parameters, scene, setting, rng)
    channels = _track(waveform, video.track, parameters.sphere_sample_rate, rng)
    place = panorama.draw_place(setting.room, setting.is_outdoors, parameters.sphere_width)
    frames = film(scene, place, shows_sources=not video.is_unseen)
    folder = directory / video.channel_name
    with replace_file(folder / f"{video.name}.mp4") as path:
        write_mp4(
            path, frames, channels, frame_rate=parameters.sphere_frame_rate, sample_rate=parameters.sphere_sample_rate,
            quality=parameters.quality, audio_bit_rate=parameters.sphere_audio_bit_rate * len(channels),
        )  # fmt: skip
        _declare(path, len(channels))
    duration_s = scene.times_s.size / (parameters.sphere_frame_rate * STEPS_PER_FRAME)
    _write_info(folder / f"{video.name}.info.json", video, duration_s)
    truth = _truth(parameters, video, setting, scene, duration_s, len(channels))
    return truth, _trajectory(video, scene, levels_db)


def draw_setting(parameters: WorldParameters, channel: int) -> Setting:
    """The place of a channel."""
    rng = _generator(parameters, channel, _PLACE_KEY, 0)
    room = draw(rng, (parameters.min_rt60_s, parameters.max_rt60_s), (1, 1)).room
    return Setting(room, bool(rng.random() < parameters.sphere_outdoor_share))


def _declare(path: Path, num_channels: int) -> None:
    """Say in the file that its picture is spherical and its sound ambisonic, as a published one would."""
    write_metadata(path, replace(ambix(num_channels), projection="equirectangular", stereo_mode="mono"))


def _generator(parameters: WorldParameters, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(parameters.seed, spawn_key=(_KEY, *key, _KEY)))


def _staged(parameters: WorldParameters, video: SphereVideo, rng: np.random.Generator) -> Scene:
    num_silent = int(rng.integers(0, parameters.sphere_max_silent + 1))
    num_sources = 1 if video.is_unseen else int(rng.integers(1, parameters.sphere_max_sources + 1))
    return stage(parameters, num_sources, num_silent, rng)


def _sound(
    parameters: WorldParameters, scene: Scene, setting: Setting, rng: np.random.Generator
) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
    """What the four microphones hear, (4, samples), and each source's level, (sources, frames) in dB of full scale."""
    rate = parameters.sphere_sample_rate
    num_frames = scene.times_s.size // STEPS_PER_FRAME
    num_samples = num_frames * rate // parameters.sphere_frame_rate
    field = soundfield.hush(num_samples, parameters.room_tone_db, rate, rng)
    dry_sum = np.zeros(num_samples, np.float32)
    levels_db = np.full((len(scene.sources), num_frames), _FLOOR_DB)
    for index, part in enumerate(scene.sources):
        dry = _dry(part, num_samples, rate, rng)
        heard = soundfield.arriving(dry, part.distance_m, rate)
        field += soundfield.surround(heard, part.azimuth_deg, part.elevation_deg)
        dry_sum += dry
        levels_db[index] = _levels_db(heard, num_frames)
    if setting.rt60_s > 0:
        field += soundfield.reverberation(dry_sum, setting.rt60_s, setting.room.volume_m3, rate, rng)
    gain = min(1.0, _PEAK / float(np.abs(field).max()))
    return field * np.float32(gain), np.maximum(levels_db + 20 * np.log10(gain), _FLOOR_DB)


def _dry(part: Part, num_samples: int, sample_rate: int, rng: np.random.Generator) -> NDArray[np.floating]:
    """A source's sound at one metre, (samples,)."""
    if not part.is_source:
        return np.zeros(num_samples, np.float32)
    dry = sounds.dry_sound(part.performer, part.kind, part.events, num_samples, sample_rate, rng)
    return dry * np.float32(10 ** ((_DRY_LEVEL_DB + part.gain_db) / 20))


def _levels_db(heard: NDArray[np.floating], num_frames: int) -> NDArray[np.float64]:
    """RMS of each picture's stretch of a sound (samples,), in dB: (frames,)."""
    blocks = heard[: heard.size // num_frames * num_frames].reshape(num_frames, -1)
    power = np.mean(np.square(blocks, dtype=np.float64), axis=1)
    return 10 * np.log10(np.maximum(power, 10 ** (_FLOOR_DB / 10)))


def _track(field: NDArray[np.floating], track: str, sample_rate: int, rng: np.random.Generator) -> NDArray[np.floating]:
    """The channels that the file gets of a sound field (4, samples)."""
    if track == NO_Z:
        return np.delete(field, ambisonics.Z, axis=0)
    if track == SILENT_Z:
        field[ambisonics.Z] = 0
    if track == HEAD_LOCKED:
        pair = soundfield.music(field.shape[1], sample_rate, rng) * np.float32(10 ** (_MUSIC_DB / 20))
        return np.concatenate([field, pair])
    return field


def _write_info(path: Path, video: SphereVideo, duration_s: float) -> None:
    info = {
        "id": video.name,
        "title": f"Voices and hands all around in 360, no. {video.place + 1}",
        "channel": video.channel_name,
        "duration": duration_s,
        "webpage_url": f"https://simulated.invalid/{video.channel_name}/{video.name}",
    }
    with replace_file(path) as temporary:
        temporary.write_text(json.dumps(info, indent=1) + "\n")


def _truth(
    parameters: WorldParameters,
    video: SphereVideo,
    setting: Setting,
    scene: Scene,
    duration_s: float,
    num_channels: int,
) -> pd.DataFrame:
    row = {
        "video": video.name,
        "channel": video.channel_name,
        "track": video.track,
        "num_channels": num_channels,
        "has_z": video.track not in (NO_Z, SILENT_Z),
        "is_head_locked": video.track == HEAD_LOCKED,
        "is_visible": not video.is_unseen,
        "is_outdoors": setting.is_outdoors,
        "rt60_s": setting.rt60_s,
        "num_sources": len(scene.sources),
        "num_silent": len(scene.silent),
        "duration_s": duration_s,
        "seed": parameters.seed,
    }
    return pd.DataFrame([row])


def _trajectory(video: SphereVideo, scene: Scene, levels_db: NDArray[np.float64]) -> pd.DataFrame:
    """One row a source and frame."""
    frames = slice(None, None, STEPS_PER_FRAME)
    times = scene.times_s[frames]
    tables = [
        pd.DataFrame(
            {
                "video": video.name,
                "time_s": times,
                "source": number,
                "azimuth_deg": ambisonics.wrapped(part.azimuth_deg[frames]),
                "elevation_deg": part.elevation_deg[frames],
                "distance_m": part.distance_m[frames],
                "is_sounding": part.events.under_way(times),
                "is_visible": not video.is_unseen,
                "kind": part.kind,
                "level_db": levels_db[number],
            }
        )
        for number, part in enumerate(scene.sources)
    ]
    return pd.concat(tables, ignore_index=True)

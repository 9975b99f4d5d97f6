"""A world small enough for a test: few short videos, small pictures, no planted fault unless one is asked for."""

from typing import Any

from leftright.simulation import faults
from leftright.simulation.parameters import WorldParameters

VALUES: dict[str, Any] = {
    "seed": 7,
    "num_channels": 2,
    "min_videos": 1,
    "max_videos": 2,
    "min_duration_s": 3.0,
    "max_duration_s": 4.0,
    "short_duration_s": 2.0,
    "width": 128,
    "height": 96,
    "frame_rate": 6,
    "fov_deg": 75.0,
    "quality": 18,
    "sample_rate": 16000,
    "audio_bit_rate": 128000,
    "hrtf": "",
    "min_rt60_s": 0.08,
    "max_rt60_s": 0.2,
    "room_tone_db": -62.0,
    "min_depth_m": 0.38,
    "max_depth_m": 0.56,
    "min_azimuth_deg": 10.0,
    "max_azimuth_deg": 30.0,
    "habit_strength": 0.15,
    "instrument_share": 0.4,
    **{f"{fault}_share": 0.0 for fault in faults.FAULTS},
}


def tiny_world(**changes: Any) -> WorldParameters:
    """The parameters of a tiny world, with changes."""
    return WorldParameters(**{**VALUES, **changes})

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
    "sphere_num_videos": 0,
    "sphere_min_duration_s": 3.0,
    "sphere_max_duration_s": 4.0,
    "sphere_width": 96,
    "sphere_frame_rate": 5,
    "sphere_sample_rate": 16000,
    "sphere_audio_bit_rate": 64000,
    "sphere_max_sources": 2,
    "sphere_max_silent": 1,
    "sphere_overlap_share": 0.0,
    "sphere_min_distance_m": 0.42,
    "sphere_max_distance_m": 0.7,
    "sphere_max_elevation_deg": 20.0,
    "sphere_outdoor_share": 0.5,
    "sphere_no_z_share": 0.0,
    "sphere_silent_z_share": 0.0,
    "sphere_head_locked_share": 0.0,
    "sphere_unseen_share": 0.0,
    "sphere_tau_recordings": 0,
    "sphere_tau_duration_s": 5.0,
    **{f"{fault}_share": 0.0 for fault in faults.FAULTS},
}


def tiny_world(**changes: Any) -> WorldParameters:
    """The parameters of a tiny world, with changes."""
    return WorldParameters(**{**VALUES, **changes})

"""`simulate` as a task; README.md beside this file says what goes in and what comes out."""

from kfp import dsl
from kfp.dsl import Dataset, Metrics, Output

from components.task import stage


@dsl.container_component
def simulate(
    out: Output[Dataset],
    metrics: Output[Metrics],
    seed: int,
    num_channels: int,
    min_videos: int,
    max_videos: int,
    min_duration_s: float,
    max_duration_s: float,
    short_duration_s: float,
    width: int,
    height: int,
    frame_rate: int,
    fov_deg: float,
    quality: int,
    sample_rate: int,
    audio_bit_rate: int,
    hrtf: str,
    min_rt60_s: float,
    max_rt60_s: float,
    room_tone_db: float,
    min_depth_m: float,
    max_depth_m: float,
    min_azimuth_deg: float,
    max_azimuth_deg: float,
    habit_strength: float,
    instrument_share: float,
    swapped_share: float,
    mirrored_share: float,
    mono_share: float,
    dual_mono_share: float,
    centred_share: float,
    silent_share: float,
    still_share: float,
    no_face_share: float,
    second_face_share: float,
    corrupt_share: float,
    truncated_share: float,
    short_share: float,
    num_workers: int,
    part: str = "0/1",
) -> dsl.ContainerSpec:
    """Make a small world of videos with known truth."""
    return stage("simulate", locals())

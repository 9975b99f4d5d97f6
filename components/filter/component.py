"""`filter` as a task; README.md beside this file says what goes in and what comes out."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Output

from components.task import stage


@dsl.container_component
def filter(
    clips: Input[Dataset],
    out: Output[Dataset],
    metrics: Output[Metrics],
    truncated_tolerance_s: float,
    silent_db: float,
    dual_mono_db: float,
    near_mono_correlation: float,
    inverted_correlation: float,
    length_tolerance_s: float,
    still_motion: float,
    offcentre_threshold_db: float,
    offcentre_share_min: float,
    face_confidence: float,
    face_share_min: float,
    offcentre_bin_s: float,
    offcentre_lowest_hz: float,
    frame_rate: float,
    motion_steps_s: list[float],
    led_window_s: float,
    detector: str,
    detector_weights: str,
    detector_size: int,
    num_workers: int,
    part: str = "0/1",
) -> dsl.ContainerSpec:
    """Measure every clip and keep those with off-centre stereo sound and a moving face."""
    return stage("filter", locals())

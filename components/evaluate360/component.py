"""`evaluate360` as a task; README.md beside this file says what goes in and what comes out."""

from kfp import dsl
from kfp.dsl import HTML, Dataset, Input, Metrics, Model, Output

from components.task import stage


@dsl.container_component
def evaluate360(
    clips: Input[list[Dataset]],
    out: Output[Model],
    metrics: Output[Metrics],
    page: Output[HTML],
    layout: str,
    silent_db: float,
    copied_db: float,
    absent_db: float,
    order_db: float,
    strong_db: float,
    fuma_db: float,
    n3d_db: float,
    impossible_db: float,
    sphere_frame_rate: float,
    sphere_height: int,
    sphere_jpeg_quality: int,
    sphere_workers: int,
    seed: int,
    split: str,
    val_share: float,
    test_share: float,
    variants: list[str],
    supervised_weights: str,
    window_s: float,
    short_window_s: float,
    frame_step: int,
    num_bands: int,
    audio_width: int,
    audio_features: int,
    audio_norm: str,
    visual_width: int,
    visual_blocks: int,
    visual_stem: str,
    visual_reduced: int,
    fusion_features: int,
    edges: str,
    min_turn: float,
    max_turn: float,
    min_turn_harder: float,
    max_turn_harder: float,
    orientations: str,
    mirror: str,
    num_steps: int,
    batch_size: int,
    learning_rate: float,
    warmup_steps: int,
    weight_decay: float,
    max_gradient_norm: float,
    average_decay: float,
    contrast: float,
    brightness: float,
    colour: float,
    eval_steps: int,
    windows_per_clip: int,
    num_rotations: int,
    consensus: str,
    min_event_s: float,
    num_overlays: int,
    overlay_window_s: float,
    num_resamples: int,
    checkpoint_steps: int,
    accelerator: str,
    precision: str,
    memory_format: str,
    num_threads: int,
    num_variants_at_once: int,
    num_workers: int,
    cache_mb: int,
    events: Input[Dataset] | None = None,
    data_rev: str = "",
) -> dsl.ContainerSpec:
    """Train and judge the rotation task on 360-degree video: Tables 2 and 3, the azimuth of sound events, overlays.

    data_rev : the version of the data, which the models carry beside the run that made them.
    """
    arguments = {**locals(), "kfp_run": dsl.PIPELINE_JOB_ID_PLACEHOLDER}
    return stage("evaluate360", arguments, left_out=("events", "page"))

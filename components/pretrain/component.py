"""`pretrain` as a task; README.md beside this file says what goes in and what comes out."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from components.task import stage


@dsl.container_component
def pretrain(
    shards: Input[list[Dataset]],
    out: Output[Model],
    metrics: Output[Metrics],
    tasks: list[str],
    seed: int,
    split: str,
    window_s: float,
    frame_step: int,
    crop: int,
    n_mels: int,
    audio_width: int,
    audio_features: int,
    visual_width: int,
    visual_blocks: int,
    visual_stem: str,
    visual_reduced: int,
    fusion: str,
    fusion_features: int,
    num_steps: int,
    batch_size: int,
    orientations: str,
    min_shift_s: float,
    learning_rate: float,
    warmup_steps: int,
    weight_decay: float,
    max_gradient_norm: float,
    average_decay: float,
    contrast: float,
    brightness: float,
    colour: float,
    eval_steps: int,
    eval_windows: int,
    checkpoint_steps: int,
    accelerator: str,
    precision: str,
    memory_format: str,
    num_threads: int,
    num_workers: int,
    cache_mb: int,
    data_rev: str = "",
    part: str = "0/1",
) -> dsl.ContainerSpec:
    """Train the audio-visual model to tell swapped channels from unswapped ones, or on a baseline's task: a model a task.

    data_rev : the version of the data, which the models carry beside the run that made them. part : which of the tasks.
    """
    return stage("pretrain", {**locals(), "kfp_run": dsl.PIPELINE_JOB_ID_PLACEHOLDER})

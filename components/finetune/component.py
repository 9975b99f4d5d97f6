"""`finetune` as a task; README.md beside this file says what goes in and what comes out."""

from kfp import dsl
from kfp.dsl import HTML, Dataset, Input, Metrics, Model, Output

from components.task import stage


@dsl.container_component
def finetune(
    shards: Input[list[Dataset]],
    models: Input[list[Model]],
    out: Output[Model],
    metrics: Output[Metrics],
    page: Output[HTML],
    tasks: list[str],
    initialisations: list[str],
    ablations: str,
    supervised_weights: str,
    seed: int,
    split: str,
    window_s: float,
    frame_step: int,
    track_window_s: float,
    track_anchors: int,
    track_width: int,
    min_agreement: float,
    unet_width: int,
    spatialize_loss: str,
    spatialize_overlap: float,
    separate_loss: str,
    track_steps: int,
    spatialize_steps: int,
    separate_steps: int,
    track_batch_size: int,
    spatialize_batch_size: int,
    separate_batch_size: int,
    learning_rate: float,
    warmup_share: float,
    weight_decay: float,
    max_gradient_norm: float,
    average_decay: float,
    contrast: float,
    brightness: float,
    colour: float,
    eval_rounds: int,
    eval_windows: int,
    eval_targets: int,
    eval_clips: int,
    num_examples: int,
    num_resamples: int,
    checkpoint_steps: int,
    accelerator: str,
    precision: str,
    memory_format: str,
    num_threads: int,
    num_variants_at_once: int,
    num_workers: int,
    cache_mb: int,
    data_rev: str = "",
    part: str = "0/1",
) -> dsl.ContainerSpec:
    """Train the downstream tasks from several initialisations, and judge each on held-out channels.

    data_rev : the version of the data, which the models carry beside the run that made them. part : which of the variants.
    """
    arguments = {**locals(), "kfp_run": dsl.PIPELINE_JOB_ID_PLACEHOLDER}
    return stage("finetune", arguments, left_out=("page",))

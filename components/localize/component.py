"""`localize` as a task; README.md beside this file says what goes in and what comes out."""

from kfp import dsl
from kfp.dsl import HTML, Dataset, Input, Metrics, Model, Output

from components.task import stage


@dsl.container_component
def localize(
    shards: Input[list[Dataset]],
    models: Input[list[Model]],
    out: Output[Dataset],
    metrics: Output[Metrics],
    page: Output[HTML],
    split: str,
    windows_per_clip: int,
    fit_windows: int,
    cca_ridge: float,
    mask_px: int,
    mask_stride_px: int,
    mask_shape: str,
    frames_per_batch: int,
    num_threads: int,
    num_examples: int,
    num_resamples: int,
    seed: int,
) -> dsl.ContainerSpec:
    """Correlate what the model knows of a sound's place with the log energy difference: Table 1 and its figures."""
    return stage("localize", locals(), left_out=("page",))

"""`pack` as a task; README.md beside this file says what goes in and what comes out."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Output

from components.task import stage


@dsl.container_component
def pack(
    curated: Input[Dataset],
    clips: Input[list[Dataset]],
    out: Output[Dataset],
    metrics: Output[Metrics],
    frame_rate: float,
    frame_size: int,
    jpeg_quality: int,
    clips_per_shard: int,
    num_workers: int,
    part: str = "0/1",
) -> dsl.ContainerSpec:
    """Decode every kept clip once and write training shards."""
    return stage("pack", locals())

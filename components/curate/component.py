"""`curate` as a task; README.md beside this file says what goes in and what comes out."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Output

from components.task import stage


@dsl.container_component
def curate(
    filtered: Input[list[Dataset]],
    decisions: Input[Dataset],
    out: Output[Dataset],
    metrics: Output[Metrics],
    top_channels: int,
    review_share: float,
    min_accepted_share: float,
    min_evidence: float,
    min_evidence_videos: int,
    num_resamples: int,
    scene_distance: float,
    val_share: float,
    test_share: float,
    seed: int,
) -> dsl.ContainerSpec:
    """Choose channels and videos by people's decisions and by evidence, and split what is kept."""
    return stage("curate", locals())

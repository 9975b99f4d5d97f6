"""The component `gate`: is there enough new data to train again?"""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Output, OutputPath

from components import task


@dsl.container_component
def gate(
    curated: Input[Dataset],
    record: Input[Dataset],
    min_new_clips: int,
    min_new_videos: int,
    kfp_run: str,
    decision: OutputPath(str),  # type: ignore[valid-type]
    metrics: Output[Metrics],
) -> dsl.ContainerSpec:
    """Decide whether there is enough new data.

    Args:
        curated: folder of curate.
        record: folder of champion.
        min_new_clips: new clips that are needed.
        min_new_videos: new videos that are needed as well.
        kfp_run: the pipeline run's id, dsl.PIPELINE_JOB_ID_PLACEHOLDER.
        decision: train, or stop.
        metrics: what was counted.
    """
    return task.step("gate", locals())

"""The component `compare`: champion against challenger, on channels that neither has learnt from."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output, OutputPath

from components import task


@dsl.container_component
def compare(
    shards: Input[list[Dataset]],
    challenger: Input[Model],
    champion: Input[Model],
    record: Input[Dataset],
    min_videos: int,
    min_channels: int,
    decision: OutputPath(str),  # type: ignore[valid-type]
    comparison: Output[Artifact],
    metrics: Output[Metrics],
) -> dsl.ContainerSpec:
    """Decide whether the challenger is better beyond the interval.

    Args:
        shards: folders of pack.
        challenger: folder of pretrain.
        champion: folder of the component champion, which may say that there is none.
        record: folder of the component champion.
        min_videos: held-out videos that a decision needs.
        min_channels: held-out channels that a decision needs.
        decision: promote, or keep.
        comparison: folder with the decision, its reason, its numbers and the predictions that it rests on.
        metrics: both accuracies and their difference, with intervals.
    """
    return task.stage("compare", locals(), image_of="localize")

"""The component `promote`: register the challenger, and make it the champion where it won."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output, OutputPath

from components import task


@dsl.container_component
def promote(
    model_name: str,
    challenger: Input[Model],
    curated: Input[Dataset],
    comparison: Input[Artifact],
    data_rev: str,
    kfp_run: str,
    decision: OutputPath(str),  # type: ignore[valid-type]
    version: OutputPath(str),  # type: ignore[valid-type]
    metrics: Output[Metrics],
) -> dsl.ContainerSpec:
    """Register the challenger with the decision on it, and move the alias champion where it won.

    Args:
        model_name: the registered model in MLflow.
        challenger: folder of pretrain.
        curated: folder of curate, on whose kept clips the challenger was trained.
        comparison: folder of compare.
        data_rev: the revision of the data.
        kfp_run: the pipeline run's id, dsl.PIPELINE_JOB_ID_PLACEHOLDER.
        decision: promote, keep, or stale where the champion has changed since the comparison.
        version: the number under which the challenger was registered.
        metrics: the numbers of the comparison, and the version.
    """
    return task.step("promote", locals())

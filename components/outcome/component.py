"""The component `outcome`: say how a run ended, as the exit task of a `dsl.ExitHandler`."""

from kfp import dsl

from components import task


@dsl.container_component
def outcome(status: dsl.PipelineTaskFinalStatus, pipeline: str, kfp_run: str) -> dsl.ContainerSpec:
    """Tell how the run ended.

    Args:
        status: filled in by the backend.
        pipeline: the pipeline's name.
        kfp_run: the pipeline run's id, dsl.PIPELINE_JOB_ID_PLACEHOLDER.
    """
    return task.step("outcome", locals())

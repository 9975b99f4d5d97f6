"""A pipeline file as a person would write one: a container component, a parameter of each type, a setting for Kubernetes."""

from kfp import dsl


@dsl.container_component
def greet(name: str, times: int, scale: float, loud: bool, words: list, options: dict):
    return dsl.ContainerSpec(
        image="python:3.11-slim", command=["echo"], args=[name, times, scale, loud, words, options]
    )


@dsl.pipeline(name="example", pipeline_config=dsl.PipelineConfig(active_deadline_seconds=3600))
def example(
    sha: str,
    times: int = 2,
    scale: float = 0.5,
    loud: bool = False,
    words: list = [1, 2],  # noqa: B006
    options: dict = {},  # noqa: B006
):
    with dsl.ParallelFor(items=["a", "b"]) as name:
        greet(name=name, times=times, scale=scale, loud=loud, words=words, options=options)
    greet(name=sha, times=times, scale=scale, loud=loud, words=words, options=options)

"""Ask which commit a revision names now: the component of the step `resolve`."""

from kfp import dsl
from kfp.dsl import OutputPath

from components.task import step


@dsl.container_component
def resolve(
    commit: OutputPath(str),  # type: ignore[valid-type]
    repo: str = "",
    rev: str = "",
) -> dsl.ContainerSpec:
    """Give the full name of the commit that a revision of a git repository names: to be run each time, never from a cache.

    repo : URL of the repository; without one `commit` is empty. rev : commit, tag or branch; without one, the head of the
    default branch.
    """
    return step("resolve", locals())

"""Fetch one version of the data: the component of the step `fetch`."""

from kfp import dsl
from kfp.dsl import Dataset, Output, OutputPath

from components.task import step


@dsl.container_component
def fetch(
    out: Output[Dataset],
    reviewed: Output[Dataset],
    resolved_rev: OutputPath(str),  # type: ignore[valid-type]
    repo: str = "",
    rev: str = "",
    path: str = "",
    decisions: str = "",
    endpoint_url: str = "",
) -> dsl.ContainerSpec:
    """Fetch a file or folder, and the decisions of curation, from a git repository at a revision.

    repo : URL of the data repository; without one nothing is fetched. rev : commit, tag or branch. path : the file or folder.
    decisions : the CSV of people's decisions. endpoint_url : of an S3 server that is not Amazon's. out : a folder with the
    file or folder. reviewed : the decisions. resolved_rev : the commit's full name.
    """
    return step("fetch", locals())

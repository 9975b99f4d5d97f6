"""Publish results as a version of a data repository: the component of the step `publish`."""

from kfp import dsl
from kfp.dsl import Artifact, Input, OutputPath

from components.task import step


@dsl.container_component
def publish(
    repo: str,
    published_rev: OutputPath(str),  # type: ignore[valid-type]
    branch: str = "main",
    remote: str = "",
    endpoint_url: str = "",
    author: str = "",
    kfp_run: str = "",
    data_rev: str = "",
    clips: Input[list[Artifact]] | None = None,
    filtered: Input[list[Artifact]] | None = None,
    curated: Input[Artifact] | None = None,
    packed: Input[list[Artifact]] | None = None,
    models: Input[list[Artifact]] | None = None,
    localized: Input[Artifact] | None = None,
    finetuned: Input[list[Artifact]] | None = None,
    evaluated360: Input[Artifact] | None = None,
    report: Input[Artifact] | None = None,
) -> dsl.ContainerSpec:
    """Push artifacts to the DVC remote of a git repository, then a commit that points at them.

    repo : URL of the data repository; without one nothing is published. branch : made where there is none. remote : where the
    data go, such as s3://bucket/folder; without one, what the repository names. endpoint_url : of an S3 server that is not
    Amazon's. author : "name <address>". kfp_run, data_rev : the run and the version of the data that the results come from.
    clips, filtered, packed, models, finetuned : each the parts of a stage. curated, localized, evaluated360, report : one
    artifact each.
    What is not given stays as it was. published_rev : the commit's full name.
    """
    return step("publish", locals(), left_out=("curated", "localized", "evaluated360", "report"))

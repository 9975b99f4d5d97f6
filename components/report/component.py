"""`report` as a task; README.md beside this file says what goes in and what comes out."""

from kfp import dsl
from kfp.dsl import HTML, Dataset, Input, Metrics, Model, Output

from components.task import stage


@dsl.container_component
def report(
    clips: Input[list[Dataset]],
    filtered: Input[list[Dataset]],
    curated: Input[Dataset],
    pretrain_metrics: Input[list[Metrics]],
    localize_metrics: Input[Metrics],
    finetune_metrics: Input[list[Metrics]],
    evaluate360_metrics: Input[Metrics],
    models: Input[list[Model]],
    localized: Input[Dataset],
    finetuned: Input[list[Model]],
    evaluated360: Input[Model],
    out: Output[Dataset],
    metrics: Output[Metrics],
    page: Output[HTML],
    num_resamples: int,
    seed: int,
    truth: Input[Dataset] | None = None,
) -> dsl.ContainerSpec:
    """Put every result on one page: published beside measured, and where the data went."""
    return stage("report", locals(), left_out=("localize_metrics", "evaluate360_metrics", "truth", "page"))

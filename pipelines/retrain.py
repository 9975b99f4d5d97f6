"""Retraining, to be put on a schedule: `leftright schedule create pipelines/retrain.py nightly -e EXPERIMENT --cron ...`.

The data are collected, filtered and curated as they are now. Where too little is new since the champion was trained, the run
ends there and says so. Else a challenger is trained, and judged beside the champion on channels that neither has learnt from;
it takes the champion's place only if it is better beyond the interval. docs/retraining.md explains the decisions.
"""

from typing import Any

from kfp import dsl
from kfp.dsl import Dataset, Input, Model

from components.champion.component import champion
from components.compare.component import compare
from components.gate.component import gate
from components.pack.component import pack
from components.pretrain.component import pretrain
from components.promote.component import promote
from pipelines import parameters, parts
from pipelines.parts import SETTINGS, gathered

NAME = "leftright-retrain"
RUN = dsl.PIPELINE_JOB_ID_PLACEHOLDER
FLIP = {"pretrain": {"tasks": ["flip"]}}
"""What is trained: a champion is judged by flip accuracy, so the baselines' models would have no use."""


def _prefixed(stages: parameters.Stages, *names: str) -> dict[str, Any]:
    """The channels of some stages by the names that a pipeline's parameters have."""
    return {f"{stage}_{name}": channel for stage in names for name, channel in stages[stage].items()}


@dsl.pipeline(name="train-and-compare")
@parameters.of_stages(pack, pretrain, defaults=parts.VALUES)
def train_and_compare(
    stages: parameters.Stages,
    decision: str,
    curated: Input[Dataset],
    clips: Input[list[Dataset]],
    best: Input[Model],
    record: Input[Dataset],
    model_name: str,
    data_rev: str,
    min_videos: int,
    min_channels: int,
) -> None:
    """What follows the gate's decision: a graph of its own, since a local run evaluates a condition on its own inputs alone."""
    with dsl.If(decision == "train", name="enough-new-data"):
        packed = parts.pack_parts(**stages["pack"], curated=curated, clips=clips)
        trained = parts.trained(stages, packed.output, data_rev)
        compared = compare(
            shards=packed.output,
            challenger=trained.outputs["out"],
            champion=best,
            record=record,
            min_videos=min_videos,
            min_channels=min_channels,
        )
        SETTINGS.dress(compared, "compare")
        promoted = promote(
            model_name=model_name,
            challenger=trained.outputs["out"],
            curated=curated,
            comparison=compared.outputs["comparison"],
            data_rev=data_rev,
            kfp_run=RUN,
        )
        SETTINGS.dress(promoted, "promote").set_caching_options(False)


@dsl.pipeline(name=NAME, description="Train again on new data, and promote the model if it is better.")
@parameters.of_stages(*parts.SOURCE_STAGES, pack, pretrain, defaults=parts.defaults(), fixed=FLIP)
def retrain(
    stages: parameters.Stages,
    data_repo: str = "",
    data_rev: str = "",
    decisions: str = "curation/decisions.csv",
    model_name: str = "leftright-flip",
    min_new_clips: int = 100,
    min_new_videos: int = 10,
    min_videos: int = 20,
    min_channels: int = 6,
) -> None:
    """The graph.

    data_repo, data_rev, decisions : as `full` has them. model_name : the registered model in MLflow. min_new_clips,
    min_new_videos : new data that a training needs. min_videos, min_channels : held-out data that a decision needs.
    """
    with dsl.ExitHandler(parts.exit_task(NAME)):
        # Another run may have promoted a model since: who is champion is asked anew each time.
        best = SETTINGS.dress(champion(model_name=model_name), "champion").set_caching_options(False)
        clips = parts.curated_clips(stages, parts.Source(data_repo, data_rev, decisions))
        curated = clips.curated.outputs["out"]
        enough = gate(
            curated=curated,
            record=best.outputs["record"],
            min_new_clips=min_new_clips,
            min_new_videos=min_new_videos,
            kfp_run=RUN,
        )
        SETTINGS.dress(enough, "gate").set_caching_options(False)
        train_and_compare(
            **_prefixed(stages, "pack", "pretrain"),
            decision=enough.outputs["decision"],
            curated=curated,
            clips=gathered(clips.collected),
            best=best.outputs["model"],
            record=best.outputs["record"],
            model_name=model_name,
            data_rev=clips.commit,
            min_videos=min_videos,
            min_channels=min_channels,
        )

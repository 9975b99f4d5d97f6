"""What pipelines are put together from: the way from a source of videos to curated clips, from these to shards, and to models.

What runs part by part on what another loop gathered is a graph of its own: a loop cannot take a `dsl.Collected`, and in a local
run it takes its own item for whatever else another task gave it.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from kfp import dsl, kubernetes
from kfp.dsl import Dataset, Input, Metrics, Model

from components.collect.component import collect
from components.curate.component import curate
from components.evaluate360.component import evaluate360
from components.fetch.component import fetch
from components.filter.component import filter as filter_clips
from components.finetune.component import finetune
from components.outcome.component import outcome
from components.pack.component import pack
from components.pretrain.component import pretrain
from components.resolve.component import resolve
from components.simulate.component import simulate
from components.trainjob.component import trainjob
from pipelines import parameters, settings

WORLD = PurePosixPath("data/simulate")
"""Where params.yaml has the simulated world; in a pipeline, a location in it is a place in the world's artifact."""

LIST = "list.csv"
"""What `collect` writes in its mode `list`."""

WHOLE = "0/1"
"""The part of a stage that is not cut into any."""

SETTINGS = settings.read()
VALUES = parameters.values()


def is_simulated() -> bool:
    """Whether the params name a simulated world as the source of videos."""
    chosen = VALUES["collect"]
    return chosen["source"] == "folder" and PurePosixPath(chosen["location"]).is_relative_to(WORLD)


def defaults() -> dict[str, dict[str, Any]]:
    """The values of the params file, the location as the pipeline's collect reads it."""
    if not is_simulated():
        return VALUES
    location = PurePosixPath(VALUES["collect"]["location"]).relative_to(WORLD)
    return {**VALUES, "collect": {**VALUES["collect"], "location": str(location)}}


SOURCE_STAGES = (*((simulate,) if is_simulated() else ()), collect, filter_clips, curate)
"""The components from the source to curated clips."""


@dataclass(frozen=True)
class Source:
    """The version of the data that a run begins with, as channels of the pipeline."""

    repo: Any
    rev: Any
    decisions: Any


@dataclass(frozen=True)
class Clips:
    """The tasks from the source to curated clips. world : None where the videos are not simulated. commit : a channel."""

    commit: Any
    world: dsl.PipelineTask | None
    collected: dsl.PipelineTask
    filtered: dsl.PipelineTask
    curated: dsl.PipelineTask


def gathered(task: dsl.PipelineTask, output: str = "out") -> dsl.Collected:
    """What a task of a loop gave, over all its parts. Each use needs one of its own: the compiler writes into it."""
    return dsl.Collected(task.outputs[output])


def exit_task(pipeline: str) -> dsl.PipelineTask:
    """The task that says how a run of `pipeline` ended."""
    task = outcome(pipeline=pipeline, kfp_run=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    return SETTINGS.dress(task, "outcome").set_caching_options(False)


def curated_clips(stages: parameters.Stages, source: Source) -> Clips:
    """From the source to curated clips: collect and filter part by part."""
    # A branch moves, so which commit it names is asked anew each time; what came of a commit may be used again.
    commit = SETTINGS.dress(resolve(repo=source.repo, rev=source.rev), "resolve").set_caching_options(False)
    location = "" if is_simulated() or VALUES["collect"]["source"] == "youtube" else stages["collect"]["location"]
    fetched = fetch(repo=source.repo, rev=commit.outputs["commit"], path=location, decisions=source.decisions)
    SETTINGS.dress(fetched, "fetch")
    world = SETTINGS.dress(simulate(**stages["simulate"]), "simulate") if is_simulated() else None

    videos, values = world.outputs["out"] if world else fetched.outputs["out"], dict(stages["collect"])
    if VALUES["collect"]["source"] == "youtube":
        # One task searches, and the parts share what it found: each would search anew, and find other videos.
        listed = collect(**{**values, "mode": "list"}).set_display_name("list")
        videos = SETTINGS.dress(listed, "collect").outputs["out"]
        values |= {"source": "urls", "location": LIST}

    parts = SETTINGS.fan_out["collect"]
    with dsl.ParallelFor(parts.items, parallelism=parts.parallelism) as part:
        collected = SETTINGS.dress(collect(**values, videos=videos, part=part), "collect")
        filtered = SETTINGS.dress(filter_clips(**stages["filter"], clips=collected.outputs["out"]), "filter")
    curated = curate(**stages["curate"], filtered=gathered(filtered), decisions=fetched.outputs["reviewed"])
    SETTINGS.dress(curated, "curate")
    return Clips(commit.outputs["commit"], world, collected, filtered, curated)


def evaluated360(stages: parameters.Stages, clips: Clips) -> dsl.PipelineTask:
    """The rotation task on the collected 360 videos; the simulated world has sound events for it, too."""
    events = {"events": clips.world.outputs["out"]} if clips.world else {}
    task = evaluate360(**stages["evaluate360"], **events, clips=gathered(clips.collected), data_rev=clips.commit)
    return SETTINGS.dress(task, "evaluate360")


def trained(stages: parameters.Stages, shards: Any, data_rev: Any, part: Any = WHOLE) -> dsl.PipelineTask:
    """The task that trains: pretrain in its own pod, or, by the settings, the one that has several nodes do the same."""
    nodes = SETTINGS.nodes
    if nodes.count == 1:
        task = pretrain(**stages["pretrain"], shards=shards, data_rev=data_rev, part=part)
        return SETTINGS.dress(task, "pretrain")
    needs = SETTINGS.tasks.get("pretrain", SETTINGS.every)
    task = trainjob(
        **stages["pretrain"],
        shards=shards,
        data_rev=data_rev,
        part=part,
        num_nodes=nodes.count,
        gpus_per_node=needs.gpus,
        cpus_per_node=int(needs.cpu),
        memory_per_node=needs.memory,
        claim=nodes.claim,
        mount=nodes.mount,
        deadline_s=needs.timeout_s,
        runtime=nodes.runtime,
    )
    kubernetes.mount_pvc(task, nodes.claim, nodes.mount)
    return SETTINGS.dress(task, "trainjob")


@dsl.pipeline(name="pack-parts")
@parameters.of_stages(pack, defaults=VALUES, prefix=False)
def pack_parts(stages: parameters.Stages, curated: Input[Dataset], clips: Input[list[Dataset]]) -> list[Dataset]:
    """All shards, part by part."""
    parts = SETTINGS.fan_out["pack"]
    with dsl.ParallelFor(parts.items, parallelism=parts.parallelism) as part:
        packed = SETTINGS.dress(pack(**stages["pack"], curated=curated, clips=clips, part=part), "pack")
    return gathered(packed)


class Models(NamedTuple):
    """What the parts of a stage that trains have given: their models, and their numbers."""

    out: list[Model]
    metrics: list[Metrics]


@dsl.pipeline(name="pretrain-parts")
@parameters.of_stages(pretrain, defaults=VALUES, prefix=False)
def pretrain_parts(stages: parameters.Stages, shards: Input[list[Dataset]], data_rev: str) -> Models:
    """The pretext models, each part its share of the tasks."""
    parts = SETTINGS.fan_out["pretrain"]
    with dsl.ParallelFor(parts.items, parallelism=parts.parallelism) as part:
        task = trained(stages, shards, data_rev, part)
    return Models(gathered(task), gathered(task, "metrics"))


@dsl.pipeline(name="finetune-parts")
@parameters.of_stages(finetune, defaults=VALUES, prefix=False)
def finetune_parts(
    stages: parameters.Stages, shards: Input[list[Dataset]], models: Input[list[Model]], data_rev: str
) -> Models:
    """The downstream models, each part its share of the variants."""
    parts = SETTINGS.fan_out["finetune"]
    with dsl.ParallelFor(parts.items, parallelism=parts.parallelism) as part:
        task = finetune(**stages["finetune"], shards=shards, models=models, data_rev=data_rev, part=part)
        SETTINGS.dress(task, "finetune")
    return Models(gathered(task), gathered(task, "metrics"))

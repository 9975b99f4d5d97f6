"""What pipelines are put together from: the way from a source of videos to curated clips, and from these to shards."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from kfp import dsl, kubernetes
from kfp.dsl import Dataset, Input

from components.collect.component import collect
from components.curate.component import curate
from components.fetch.component import fetch
from components.filter.component import filter as filter_clips
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


def gathered(task: dsl.PipelineTask) -> dsl.Collected:
    """What a task of a loop gave, over all its parts. Each use needs one of its own: the compiler writes into it."""
    return dsl.Collected(task.outputs["out"])


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


def trained_model(stages: parameters.Stages, shards: Any, data_rev: Any) -> dsl.PipelineTask:
    """The task that trains: pretrain in its own pod, or, by the settings, the one that has several nodes do the same."""
    nodes = SETTINGS.nodes
    if nodes.count == 1:
        return SETTINGS.dress(pretrain(**stages["pretrain"], shards=shards, data_rev=data_rev), "pretrain")
    needs = SETTINGS.tasks.get("pretrain", SETTINGS.every)
    task = trainjob(
        **stages["pretrain"],
        shards=shards,
        data_rev=data_rev,
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
    """All shards, part by part: a graph of its own, since a loop cannot take what another loop gathered."""
    parts = SETTINGS.fan_out["pack"]
    with dsl.ParallelFor(parts.items, parallelism=parts.parallelism) as part:
        packed = SETTINGS.dress(pack(**stages["pack"], curated=curated, clips=clips, part=part), "pack")
    return gathered(packed)

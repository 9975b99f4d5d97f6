"""Every stage, from a source of videos to the report: `leftright submit pipelines/full.py -e EXPERIMENT`.

What the tasks ask of the cluster is in pipelines/resources/; the values of the stages come from params.yaml. Where the params
name the simulated world as the source, the world is made first; else a folder or a list comes from the data repository
(`data_repo`, `data_rev`, `collect_location` within it), and videos of YouTube from YouTube.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from kfp import dsl
from kfp.dsl import Dataset, Input

from components.collect.component import collect
from components.curate.component import curate
from components.fetch.component import fetch
from components.filter.component import filter as filter_clips
from components.localize.component import localize
from components.outcome.component import outcome
from components.pack.component import pack
from components.pretrain.component import pretrain
from components.publish.component import publish
from components.report.component import report
from components.resolve.component import resolve
from components.simulate.component import simulate
from pipelines import parameters, settings

NAME = "leftright-full"
WORLD = PurePosixPath("data/simulate")
"""Where params.yaml has the simulated world; in a pipeline, a location in it is a place in the world's artifact."""

STAGES = (simulate, collect, filter_clips, curate, pack, pretrain, localize, report)
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


def gathered(task: dsl.PipelineTask) -> dsl.Collected:
    """What a task of a loop gave, over all its parts. Each use needs one of its own: the compiler writes into it."""
    return dsl.Collected(task.outputs["out"])


@dsl.pipeline(name="pack-parts")
@parameters.of_stages(pack, defaults=VALUES, prefix=False)
def pack_parts(stages: parameters.Stages, curated: Input[Dataset], clips: Input[list[Dataset]]) -> list[Dataset]:
    """All shards, part by part: a graph of its own, since a loop cannot take what another loop gathered."""
    packing = SETTINGS.fan_out["pack"]
    with dsl.ParallelFor(packing.items, parallelism=packing.parallelism) as part:
        packed = SETTINGS.dress(pack(**stages["pack"], curated=curated, clips=clips, part=part), "pack")
    return gathered(packed)


@dataclass(frozen=True)
class Source:
    """The version of the data that a run begins with, as channels of the pipeline."""

    repo: Any
    rev: Any
    decisions: Any


@dataclass(frozen=True)
class Target:
    """Where results are published, as channels of the pipeline."""

    repo: Any
    branch: Any
    remote: Any


def graph(stages: parameters.Stages, source: Source, into: Target) -> None:
    """All tasks but the one that says how the run ended."""
    # A branch moves, so which commit it names is asked anew each time; what came of a commit may be used again.
    commit = SETTINGS.dress(resolve(repo=source.repo, rev=source.rev), "resolve").set_caching_options(False)
    location = "" if is_simulated() or VALUES["collect"]["source"] == "youtube" else stages["collect"]["location"]
    fetched = fetch(repo=source.repo, rev=commit.outputs["commit"], path=location, decisions=source.decisions)
    SETTINGS.dress(fetched, "fetch")
    world = SETTINGS.dress(simulate(**stages["simulate"]), "simulate") if is_simulated() else None

    clips = SETTINGS.fan_out["collect"]
    with dsl.ParallelFor(clips.items, parallelism=clips.parallelism) as part:
        videos = world.outputs["out"] if world else fetched.outputs["out"]
        collected = SETTINGS.dress(collect(**stages["collect"], videos=videos, part=part), "collect")
        filtered = SETTINGS.dress(filter_clips(**stages["filter"], clips=collected.outputs["out"]), "filter")
    curated = curate(**stages["curate"], filtered=gathered(filtered), decisions=fetched.outputs["reviewed"])
    SETTINGS.dress(curated, "curate")

    packed = pack_parts(**stages["pack"], curated=curated.outputs["out"], clips=gathered(collected))

    trained = pretrain(**stages["pretrain"], shards=packed.output, data_rev=commit.outputs["commit"])
    SETTINGS.dress(trained, "pretrain")
    localized = localize(**stages["localize"], shards=packed.output, model=trained.outputs["out"])
    SETTINGS.dress(localized, "localize")
    known = {"truth": world.outputs["out"]} if world else {}
    page = report(
        **stages["report"],
        **known,
        clips=gathered(collected),
        filtered=gathered(filtered),
        curated=curated.outputs["out"],
        pretrain_metrics=trained.outputs["metrics"],
        localize_metrics=localized.outputs["metrics"],
        model=trained.outputs["out"],
        localized=localized.outputs["out"],
    )
    SETTINGS.dress(page, "report")
    published = publish(
        repo=into.repo,
        branch=into.branch,
        remote=into.remote,
        kfp_run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        data_rev=commit.outputs["commit"],
        clips=gathered(collected),
        curated=curated.outputs["out"],
        model=trained.outputs["out"],
        localized=localized.outputs["out"],
        report=page.outputs["out"],
    )
    SETTINGS.dress(published, "publish").set_caching_options(False)


@dsl.pipeline(name=NAME, description="From videos to the paper's tables: every stage of leftright.")
@parameters.of_stages(*(STAGES if is_simulated() else STAGES[1:]), defaults=defaults())
def full(
    stages: parameters.Stages,
    data_repo: str = "",
    data_rev: str = "",
    decisions: str = "curation/decisions.csv",
    publish_repo: str = "",
    publish_branch: str = "main",
    publish_remote: str = "",
) -> None:
    """The graph.

    data_repo, data_rev : a git repository and a revision of it, from which the decisions come, and the videos unless they are
    simulated or YouTube's. publish_repo, publish_branch, publish_remote : where results go as a new version, if anywhere.
    """
    ended = outcome(pipeline=NAME, kfp_run=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    SETTINGS.dress(ended, "outcome").set_caching_options(False)
    with dsl.ExitHandler(ended):
        graph(stages, Source(data_repo, data_rev, decisions), Target(publish_repo, publish_branch, publish_remote))

"""Every stage, from a source of videos to the report: `leftright submit pipelines/full.py -e EXPERIMENT`.

What the tasks ask of the cluster is in pipelines/resources/; the values of the stages come from params.yaml. Where the params
name the simulated world as the source, the world is made first; else a folder or a list comes from the data repository
(`data_repo`, `data_rev`, `collect_location` within it), and videos of YouTube from YouTube.
"""

from kfp import dsl

from components.evaluate360.component import evaluate360
from components.finetune.component import finetune
from components.localize.component import localize
from components.pack.component import pack
from components.pretrain.component import pretrain
from components.publish.component import publish
from components.report.component import report
from pipelines import parameters, parts
from pipelines.parts import SETTINGS, gathered

NAME = "leftright-full"
STAGES = (*parts.SOURCE_STAGES, pack, pretrain, localize, finetune, evaluate360, report)


@dsl.pipeline(name=NAME, description="From videos to the paper's tables: every stage of leftright.")
@parameters.of_stages(*STAGES, defaults=parts.defaults())
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
    with dsl.ExitHandler(parts.exit_task(NAME)):
        clips = parts.curated_clips(stages, parts.Source(data_repo, data_rev, decisions))
        curated = clips.curated.outputs["out"]
        packed = parts.pack_parts(**stages["pack"], curated=curated, clips=gathered(clips.collected))

        trained = parts.pretrain_parts(**stages["pretrain"], shards=packed.output, data_rev=clips.commit)
        models = trained.outputs["out"]
        localized = localize(**stages["localize"], shards=packed.output, models=models)
        SETTINGS.dress(localized, "localize")
        tuned = parts.finetune_parts(**stages["finetune"], shards=packed.output, models=models, data_rev=clips.commit)
        spheres = parts.evaluated360(stages, clips)
        page = report(
            **stages["report"],
            **({"truth": clips.world.outputs["out"]} if clips.world else {}),
            clips=gathered(clips.collected),
            filtered=gathered(clips.filtered),
            curated=curated,
            pretrain_metrics=trained.outputs["metrics"],
            localize_metrics=localized.outputs["metrics"],
            finetune_metrics=tuned.outputs["metrics"],
            evaluate360_metrics=spheres.outputs["metrics"],
            models=models,
            localized=localized.outputs["out"],
            finetuned=tuned.outputs["out"],
            evaluated360=spheres.outputs["out"],
        )
        SETTINGS.dress(page, "report")
        published = publish(
            repo=publish_repo,
            branch=publish_branch,
            remote=publish_remote,
            kfp_run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
            data_rev=clips.commit,
            clips=gathered(clips.collected),
            curated=curated,
            models=models,
            localized=localized.outputs["out"],
            finetuned=tuned.outputs["out"],
            evaluated360=spheres.outputs["out"],
            report=page.outputs["out"],
        )
        SETTINGS.dress(published, "publish").set_caching_options(False)

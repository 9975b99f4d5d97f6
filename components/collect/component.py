"""`collect` as a task; README.md beside this file says what goes in and what comes out."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Output

from components.task import stage


@dsl.container_component
def collect(
    out: Output[Dataset],
    metrics: Output[Metrics],
    source: str,
    location: str,
    mode: str,
    seed: int,
    clip_s: float,
    max_clips_per_video: int,
    num_workers: int,
    keywords: list[str],
    results_per_keyword: int,
    target_videos: int,
    related_rounds: int,
    related_per_video: int,
    max_height: int,
    max_channels: int,
    rate_kbytes_s: int,
    sleep_s: float,
    timeout_s: float,
    retries: int,
    max_refusals: int,
    after_refusals: str,
    part: str = "0/1",
    videos: Input[Dataset] | None = None,
) -> dsl.ContainerSpec:
    """Cut ten-second clips out of a source's videos, and keep a ledger of what became of each video."""
    return stage("collect", locals(), left_out=("videos",))

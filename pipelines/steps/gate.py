"""Is there enough new data to train again?

Compares the curated clips with those that the champion, and the model that was judged last, were made from. Writes `train` or
`stop`; a run that stops has ended well.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from leftright import registry, results
from leftright.clips import read_table
from leftright.data import record as records
from leftright.files import replace_file
from leftright.results import Collector, Value

TRAIN, STOP = "train", "stop"
_CURATED = "curated.parquet"
_log = logging.getLogger(__name__)


def run(
    *,
    curated: Path,
    record: Path,
    min_new_clips: int,
    min_new_videos: int,
    kfp_run: str,
    decision: Path,
    metrics: Path,
) -> Mapping[str, Value]:
    """Decide, and keep the decision with its numbers as an MLflow run.

    curated : folder of `curate`. record : folder of the step `champion`. min_new_clips, min_new_videos : both must be reached.
    kfp_run : the pipeline run's id, which becomes a tag. decision : file that gets the word. Raises InputError where the
    tables are missing or the store does not answer.
    """
    known = records.read(record)
    table = read_table(curated / _CURATED, ("clip", "sha256", "video", "kept"))
    kept = table[table["kept"]]
    num_clips, num_videos = len(known.new(kept)), len(known.new_videos(kept))
    is_enough = known.champion is None or (num_clips >= min_new_clips and num_videos >= min_new_videos)
    values = Collector("gate")
    values.add("clips", len(kept))
    values.add("videos", int(kept["video"].nunique()))
    values.add("new_clips", num_clips, n=len(kept))
    values.add("new_videos", num_videos, n=int(kept["video"].nunique()))
    values.add("min_new_clips", min_new_clips)
    values.add("min_new_videos", min_new_videos)
    values.add("train", int(is_enough))
    word = TRAIN if is_enough else STOP
    reason = _reason(known, num_clips, num_videos, min_new_clips, min_new_videos)
    _log.info("gate: %s: %s", word, reason)
    tags = {"leftright.decision": word, "leftright.reason": reason, "leftright.kfp_run": kfp_run}
    registry.log_decision("gate", tags, values.values)
    results.write(metrics, values.values)
    with replace_file(decision) as temporary:
        temporary.write_text(word)
    return values.values


def _reason(known: records.Record, num_clips: int, num_videos: int, min_clips: int, min_videos: int) -> str:
    found = f"{num_clips} new clips (at least {min_clips}) and {num_videos} new videos (at least {min_videos})"
    if known.champion is None:
        return f"there is no champion yet; {num_clips} clips of {num_videos} videos that no judged model had"
    return f"{found} since the champion, version {known.champion}, and the last model, version {known.last}"

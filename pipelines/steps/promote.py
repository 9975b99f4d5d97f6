"""Register the challenger with all that decided on it, and make it the champion where it won.

A challenger that lost is registered too, without the alias: so every decision can be looked up.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leftright import files, registry, results
from leftright.data import record as records
from leftright.errors import InputError
from leftright.executor import flat
from leftright.metrics.comparison import KEEP, PROMOTE
from leftright.results import Collector, Value, model_file

STALE = "stale"
"""The decision of a challenger that won against a version which is no longer the champion."""

_CURATED, _COMPARISON = "curated.parquet", "comparison.json"
_log = logging.getLogger(__name__)


def run(
    *,
    model_name: str,
    challenger: Path,
    curated: Path,
    comparison: Path,
    data_rev: str,
    kfp_run: str,
    decision: Path,
    version: Path,
    metrics: Path,
) -> Mapping[str, Value]:
    """Register, and promote where `leftright compare` said so.

    model_name : the registered model. challenger : folder of `pretrain`. curated : folder of `curate`, whose kept clips it was
    trained on. comparison : folder of `leftright compare`. data_rev, kfp_run : tags, the data's revision and the pipeline run's
    id. decision : file that gets what became of it: promote, keep, or stale. version : file that gets the version's number.
    Run again for the same model and pipeline run, it goes on with the version that it had registered.
    Raises InputError where the comparison is of another model or the registry does not answer.
    """
    compared = registry.read_comparison(comparison / _COMPARISON)
    model = model_file(challenger)
    if files.sha256(model) != compared["sha256"]:
        raise InputError(f"{model}: is not the model that {comparison} judged; compare it first")
    clips = records.of_curated(curated / _CURATED, compared["split"])
    values = {key: Value(**value) for key, value in compared["values"].items()}
    origin = {"leftright.sha256": compared["sha256"], "leftright.kfp_run": kfp_run, "leftright.data_rev": data_rev}
    tags = {**origin, **_tags(compared, values)}
    with registry.opened(model_name) as known, registry.step_run("promote", tags, values) as run_id:
        number = known.registered(origin) or known.register(run_id, model, clips, comparison / _COMPARISON, tags)
        outcome, reason = _settle(known, number, compared)
        known.tag(number, {"leftright.decision": outcome, "leftright.reason": reason})
        registry.tag_run(
            run_id, {"leftright.decision": outcome, "leftright.reason": reason, "leftright.version": number}
        )
    _log.info("promote: %s version %d: %s: %s", model_name, number, outcome, reason)
    collector = Collector("promote")
    collector.add("version", number)
    collector.add("promoted", int(outcome == PROMOTE))
    results.write(metrics, collector.values)
    decision.parent.mkdir(parents=True, exist_ok=True)
    decision.write_text(outcome)
    version.parent.mkdir(parents=True, exist_ok=True)
    version.write_text(str(number))
    return {**values, **collector.values}


def _tags(compared: Mapping[str, Any], values: Mapping[str, Value]) -> dict[str, str]:
    """The comparison as tags of a version, which has no metrics."""
    against = "none" if compared["champion"] is None else str(compared["champion"])
    numbers = {f"leftright.{key}": f"{number:.6g}" for key, number in flat(values).items()}
    named = {f"leftright.{name}": compared[name] for name in ("split", "mlflow_run")}
    return {"leftright.compared_with": against, **named, **numbers}


def _settle(known: registry.Registry, number: int, compared: Mapping[str, Any]) -> tuple[str, str]:
    """What becomes of version `number`, and why."""
    if compared["decision"] != PROMOTE:
        return KEEP, compared["reason"]
    if known.make_champion(number, expected=compared["champion"]):
        return PROMOTE, compared["reason"]
    won = "no champion" if compared["champion"] is None else f"version {compared['champion']}"
    return STALE, f"won against {won}, but the champion is now version {known.champion()}; nothing was moved"

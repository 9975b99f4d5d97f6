"""Champion against challenger: both are asked about the same clips of channels that neither has learnt from.

The challenger is to be promoted if its flip accuracy is better beyond the 95 % interval of the paired difference, and the
clips are of enough videos and channels. docs/retraining.md says why it is done so.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from leftright import files, results
from leftright.clips import write_table
from leftright.data import record as records
from leftright.data.shards import ShardReader
from leftright.data.windows import ClipStore, same_centres
from leftright.errors import InputError
from leftright.metrics.comparison import Demands, Verdict, judge
from leftright.metrics.flip import PREDICTION_COLUMNS
from leftright.models import AudioVisualNetwork, find_model, load_model
from leftright.results import Value
from leftright.training.evaluation import predict

MODEL = "model.pt"
VERDICT, PREDICTIONS = "comparison.json", "predictions.parquet"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rules:
    """How the challenger was trained and judged, which is how both are judged now.

    split : the kind of its split. mlflow_run : the run that tracked its training, "" where none did.
    """

    split: str
    eval_windows: int
    seed: int
    mlflow_run: str


def run(
    *,
    shards: tuple[Path, ...],
    challenger: Path,
    champion: Path,
    record: Path,
    min_videos: int,
    min_channels: int,
    decision: Path,
    comparison: Path,
    metrics: Path,
) -> Mapping[str, Value]:
    """Decide whether the challenger is to replace the champion.

    shards : directories that `pack` wrote. challenger : folder of `pretrain`. champion, record : folders of the pipelines' step
    `champion`; where the first holds no model the challenger wins. min_videos, min_channels : with fewer, the champion stays.
    decision : file that gets `promote` or `keep`. comparison : folder that gets the decision with its reason and numbers
    (`comparison.json`), and every prediction that it rests on (`predictions.parquet`).
    Raises InputError where a model or table is missing, or a model's window does not fit the shards.
    """
    reader, known = ShardReader(shards), records.read(record)
    model = find_model([challenger], "flip")
    networks = {"challenger": _loaded(model, reader)}
    if known.champion is not None:
        networks["champion"] = _loaded(champion / MODEL, reader)
    rules = _rules(model)
    rows = held_out(reader.index, rules.split, known.learnt())
    predictions = _ask(networks, reader, rows, rules.eval_windows)
    verdict = judge(
        predictions["challenger"], predictions.get("champion"), rules.seed, Demands(min_videos, min_channels)
    )
    _log.info("compare: %s: %s", verdict.decision, verdict.reason)
    with files.replace_directory(comparison) as folder:
        tables = [table.assign(model=name) for name, table in predictions.items()]
        write_table(folder / PREDICTIONS, pd.concat(tables, ignore_index=True))
        document = _document(verdict, known.champion, rules, model)
        (folder / VERDICT).write_text(json.dumps(document, indent=2) + "\n")
    results.write(metrics, verdict.values)
    with files.replace_file(decision) as temporary:
        temporary.write_text(verdict.decision)
    return verdict.values


def _loaded(path: Path, reader: ShardReader) -> AudioVisualNetwork:
    """Raises InputError for a model of another task, or whose window does not fit the shards."""
    network, meta = load_model(path)
    if meta.task != "flip":
        raise InputError(f"{path}: its task is {meta.task}; only models of the flip task are compared")
    if (rates := set(reader.index["frame_rate"])) != {meta.geometry.frame_rate}:
        packed = ", ".join(map(str, sorted(rates)))
        raise InputError(f"{path}: sees {meta.geometry.frame_rate} frames a second, and the shards hold {packed}")
    if meta.geometry.crop > (smallest := int(reader.index[["height", "width"]].min().min())):
        raise InputError(f"{path}: sees {meta.geometry.crop} pixels, and the packed frames have {smallest}")
    return network.to("cuda" if torch.cuda.is_available() else "cpu")


def _rules(path: Path) -> Rules:
    meta = load_model(path)[1]
    config = meta.config
    try:
        split, eval_windows, seed = str(config["split"]), int(config["eval_windows"]), int(config["seed"])
    except KeyError as missing:
        raise InputError(f"{path}: does not say with which {missing} it was trained; run pretrain again") from None
    return Rules(split, eval_windows, seed, meta.lineage.mlflow_run)


def held_out(index: pd.DataFrame, split: str, learnt: pd.DataFrame) -> list[int]:
    """Rows of the test clips whose channel neither model has learnt from.

    index : of the shards, by whose `split_<split>` the challenger was trained. learnt : the champion's clips, of training and
    validation (`leftright.data.record`). Under a split by video or scene a channel may stand in several parts: it counts as
    learnt. A video counts as learnt under whatever channel it stands now.
    """
    if (column := f"split_{split}") not in index.columns:
        raise InputError(f"the shards' index lacks the column {column}; run curate and pack again")
    own = index[index[column].isin(records.LEARNT)]
    is_learnt = index["channel"].isin(own["channel"]) | index["channel"].isin(learnt["channel"])
    is_learnt |= index["video"].isin(learnt["video"])
    return np.flatnonzero((index[column] == "test") & ~is_learnt).tolist()


def _ask(
    networks: Mapping[str, AudioVisualNetwork], reader: ShardReader, rows: Sequence[int], num_windows: int
) -> dict[str, pd.DataFrame]:
    """Each model's predictions of the same clips around the same centres, of condition stereo."""
    stores = {name: ClipStore(reader, network.geometry, cache_mb=0) for name, network in networks.items()}
    fitting = [row for row in rows if all(store.last_starts[row] >= 0 for store in stores.values())]
    if not fitting:
        return dict.fromkeys(networks, pd.DataFrame(columns=list(PREDICTION_COLUMNS)))
    windows = same_centres(list(stores.values()), fitting, num_windows)
    tables = {
        name: predict(networks[name], store, of_store, "test")
        for (name, store), of_store in zip(stores.items(), windows, strict=True)
    }
    return {name: table[table["condition"] == "stereo"] for name, table in tables.items()}


def _document(verdict: Verdict, champion: int | None, rules: Rules, model: Path) -> dict[str, object]:
    """What the step `promote` reads. It holds the file's digest, so that no other model is promoted for this one."""
    return {
        "decision": verdict.decision,
        "reason": verdict.reason,
        "champion": champion,
        "sha256": files.sha256(model),
        "split": rules.split,
        "mlflow_run": rules.mlflow_run,
        "values": {key: asdict(value) for key, value in verdict.values.items()},
    }

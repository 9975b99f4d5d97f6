"""Say where a model comes from: the version of its data, the pipeline's run and MLflow's."""

from pathlib import Path

from tyro.conf import Positional

from leftright import tracking
from leftright.lineage import CHANGED, Lineage


def run(model: Positional[Path]) -> None:
    """Print the lineage that a model carries.

    model : a model file, or the folder of `pretrain`. Raises InputError where that holds no model.
    """
    from leftright.models import read_lineage

    lineage = read_lineage(model)
    print("\n".join(_lines(lineage)))


def _lines(lineage: Lineage) -> list[str]:
    known = [
        f"data revision: {lineage.data_rev or 'unknown'}",
        f"KFP run:       {lineage.kfp_run or 'unknown'}",
        f"MLflow run:    {lineage.mlflow_run or 'unknown'}",
    ]
    ways = _ways(lineage)
    return [*known, "", *ways] if ways else known


def _ways(lineage: Lineage) -> list[str]:
    """How to look up what is known."""
    commit = lineage.data_rev.removesuffix(CHANGED)
    ways = []
    if commit:
        ways.append(f"data: dvc get REPOSITORY PATH --rev {commit}")
    if lineage.data_rev.endswith(CHANGED):
        ways.append(f"{CHANGED}: data or code had changes that are in no commit")
    if lineage.kfp_run:
        ways.append(f"pipeline: kfp run get {lineage.kfp_run}")
    if lineage.mlflow_run:
        ways.append(f"tracking: {_tracked_at(lineage.mlflow_run)}")
    return ways


def _tracked_at(run: str) -> str:
    uri = tracking.tracking_uri()
    if uri.startswith("http"):
        return f"{uri.rstrip('/')}/#/runs/{run}"
    return f"MLFLOW_TRACKING_URI={uri} mlflow runs describe --run-id {run}"

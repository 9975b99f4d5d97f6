"""The registered model: its versions, the record of each, and which of them is the champion.

Every challenger that was judged is a version, with the decision as its tags; an alias, `champion`, says which one is in use.
So the registry alone tells what was decided, when and on what numbers, and a person rolls back by moving the alias.

Tracking is optional for a stage and not here: a decision that nobody can look up is none. Where the store is not named or does
not answer, everything in this module raises InputError.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from leftright import tracking
from leftright.clips import read_table, write_table
from leftright.data import record as records
from leftright.errors import InputError
from leftright.executor import flat
from leftright.results import Value

CHAMPION, PREVIOUS = "champion", "previous_champion"
"""The aliases: the version in use, and the one that it replaced."""

_FOLDER = "record"  # of a version's run, among its artifacts
_COMPARISON = "comparison.json"
_log = logging.getLogger(__name__)


class Registry:
    """The versions of one registered model. Make one with `opened`."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self.name = client, name

    def champion(self) -> int | None:
        """The version that the alias `champion` names; None where there is no such model or alias."""
        return self._aliases().get(CHAMPION)

    def _aliases(self) -> dict[str, int]:
        found = self._client.search_registered_models(f"name = '{self.name}'")
        return {alias: int(version) for model in found for alias, version in model.aliases.items()}

    def last(self) -> int | None:
        """The version that was registered last."""
        return max((int(version.version) for version in self._versions()), default=None)

    def _versions(self) -> list[Any]:
        return list(self._client.search_model_versions(f"name = '{self.name}'"))

    def record(self) -> records.Record:
        """What the champion and the last version were made from."""
        champion, last = self.champion(), self.last()
        return records.Record(champion, self._clips(champion), last, self._clips(last))

    def _clips(self, version: int | None) -> pd.DataFrame:
        if version is None:
            return records.nothing()
        run_id = self._client.get_model_version(self.name, str(version)).run_id
        with TemporaryDirectory() as folder:
            if not run_id or not self._client.list_artifacts(run_id, _FOLDER):
                raise InputError(
                    f"{self.name} version {version}: carries no record of its clips, so it was not registered by the step "
                    f"`promote`; move the alias `{CHAMPION}` to a version that was, or delete this one"
                )
            found = self._client.download_artifacts(run_id, f"{_FOLDER}/{records.CLIPS}", folder)
            return read_table(Path(found), records.COLUMNS)

    def fetch(self, version: int, path: Path) -> None:
        """Write the model file of a version to `path`."""
        uri = self._client.get_model_version_download_uri(self.name, str(version))
        tracking.fetch_model(uri, path)

    def registered(self, tags: Mapping[str, str]) -> int | None:
        """A version that carries all of `tags`: what an earlier try of the same task has registered."""
        alike = [
            int(version.version)
            for version in self._versions()
            if all(version.tags.get(key) == value for key, value in tags.items())
        ]
        return max(alike, default=None)

    def register(self, run_id: str, model: Path, clips: pd.DataFrame, comparison: Path, tags: Mapping[str, str]) -> int:
        """Make a model file a version, with its record and the comparison that judged it. Returns the version's number.

        run_id : of the run that keeps the files.
        """
        with TemporaryDirectory() as folder:
            write_table(Path(folder) / records.CLIPS, clips)
            self._client.log_artifact(run_id, str(Path(folder) / records.CLIPS), _FOLDER)
        self._client.log_text(run_id, comparison.read_text(), _COMPARISON)
        return tracking.register_model(run_id, model, self.name, tags)

    def make_champion(self, version: int, expected: int | None) -> bool:
        """Move the alias `champion` to `version`, if it still names the version `expected`; returns whether it does now.

        MLflow has no such exchange in one step: between the look and the move lie some milliseconds, in which another run's
        move would be lost. Schedules therefore allow one run at a time.
        """
        present = self.champion()
        if present == version:
            return True
        if present != expected:
            return False
        if present is not None:
            self._client.set_registered_model_alias(self.name, PREVIOUS, str(present))
        self._client.set_registered_model_alias(self.name, CHAMPION, str(version))
        return True

    def tag(self, version: int, tags: Mapping[str, str]) -> None:
        """Set tags of a version."""
        for key, value in tags.items():
            self._client.set_model_version_tag(self.name, str(version), key, value)


@contextmanager
def opened(name: str) -> Iterator[Registry]:
    """The registered model `name`, which need not exist yet. Raises InputError where the store does not answer."""
    with tracking.required_store() as client:
        yield Registry(client, name)


@contextmanager
def step_run(step: str, tags: Mapping[str, str], values: Mapping[str, Value] | None = None) -> Iterator[str]:
    """A run that keeps what a step decided: its tags and numbers. Yields its id.

    A run that a pipeline hands over (`MLFLOW_RUN_ID`) is used, and is the pipeline's to close. An exception inside marks a run
    of our own as failed. Raises InputError where the store does not answer.
    """
    with tracking.required_store() as client:
        handed = os.environ.get("MLFLOW_RUN_ID")
        run_id = handed or tracking.create_run(client, step)
        for key, value in {"leftright.step": step, **tags}.items():
            client.set_tag(run_id, key, value)
        for key, number in flat(values or {}).items():
            client.log_metric(run_id, key, number)
        status = "FAILED"
        try:
            yield run_id
            status = "FINISHED"
        finally:
            if not handed:
                client.set_terminated(run_id, status)


def tag_run(run_id: str, tags: Mapping[str, object]) -> None:
    """Set tags of a run."""
    with tracking.required_store() as client:
        for key, value in tags.items():
            client.set_tag(run_id, key, str(value))


def log_decision(step: str, tags: Mapping[str, str], values: Mapping[str, Value]) -> None:
    """Keep a decision and its numbers as a run of their own."""
    with step_run(step, tags, values) as run_id:
        _log.info("%s: kept as MLflow run %s", step, run_id)


def decisions(kfp_run: str) -> list[str]:
    """What the steps of a pipeline run decided and why, a line each, in the order in which they ran."""
    with tracking.required_store() as client:
        wanted = f"tags.`leftright.kfp_run` = '{kfp_run}'"
        found = client.search_runs([tracking.experiment_id()], wanted, order_by=["attributes.start_time ASC"])
    decided = [run.data.tags for run in found if "leftright.decision" in run.data.tags]
    return [f"{tags['leftright.step']}: {tags['leftright.decision']}: {tags['leftright.reason']}" for tags in decided]


def read_comparison(path: Path) -> dict[str, Any]:
    """What `leftright compare` wrote. Raises InputError where that is missing or something else."""
    try:
        document = json.loads(path.read_text())
        needed = ("decision", "reason", "champion", "sha256", "split", "mlflow_run", "values")
        return {name: document[name] for name in needed}
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; `leftright compare` writes it") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: not a comparison of two models; `leftright compare` writes it") from None

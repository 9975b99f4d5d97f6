"""Say how a pipeline run ended: one line, a run in MLflow, and a message where a webhook is named.

It is the last word on a run that may have failed, so it never fails a run itself: what cannot be told is a warning.
"""

import json
import logging
import os
import urllib.request
from dataclasses import asdict, dataclass
from typing import Any

from leftright import registry
from leftright.errors import InputError
from leftright.results import Value

WEBHOOK = "LEFTRIGHT_WEBHOOK_URL"
"""Where a message is posted, in the form that Slack and its kin take: `{"text": ...}`, and the fields beside it."""

_TIMEOUT_S = 10.0
_LONGEST_ERROR = 500  # characters; a traceback is in the task's log
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ending:
    """How a run ended. state : SUCCEEDED, FAILED or CANCELLED, as Kubeflow says it. error : "" where there is none."""

    pipeline: str
    run: str
    state: str
    error: str
    task: str

    @property
    def line(self) -> str:
        """All of it in one line."""
        return f"{self.pipeline}, run {self.run}: {self.state}{f': {self.error}' if self.error else ''}"


def run(*, status: str, pipeline: str, kfp_run: str) -> None:
    """Tell how the run ended.

    status : Kubeflow's final status of a task, as JSON. pipeline : its name. kfp_run : the run's id.
    """
    ending = read(status, pipeline, kfp_run)
    _log.info("outcome: %s", ending.line)
    if os.environ.get("MLFLOW_TRACKING_URI"):
        _record(ending)
    if url := os.environ.get(WEBHOOK):
        _notify(url, ending)


def read(status: str, pipeline: str, kfp_run: str) -> Ending:
    """An ending from Kubeflow's JSON, whose field names are written in camel case by one backend and with _ by another."""
    try:
        document = json.loads(status)
        error = document.get("error") or {}
        task = document.get("pipelineTaskName") or document.get("pipeline_task_name") or ""
        message = str(error.get("message") or "") if isinstance(error, dict) else str(error)
        state = str(document.get("state") or "UNKNOWN")
    except (ValueError, AttributeError):
        return Ending(pipeline, kfp_run, "UNKNOWN", f"no status can be read from {status[:60]!r}", "")
    return Ending(pipeline, kfp_run, state, " ".join(message.split())[:_LONGEST_ERROR], str(task))


def _record(ending: Ending) -> None:
    tags = {f"leftright.{name}": text for name, text in asdict(ending).items() if name != "run"}
    tags = {**tags, "leftright.kfp_run": ending.run}
    try:
        registry.log_decision("outcome", tags, {"outcome.succeeded": Value(int(ending.state == "SUCCEEDED"))})
    except InputError as problem:
        _log.warning("outcome: not kept in MLflow: %s", problem)


def _notify(url: str, ending: Ending) -> None:
    """Post a message. What is wrong is a warning without the address, which may hold a secret."""
    content: dict[str, Any] = {"text": f"leftright: {ending.line}", **asdict(ending)}
    try:
        request = urllib.request.Request(url, json.dumps(content).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):
            pass
    except (OSError, ValueError) as problem:
        _log.warning("outcome: nobody was told, since %s failed (%s)", WEBHOOK, type(problem).__name__)

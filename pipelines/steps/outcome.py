"""Say how a pipeline run ended and what it decided: one line, a run in MLflow, and a message where a webhook is named.

It is the last word on a run that may have failed, so it never fails a run itself: what cannot be told is a warning. An exit
task cannot take the outputs of the tasks before it, so what they decided is looked up in MLflow, under the pipeline run's id.
"""

import json
import logging
import os
import urllib.request
from dataclasses import asdict, dataclass, replace
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
    """How a run ended.

    state : SUCCEEDED, FAILED or CANCELLED, as Kubeflow says it. error, task : "" where there is none. decisions : what its
    steps decided, a line each.
    """

    pipeline: str
    run: str
    state: str
    error: str
    task: str
    decisions: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """All of it in one line."""
        state = f"{self.state}: {self.error}" if self.error else self.state
        return "; ".join((f"{self.pipeline}, run {self.run}: {state}", *self.decisions))


def run(*, status: str, pipeline: str, kfp_run: str) -> None:
    """Tell how the run ended.

    status : Kubeflow's final status of a task, as JSON. pipeline : its name. kfp_run : the run's id.
    """
    is_tracked = bool(os.environ.get("MLFLOW_TRACKING_URI"))
    # A server that is down must not hold up the message: MLflow's own patience is minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    ending = read(status, pipeline, kfp_run)
    if is_tracked:
        ending = replace(ending, decisions=_decisions(kfp_run))
    _log.info("outcome: %s", ending.line)
    if url := os.environ.get(WEBHOOK):
        _notify(url, ending)
    if is_tracked:
        _record(ending)


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


def _decisions(kfp_run: str) -> tuple[str, ...]:
    try:
        return tuple(registry.decisions(kfp_run))
    except InputError as problem:
        _log.warning("outcome: what the steps decided is not known: %s", problem)
        return ()


def _record(ending: Ending) -> None:
    tags = {f"leftright.{name}": getattr(ending, name) for name in ("pipeline", "state", "error", "task")}
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

"""TrainJobs on a cluster: create, follow, delete, with patience for an API server that is away for a while."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from leftright.errors import InputError
from pipelines.trainjobs.manifest import ATTEMPT, GROUP, PLURAL, VERSION

POLL_SECONDS = 10.0
PATIENCE = 30
"""How many requests in a row may fail before the cluster counts as lost."""
TAKEN_UP_SECONDS = 600.0
"""How long a TrainJob may lie without a sign of the controller."""
GONE_POLLS = 12
"""How often to ask whether a deleted TrainJob is gone; the pods have 30 seconds to end."""
LOG_LINES = 40

_REQUEST_SECONDS = 30
_PASSING = (429, 500, 502, 503, 504)
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_ROLE = "deploy/components/several-nodes has the role that this account needs"
_log = logging.getLogger(__name__)
T = TypeVar("T")


class LostError(InputError):
    """The API server has not answered for too long; what it was asked to do may be going on."""


class TrainJobs:
    """The TrainJobs of the namespace that this process belongs to.

    Raises InputError where there is no cluster to talk to, and for what the cluster refuses.
    """

    def __init__(self) -> None:
        self.namespace = _configured()
        # The library's own retries would triple each wait; ours say what they wait for.
        configuration = client.Configuration.get_default_copy()
        configuration.retries = False
        connection = client.ApiClient(configuration)
        self._objects = client.CustomObjectsApi(connection)
        self._pods = client.CoreV1Api(connection)

    def create(self, document: dict[str, Any]) -> None:
        """Create a TrainJob. Raises LostError, or InputError for a refusal, such as of a name that is taken."""
        name = document["metadata"]["name"]
        create = self._objects.create_namespaced_custom_object
        try:
            _patiently(
                lambda: create(GROUP, VERSION, self.namespace, PLURAL, document, _request_timeout=_REQUEST_SECONDS)
            )
        except ApiException as refusal:
            # A request whose answer was lost has been asked again: then the name is taken by our own.
            if refusal.status != 409 or not self._is_ours(document):
                raise _refused(f"TrainJob {name}", refusal) from None

    def _is_ours(self, document: dict[str, Any]) -> bool:
        there = self.get(document["metadata"]["name"]) or {}
        attempt = there.get("metadata", {}).get("labels", {}).get(ATTEMPT)
        return bool(attempt == document["metadata"]["labels"][ATTEMPT])

    def get(self, name: str) -> dict[str, Any] | None:
        """The TrainJob as the cluster has it now; None where there is none. Raises LostError, or InputError for a refusal."""
        get = self._objects.get_namespaced_custom_object
        try:
            found: dict[str, Any] = _patiently(
                lambda: get(GROUP, VERSION, self.namespace, PLURAL, name, _request_timeout=_REQUEST_SECONDS)
            )
        except ApiException as refusal:
            if refusal.status == 404:
                return None
            raise _refused(f"TrainJob {name}", refusal) from None
        return found

    def follow(self, name: str) -> None:
        """Log what changes until the TrainJob has succeeded.

        Raises InputError where it fails, vanishes, or is not taken up by any controller; LostError where the cluster is lost.
        """
        begun, shown = time.monotonic(), ""
        while True:
            job = self.get(name)
            if job is None:
                raise InputError(
                    f"TrainJob {name}: was deleted while it ran; look for who did, then run the task again"
                )
            status = job.get("status", {})
            line = ", ".join(_parts(status))
            if line != shown:
                _log.info("TrainJob %s: %s", name, line)
                shown = line
            if _condition(status, "Complete"):
                return
            if failure := _condition(status, "Failed"):
                raise InputError(f"TrainJob {name} failed: {_one_line(failure)}; its pods' last lines are above")
            if not status and time.monotonic() - begun > TAKEN_UP_SECONDS:
                raise InputError(f"TrainJob {name}: nobody takes it up; is the controller of Kubeflow Trainer running?")
            time.sleep(POLL_SECONDS)

    def log_pods(self, name: str) -> None:
        """Log the last lines of the first node and of every pod that failed; what cannot be had is left out."""
        try:
            chosen = f"jobset.sigs.k8s.io/jobset-name={name}"
            listed = self._pods.list_namespaced_pod(
                self.namespace, label_selector=chosen, _request_timeout=_REQUEST_SECONDS
            )
            for pod in sorted(listed.items, key=lambda pod: str(pod.metadata.name)):
                index = (pod.metadata.labels or {}).get("batch.kubernetes.io/job-completion-index")
                if index == "0" or pod.status.phase == "Failed":
                    self._log_pod(pod.metadata.name)
        except (HTTPError, ApiException) as error:
            _log.warning("TrainJob %s: its pods' logs cannot be read: %s", name, _reason(error))

    def _log_pod(self, name: str) -> None:
        text = self._pods.read_namespaced_pod_log(
            name, self.namespace, tail_lines=LOG_LINES, _request_timeout=_REQUEST_SECONDS
        )
        for line in text.splitlines():
            _log.info("%s | %s", name, line)

    def delete(self, name: str) -> None:
        """Delete a TrainJob with its pods and wait until it is gone, for a while. Raises LostError or InputError."""
        delete = self._objects.delete_namespaced_custom_object
        options = {"propagation_policy": "Foreground", "_request_timeout": _REQUEST_SECONDS}
        try:
            _patiently(lambda: delete(GROUP, VERSION, self.namespace, PLURAL, name, **options))
        except ApiException as refusal:
            if refusal.status == 404:
                return
            raise _refused(f"TrainJob {name}", refusal) from None
        for _ in range(GONE_POLLS):
            if self.get(name) is None:
                return
            time.sleep(POLL_SECONDS / 4)
        _log.warning("TrainJob %s: deleted, but its pods take their time", name)


def _configured() -> str:
    """Set up the client by kubectl's configuration, else by the pod's; returns the namespace."""
    try:
        config.load_kube_config()
        _, context = config.list_kube_config_contexts()
        return str(context["context"].get("namespace", "default"))
    except ConfigException:
        pass
    try:
        config.load_incluster_config()
        return _NAMESPACE_FILE.read_text().strip()
    except (ConfigException, OSError):
        raise InputError("no cluster: this step runs as a task of a pipeline, or where kubectl is set up") from None


def _patiently(request: Callable[[], T]) -> T:
    """The answer to a request, asked again while nobody answers. Raises LostError, and ApiException for a refusal."""
    trouble = ""
    for _ in range(PATIENCE):
        try:
            return request()
        except HTTPError as error:
            trouble = _reason(error)
        except ApiException as refusal:
            if refusal.status not in _PASSING:
                raise
            trouble = _reason(refusal)
        _log.warning("the cluster does not answer (%s); asking again", trouble)
        time.sleep(POLL_SECONDS)
    raise LostError(f"the cluster does not answer any more: {trouble}")


def _refused(what: str, refusal: ApiException) -> InputError:
    if refusal.status == 404:
        return InputError(f"{what}: this cluster knows no TrainJobs; install Kubeflow Trainer 2.3 or newer")
    hint = f"; {_ROLE}" if refusal.status == 403 else ""
    return InputError(f"{what}: the cluster refuses ({refusal.status}): {_reason(refusal)}{hint}")


def _reason(error: Exception) -> str:
    body = getattr(error, "body", None)
    try:
        return _one_line(json.loads(body)["message"])  # type: ignore[arg-type]
    except (ValueError, TypeError, KeyError):
        return _one_line(str(getattr(error, "reason", None) or error) or type(error).__name__)


def _one_line(text: object) -> str:
    return " ".join(str(text).split()).rstrip(".")


def _condition(status: dict[str, Any], kind: str) -> str:
    """The message of a condition that holds, or its reason; empty where it does not hold."""
    for condition in status.get("conditions", []):
        if condition["type"] == kind and condition["status"] == "True":
            return str(condition.get("message") or condition.get("reason") or kind)
    return ""


def _parts(status: dict[str, Any]) -> Iterator[str]:
    if not status:
        yield "created"
    for condition in status.get("conditions", []):
        yield f"{condition['type']} {condition['status']} ({condition.get('reason', '')})"
    for job in status.get("jobsStatus", []):
        counts = (f"{job[key]} {key}" for key in ("active", "ready", "succeeded", "failed") if job.get(key))
        yield " ".join((f"{job['name']}:", ", ".join(counts) or "waiting"))

"""The way to a cluster: which host, a client for it, and its refusals as one line."""

import argparse
import json
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kfp
import kfp_server_api
from urllib3.exceptions import HTTPError

from leftright.errors import InputError

HOST_VARIABLES = ("KFP_ENDPOINT", "KF_PIPELINES_ENDPOINT")
"""Where the host stands if no flag names it: the variable of the `kfp` command, then that of kfp's client."""

CONNECT_SECONDS = 5

GATEWAY_TROUBLE = (502, 503, 504)
"""What a proxy answers while the server behind it is away."""

STRANGER = "it does not answer as Kubeflow Pipelines does; is it the address of ml-pipeline-ui?"

PORT_FORWARD = "kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80"


class Client(kfp.Client):
    """kfp's client, but for two things that it does otherwise.

    Its health check asks five times, prints each traceback, and takes any page for an answer. Its deletion of a schedule
    stops the run that the schedule has under way, and would so end a night's training where a schedule is replaced.
    """

    def get_kfp_healthz(self, sleep_duration: int = 0) -> kfp_server_api.V2beta1GetHealthzResponse:
        """The server's answer to a health check. Raises InputError for an answer that is no JSON object."""
        health = self._healthz_api.healthz_service_get_healthz()
        try:
            answer = json.loads(self._healthz_api.api_client.last_response.data)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise InputError(f"{host_of(self)}: {STRANGER} A page to log in answers so, too")
        return health

    def delete_recurring_run(self, recurring_run_id: str) -> dict[str, Any]:
        """Delete a schedule and let its runs go on. Older servers do not know the choice, and stop them."""
        orphan = kfp_server_api.V2beta1DeletePropagationPolicy.ORPHAN
        service = self._recurring_run_api.recurring_run_service_delete_recurring_run
        deleted: dict[str, Any] = service(recurring_run_id=recurring_run_id, propagation_policy=orphan)
        return deleted


class UnreachedError(InputError):
    """No answer from the cluster."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that say which cluster."""
    parser.add_argument(
        "--host", metavar="URL", help=f"of Kubeflow Pipelines (default: ${HOST_VARIABLES[0]}, else kubectl's)"
    )
    parser.add_argument(
        "--namespace", metavar="NAME", help="yours, where the cluster has several users ($KFP_NAMESPACE)"
    )


def connect(flags: argparse.Namespace) -> Client:
    """A client for the host that the flags, the environment or kubectl's configuration name.

    Raises InputError where none is named or none answers.
    """
    host = flags.host or next((os.environ[name] for name in HOST_VARIABLES if os.environ.get(name)), None)
    if host is None and not _kubernetes_is_configured():
        raise InputError(
            f"no cluster is named: run `{PORT_FORWARD}`, then give --host http://localhost:8080 or set {HOST_VARIABLES[0]}"
        )
    if host is not None:
        _probe(host)
    with talking(host), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = Client(
            host=host,
            namespace=flags.namespace or os.environ.get("KFP_NAMESPACE") or "kubeflow",
            existing_token=os.environ.get("KFP_EXISTING_TOKEN"),
        )
        client.get_kfp_healthz()
    return client


def _kubernetes_is_configured() -> bool:
    named = [Path(path) for path in os.environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    files = named or [Path.home() / ".kube" / "config"]
    return "KUBERNETES_SERVICE_HOST" in os.environ or any(file.is_file() for file in files)


def _probe(host: str) -> None:
    """Knock at the host's port: the client itself would wait minutes for one that does not answer."""
    url = urlsplit(host)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise InputError(f"host {host}: write it as http://localhost:8080 or https://NAME")
    try:
        port = url.port or (443 if url.scheme == "https" else 80)
        socket.create_connection((url.hostname, port), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError):
        raise _unreached(host) from None


def _unreached(host: str | None) -> UnreachedError:
    return UnreachedError(
        f"{host or 'the cluster of kubectl'} does not answer; for a cluster of your own run `{PORT_FORWARD}`"
    )


@contextmanager
def talking(host: str | None) -> Iterator[None]:
    """Turn what goes wrong between us and the host into an InputError (UnreachedError where it did not answer)."""
    try:
        yield
    except HTTPError:
        raise _unreached(host) from None
    except kfp_server_api.ApiException as refusal:
        name = host or "the cluster"
        if refusal.status == 0:
            raise UnreachedError(f"{name}: no safe connection: {_one_line(refusal.reason)}") from None
        if refusal.status in GATEWAY_TROUBLE:
            raise UnreachedError(f"{name}: what stands before it answers {refusal.status} {refusal.reason}") from None
        raise InputError(f"{name} refuses ({refusal.status} {refusal.reason}): {_reason(refusal)}") from None


def host_of(client: Client) -> str:
    """The address that the client talks to."""
    return str(client._existing_config.host)


def _reason(refusal: kfp_server_api.ApiException) -> str:
    try:
        body = json.loads(refusal.body)
        return _one_line(body.get("message") or body.get("error") or "it gives no reason")
    except (ValueError, TypeError, AttributeError):
        return STRANGER


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


def experiment_id(client: Client, name: str) -> str:
    """The id of the experiment of that name, in the client's namespace. Raises InputError where there is none."""
    with talking(host_of(client)):
        try:
            return str(client.get_experiment(experiment_name=name).experiment_id)
        except ValueError:
            raise InputError(
                f"{name}: no such experiment; `leftright schedule list` names those that have schedules"
            ) from None

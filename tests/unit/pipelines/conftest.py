import kfp
import pytest
import yaml
from kubernetes.config import kube_config

from pipelines.commands import cluster
from pipelines.steps import trainjob
from pipelines.trainjobs import client
from tests.unit.pipelines.stub_cluster import StubCluster
from tests.unit.pipelines.stub_kubernetes import StubKubernetes


@pytest.fixture(autouse=True)
def no_cluster_of_this_machine(monkeypatch, tmp_path):
    """Whatever cluster the person who runs the tests has: these tests never speak to it."""
    for name in (*cluster.HOST_VARIABLES, "KF_PIPELINES_UI_ENDPOINT", "KFP_NAMESPACE", "KFP_EXISTING_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "no-kubeconfig"))
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "no-context.json"))


@pytest.fixture
def stub(monkeypatch):
    stub = StubCluster()
    monkeypatch.setenv("KFP_ENDPOINT", stub.host)
    yield stub
    stub.stop()


@pytest.fixture
def trainers(monkeypatch, tmp_path):
    """The stub, and a kubectl that is set up for it."""
    stub = StubKubernetes()
    file = tmp_path / "kubeconfig"
    context = {"cluster": "stub", "user": "me", "namespace": "team"}
    file.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "stub",
                "clusters": [{"name": "stub", "cluster": {"server": stub.host}}],
                "contexts": [{"name": "stub", "context": context}],
                "users": [{"name": "me", "user": {}}],
            }
        )
    )
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    monkeypatch.setattr(client, "POLL_SECONDS", 0.01)
    for name in (*trainjob._TRACKING, "KFP_POD_NAME", "KFP_POD_UID"):
        monkeypatch.delenv(name, raising=False)
    yield stub
    stub.stop()

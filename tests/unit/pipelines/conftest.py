import kfp
import pytest

from pipelines.commands import cluster
from tests.unit.pipelines.stub_cluster import StubCluster


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

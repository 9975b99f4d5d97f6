"""The step that trains on several nodes, against a server that records what it is asked and plays the controller."""

import logging
import os
import signal
from pathlib import Path

import pytest
import yaml
from kubeflow_trainer_api.models.trainer_v1alpha1_train_job import TrainerV1alpha1TrainJob
from pipelines.steps import trainjob
from pipelines.trainjobs import client
from pipelines.trainjobs.manifest import ATTEMPT, TrainJob, check_words, manifest, name_of

from leftright import arguments
from leftright.errors import InputError
from leftright.stages import pretrain
from tests.unit.pipelines.stub_kubernetes import COMPLETE, RUNNING, StubKubernetes, condition

WORDS = ("--seed", "1")
NAME = "leftright-nightly-7"


@pytest.fixture
def cluster(monkeypatch, tmp_path):
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
    monkeypatch.setattr(client.config.kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    monkeypatch.setattr(client, "POLL_SECONDS", 0.01)
    for name in (*trainjob._TRACKING, "KFP_POD_NAME", "KFP_POD_UID"):
        monkeypatch.delenv(name, raising=False)
    yield stub
    stub.stop()


@pytest.fixture
def place(tmp_path):
    """What the task finds: two directories of shards and the mounted volume."""
    (tmp_path / "shared").mkdir()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shard.tar").write_text(name)
    return tmp_path


def run(place, **changes):
    settings = {
        "image": "registry.example.org/leftright-pretrain:0.1.0",
        "run_name": "nightly 7",
        "num_nodes": 2,
        "gpus_per_node": 8,
        "cpus_per_node": 32,
        "memory_per_node": "128Gi",
        "command": WORDS,
        "shards": (place / "a", place / "b"),
        "out": place / "out",
        "metrics": place / "metrics" / "pretrain.json",
        "claim": "leftright-nodes",
        "mount": place / "shared",
        "deadline_s": 3600,
    }
    trainjob.run(**(settings | changes))


def flags(job):
    """The paths that the nodes are given, by flag."""
    found, key = {}, None
    for word in job["spec"]["trainer"]["args"]:
        if word.startswith("--"):
            found[key := word] = []
        else:
            found[key].append(Path(word))
    return found


def learn(job):
    """What the nodes would do: read the shards, write the model."""
    paths = flags(job)
    (out,), (metrics,) = paths["--out"], paths["--metrics"]
    out.mkdir()
    (out / "model.pt").write_text("".join((shards / "shard.tar").read_text() for shards in paths["--shards"]))
    metrics.write_text("{}")


def remains(place):
    """What lies on the shared volume."""
    return [path.name for path in (place / "shared").iterdir()]


def test_the_model_comes_back_and_nothing_stays(cluster, place):
    cluster.train, cluster.statuses = learn, [{}, RUNNING, COMPLETE]
    run(place)
    assert (place / "out" / "model.pt").read_text() == "ab"
    assert (place / "metrics" / "pretrain.json").read_text() == "{}"
    assert cluster.jobs == {}
    assert remains(place) == []


def test_the_namespace_and_the_name_are_the_run_s(cluster, place):
    cluster.train = learn
    run(place)
    ((_, path, _, body),) = cluster.asked("POST")
    assert path.endswith("/namespaces/team/trainjobs")
    assert body["metadata"]["name"] == NAME


def test_a_change_is_said_once(cluster, place, caplog):
    caplog.set_level(logging.INFO)
    cluster.train, cluster.statuses = learn, [{}, RUNNING, RUNNING, RUNNING, COMPLETE]
    run(place)
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith(f"TrainJob {NAME}")]
    assert said == [
        f"TrainJob {NAME}: created",
        f"TrainJob {NAME}: node: 1 active, 1 ready",
        f"TrainJob {NAME}: Complete True (CompleteReason)",
    ]


def test_a_failure_says_why_with_the_pods_last_lines_and_leaves_nothing(cluster, place, caplog):
    caplog.set_level(logging.INFO)
    cluster.statuses = [RUNNING, {"conditions": [condition("Failed", "jobset failed\ndue to node-0")]}]
    cluster.pods = {
        f"{NAME}-node-0-0-x": {"index": "0", "phase": "Running", "log": "step 1\n"},
        f"{NAME}-node-0-1-x": {"index": "1", "phase": "Failed", "log": "out of memory\n"},
        f"{NAME}-node-0-2-x": {"index": "2", "phase": "Running", "log": "unasked\n"},
    }
    with pytest.raises(InputError, match=rf"^TrainJob {NAME} failed: jobset failed due to node-0; ") as raised:
        run(place)
    assert "\n" not in str(raised.value)
    assert f"{NAME}-node-0-1-x | out of memory" in caplog.messages
    assert not any("unasked" in message for message in caplog.messages)
    assert cluster.jobs == {}
    assert remains(place) == []
    assert not (place / "out").exists()


def test_a_condition_that_does_not_hold_is_no_end(cluster, place):
    no_more = condition("Failed") | {"status": "False"}
    cluster.train, cluster.statuses = learn, [{"conditions": [no_more]}, COMPLETE]
    run(place)
    assert (place / "out" / "model.pt").exists()


def test_a_termination_takes_everything_back(cluster, place):
    cluster.statuses = [RUNNING]
    cluster.on_get = lambda: os.kill(os.getpid(), signal.SIGTERM)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stop:
        run(place)
    assert stop.value.code == 143
    assert len(cluster.asked("DELETE")) == 2  # the one at the beginning, and this one
    assert cluster.jobs == {}
    assert remains(place) == []
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("fault", ["lost", "unheard"])
def test_a_connection_that_drops_is_taken_up_again(cluster, place, method, fault):
    cluster.train, cluster.statuses = learn, [{}, RUNNING, COMPLETE]
    setattr(cluster, fault, {method: 2})
    run(place)
    assert (place / "out" / "model.pt").read_text() == "ab"
    assert cluster.jobs == {}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again(cluster, place, monkeypatch, status):
    cluster.train = learn
    cluster.refusals["GET"] = status, "away"
    monkeypatch.setattr(client.time, "sleep", lambda _: cluster.refusals.clear())
    run(place)
    assert (place / "out" / "model.pt").exists()


def test_a_cluster_that_stays_away_is_given_up_with_what_it_may_still_do(cluster, place, monkeypatch):
    monkeypatch.setattr(client, "PATIENCE", 3)
    cluster.lost = {"GET": 1000}
    with pytest.raises(InputError, match=rf"does not answer any more.*TrainJob {NAME} may go on and uses .*{NAME}"):
        run(place)
    assert len(cluster.asked("GET")) == 3
    assert remains(place) == [NAME]


def test_the_next_attempt_clears_what_a_killed_one_left(cluster, place):
    cluster.jobs[NAME] = {"metadata": {"name": NAME, "labels": {}}}
    (place / "shared" / NAME / "out").mkdir(parents=True)
    cluster.train = learn
    run(place)
    assert [method for method, *_ in cluster.requests[:3]] == ["DELETE", "GET", "POST"]
    assert (place / "out" / "model.pt").read_text() == "ab"


def test_a_name_that_another_task_takes_meanwhile_is_left_alone(cluster, place):
    cluster.refusals["POST"] = 409, f'trainjobs "{NAME}" already exists'
    with pytest.raises(InputError, match=r"refuses \(409\).*already exists"):
        run(place)


@pytest.mark.parametrize(
    ("status", "message", "complaint"),
    [
        (403, "trainjobs is forbidden", r"refuses \(403\): trainjobs is forbidden; deploy/components/several-nodes"),
        (422, "spec: unknown\nruntime.", r"refuses \(422\): spec: unknown runtime$"),
        (404, "the server could not find the requested resource", "install Kubeflow Trainer"),
    ],
)
def test_a_refusal_is_one_line(cluster, place, status, message, complaint):
    cluster.refusals["POST"] = status, message
    with pytest.raises(InputError, match=complaint) as raised:
        run(place)
    assert "\n" not in str(raised.value)
    assert remains(place) == []


def test_a_trainjob_that_somebody_deletes_is_named(cluster, place):
    cluster.statuses = [RUNNING]
    cluster.on_get = cluster.jobs.clear
    with pytest.raises(InputError, match="was deleted while it ran"):
        run(place)


def test_a_cluster_without_the_controller_is_named(cluster, place, monkeypatch):
    cluster.statuses = [{}]
    monkeypatch.setattr(client, "TAKEN_UP_SECONDS", 0.05)
    with pytest.raises(InputError, match="nobody takes it up"):
        run(place)
    assert cluster.jobs == {}


def test_a_training_that_wrote_nowhere_is_named(cluster, place):
    with pytest.raises(InputError, match=r"out: the training wrote none.*the same volume"):
        run(place)
    assert remains(place) == []


def test_no_cluster_is_one_line(place, monkeypatch):
    monkeypatch.setattr(client.config.kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(place / "none"))
    with pytest.raises(InputError, match=r"^no cluster: "):
        run(place)


def test_a_volume_that_is_not_mounted_is_named(cluster, place):
    with pytest.raises(InputError, match="mount the claim leftright-nodes there"):
        run(place, mount=place / "elsewhere")
    assert cluster.requests == []


def test_shards_that_are_not_there_are_named(cluster, place):
    with pytest.raises(InputError, match="c: no such directory of shards"):
        run(place, shards=(place / "c",))
    assert cluster.asked("POST") == []
    assert remains(place) == []


def test_tracking_goes_along_but_no_password(cluster, place, monkeypatch):
    cluster.train = learn
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    monkeypatch.setenv("MLFLOW_RUN_ID", "1f")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hidden")
    run(place)
    ((*_, body),) = cluster.asked("POST")
    assert body["spec"]["trainer"]["env"] == [
        {"name": "MLFLOW_RUN_ID", "value": "1f"},
        {"name": "MLFLOW_TRACKING_URI", "value": "http://mlflow:5000"},
    ]
    assert "hidden" not in str(body)


def test_the_trainjob_goes_with_the_task_s_pod(cluster, place, monkeypatch):
    cluster.train = learn
    monkeypatch.setenv("KFP_POD_NAME", "pretrain-1")
    monkeypatch.setenv("KFP_POD_UID", "2f")
    run(place)
    ((*_, body),) = cluster.asked("POST")
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "pretrain-1", "uid": "2f"}
    assert body["metadata"]["ownerReferences"] == [owner]


def job(**changes):
    settings = {
        "name": NAME,
        "image": "registry.example.org/leftright-pretrain:0.1.0",
        "words": ("--seed", "1", "--shards", "/shared/a"),
        "num_nodes": 4,
        "gpus_per_node": 8,
        "cpus_per_node": 32,
        "memory_per_node": "128Gi",
        "claim": "leftright-nodes",
        "mount": Path("/shared"),
        "runtime": "torch-distributed",
        "deadline_s": 3600,
        "attempt": "1",
        "user": 1000,
        "group": 1000,
        "environment": {"A": "b"},
        "owner": ("pod", "uid"),
    }
    return TrainJob(**(settings | changes))


def unknown(document):
    """The paths of what Kubeflow Trainer's own types do not know: it is lost on the way through them."""
    return list(_lost(document, TrainerV1alpha1TrainJob.from_dict(document).to_dict(), ""))


def _lost(before, after, where):
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from _lost(value, after.get(key), f"{where}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, value in enumerate(before):
            yield from _lost(value, after[index], f"{where}.{index}")
    elif before != after:
        yield where


@pytest.mark.parametrize("changes", [{}, {"gpus_per_node": 0}, {"owner": None}, {"user": 0, "group": 0}])
def test_the_manifest_fits_the_types_of_kubeflow_trainer(changes):
    assert unknown(manifest(job(**changes))) == []


def test_a_field_that_kubeflow_trainer_does_not_know_is_found():
    document = manifest(job())
    document["spec"]["podSpecOverrides"] = []
    pod = document["spec"]["runtimePatches"][0]["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"][0]
    pod["template"]["spec"]["template"]["spec"]["hostNetwork"] = True
    assert [path.rpartition(".")[2] for path in unknown(document)] == ["hostNetwork", "podSpecOverrides"]


@pytest.mark.parametrize(("key", "value"), [("numNodes", "4"), ("args", "--seed 1"), ("numProcPerNode", "auto")])
def test_a_value_of_the_wrong_type_is_found(key, value):
    document = manifest(job())
    document["spec"]["trainer"][key] = value
    with pytest.raises(ValueError, match=key):
        unknown(document)


def test_the_manifest_says_what_runs_where():
    spec = manifest(job())["spec"]
    assert spec["trainer"]["numNodes"] == 4
    assert spec["trainer"]["numProcPerNode"] == 8
    assert spec["trainer"]["resourcesPerNode"]["limits"] == {"memory": "128Gi", "nvidia.com/gpu": "8"}
    assert spec["activeDeadlineSeconds"] == 3600
    (patch,) = spec["runtimePatches"]
    assert "/" in patch["manager"]  # the webhook refuses one without a domain
    pod = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]
    assert {volume["name"] for volume in pod["spec"]["volumes"]} == {
        mount["name"] for mount in pod["spec"]["containers"][0]["volumeMounts"]
    }
    assert "env" not in pod["spec"]["containers"][0]  # refused too: variables of this container are the trainer's


def test_a_cpu_job_asks_for_no_gpu_and_runs_one_process_a_node():
    trainer = manifest(job(gpus_per_node=0))["spec"]["trainer"]
    assert trainer["numProcPerNode"] == 1
    assert "nvidia.com/gpu" not in str(trainer["resourcesPerNode"])


def test_the_command_is_one_that_pretrain_reads():
    configuration = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())["pretrain"]
    words = arguments.with_params(["--params", str(Path(__file__).parents[3] / "params.yaml")], "pretrain")
    given = [*words, *trainjob._paths(Path("/shared/x"), 2)]
    parsed = arguments.parse(pretrain.run, given, "leftright pretrain", "")
    assert parsed["shards"] == (Path("/shared/x/shards-0"), Path("/shared/x/shards-1"))
    assert parsed["out"] == Path("/shared/x/out")
    assert parsed["config"].seed == configuration["seed"]


@pytest.mark.parametrize(
    ("run_name", "name"),
    [
        ("nightly 7", "leftright-nightly-7"),
        ("Full_Pipeline/2026.01", "leftright-full-pipeline-2026-01"),
        ("x" * 40, "leftright-" + "x" * 40),
    ],
)
def test_a_run_s_name_becomes_one_of_dns(run_name, name):
    assert name_of(run_name) == name


def test_long_names_stay_apart_and_short_enough():
    first, second = name_of("x" * 60 + "1"), name_of("x" * 60 + "2")
    assert first != second
    assert len(first) <= 50


def test_a_name_of_signs_only_is_refused():
    with pytest.raises(InputError, match="needs a letter or a digit"):
        name_of("...")


@pytest.mark.parametrize("word", ["--shards", "--out=/tmp", "--metrics", "--executor-input"])
def test_paths_in_the_command_are_refused(word):
    with pytest.raises(InputError, match=f"leave {word} out"):
        check_words(("--seed", "1", word))


@pytest.mark.parametrize(
    "changes",
    [
        {"num_nodes": 0},
        {"gpus_per_node": -1},
        {"cpus_per_node": 0},
        {"deadline_s": 0},
        {"memory_per_node": "lots"},
        {"image": ""},
    ],
)
def test_a_job_that_cannot_be_is_refused(changes):
    with pytest.raises(InputError, match=next(iter(changes))):
        job(**changes)


def test_an_attempt_is_told_from_another(cluster, place):
    cluster.train = learn
    run(place)
    run(place)
    first, second = (body["metadata"]["labels"][ATTEMPT] for *_, body in cluster.asked("POST"))
    assert first != second

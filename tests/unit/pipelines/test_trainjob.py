"""The step that trains on several nodes, against a server that records what it is asked and plays the controller."""

import logging
import os
import signal
from pathlib import Path

import pytest

from leftright.errors import InputError
from pipelines.steps import trainjob
from pipelines.trainjobs import client
from pipelines.trainjobs.manifest import ATTEMPT
from tests.unit.pipelines.stub_kubernetes import COMPLETE, RUNNING, condition

WORDS = ("--seed", "1")
NAME = "leftright-nightly-7"


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


def test_the_model_comes_back_and_nothing_stays(trainers, place):
    trainers.train, trainers.statuses = learn, [{}, RUNNING, COMPLETE]
    run(place)
    assert (place / "out" / "model.pt").read_text() == "ab"
    assert (place / "metrics" / "pretrain.json").read_text() == "{}"
    assert trainers.jobs == {}
    assert remains(place) == []


def test_the_namespace_and_the_name_are_the_run_s(trainers, place):
    trainers.train = learn
    run(place)
    ((_, path, _, body),) = trainers.asked("POST")
    assert path.endswith("/namespaces/team/trainjobs")
    assert body["metadata"]["name"] == NAME


def test_the_tasks_reach_the_nodes_beside_the_command(trainers, place):
    """A component cannot write a list within the JSON of the command."""
    trainers.train = learn
    run(place, tasks=("flip", "shift"))
    ((_, _, _, body),) = trainers.asked("POST")
    words = body["spec"]["trainer"]["args"]
    assert words[: len(WORDS) + 4] == [*WORDS, "--tasks", "flip", "shift", "--shards"]


def test_a_change_is_said_once(trainers, place, caplog):
    caplog.set_level(logging.INFO)
    trainers.train, trainers.statuses = learn, [{}, RUNNING, RUNNING, RUNNING, COMPLETE]
    run(place)
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith(f"TrainJob {NAME}")]
    assert said == [
        f"TrainJob {NAME}: created",
        f"TrainJob {NAME}: node: 1 active, 1 ready",
        f"TrainJob {NAME}: Complete True (CompleteReason)",
    ]


def test_a_failure_says_why_with_the_pods_last_lines_and_leaves_nothing(trainers, place, caplog):
    caplog.set_level(logging.INFO)
    trainers.statuses = [RUNNING, {"conditions": [condition("Failed", "jobset failed\ndue to node-0")]}]
    trainers.pods = {
        f"{NAME}-node-0-0-x": {"index": "0", "phase": "Running", "log": "step 1\n"},
        f"{NAME}-node-0-1-x": {"index": "1", "phase": "Failed", "log": "out of memory\n"},
        f"{NAME}-node-0-2-x": {"index": "2", "phase": "Running", "log": "unasked\n"},
    }
    with pytest.raises(InputError, match=rf"^TrainJob {NAME} failed: jobset failed due to node-0; ") as raised:
        run(place)
    assert "\n" not in str(raised.value)
    assert f"{NAME}-node-0-1-x | out of memory" in caplog.messages
    assert not any("unasked" in message for message in caplog.messages)
    assert trainers.jobs == {}
    assert remains(place) == []
    assert not (place / "out").exists()


def test_a_condition_that_does_not_hold_is_no_end(trainers, place):
    no_more = condition("Failed") | {"status": "False"}
    trainers.train, trainers.statuses = learn, [{"conditions": [no_more]}, COMPLETE]
    run(place)
    assert (place / "out" / "model.pt").exists()


def test_a_termination_takes_everything_back(trainers, place):
    trainers.statuses = [RUNNING]
    trainers.on_get = lambda: os.kill(os.getpid(), signal.SIGTERM)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stop:
        run(place)
    assert stop.value.code == 143
    assert len(trainers.asked("DELETE")) == 2  # the one at the beginning, and this one
    assert trainers.jobs == {}
    assert remains(place) == []
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("fault", ["lost", "unheard"])
def test_a_connection_that_drops_is_taken_up_again(trainers, place, method, fault):
    trainers.train, trainers.statuses = learn, [{}, RUNNING, COMPLETE]
    setattr(trainers, fault, {method: 2})
    run(place)
    assert (place / "out" / "model.pt").read_text() == "ab"
    assert trainers.jobs == {}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again(trainers, place, monkeypatch, status):
    trainers.train = learn
    trainers.refusals["GET"] = status, "away"
    monkeypatch.setattr(client.time, "sleep", lambda _: trainers.refusals.clear())
    run(place)
    assert (place / "out" / "model.pt").exists()


def test_a_cluster_that_stays_away_is_given_up_with_what_it_may_still_do(trainers, place, monkeypatch):
    monkeypatch.setattr(client, "PATIENCE", 3)
    trainers.lost = {"GET": 1000}
    with pytest.raises(InputError, match=rf"does not answer any more.*TrainJob {NAME} may go on and uses .*{NAME}"):
        run(place)
    assert len(trainers.asked("GET")) == 3
    assert remains(place) == [NAME]


def test_a_model_is_brought_home_though_the_cluster_is_lost_at_the_end(trainers, place, monkeypatch, caplog):
    monkeypatch.setattr(client, "PATIENCE", 3)
    trainers.train = learn
    trainers.on_get = lambda: trainers.lost.update(DELETE=1000)
    run(place)
    assert (place / "out" / "model.pt").read_text() == "ab"
    assert remains(place) == []
    assert any("could not be deleted" in message for message in caplog.messages)


def test_the_next_attempt_clears_what_a_killed_one_left(trainers, place):
    trainers.jobs[NAME] = {"metadata": {"name": NAME, "labels": {}}}
    (place / "shared" / NAME / "out").mkdir(parents=True)
    trainers.train = learn
    run(place)
    assert [method for method, *_ in trainers.requests[:3]] == ["DELETE", "GET", "POST"]
    assert (place / "out" / "model.pt").read_text() == "ab"


def test_a_name_that_another_task_takes_meanwhile_is_left_alone(trainers, place):
    trainers.refusals["POST"] = 409, f'trainjobs "{NAME}" already exists'
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
def test_a_refusal_is_one_line(trainers, place, status, message, complaint):
    trainers.refusals["POST"] = status, message
    with pytest.raises(InputError, match=complaint) as raised:
        run(place)
    assert "\n" not in str(raised.value)
    assert remains(place) == []


def test_a_trainjob_that_somebody_deletes_is_named(trainers, place):
    trainers.statuses = [RUNNING]
    trainers.on_get = trainers.jobs.clear
    with pytest.raises(InputError, match="was deleted while it ran"):
        run(place)


def test_a_cluster_without_the_controller_is_named(trainers, place, monkeypatch):
    trainers.statuses = [{}]
    monkeypatch.setattr(client, "TAKEN_UP_SECONDS", 0.05)
    with pytest.raises(InputError, match="nobody takes it up"):
        run(place)
    assert trainers.jobs == {}


def test_a_training_that_wrote_nowhere_is_named(trainers, place):
    with pytest.raises(InputError, match=r"out: the training wrote none.*the same volume"):
        run(place)
    assert remains(place) == []


def test_no_cluster_is_one_line(place, monkeypatch):
    monkeypatch.setattr(client.config.kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(place / "none"))
    with pytest.raises(InputError, match=r"^no cluster: "):
        run(place)


def test_a_volume_that_is_not_mounted_is_named(trainers, place):
    with pytest.raises(InputError, match="mount the claim leftright-nodes there"):
        run(place, mount=place / "elsewhere")
    assert trainers.requests == []


def test_a_volume_that_cannot_be_written_is_named(trainers, place, monkeypatch):
    (place / "shared" / NAME).write_text("a file, which stands for what keeps the folder from being made")
    with pytest.raises(InputError, match=rf"{NAME}: File exists; let user \d+ write to the volume"):
        run(place)
    assert trainers.asked("POST") == []


def test_shards_that_are_not_there_are_named(trainers, place):
    with pytest.raises(InputError, match="c: no such directory of shards"):
        run(place, shards=(place / "c",))
    assert trainers.asked("POST") == []
    assert remains(place) == []


def test_tracking_goes_along_but_no_password(trainers, place, monkeypatch):
    trainers.train = learn
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    monkeypatch.setenv("MLFLOW_RUN_ID", "1f")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hidden")
    run(place)
    ((*_, body),) = trainers.asked("POST")
    assert body["spec"]["trainer"]["env"] == [
        {"name": "MLFLOW_RUN_ID", "value": "1f"},
        {"name": "MLFLOW_TRACKING_URI", "value": "http://mlflow:5000"},
    ]
    assert "hidden" not in str(body)


def test_the_trainjob_goes_with_the_task_s_pod(trainers, place, monkeypatch):
    trainers.train = learn
    monkeypatch.setenv("KFP_POD_NAME", "pretrain-1")
    monkeypatch.setenv("KFP_POD_UID", "2f")
    run(place)
    ((*_, body),) = trainers.asked("POST")
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "pretrain-1", "uid": "2f"}
    assert body["metadata"]["ownerReferences"] == [owner]


def test_an_attempt_is_told_from_another(trainers, place):
    trainers.train = learn
    run(place)
    run(place)
    first, second = (body["metadata"]["labels"][ATTEMPT] for *_, body in trainers.asked("POST"))
    assert first != second

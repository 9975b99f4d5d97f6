"""The TrainJob as a document: held against Kubeflow Trainer's own types, and against what its webhook refuses."""

from pathlib import Path

import pytest
import yaml
from kubeflow_trainer_api.models.trainer_v1alpha1_train_job import TrainerV1alpha1TrainJob

from leftright import arguments
from leftright.errors import InputError
from leftright.stages import pretrain
from pipelines.steps import trainjob
from pipelines.trainjobs.manifest import TrainJob, check_words, manifest, name_of

NAME = "leftright-nightly-7"
PARAMS = Path(__file__).parents[3] / "params.yaml"


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
    configuration = yaml.safe_load(PARAMS.read_text())["pretrain"]
    words = arguments.with_params(["--params", str(PARAMS)], "pretrain")
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

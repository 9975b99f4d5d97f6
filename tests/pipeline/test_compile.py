"""The compiled packages hold what the cluster is to do: both documents parse back, and each setting is where it belongs."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from leftright.errors import InputError
from leftright.stages import STAGES, collect
from pipelines import settings

ROOT = Path(__file__).parents[2]
RESOURCES = ROOT / "pipelines/resources"


class Package:
    """A compiled pipeline, read back into its protocol buffers."""

    def __init__(self, path: Path) -> None:
        first, second = yaml.safe_load_all(path.read_text())
        self.spec = json_format.ParseDict(first, pipeline_spec_pb2.PipelineSpec())
        self.platform = json_format.ParseDict(second, pipeline_spec_pb2.PlatformSpec())
        self.executors = json_format.MessageToDict(self.spec.deployment_spec)["executors"]

    def graphs(self) -> list[pipeline_spec_pb2.DagSpec]:
        """The graphs of the pipeline, of those nested in it, and of the loops."""
        return [self.spec.root.dag, *(each.dag for each in self.spec.components.values() if each.HasField("dag"))]

    def tasks(self) -> dict[str, pipeline_spec_pb2.PipelineTaskSpec]:
        """Every task of every graph, by name; of the loops, which are numbered in each graph anew, not all."""
        return {name: task for graph in self.graphs() for name, task in graph.tasks.items()}

    def kubernetes(self, name: str) -> kubernetes_executor_config_pb2.KubernetesExecutorConfig:
        """What the platform spec says of a task's pod."""
        document = json_format.MessageToDict(self.platform.platforms["kubernetes"].deployment_spec)
        config = kubernetes_executor_config_pb2.KubernetesExecutorConfig()
        return json_format.ParseDict(document["executors"][f"exec-{name}"], config)

    def container(self, name: str) -> dict[str, Any]:
        return self.executors[f"exec-{name}"]["container"]


def compiled(folder: Path, **variables: str) -> Package:
    """The full pipeline, compiled in a process of its own, since its graph follows the environment."""
    environment = {**os.environ, "LEFTRIGHT_REGISTRY": "registry.example.org/team", **variables}
    command = [sys.executable, "-m", "pipelines.compile", str(folder)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return Package(folder / "pipelines/full.yaml")


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return compiled(tmp_path_factory.mktemp("default"))


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Package:
    files = {"LEFTRIGHT_PARAMS": "configs/paper.yaml", "LEFTRIGHT_RESOURCES": "pipelines/resources/paper.yaml"}
    return compiled(tmp_path_factory.mktemp("paper"), **files)


def test_every_stage_is_in_it(default: Package) -> None:
    assert set(STAGES) <= {task.component_ref.name.removeprefix("comp-") for task in default.tasks().values()}


def test_a_source_on_the_network_needs_no_simulated_world(paper: Package) -> None:
    named = {task.component_ref.name.removeprefix("comp-") for task in paper.tasks().values()}
    assert set(STAGES) - named == {"simulate"}


def test_one_task_searches_and_the_parts_share_what_it_found(paper: Package) -> None:
    (listing,) = [task for task in paper.tasks().values() if task.task_info.name == "list"]
    assert listing.inputs.parameters["mode"].runtime_value.constant.string_value == "list"
    assert listing.inputs.parameters["source"].component_input_parameter.endswith("collect_source")
    ((loop_of_parts, part),) = [
        (name, each.dag.tasks["collect-2"])
        for name, each in paper.spec.components.items()
        if "collect-2" in each.dag.tasks
    ]
    assert loop_of_parts.startswith("comp-for-loop")
    assert part.inputs.parameters["source"].runtime_value.constant.string_value == "urls"
    assert part.inputs.parameters["location"].runtime_value.constant.string_value == collect.LIST
    assert part.inputs.artifacts["videos"].component_input_artifact


@pytest.mark.parametrize("stage", STAGES)
def test_the_defaults_are_those_of_the_params(default: Package, stage: str) -> None:
    section = yaml.safe_load((ROOT / "params.yaml").read_text())[stage]
    found = default.spec.root.input_definitions.parameters
    given = {name: json_format.MessageToDict(found[f"{stage}_{name}"].default_value) for name in section}
    expected = {**section, **({"location": "videos"} if stage == "collect" else {})}
    assert given == expected


def test_types_are_those_that_the_stages_have(default: Package) -> None:
    found = default.spec.root.input_definitions.parameters
    kinds = pipeline_spec_pb2.ParameterType
    assert found["pretrain_learning_rate"].parameter_type == kinds.NUMBER_DOUBLE
    assert found["pretrain_num_steps"].parameter_type == kinds.NUMBER_INTEGER
    assert found["pretrain_fusion"].parameter_type == kinds.STRING
    assert found["filter_motion_steps_s"].parameter_type == kinds.LIST


def test_what_fans_out_does_so_within_a_limit(paper: Package) -> None:
    wanted = settings.read(RESOURCES / "paper.yaml").fan_out
    loops = {
        frozenset(name.removesuffix("-2") for name in paper.spec.components[task.component_ref.name].dag.tasks): task
        for graph in paper.graphs()
        for task in graph.tasks.values()
        if task.WhichOneof("iterator")
    }
    bodies = {stage: frozenset({"collect", "filter"} if stage == "collect" else {stage}) for stage in wanted}
    assert set(loops) == set(bodies.values())
    for stage, fan in wanted.items():
        loop = loops[bodies[stage]]
        assert yaml.safe_load(loop.parameter_iterator.items.raw) == fan.items
        assert loop.iterator_policy.parallelism_limit == fan.parallelism


def test_images_come_from_the_registry_of_the_compiling(paper: Package) -> None:
    images = {executor["container"]["image"].rsplit(":", 1)[0] for executor in paper.executors.values()}
    assert all(image.startswith("registry.example.org/team/leftright-") for image in images)


@pytest.mark.parametrize("stage", ["pretrain", "finetune"])
def test_training_has_its_gpu_memory_and_place(paper: Package, stage: str) -> None:
    needs = settings.read(RESOURCES / "paper.yaml").tasks[stage]
    resources = paper.container(stage)["resources"]
    assert resources["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert resources["accelerator"]["resourceCount"] == "1"
    assert resources["resourceMemoryLimit"] == needs.memory
    assert resources["resourceCpuRequest"] == needs.cpu
    pod = paper.kubernetes(stage)
    (memory,) = pod.empty_dir_mounts
    assert (memory.mount_path, memory.medium, memory.size_limit) == ("/dev/shm", "Memory", "16Gi")
    (toleration,) = pod.tolerations
    assert (toleration.key, toleration.operator, toleration.effect) == ("nvidia.com/gpu", "Exists", "NoSchedule")
    assert pod.active_deadline_seconds == needs.timeout_s


def test_without_a_gpu_none_is_asked_for(default: Package) -> None:
    for stage in ("pretrain", "finetune"):
        assert "accelerator" not in default.container(stage)["resources"]
        assert not default.kubernetes(stage).tolerations


@pytest.mark.parametrize("name", [*STAGES[1:], "resolve", "fetch", "publish", "outcome"])
def test_every_task_is_tried_again_and_stopped_in_time(paper: Package, name: str) -> None:
    read = settings.read(RESOURCES / "paper.yaml")
    needs = read.tasks.get(name, read.every)
    policy = paper.tasks()[name].retry_policy
    assert policy.max_retry_count == needs.retries
    assert policy.backoff_duration.seconds == needs.backoff_s
    assert policy.backoff_factor == needs.backoff_factor
    assert policy.backoff_max_duration.seconds == needs.backoff_max_s
    assert paper.kubernetes(name).active_deadline_seconds == needs.timeout_s
    (tracking,) = paper.kubernetes(name).config_map_as_env
    assert tracking.config_map_name == "leftright-tracking"
    assert tracking.optional


def test_only_what_must_be_asked_anew_is_not_cached(default: Package) -> None:
    uncached = {
        name
        for name, task in default.tasks().items()
        if not task.caching_options.enable_cache
        and default.spec.components[task.component_ref.name].WhichOneof("implementation") == "executor_label"
    }
    assert uncached == {"resolve", "publish", "outcome"}


def test_the_outcome_is_told_however_the_run_ends(default: Package) -> None:
    outcome = default.spec.root.dag.tasks["outcome"]
    strategies = pipeline_spec_pb2.PipelineTaskSpec.TriggerPolicy
    assert outcome.trigger_policy.strategy == strategies.ALL_UPSTREAM_TASKS_COMPLETED
    assert outcome.inputs.parameters["status"].HasField("task_final_status")


@pytest.mark.parametrize("stage", ["pretrain", "finetune"])
def test_a_model_is_told_of_its_data_and_its_run(default: Package, stage: str) -> None:
    arguments = default.container(stage)["args"]
    assert arguments[arguments.index("--kfp_run") + 1] == "{{$.pipeline_job_uuid}}"
    assert arguments[arguments.index("--data_rev") + 1] == "{{$.inputs.parameters['data_rev']}}"
    # From the graph around the loop: another task's output a local run would replace by the loop's item.
    assert default.tasks()[stage].inputs.parameters["data_rev"].component_input_parameter
    graph = default.tasks()[f"{stage}-parts"]
    assert graph.inputs.parameters["data_rev"].task_output_parameter.producer_task == "resolve"


def test_what_follows_the_training_gets_every_model(default: Package) -> None:
    tasks = default.tasks()
    for consumer in ("localize", "finetune-parts", "report", "publish"):
        source = tasks[consumer].inputs.artifacts["models"].task_output_artifact
        assert (source.producer_task, source.output_artifact_key) == ("pretrain-parts", "out")
    for consumer in ("report", "publish"):
        source = tasks[consumer].inputs.artifacts["finetuned"].task_output_artifact
        assert (source.producer_task, source.output_artifact_key) == ("finetune-parts", "out")
    for stage in ("pretrain", "finetune"):
        source = tasks["report"].inputs.artifacts[f"{stage}_metrics"].task_output_artifact
        assert (source.producer_task, source.output_artifact_key) == (f"{stage}-parts", "metrics")


def test_several_gpus_are_shared_out_by_torchrun(tmp_path: Path) -> None:
    text = (RESOURCES / "paper.yaml").read_text()
    (tmp_path / "four.yaml").write_text(
        text.replace("    memory: 64Gi\n    gpus: 1\n", "    memory: 64Gi\n    gpus: 4\n")
    )
    files = {"LEFTRIGHT_PARAMS": "configs/paper.yaml", "LEFTRIGHT_RESOURCES": str(tmp_path / "four.yaml")}
    pretrain = compiled(tmp_path / "packages", **files).container("pretrain")
    assert pretrain["resources"]["accelerator"]["resourceCount"] == "4"
    assert pretrain["env"] == [{"name": "LEFTRIGHT_PROCESSES", "value": "4"}]


def test_several_nodes_take_the_place_of_one_by_configuration(tmp_path: Path) -> None:
    text = (RESOURCES / "paper.yaml").read_text()
    (tmp_path / "nodes.yaml").write_text(text.replace("nodes: {count: 1,", "nodes: {count: 3,"))
    files = {"LEFTRIGHT_PARAMS": "configs/paper.yaml", "LEFTRIGHT_RESOURCES": str(tmp_path / "nodes.yaml")}
    package = compiled(tmp_path / "packages", **files)
    tasks = package.tasks()
    assert "pretrain" not in tasks
    constants = tasks["trainjob"].inputs.parameters
    assert constants["num_nodes"].runtime_value.constant.number_value == 3
    assert constants["part"].component_input_parameter.startswith("pipelinechannel--loop-item")
    assert constants["gpus_per_node"].runtime_value.constant.number_value == 1
    (mount,) = package.kubernetes("trainjob").pvc_mount
    assert (mount.constant, mount.mount_path) == ("leftright-nodes", "/shared")
    assert "accelerator" not in package.container("trainjob")["resources"], (
        "the nodes have the GPUs, not the one that waits"
    )
    ((selector,),) = [
        output.artifact_selectors
        for component in package.spec.components.values()
        if "trainjob" in component.dag.tasks
        for name, output in component.dag.outputs.artifacts.items()
        if name.endswith("-out")
    ]
    assert selector.producer_subtask == "trainjob"


def test_half_done_work_outlives_its_pod_where_a_claim_is_named(tmp_path: Path) -> None:
    text = (RESOURCES / "default.yaml").read_text()
    (tmp_path / "work.yaml").write_text(text.replace("memory: 4Gi, retries: 3}", "memory: 4Gi, work: leftright-work}"))
    package = compiled(tmp_path / "packages", LEFTRIGHT_RESOURCES=str(tmp_path / "work.yaml"))
    (mount,) = package.kubernetes("pretrain").pvc_mount
    assert (mount.constant, mount.mount_path) == ("leftright-work", "/work")
    assert {"name": "LEFTRIGHT_WORK", "value": "/work"} in package.container("pretrain")["env"]
    assert not package.kubernetes("collect").pvc_mount


def test_the_retraining_ends_early_where_the_gate_says_so(default: Package, tmp_path: Path) -> None:
    compiled(tmp_path)
    package = Package(tmp_path / "pipelines/retrain.yaml")
    tasks = package.tasks()
    (condition,) = [task for task in tasks.values() if task.trigger_policy.condition]
    assert condition.trigger_policy.condition.endswith("== 'train'")
    behind = package.spec.components[condition.component_ref.name].dag.tasks
    assert {"pretrain", "compare", "promote"} <= set(behind)
    assert not {"gate", "champion", "curate"} & set(behind)
    inputs = tasks["train-and-compare"].inputs.parameters
    (task,) = inputs["pretrain_tasks"].runtime_value.constant.list_value
    assert task == "flip"
    assert "pretrain_tasks" not in package.spec.root.input_definitions.parameters
    assert "pretrain_seed" in package.spec.root.input_definitions.parameters
    for name in ("champion", "gate", "promote", "outcome", "resolve"):
        assert not tasks[name].caching_options.enable_cache, f"{name} depends on the registry, which is no input"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('cpu: "1"', "cpu: 1"), "cpu is 1, and must be of type str"),
        (("retries: 2\n", "retries: two\n"), "retries is 'two'"),
        (("  cache: true\n", ""), "cache"),
        (("  gpus: 0\n", "  gpus: 0\n  gpu: 1\n"), "gpu"),
        (("every:", "each:"), "every"),
        (("tolerations: []", "tolerations: [{taint: x}]"), "a toleration has no `taint`"),
        (("every:", "every: ["), "cannot be read"),
    ],
)
def test_a_wrong_resources_file_is_one_line(tmp_path: Path, change: tuple[str, str], complaint: str) -> None:
    path = tmp_path / "resources.yaml"
    path.write_text((RESOURCES / "default.yaml").read_text().replace(*change))
    with pytest.raises(InputError, match="compare it with") as caught:
        settings.read(path)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="LEFTRIGHT_RESOURCES names a file"):
        settings.read(tmp_path / "none.yaml")

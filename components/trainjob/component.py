"""`pretrain` on several nodes: the component of the step `trainjob`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from components.task import flags_as_json, image, step


@dsl.container_component
def trainjob(
    shards: Input[list[Dataset]],
    out: Output[Model],
    metrics: Output[Metrics],
    tasks: list[str],
    seed: int,
    split: str,
    window_s: float,
    frame_step: int,
    crop: int,
    n_mels: int,
    audio_width: int,
    audio_features: int,
    visual_width: int,
    visual_blocks: int,
    visual_stem: str,
    visual_reduced: int,
    fusion: str,
    fusion_features: int,
    num_steps: int,
    batch_size: int,
    orientations: str,
    min_shift_s: float,
    learning_rate: float,
    warmup_steps: int,
    weight_decay: float,
    max_gradient_norm: float,
    average_decay: float,
    contrast: float,
    brightness: float,
    colour: float,
    eval_steps: int,
    eval_windows: int,
    checkpoint_steps: int,
    accelerator: str,
    precision: str,
    memory_format: str,
    num_threads: int,
    num_workers: int,
    cache_mb: int,
    num_nodes: int,
    gpus_per_node: int,
    cpus_per_node: int,
    memory_per_node: str,
    claim: str,
    mount: str,
    deadline_s: int,
    runtime: str = "torch-distributed",
    data_rev: str = "",
    part: str = "0/1",
) -> dsl.ContainerSpec:
    """Train as `pretrain` does, on several nodes, as a TrainJob of Kubeflow Trainer that this task starts and follows."""
    own = ("out", "metrics", "num_nodes", "gpus_per_node", "cpus_per_node", "memory_per_node", "claim", "mount")
    given = dict(locals())
    job = {name: given[name] for name in (*own, "deadline_s", "runtime", "tasks")}
    training = {name: value for name, value in given.items() if name not in {*job, "shards", "own"}}
    words = flags_as_json({**training, "kfp_run": dsl.PIPELINE_JOB_ID_PLACEHOLDER})
    # Of this task in this run alone: the TrainJob and the folder on the shared volume are named by it.
    name = f"pretrain-{dsl.PIPELINE_JOB_ID_PLACEHOLDER}-{dsl.PIPELINE_TASK_ID_PLACEHOLDER}"
    return step("trainjob", {"image": image("pretrain"), "run_name": name, "command": words, **job})

"""A downstream network as a file: what was saved is what is read, and a file of another task is named."""

import pytest
import torch

from leftright.errors import InputError
from leftright.lineage import Lineage
from leftright.models import AudioVisualNetwork, ModelMeta, load_model, save_model
from leftright.models.downstream import Head, build, load_downstream
from leftright.models.saved import save_network
from leftright.training.variants import TASKS
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW

SIZES = ((0.25, 0.5), (0.5, 0.25))


def network_of(task: str, inputs: str = "both"):
    torch.manual_seed(0)
    return build(task, TINY, TINY_WINDOW, Head(inputs, 3, SIZES if task == "track" else ())).eval()


def saved(path, task: str, inputs: str = "both"):
    network = network_of(task, inputs)
    meta = ModelMeta(task, TINY, TINY_WINDOW, {"seed": 5}, Lineage("abc"), Head.of(network).as_plain())
    save_network(path, network, meta)
    return network


def answers(network, task: str) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    waveform = 0.1 * torch.randn(2, 2, TINY_WINDOW.num_samples, generator=generator)
    frames = torch.rand(2, TINY_WINDOW.num_frames, 3, 32, 32, generator=generator)
    if task == "track":
        return list(network(waveform, frames[:, 0]))
    if task == "separate":
        return [network(waveform, torch.stack((frames, 1 - frames), dim=1))]
    return [network(waveform.sum(dim=1), frames)]


@pytest.mark.parametrize("inputs", ["both", "sound"])
@pytest.mark.parametrize("task", TASKS)
def test_a_network_read_again_answers_alike(tmp_path, task, inputs):
    network = saved(tmp_path / "model.pt", task, inputs)
    read, meta = load_downstream(tmp_path / "model.pt", task)
    assert type(read) is type(network) and not read.training
    assert all(map(torch.equal, answers(read, task), answers(network, task)))
    assert (meta.task, meta.config, meta.lineage) == (task, {"seed": 5}, Lineage("abc"))
    assert Head.of(read) == Head.of(network) == Head.of_plain(meta.head)
    assert read.inputs == inputs


@pytest.mark.parametrize("task", TASKS)
def test_a_model_of_another_task_is_one_line(tmp_path, task):
    saved(tmp_path / "model.pt", task)
    for other in set(TASKS) - {task}:
        with pytest.raises(InputError, match=rf"model\.pt: its task is {task}; give a model of the task {other}$"):
            load_downstream(tmp_path / "model.pt", other)


@pytest.mark.parametrize("task", TASKS)
def test_a_pretext_model_is_called_one(tmp_path, task):
    """The likeliest mistake: the folder of pretrain in the place of that of finetune."""
    save_model(tmp_path / "model.pt", AudioVisualNetwork(TINY, TINY_WINDOW), "flip", {})
    with pytest.raises(InputError, match=rf"its task is flip; give a model of the task {task}"):
        load_downstream(tmp_path / "model.pt", task)


def test_a_downstream_model_is_no_pretext_model(tmp_path):
    saved(tmp_path / "model.pt", "separate")
    with pytest.raises(InputError, match="model of other sizes") as caught:
        load_model(tmp_path / "model.pt")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"model\.pt: no such model"):
        load_downstream(tmp_path / "model.pt", "track")


def test_a_task_that_is_none():
    with pytest.raises(KeyError):
        build("flip", TINY, TINY_WINDOW, Head("both", 3))

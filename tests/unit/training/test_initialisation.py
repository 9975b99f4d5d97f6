"""What is taken over from a pretext model: its parts, whole, under their names."""

from dataclasses import replace

import pytest
import torch

from leftright.models import AudioVisualNetwork
from leftright.models.downstream import Head, build
from leftright.training.initialisation import take_over
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW

HEADS = {"track": Head("both", 4, ((0.5, 0.5),)), "spatialize": Head("both", 2), "separate": Head("both", 2)}
PARTS = {
    "track": {"audio", "visual.trunk", "visual.reduction"},
    "spatialize": {"visual.trunk", "visual.reduction"},
    "separate": {"audio", "visual.trunk", "visual.reduction", "fusion"},
}


def pretext(**changes: object) -> AudioVisualNetwork:
    """A pretext model every tensor of which is 7."""
    network = AudioVisualNetwork(replace(TINY, **changes), TINY_WINDOW)
    for tensor in network.state_dict().values():
        tensor.fill_(7)
    return network


def downstream(task: str):
    torch.manual_seed(0)
    return build(task, TINY, TINY_WINDOW, HEADS[task])


def part_of(name: str) -> str:
    return ".".join(name.split(".")[: 2 if name.startswith("visual") else 1])


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("task", list(PARTS))
def test_every_weight_of_the_common_parts_is_taken_over_and_no_other(task):
    network = downstream(task)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    taken = take_over(network, pretext().state_dict())
    assert {part_of(name) for name in taken} == PARTS[task]
    assert set(taken) == {name for name in before if part_of(name) in PARTS[task]}
    assert changed(before, network.state_dict()) == set(taken)
    assert all((network.state_dict()[name] == 7).all() for name in taken)


def test_sound_goes_to_sound_and_picture_to_picture():
    source = pretext()
    for name, tensor in source.state_dict().items():
        tensor.fill_(1 if name.startswith("audio") else 2)
    network = downstream("track")
    take_over(network, source.state_dict())
    assert (network.audio.over_frequency.weight == 1).all() and (network.visual.trunk.conv1.weight == 2).all()


def test_of_a_model_that_pooled_the_picture_the_trunk_and_the_sound_are_taken_alone():
    """Its fusion saw other features: half of its weights, those that have the same shape, would be worse than none."""
    network = downstream("separate")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    taken = take_over(network, pretext(fusion="average_pool").state_dict())
    assert {part_of(name) for name in taken} == {"audio", "visual.trunk"}
    assert changed(before, network.state_dict()) == set(taken)


def test_a_part_of_other_sizes_is_left_as_it_is():
    network = downstream("track")
    taken = take_over(network, pretext(audio_width=6).state_dict())
    assert {part_of(name) for name in taken} == {"visual.trunk", "visual.reduction"}


def test_the_head_is_that_of_scratch():
    """All starts of a task share everything that was not learnt: what differs is what was."""
    scratch, taken = downstream("track"), downstream("track")
    take_over(taken, pretext().state_dict())
    assert all(torch.equal(a, b) for a, b in zip(scratch.head.parameters(), taken.head.parameters(), strict=True))

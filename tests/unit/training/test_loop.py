import pytest
import torch
from torch import nn

from leftright.data.windows import Batch
from leftright.models import AudioVisualNetwork
from leftright.training import flip
from leftright.training.loop import Optimisation, TaskModule, rate_share, recognition
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW

CHOSEN = Optimisation(
    num_steps=100,
    batch_size=4,
    learning_rate=0.01,
    warmup_steps=10,
    weight_decay=0.3,
    max_gradient_norm=0.0,
)


def test_the_rate_rises_in_a_line_and_falls_in_a_cosine_to_nothing():
    shares = [rate_share(step, 10, 110) for step in range(111)]
    assert shares[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert (shares[10], shares[60], shares[110]) == pytest.approx((1.0, 0.5, 0.0))
    assert shares[10:] == sorted(shares[10:], reverse=True)


def test_without_a_warm_up_it_starts_at_its_highest():
    assert rate_share(0, 0, 10) == 1.0


def flip_module() -> TaskModule:
    def step(network, batch):
        return recognition(*flip.logits_and_labels(network, batch, "paired"))

    return TaskModule(AudioVisualNetwork(TINY, TINY_WINDOW), step, CHOSEN)


def test_norms_and_biases_do_not_decay():
    module = flip_module()
    decayed, kept = module.configure_optimizers()["optimizer"].param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.3, 0.0)
    of_norms = {
        id(weight) for part in module.modules() if isinstance(part, nn.BatchNorm2d) for weight in part.parameters()
    }
    assert of_norms <= {id(weight) for weight in kept["params"]}
    assert len(decayed["params"]) + len(kept["params"]) == len(list(module.parameters()))


def test_the_loss_is_the_cross_entropy_of_the_four_ways():
    torch.manual_seed(0)
    module = flip_module()
    nn.init.zeros_(module.network.fusion.logit.weight)
    nn.init.constant_(module.network.fusion.logit.bias, 1.0)
    batch = Batch(
        torch.zeros(3, 2, TINY_WINDOW.num_samples, dtype=torch.int16),
        torch.zeros(3, 3, 3, 32, 32, dtype=torch.uint8),
        torch.ones(3, 3),
        torch.zeros(3, 3),
        torch.zeros(3, dtype=torch.bool),
        torch.zeros(3, dtype=torch.bool),
    )
    outputs = module.training_step(batch, 0)
    says_flipped = torch.tensor(1.0)
    expected = (nn.functional.softplus(says_flipped) + nn.functional.softplus(-says_flipped)) / 2
    assert outputs["loss"].item() == pytest.approx(expected.item())
    assert outputs["is_right"].float().mean() == 0.5


def test_a_part_without_gradient_is_not_optimised():
    """AdamW's decay would shrink weights that no gradient holds."""
    module = flip_module()
    module.network.visual.requires_grad_(False)
    groups = module.configure_optimizers()["optimizer"].param_groups
    optimised = {id(weight) for group in groups for weight in group["params"]}
    assert not optimised & {id(weight) for weight in module.network.visual.parameters()}
    assert {id(weight) for weight in module.network.audio.parameters()} <= optimised


def test_recognition_by_hand():
    """Logits 0 and 2 of the labels 0 and 1: softplus(0) and softplus(-2); the first is undecided, hence called not flipped."""
    said = recognition(torch.tensor([0.0, 2.0, 2.0]), torch.tensor([0.0, 1.0, 0.0]))
    assert said["loss"].item() == pytest.approx((0.693147 + 0.126928 + 2.126928) / 3, abs=1e-5)
    assert said["is_right"].tolist() == [True, True, False]

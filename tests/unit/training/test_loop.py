import pytest
import torch
from torch import nn

from leftright.models import AudioVisualNetwork
from leftright.training.loop import Optimisation, PretextModule, rate_share
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW

CHOSEN = Optimisation(
    num_steps=100,
    batch_size=4,
    learning_rate=0.01,
    warmup_steps=10,
    weight_decay=0.3,
    max_gradient_norm=0.0,
    orientations="paired",
)


def test_the_rate_rises_in_a_line_and_falls_in_a_cosine_to_nothing():
    shares = [rate_share(step, 10, 110) for step in range(111)]
    assert shares[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert (shares[10], shares[60], shares[110]) == pytest.approx((1.0, 0.5, 0.0))
    assert shares[10:] == sorted(shares[10:], reverse=True)


def test_without_a_warm_up_it_starts_at_its_highest():
    assert rate_share(0, 0, 10) == 1.0


def test_norms_and_biases_do_not_decay():
    module = PretextModule(AudioVisualNetwork(TINY, TINY_WINDOW), CHOSEN)
    decayed, kept = module.configure_optimizers()["optimizer"].param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.3, 0.0)
    of_norms = {
        id(weight) for part in module.modules() if isinstance(part, nn.BatchNorm2d) for weight in part.parameters()
    }
    assert of_norms <= {id(weight) for weight in kept["params"]}
    assert len(decayed["params"]) + len(kept["params"]) == len(list(module.parameters()))


def test_the_loss_is_the_cross_entropy_of_the_four_ways():
    torch.manual_seed(0)
    module = PretextModule(AudioVisualNetwork(TINY, TINY_WINDOW), CHOSEN)
    nn.init.zeros_(module.network.fusion.logit.weight)
    nn.init.constant_(module.network.fusion.logit.bias, 1.0)
    from leftright.data.windows import Batch

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

from types import SimpleNamespace

import pytest

from leftright.models import AudioVisualNetwork
from leftright.training.averaging import MovingAverage
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW


def network_of(value: float) -> AudioVisualNetwork:
    network = AudioVisualNetwork(TINY, TINY_WINDOW)
    for tensor in network.state_dict().values():
        tensor.fill_(value)
    return network


def after(average: MovingAverage, values: list[float], first_step: int = 1) -> float:
    for step, value in enumerate(values, first_step):
        average.on_train_batch_end(SimpleNamespace(global_step=step), SimpleNamespace(network=network_of(value)))
    weights = average.network.fusion.logit.weight
    assert (weights == weights[0, 0]).all()
    return weights[0, 0].item()


def test_by_hand_after_the_first_steps():
    assert after(MovingAverage(network_of(0.0), 0.9), [1.0, 1.0], first_step=1000) == pytest.approx(1 - 0.9**2)


def test_the_first_steps_forget_the_start_quickly():
    """Decay (1 + step) / (10 + step): 2/11 after the first step."""
    assert after(MovingAverage(network_of(0.0), 0.999), [1.0]) == pytest.approx(9 / 11)


def test_no_decay_keeps_the_current_weights():
    assert after(MovingAverage(network_of(0.0), 0.0), [3.0, 5.0]) == 5.0


def test_batch_norms_statistics_are_averaged_and_its_counter_copied():
    average = MovingAverage(network_of(0.0), 0.5)
    after(average, [4.0], first_step=1000)
    norm = average.network.audio.blocks[0].residual[1]
    assert norm.running_var[0].item() == pytest.approx(2.0)
    assert norm.num_batches_tracked.item() == 4


def test_it_goes_on_from_its_state():
    whole, first, second = (MovingAverage(network_of(0.0), 0.9) for _ in range(3))
    expected = after(whole, [1.0, 2.0, 3.0, 4.0])
    after(first, [1.0, 2.0])
    second.load_state_dict(first.state_dict())
    assert after(second, [3.0, 4.0], first_step=3) == expected


def test_the_network_in_training_is_not_touched():
    network = network_of(1.0)
    average = MovingAverage(network, 0.9)
    average.on_train_batch_end(SimpleNamespace(global_step=1), SimpleNamespace(network=network_of(2.0)))
    assert network.fusion.logit.weight[0, 0].item() == 1.0

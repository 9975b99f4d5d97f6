import numpy as np
import pytest
import torch

from leftright.audio import LEFT, RIGHT, log_energy_difference, swap_channels
from leftright.data.augmentation import Augmentation, AugmentationRange, adjust_colour, mirror_frames, where

RANGES = AugmentationRange(contrast=0.3, brightness=0.1, colour=0.2)


def draw(seed: int, ranges: AugmentationRange = RANGES) -> Augmentation:
    return Augmentation.draw(np.random.default_rng(seed), ranges, height=20, width=30, crop=16)


def test_a_draw_can_be_replayed():
    assert draw(7) == draw(7) != draw(8)


def test_draws_stay_within_their_ranges_and_use_them():
    draws = [draw(seed) for seed in range(300)]
    assert {d.top for d in draws} == set(range(5))
    assert {d.left for d in draws} == set(range(15))
    gains = np.array([d.gain for d in draws])
    assert 0.7 * 0.8 <= gains.min() < 0.65 and 1.45 < gains.max() <= 1.3 * 1.2
    assert np.abs([d.shift for d in draws]).max() <= 0.1 + 0.1
    assert 0.4 < np.mean([d.is_mirrored for d in draws]) < 0.6


def test_no_range_is_no_change_of_colour():
    still = draw(0, AugmentationRange(0.0, 0.0, 0.0))
    assert (still.gain, still.shift) == ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def test_the_crop_is_the_same_in_all_frames_and_takes_what_it_says():
    frames = np.arange(2 * 3 * 20 * 30).reshape(2, 3, 20, 30).astype(np.uint8)
    cropped = Augmentation(2, 5, (1, 1, 1), (0, 0, 0), False).crop(frames, 16)
    np.testing.assert_array_equal(cropped, frames[:, :, 2:18, 5:21])


def test_without_variation_the_crop_is_the_centre():
    none = Augmentation.none(height=20, width=30, crop=16)
    assert (none.top, none.left, none.is_mirrored) == (2, 7, False)


def colour(frames: torch.Tensor, gain: list[float], shift: list[float]) -> torch.Tensor:
    return adjust_colour(frames, torch.tensor([gain]), torch.tensor([shift]))


def test_contrast_turns_about_grey_and_brightness_adds():
    frames = torch.tensor([51, 102, 204], dtype=torch.uint8).view(1, 1, 3, 1, 1)  # 0.2, 0.4, 0.8
    changed = colour(frames, [0.5, 1.0, 2.0], [0.0, 0.1, 0.0]).flatten()
    torch.testing.assert_close(changed, torch.tensor([0.35, 0.5, 1.0]))  # the last is clipped from 1.1


def test_the_mirror_takes_sound_and_picture_along():
    """A source on the left, seen and heard, is afterwards seen and heard on the right."""
    waveform = torch.randn(1, 2, 1000) * torch.tensor([1.0, 0.1]).view(1, 2, 1)
    frames = torch.zeros(1, 2, 3, 8, 8)
    frames[..., 1] = 1
    mirrored_waveform, mirrored_frames = swap_channels(waveform), mirror_frames(frames)
    assert log_energy_difference(waveform.numpy())[0] < -15
    assert log_energy_difference(mirrored_waveform.numpy())[0] > 15
    assert torch.equal(mirrored_waveform[:, LEFT], waveform[:, RIGHT])
    assert mirrored_frames[..., 6].min() == 1 and mirrored_frames.sum() == frames.sum()


def test_the_mirror_twice_is_the_identity():
    waveform, frames = torch.randn(2, 2, 50), torch.rand(2, 1, 3, 4, 4)
    assert torch.equal(swap_channels(swap_channels(waveform)), waveform)
    assert torch.equal(mirror_frames(mirror_frames(frames)), frames)


@pytest.mark.parametrize("shape", [(3,), (3, 2), (3, 2, 4, 4)])
def test_each_item_is_chosen_by_itself(shape):
    chosen = where(torch.tensor([True, False, True]), torch.ones(shape), torch.zeros(shape))
    assert chosen.reshape(3, -1).mean(dim=1).tolist() == [1, 0, 1]

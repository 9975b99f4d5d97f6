"""Windows over a whole clip: they cover it, fade into one another, and leave no edge."""

import numpy as np
import pytest
import torch

from leftright.models import WindowGeometry
from leftright.training.overlap import fade, overlap_add, places_over

GEOMETRY = WindowGeometry(duration_s=0.5, frame_rate=6.0, frame_step=1, crop=8)
NUM_SAMPLES = GEOMETRY.num_samples  # 8000


def places(num_samples: int, overlap: float = 0.5, num_frames: int = 60):
    return places_over(num_samples, num_frames, GEOMETRY, overlap)


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("num_samples", [8000, 8001, 12_345, 47_999, 160_000])
def test_windows_cover_the_clip_from_first_to_last_sample(num_samples, overlap):
    starts = places(num_samples, overlap).starts
    assert (starts[0], starts[-1]) == (0, num_samples - NUM_SAMPLES)
    assert (np.diff(starts) > 0).all()
    assert np.diff(starts, prepend=0).max() <= max(1.0, NUM_SAMPLES * (1 - overlap)) + 1


def test_starts_by_hand():
    """2 s in windows of half a second that share a half: every quarter of a second."""
    assert places(32_000).starts.tolist() == [0, 4000, 8000, 12_000, 16_000, 20_000, 24_000]
    assert places(8000).starts.tolist() == [0]


def test_each_window_sees_the_frames_of_its_time():
    """6 frames a second: a window of half a second sees three, the first that which is nearest to its start."""
    found = places(32_000, num_frames=12)
    assert found.frames[:3] == [
        [0, 1, 2],
        [2, 3, 4],
        [3, 4, 5],
    ]  # from 0, 0.25 (frame 1.5, rounded to even) and 0.5 s on
    assert found.frames[-1] == [9, 10, 11]


def test_at_a_clips_end_the_last_frame_is_shown_on():
    assert max(map(max, places(32_000, num_frames=10).frames)) == 9


def test_a_clip_shorter_than_a_window_is_refused():
    with pytest.raises(ValueError, match="a clip of 7999 samples is shorter than a window of 8000"):
        places(7999)


def test_a_window_fades_evenly_and_is_nowhere_silent():
    weight = fade(NUM_SAMPLES)
    torch.testing.assert_close(weight, weight.flip(0))
    assert 0 < weight.min() < 0.01 < weight.max() <= 1
    assert weight.argmax() in (NUM_SAMPLES // 2 - 1, NUM_SAMPLES // 2)


@pytest.mark.parametrize("num_samples", [8000, 20_011, 160_000])
def test_where_all_windows_agree_the_result_is_what_they_agree_on(num_samples):
    """A predictor that returns what it hears: the whole clip again, its first and its last sample too."""
    sound = torch.randn(2, num_samples, generator=torch.Generator().manual_seed(0))
    result = overlap_add(lambda heard, seen: heard, sound, torch.zeros(60, 3, 8, 8), places(num_samples), NUM_SAMPLES)
    torch.testing.assert_close(result, sound, atol=1e-5, rtol=0)


def test_windows_that_disagree_fade_without_a_jump():
    """Each window says its own number: the result passes from one to the next in steps no larger than the fade's."""
    said = iter(range(100))

    def predict(heard, seen):
        return torch.stack([torch.full_like(each, next(said)) for each in heard]).float()

    result = overlap_add(predict, torch.zeros(32_000), torch.zeros(12, 3, 8, 8), places(32_000), NUM_SAMPLES)
    assert (result[0].item(), result[-1].item()) == pytest.approx((0.0, 6.0), abs=1e-6)
    assert result.diff().min() >= -1e-5  # from the first window's 0 to the last one's 6, never back
    assert result.diff().abs().max() < 0.01


def test_each_window_hears_and_sees_its_own_time():
    sound = torch.arange(32_000.0)
    frames = torch.arange(12.0).view(12, 1, 1, 1).expand(12, 3, 8, 8)
    pairs = []

    def predict(heard, seen):
        pairs.extend(zip(heard[:, 0].tolist(), seen[:, :, 0, 0, 0].tolist(), strict=True))
        return heard

    found = places(32_000, num_frames=12)
    overlap_add(predict, sound, frames, found, NUM_SAMPLES)
    assert [start for start, _ in pairs] == found.starts.tolist()
    assert [[int(frame) for frame in seen] for _, seen in pairs] == [list(each) for each in found.frames]


def test_the_batch_changes_nothing(monkeypatch):
    sound = torch.randn(40_000, generator=torch.Generator().manual_seed(0))
    frames = torch.rand(15, 3, 8, 8, generator=torch.Generator().manual_seed(1))

    def predict(heard, seen):
        return heard * seen.mean(dim=(1, 2, 3, 4))[:, None]

    results = []
    for size in (1, 3, 16):
        monkeypatch.setattr("leftright.training.overlap._WINDOWS_PER_BATCH", size)
        results.append(overlap_add(predict, sound, frames, places(40_000, num_frames=15), NUM_SAMPLES))
    torch.testing.assert_close(results[0], results[1])
    torch.testing.assert_close(results[0], results[2])

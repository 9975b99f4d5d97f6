from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leftright.data.picture_measures import block_means, motion, sample_frames, sample_times, scene_signature
from leftright.errors import InputError
from tests.stereo_clips import valid_clip, write_clip


def moving(num_frames: int, size: int, pixels_a_frame: float) -> list[np.ndarray]:
    """A bright square that moves to the right over a textured ground, 96 x 128."""
    ground = np.random.default_rng(0).integers(60, 120, (12, 16, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    frames = []
    for number in range(num_frames):
        frame, at = ground.copy(), round(pixels_a_frame * number)
        frame[40 : 40 + size, at : at + size] = 250
        frames.append(frame)
    return frames


def test_sample_times_are_spread_evenly_and_stay_off_the_ends() -> None:
    assert sample_times(2.0, 2.0).tolist() == [0.25, 0.75, 1.25, 1.75]
    assert sample_times(0.1, 2.0).tolist() == [0.05]


def test_a_still_image_does_not_move_and_a_small_thing_does() -> None:
    assert motion(moving(8, 12, 0.0), (1, 2)) == 0
    assert motion(moving(8, 12, 4.0), (1, 2)) > 50


def test_noise_of_a_camera_is_less_than_a_movement() -> None:
    rng = np.random.default_rng(0)
    noisy = [np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255).astype(np.uint8) for frame in moving(8, 12, 0.0)]
    assert motion(noisy, (1, 2)) < 5


def test_a_show_of_slides_is_still() -> None:
    first, second = moving(1, 12, 0.0) * 6, [255 - frame for frame in moving(1, 12, 0.0)] * 6
    assert motion(first + second, (1, 2)) == 0


def test_a_slow_movement_is_seen_over_the_longer_step() -> None:
    """Half a pixel a frame: 1 of a block's 2.7 pixels over two frames, all of them over six."""
    frames = moving(16, 12, 0.5)
    assert motion(frames, (1,)) < motion(frames, (6,)) == motion(frames, (1, 6))


def test_motion_does_not_mind_too_few_frames() -> None:
    assert motion(moving(1, 12, 4.0), (1, 2)) == 0
    assert motion(moving(3, 12, 4.0), (1, 50)) > 50


def test_motion_is_the_same_in_a_mirror() -> None:
    frames = moving(8, 12, 4.0)
    assert motion([frame[:, ::-1] for frame in frames], (1, 2)) == pytest.approx(motion(frames, (1, 2)), rel=1e-3)


def test_block_means_by_hand() -> None:
    frame = np.zeros((4, 6, 3), np.uint8)
    frame[:2, :3], frame[2:, 3:, 1] = 100, 60
    assert block_means(frame, (2, 2)).tolist() == [[[100, 100, 100], [0, 0, 0]], [[0, 0, 0], [0, 60, 0]]]


def test_the_signature_is_of_the_scene_and_not_of_who_moves() -> None:
    with_mover, without = scene_signature(moving(9, 12, 14.0)), scene_signature(moving(9, 0, 0.0))
    other_room = scene_signature([np.full((96, 128, 3), 200, np.uint8)] * 9)
    assert len(with_mover) == 6 * 8 * 3
    assert with_mover == pytest.approx(without, abs=0.02)
    assert np.abs(np.subtract(other_room, without)).max() > 0.3
    assert other_room == pytest.approx([200 / 255] * 144, abs=1e-3)


def test_frames_are_sampled_at_their_times_and_scaled_by_the_longer_side(tmp_path: Path) -> None:
    clip = valid_clip()
    path = write_clip(tmp_path / "clip.mkv", clip)
    times_s = [0.3, 0.3, 2.9]
    frames = sample_frames(path, times_s, 128)
    assert [frame.shape for frame in frames] == [(96, 128, 3)] * 3
    for frame, time_s in zip(frames, times_s, strict=True):
        original = clip.frames[int(time_s * clip.frame_rate)]
        assert np.abs(frame.astype(float) - original.reshape(96, 2, 128, 2, 3).mean(axis=(1, 3))).mean() < 4


def test_a_damaged_picture_is_not_a_picture(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mkv", replace(valid_clip(), waveform=None))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = np.random.default_rng(0).bytes(400)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"clip\.mkv: "):
        sample_frames(path, [0.1], 128)

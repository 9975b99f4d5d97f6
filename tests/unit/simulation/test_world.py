import json
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from leftright.audio import LEFT, RIGHT
from leftright.simulation import faults
from leftright.simulation.parameters import WorldParameters
from leftright.simulation.world import Video, make_video, plan
from tests.boxes import overlaps
from tests.face_detector import small_detector
from tests.tiny_world import tiny_world


def made(directory: Path, fault: str = faults.NONE, **changes: object) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """One video's file, truth and trajectory."""
    truth, trajectory = make_video(tiny_world(**changes), Video(0, 0, fault), directory)
    return directory / "ch000" / "ch000v00.mp4", truth, trajectory


def pictures(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]).astype(int)


def sound(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def sound_against_picture(waveform: np.ndarray, trajectory: pd.DataFrame) -> float:
    """Correlation over fifths of a second of right-minus-left level with the source's place in the file's picture."""
    hop = 16_000 // 5
    count = waveform.shape[1] // hop
    power = np.square(waveform[:, : count * hop].reshape(2, count, hop)).mean(axis=-1)
    led = 10 * np.log10(power[RIGHT] / power[LEFT])
    x = np.interp((np.arange(count) + 0.5) / 5, trajectory["time_s"], trajectory["source_x"])
    return float(np.corrcoef(led, x)[0, 1])


FACE = ["face_left", "face_top", "face_right", "face_bottom"]
LONG = {"min_duration_s": 8.0, "max_duration_s": 8.0, "instrument_share": 1.0, "habit_strength": 0.0}
SPOKEN = {**LONG, "instrument_share": 0.0}


def test_sound_and_picture_agree_unless_one_of_them_is_turned(tmp_path):
    agreement = {}
    for fault in (faults.NONE, faults.SWAPPED, faults.MIRRORED, faults.SECOND_FACE):
        path, _, trajectory = made(tmp_path / fault, fault, **LONG)
        agreement[fault] = sound_against_picture(sound(path), trajectory)
    assert agreement[faults.NONE] > 0.8
    assert agreement[faults.SECOND_FACE] > 0.8
    assert agreement[faults.SWAPPED] < -0.8
    assert agreement[faults.MIRRORED] < -0.8


def test_swapped_is_the_same_video_with_the_channels_exchanged(tmp_path):
    straight, _, _ = made(tmp_path / "none")
    swapped, _, _ = made(tmp_path / "swapped", faults.SWAPPED)
    error = sound(swapped)[::-1] - sound(straight)  # the coder's rate control sees the channels in another order
    assert np.std(error) < 0.05 * np.std(sound(straight))
    np.testing.assert_array_equal(pictures(swapped), pictures(straight))


def test_mirrored_is_the_same_video_with_the_picture_mirrored(tmp_path):
    straight, _, seen = made(tmp_path / "none")
    mirrored, _, mirrored_seen = made(tmp_path / "mirrored", faults.MIRRORED)
    assert (
        np.abs(pictures(mirrored)[:, :, ::-1] - pictures(straight)).mean() < 4
    )  # colour is coded at half the resolution
    np.testing.assert_array_equal(sound(mirrored), sound(straight))
    np.testing.assert_allclose(mirrored_seen["source_x"], 1 - seen["source_x"])
    np.testing.assert_array_equal(mirrored_seen["azimuth_deg"], seen["azimuth_deg"])


@pytest.mark.parametrize("fault", [faults.NONE, faults.MIRRORED, faults.STILL, faults.SWAPPED])
def test_face_is_where_the_file_shows_it(tmp_path, fault):
    path, _, trajectory = made(tmp_path, fault, width=256, height=192, **SPOKEN)
    frames, boxes = pictures(path).astype(np.uint8), trajectory[FACE].to_numpy()
    assert len(frames) == len(boxes)
    found = overlaps(small_detector(), frames[::3], boxes[::3])
    assert np.isfinite(found).mean() > 0.8
    assert np.nanmean(found) > 0.8


def test_face_box_is_mirrored_with_the_picture_and_still_with_it(tmp_path):
    straight, mirrored, still, swapped = (
        made(tmp_path / fault, fault, **SPOKEN)[2]
        for fault in (faults.NONE, faults.MIRRORED, faults.STILL, faults.SWAPPED)
    )
    assert np.ptp(straight["face_left"]) > 0.05
    np.testing.assert_allclose(mirrored["face_left"], 1 - straight["face_right"])
    np.testing.assert_allclose(mirrored["face_right"], 1 - straight["face_left"])
    np.testing.assert_array_equal(mirrored[["face_top", "face_bottom"]], straight[["face_top", "face_bottom"]])
    np.testing.assert_array_equal(still[FACE], np.tile(straight.loc[0, FACE], (len(still), 1)))
    np.testing.assert_array_equal(swapped[FACE], straight[FACE])


def test_a_bystander_leaves_the_performers_box_alone(tmp_path):
    alone, together = (made(tmp_path / fault, fault)[2] for fault in (faults.NONE, faults.SECOND_FACE))
    np.testing.assert_array_equal(together[FACE], alone[FACE])


def test_only_who_speaks_has_a_sounding_face(tmp_path):
    _, _, speaking = made(tmp_path / "speaking", instrument_share=0.0)
    assert speaking["is_face_sounding"].dtype == bool and speaking["is_face_sounding"].all()
    assert speaking["source_x"].between(speaking["face_left"], speaking["face_right"]).all()
    _, _, tapping = made(tmp_path / "tapping", instrument_share=1.0)
    assert not tapping["is_face_sounding"].any()
    assert np.isfinite(tapping[FACE]).all(axis=None)


def test_trajectory_is_one_perspective(tmp_path):
    _, truth, trajectory = made(tmp_path)
    world = tiny_world()
    np.testing.assert_allclose(trajectory["source_x"], world.camera.image_x(trajectory["azimuth_deg"].to_numpy()))
    assert len(trajectory) == round(truth["duration_s"].item() * world.frame_rate)
    assert trajectory["is_sounding"].dtype == bool


def test_mono_and_dual_mono(tmp_path):
    mono, dual = (sound(made(tmp_path / fault, fault)[0]) for fault in (faults.MONO, faults.DUAL_MONO))
    assert mono.shape[0] == 1
    assert dual.shape[0] == 2
    assert np.std(dual[RIGHT] - dual[LEFT]) < 0.01 * np.std(dual)


def test_centred_is_two_channels_of_equal_level(tmp_path):
    path, _, trajectory = made(tmp_path, faults.CENTRED, **LONG)
    np.testing.assert_allclose(trajectory["azimuth_deg"], 0, atol=1e-9)
    waveform = sound(path)
    led = 10 * np.log10(np.mean(waveform[RIGHT] ** 2) / np.mean(waveform[LEFT] ** 2))
    assert abs(led) < 1.5  # the room is not the same at both ears
    assert np.corrcoef(waveform)[0, 1] < 0.99


def test_silent_is_next_to_nothing(tmp_path):
    usual, silent = (sound(made(tmp_path / fault, fault)[0]) for fault in (faults.NONE, faults.SILENT))
    assert silent.shape[0] == 2
    assert 20 * np.log10(np.std(usual)) > -40
    assert 20 * np.log10(np.std(silent) + 1e-12) < -70


def test_still_is_one_picture_with_moving_sound(tmp_path):
    path, _, _ = made(tmp_path, faults.STILL, **LONG)
    frames = pictures(path)
    assert np.abs(np.diff(frames, axis=0)).mean() < 0.5
    assert len(frames) == 48


def test_short_has_its_length(tmp_path):
    path, truth, _ = made(tmp_path, faults.SHORT)
    assert truth["duration_s"].item() == 2.0
    assert len(pictures(path)) == 12


def test_no_face_is_a_hand_at_work(tmp_path):
    _, truth, trajectory = made(tmp_path, faults.NO_FACE, instrument_share=0.0)
    assert truth["kind"].item() in ("tapping", "brushing")
    assert trajectory[FACE].isna().all(axis=None)
    assert not trajectory["is_face_sounding"].any()


@pytest.mark.parametrize("fault", [faults.CORRUPT, faults.TRUNCATED])
def test_damaged_files_stay_damaged_in_the_same_way(tmp_path, fault):
    length = {"min_duration_s": 8.0, "max_duration_s": 8.0}
    first, again = (made(tmp_path / name, fault, **length)[0].read_bytes() for name in ("first", "again"))
    whole = made(tmp_path / "whole", **length)[0].read_bytes()
    assert first == again != whole


def test_sidecar_tells_what_a_downloader_would_and_no_more(tmp_path):
    path, truth, _ = made(tmp_path, faults.SWAPPED)
    info = json.loads(path.with_suffix(".info.json").read_text())
    assert set(info) == {"id", "title", "channel", "duration", "webpage_url"}
    assert (info["id"], info["channel"]) == ("ch000v00", "ch000")
    assert info["duration"] == truth["duration_s"].item()


def test_same_seed_same_file_and_another_seed_another(tmp_path):
    files = [made(tmp_path / str(number), seed=seed)[0].read_bytes() for number, seed in enumerate((1, 1, 2))]
    assert files[0] == files[1] != files[2]


def test_more_channels_leave_the_earlier_videos_as_they_are():
    shares = {f"{fault}_share": 0.05 for fault in faults.FAULTS}
    few, many = (list(plan(tiny_world(num_channels=count, max_videos=3, **shares))) for count in (20, 90))
    assert many[: len(few)] == few
    assert {video.name for video in few}.isdisjoint({video.name for video in many[len(few) :]})


def test_shares_hold_over_the_plan():
    world: WorldParameters = tiny_world(num_channels=100, min_videos=2, max_videos=2, mono_share=0.04, short_share=0.02)
    counts = Counter(video.fault for video in plan(world))
    assert counts == {faults.NONE: 188, faults.MONO: 8, faults.SHORT: 4}


def test_measured_head_is_heard_from_the_same_side(tmp_path):
    h5py = pytest.importorskip("h5py", reason="reading SOFA files needs h5py")
    path = tmp_path / "two.sofa"
    responses = np.zeros((2, 2, 16))
    responses[0, LEFT, 0] = responses[1, RIGHT, 0] = 1.0
    responses[0, RIGHT, 10] = responses[1, LEFT, 10] = 0.4
    with h5py.File(path, "w") as file:
        file["Data.IR"], file["SourcePosition"] = responses, [[30.0, 0.0, 1.0], [330.0, 0.0, 1.0]]
        file["Data.SamplingRate"] = [16_000.0]
    video, truth, trajectory = made(tmp_path / "world", hrtf=str(path), **LONG)
    assert sound_against_picture(sound(video), trajectory) > 0.6  # two directions are a coarse grid
    assert truth["hrtf"].item() == "two.sofa"

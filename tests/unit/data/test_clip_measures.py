import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leftright.clips import FACE_EDGES, MEASURE_COLUMNS, REASONS
from leftright.data.clip_measures import measure_clip
from leftright.data.verdict import STEPS
from tests.face_detector import small_detector
from tests.stereo_clips import (
    DURATION_S,
    FAULTY,
    LIMITS,
    SAMPLING,
    Clip,
    valid_clip,
    with_picture,
    with_sound,
    write_clip,
)


def measured(path: Path, steps: tuple[str, ...] = (), declared_s: float = DURATION_S) -> dict[str, Any]:
    return measure_clip(path, declared_s, LIMITS, SAMPLING, small_detector(), steps)


def test_a_good_clip_is_kept_with_every_measure(tmp_path: Path) -> None:
    measures = measured(write_clip(tmp_path / "clip.mkv", valid_clip()))
    assert list(measures) == list(MEASURE_COLUMNS)
    assert (measures["verdict"], measures["reason"]) == ("kept", "")
    for name, kind in MEASURE_COLUMNS.items():
        assert kind != "float64" or math.isfinite(measures[name]), name
    num_frames = round(DURATION_S * SAMPLING.frame_rate)
    for name in ("face_times_s", "face_xs", "face_led_db", *FACE_EDGES):
        assert len(measures[name]) == num_frames, name


@pytest.mark.parametrize("reason", FAULTY)
def test_each_fault_is_named(tmp_path: Path, reason: str) -> None:
    path = write_clip(tmp_path / "clip.mkv", FAULTY[reason]())
    measures = measured(path)
    assert (measures["verdict"], measures["reason"]) == ("rejected", reason)
    assert measured(path, STEPS)["reason"] == reason  # stopping early changes no verdict


PAIRS = [
    ("silent", "still"),
    ("dual_mono", "no_face"),
    ("inverted", "still"),
    ("still", "no_face"),
    ("centred", "no_face"),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_faults_the_earlier_is_named_however_much_is_measured(tmp_path: Path, first: str, second: str) -> None:
    sound, picture = FAULTY[first](), FAULTY[second]()
    both = replace(valid_clip(), waveform=sound.waveform, frames=picture.frames)
    if first == "still":
        both = replace(both, frames=np.repeat(picture.frames[:1], len(picture.frames), axis=0))
    path = write_clip(tmp_path / "clip.mkv", both)
    assert REASONS.index(first) < REASONS.index(second)
    assert {measured(path, steps)["reason"] for steps in ((), STEPS, ("faces",), ("picture",))} == {first}


def test_what_was_not_measured_is_empty(tmp_path: Path) -> None:
    measures = measured(write_clip(tmp_path / "clip.mkv", FAULTY["silent"]()))
    assert math.isfinite(measures["rms_db"])
    assert math.isnan(measures["motion"]) and math.isnan(measures["face_share"])
    assert measures["face_times_s"] == measures["scene_signature"] == []


def junk(path: Path) -> Path:
    path.write_bytes(b"no media at all" * 1000)
    return path


def damaged(path: Path, clip: Clip, sound_codec: str = "pcm_s16le") -> Path:
    """Noise written over some hundred bytes in the middle."""
    write_clip(path, clip, sound_codec=sound_codec)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 600] = np.random.default_rng(0).bytes(600)
    path.write_bytes(content)
    return path


def test_what_does_not_open_or_does_not_decode_is_unreadable(tmp_path: Path) -> None:
    files = [
        junk(tmp_path / "junk.mp4"),
        damaged(tmp_path / "picture.mp4", replace(valid_clip(), waveform=valid_clip().waveform / 8), "aac"),
    ]
    for path in files:
        assert {measured(path, steps)["reason"] for steps in ((), STEPS)} == {"unreadable"}, path


def test_a_file_shorter_than_its_headers_or_its_manifest_is_truncated(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mp4", valid_clip(), sound_codec="aac", options={"movflags": "+faststart"})
    assert measured(whole)["reason"] == ""
    assert measured(whole, declared_s=10.0)["reason"] == "truncated"
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: round(0.6 * whole.stat().st_size)])
    assert {measured(cut, steps)["reason"] for steps in ((), STEPS)} == {"truncated"}


def test_surround_sound_is_not_stereo(tmp_path: Path) -> None:
    clip = with_sound(lambda waveform: np.concatenate([waveform] * 3))
    assert measured(write_clip(tmp_path / "clip.mkv", clip))["reason"] == "not_stereo"


def test_one_silent_ear_is_silence(tmp_path: Path) -> None:
    clip = with_sound(lambda waveform: waveform * [[1], [0]])
    assert measured(write_clip(tmp_path / "clip.mkv", clip))["reason"] == "silent"


def test_mirroring_the_picture_and_swapping_the_sound_mirrors_the_measures(tmp_path: Path) -> None:
    """A face to the left is a face to the right, a source at the left one at the right; the verdict is the same."""
    plain = measured(write_clip(tmp_path / "plain.mkv", valid_clip()))
    mirrored_frames = with_picture(lambda frames: np.ascontiguousarray(frames[:, :, ::-1])).frames
    swapped = replace(valid_clip(), waveform=valid_clip().waveform[::-1], frames=mirrored_frames)
    mirrored = measured(write_clip(tmp_path / "mirrored.mkv", swapped))
    assert mirrored["verdict"] == plain["verdict"] == "kept"
    assert mirrored["log_energy_difference_db"] == pytest.approx(-plain["log_energy_difference_db"], abs=0.01)
    assert mirrored["face_led_db"] == pytest.approx([-value for value in plain["face_led_db"]], abs=0.05)
    assert mirrored["face_xs"] == pytest.approx([1 - value for value in plain["face_xs"]], abs=0.03)
    assert mirrored["offcentre_share"] == pytest.approx(plain["offcentre_share"], abs=0.1)


def test_face_and_sound_are_on_the_same_side(tmp_path: Path) -> None:
    """The performer speaks from where the face is: x below a half is the left, and a negative difference."""
    measures = measured(write_clip(tmp_path / "clip.mkv", valid_clip()))
    assert np.sign(np.mean(measures["face_xs"]) - 0.5) == np.sign(measures["log_energy_difference_db"]) != 0

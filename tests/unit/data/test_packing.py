"""What all that writes shards relies on: frames on time, sound and picture of one length, counts from the index."""

import numpy as np
import pandas as pd
import pytest

from leftright.data import packing
from leftright.data.packing import DESCRIPTION_COLUMNS, FACE_COLUMNS, Packing, Source
from leftright.errors import InputError
from tests.synthetic_clips import DURATION_S, write_flash_clip

PACKING = Packing(frame_rate=30.0, frame_size=32, jpeg_quality=95, clips_per_shard=2, num_workers=1)


@pytest.fixture(scope="module")
def flashes(tmp_path_factory):
    """30 frames a second in Matroska, whose time stamps are rounded to a millisecond."""
    path = tmp_path_factory.mktemp("flashes") / "a.mkv"
    write_flash_clip(path, side=0)
    return path


def source_of(path, waveform=None, **description) -> Source:
    described = {**dict.fromkeys(DESCRIPTION_COLUMNS), "clip": "a", **description}
    waveform = packing.read_stereo(path, "leave it out") if waveform is None else waveform
    return Source(described, dict.fromkeys(FACE_COLUMNS, ()), waveform, path, DURATION_S)


def test_a_frame_due_on_a_rounded_time_stamp_is_not_missed(flashes):
    # Frame 5 is stamped 0.167 s and is due at 0.16667 s.
    sizes = [len(jpeg) for jpeg in packing._packed_clip(source_of(flashes), PACKING).jpegs]
    assert np.argsort(sizes)[-2:].tolist() in ([15, 45], [45, 15])


def test_a_clip_ends_where_the_shorter_of_sound_and_picture_does(flashes):
    sound = np.ones((2, 56_000), np.int16)
    assert len(packing._packed_clip(source_of(flashes, sound[:, :16_000]), PACKING).jpegs) == 30
    packed = packing._packed_clip(source_of(flashes, sound), PACKING)
    assert (len(packed.jpegs), packed.waveform.shape) == (75, (2, 40_000))


def test_what_is_unknown_is_null(flashes):
    packed = packing._packed_clip(source_of(flashes, title=float("nan"), start_ms=np.int64(3)), PACKING)
    assert (packed.metadata["title"], packed.metadata["start_ms"]) == (None, 3)
    assert type(packed.metadata["start_ms"]) is int


def test_counts_are_those_of_the_index():
    index = pd.DataFrame({"clip": ["a", "b", "c"], "shard": ["0", "1", "0"], "shard_bytes": [10, 7, 10]})
    values = packing.account("pack", index).values
    assert {key: value.value for key, value in values.items()} == {
        "pack.clips": 3,
        "pack.shards": 2,
        "pack.bytes": 17,
    }


@pytest.mark.parametrize("name", ["frame_rate", "frame_size", "jpeg_quality", "clips_per_shard", "num_workers"])
def test_a_value_that_cannot_be_is_named(name):
    values = {"frame_rate": 6.0, "frame_size": 32, "jpeg_quality": 95, "clips_per_shard": 2, "num_workers": 1}
    with pytest.raises(InputError, match=f"pack.{name} is 0"):
        Packing(**{**values, name: 0})

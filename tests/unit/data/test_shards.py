import pickle
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leftright.clips import write_table
from leftright.data.shards import (
    INDEX,
    PackedClip,
    ShardReader,
    ShardWriter,
    decode_jpeg,
    encode_jpeg,
    verify,
)
from leftright.errors import InputError

NUM_SAMPLES, NUM_FRAMES, SIZE = 1000, 4, 16
COLOURS = {"a_0_10": (200, 30, 30), "b_0_10": (30, 200, 30), "c_0_10": (30, 30, 200)}


def clip_of(name: str) -> PackedClip:
    """Left counts up from 0, right counts down; frame k is a flat picture that is 10 k brighter in its top half."""
    left = np.arange(NUM_SAMPLES, dtype=np.int16)
    frames = np.empty((NUM_FRAMES, SIZE, SIZE, 3), np.uint8)
    frames[:] = COLOURS.get(name, (128, 128, 128))
    frames[:, : SIZE // 2] += 10 * np.arange(NUM_FRAMES, dtype=np.uint8)[:, None, None, None]
    jpegs = [encode_jpeg(frame, 95) for frame in frames]
    return PackedClip(name, {"clip": name, "video": name[0]}, np.stack([left, -left]), jpegs)


def write_shards(directory: Path, content: dict[str, list[str]]) -> Path:
    """Content : the clips of each shard."""
    directory.mkdir(parents=True, exist_ok=True)
    rows = []
    for shard, names in content.items():
        path = directory / shard
        with path.open("wb") as stream, ShardWriter(stream) as writer:
            written = [writer.add(clip_of(name)) for name in names]
        known = {"shard": shard, "shard_bytes": path.stat().st_size, "frame_rate": 6.0, "height": SIZE, "width": SIZE}
        rows += [{**row, **known, "video": "v", "channel": "c", "sample_rate": 16_000} for row in written]
    write_table(directory / INDEX, pd.DataFrame(rows))
    return directory


@pytest.fixture
def packed(tmp_path):
    return write_shards(tmp_path / "pack", {"shard-00000.tar": ["c_0_10", "a_0_10"], "shard-00001.tar": ["b_0_10"]})


def damage(packed: Path, clip: str, member: str) -> None:
    """Turn over one bit in the middle of a member's content, or of its tar header."""
    row = pd.read_parquet(packed / INDEX).set_index("clip").loc[clip]
    place = {
        "json": row["json_offset"] + row["json_bytes"] // 2,
        "pcm": row["pcm_offset"] + row["pcm_bytes"] // 2,
        "frame": row["frame_offset"][1] + row["frame_bytes"][1] // 2,
        "header": row["pcm_offset"] - 512,
    }[member]
    path = packed / row["shard"]
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_any_clip_is_read_at_random(packed):
    reader = ShardReader([packed])
    assert reader.index["clip"].tolist() == ["a_0_10", "b_0_10", "c_0_10"]
    for row, colour in enumerate(COLOURS.values()):
        waveform = reader.waveform(row, 100, 3)
        assert waveform.dtype == np.int16
        assert waveform.tolist() == [[100, 101, 102], [-100, -101, -102]]
        frames = reader.frames(row, 2, 2).astype(int)
        assert frames.shape == (2, 3, SIZE, SIZE)
        np.testing.assert_allclose(frames[:, :, -2].mean(axis=-1), [colour, colour], atol=4)
        np.testing.assert_allclose(frames[:, :, 1].mean(axis=-1) - colour, [[20] * 3, [30] * 3], atol=6)


def test_whole_clip_is_the_default(packed):
    reader = ShardReader([packed])
    assert reader.waveform(0).shape == (2, NUM_SAMPLES)
    assert reader.waveform(0, 990).tolist()[0] == list(range(990, 1000))
    assert reader.frames(0).shape == (NUM_FRAMES, 3, SIZE, SIZE)
    assert reader.frames(0, NUM_FRAMES).shape == (0, 3, SIZE, SIZE)


def test_outside_of_a_clip_is_refused(packed):
    reader = ShardReader([packed])
    for start, count in ((-1, 2), (999, 2), (0, 1001)):
        with pytest.raises(ValueError, match="of 1000"):
            reader.waveform(0, start, count)
    for first, count in ((-1, 2), (3, 2), (5, None)):
        with pytest.raises(ValueError, match="of 4"):
            reader.frames(0, first, count)


def test_a_reader_travels_to_another_process(packed):
    reader = ShardReader([packed])
    before = reader.frames(1)
    copy = pickle.loads(pickle.dumps(reader))
    np.testing.assert_array_equal(copy.frames(1), before)
    np.testing.assert_array_equal(copy.waveform(2), reader.waveform(2))
    assert len(copy) == 3


def test_jpeg_keeps_colour_order_and_range():
    frame = np.zeros((SIZE, SIZE, 3), np.uint8)
    frame[:, :8] = (255, 0, 0)
    decoded = decode_jpeg(np.frombuffer(encode_jpeg(frame, 95), np.uint8))
    assert decoded.shape == (3, SIZE, SIZE)
    np.testing.assert_allclose(decoded[:, 8, 2], (255, 0, 0), atol=5)
    np.testing.assert_allclose(decoded[:, 8, 13], (0, 0, 0), atol=5)


def test_pcm_in_the_tar_is_left_and_right_in_turn(packed):
    row = pd.read_parquet(packed / INDEX).set_index("clip").loc["b_0_10"]
    data = (packed / row["shard"]).read_bytes()[row["pcm_offset"] :][:8]
    assert np.frombuffer(data, "<i2").tolist() == [0, 0, 1, -1]


def test_same_content_gives_the_same_bytes(packed, tmp_path):
    again = write_shards(tmp_path / "again", {"shard-00000.tar": ["c_0_10", "a_0_10"]})
    assert (again / "shard-00000.tar").read_bytes() == (packed / "shard-00000.tar").read_bytes()


@pytest.mark.skipif(shutil.which("tar") is None, reason="no tar program here")
def test_the_tar_program_reads_a_shard(packed, tmp_path):
    shard = packed / "shard-00000.tar"
    listed = subprocess.run(["tar", "tf", shard], capture_output=True, text=True, check=True)
    expected = [f"{clip}.{member}" for clip in ("c_0_10", "a_0_10") for member in ("json", "pcm")]
    assert [name for name in listed.stdout.split() if "jpg" not in name] == expected
    assert listed.stderr == ""
    subprocess.run(["tar", "xf", shard, "-C", tmp_path], check=True)
    assert (tmp_path / "a_0_10.001.jpg").read_bytes() == clip_of("a_0_10").jpegs[1]


def test_a_long_name_survives(tmp_path):
    name = "x" * 180 + "_0_10"
    packed = write_shards(tmp_path / "pack", {"shard-00000.tar": [name, "a_0_10"]})
    assert verify([packed]) == []
    assert ShardReader([packed]).waveform(1, 5, 1).tolist() == [[5], [-5]]


def test_an_undamaged_pack_has_no_problems(packed):
    assert verify([packed]) == []


@pytest.mark.parametrize("member", ["json", "pcm", "frame", "header"])
def test_one_turned_bit_is_found_in_its_clip(packed, member):
    damage(packed, "c_0_10", member)
    problems = verify([packed])
    assert [(problem.shard.name, problem.clip) for problem in problems] == [("shard-00000.tar", "c_0_10")]
    assert ("header" in problems[0].what) == (member == "header")


def test_reading_a_damaged_clip_names_shard_and_clip(packed):
    damage(packed, "a_0_10", "pcm")
    damage(packed, "c_0_10", "frame")
    reader = ShardReader([packed])
    with pytest.raises(InputError, match=r"shard-00000\.tar, clip a_0_10: sound is damaged; pack it again"):
        reader.waveform(0, 0, 10)
    with pytest.raises(InputError, match=r"shard-00000\.tar, clip c_0_10: frame 1 is damaged"):
        reader.frames(2)
    assert reader.frames(2, 2, 2).shape[0] == 2
    assert reader.frames(0).shape[0] == NUM_FRAMES


def test_a_missing_or_truncated_shard_is_named_when_opened(packed):
    shard = packed / "shard-00001.tar"
    data = shard.read_bytes()
    shard.write_bytes(data[:-600])
    with pytest.raises(InputError, match=r"shard-00001\.tar: the shard has .* bytes and not"):
        ShardReader([packed])
    assert [problem.shard.name for problem in verify([packed])] == ["shard-00001.tar"]
    shard.unlink()
    with pytest.raises(InputError, match="the shard is missing"):
        ShardReader([packed])


def test_parts_are_one_reader_and_a_clip_stands_in_one(packed, tmp_path):
    other = write_shards(tmp_path / "other", {"shard-00000.tar": ["d_0_10"]})
    assert ShardReader([packed, other]).index["clip"].tolist()[-1] == "d_0_10"
    with pytest.raises(InputError, match="a_0_10 is in two directories"):
        ShardReader([packed, packed])
    with pytest.raises(InputError, match="no such table"):
        ShardReader([tmp_path])

import hashlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leftright import results
from leftright.audio import LEFT, RIGHT
from leftright.clips import write_table
from leftright.data import packing
from leftright.data.shards import INDEX, ShardReader, verify
from leftright.errors import InputError
from leftright.stages import pack
from tests.synthetic_clips import CLICK_S, FLASH_TIMES_S, curated_table, write_flash_clip

CONFIG = pack.Config(frame_rate=6.0, frame_size=32, jpeg_quality=95, clips_per_shard=2, num_workers=1)
NAMES = [f"v{number}_0_2500" for number in range(5)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A collected and curated directory of five clips: even ones sound on the left, odd ones on the right."""
    root = tmp_path_factory.mktemp("world")
    for number, name in enumerate(NAMES):
        write_flash_clip(root / "collect/clips" / f"{name}.mkv", side=number % 2, tint=40 * number)
    write_table(root / "curate/curated.parquet", curated_table(root / "collect", NAMES))
    return root


def run(world: Path, out: Path, config: pack.Config = CONFIG, part: str = "0/1", curated: Path | None = None):
    metrics = out.parent / "pack.json"
    curated = curated or world / "curate"
    return pack.run(config, curated=curated, clips=(world / "collect",), out=out, metrics=metrics, part=part)


def digests(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}


@pytest.fixture(scope="module")
def packed(world, tmp_path_factory):
    out = tmp_path_factory.mktemp("packed") / "pack"
    run(world, out)
    return out


def test_flash_and_click_are_on_the_same_side_at_the_same_time(packed):
    reader = ShardReader([packed])
    for row, clip in enumerate(reader.index["clip"]):
        side = int(clip[1]) % 2
        frames = reader.frames(row).astype(float)
        halves = frames.reshape(len(frames), 3, 32, 2, 16).mean(axis=(1, 2, 4))
        expected = [round(time_s * 6) for time_s in FLASH_TIMES_S]
        assert np.flatnonzero(halves[:, side] > 120).tolist() == expected
        assert not (halves[:, 1 - side] > 120).any()

        waveform = np.abs(reader.waveform(row).astype(float))
        loud = (RIGHT if side else LEFT, LEFT if side else RIGHT)
        onsets = np.flatnonzero(np.diff(np.r_[0, waveform[loud[0]] > 2000].astype(int)) == 1) / 16_000
        first = [onsets[(onsets > time_s - 0.1) & (onsets < time_s + 0.1)][0] for time_s in FLASH_TIMES_S]
        np.testing.assert_allclose(first, FLASH_TIMES_S, atol=0.001)
        assert waveform[loud[1]].max() < 50
        heard = waveform[loud[0], round(0.5 * 16_000) : round((0.5 + CLICK_S) * 16_000)]
        assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.5 * 32768 / np.sqrt(2), rel=0.02)


def test_frames_and_sound_span_the_clip(packed):
    index = ShardReader([packed]).index
    assert index["num_frames"].tolist() == [15] * 5
    assert index["num_samples"].tolist() == [40_000] * 5
    assert set(index["frame_rate"]) == {6.0}


def test_sound_of_44100_hz_keeps_its_times(tmp_path):
    write_flash_clip(tmp_path / "collect/clips/a.mkv", side=1, sample_rate=44_100)
    write_table(tmp_path / "curate/curated.parquet", curated_table(tmp_path / "collect", ["a"]))
    run(tmp_path, tmp_path / "pack")
    waveform = ShardReader([tmp_path / "pack"]).waveform(0)
    assert waveform.shape == (2, 40_000)
    assert np.flatnonzero(np.abs(waveform[RIGHT]) > 2000)[0] / 16_000 == pytest.approx(0.5, abs=0.001)


def test_workers_and_parts_write_the_same_shards(world, packed, tmp_path):
    run(world, tmp_path / "two", replace(CONFIG, num_workers=2))
    assert digests(tmp_path / "two") == digests(packed)
    for index in range(2):
        run(world, tmp_path / str(index), part=f"{index}/2")
    parts = digests(tmp_path / "0") | digests(tmp_path / "1")
    whole = digests(packed)
    assert {name: parts[name] for name in whole if name != INDEX} == {
        name: value for name, value in whole.items() if name != INDEX
    }
    both = ShardReader([tmp_path / "0", tmp_path / "1"])
    pd.testing.assert_frame_equal(both.index, ShardReader([packed]).index)
    np.testing.assert_array_equal(both.frames(3), ShardReader([packed]).frames(3))


def test_a_part_without_a_shard_is_an_empty_index(world, packed, tmp_path):
    for index in range(4):
        run(world, tmp_path / str(index), part=f"{index}/4")
    reader = ShardReader([tmp_path / str(index) for index in (3, 0, 1, 2)])
    pd.testing.assert_frame_equal(reader.index, ShardReader([packed]).index)
    assert not len(ShardReader([tmp_path / "3"]))


def test_tar_shows_each_clip_with_its_json(packed):
    with tarfile.open(packed / "shard-00000.tar") as archive:
        names = archive.getnames()
        assert len({name.split(".")[0] for name in names}) == 2
        clip = names[0].removesuffix(".json")
        assert names[:3] == [f"{clip}.json", f"{clip}.pcm", f"{clip}.000.jpg"]
        document = json.load(archive.extractfile(names[0]))
    assert document["clip"] == clip
    assert document["sample_rate"] == 16_000


def test_faces_and_splits_are_carried_into_the_index(packed):
    row = ShardReader([packed]).index.iloc[1]
    assert (row["video"], row["split_channel"], row["log_energy_difference_db"]) == ("v1", "val", -5.0)
    edges = {"face_xs": 0.25, "face_lefts": 0.125, "face_tops": 0.25, "face_rights": 0.375, "face_bottoms": 0.75}
    for name, value in edges.items():
        np.testing.assert_array_equal(row[name], [value, np.nan])


def test_only_kept_clips_are_packed_and_counted(world, tmp_path):
    table = curated_table(world / "collect", NAMES)
    table.loc[2, "kept"] = False
    write_table(tmp_path / "curate/curated.parquet", table)
    outcome = run(world, tmp_path / "pack", curated=tmp_path / "curate")
    assert ShardReader([tmp_path / "pack"]).index["clip"].tolist() == [name for name in NAMES if name != NAMES[2]]
    assert outcome.values["pack.clips"].value == 4
    assert results.read(tmp_path / "pack.json")["pack.shards"].value == 2
    assert outcome.values["pack.bytes"].value == sum(path.stat().st_size for path in (tmp_path / "pack").glob("*.tar"))


def test_bad_input_is_named(world, tmp_path):
    table = curated_table(world / "collect", NAMES)
    write_table(tmp_path / "none/curated.parquet", table.assign(kept=False))
    with pytest.raises(InputError, match="no clip is kept"):
        run(world, tmp_path / "pack", curated=tmp_path / "none")
    write_table(tmp_path / "lost/curated.parquet", table.assign(path="clips/gone.mkv"))
    with pytest.raises(InputError, match=r"clips/gone\.mkv: in none of"):
        run(world, tmp_path / "pack", curated=tmp_path / "lost")
    with pytest.raises(InputError, match="jpeg_quality is 0"):
        replace(CONFIG, jpeg_quality=0)


def test_a_damaged_source_is_named_by_a_worker_process(world, tmp_path):
    table = curated_table(world / "collect", NAMES)
    (tmp_path / "collect/clips").mkdir(parents=True)
    (tmp_path / "collect/clips/bad.mkv").write_bytes(b"no media")
    table.loc[4, "path"] = "clips/bad.mkv"
    write_table(tmp_path / "curate/curated.parquet", table)
    with pytest.raises(InputError, match=r"bad\.mkv: cannot be decoded"):
        pack.run(
            replace(CONFIG, num_workers=2),
            curated=tmp_path / "curate",
            clips=(world / "collect", tmp_path / "collect"),
            out=tmp_path / "pack",
            metrics=tmp_path / "pack.json",
        )
    assert not (tmp_path / "pack").exists()


def test_a_finished_shard_is_not_written_again(world, packed, tmp_path, monkeypatch):
    out = tmp_path / "pack"
    write = packing._write_shard
    written = []

    def write_and_die(shard, **others):
        if len(written) == 1:
            raise KeyboardInterrupt
        written.append(shard.name)
        write(shard, **others)

    monkeypatch.setattr(packing, "_write_shard", write_and_die)
    with pytest.raises(KeyboardInterrupt):
        run(world, out)
    first = (tmp_path / "pack.partial/shard-00000.tar").stat().st_mtime_ns
    monkeypatch.setattr(packing, "_write_shard", write)
    run(world, out)
    assert (out / "shard-00000.tar").stat().st_mtime_ns == first
    assert digests(out) == digests(packed)


@pytest.mark.slow
def test_killed_and_run_again_gives_the_same_bytes(world, packed, tmp_path):
    out = tmp_path / "pack"
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in asdict(replace(CONFIG, num_workers=2)).items()]
    paths = [
        "--curated",
        world / "curate",
        "--clips",
        world / "collect",
        "--out",
        out,
        "--metrics",
        tmp_path / "m.json",
    ]
    command = [sys.executable, "-m", "leftright", "pack", *map(str, paths), *flags]
    environment = {**os.environ, "LEFTRIGHT_TRACKING": "none"}
    done = tmp_path / "pack.partial/.done"
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    while process.poll() is None and not any(done.glob("*.json")):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    subprocess.run(command, env=environment, check=True)
    assert digests(out) == digests(packed)
    assert verify([out]) == []
    assert not (tmp_path / "pack.partial").exists()

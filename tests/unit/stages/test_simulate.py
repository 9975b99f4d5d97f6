import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest

from leftright import results
from leftright.errors import InputError
from leftright.simulation import faults
from leftright.stages import simulate
from tests.tiny_world import VALUES

TINY = simulate.Config(**{**VALUES, "num_channels": 3, "mono_share": 0.2, "max_duration_s": 3.0}, num_workers=1)


def content(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("simulated")
    simulate.run(TINY, out=directory / "world", metrics=directory / "simulate.json")
    return directory


def test_every_video_has_a_file_a_sidecar_and_its_truth(world):
    truth = pd.read_parquet(world / "world" / "truth.parquet")
    trajectories = pd.read_parquet(world / "world" / "trajectories.parquet")
    assert truth["video"].is_unique
    assert set(trajectories["video"]) == set(truth["video"])
    for row in truth.itertuples():
        for suffix in (".mp4", ".info.json"):
            assert (world / "world" / "videos" / row.channel / f"{row.video}{suffix}").is_file()
    assert {path.name for path in (world / "world").iterdir()} == {"videos", "truth.parquet", "trajectories.parquet"}


def test_metrics_count_the_truth(world):
    truth = pd.read_parquet(world / "world" / "truth.parquet")
    values = results.read(world / "simulate.json")
    assert values["simulate.videos"].value == len(truth)
    assert values["simulate.channels"].value == 3
    assert values["simulate.duration_s"].value == pytest.approx(truth["duration_s"].sum())
    for fault in (faults.NONE, *faults.FAULTS):
        assert values[f"simulate.fault.{fault}"].value == (truth["fault"] == fault).sum()


def test_parts_are_disjoint_and_together_the_whole(world, tmp_path):
    videos: dict[str, bytes] = {}
    for index in range(2):
        out = tmp_path / str(index)
        simulate.run(TINY, out=out, metrics=tmp_path / "simulate.json", part=f"{index}/2")
        part = content(out / "videos")
        assert videos.keys().isdisjoint(part)
        videos |= part
    assert videos == content(world / "world" / "videos")


@pytest.mark.slow
def test_killed_run_of_two_processes_leaves_nothing_and_goes_on_to_the_same_bytes(world, tmp_path):
    out = tmp_path / "world"
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(replace(TINY, num_workers=2)).items()]
    command = [sys.executable, "-m", "leftright", "simulate", "--out", out, "--metrics", tmp_path / "m.json", *flags]
    environment = {**os.environ, "LEFTRIGHT_TRACKING": "none"}
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    parts = tmp_path / "world.partial" / "parts"
    while process.poll() is None and not any(parts.glob("*.trajectories.parquet")):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    subprocess.run(command, env=environment, check=True)
    assert content(out) == content(world / "world")


def test_senseless_input_is_named(tmp_path):
    paths = {"out": tmp_path / "world", "metrics": tmp_path / "simulate.json"}
    with pytest.raises(InputError, match="num_workers -1"):
        replace(TINY, num_workers=-1)
    with pytest.raises(InputError, match="--part 9/10: holds none"):
        simulate.run(replace(TINY, num_channels=1), **paths, part="9/10")
    with pytest.raises(InputError, match=r"no such SOFA file|needs h5py"):
        simulate.run(replace(TINY, hrtf=str(tmp_path / "none.sofa")), **paths)
    assert not (tmp_path / "world").exists()

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
from leftright.simulation.sound_events import make_recording
from leftright.stages import simulate
from tests.tiny_world import VALUES

TINY = simulate.Config(**{**VALUES, "num_channels": 3, "mono_share": 0.2, "max_duration_s": 3.0}, num_workers=1)

SPHERE = replace(
    TINY, sphere_num_videos=3, sphere_tau_recordings=2, sphere_unseen_share=1.0, sphere_no_z_share=0.3,
    sphere_head_locked_share=0.3,
)  # fmt: skip


def content(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("simulated")
    simulate.run(TINY, out=directory / "world", metrics=directory / "simulate.json")
    return directory


@pytest.fixture(scope="module")
def sphere_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same world with spherical videos, whose sources are all unseen, and sound events."""
    directory = tmp_path_factory.mktemp("spherical")
    simulate.run(SPHERE, out=directory / "world", metrics=directory / "simulate.json")
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


def test_what_is_none_has_no_file(world):
    assert not any(
        name.startswith(("simulate.sphere", "simulate.tau")) for name in results.read(world / "simulate.json")
    )


def test_spherical_videos_and_sound_events_leave_the_stereo_ones_byte_for_byte_as_they_are(world, sphere_world):
    stereo, both = content(world / "world"), content(sphere_world / "world")
    assert {name: both[name] for name in stereo} == stereo
    more = both.keys() - stereo.keys()
    assert {name for name in more if not name.startswith("videos")} == {
        "sphere_truth.parquet",
        "sphere_trajectories.parquet",
        *(f"tau/foa_dev/{name}.wav" for name in ("split1_ir0_ov1_1", "split2_ir0_ov2_2")),
        *(f"tau/metadata_dev/{name}.csv" for name in ("split1_ir0_ov1_1", "split2_ir0_ov2_2")),
    }
    truth = pd.read_parquet(sphere_world / "world" / "sphere_truth.parquet")
    trajectories = pd.read_parquet(sphere_world / "world" / "sphere_trajectories.parquet")
    assert truth["video"].tolist() == ["sp000v00", "sp000v01", "sp001v00"]
    assert set(trajectories["video"]) == set(truth["video"])
    expected = {
        f"videos/{row.channel}/{row.video}{end}" for row in truth.itertuples() for end in (".mp4", ".info.json")
    }
    assert {name for name in more if name.startswith("videos")} == expected


def test_metrics_count_what_is_spherical(sphere_world):
    truth = pd.read_parquet(sphere_world / "world" / "sphere_truth.parquet")
    values = {name: value.value for name, value in results.read(sphere_world / "simulate.json").items()}
    assert (values["simulate.sphere.videos"], values["simulate.sphere.channels"]) == (3, 2)
    assert values["simulate.sphere.duration_s"] == pytest.approx(truth["duration_s"].sum())
    for track in ("first_order", "no_z", "silent_z", "head_locked"):
        assert values[f"simulate.sphere.track.{track}"] == (truth["track"] == track).sum()
    assert values["simulate.sphere.unseen"] == (~truth["is_visible"]).sum() == 3
    assert values["simulate.sphere.outdoors"] == truth["is_outdoors"].sum()
    assert values["simulate.tau.recordings"] == 2


def test_parts_share_out_what_is_spherical(sphere_world, tmp_path):
    found: dict[str, bytes] = {}
    for index in range(2):
        simulate.run(SPHERE, out=tmp_path / str(index), metrics=tmp_path / "simulate.json", part=f"{index}/2")
        for kind in ("videos", "tau"):
            part = {f"{kind}/{name}": data for name, data in content(tmp_path / str(index) / kind).items()}
            assert found.keys().isdisjoint(part)
            found |= part
    whole = content(sphere_world / "world")
    assert found == {name: data for name, data in whole.items() if name.startswith(("videos", "tau"))}


def test_a_killed_run_goes_on_with_what_is_spherical(sphere_world, tmp_path, monkeypatch):
    out, metrics = tmp_path / "world", tmp_path / "simulate.json"
    rendered: list[str] = []

    def until_the_second(world, item, directory):
        rendered.append(item.name)
        if len(rendered) == 2:
            raise KeyboardInterrupt
        return make_recording(world, item, directory)

    monkeypatch.setattr(simulate, "make_recording", until_the_second)
    with pytest.raises(KeyboardInterrupt):
        simulate.run(SPHERE, out=out, metrics=metrics)
    assert not out.exists()
    simulate.run(SPHERE, out=out, metrics=metrics)
    assert rendered == ["split1_ir0_ov1_1", "split2_ir0_ov2_2", "split2_ir0_ov2_2"]
    assert content(out) == content(sphere_world / "world")


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

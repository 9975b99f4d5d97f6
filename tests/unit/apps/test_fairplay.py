"""`leftright fairplay` makes shards that later stages cannot tell from those of `pack`."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from leftright import cli
from leftright.apps import fairplay
from leftright.data import packing
from leftright.data.packing import FACE_COLUMNS, Packing
from leftright.data.shards import INDEX, ShardReader, verify
from leftright.data.windows import ClipStore, Window, window_geometry
from leftright.errors import InputError
from leftright.stages import pretrain
from tests.fairplay_set import SPLIT, samples, write_media, write_split, write_text_split
from tests.numbered_videos import NUM_BITS
from tests.pretrain_runs import CONFIG

PACKING = Packing(frame_rate=6.0, frame_size=40, jpeg_quality=95, clips_per_shard=2, num_workers=1)
NUMBERS = sorted(number for numbers in SPLIT.values() for number in numbers)
RATE = 16_000


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The set with five clips, at the rate of the shards so that their samples can be compared."""
    root = write_media(tmp_path_factory.mktemp("set"), NUMBERS, sample_rate=RATE)
    write_split(root / "splits/split1")
    return root


def run(root, out, part="0/1", split=None):
    return fairplay.run(PACKING, root=root, split=split or root / "splits/split1", out=out, part=part)


@pytest.fixture(scope="module")
def packed(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("packed") / "fairplay"
    run(root, out)
    return out


def digests(directory):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}


def test_sound_is_the_wavs_with_left_left(packed):
    reader = ShardReader([packed])
    assert reader.index["video"].tolist() == NUMBERS
    for row, number in enumerate(NUMBERS):
        np.testing.assert_array_equal(reader.waveform(row), samples(number, RATE))


def test_frame_k_is_the_one_shown_at_its_time(packed):
    frames = ShardReader([packed]).frames(0)
    assert frames.shape == (60, 3, 40, 40)
    middles = frames[:, 0, 20, 40 // NUM_BITS // 2 :: 40 // NUM_BITS]
    numbers = ((middles > 127) << np.arange(NUM_BITS)).sum(axis=1)
    assert numbers.tolist() == list(range(60))


def test_every_kind_of_split_is_the_one_that_was_given(packed):
    index = ShardReader([packed]).index
    for kind in ("video", "channel", "scene"):
        found = index.groupby(f"split_{kind}")["video"].agg(tuple).to_dict()
        assert found == SPLIT
    assert set(index["channel"]) == {"fairplay"}
    assert all(len(faces) == 0 for name in FACE_COLUMNS for faces in index[name])


def test_the_index_has_the_columns_of_pack(packed):
    assert set(ShardReader([packed]).index) >= {*packing.DESCRIPTION_COLUMNS, *FACE_COLUMNS}
    assert verify([packed]) == []


def test_a_scene_disjoint_split_is_taken_as_it_is_published(root, tmp_path):
    other = {"train": ("000001", "000002"), "val": ("000005",), "test": ("000003", "000004")}
    run(root, tmp_path / "out", split=write_text_split(tmp_path / "new_splits/split1", other))
    index = ShardReader([tmp_path / "out"]).index
    assert index.groupby("split_scene")["video"].agg(tuple).to_dict() == other


def test_several_processes_write_the_same(root, packed, tmp_path):
    packing_of_two = Packing(**{**vars(PACKING), "num_workers": 2})
    fairplay.run(packing_of_two, root=root, split=root / "splits/split1", out=tmp_path / "out")
    assert digests(tmp_path / "out") == digests(packed)


def test_parts_add_up(root, packed, tmp_path):
    values = [run(root, tmp_path / str(part), part=f"{part}/2") for part in range(2)]
    assert [each["fairplay.clips"].value for each in values] == [3, 2]
    both = ShardReader([tmp_path / "0", tmp_path / "1"])
    pd.testing.assert_frame_equal(both.index, ShardReader([packed]).index)
    parts = digests(tmp_path / "0") | digests(tmp_path / "1")
    whole = digests(packed)
    assert {**parts, INDEX: whole[INDEX]} == whole


def test_killed_and_run_again_gives_the_same_bytes(root, packed, tmp_path, monkeypatch):
    out, write, written = tmp_path / "out", packing._write_shard, []

    def write_and_die(shard, **others):
        if written:
            raise KeyboardInterrupt
        written.append(shard.name)
        write(shard, **others)

    monkeypatch.setattr(packing, "_write_shard", write_and_die)
    with pytest.raises(KeyboardInterrupt):
        run(root, out)
    assert not out.exists()
    first = (tmp_path / "out.partial/shard-00000.tar").stat().st_mtime_ns
    monkeypatch.setattr(packing, "_write_shard", write)
    run(root, out)
    assert (out / "shard-00000.tar").stat().st_mtime_ns == first
    assert digests(out) == digests(packed)


def test_what_was_begun_under_another_split_is_not_continued(root, tmp_path, monkeypatch):
    def die(shard, **others):
        raise KeyboardInterrupt

    write = packing._write_shard
    run(
        root,
        tmp_path / "right",
        split=write_text_split(tmp_path / "split", {**SPLIT, "val": SPLIT["test"], "test": SPLIT["val"]}),
    )
    monkeypatch.setattr(
        packing, "_write_shard", lambda shard, **others: (write if shard.name[-1] == "0" else die)(shard, **others)
    )
    with pytest.raises(KeyboardInterrupt):
        run(root, tmp_path / "out")
    monkeypatch.setattr(packing, "_write_shard", write)
    run(root, tmp_path / "out", split=tmp_path / "split")
    assert digests(tmp_path / "out") == digests(tmp_path / "right")


def test_windows_are_cut_from_it(packed):
    reader = ShardReader([packed])
    store = ClipStore(reader, window_geometry(reader, 2.87, 5, crop=32), cache_mb=16)
    assert store.long_enough(range(5)) == list(range(5))
    window = Window(2, store.last_starts[2])
    np.testing.assert_array_equal(
        store.waveform(window), samples("000003", RATE)[:, window.first_frame * RATE // 6 :][:, :45_920]
    )


def test_pretrain_learns_from_it(packed, tmp_path):
    outcome = pretrain.run(CONFIG, shards=(packed,), out=tmp_path / "pretrain", metrics=tmp_path / "pretrain.json")
    table = pd.read_parquet(tmp_path / "pretrain/flip/predictions.parquet")
    assert {name: set(rows["video"]) for name, rows in table.groupby("split")} == {
        name: set(SPLIT[name]) for name in set(table["split"])
    }
    assert outcome.model.is_file()


def test_the_command_takes_the_values_of_pack_from_a_file(root, packed, tmp_path, capsys):
    values = "".join(f"  {name}: {value}\n" for name, value in vars(PACKING).items())
    (tmp_path / "params.yaml").write_text(f"pack:\n{values}")
    paths = {"root": root, "split": root / "splits/split1", "out": tmp_path / "out", "params": tmp_path / "params.yaml"}
    words = [word for name, value in paths.items() for word in (f"--{name}", str(value))]
    assert cli.main(["fairplay", *words]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out'}: 5 clips, 3 train, 1 val, 1 test\n"
    assert digests(tmp_path / "out") == digests(packed)
    assert cli.main(["fairplay", *words, "--frame-size", "24"]) == 0
    assert set(ShardReader([tmp_path / "out"]).index["height"]) == {24}


def test_bad_input_is_one_line_and_leaves_nothing(root, tmp_path, capsys):
    with pytest.raises(InputError, match="jpeg_quality is 0"):
        Packing(**{**vars(PACKING), "jpeg_quality": 0})
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in vars(PACKING).items()]
    paths = ["--root", str(root), "--split", str(root / "splits"), "--out", str(tmp_path / "out")]
    assert cli.main(["fairplay", *paths, *flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"leftright fairplay: {root / 'splits/train.h5'}: no such list")
    assert list(tmp_path.iterdir()) == []

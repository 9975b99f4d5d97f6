"""What finetune says of models, shards and parameters that it cannot work with."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from leftright.clips import write_table
from leftright.data import shards
from leftright.errors import InputError
from tests.finetune_runs import SHORT, run, write_pretext_models
from tests.packed_world import write_packed_world


def without(packed: Path, directory: Path, **columns: object) -> Path:
    """The shards with columns of the index set to something else."""
    directory.mkdir()
    (directory / "shard-00000.tar").write_bytes((packed / "shard-00000.tar").read_bytes())
    write_table(directory / shards.INDEX, pd.read_parquet(packed / shards.INDEX).assign(**columns))
    return directory


def test_a_missing_file_of_imagenet_weights_is_one_line(packed, tmp_path):
    models = write_pretext_models(tmp_path / "models", tasks=("flip",), visual_width=64, visual_blocks=2)
    config = replace(SHORT, initialisations=("supervised",), supervised_weights=str(tmp_path / "none.pt"))
    with pytest.raises(InputError, match=r"none\.pt: no such file"):
        run(config, packed, models, tmp_path)


def test_no_models_at_all_are_named(packed, tmp_path):
    for config in (SHORT, replace(SHORT, initialisations=("scratch",), ablations="none")):
        with pytest.raises(InputError, match=r"no pretext model|no model of the task flip") as caught:
            run(config, packed, tmp_path / "nothing", tmp_path)
        assert str(tmp_path / "nothing") in str(caught.value) and "\n" not in str(caught.value)


def test_a_pretext_model_that_is_missing_is_named(packed, tmp_path):
    models = write_pretext_models(tmp_path / "models", tasks=("flip",))
    with pytest.raises(InputError, match="no model of the task shift; run pretrain with it among its tasks"):
        run(replace(SHORT, initialisations=("shift", "flip")), packed, models, tmp_path)
    assert not (tmp_path / "finetune").exists()


def test_a_split_that_is_empty_or_unknown_is_named(packed, models, tmp_path):
    with pytest.raises(InputError, match=r"index\.parquet: no clip has split_channel train"):
        run(SHORT, without(packed, tmp_path / "a", split_channel="test"), models, tmp_path)
    bare = without(packed, tmp_path / "b")
    pd.read_parquet(bare / shards.INDEX).drop(columns="split_channel").to_parquet(bare / shards.INDEX)
    with pytest.raises(InputError, match="lacks the column split_channel; run curate and pack again"):
        run(SHORT, bare, models, tmp_path)


def test_clips_without_a_sounding_face_cannot_be_tracked(packed, models, tmp_path):
    silent = [[float("nan")] * 17] * 20
    with pytest.raises(InputError, match="track: no clip of the train split has a face that follows the sound"):
        run(SHORT, without(packed, tmp_path / "pack", face_led_db=silent), models, tmp_path)


def test_shards_from_before_there_were_faces_are_named(models, tmp_path):
    """The other tasks need none."""
    plain = write_packed_world(tmp_path / "pack", num_channels=10, num_frames=18)
    with pytest.raises(InputError, match="track: the shards lack the column face_times_s; filter") as caught:
        run(SHORT, plain, models, tmp_path)
    assert "\n" not in str(caught.value)
    config = replace(SHORT, tasks=("separate",), initialisations=("scratch",), ablations="none")
    run(config, plain, models, tmp_path)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"window_s": 3.5}, "spatialize: a window of 3.5 s is longer than every clip of the train split"),
        ({"track_window_s": 3.5}, "track: a window of 3.5 s is longer than every clip of the train split"),
        ({"unet_width": 0}, "unet_width 0: must be above 0"),
        ({"spatialize_overlap": 1.0}, "spatialize_overlap 1.0: must be at least 0 and below 1"),
        ({"tasks": ()}, "tasks .*: name one or several of track, spatialize, separate, each once"),
        ({"tasks": ("track", "dance")}, "name one or several of track, spatialize, separate, each once"),
        ({"initialisations": ("flip", "flip")}, "initialisations .* each once"),
    ],
)
def test_parameters_that_cannot_work_are_named(packed, models, tmp_path, choice, message):
    tasks = {"tasks": ("spatialize",)} if "window_s" in choice else {}
    with pytest.raises(InputError, match=message):
        run(replace(SHORT, **{**tasks, **choice}), packed, models, tmp_path)
    assert not (tmp_path / "finetune").exists()

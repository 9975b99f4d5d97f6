"""The examples that are kept: the same clips for all variants, sounds that can be compared, and files that are all there."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from leftright.clips import read_table, write_table
from leftright.data.augmentation import AugmentationRange
from leftright.data.shards import INDEX, ShardReader
from leftright.data.windows import ClipStore
from leftright.models.audio_visual import Architecture
from leftright.models.downstream import Head, build
from leftright.models.geometry import WindowGeometry
from leftright.training import examples
from leftright.training.face_tracking import FaceTracking
from leftright.training.materials import Judging, Material
from leftright.training.separation import Separation
from leftright.training.spatialization import Spatialization
from leftright.video import decode_audio
from tests.packed_world import FRAME_RATE, write_packed_world

TINY = Architecture(2, 16, 2, 4, 2, 1, "conv", 2, "flatten", 4)
JUDGING = Judging(windows=1, targets=2, clips=0, num_resamples=10)
TIMES_S = [0.4, 0.8, 1.0, 1.2, 1.6]


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    directory = write_packed_world(tmp_path_factory.mktemp("world") / "pack")
    index = read_table(directory / INDEX)
    boxes = dict(zip(("face_lefts", "face_tops", "face_rights", "face_bottoms"), (0.5, 0.25, 0.75, 0.5), strict=True))
    lists = {name: [edge] * len(TIMES_S) for name, edge in boxes.items()}
    lists |= {"face_times_s": TIMES_S, "face_xs": [0.1, 0.2, 0.3, 0.4, 0.5], "face_led_db": [1.0, 2.0, 3.0, 4.0, 5.0]}
    columns = {name: [values] * len(index) for name, values in lists.items()}
    write_table(directory / INDEX, index.assign(**columns, title=["A title", *[""] * (len(index) - 1)]))
    reader = ShardReader((directory,))
    store = ClipStore(reader, WindowGeometry(1.0, FRAME_RATE, 1, 24), cache_mb=64)
    splits = reader.index["split_channel"]
    rows = {name: np.flatnonzero(splits == name).tolist() for name in ("train", "val", "test")}
    return Material(store, rows, AugmentationRange(0.0, 0.0, 0.0), seed=0, num_workers=0)


def network_of(task: str, material: Material, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    anchors = ((0.25, 0.25),) if task == "track" else ()
    return build(task, TINY, material.store.geometry, Head("both", 4 if task == "track" else 2, anchors))


def written(folder: Path) -> list[dict]:
    """What `examples.json` says; every file that it names is there, and no other."""
    entries = json.loads((folder / "examples.json").read_text())
    named = {entry["picture"] for entry in entries} | {each["file"] for entry in entries for each in entry["sounds"]}
    assert named | {"examples.json"} == {path.name for path in folder.iterdir()}
    return entries


def heard(folder: Path, name: str) -> np.ndarray:
    return decode_audio(folder / name)[0]


def test_a_clip_made_stereo_is_heard_before_after_and_as_it_is(material: Material, tmp_path: Path) -> None:
    task = Spatialization(material, JUDGING, "l1", 0.5)
    examples.write_examples(task, network_of("spatialize", material), tmp_path, 2)
    entries = written(tmp_path)
    assert [[sound["label"] for sound in entry["sounds"]] for entry in entries] == [
        ["before: mono", "after: predicted", "true"]
    ] * 2
    mono, predicted, true = (heard(tmp_path, sound["file"]) for sound in entries[0]["sounds"])
    assert (mono.shape, true.shape) == ((1, 32_000), (2, 32_000))
    assert np.allclose(mono[0], true.mean(axis=0), atol=1e-4), "one gain for all of them"
    assert np.allclose(predicted.sum(axis=0), true.sum(axis=0), atol=2e-4), "the sum is what the model was given"
    assert max(np.abs(sound).max() for sound in (mono, predicted, true)) == pytest.approx(0.9, abs=1e-3)


def test_what_is_pulled_apart_is_heard_for_both_pictures(material: Material, tmp_path: Path) -> None:
    examples.write_examples(Separation(material, JUDGING, "l1"), network_of("separate", material), tmp_path, 1)
    (entry,) = written(tmp_path)
    labels = ["before: the mixture", "first, after", "first, true", "second, after", "second, true"]
    assert [sound["label"] for sound in entry["sounds"]] == labels
    mixture, _, first, _, second = (heard(tmp_path, sound["file"]) for sound in entry["sounds"])
    assert np.allclose(mixture, first + second, atol=2e-4)


def test_faces_make_one_sheet(material: Material, tmp_path: Path) -> None:
    task = FaceTracking(material, JUDGING, min_agreement=0.5)
    examples.write_examples(task, network_of("track", material), tmp_path, 3)
    entries = written(tmp_path)
    assert [entry["picture"] for entry in entries] == ["track.png"] * 3
    assert len({entry["video"] for entry in entries}) == 3


def test_all_variants_show_the_same_clips(material: Material, tmp_path: Path) -> None:
    task = Spatialization(material, JUDGING, "l1", 0.5)
    shown = []
    for seed in (0, 1):
        examples.write_examples(task, network_of("spatialize", material, seed), tmp_path / str(seed), 2)
        shown.append([entry["clip"] for entry in written(tmp_path / str(seed))])
    assert shown[0] == shown[1]
    assert len(set(shown[0])) == 2


def test_one_of_a_video_evenly_over_the_videos() -> None:
    videos = ["a", "a", "a", "b", "c", "c", "d", "e"]
    assert examples.chosen(videos, 3) == [1, 5, 7], "the middle ones of a, c and e"
    assert examples.chosen(videos, 9) == [1, 3, 5, 6, 7]
    assert examples.chosen(videos, 1) == [1]


def test_the_level_grows_to_the_right_over_time() -> None:
    """Half a second only left, half a second only right."""
    sound = np.zeros((2, 16_000), np.float32)
    sound[0, :8000] = sound[1, 8000:] = 0.1
    times_s, levels_db = examples.level_track(sound)
    assert levels_db[times_s < 0.39].max() < -50
    assert levels_db[times_s > 0.61].min() > 50
    assert times_s[0] == pytest.approx(0.1)


def test_silence_belongs_to_no_side() -> None:
    sound = np.zeros((2, 16_000), np.float32)
    sound[:, :8000] = 0.1
    is_silent = examples._is_silent(sound)
    assert not is_silent[0]
    assert is_silent[-1]


def test_a_clip_without_a_title_goes_by_its_name(material: Material) -> None:
    first, second = (examples._described(material.store, row) for row in (0, 1))
    assert first["title"] == "A title"
    assert second["title"] == second["clip"]

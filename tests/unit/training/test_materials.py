import pytest

from leftright.data.augmentation import AugmentationRange
from leftright.data.shards import ShardReader
from leftright.data.windows import ClipStore, window_geometry
from leftright.training.materials import Material
from tests.packed_world import write_packed_world


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> ClipStore:
    reader = ShardReader([write_packed_world(tmp_path_factory.mktemp("world") / "pack", num_channels=3)])
    return ClipStore(reader, window_geometry(reader, 1.0, 2, crop=16), cache_mb=1)


def material(store: ClipStore, seed: int = 0) -> Material:
    return Material(store, {"test": list(range(100, 130))}, AugmentationRange(0, 0, 0), seed, 0)


@pytest.mark.parametrize("count", [0, 30, 99])
def test_all_are_judged_where_there_are_no_more(store, count):
    assert material(store).some("test", count) == list(range(100, 130))


def test_some_are_drawn_once_each_in_order_by_the_seed(store):
    chosen = material(store).some("test", 7)
    assert chosen == sorted(set(chosen)) and len(chosen) == 7 and set(chosen) <= set(range(100, 130))
    assert chosen == material(store).some("test", 7) != material(store, seed=1).some("test", 7)
    assert chosen != list(range(100, 107))


def test_a_clip_says_where_it_is_from(store):
    assert material(store).describe(3) == {"clip": "ch001v01_0_2000", "video": "ch001v01", "channel": "ch001"}

import numpy as np
import pandas as pd
import pytest

from leftright.data import splits
from leftright.data.splits import Shares, assign, leakage, scenes

SHARES = Shares(val=0.1, test=0.2)


def test_shares_are_met_and_nobody_is_left_out():
    names = [f"channel{number}" for number in range(5000)]
    parts = assign(names, SHARES, seed=0)
    assert set(parts) == set(names)
    counts = pd.Series(parts).value_counts(normalize=True)
    # Three standard deviations of a share of 5000.
    assert counts["test"] == pytest.approx(0.2, abs=0.017)
    assert counts["val"] == pytest.approx(0.1, abs=0.013)


def test_added_names_move_nobody():
    few = assign([f"v{number}" for number in range(100)], SHARES, seed=3)
    many = assign([f"v{number}" for number in range(1000)], SHARES, seed=3)
    assert {name: many[name] for name in few} == few


def test_seed_decides_and_order_and_repetition_do_not():
    names = [f"v{number}" for number in range(50)]
    assert assign(names, SHARES, 1) == assign([*reversed(names), *names], SHARES, 1)
    assert assign(names, SHARES, 1) != assign(names, SHARES, 2)


@pytest.mark.parametrize("seed", range(20))
def test_no_part_is_empty_where_there_are_names_enough(seed):
    assert set(assign(["a", "b", "c"], SHARES, seed).values()) == {"train", "val", "test"}
    assert set(assign(["a", "b", "c"], Shares(val=0.0, test=0.1), seed).values()) == {"train", "test"}
    assert len(assign(["a"], SHARES, seed)) == 1
    assert assign([], SHARES, seed) == {}


def test_scenes_join_what_is_alike_directly_or_by_a_chain():
    grey = np.full(6, 0.5)
    signatures = [grey, grey + 0.5, grey + 0.02, grey + 0.04, grey + 0.1]
    assert scenes(list("edcba"), signatures, 0.025) == ["b", "d", "b", "b", "a"]
    assert scenes(list("edcba"), signatures, 0.01) == list("edcba")
    assert scenes([], [], 0.1) == []


def test_distance_is_the_root_mean_square_whatever_the_length():
    for length in (3, 144):
        signatures = [np.zeros(length), np.full(length, 0.1)]
        assert len(set(scenes(["a", "b"], signatures, 0.1))) == 1
        assert len(set(scenes(["a", "b"], signatures, 0.0999))) == 2


def test_signatures_of_other_lengths_and_empty_ones_match_nothing():
    assert scenes(["a", "b", "c", "d"], [[], [], [0.5] * 3, [0.5] * 6], 1.0) == ["a", "b", "c", "d"]


def test_blocks_change_nothing(monkeypatch):
    signatures = np.random.default_rng(0).random((40, 4))
    clips = [f"c{number:02d}" for number in range(40)]
    whole = scenes(clips, signatures, 0.15)
    monkeypatch.setattr(splits, "_BLOCK_ROWS", 7)
    assert scenes(clips, signatures, 0.15) == whole
    assert whole == naive_scenes(clips, signatures, 0.15)
    assert 1 < len(set(whole)) < 40


def naive_scenes(clips, signatures, max_distance):
    """Spread the smallest name along near pairs until nothing changes."""
    names = list(clips)
    for _ in clips:
        for i, one in enumerate(signatures):
            for j, other in enumerate(signatures):
                if np.sqrt(np.mean((one - other) ** 2)) <= max_distance:
                    names[i] = names[j] = min(names[i], names[j])
    return names


def test_leakage_counts_what_test_shares_with_training():
    table = pd.DataFrame(
        [
            # clip, video, channel, scene, split by video, by channel, by scene
            ("1", "v1", "c1", "s1", "train", "train", "train"),
            ("2", "v2", "c1", "s1", "test", "train", "train"),
            ("3", "v3", "c2", "s2", "test", "test", "test"),
            ("4", "v3", "c2", "s3", "test", "test", "train"),
            ("5", "v4", "c3", "s4", "val", "val", "val"),
        ],
        columns=["clip", "video", "channel", "scene", "split_video", "split_channel", "split_scene"],
    )
    leaks = leakage(table).set_index(["split", "group"])
    counts = ["num_test", "num_shared", "num_test_clips", "num_shared_clips"]
    assert leaks.loc[("video", "video"), counts].tolist() == [2, 0, 3, 0]
    assert leaks.loc[("video", "channel"), counts].tolist() == [2, 1, 3, 1]
    assert leaks.loc[("video", "scene"), counts].tolist() == [3, 1, 3, 1]
    assert leaks.loc[("scene", "video"), counts].tolist() == [1, 1, 1, 1]
    assert leaks.loc[("channel", "channel"), counts].tolist() == [1, 0, 2, 0]
    assert len(leaks) == 9

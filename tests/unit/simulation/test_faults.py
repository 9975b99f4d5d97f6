from collections import Counter

import pytest

from leftright.simulation import faults

SHARES = dict.fromkeys(faults.FAULTS, 0.02)


def test_every_block_has_its_quota_exactly():
    first, second = (
        Counter(faults.fault_of(index, SHARES, seed=3) for index in range(start, start + 50)) for start in (0, 50)
    )
    assert first == second
    assert all(first[fault] == 1 for fault in faults.FAULTS)
    assert first[faults.NONE] == 50 - len(faults.FAULTS)


@pytest.mark.parametrize("share", [0.005, 0.013, 0.3])
def test_share_is_kept_over_many_videos(share):
    shares = {**dict.fromkeys(faults.FAULTS, 0.0), faults.MONO: share}
    count = sum(faults.fault_of(index, shares, seed=1) == faults.MONO for index in range(2000))
    assert count == round(2000 * share)


def test_order_is_the_seeds():
    orders = [[faults.fault_of(index, SHARES, seed) for index in range(50)] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_other_things_are_planted_by_quotas_of_their_own():
    shares = {"red": 0.1, "blue": 0.25}
    given = [faults.planted(index, shares, 10, [7, 1]) for index in range(20)]
    assert Counter(given[:10])["red"] == Counter(given[10:])["red"] == 1
    assert Counter(given)["blue"] == 5  # two and a half in ten
    assert given != [faults.planted(index, shares, 10, [7, 2]) for index in range(20)]

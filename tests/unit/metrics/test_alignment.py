"""The alignment error: 90 degrees for a model that tosses coins, 0 for one that knows, 180 for one that is always wrong."""

import numpy as np
import pytest

from leftright.metrics.alignment import GROUPS, align, group_members, rotations_deg

ANGLES = rotations_deg(36)
CONSENSUSES = ["odds", "product", "mean"]


def test_rotations_part_the_circle_evenly():
    np.testing.assert_allclose(rotations_deg(4), [0, 90, 180, 270])


@pytest.mark.parametrize("consensus", CONSENSUSES)
@pytest.mark.parametrize("logit", [0.0, 3.0, -3.0])
def test_a_model_that_does_not_care_is_90_degrees_off(consensus, logit):
    assert align(np.full((5, 36), logit), ANGLES, consensus).error_deg == pytest.approx(90)


@pytest.mark.parametrize("consensus", CONSENSUSES)
def test_a_model_that_tosses_coins_is_90_degrees_off_on_the_average(consensus):
    rng = np.random.default_rng(0)
    errors = [align(rng.choice([-4.0, 4.0], (6, 36)), ANGLES, consensus).error_deg for _ in range(3000)]
    assert np.mean(errors) == pytest.approx(90, abs=1.5)


@pytest.mark.parametrize("consensus", CONSENSUSES)
def test_a_perfect_model_is_not_off_and_a_reversed_one_by_half_a_turn(consensus):
    knows = np.where(ANGLES == 0, -40.0, 40.0)[None].repeat(3, axis=0)
    right = align(knows, ANGLES, consensus)
    assert right.error_deg == pytest.approx(0, abs=1e-6) and right.best_deg == 0
    assert right.confidence == pytest.approx(1, abs=1e-6)
    assert align(np.roll(knows, 18, axis=1), ANGLES, consensus).error_deg == pytest.approx(180, abs=1e-6)


def test_by_hand():
    """Two clips, rotations 0, 90, 180, 270: probabilities of being aligned .8 .5 .2 .5 and .6 .4 .4 .6."""
    clips = np.array([[0.8, 0.5, 0.2, 0.5], [0.6, 0.4, 0.4, 0.6]])
    logits = np.log((1 - clips) / clips)
    angles = rotations_deg(4)
    products = np.array([0.48, 0.20, 0.08, 0.30])
    found = align(logits, angles, "product")
    np.testing.assert_allclose(found.probabilities, products / products.sum())
    assert found.error_deg == pytest.approx((0.20 * 90 + 0.08 * 180 + 0.30 * 90) / products.sum())
    # Odds 4 1 .25 1 and 1.5 .667 .667 1.5: of each clip what points to 0 less what points to 180, and 90 less 270.
    odds = np.array([6.0, 2 / 3, 1 / 6, 1.5])
    by_odds = align(logits, angles, "odds")
    np.testing.assert_allclose(by_odds.probabilities, odds / odds.sum())
    assert by_odds.error_deg == pytest.approx((odds[1] * 90 + odds[2] * 180 + odds[3] * 90) / odds.sum())
    ahead = ((4 - 0.25) / 6.25 + (3 / 2 - 2 / 3) / (13 / 3)) / 2
    left = (0 + (2 / 3 - 3 / 2) / (13 / 3)) / 2
    assert by_odds.confidence == found.confidence == pytest.approx(np.hypot(ahead, left))
    means = np.array([0.70, 0.45, 0.30, 0.55])
    assert align(logits, angles, "mean").error_deg == pytest.approx((0.45 * 90 + 0.30 * 180 + 0.55 * 90) / means.sum())


def test_more_clips_make_a_product_surer_and_leave_a_mean_as_it_is():
    logits = 2 - 3 * np.cos(np.radians(ANGLES))[None]
    few, many = (align(logits.repeat(count, axis=0), ANGLES, "product").error_deg for count in (2, 12))
    assert many < few / 2
    few, many = (align(logits.repeat(count, axis=0), ANGLES, "mean").error_deg for count in (2, 12))
    assert many == pytest.approx(few)


def test_odds_stay_sharp_where_a_sure_model_s_probabilities_are_flat():
    """Logits of a model that only learnt to tell 0 from 180 degrees, and is sure of both."""
    logits = -8 * np.cos(np.radians(ANGLES))[None].repeat(6, axis=0)
    assert align(logits, ANGLES, "odds").error_deg < 10 < 25 < align(logits, ANGLES, "product").error_deg


def test_clips_that_disagree_leave_no_confidence():
    """Each sure of a rotation of its own: a model that tosses coins sure of itself."""
    sure = 40.0 - 80 * np.eye(36)
    assert align(sure, ANGLES, "odds").confidence == pytest.approx(0, abs=1e-6)
    assert align(np.zeros((4, 36)), ANGLES, "odds").confidence == pytest.approx(0, abs=1e-6)
    halves = align(sure[[0, 9]], ANGLES, "odds")
    assert halves.confidence == pytest.approx(np.sqrt(0.5))


def test_a_hundred_confident_clips_do_not_underflow():
    for consensus in ("odds", "product"):
        found = align(np.full((100, 36), 50.0) - 60 * (ANGLES == 10), ANGLES, consensus)
        assert (found.best_deg, found.error_deg) == (10, pytest.approx(10))


def test_the_rows_of_table_3():
    confidences = np.arange(20) / 20
    assert [len(group_members(confidences, group)) for group in GROUPS] == [20, 10, 2]
    np.testing.assert_array_equal(group_members(confidences, "high"), [18, 19])
    assert len(group_members([], "high")) == 0

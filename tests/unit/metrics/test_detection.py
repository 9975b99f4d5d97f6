"""Average precision by hand, by a naive count, and against torchmetrics."""

import math

import numpy as np
import pytest

from leftright.metrics.detection import (
    COCO_THRESHOLDS,
    average_precision,
    average_precision_of,
    intersection_over_union,
    matches,
)

FACE = [0.4, 0.2, 0.6, 0.6]


def boxes(*rows):
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def random_boxes(generator, count, near=None, spread=0.1):
    """Boxes anywhere, or jittered around a near one."""
    if near is None:
        corner, size = generator.uniform(0, 0.7, size=(count, 2)), generator.uniform(0.05, 0.3, size=(count, 2))
        return np.hstack([corner, corner + size])
    moved = near + spread * generator.normal(size=(count, 4)) * np.tile(near[2:] - near[:2], 2)
    return np.hstack([np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])])


def random_pictures(generator, count, faces=1, most_boxes=6):
    """Per picture boxes near and far from the true ones, and scores that are somewhat higher for the near."""
    pictures = []
    for _ in range(count):
        truth = random_boxes(generator, faces)
        near = [random_boxes(generator, generator.integers(0, most_boxes // 2 + 1), face) for face in truth]
        far = random_boxes(generator, generator.integers(0, most_boxes // 2 + 1))
        found = np.concatenate([*near, far])
        scores = generator.normal(size=len(found)) + np.array([1.0] * sum(map(len, near)) + [0.0] * len(far))
        pictures.append((found, scores, truth))
    return [list(column) for column in zip(*pictures, strict=True)]


def naive_overlap(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(right - left) * (bottom - top) for left, top, right, bottom in (first, second)]
    return width * height / (sum(areas) - width * height)


def naive_average_precision(found, scores, truth, threshold):
    """Take the boxes of all pictures by falling score; at each recall the best precision from there on."""
    ranked = sorted(
        ((score, picture, number) for picture, values in enumerate(scores) for number, score in enumerate(values)),
        reverse=True,
    )
    taken, hits, curve = set(), 0, []
    for rank, (_, picture, number) in enumerate(ranked, start=1):
        overlaps = {
            face: naive_overlap(found[picture][number], box)
            for face, box in enumerate(truth[picture])
            if (picture, face) not in taken
        }
        best = max(overlaps, key=overlaps.get, default=None)
        if best is not None and overlaps[best] >= threshold:
            taken.add((picture, best))
            hits += 1
        curve.append((hits / sum(map(len, truth)), hits / rank))
    best_from = [
        max((precision for recall, precision in curve if recall >= wanted), default=0.0)
        for wanted in np.linspace(0, 1, 101)
    ]
    return sum(best_from) / 101


def fast(found, scores, truth, threshold):
    judged = [matches(*picture, threshold) for picture in zip(found, scores, truth, strict=True)]
    return average_precision_of(
        np.concatenate([picture.is_hit for picture in judged]),
        np.concatenate([picture.scores for picture in judged]),
        sum(map(len, truth)),
    )


def test_overlap_by_hand():
    moved_by_half = [0.5, 0.2, 0.7, 0.6]  # shares 0.1 x 0.4 of 0.08 each: 0.04 / 0.12
    inside = [0.4, 0.2, 0.5, 0.4]  # a quarter
    touching, elsewhere, flat = [0.6, 0.2, 0.8, 0.6], [0.0, 0.8, 0.1, 0.9], [0.5, 0.3, 0.5, 0.5]
    found = intersection_over_union(boxes(FACE, moved_by_half), boxes(FACE, inside, touching, elsewhere, flat))
    np.testing.assert_allclose(found, [[1, 0.25, 0, 0, 0], [1 / 3, 0, 1 / 3, 0, 0]], atol=1e-12)
    assert intersection_over_union(boxes(flat), boxes(flat)).tolist() == [[0.0]]


def test_overlap_is_symmetric_and_turns_with_the_picture():
    generator = np.random.default_rng(0)
    first, second = random_boxes(generator, 20), random_boxes(generator, 30)
    found = intersection_over_union(first, second)
    assert found == pytest.approx(np.array([[naive_overlap(one, other) for other in second] for one in first]))
    np.testing.assert_allclose(found, intersection_over_union(second, first).T)
    mirrored = [np.stack([1 - rows[:, 2], rows[:, 1], 1 - rows[:, 0], rows[:, 3]], axis=1) for rows in (first, second)]
    np.testing.assert_allclose(intersection_over_union(*mirrored), found, atol=1e-12)


def test_the_hit_is_the_highest_score_that_overlaps_enough():
    worse, better, far = [0.4, 0.2, 0.6, 0.5], [0.4, 0.2, 0.6, 0.58], [0.0, 0.0, 0.1, 0.1]
    found = matches(boxes(better, far, worse), np.array([0.2, 0.9, 0.7]), boxes(FACE), 0.5)
    assert found.is_hit.tolist() == [False, True, False]
    assert found.scores.tolist() == [0.9, 0.7, 0.2]
    # At an overlap of 0.9 the worse box, with 0.75, is no longer one.
    assert matches(boxes(better, far, worse), np.array([0.2, 0.9, 0.7]), boxes(FACE), 0.9).is_hit.tolist() == [
        False, False, True]  # fmt: skip


def test_a_picture_without_boxes_and_one_without_a_face():
    assert matches(boxes(), np.array([]), boxes(FACE), 0.5).is_hit.tolist() == []
    assert matches(boxes(FACE), np.array([0.5]), boxes(), 0.5).is_hit.tolist() == [False]


def test_two_true_faces_are_found_by_a_box_each():
    other = [0.5, 0.2, 0.7, 0.6]
    between = [0.44, 0.2, 0.64, 0.6]
    found = matches(boxes(FACE, between, between), np.array([0.9, 0.8, 0.7]), boxes(FACE, other), 0.5)
    assert found.is_hit.tolist() == [True, True, False]


def test_average_precision_by_hand():
    # Hit, miss, hit of three faces: precision 1 up to recall 1/3 (34 of 101), 2/3 up to 2/3 (33), then nothing.
    is_hit, scores = np.array([True, True, False]), np.array([0.1, 0.9, 0.5])
    expected = (34 * 1 + 33 * 2 / 3) / 101
    assert average_precision_of(is_hit, scores, 3) == pytest.approx(expected)
    assert average_precision_of(np.ones(4, np.bool_), np.arange(4.0), 4) == 1.0
    assert average_precision_of(np.zeros(4, np.bool_), np.arange(4.0), 4) == 0.0
    assert average_precision_of(np.zeros(0, np.bool_), np.zeros(0), 4) == 0.0
    assert math.isnan(average_precision_of(np.zeros(1, np.bool_), np.zeros(1), 0))


def test_average_precision_of_pictures_by_hand():
    """Overlaps of 1 and 0.75, scored 0.9 and 0.8: both count up to 0.75, half of the recall after."""
    found = [boxes(FACE), boxes([0.4, 0.2, 0.6, 0.5])]
    result = average_precision(found, [np.array([0.9]), np.array([0.8])], [boxes(FACE)] * 2)
    assert COCO_THRESHOLDS[[0, 4, 6]] == pytest.approx([0.5, 0.7, 0.8])
    np.testing.assert_allclose(result[[0, 4]], 1.0)
    np.testing.assert_allclose(result[6:], 51 / 101, rtol=1e-6)


@pytest.mark.parametrize("faces", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_fast_is_torchmetrics_is_naive(seed, faces):
    pictures = random_pictures(np.random.default_rng(seed), 25, faces)
    library = average_precision(*pictures)
    ours = [fast(*pictures, threshold) for threshold in COCO_THRESHOLDS]
    np.testing.assert_allclose(ours, library, atol=1e-6)
    assert library[0] > library[-1]
    assert ours[2] == pytest.approx(naive_average_precision(*pictures, COCO_THRESHOLDS[2]))


def test_agree_where_scores_tie_and_pictures_are_drawn_twice():
    """As in a bootstrap: the same pictures several times, scores of a few values only."""
    generator = np.random.default_rng(3)
    found, scores, truth = random_pictures(generator, 12)
    drawn = generator.integers(12, size=40)
    pictures = [[column[row] for row in drawn] for column in (found, [np.round(values) for values in scores], truth)]
    for threshold, value in zip(COCO_THRESHOLDS, average_precision(*pictures), strict=True):
        assert fast(*pictures, threshold) == pytest.approx(value, abs=1e-6)


def test_agree_where_there_are_more_boxes_than_count():
    generator = np.random.default_rng(1)
    pictures = random_pictures(generator, 3, most_boxes=500)
    assert max(map(len, pictures[0])) > 100
    np.testing.assert_allclose(average_precision(*pictures)[0], fast(*pictures, 0.5), atol=1e-6)
    assert len(matches(*(column[0] for column in pictures), 0.5).scores) <= 100


def test_a_recall_on_the_grid_counts_as_reached():
    """7 of 100 found: recalls 0 to 0.07. In single precision 0.07 is more than 7 / 100, and would not be reached."""
    truth = [boxes(FACE)] * 100
    found = [boxes(FACE)] * 7 + [boxes()] * 93
    scores = [np.array([0.5])] * 7 + [np.array([])] * 93
    assert average_precision(found, scores, truth)[0] == pytest.approx(8 / 101)
    assert fast(found, scores, truth, 0.5) == pytest.approx(8 / 101)


def test_nothing_to_find_is_undefined():
    assert np.isnan(average_precision([boxes(FACE)], [np.array([1.0])], [boxes()])).all()
    assert np.isnan(average_precision([], [], [])).all()


def test_nothing_is_printed(capfd):
    average_precision([boxes(FACE)], [np.array([1.0])], [boxes(FACE)])
    assert capfd.readouterr() == ("", "")


def test_boxes_the_wrong_way_round_are_refused():
    with pytest.raises(ValueError, match="ends before it begins"):
        intersection_over_union(boxes([0.6, 0.2, 0.4, 0.6]), boxes(FACE))
    with pytest.raises(ValueError, match="expected boxes"):
        average_precision([np.zeros(4)], [np.zeros(1)], [boxes(FACE)])
    with pytest.raises(ValueError, match="zip"):
        average_precision([boxes(FACE)], [], [boxes(FACE)])


def test_the_process_that_judges_waits_for_no_other(monkeypatch):
    """Under torchrun one process judges; a metric that gathers from all of them would never return."""
    import torchmetrics.metric

    monkeypatch.setattr(torchmetrics.metric, "jit_distributed_available", lambda: True)
    monkeypatch.setattr(torchmetrics.metric, "gather_all_tensors", lambda *_, **__: pytest.fail("gathered"))
    box = np.array([[0.1, 0.1, 0.5, 0.5]])
    assert average_precision([box], [np.array([0.9])], [box]) == pytest.approx(1.0)

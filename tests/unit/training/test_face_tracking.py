"""Tracking: what is mirrored together, what is judged where, and a tracker made by hand that is right, and then mirrored."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from leftright.data.face_targets import Face, Target
from leftright.data.windows import StepLoader, StepSampler
from leftright.errors import InputError
from leftright.models.tracker import Tracker
from leftright.training.face_tracking import BOX, FaceTracking, anchor_sizes, mirror_boxes, step, unpack
from leftright.training.materials import Material
from tests.downstream_world import JUDGING, material_of
from tests.packed_world import FRAME_RATE, SIDE, SQUARE
from tests.unit.models.test_audio_visual import TINY


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Material:
    return material_of(tmp_path_factory.mktemp("world"), frame_step=1)


@pytest.fixture
def task(material) -> FaceTracking:
    return FaceTracking(material, JUDGING, 0.9)


class ByEar(nn.Module):
    """Says that the square is on the louder side: the box of the first seen square's size, in the middle of that half.

    mirrored : says the other side.
    """

    def __init__(self, *, mirrored: bool = False) -> None:
        super().__init__()
        self.mirrored, self.nothing = mirrored, nn.Parameter(torch.zeros(1))

    def detect(self, waveform, frame, count):
        middle = waveform[:, :, 8000:9000].square().mean(dim=-1)
        is_right = (middle[:, 1] > middle[:, 0]) ^ self.mirrored
        boxes = torch.zeros(len(waveform), count, 4)
        boxes[:, 0] = torch.where(
            is_right[:, None], torch.tensor([0.5, 0.0, 1.0, 1.0]), torch.tensor([0.0, 0.0, 0.5, 1.0])
        )
        confidences = torch.zeros(len(waveform), count)
        confidences[:, 0] = 0.9
        return boxes, confidences

    def loss(self, waveform, frame, boxes):
        return self.nothing.sum()


class Oracle(nn.Module):
    """Finds, for the batches of a test in their order, the very boxes that are wanted, best first among others."""

    def __init__(self, wanted: torch.Tensor) -> None:
        super().__init__()
        self.wanted, self.nothing = list(wanted), nn.Parameter(torch.zeros(1))

    def detect(self, waveform, frame, count):
        boxes = torch.zeros(len(waveform), count, 4)
        boxes[:, 0] = torch.stack([self.wanted.pop(0) for _ in range(len(waveform))])
        boxes[:, 1] = torch.tensor([0.4, 0.4, 0.45, 0.45])
        confidences = torch.zeros(len(waveform), count)
        confidences[:, :2] = torch.tensor([0.9, 0.2])
        return boxes, confidences

    def loss(self, waveform, frame, boxes):
        return self.nothing.sum()


def test_mirroring_a_box_by_hand_and_twice_is_the_identity():
    boxes = torch.tensor([[0.1, 0.2, 0.4, 0.8], [0.0, 0.0, 1.0, 1.0]])
    torch.testing.assert_close(mirror_boxes(boxes), torch.tensor([[0.6, 0.2, 0.9, 0.8], [0.0, 0.0, 1.0, 1.0]]))
    torch.testing.assert_close(mirror_boxes(mirror_boxes(boxes)), boxes)


class Watching(nn.Module):
    """Remembers what it is asked to learn."""

    def loss(self, waveform, frame, boxes):
        self.seen = waveform, frame, boxes
        return boxes.sum()


def seen_by(batch: Face) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    network = Watching()
    step(network, batch)
    return network.seen


def with_coins(batch: Face, coin: bool) -> Face:
    return batch._replace(is_mirrored=torch.full((len(batch.box),), coin))


def test_sound_picture_and_box_are_mirrored_together(task):
    batch = next(iter(StepLoader(task.training, StepSampler(1, 6, 0, 1), 0)))
    waveform, frame, boxes = seen_by(with_coins(batch, False))
    mirrored_waveform, mirrored_frame, mirrored_boxes = seen_by(with_coins(batch, True))
    assert torch.equal(mirrored_waveform, waveform.flip(1))
    assert torch.equal(mirrored_frame, frame.flip(-1))
    torch.testing.assert_close(mirrored_boxes, mirror_boxes(boxes))
    assert torch.equal(boxes, torch.as_tensor(batch.box))


def test_the_box_is_on_the_louder_side_whichever_way_it_is_shown(task):
    batch = next(iter(StepLoader(task.training, StepSampler(1, 12, 0, 1), 0)))
    for coin in (False, True):
        waveform, _, boxes = seen_by(with_coins(batch, coin))
        levels = waveform[:, :, 8000:9000].square().mean(dim=-1)
        assert torch.equal(levels[:, 1] > levels[:, 0], boxes[:, 0] + boxes[:, 2] > 1)


def test_the_picture_is_coloured_and_the_sound_has_full_scale_one():
    batch = Face(
        torch.full((1, 2, 4), 16_384, dtype=torch.int16), torch.full((1, 3, 2, 2), 255, dtype=torch.uint8),
        torch.tensor([[1.0, 0.5, 1.0]]), torch.tensor([[0.0, 0.0, -0.25]]), torch.tensor([False]), torch.zeros(1, 4),
    )  # fmt: skip
    waveform, frame, _ = unpack(batch)
    assert (waveform == 0.5).all()
    assert frame[0, :, 0, 0].tolist() == [1.0, 0.75, 0.75]


def test_anchors_are_the_sizes_that_boxes_have():
    """Two sizes, of which one is ten times as frequent: by their logarithms both are found."""
    small = [Target(0, 0.0, (0.1, 0.1, 0.1 + 0.05 * grow, 0.1 + 0.1 * grow)) for grow in (0.99, 1.0, 1.01)] * 10
    large = [Target(0, 0.0, (0.1, 0.1, 0.1 + 0.6 * grow, 0.1 + 0.5 * grow)) for grow in (0.99, 1.0, 1.01)]
    sizes = anchor_sizes(small + large, 2, seed=0)
    assert sizes[0] == pytest.approx((0.05, 0.1), rel=0.01)
    assert sizes[1] == pytest.approx((0.6, 0.5), rel=0.01)
    assert anchor_sizes(small + large, 2, seed=0) == sizes


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 3])
def test_fewer_boxes_than_anchors_still_make_anchors(count):
    targets = [Target(0, 0.0, (0.1, 0.1, 0.3 + 0.1 * number, 0.5)) for number in range(count)]
    sizes = anchor_sizes(targets, 8, seed=0)
    assert len(sizes) == 8
    known = [(0.2 + 0.1 * number, 0.4) for number in range(count)]
    assert all(any(size == pytest.approx(each) for each in known) for size in sizes)


def test_few_targets_of_each_clip_are_judged_evenly_over_it(task):
    by_row: dict[int, list[float]] = {}
    for target in task.test.faces.targets:
        by_row.setdefault(target.row, []).append(target.time_s)
    for row, times in by_row.items():
        everything = [target.time_s for target in task.targets["test"] if target.row == row]
        assert len(times) == JUDGING.targets
        assert (times[0], times[-1]) == (everything[0], everything[-1])


def test_splits_do_not_mix(task, material):
    for name, targets in task.targets.items():
        assert {target.row for target in targets} <= set(material.rows[name])
    assert set(task.training.rows) <= set(material.rows["train"])
    assert {target.row for target in task.test.faces.targets} <= set(material.rows["test"])


def test_a_split_without_a_sounding_face_is_named(material):
    with pytest.raises(InputError, match="track: no clip of the train split has a face that follows the sound"):
        FaceTracking(material, JUDGING, 1.5)
    with pytest.raises(InputError, match="no clip of the test split"):
        FaceTracking(replace(material, rows={**material.rows, "test": []}), JUDGING, 0.9)


def test_a_perfect_tracker_is_found_perfect(task):
    """What the crop from the centre cuts off cannot be found: of the rest the boxes are those of the detector."""
    wanted = torch.stack([torch.from_numpy(np.asarray(task.test[number].box)) for number in range(len(task.test))])
    table = task.examine(Oracle(wanted))
    inside = table[[f"true_{edge}" for edge in BOX]].clip(2 / SIDE, 22 / SIDE).to_numpy()
    np.testing.assert_allclose(table[list(BOX)], inside, atol=1e-6)
    values = task.summary(table)
    assert values["ap50"].value == 1
    assert values["centre_x"].value > 0.99
    assert values["iou"].value > 0.8
    assert values["iou"].n == len(table) == len(task.test)


def test_a_tracker_that_hears_the_side_is_right_about_it_and_its_mirror_image_is_wrong(task):
    right, wrong = (task.summary(task.examine(ByEar(mirrored=mirrored))) for mirrored in (False, True))
    assert right["centre_x"].value > 0.9
    assert wrong["centre_x"].value < -0.9
    assert right["iou"].value > 0.1 > wrong["iou"].value
    assert task.validate(ByEar()).criterion < task.validate(ByEar(mirrored=True)).criterion


def test_the_table_says_where_each_row_is_from(task, material):
    table = task.examine(ByEar())
    clips = [material.store.reader.index["clip"][target.row] for target in task.test.faces.targets]
    assert table["clip"].tolist() == clips
    assert (np.abs(table["frame_s"] - table["time_s"]) > 0.5).all()
    assert table["confidences"].map(len).tolist() == [1] * len(table)
    assert table["boxes"].map(len).tolist() == [4] * len(table)
    assert table["time_s"].tolist() == [target.time_s for target in task.test.faces.targets]
    assert np.allclose(table["time_s"] * FRAME_RATE, (table["time_s"] * FRAME_RATE).round())


def test_the_first_box_is_the_most_confident(task):
    wanted = torch.zeros(len(task.test), 4)
    wanted[:] = torch.tensor([0.25, 0.25, 0.75, 0.75])
    table = task.examine(Oracle(wanted))
    assert table["left"].iloc[0] == pytest.approx((0.25 * 20 + 2) / 24)
    assert table["confidences"].iloc[0] == pytest.approx([0.9, 0.2])
    assert np.reshape(table["boxes"].iloc[0], (-1, 4))[0].tolist() == pytest.approx(table[list(BOX)].iloc[0].tolist())


def test_the_best_network_is_that_of_the_highest_overlap(task):
    judgement = task.validate(ByEar())
    assert judgement.criterion == -judgement.numbers["iou"]


def test_a_real_tracker_is_trained_and_judged(task, material):
    """The whole way through: what is learnt is the loss of the network at the items' boxes."""
    torch.manual_seed(0)
    network = Tracker(TINY, material.store.geometry, ((SQUARE / SIDE, SQUARE / SIDE),), 8, "both")
    batch = next(iter(StepLoader(task.training, StepSampler(1, 4, 0, 1), 0)))
    assert step(network, batch)["loss"].item() > 0
    table = task.examine(network)
    assert set(map(len, table["boxes"])) <= {4 * count for count in range(1, 11)}
    assert np.isfinite(list(task.validate(network).numbers.values())).all()

"""The tracker: its grid, its order, and that it learns on which side the sounding square is."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from leftright.models.boxes import encode
from leftright.models.tracker import Tracker
from tests.unit.models.test_audio_visual import PAPER, PAPER_WINDOW, TINY, TINY_WINDOW

SIZES = ((0.3, 0.3), (0.5, 0.5))


def tracker(inputs: str = "both", sizes=SIZES) -> Tracker:
    torch.manual_seed(0)
    return Tracker(TINY, TINY_WINDOW, sizes, 8, inputs).eval()


def sounds_and_frames(count: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    waveform = 0.1 * torch.randn(count, 2, TINY_WINDOW.num_samples, generator=generator)
    return waveform, torch.rand(count, 3, 32, 32, generator=generator)


def test_full_size():
    window = replace(PAPER_WINDOW, duration_s=1.0)
    sizes = tuple((0.1 * number, 0.1 * number) for number in range(1, 9))
    # The spectrogram's mel bands cannot be made on the meta device.
    network = Tracker(PAPER, window, sizes, 256, "both")
    shapes: list[tuple[int, ...]] = []
    for layer in network.head:
        if isinstance(layer, nn.ConvTranspose2d):
            layer.register_forward_hook(lambda _layer, given, made: shapes.append((*given[0].shape, *made.shape[1:])))
    network.eval().head(torch.zeros(1, 1040, 1, 1))
    assert shapes == [(1, 1040, 1, 1, 256, 3, 3), (1, 256, 3, 3, 256, 7, 7)]
    assert len(network.anchors) == 7 * 7 * 8
    assert network.head[-1].out_channels == 8 * 5


def test_codes_and_confidences_lie_at_their_anchors():
    """A confidence that is planted in one cell comes out at that cell's anchors; codes beside confidences do not mix."""
    network, (waveform, frames) = tracker(), sounds_and_frames(1)
    planted = torch.zeros(1, 2 * 5, 7, 7)
    planted[0, 5:9, 2, 4] = torch.tensor([1.0, 2.0, 3.0, 4.0])  # the second anchor of row 2, column 4
    planted[0, 9, 2, 4] = 7.0
    network.head = Always(planted)
    codes, logits = network(waveform, frames)
    place = 2 * (7 * 2 + 4) + 1
    assert logits[0].nonzero().flatten().tolist() == [place]
    assert codes[0, place].tolist() == [1.0, 2.0, 3.0, 4.0]
    centre = (network.anchors[place, :2] + network.anchors[place, 2:]) / 2
    assert centre.tolist() == pytest.approx([4.5 / 7, 2.5 / 7])
    assert (network.anchors[place, 2] - network.anchors[place, 0]).item() == pytest.approx(0.5)


class Always(nn.Module):
    """Says one thing whatever it is given."""

    def __init__(self, said: torch.Tensor) -> None:
        super().__init__()
        self.said = said

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.said.expand(len(features), -1, -1, -1)


def test_before_training_every_confidence_is_low():
    _, logits = tracker()(*sounds_and_frames())
    assert logits.sigmoid().mean() < 0.05


def test_detections_come_best_first_and_do_not_overlap_by_half():
    network, (waveform, frames) = tracker(), sounds_and_frames()
    network.head[-1].weight.data.mul_(20)
    boxes, confidences = network.detect(waveform, frames, 5)
    assert (confidences.diff(dim=1) <= 0).all()
    _, logits = network(waveform, frames)
    torch.testing.assert_close(confidences[:, 0], logits.sigmoid().amax(dim=1))
    from torchvision.ops import box_iou

    for each in boxes:
        assert torch.triu(box_iou(each, each), diagonal=1).max() <= 0.5


def test_where_there_are_fewer_boxes_the_rest_has_no_confidence():
    """One huge anchor a cell: after the best no other is left."""
    network, (waveform, frames) = tracker(sizes=((20.0, 20.0),)), sounds_and_frames(1)
    boxes, confidences = network.detect(waveform, frames, 4)
    assert (confidences[0] > 0).tolist() == [True, False, False, False]
    assert (boxes[0, 1:] == 0).all()


def test_a_perfect_answer_costs_next_to_nothing_and_the_mirrored_one_much():
    network, (waveform, frames) = tracker(), sounds_and_frames(2)
    boxes = torch.tensor([[0.1, 0.1, 0.4, 0.4], [0.55, 0.5, 0.95, 0.9]])
    mirrored = torch.stack((1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0], boxes[:, 3]), dim=1)
    codes = encode(boxes[:, None].expand(-1, 98, -1), network.anchors)
    from leftright.models.boxes import responsible

    confidence = torch.where(responsible(boxes, network.anchors), 12.0, -12.0)
    said = torch.cat((codes, confidence[..., None]), dim=-1)
    network.head = Always(said.unflatten(1, (7, 7, 2)).permute(0, 3, 4, 1, 2).flatten(1, 2))
    network.head.forward = lambda features: network.head.said
    assert network.loss(waveform, frames, boxes) < 1e-4
    assert network.loss(waveform, frames, mirrored) > 1


def test_a_face_that_the_crop_cut_off_is_no_face_and_breaks_nothing():
    """Its box has no width, whose logarithm would be minus infinity."""
    network, (waveform, frames) = tracker(), sounds_and_frames(2)
    gone = torch.tensor([[0.0, 0.3, 0.0, 0.6], [0.2, 0.2, 0.5, 0.5]])
    for boxes in (gone, gone[:1].expand(2, -1)):
        loss = network.loss(waveform, frames, boxes)
        loss.backward()
        assert loss.isfinite()
        assert all(weight.grad.isfinite().all() for weight in network.parameters())
    seen = network.loss(waveform[1:], frames[1:], gone[1:]).item()
    assert 0 < network.loss(waveform[:1], frames[:1], gone[:1]).item() < seen


@pytest.mark.parametrize(("inputs", "ignored"), [("both", ""), ("sound", "picture"), ("picture", "sound")])
def test_an_input_that_is_left_out_changes_nothing(inputs, ignored):
    network, (waveform, frames) = tracker(inputs), sounds_and_frames()
    before = network(waveform, frames)
    for name, after in (("sound", network(-waveform.flip(1), frames)), ("picture", network(waveform, 1 - frames))):
        is_same = all(torch.equal(first, second) for first, second in zip(before, after, strict=True))
        assert is_same == (name == ignored), name


def test_a_part_that_is_left_out_is_not_trained():
    for inputs, part, other in (("sound", "visual", "audio"), ("picture", "audio", "visual")):
        network = tracker(inputs)
        assert not any(weight.requires_grad for weight in getattr(network, part).parameters())
        assert all(weight.requires_grad for weight in getattr(network, other).parameters())


def test_it_learns_where_the_sound_says_the_square_is():
    """The frame has a square on each side; the louder channel alone says which is meant."""
    torch.manual_seed(0)
    network = Tracker(TINY, TINY_WINDOW, ((0.25, 0.25),), 16, "both")
    frames = torch.zeros(16, 3, 32, 32)
    frames[..., 12:20, 4:12] = frames[..., 12:20, 20:28] = 1.0
    is_right = torch.arange(16) % 2 == 1
    gains = torch.where(is_right[:, None], torch.tensor([0.02, 0.1]), torch.tensor([0.1, 0.02]))
    sides = torch.tensor([[0.125, 0.375, 0.375, 0.625], [0.625, 0.375, 0.875, 0.625]])
    boxes = sides[is_right.long()]
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(40):
        waveform = gains[..., None] * torch.randn(16, 2, TINY_WINDOW.num_samples)
        optimizer.zero_grad()
        network.loss(waveform, frames, boxes).backward()
        optimizer.step()
    waveform = gains[..., None] * torch.randn(16, 2, TINY_WINDOW.num_samples)
    found, _ = network.eval().detect(waveform, frames, 1)
    centres = (found[:, 0, 0] + found[:, 0, 2]) / 2
    assert ((centres > 0.5) == is_right).all()
    swapped, _ = network.detect(waveform.flip(1), frames, 1)
    assert (((swapped[:, 0, 0] + swapped[:, 0, 2]) / 2 > 0.5) == ~is_right).all()

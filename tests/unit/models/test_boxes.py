import pytest
import torch

from leftright.models.boxes import GRID, anchors_over, decode, encode, responsible


def test_anchors_by_hand():
    """Two sizes in 7 x 7 cells, row by row: the first cell's centre is at 1/14, the last one's at 13/14."""
    anchors = anchors_over(torch.tensor([[0.2, 0.4], [0.1, 0.1]]))
    assert anchors.shape == (GRID * GRID * 2, 4)
    fourteenth = 1 / 14
    expected = {
        0: (fourteenth - 0.1, fourteenth - 0.2, fourteenth + 0.1, fourteenth + 0.2),
        1: (fourteenth - 0.05, fourteenth - 0.05, fourteenth + 0.05, fourteenth + 0.05),
        2: (3 * fourteenth - 0.1, fourteenth - 0.2, 3 * fourteenth + 0.1, fourteenth + 0.2),  # x grows first
        14: (fourteenth - 0.1, 3 * fourteenth - 0.2, fourteenth + 0.1, 3 * fourteenth + 0.2),  # then y
        97: (13 * fourteenth - 0.05,) * 2 + (13 * fourteenth + 0.05,) * 2,
    }
    for place, box in expected.items():
        assert anchors[place].tolist() == pytest.approx(box)


def test_a_code_by_hand():
    """Half the anchor's width to the right, a quarter of its height up, twice as wide, as high."""
    anchor = torch.tensor([0.4, 0.4, 0.6, 0.8])
    box = torch.tensor([0.4, 0.3, 0.8, 0.7])
    assert encode(box, anchor).tolist() == pytest.approx([0.5, -0.25, 0.693147, 0.0], abs=1e-5)


def test_decoding_is_the_inverse_of_encoding():
    torch.manual_seed(0)
    corners = torch.rand(200, 2, 2)
    boxes = torch.cat((corners.amin(dim=1), corners.amax(dim=1) + 0.01), dim=-1)
    anchors = anchors_over(torch.tensor([[0.2, 0.3]])).repeat(5, 1)[:200]
    torch.testing.assert_close(decode(encode(boxes, anchors), anchors), boxes, atol=1e-6, rtol=1e-5)


def test_a_code_of_nothing_is_the_anchor_and_a_wild_one_is_bounded():
    anchor = torch.tensor([[0.4, 0.4, 0.6, 0.8]])
    torch.testing.assert_close(decode(torch.zeros(1, 4), anchor), anchor)
    assert decode(torch.full((1, 4), 1000.0), anchor).isfinite().all()


def test_responsible_are_those_that_overlap_by_half_and_always_the_best():
    anchors = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.6, 1.0], [0.9, 0.9, 1.0, 1.0]])
    boxes = torch.tensor([
        [0.0, 0.0, 0.55, 1.0],  # overlaps 0.55, 0.5 / 0.55, 0.55 / 0.6 and nothing
        [0.8, 0.8, 0.9, 0.9],  # overlaps the whole picture by 0.01 and no other: that one it is
        [0.4, 0.0, 1.0, 1.0],  # overlaps 0.6, 0.1 / 1.0, 0.2 / 1.0 and 0.01 / 0.6
    ])  # fmt: skip
    assert responsible(boxes, anchors).tolist() == [
        [True, True, True, False],
        [True, False, False, False],
        [True, False, False, False],
    ]


def test_no_anchor_is_to_find_what_the_crop_cut_off():
    anchors = anchors_over(torch.tensor([[0.2, 0.2]]))
    gone = torch.tensor([[0.0, 0.3, 0.0, 0.6], [0.2, 1.0, 0.4, 1.0], [0.2, 0.2, 0.4, 0.4]])
    assert responsible(gone, anchors).any(dim=1).tolist() == [False, False, True]

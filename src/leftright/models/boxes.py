"""Boxes as a network predicts them: anchors in cells, offsets and scales to them, and which of them a face belongs to.

Boxes are left, top, right, bottom as fractions of the picture; the grid has 7 x 7 cells, with 8 anchors each (supplement,
section B). The code of a box is that of SSD (Liu et al., ECCV 2016) without its variances: the centre's distance in units of
the anchor's size, and the logarithm of the sizes' ratio.
"""

import torch
from torch import Tensor
from torchvision.ops import box_convert, box_iou

GRID = 7


def anchors_over(sizes: Tensor) -> Tensor:
    """Every anchor of the grid. sizes : (anchors, 2) of width and height. Returns (7 * 7 * anchors, 4) boxes, row by row."""
    centres = (torch.arange(GRID, dtype=sizes.dtype, device=sizes.device) + 0.5) / GRID
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    places = torch.stack((x, y), dim=-1).view(-1, 1, 2).expand(-1, len(sizes), -1)
    shapes = sizes.expand(GRID * GRID, -1, -1)
    return box_convert(torch.cat((places, shapes), dim=-1).reshape(-1, 4), "cxcywh", "xyxy")


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Boxes relative to anchors, both (..., 4): (..., 4) of x, y, width and height."""
    box, anchor = box_convert(boxes, "xyxy", "cxcywh"), box_convert(anchors, "xyxy", "cxcywh")
    offset = (box[..., :2] - anchor[..., :2]) / anchor[..., 2:]
    return torch.cat((offset, torch.log(box[..., 2:] / anchor[..., 2:])), dim=-1)


def decode(codes: Tensor, anchors: Tensor) -> Tensor:
    """What `encode` made, back to boxes (..., 4)."""
    anchor = box_convert(anchors, "xyxy", "cxcywh")
    centre = codes[..., :2] * anchor[..., 2:] + anchor[..., :2]
    size = torch.exp(codes[..., 2:].clamp(max=4)) * anchor[..., 2:]
    return box_convert(torch.cat((centre, size), dim=-1), "cxcywh", "xyxy")


def responsible(boxes: Tensor, anchors: Tensor, least_overlap: float = 0.5) -> Tensor:
    """Which anchors are to find a box. boxes : (batch, 4). anchors : (anchors, 4). Returns (batch, anchors) bool.

    Those that overlap it (intersection over union) by at least `least_overlap`, and the one that does most. None is to find a
    box without area: a face of which the crop left nothing.
    """
    overlap = box_iou(boxes, anchors)
    chosen = (overlap >= least_overlap).scatter(1, overlap.argmax(dim=1, keepdim=True), True)
    return chosen & (boxes[:, 2:] > boxes[:, :2]).all(dim=1, keepdim=True)

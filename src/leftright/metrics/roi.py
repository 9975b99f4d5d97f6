"""The region of a picture that a model's judgement rests on, found by masking (supplement, section B, "Predicted ROI").

A window slides over the picture and replaces what it covers by the frame's mean colour, at the same place in every frame.
The window whose omission changes the model's answer most is the predicted region of interest, and its horizontal centre the
prediction of where the sound is (Zhou et al., Object detectors emerge in deep scene CNNs, 2015).

The change counts whichever way it goes. Were only a fall of the confidence in the *right* answer to count, the label would
leak: where a picture shows the performer on the wrong side, masking them raises that confidence, every other place falls
less, and the "region" lands on the side of the sound although nothing is to be seen there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from leftright.metrics.regions import centre_of_mass, strongest, window_starts

MaskShape = Literal["square", "column"]


@dataclass(frozen=True)
class MaskGrid:
    """Where masks lie.

    boxes : (masks, 4) of top, left, bottom, right in pixels, ends excluded. rows, columns : the grid's shape.
    width : the picture's, in pixels.
    """

    boxes: NDArray[np.int64]
    rows: int
    columns: int
    width: int

    @classmethod
    def over(cls, height: int, width: int, mask_px: int, stride_px: int, shape: MaskShape) -> "MaskGrid":
        """Squares of `mask_px`, or columns of that width and full height, that cover the picture edge to edge."""
        mask_height = height if shape == "column" else mask_px
        tops = window_starts(height, mask_height, stride_px)
        lefts = window_starts(width, mask_px, stride_px)
        boxes = np.array([(top, left, top + mask_height, left + mask_px) for top in tops for left in lefts])
        return cls(boxes, len(tops), len(lefts), width)

    @property
    def centres_x(self) -> NDArray[np.float64]:
        """Horizontal centre of each mask (masks,), as a fraction of the picture's width."""
        return (self.boxes[:, 1] + self.boxes[:, 3]) / 2 / self.width


@dataclass(frozen=True)
class Region:
    """The predicted region of one window of a clip.

    x : horizontal centre of the most important mask, as a fraction of the picture (mean of several that tie).
    soft_x : centre of mass of all importances; NaN where all are zero.
    importance : (rows, columns) of the grid, how much the answer changes by each mask, from 0.
    box : top, left, bottom, right of (the first) most important mask, in pixels.
    """

    x: float
    soft_x: float
    importance: NDArray[np.float64]
    box: tuple[int, int, int, int]


def predicted_region(
    answer: Callable[[Tensor], Tensor], frames: Tensor, grid: MaskGrid, *, frames_per_batch: int
) -> Region:
    """Mask every place in turn, and find the one that matters most.

    answer : the model's, from frames (batch, time, 3, height, width) to one number each (batch,), such as a logit.
    frames : (time, 3, height, width), floating point. frames_per_batch : how many masked frames the model sees at once.
    """
    boxes = torch.from_numpy(grid.boxes)
    masks_per_batch = max(1, frames_per_batch // len(frames))
    whole = answer(frames.unsqueeze(0))
    parts = [answer(masked_copies(frames, part)) for part in boxes.split(masks_per_batch)]
    change = (torch.cat(parts) - whole).abs().double().cpu().numpy()
    top, left, bottom, right = grid.boxes[change.argmax()].tolist()
    return Region(
        x=strongest(change, grid.centres_x),
        soft_x=centre_of_mass(change, grid.centres_x),
        importance=change.reshape(grid.rows, grid.columns),
        box=(top, left, bottom, right),
    )


def masked_copies(frames: Tensor, boxes: Tensor) -> Tensor:
    """One copy of the frames a box, with the box replaced by each frame's mean colour.

    frames : (time, 3, height, width). boxes : (masks, 4) of top, left, bottom, right. Returns (masks, time, 3, height, width).
    """
    height, width = frames.shape[-2:]
    top, left, bottom, right = boxes.to(frames.device).T[:, :, None]
    ys, xs = torch.arange(height, device=frames.device), torch.arange(width, device=frames.device)
    inside_y, inside_x = (ys >= top) & (ys < bottom), (xs >= left) & (xs < right)
    inside = (inside_y[:, :, None] & inside_x[:, None, :])[:, None, None]
    return torch.where(inside, frames.mean(dim=(-2, -1), keepdim=True), frames)


def importance_map(region: Region, grid: MaskGrid, height: int) -> NDArray[np.float64]:
    """Importance of each pixel (height, width): the mean over the masks that cover it."""
    total, count = np.zeros((height, grid.width)), np.zeros((height, grid.width))
    for (top, left, bottom, right), importance in zip(grid.boxes, region.importance.flat, strict=True):
        total[top:bottom, left:right] += importance
        count[top:bottom, left:right] += 1
    return total / np.maximum(count, 1)

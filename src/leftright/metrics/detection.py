"""How well a sounding face is found: average precision of boxes, as COCO defines it.

Two ways to the same number. `average_precision` asks pycocotools through torchmetrics, and is what is reported. A bootstrap
wants it a thousand times, of other pictures each time: for it `matches` judges every picture once, and `average_precision_of`
makes the number of whatever pictures are drawn. Tests hold the two together.

Boxes are (rows, 4) of left, top, right, bottom in fractions of the picture, y downwards. Equal scores are ranked in the order
in which they are given, as COCO has it: a model that gives everything the same score is judged by the order of the pictures.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the report compares boxes too, where no torch is installed
    from torch import Tensor

Boxes: TypeAlias = NDArray[np.floating]
Scores: TypeAlias = NDArray[np.floating]

COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Overlaps at which a box counts as found: AP at the first is "AP50", the mean over all is COCO's AP."""

MAX_DETECTIONS = 100
"""Of a picture only so many boxes count, those with the highest scores."""

_RECALLS = np.linspace(0.0, 1.0, 101)
_PICTURE_PX = 1000.0  # overlaps do not depend on it; COCO's classes of size do, which are not reported


class Matches(NamedTuple):
    """The boxes of one picture that count, by falling score.

    is_hit : (boxes,), whether it found a true box. scores : (boxes,).
    """

    is_hit: NDArray[np.bool_]
    scores: NDArray[np.float64]


def intersection_over_union(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Overlap of every box (rows, 4) with every other (columns, 4), 0 to 1: (rows, columns). Boxes of no area overlap none."""
    first, second = _checked(first), _checked(second)
    top_left = np.maximum(first[:, np.newaxis, :2], second[:, :2])
    bottom_right = np.minimum(first[:, np.newaxis, 2:], second[:, 2:])
    intersection = np.maximum(bottom_right - top_left, 0).prod(axis=-1)
    union = _areas(first)[:, np.newaxis] + _areas(second) - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=intersection > 0)


def average_precision(
    boxes: Sequence[Boxes],
    scores: Sequence[Scores],
    truth: Sequence[Boxes],
    thresholds: NDArray[np.float64] = COCO_THRESHOLDS,
) -> NDArray[np.float64]:
    """Average precision over some pictures at each overlap that is asked for: (thresholds,); NaN where no picture has a face.

    boxes, scores : of each picture, its predicted boxes (n, 4) and their scores (n,). truth : of each, its true boxes (m, 4).
    The mean over COCO_THRESHOLDS is COCO's AP, the first of them AP50.
    """
    from torchmetrics.detection import MeanAveragePrecision

    # COCO's own numbers: torchmetrics' defaults are in single precision, where 7 of 100 does not reach a recall of 0.07.
    # Under torchrun the first process judges alone: a metric that gathers would wait for the others for ever.
    metric = MeanAveragePrecision(
        iou_thresholds=thresholds.tolist(),
        rec_thresholds=_RECALLS.tolist(),
        extended_summary=True,
        sync_on_compute=False,
    )
    metric.warn_on_many_detections = False
    metric.update(
        [{"scores": _tensor(values), **_labelled(each)} for each, values in zip(boxes, scores, strict=True)],
        [_labelled(each) for each in truth],
    )
    if not any(map(len, truth)):
        return np.full(len(thresholds), np.nan)
    # precision : (thresholds, recalls, classes, areas, most detections); the first area is all, the last number 100.
    return metric.compute()["precision"][:, :, 0, 0, -1].mean(dim=1).double().numpy()


def matches(boxes: Boxes, scores: Scores, truth: Boxes, threshold: float) -> Matches:
    """Which boxes (n, 4) of one picture find one of its true boxes (m, 4): overlap it by the threshold or more.

    By falling score each takes the true box that it overlaps most among those that none has taken. So with one true face
    the hit is the box of the highest score that overlaps it enough, and every other is false, however well it lies.
    """
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")[:MAX_DETECTIONS]
    overlap = intersection_over_union(boxes[order], truth)
    is_hit = np.zeros(len(order), np.bool_)
    for row in np.flatnonzero((overlap >= threshold).any(axis=1)):
        # Among equals COCO takes the last.
        best = overlap.shape[1] - 1 - int(overlap[row, ::-1].argmax())
        if overlap[row, best] >= threshold:
            is_hit[row] = True
            overlap[:, best] = -1.0
    return Matches(is_hit, np.asarray(scores, np.float64)[order])


def average_precision_of(is_hit: NDArray[np.bool_], scores: Scores, num_truth: int) -> float:
    """Average precision of the boxes of any pictures, joined (boxes,), of which `num_truth` were to be found.

    The mean of the precision at 101 recalls 0, 0.01, ..., 1, each being the best precision at that recall or a higher one, and
    0 where the recall is not reached (COCO; Lin et al., ECCV 2014). NaN where there was nothing to find.
    """
    if num_truth == 0:
        return float("nan")
    hits = np.cumsum(is_hit[np.argsort(-np.asarray(scores, np.float64), kind="stable")])
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    reached = np.searchsorted(hits / num_truth, _RECALLS)
    return float(np.append(precision, 0.0)[reached].mean())


def _areas(boxes: Boxes) -> NDArray[np.float64]:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _checked(boxes: Boxes) -> NDArray[np.float64]:
    checked = np.asarray(boxes, np.float64)
    if checked.ndim != 2 or checked.shape[1] != 4:
        raise ValueError(f"expected boxes (rows, 4), got {checked.shape}")
    if not (checked[:, :2] <= checked[:, 2:]).all():
        raise ValueError("a box ends before it begins: left, top, right, bottom are expected")
    return checked


def _labelled(boxes: Boxes) -> "dict[str, Tensor]":
    import torch

    return {"boxes": _tensor(_PICTURE_PX * _checked(boxes)), "labels": torch.zeros(len(boxes), dtype=torch.int64)}


def _tensor(values: NDArray[np.floating]) -> "Tensor":
    import torch

    return torch.from_numpy(np.asarray(values, np.float64))

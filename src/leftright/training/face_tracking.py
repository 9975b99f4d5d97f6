"""The task `track`: where is the sounding face while this is heard? (Supplement, section B.)"""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from torch import Tensor

from leftright.audio import PCM_FULL_SCALE
from leftright.data.augmentation import adjust_colour, mirror_where, where
from leftright.data.face_targets import COLUMNS, Face, Faces, FixedFaces, Target, TrainingFaces, targets_of
from leftright.errors import InputError
from leftright.metrics.bootstrap import bootstrap, bootstrap_mean
from leftright.metrics.correlation import correlation
from leftright.metrics.detection import average_precision, average_precision_of, intersection_over_union, matches
from leftright.models.tracker import Tracker
from leftright.results import Value
from leftright.training.evaluation import judged
from leftright.training.materials import Judging, Material
from leftright.training.progress import Judgement

NUM_DETECTIONS = 10
"""Boxes of a picture that average precision looks at."""

BOX = ("left", "top", "right", "bottom")


def anchor_sizes(targets: Sequence[Target], num_anchors: int, seed: int) -> tuple[tuple[float, float], ...]:
    """Widths and heights of the anchors, as fractions of the picture: k-means of the training boxes' (supplement, section B).

    Sizes are compared by their logarithms, so that a small box counts as much as a large one.
    """
    boxes = np.array([target.box for target in targets])
    sizes = np.log(np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of fewer sizes than anchors, some of which are then the same
        centres, _ = kmeans2(sizes, num_anchors, minit="++", rng=np.random.default_rng(seed), missing="warn")
    return tuple((float(width), float(height)) for width, height in np.exp(centres[np.lexsort(centres.T)]).round(6))


def step(network: Tracker, batch: Face) -> Mapping[str, Tensor]:
    """The loss of a batch, mirrored as its coins say: picture, sound and box together."""
    waveform, frame, box = unpack(batch)
    is_mirrored = torch.as_tensor(batch.is_mirrored)
    waveform, frame = mirror_where(is_mirrored, waveform, frame)
    return {"loss": network.loss(waveform, frame, where(is_mirrored, mirror_boxes(box), box))}


def unpack(batch: Face) -> tuple[Tensor, Tensor, Tensor]:
    """Sound (batch, 2, samples) with full scale 1, frame (batch, 3, crop, crop) in 0..1, coloured, and box (batch, 4)."""
    waveform = torch.as_tensor(batch.waveform).float() / PCM_FULL_SCALE
    frame = torch.as_tensor(batch.frame).unsqueeze(1)
    coloured = adjust_colour(frame, torch.as_tensor(batch.gain), torch.as_tensor(batch.shift)).squeeze(1)
    return waveform, coloured, torch.as_tensor(batch.box)


def mirror_boxes(boxes: Tensor) -> Tensor:
    """Boxes (..., 4) of left, top, right, bottom in the mirrored picture."""
    left, top, right, bottom = boxes.unbind(dim=-1)
    return torch.stack((1 - right, top, 1 - left, bottom), dim=-1)


def detections(network: Tracker, batch: Face, count: int) -> dict[str, Tensor]:
    """The `count` best boxes (batch, count, 4) and their confidences (batch, count)."""
    waveform, frame, _ = unpack(batch)
    boxes, confidences = network.detect(waveform, frame, count)
    return {"boxes": boxes, "confidences": confidences}


class FaceTracking:
    """The task on some shards. Boxes are judged as fractions of the whole picture."""

    def __init__(self, material: Material, judging: Judging, min_agreement: float) -> None:
        """Raises InputError where the shards say nothing of faces, or a split has no clip whose face is heard."""
        if missing := [name for name in COLUMNS if name not in material.store.reader.index]:
            raise InputError(
                f"track: the shards lack the column {missing[0]}; filter, curate and pack again, or leave track out"
            )
        self._material, self._judging = material, judging
        self.targets = {name: targets_of(material.store, rows, min_agreement) for name, rows in material.rows.items()}
        if empty := [name for name, targets in self.targets.items() if not targets]:
            raise InputError(
                f"track: no clip of the {empty[0]} split has a face that follows the sound (min_agreement {min_agreement}); "
                "curate more videos, or ask for less"
            )
        self.training = TrainingFaces(self._faces(self.targets["train"]), material.ranges, material.seed)
        self._validation = self._fixed("val")
        self.test = self._fixed("test")

    def _faces(self, targets: Sequence[Target]) -> Faces:
        return Faces(self._material.store, targets)

    def _fixed(self, split: str) -> FixedFaces:
        """A few targets of each clip, evenly over it."""
        by_clip: dict[int, list[Target]] = {}
        for target in self.targets[split]:
            by_clip.setdefault(target.row, []).append(target)
        chosen = [
            targets[int(place)]
            for targets in by_clip.values()
            for place in np.unique(np.linspace(0, len(targets) - 1, self._judging.targets).round())
        ]
        return FixedFaces(self._faces(chosen), self._material.seed)

    def step(self, network: Tracker, batch: Face) -> Mapping[str, Tensor]:
        """The loss of a batch."""
        return step(network, batch)

    def validate(self, network: Tracker) -> Judgement:
        """Loss and mean IoU on the validation targets; the best network has the highest IoU."""

        @torch.inference_mode()
        def answers(network: Tracker, batch: Face) -> dict[str, Tensor]:
            boxes = detections(network, batch, 1)["boxes"][:, 0]
            loss = network.loss(*unpack(batch)).expand(len(boxes))
            return {"boxes": boxes, "wanted": torch.as_tensor(batch.box), "loss": loss}

        found = judged(network, answers, self._validation, self._material.num_workers)
        overlap = float(_overlaps(found["boxes"], found["wanted"]).mean())
        return Judgement({"loss": float(found["loss"].mean()), "iou": overlap}, -overlap)

    def examine(self, network: Tracker) -> pd.DataFrame:
        """One row a test target: where it is from, the detector's box (`true_left` ...), the best box (`left` ...), its
        overlap, and all boxes with their confidences as lists.
        """
        found = judged(network, _detect, self.test, self._material.num_workers)
        rows = []
        for number, target in enumerate(self.test.faces.targets):
            boxes = self.test.whole(found["boxes"][number], number)
            is_box = found["confidences"][number] > 0
            rows.append(
                {
                    **self._material.describe(target.row),
                    "time_s": target.time_s,
                    "frame_s": self.test.frames[number] / self._material.store.geometry.frame_rate,
                    **{f"true_{edge}": value for edge, value in zip(BOX, target.box, strict=True)},
                    **dict(zip(BOX, boxes[0].tolist(), strict=True)),
                    "iou": float(intersection_over_union(boxes[:1], np.array([target.box]))[0, 0]),
                    "boxes": boxes[is_box].ravel().tolist(),
                    "confidences": found["confidences"][number][is_box].astype(float).tolist(),
                }
            )
        return pd.DataFrame(rows)

    def summary(self, table: pd.DataFrame) -> dict[str, Value]:
        """Average precision (at an overlap of one half, and COCO's mean), mean IoU, and the correlation of the centres' x."""
        settings = {"num_resamples": self._judging.num_resamples, "seed": 0}
        videos = table["video"].tolist()
        boxes = [np.reshape(each, (-1, 4)) for each in table["boxes"]]
        truth = list(table[[f"true_{edge}" for edge in BOX]].to_numpy(np.float64)[:, np.newaxis])
        scores = [np.asarray(each, np.float64) for each in table["confidences"]]
        coco = average_precision(boxes, scores, truth)
        found, wanted = (table[f"{true}left"] + table[f"{true}right"] for true in ("", "true_"))
        return {
            "ap50": _average_precision(boxes, scores, truth, videos, settings),
            "ap": Value(float(coco.mean()), n=len(table)),
            "iou": bootstrap_mean(table["iou"].tolist(), videos, **settings),
            "centre_x": correlation("pearson", found.to_numpy(), wanted.to_numpy(), videos, **settings),
        }


def _detect(network: Tracker, batch: Face) -> dict[str, Tensor]:
    return detections(network, batch, NUM_DETECTIONS)


def _overlaps(boxes: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.float64]:
    """Of each row's box with its truth, both (rows, 4): (rows,)."""
    pairs = zip(boxes, truth, strict=True)
    return np.array([intersection_over_union(box[np.newaxis], true[np.newaxis])[0, 0] for box, true in pairs])


def _average_precision(
    boxes: Sequence[NDArray[np.float64]],
    scores: Sequence[NDArray[np.float64]],
    truth: Sequence[NDArray[np.float64]],
    videos: Sequence[str],
    settings: Mapping[str, int],
) -> Value:
    """At an overlap of one half, with its interval over videos."""
    found = [matches(box, score, true, 0.5) for box, score, true in zip(boxes, scores, truth, strict=True)]

    def of_rows(rows: NDArray[np.int64]) -> float:
        hits = np.concatenate([found[row].is_hit for row in rows])
        return average_precision_of(hits, np.concatenate([found[row].scores for row in rows]), len(rows))

    return bootstrap(of_rows, videos, **settings)

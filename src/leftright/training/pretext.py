"""The pretext tasks, each as what the training loop and the judging need of it: windows, a step, and predictions.

`flip` is the paper's own task; `mismatch` and `shift` are its baselines. All see the same number of windows of the same clips.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from leftright.data.contrast import ContrastTask, ContrastWindows, Others
from leftright.data.windows import EndlessWindows, TrainingWindows, Window
from leftright.errors import InputError
from leftright.metrics import flip as recognition
from leftright.metrics.flip import PREDICTION_COLUMNS
from leftright.training import contrast, flip, loop
from leftright.training.evaluation import predict, predict_contrast
from leftright.training.materials import Material
from leftright.training.progress import Judgement

PretextName = Literal["flip", "mismatch", "shift"]

Predict = Callable[[Any, str], pd.DataFrame]
"""From a network and the name of a split to its table of predictions."""


@dataclass(frozen=True)
class PretextMaterial(Material):
    """What a pretext task works on. windows : those of each split that are judged."""

    windows: Mapping[str, list[Window]]


@dataclass(frozen=True)
class Pretext:
    """A task. training : its endless windows. step : from network and batch to the loss. predict : its answers on a split."""

    name: str
    training: EndlessWindows[Any]
    step: loop.Step
    predict: Predict

    def validate(self, network: Any) -> Judgement:
        """Accuracy, loss and expected error on the validation windows; the best network has the least expected error.

        That is the mean probability given to the wrong answer (Ghosh et al., Robust Loss Functions under Label Noise, AAAI
        2017). Any real set holds videos whose channels are swapped. The loss is ruled by those few, of which a good model is
        ever more certain, and the accuracy rewards an early model that has not made up its mind about them; the expected error
        is bounded, so that they cost a good model no more than they must.
        """
        answers = as_flip(self.predict(network, "val"))
        stereo = answers[answers["condition"] == "stereo"]
        is_right = (stereo["logit"] > 0) == (stereo["is_flipped"] == 1)
        error = recognition.expected_error(stereo)
        loss = float(recognition.cross_entropy(stereo).value or 0.0)
        return Judgement({"loss": loss, "accuracy": float(is_right.mean()), "error": error}, error)


def pretext(
    name: PretextName, material: PretextMaterial, orientations: flip.Orientations, min_shift_s: float
) -> Pretext:
    """The task `name`. Raises InputError where a mismatch has but one video to choose from."""
    if name == "flip":
        return _flip(material, orientations)
    return _contrast(name, material, min_shift_s)


def _flip(material: PretextMaterial, orientations: flip.Orientations) -> Pretext:
    def step(network: Any, batch: Any) -> Mapping[str, Any]:
        return loop.recognition(*flip.logits_and_labels(network, batch, orientations))

    def answers(network: Any, split: str) -> pd.DataFrame:
        return predict(network, material.store, material.windows[split], split, num_workers=material.num_workers)

    training = TrainingWindows(material.store, material.rows["train"], material.ranges, material.seed)
    return Pretext("flip", training, step, answers)


def _contrast(name: ContrastTask, material: PretextMaterial, min_shift_s: float) -> Pretext:
    def others(split: str) -> Others:
        try:
            return Others(material.store, material.rows[split], name, min_shift_s)
        except ValueError:
            raise InputError(f"{name}: the {split} split has clips of one video alone; curate more videos") from None

    def step(network: Any, batch: Any) -> Mapping[str, Any]:
        return loop.recognition(*contrast.logits_and_labels(network, batch))

    def answers(network: Any, split: str) -> pd.DataFrame:
        how = {"seed": material.seed, "num_workers": material.num_workers}
        return predict_contrast(network, material.store, material.windows[split], split, others_of[split], **how)

    if name == "shift":
        material = _with_other_times(material)
    others_of = {split: others(split) for split in material.rows}
    training = ContrastWindows(
        material.store, material.rows["train"], material.ranges, material.seed, others_of["train"]
    )
    return Pretext(name, training, step, answers)


def _with_other_times(material: PretextMaterial) -> PretextMaterial:
    """Without the clips that one window fills: they have no other time. Raises InputError where a split has no others."""
    lasts = material.store.last_starts
    rows = {split: [row for row in rows if lasts[row] > 0] for split, rows in material.rows.items()}
    if empty := [split for split, left in rows.items() if not left]:
        raise InputError(f"shift: one window fills every clip of the {empty[0]} split; choose a shorter window_s")
    windows = {
        split: [window for window in chosen if lasts[window.row] > 0] for split, chosen in material.windows.items()
    }
    return replace(material, rows=rows, windows=windows)


def as_flip(predictions: pd.DataFrame) -> pd.DataFrame:
    """Predictions in the form of the flip task's, in which `leftright.metrics.flip` counts: a wrong sound is a flipped one."""
    if "is_wrong" not in predictions:
        return predictions
    table = predictions.rename(columns={"is_wrong": "is_flipped"}).assign(condition="stereo")
    return table[list(PREDICTION_COLUMNS)]

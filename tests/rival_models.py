"""Models of the packed world that differ in how often they are right."""

from dataclasses import replace
from pathlib import Path

import torch

from leftright.models import AudioVisualNetwork, load_model, save_model
from leftright.stages import pretrain
from tests.pretrain_runs import CONFIG

TRAINING = replace(CONFIG, num_steps=60, eval_steps=30, learning_rate=0.02)


def write_models(root: Path, packed: Path) -> dict[str, Path]:
    """Folders of pretrain: one that has learnt the task, one that answers the opposite, one that tosses a coin."""
    pretrain.run(TRAINING, shards=(packed,), out=root / "good", metrics=root / "good.json")
    network, meta = load_model(root / "good" / "flip" / "model.pt")
    torch.manual_seed(1)
    chance = AudioVisualNetwork(meta.architecture, meta.geometry)
    save_model(root / "chance" / "flip" / "model.pt", chance, "flip", meta.config)
    with torch.no_grad():
        network.fusion.logit.weight.neg_()
        network.fusion.logit.bias.neg_()
    save_model(root / "opposite" / "flip" / "model.pt", network, "flip", meta.config)
    return {name: root / name for name in ("good", "chance", "opposite")}

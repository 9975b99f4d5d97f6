"""A model as a file: weights, sizes, window and task together, so that a file alone is enough to use it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from leftright.errors import InputError
from leftright.files import replace_file
from leftright.lineage import Lineage
from leftright.models.audio_visual import Architecture, AudioVisualNetwork
from leftright.models.geometry import WindowGeometry
from leftright.results import model_file

FORMAT = 1

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class ModelMeta:
    """What a model file says of its model.

    task : of a pretext model what its logit means; "flip": the channels have been swapped. Of a downstream one what it does.
    config : the parameters of the stage that trained it, as that stage's params section has them. lineage : what it comes
    from. head : sizes that a downstream network has beyond the pretext model's; none for a pretext model.
    """

    task: str
    architecture: Architecture
    geometry: WindowGeometry
    config: Mapping[str, Any]
    lineage: Lineage
    head: Mapping[str, Any] = field(default_factory=dict)


def save_model(
    path: Path, model: AudioVisualNetwork, task: str, config: Mapping[str, Any], lineage: Lineage | None = None
) -> None:
    """Write a pretext model in one step. config : plain values. lineage : unknown unless it is given."""
    meta = ModelMeta(task, model.architecture, model.geometry, config, lineage or Lineage())
    save_network(path, model, meta)


def save_network(path: Path, network: nn.Module, meta: ModelMeta) -> None:
    """Write any network with what is to be said of it, in one step."""
    document = {
        "format": FORMAT,
        "task": meta.task,
        "architecture": asdict(meta.architecture),
        "geometry": asdict(meta.geometry),
        "config": dict(meta.config),
        "lineage": asdict(meta.lineage),
        "weights": {name: tensor.cpu() for name, tensor in network.state_dict().items()},
        **({"head": dict(meta.head)} if meta.head else {}),
    }
    with replace_file(path) as temporary:
        torch.save(document, temporary)


def find_model(places: Sequence[Path], task: str) -> Path:
    """The file of the model of `task`, a pretext task's name. Raises InputError where it is in none of the places.

    places : model files, directories that hold one, or directories of `pretrain`, which hold one in a directory a task.
    """
    for place in places:
        path = model_file(place, task)
        if path.is_file() and _read(path).get("task") == task:
            return path
    raise InputError(
        f"{', '.join(map(str, places))}: no model of the task {task}; run pretrain with it among its tasks"
    )


def load_model(path: Path) -> tuple[AudioVisualNetwork, ModelMeta]:
    """Read a model, on the CPU and in evaluation mode.

    path : its file, the directory that it lies in, or a directory of `pretrain`, of which the flip task's is read. Raises
    InputError for a missing file or one of another kind.
    """
    return load_network(path, lambda meta: AudioVisualNetwork(meta.architecture, meta.geometry))


def load_network(path: Path, build: Callable[[ModelMeta], Network]) -> tuple[Network, ModelMeta]:
    """Read any network, on the CPU and in evaluation mode. build : makes one of the sizes that the file says.

    Raises InputError for a missing file, or one of another kind or other sizes.
    """
    document = _read(path)
    try:
        meta = ModelMeta(
            document["task"],
            Architecture(**document["architecture"]),
            WindowGeometry(**document["geometry"]),
            document["config"],
            _lineage(document),
            document.get("head", {}),
        )
        network = build(meta)
        network.load_state_dict(document["weights"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise InputError(f"{path}: a model of other sizes ({_first_line(error)}); train it again") from None
    return network.eval(), meta


def read_lineage(path: Path) -> Lineage:
    """What a model file says of its making. Raises InputError for a missing file or one of another kind."""
    return _lineage(_read(path))


def _lineage(document: Mapping[str, Any]) -> Lineage:
    # A file of before there was a lineage is a model all the same.
    written = document.get("lineage")
    return Lineage.of(written if isinstance(written, dict) else {})


def _read(path: Path) -> dict[str, Any]:
    path = model_file(path)
    if not path.is_file():
        raise InputError(f"{path}: no such model; run pretrain, or correct the path")
    try:
        # Weights only: a model file from elsewhere must not be able to run code.
        document = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes of no model make the unpickler raise anything at all, struct.error among it
        raise InputError(f"{path}: not a model file ({_first_line(error)}); run pretrain again") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(f"{path}: not a model of format {FORMAT}; run pretrain again")
    return document


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]


class Predictor:
    """A saved model as a function of arrays, for those who know no torch."""

    def __init__(self, path: Path) -> None:
        """Raises InputError as `load_model`."""
        self.model, self.meta = load_model(path)

    def example_input(self) -> dict[str, NDArray[Any]]:
        """One window of quiet noise: waveform float32 (1, channels, samples) and frames uint8 (1, time, 3, crop, crop)."""
        geometry, generator = self.meta.geometry, np.random.default_rng(0)
        waveform = 0.1 * generator.standard_normal((1, self.meta.architecture.audio_channels, geometry.num_samples))
        frames = generator.integers(0, 256, (1, geometry.num_frames, 3, geometry.crop, geometry.crop))
        return {"waveform": waveform.astype(np.float32), "frames": frames.astype(np.uint8)}

    @torch.inference_mode()
    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Inputs : as `example_input`, any batch. Returns logits (batch,) of is_flipped."""
        waveform = torch.from_numpy(np.array(inputs["waveform"], dtype=np.float32))
        frames = torch.from_numpy(np.array(inputs["frames"], dtype=np.uint8)).float() / 255
        return self.model(waveform, frames).numpy()

"""The networks of the downstream tasks by their names, and how a file becomes one again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from leftright.errors import InputError
from leftright.models.audio_visual import Architecture
from leftright.models.geometry import WindowGeometry
from leftright.models.inputs import Inputs
from leftright.models.saved import ModelMeta, load_network
from leftright.models.separator import Separator
from leftright.models.spatializer import Spatializer
from leftright.models.tracker import Tracker

DownstreamName = Literal["track", "spatialize", "separate"]

Downstream = Tracker | Spatializer | Separator


@dataclass(frozen=True)
class Head:
    """What a downstream network has beyond the pretext model.

    inputs : what it may use. width : channels of the U-Net's first level, or of the tracker's head. anchor_sizes : the
    tracker's.
    """

    inputs: Inputs
    width: int
    anchor_sizes: tuple[tuple[float, float], ...] = ()

    def as_plain(self) -> dict[str, Any]:
        """Values that a file holds."""
        return {"inputs": self.inputs, "width": self.width, "anchor_sizes": [list(size) for size in self.anchor_sizes]}

    @classmethod
    def of(cls, network: Downstream) -> "Head":
        """A network's own."""
        if isinstance(network, Tracker):
            return cls(network.inputs, network.width, network.anchor_sizes)
        return cls(network.inputs, network.unet_width)

    @classmethod
    def of_plain(cls, values: Mapping[str, Any]) -> "Head":
        """Back from a file's values."""
        sizes = tuple((float(width), float(height)) for width, height in values["anchor_sizes"])
        return cls(values["inputs"], int(values["width"]), sizes)


def build(task: str, architecture: Architecture, geometry: WindowGeometry, head: Head) -> Downstream:
    """The network of a task, at random. Raises KeyError for a task that is none."""
    if task == "track":
        return Tracker(architecture, geometry, head.anchor_sizes, head.width, head.inputs)
    kinds: dict[str, type[Spatializer] | type[Separator]] = {"spatialize": Spatializer, "separate": Separator}
    return kinds[task](architecture, geometry, head.width, head.inputs)


def load_downstream(path: Path, task: DownstreamName) -> tuple[Any, ModelMeta]:
    """Read a model of `task`. Raises InputError for a missing file, or a model of another task."""

    def rebuilt(meta: ModelMeta) -> Downstream:
        # Before anything else: a pretext model has no head that could be read.
        if meta.task != task:
            raise InputError(f"{path}: its task is {meta.task}; give a model of the task {task}")
        return build(meta.task, meta.architecture, meta.geometry, Head.of_plain(meta.head))

    return load_network(path, rebuilt)

"""A network of the rotation task as a file."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from leftright.lineage import Lineage
from leftright.models.saved import ModelMeta, load_network, save_network
from leftright.models.sphere_network import Sphere, SphereNetwork

TASK = "rotation"


def save_sphere(path: Path, network: SphereNetwork, config: Mapping[str, Any], lineage: Lineage | None = None) -> None:
    """Write a network in one step. config : plain values. lineage : unknown unless it is given."""
    head = asdict(network.sphere)
    save_network(
        path, network, ModelMeta(TASK, network.architecture, network.geometry, config, lineage or Lineage(), head)
    )


def load_sphere(path: Path) -> tuple[SphereNetwork, ModelMeta]:
    """Read a network, on the CPU and in evaluation mode. Raises InputError for a missing file or one of another kind."""
    return load_network(path, lambda meta: SphereNetwork(meta.architecture, meta.geometry, Sphere(**meta.head)))

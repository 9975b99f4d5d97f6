"""How hard the simulated 360 world is: how often something sounds, one source alone, and something is seen opposite to it.

    python benchmarks/sphere_scenes.py [params.yaml]

Prints shares of frames over all 360 videos of the world; nothing is rendered.
"""

import sys
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from leftright.ambisonics import wrapped
from leftright.simulation import sphere
from leftright.simulation.choreography import STEPS_PER_FRAME
from leftright.simulation.parameters import WorldParameters

OPPOSITE_DEG = 20.0


def shares(parameters: WorldParameters) -> NDArray[np.int64]:
    """Frames; those in which something sounds; one source alone; something sounds and something is seen opposite to it."""
    counts = np.zeros(4, np.int64)
    for video in sphere.plan_sphere(parameters):
        scene = sphere._staged(parameters, video, sphere._generator(parameters, video.channel, video.place))
        frames = slice(None, None, STEPS_PER_FRAME)
        is_sounding = np.stack([source.events.under_way(scene.times_s)[frames] for source in scene.sources])
        azimuths = np.stack([source.azimuth_deg[frames] for source in scene.sources])
        seen = [*([] if video.is_unseen else azimuths), *(part.azimuth_deg[frames] for part in scene.silent)]
        is_opposite = np.zeros(is_sounding.shape[1], np.bool_)
        for sounds, azimuth in zip(is_sounding, azimuths, strict=True):
            for other in seen:
                is_opposite |= sounds & (np.abs(wrapped(other - azimuth - 180)) < OPPOSITE_DEG)
        number = is_sounding.sum(axis=0)
        counts += (number.size, np.sum(number > 0), np.sum(number == 1), np.sum(is_opposite))
    return counts


def main() -> None:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "params.yaml")
    values = yaml.safe_load(path.read_text())["simulate"]
    del values["num_workers"]
    frames, sounding, alone, opposite = shares(WorldParameters(**values))
    print(f"something sounds: {sounding / frames:.1%} of the frames; one source alone: {alone / frames:.1%}")
    print(
        f"while something sounds, something is seen within {OPPOSITE_DEG:.0f} degrees of opposite: {opposite / sounding:.1%}"
    )


if __name__ == "__main__":
    main()

"""RetinaFace with ResNet-50 through retinaface-pytorch: about 250 ms a frame of 256 x 256 on one core."""

import os
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from leftright.data.faces import DEFAULT_WEIGHTS, LOWEST_SCORE, SAME_FACE, Detector
from leftright.errors import InputError

# albumentations, which retinaface imports, would ask PyPI for a newer version of itself.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
from retinaface.predict_single import Model

RELEASE = "https://github.com/ternaus/retinaface/releases/download/0.01/retinaface_resnet50_2020-07-20-f168fae3c.zip"


def load(longest: int, weights: str) -> Detector:
    """Make the detector: it scales each frame so that its longer side has `longest` pixels.

    weights : a local file, or "default" for the release, which torch keeps from then on. Raises InputError where they cannot
    be had or are another network's.
    """
    torch.set_num_threads(1)
    network = Model(max_size=longest, device="cpu")
    try:
        network.load_state_dict(_state_of(weights))
    except Exception as error:  # bytes of no network make the unpickler raise anything at all, struct.error among it
        source = RELEASE if weights == DEFAULT_WEIGHTS else weights
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{source}: cannot be had as the weights of RetinaFace's ResNet-50 ({reason}); name a file with --detector-weights"
        ) from None
    network.eval()

    def detect(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
        faces = network.predict_jsons(frame, confidence_threshold=LOWEST_SCORE, nms_threshold=SAME_FACE)
        # Without a face it answers with one empty box.
        return np.array([[*face["bbox"], face["score"]] for face in faces if face["bbox"]], np.float64).reshape(-1, 5)

    return detect


def _state_of(weights: str) -> Any:
    if weights != DEFAULT_WEIGHTS:
        return torch.load(weights, map_location="cpu", weights_only=True)
    return torch.hub.load_state_dict_from_url(RELEASE, map_location="cpu", weights_only=True)

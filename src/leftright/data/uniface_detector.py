"""RetinaFace with MobileNet-0.25 through uniface and ONNX Runtime, for a CPU: about 9 ms a frame of 256 x 256 on one core.

This module imports uniface when it is imported, so that processes forked from one that has done so need not.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from leftright.data import detector_weights
from leftright.data.faces import DEFAULT_WEIGHTS, LOWEST_SCORE, SAME_FACE, Detector


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Make modules that are not imported yet look absent."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


# uniface imports torch wherever it finds it, which takes longer than all the rest, for networks that are not used here.
with _hidden("torch", "torchvision"):
    from uniface.constants import RetinaFaceWeights
    from uniface.detection import RetinaFace


def load(longest: int, weights: str) -> Detector:
    """Make the detector, for frames whose longer side has at most `longest` pixels.

    weights : a local file with them, or "default". They are put into uniface's cache first; raises InputError where they
    cannot be had.
    """
    path = detector_weights.install(None if weights == DEFAULT_WEIGHTS else Path(weights))
    os.environ[detector_weights.CACHE_VARIABLE] = str(path.parent)
    network = RetinaFace(
        model_name=RetinaFaceWeights.MNET_025,
        confidence_threshold=LOWEST_SCORE,
        nms_threshold=SAME_FACE,
        input_size=(longest, longest),
        providers=["CPUExecutionProvider"],
    )
    network.session = _one_thread_session(path)

    def detect(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
        faces = network.detect(np.ascontiguousarray(frame[..., ::-1]))  # it wants BGR
        return np.array([[*face.bbox, face.confidence] for face in faces], np.float64).reshape(-1, 5)

    return detect


def _one_thread_session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

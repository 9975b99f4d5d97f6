"""The choice of face detectors: RetinaFace, as uniface's small network or as retinaface-pytorch's ResNet-50.

A detector is made once a process and then called frame by frame on one thread: the stages run a process a core.
"""

from leftright.data.faces import Detector, DetectorName


def load_detector(name: DetectorName, longest: int, weights: str) -> Detector:
    """Make a detector for frames whose longer side has at most `longest` pixels.

    weights : a local file, or "default": uniface's from its cache (or, once, from its release), retinaface-pytorch's
    from its release, kept by torch. Raises InputError where the weights cannot be had or are not that network's.
    """
    # Imported here: each brings a framework with it.
    if name == "uniface":
        from leftright.data import uniface_detector

        return uniface_detector.load(longest, weights)
    from leftright.data import resnet50_detector

    return resnet50_detector.load(longest, weights)

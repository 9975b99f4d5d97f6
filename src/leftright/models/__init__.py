"""The networks, and a trained one as a file."""

from leftright.models.audio_visual import Architecture, AudioVisualNetwork
from leftright.models.geometry import WindowGeometry
from leftright.models.saved import ModelMeta, Predictor, find_model, load_model, read_lineage, save_model

__all__ = [
    "Architecture",
    "AudioVisualNetwork",
    "ModelMeta",
    "Predictor",
    "WindowGeometry",
    "find_model",
    "load_model",
    "read_lineage",
    "save_model",
]

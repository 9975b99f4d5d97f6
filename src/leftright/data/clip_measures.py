"""Takes the measures of one clip, cheap before dear, up to the first check that fails."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leftright.clips import MEASURE_COLUMNS
from leftright.data.faces import Detector, DetectorName, measure_faces
from leftright.data.picture_measures import motion, sample_frames, sample_times, scene_signature
from leftright.data.sound_measures import led_around, measure_sound
from leftright.data.stream_measures import measure_streams
from leftright.data.verdict import STEPS, Limits, reason_of
from leftright.errors import InputError
from leftright.video import decode_audio


@dataclass(frozen=True)
class Sampling:
    """Where in a clip one looks and listens, and by which detector."""

    offcentre_bin_s: float
    """Length of a time bin of the off-centre measure, in seconds."""
    offcentre_lowest_hz: float
    """Frequency from which the off-centre measure looks: a head casts no shadow below some hundred Hz."""
    frame_rate: float
    """Frames of each second of a clip in which motion and faces are looked for."""
    motion_steps_s: tuple[float, ...]
    """Distances in time over which the picture must change, in seconds."""
    led_window_s: float
    """Length of the sound around a face's time whose log energy difference is noted, in seconds."""
    detector: DetectorName
    """uniface: RetinaFace with MobileNet-0.25, for a CPU. retinaface-pytorch: RetinaFace with ResNet-50."""
    detector_weights: str
    """A local file with the detector's weights, or "default" for those that `make setup` fetched."""
    detector_size: int
    """Longer side of the frames that the detector sees, in pixels."""


def measure_clip(
    path: Path, declared_s: float, limits: Limits, sampling: Sampling, detector: Detector, steps: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The columns that the filter adds for one clip.

    declared_s : the length that the manifest gives, in seconds. steps : the steps to take whatever comes out; none
    stops after the first step whose checks fail. The verdict is the same. Columns not measured are NaN or empty.
    """
    measurement = _Measurement(path, declared_s, limits, sampling, detector)
    reason = ""
    for number, step in enumerate(STEPS, start=1):
        if not reason or step in steps:
            measurement.take(step)
        reason = reason or reason_of(measurement.columns, limits, STEPS[:number])
    blank: dict[str, Any] = {name: [] if kind == "object" else math.nan for name, kind in MEASURE_COLUMNS.items()}
    taken = {name: value for name, value in measurement.columns.items() if name in MEASURE_COLUMNS}
    return blank | taken | {"verdict": "rejected" if reason else "kept", "reason": reason}


class _Measurement:
    """One clip on its way through the steps: its columns so far, and what later steps need of earlier ones."""

    def __init__(self, path: Path, declared_s: float, limits: Limits, sampling: Sampling, detector: Detector) -> None:
        self.path, self.declared_s, self.limits, self.sampling, self.detector = (
            path,
            declared_s,
            limits,
            sampling,
            detector,
        )
        self.columns: dict[str, Any] = {"damaged": frozenset()}
        self.waveform: NDArray[np.float32] = np.zeros((2, 0), np.float32)
        self.sample_rate = 1
        self.times_s: NDArray[np.float64] = np.zeros(0)
        self.frames: list[NDArray[np.uint8]] = []

    def take(self, step: str) -> None:
        """Take a step's measures. What cannot be decoded is noted under `damaged`."""
        try:
            self.columns |= dict(getattr(self, f"_{step}")())
        except InputError:
            self.columns["damaged"] |= {step}

    def _streams(self) -> Iterator[tuple[str, Any]]:
        streams = measure_streams(self.path)
        yield "audio_duration_s", streams.audio_duration_s
        yield "video_duration_s", streams.video_duration_s
        yield "num_channels", streams.info.num_channels
        yield "missing_s", max(streams.missing_s, self.declared_s - streams.duration_s)

    def _sound(self) -> Iterator[tuple[str, Any]]:
        if self.columns.get("num_channels") != 2:
            return
        self.waveform, self.sample_rate = decode_audio(self.path)
        yield from measure_sound(
            self.waveform,
            self.sample_rate,
            self.sampling.offcentre_bin_s,
            self.sampling.offcentre_lowest_hz,
            self.limits.offcentre_threshold_db,
        ).items()

    def _picture(self) -> Iterator[tuple[str, Any]]:
        duration_s = self.columns.get("video_duration_s", math.nan)
        if math.isnan(duration_s):
            return
        self.times_s = sample_times(duration_s, self.sampling.frame_rate)
        self.frames = sample_frames(self.path, self.times_s, self.sampling.detector_size)
        steps = [max(1, round(step_s * self.sampling.frame_rate)) for step_s in self.sampling.motion_steps_s]
        yield "motion", motion(self.frames, steps)
        yield "scene_signature", scene_signature(self.frames)

    def _faces(self) -> Iterator[tuple[str, Any]]:
        if not self.frames:
            return
        columns, places = measure_faces(self.detector, self.frames, self.limits.face_confidence)
        yield from columns.items()
        yield "face_times_s", self.times_s.tolist()
        yield from ((name, values.tolist()) for name, values in places.items())
        levels_db = led_around(self.waveform, self.sample_rate, self.times_s, self.sampling.led_window_s)
        yield "face_led_db", levels_db.tolist()

"""Measures many clips on every core: each process makes its detector once and then takes clip after clip."""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from leftright.data.clip_measures import Sampling, measure_clip
from leftright.data.detectors import load_detector
from leftright.data.faces import Detector, DetectorName
from leftright.data.verdict import Limits
from leftright.parallel import process_map

Job = tuple[Path, float]
"""A clip's file and the length that the manifest gives, in seconds."""


def measure_clips(
    jobs: Sequence[Job], limits: Limits, sampling: Sampling, num_workers: int
) -> Iterator[dict[str, Any]]:
    """Yield each clip's columns, in order. Raises InputError where the detector cannot be had."""
    preload = ["scipy.signal"] + (["leftright.data.uniface_detector"] if sampling.detector == "uniface" else [])
    measure = functools.partial(_measure, limits=limits, sampling=sampling)
    return process_map(measure, jobs, num_workers, preload=preload)


def _measure(job: Job, limits: Limits, sampling: Sampling) -> dict[str, Any]:
    path, declared_s = job
    detector = _detector(sampling.detector, sampling.detector_size, sampling.detector_weights)
    return measure_clip(path, declared_s, limits, sampling, detector)


@functools.cache
def _detector(name: DetectorName, longest: int, weights: str) -> Detector:
    return load_detector(name, longest, weights)

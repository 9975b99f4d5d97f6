"""What a person can look at and listen to: a few test clips as a finished model has them, beside the truth.

Every variant of a task shows the same clips: one a video, evenly over those that are judged, so that nobody chose them. The
sounds of one clip share one gain, so that they can be compared by ear.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Subset

from leftright.audio import SAMPLE_RATE, log_energy_difference
from leftright.data.face_targets import Face, FixedFaces
from leftright.data.mixtures import FixedPairs, Pair
from leftright.data.windows import ClipStore
from leftright.figures import downstream as figures
from leftright.files import replace_file
from leftright.metrics.detection import intersection_over_union
from leftright.models.separator import Separator
from leftright.models.spatializer import Spatializer
from leftright.models.tracker import Tracker
from leftright.sound_files import write_flac
from leftright.training.evaluation import judged
from leftright.training.face_tracking import FaceTracking, detections
from leftright.training.separation import Separation, mixture
from leftright.training.spatialization import Spatialization, full_clip

EXAMPLES_FILE = "examples.json"

_HEARD_S = 6.0  # of a clip made stereo, from its middle
_NUM_FRAMES = 5  # in a strip
_LEVEL_S, _LEVEL_HOP_S = 0.2, 0.05
_SILENCE_DB = -50.0  # below the loudest moment: where nothing sounds no side is louder
_PEAK = 0.9


@dataclass(frozen=True)
class Sound:
    """A file beside `examples.json`, and what it is in words."""

    label: str
    file: str


@dataclass(frozen=True)
class Example:
    """One clip (of a mixture: the first), its sounds in the order in which they are to be heard, and its picture's file."""

    clip: str
    video: str
    title: str
    sounds: tuple[Sound, ...]
    picture: str


def write_examples(task: FaceTracking | Spatialization | Separation, network: Any, folder: Path, count: int) -> None:
    """Write at most `count` examples to `folder`: FLAC files, PNG files, and `examples.json`, which says what they are."""
    folder.mkdir(parents=True, exist_ok=True)
    examples: list[Example] = []
    if not count:
        pass
    elif isinstance(task, FaceTracking):
        examples = _tracked(task.test, network, folder, count)
    elif isinstance(task, Spatialization):
        examples = _made_stereo(task, network, folder, count)
    else:
        examples = _pulled_apart(task.pairs, network, folder, count)
    with replace_file(folder / EXAMPLES_FILE) as temporary:
        temporary.write_text(json.dumps([asdict(example) for example in examples], indent=1) + "\n")


def chosen(videos: Sequence[str], count: int) -> list[int]:
    """The places of at most `count` items, the middle one of a video each, evenly over the videos in their order."""
    of_video: dict[str, list[int]] = {}
    for place, video in enumerate(videos):
        of_video.setdefault(video, []).append(place)
    middle = [places[len(places) // 2] for places in of_video.values()]
    return [middle[place] for place in np.linspace(0, len(middle) - 1, min(count, len(middle))).round().astype(int)]


def _described(store: ClipStore, row: int) -> dict[str, str]:
    """A clip's name, video and title; a title that is empty is the clip's name."""
    clip = store.reader.index.iloc[row]
    return {"clip": clip["clip"], "video": clip["video"], "title": str(clip.get("title", "") or clip["clip"])}


def _videos(store: ClipStore, rows: Sequence[int]) -> list[str]:
    return store.reader.index["video"].iloc[list(rows)].tolist()


def _write_sounds(
    folder: Path, stem: str, sounds: Sequence[tuple[str, str, NDArray[np.floating]]]
) -> tuple[Sound, ...]:
    """Write sounds (label, name of the file behind the stem, waveform (channels, samples)) with one gain for all of them."""
    gain = _PEAK / max(*(float(np.abs(sound).max()) for _, _, sound in sounds), 1e-6)
    written = []
    for label, name, sound in sounds:
        file = f"{stem}-{name}.flac"
        write_flac(folder / file, sound * gain)
        written.append(Sound(label, file))
    return tuple(written)


def _made_stereo(task: Spatialization, network: Spatializer, folder: Path, count: int) -> list[Example]:
    network.eval()
    store = task.training.store
    examples = []
    for number, place in enumerate(chosen(_videos(store, task.clips), count), start=1):
        row, stem = task.clips[place], f"spatialize-{number}"
        true = full_clip(store, row)
        length = min(true.shape[1], round(_HEARD_S * SAMPLE_RATE))
        start = (true.shape[1] - length) // 2
        true = true[:, start : start + length]
        predicted = task.stereo(network, row)[:, start : start + length]
        described = _described(store, row)
        drawn = _stereo_example(store, row, start / SAMPLE_RATE, described["clip"], true, predicted)
        figures.stereo_figure(folder / f"{stem}.png", drawn)
        sounds = (
            ("before: mono", "mono", true.mean(axis=0, keepdims=True)),
            ("after: predicted", "predicted", predicted),
            ("true", "true", true),
        )
        examples.append(Example(**described, sounds=_write_sounds(folder, stem, sounds), picture=f"{stem}.png"))
    return examples


def _stereo_example(
    store: ClipStore, row: int, start_s: float, title: str, true: NDArray[np.float32], predicted: NDArray[np.float32]
) -> figures.StereoExample:
    """true, predicted : (2, samples), from `start_s` of the clip on."""
    duration_s = true.shape[1] / SAMPLE_RATE
    middles_s = start_s + (np.arange(_NUM_FRAMES) + 0.5) * duration_s / _NUM_FRAMES
    places = [_frame_at(store, row, time_s) for time_s in middles_s]
    times_s, true_db = level_track(true)
    is_silent = _is_silent(true)
    predicted_db = np.where(is_silent, np.nan, level_track(predicted)[1])
    true_db = np.where(is_silent, np.nan, true_db)
    frames = store.stored_frames(row, places)
    return figures.StereoExample(title, frames, times_s, true_db, predicted_db, duration_s)


def _frame_at(store: ClipStore, row: int, time_s: float) -> int:
    """The stored frame that is seen at a time."""
    return min(int(time_s * store.geometry.frame_rate), store.num_frames[row] - 1)


def _moments(waveform: NDArray[np.floating]) -> NDArray[np.floating]:
    """(channels, samples) to (moments, channels, samples of a moment)."""
    length, hop = round(_LEVEL_S * SAMPLE_RATE), round(_LEVEL_HOP_S * SAMPLE_RATE)
    views = np.lib.stride_tricks.sliding_window_view(waveform, min(length, waveform.shape[1]), axis=-1)
    return np.moveaxis(views[:, ::hop], 0, 1)


def level_track(waveform: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The level difference over time: the moments' middles in seconds, and right minus left in dB. waveform : (2, samples)."""
    moments = _moments(waveform)
    middles_s = np.arange(len(moments)) * _LEVEL_HOP_S + moments.shape[-1] / SAMPLE_RATE / 2
    return middles_s, log_energy_difference(moments)


def _is_silent(waveform: NDArray[np.floating]) -> NDArray[np.bool_]:
    power = np.square(_moments(waveform), dtype=np.float64).mean(axis=(1, 2)) + 1e-12
    return 10 * np.log10(power / power.max()) < _SILENCE_DB


def _pulled_apart(pairs: FixedPairs, network: Separator, folder: Path, count: int) -> list[Example]:
    @torch.inference_mode()
    def sounds(network: Separator, batch: Pair) -> dict[str, torch.Tensor]:
        mixed = mixture(batch)
        middle = mixed.frames[:, :, mixed.frames.shape[2] // 2]
        return {"sources": mixed.sources, "estimates": network.separate(mixed.sound, mixed.frames), "frames": middle}

    places = chosen(_videos(pairs.store, [window.row for window in pairs.windows]), count)
    found = judged(network, sounds, Subset(pairs, places))
    examples = []
    for number, place in enumerate(places):
        one = {name: values[number] for name, values in found.items()}
        rows = (pairs.windows[place].row, pairs.others[place].row)
        examples.append(_mixture_example(pairs.store, rows, one, folder, f"separate-{number + 1}"))
    return examples


def _mixture_example(
    store: ClipStore, rows: tuple[int, int], found: dict[str, NDArray[np.float32]], folder: Path, stem: str
) -> Example:
    """Draw and write a mixture.

    found : sources and estimates (2 clips, 2, samples), and a frame of each, (2 clips, 3, crop, crop) in 0..1.
    """
    heard = found["sources"].sum(axis=0)
    described = [_described(store, row) for row in rows]
    frames = (255 * found["frames"]).round().astype(np.uint8)
    clips = [
        figures.AskedClip(about["clip"], frame, estimate, source)
        for about, frame, estimate, source in zip(described, frames, found["estimates"], found["sources"], strict=True)
    ]
    figures.separation_figure(folder / f"{stem}.png", heard, clips)
    sounds = [("before: the mixture", "mixture", heard)]
    for name, clip in zip(("first", "second"), clips, strict=True):
        sounds += [
            (f"{name}, after", f"{name}-predicted", clip.predicted),
            (f"{name}, true", f"{name}-true", clip.true),
        ]
    return Example(**described[0], sounds=_write_sounds(folder, stem, sounds), picture=f"{stem}.png")


def _tracked(faces: FixedFaces, network: Tracker, folder: Path, count: int) -> list[Example]:
    @torch.inference_mode()
    def best(network: Tracker, batch: Face) -> dict[str, torch.Tensor]:
        return {"boxes": detections(network, batch, 1)["boxes"][:, 0]}

    store, targets = faces.faces.store, faces.faces.targets
    places = chosen(_videos(store, [target.row for target in targets]), count)
    boxes = judged(network, best, Subset(faces, places))["boxes"]
    drawn = [_face(faces, place, faces.whole(box, place)) for place, box in zip(places, boxes, strict=True)]
    figures.tracking_figure(folder / "track.png", drawn)
    return [Example(**_described(store, targets[place].row), sounds=(), picture="track.png") for place in places]


def _face(faces: FixedFaces, place: int, box: NDArray[np.float64]) -> figures.TrackedFace:
    """What is drawn of a target. box : the predicted one, (4,), as fractions of the whole picture."""
    store, target, shown = faces.faces.store, faces.faces.targets[place], faces.frames[place]
    heard = _frame_at(store, target.row, target.time_s)
    left, top, right, bottom = box.tolist()
    frame, heard_frame = store.stored_frames(target.row, [shown, heard])
    return figures.TrackedFace(
        title=store.reader.index["clip"].iloc[target.row],
        shown=frame,
        shown_s=shown / store.geometry.frame_rate,
        heard=heard_frame,
        heard_s=target.time_s,
        true_box=target.box,
        box=(left, top, right, bottom),
        iou=float(intersection_over_union(box[np.newaxis], np.array([target.box]))[0, 0]),
    )

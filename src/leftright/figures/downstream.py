"""The pictures of `finetune`'s examples: what a model made of a clip, beside the truth.

Of a clip made stereo its frames over the level difference of the channels, with right up; of two clips pulled apart their
spectrograms; of a tracked face the frame that was shown, and the one in which the face was looked for by ear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from leftright.audio import HOP_LENGTH, SAMPLE_RATE, stft
from leftright.figures import style

_RANGE_DB = 60.0  # what is fainter, below the loudest of a picture, is drawn as silence
_LEAST_LIMIT_DB = 3.0
_SOUND_COLOURS = "magma"
_COLUMNS = 4
_STRIP_IN = 6.4  # as wide as the frames of a clip stand side by side


@dataclass(frozen=True)
class StereoExample:
    """A clip made stereo.

    frames : (count, 3, height, width) uint8, evenly over the time that is heard. times_s : (n,), from its start. true_db,
    predicted_db : (n,), right minus left; NaN where the clip is silent. duration_s : how long it is heard.
    """

    title: str
    frames: NDArray[np.uint8]
    times_s: NDArray[np.float64]
    true_db: NDArray[np.float64]
    predicted_db: NDArray[np.float64]
    duration_s: float


def stereo_figure(path: Path, example: StereoExample) -> None:
    """The clip's frames, and below them the level difference over the same time: true, predicted, and mono, which has none."""
    count, _, height, width = example.frames.shape
    strip_in = _STRIP_IN / count * height / width
    above_in, between_in, levels_in, below_in = 0.35, 0.4, 1.9, 0.55
    total_in = above_in + strip_in + between_in + levels_in + below_in
    with style.figure(path, _STRIP_IN + 1.25, total_in) as drawing:
        drawing.set_layout_engine("none")  # it would not keep the frames above their times
        left, across = 0.7 / (_STRIP_IN + 1.25), _STRIP_IN / (_STRIP_IN + 1.25)
        levels = drawing.add_axes((left, below_in / total_in, across, levels_in / total_in))
        strip = drawing.add_axes((left, 1 - (above_in + strip_in) / total_in, across, strip_in / total_in))
        strip.set_title(example.title)
        _draw_strip(strip, example)
        _draw_levels(levels, example)


def _draw_strip(axes: Axes, example: StereoExample) -> None:
    """Frames side by side, each in the middle of the time that it stands for."""
    count = len(example.frames)
    slot_s = example.duration_s / count
    for number, frame in enumerate(example.frames):
        place = (number * slot_s, (number + 1) * slot_s)
        axes.imshow(frame.transpose(1, 2, 0), extent=(*place, 0, 1), aspect="auto")
    for edge in range(1, count):
        axes.axvline(edge * slot_s, color="white", linewidth=3)
    axes.set_xlim(0, example.duration_s)
    axes.set_ylim(0, 1)
    axes.set_axis_off()


def _draw_levels(axes: Axes, example: StereoExample) -> None:
    limit = level_limit(example.true_db, example.predicted_db)
    axes.axhline(0, color=style.GREY, linewidth=1)
    axes.plot(example.times_s, example.true_db, color=style.INK, linewidth=1.4, label="true")
    axes.plot(example.times_s, example.predicted_db, color=style.ORANGE, linewidth=2, label="predicted")
    axes.set_xlim(0, example.duration_s)
    axes.set_ylim(-limit, limit)
    axes.locator_params(axis="y", nbins=7, integer=True)
    axes.set_ylabel("right minus left (dB)")
    axes.set_xlabel("seconds")
    handles = [*axes.get_lines()[1:], Line2D([], [], color=style.GREY, linewidth=1, label="mono")]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, fontsize=9, borderpad=0)
    for height, side, level in ((0.97, "right", 1.0), (0.03, "left", -1.0)):
        axes.text(
            1.01, height, side, transform=axes.transAxes, color=style.side_colour(level), fontsize=9,
            va="top" if level > 0 else "bottom",
        )  # fmt: skip


def level_limit(*levels_db: NDArray[np.float64]) -> float:
    """Where the axis of level differences ends either way: a little beyond what all but a few of them reach."""
    finite = np.abs(np.concatenate(levels_db))
    finite = finite[np.isfinite(finite)]
    return max(_LEAST_LIMIT_DB, 1.15 * float(np.quantile(finite, 0.99))) if len(finite) else _LEAST_LIMIT_DB


@dataclass(frozen=True)
class AskedClip:
    """A clip of a mixture, asked for by its picture. frame : (3, height, width) uint8. predicted, true : (2, samples)."""

    title: str
    frame: NDArray[np.uint8]
    predicted: NDArray[np.float32]
    true: NDArray[np.float32]


def separation_figure(path: Path, mixture: NDArray[np.float32], clips: Sequence[AskedClip]) -> None:
    """A row for each clip of a mixture (2, samples): its frame, and the spectrograms before, after, and true, on one scale."""
    loudest = float(np.max(spectrogram_db(mixture)))
    headings = ("asked for by", "before: the mixture", "after: predicted", "true")
    with style.figure(path, 7.6, 2.1 * len(clips) + 0.4) as drawing:
        panels = drawing.subplots(len(clips), len(headings), squeeze=False)
        for row, clip in zip(panels, clips, strict=True):
            _draw_asked(row[0], clip)
            for axes, sound in zip(row[1:], (mixture, clip.predicted, clip.true), strict=True):
                image = _draw_spectrogram(axes, sound, loudest)
            row[1].set_ylabel("kHz", fontsize=9)
        for axes, heading in zip(panels[0], headings, strict=True):
            axes.set_title(heading, fontsize=9)
        for axes in panels[:-1, 1:].flat:
            axes.tick_params(labelbottom=False)
        for axes in panels[:, 2:].flat:
            axes.tick_params(labelleft=False)
        panels[-1, 2].set_xlabel("seconds", fontsize=9)
        _scale_bar(drawing, image, panels)


def _draw_asked(axes: Axes, clip: AskedClip) -> None:
    axes.imshow(clip.frame.transpose(1, 2, 0))
    axes.set_axis_off()
    axes.text(0.5, -0.04, clip.title, transform=axes.transAxes, ha="center", va="top", fontsize=8)


def _draw_spectrogram(axes: Axes, sound: NDArray[np.float32], loudest: float) -> AxesImage:
    level_db = spectrogram_db(sound)
    extent = (0, level_db.shape[1] * HOP_LENGTH / SAMPLE_RATE, 0, SAMPLE_RATE / 2000)
    axes.set_box_aspect(1)
    axes.tick_params(labelsize=8)
    axes.locator_params(axis="x", nbins=4, steps=[1, 2, 5, 10])
    return axes.imshow(
        level_db - loudest, vmin=-_RANGE_DB, vmax=0, cmap=_SOUND_COLOURS, origin="lower", aspect="auto", extent=extent
    )


def _scale_bar(drawing: Figure, image: AxesImage, panels: NDArray[np.object_]) -> None:
    bar = drawing.colorbar(image, ax=panels, location="bottom", shrink=0.35, aspect=36, ticks=[-_RANGE_DB, -30, 0])
    bar.ax.tick_params(labelsize=8)
    bar.set_label("dB, the mixture's loudest being 0", fontsize=8)
    bar.outline.set_visible(False)


def spectrogram_db(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Power of both ears in dB: (2, samples) -> (bins, frames)."""
    power = np.square(np.abs(stft(sound)), dtype=np.float64).sum(axis=0)
    return 10 * np.log10(power + 1e-10)


@dataclass(frozen=True)
class TrackedFace:
    """A face that was looked for. shown : the frame that the model saw, of another time. heard : the frame of the sound's time.

    Both (3, height, width) uint8. true_box : what the detector saw in the latter. Boxes are left, top, right, bottom as
    fractions of the picture.
    """

    title: str
    shown: NDArray[np.uint8]
    shown_s: float
    heard: NDArray[np.uint8]
    heard_s: float
    true_box: tuple[float, float, float, float]
    box: tuple[float, float, float, float]
    iou: float


def tracking_figure(path: Path, faces: Sequence[TrackedFace]) -> None:
    """A sheet: above each frame of the sound's time, with both boxes, the frame that was shown instead of it."""
    num_columns = min(_COLUMNS, len(faces))
    num_rows = -(-len(faces) // num_columns)
    height, width = faces[0].shown.shape[1:]
    frame_in = 2.5 * height / width
    with style.figure(path, 2.5 * num_columns + 0.2, num_rows * (2 * frame_in + 1.0) + 0.3) as drawing:
        panels = drawing.subplots(2 * num_rows, num_columns, squeeze=False)
        for axes in panels.flat:
            axes.set_axis_off()
        for place, face in enumerate(faces):
            row, column = divmod(place, num_columns)
            _draw_shown(panels[2 * row, column], face)
            _draw_heard(panels[2 * row + 1, column], face)
        drawing.legend(
            handles=[
                Line2D([], [], color=style.ORANGE, linewidth=2.5, label="predicted"),
                Line2D([], [], color=style.INK, linewidth=1.2, linestyle=(0, (4, 3)), label="detected in this frame"),
            ],
            loc="outside lower center",
            ncols=2,
        )


def _draw_shown(axes: Axes, face: TrackedFace) -> None:
    axes.imshow(face.shown.transpose(1, 2, 0))
    axes.set_title(f"{face.title}\nshown: {face.shown_s:.1f} s", fontsize=9)


def _draw_heard(axes: Axes, face: TrackedFace) -> None:
    height, width = face.heard.shape[1:]
    axes.imshow(face.heard.transpose(1, 2, 0))
    for box, colour, line, dashes in (
        (face.box, style.INK, 4.0, "solid"),
        (face.box, style.ORANGE, 2.5, "solid"),
        (face.true_box, "white", 1.4, "solid"),
        (face.true_box, style.INK, 1.4, (0, (4, 3))),
    ):
        left, top, right, bottom = np.array(box) * (width, height, width, height) - 0.5
        axes.add_patch(
            Rectangle(
                (left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=line, linestyle=dashes
            )
        )
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_title(f"heard: {face.heard_s:.1f} s, IoU {face.iou:.2f}", fontsize=9)

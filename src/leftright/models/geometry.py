"""What one window of a clip holds: how much sound, which frames, how large. Every other size follows from it.

The paper's 2.87 s is no accident: 45,920 samples make 288 spectrogram frames, and 288 / 16 = 18 audio steps stand beside 18
frames at 6 Hz, one to one.
"""

import math
from dataclasses import dataclass

from leftright.audio import SAMPLE_RATE, num_stft_frames


@dataclass(frozen=True)
class WindowGeometry:
    """The window that a model sees.

    duration_s : its length. frame_rate : stored frames a second. frame_step : every how many stored frames one is used.
    crop : side of the square picture in pixels. Comments give the paper's sizes.
    """

    duration_s: float  # 2.87
    frame_rate: float  # 6
    frame_step: int  # 1
    crop: int  # 224

    @property
    def num_samples(self) -> int:
        """Samples of each channel: 45,920."""
        return round(self.duration_s * SAMPLE_RATE)

    @property
    def num_spectrogram_frames(self) -> int:
        """Columns of the spectrogram: 288."""
        return num_stft_frames(self.num_samples)

    @property
    def num_stored_frames(self) -> int:
        """Stored frames between the window's start and its end: 18."""
        # A whole number of frames must not become one more by the rounding of a product.
        return math.ceil(round(self.duration_s * self.frame_rate, 6))

    @property
    def frame_offsets(self) -> range:
        """Which stored frames are used, counted from the window's start: the middle one of every `frame_step`."""
        step = min(self.frame_step, self.num_stored_frames)
        return range((step - 1) // 2, self.num_stored_frames, step)

    @property
    def num_frames(self) -> int:
        """Frames that the visual network sees: 18."""
        return len(self.frame_offsets)

    def first_sample(self, first_frame: int) -> int:
        """Where the sound starts if the picture starts at stored frame `first_frame` of the clip."""
        return round(first_frame * SAMPLE_RATE / self.frame_rate)

    def last_start(self, num_clip_frames: int, num_clip_samples: int) -> int:
        """The last stored frame at which a window may start and still fit into the clip; negative where none fits."""
        by_sound = math.floor((num_clip_samples - self.num_samples) * self.frame_rate / SAMPLE_RATE)
        return min(num_clip_frames - self.num_stored_frames, by_sound)

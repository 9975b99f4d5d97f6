"""Where clips lie in a video: seeded, apart from one another, and the same however the work was split or resumed."""

import hashlib

import numpy as np

from leftright.sources.base import ClipPlan

TOLERANCE_S = 0.1
"""How much a video may fall short of a clip's length. Sound and picture of one file rarely end together: an AAC frame lasts
up to 0.064 s, a frame of a 10 Hz recording 0.1 s."""


def draw_starts(video: str, duration_s: float, plan: ClipPlan) -> list[float]:
    """Starts of a video's clips, in seconds, ascending, at least `clip_s` apart, on whole milliseconds.

    As many as fit, up to `max_clips`; every arrangement without overlap is equally likely. The draw depends on the seed and
    the video's id alone. Empty where the video is shorter than a clip.
    """
    num_clips = min(plan.max_clips, int((duration_s + TOLERANCE_S) // plan.clip_s))
    slack_s = max(0.0, duration_s - num_clips * plan.clip_s)
    digest = hashlib.sha256(video.encode()).digest()
    generator = np.random.default_rng([plan.seed, int.from_bytes(digest[:8], "big")])
    # Sorted uniform draws in what is left over, pushed apart by the clips before them.
    lead_ms = np.sort(generator.integers(0, int(slack_s * 1000), num_clips, endpoint=True))
    return [float(lead) / 1000 + index * plan.clip_s for index, lead in enumerate(lead_ms)]

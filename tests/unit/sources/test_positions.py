"""Clips' positions: apart, inside, seeded by video, and spread over all of it."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leftright.sources.base import ClipPlan
from leftright.sources.positions import TOLERANCE_S, draw_starts


@given(
    duration_s=st.floats(0, 4000), clip_s=st.floats(0.5, 30), max_clips=st.integers(1, 15), seed=st.integers(0, 2**31)
)
def test_clips_lie_inside_and_apart(duration_s: float, clip_s: float, max_clips: int, seed: int) -> None:
    starts = draw_starts("a", duration_s, ClipPlan(clip_s, max_clips, seed))
    assert len(starts) <= max_clips
    assert len(starts) == max_clips or (len(starts) + 1) * clip_s > duration_s + TOLERANCE_S - 1e-6
    assert all(start >= 0 for start in starts)
    assert all(later - earlier >= clip_s - 1e-6 for earlier, later in itertools.pairwise(starts))
    assert all(start + clip_s <= duration_s + TOLERANCE_S + 1e-6 for start in starts)


def test_a_video_as_long_as_a_clip_but_for_a_frame_gives_one() -> None:
    assert draw_starts("a", 9.96, ClipPlan(10, 15, 0)) == [0.0]
    assert draw_starts("a", 9.8, ClipPlan(10, 15, 0)) == []


def test_the_draw_is_the_videos_own() -> None:
    plan = ClipPlan(10, 5, 7)
    assert draw_starts("a", 600, plan) == draw_starts("a", 600, plan)
    assert draw_starts("a", 600, plan) != draw_starts("b", 600, plan)
    assert draw_starts("a", 600, plan) != draw_starts("a", 600, ClipPlan(10, 5, 8))


def test_every_part_of_a_video_is_drawn_alike() -> None:
    starts = np.array([draw_starts(f"v{number}", 110, ClipPlan(10, 1, 0)) for number in range(2000)]).ravel()
    shares, _ = np.histogram(starts, bins=10, range=(0, 100))
    # 200 a tenth, give or take sqrt(2000 * 0.1 * 0.9) = 13.4: four of those.
    assert shares == pytest.approx(200, abs=54)

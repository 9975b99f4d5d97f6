"""Tracked boxes against the true face's, with overlaps worked out by hand."""

import pandas as pd
import pytest

from leftright.reporting import face_truth
from leftright.reporting.downstream import Finetuned
from leftright.reporting.shares import Resampling

RESAMPLING = Resampling(100, 0)
CLIPS = pd.DataFrame({"clip": ["v_10000_20000", "w_0_10000"], "start_ms": [10_000, 0]})


def moment(video: str, time_s: float, left: float, *, sounds: bool = True) -> dict[str, object]:
    edges = {"face_left": left, "face_top": 0.2, "face_right": left + 0.2, "face_bottom": 0.6}
    return {"video": video, "time_s": time_s, "is_face_sounding": sounds, **edges}


TRAJECTORIES = pd.DataFrame(
    [moment("v", 11.9, 0.1), moment("v", 12.1, 0.5), moment("w", 1.0, 0.4, sounds=False), moment("w", 9.0, 0.0)]
)


def target(clip: str, time_s: float, left: float) -> dict[str, object]:
    """A target whose predicted box begins at `left`, and whose detected one begins 0.1 further to the right."""
    box = {"left": left, "top": 0.2, "right": left + 0.2, "bottom": 0.6}
    true = {"true_left": left + 0.1, "true_top": 0.2, "true_right": left + 0.3, "true_bottom": 0.6}
    return {"clip": clip, "video": clip[0], "time_s": time_s, **box, **true}


ASKED = pd.DataFrame([target("v_10000_20000", 2.04, 0.5), target("w_0_10000", 1.2, 0.3)])


def test_the_nearest_frame_of_the_video_counts_from_the_clips_start() -> None:
    """2.04 s into a clip that starts at 10 s is nearest to 12.1 s."""
    known = face_truth.with_truth(ASKED, CLIPS, TRAJECTORIES)
    assert known["face_left"].tolist() == [0.5, 0.4]
    assert known["is_face_sounding"].tolist() == [True, False]


def test_overlaps_and_sounding_faces_are_counted() -> None:
    """The first box is the true one; the second is half a width off: (0.2 - 0.1) / (0.2 + 0.1) = 1/3."""
    found = face_truth.check(Finetuned({("track", "flip"): ASKED}, {}, {}), CLIPS, TRAJECTORIES, RESAMPLING)
    assert found.agreements["flip"].iou.value == pytest.approx((1 + 1 / 3) / 2)
    assert found.agreements["detector"].iou.value == pytest.approx((1 / 3 + 1) / 2)
    assert found.agreements["flip"].centre_x.value == pytest.approx(1.0)
    assert (found.sounding.value, found.sounding.n) == (0.5, 2)
    assert set(face_truth.values(found)) == {
        "report.finetune.track.true_sounding",
        *(f"report.finetune.track.{name}.true_{kind}" for name in ("flip", "detector") for kind in ("iou", "centre_x")),
    }


def test_a_video_without_a_true_face_is_left_out() -> None:
    missing = TRAJECTORIES[TRAJECTORIES["video"] == "v"]
    assert face_truth.with_truth(ASKED, CLIPS, missing)["video"].tolist() == ["v"]
    hidden = TRAJECTORIES.assign(face_left=float("nan"))
    assert not len(face_truth.with_truth(ASKED, CLIPS, hidden))


def test_without_the_task_there_is_nothing_to_check() -> None:
    assert face_truth.check(Finetuned({}, {}, {}), CLIPS, TRAJECTORIES, RESAMPLING) is None

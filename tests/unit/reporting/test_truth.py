"""Checks against the truth, on small tables whose answers are counted by hand."""

import numpy as np
import pandas as pd
import pytest

from leftright.reporting import truth
from leftright.reporting.shares import Resampling
from leftright.simulation import faults

RESAMPLING = Resampling(num_resamples=200, seed=0)


def planted(**fault_of: str) -> pd.DataFrame:
    return pd.DataFrame({"video": list(fault_of), "fault": list(fault_of.values())})


def filtered(*rows: tuple[str, str]) -> pd.DataFrame:
    """Clips by video and reason; an empty reason is kept."""
    table = pd.DataFrame(rows, columns=["video", "reason"])
    return table.assign(verdict=np.where(table["reason"] == "", "kept", "rejected"))


def ledger(**status_of: str) -> pd.DataFrame:
    return pd.DataFrame({"video": list(status_of), "status": list(status_of.values())})


def test_every_planted_fault_is_expected_somewhere() -> None:
    assert {*truth.EXPECTED, *truth.WHOLE_FILE, *truth.PASSING} == {faults.NONE, *faults.FAULTS}


def test_precision_and_recall_by_hand() -> None:
    """Of three silent clips two are named so, and one clip of a good video is named silent too."""
    known = planted(a="silent", b="silent", c="none")
    clips = filtered(("a", "silent"), ("a", "no_face"), ("b", "silent"), ("c", "silent"), ("c", ""))
    silent, kept = truth.filter_scores(known, clips, ledger(a="kept", b="kept", c="kept"), RESAMPLING)
    assert (silent.num_planted, silent.num_named, silent.num_both) == (3, 3, 2)
    assert silent.precision.value == silent.recall.value == pytest.approx(2 / 3)
    assert (kept.precision.value, kept.recall.value) == (1.0, 0.5)


def test_clips_that_the_truth_does_not_know_change_no_score() -> None:
    known, seen = planted(a="mono", b="none"), ledger(a="kept", b="kept", s="kept")
    stereo = (("a", "not_stereo"), ("b", ""))
    with_spherical = truth.filter_scores(known, filtered(*stereo, ("s", "not_stereo")), seen, RESAMPLING)
    assert with_spherical == truth.filter_scores(known, filtered(*stereo), seen, RESAMPLING)
    assert with_spherical[0].precision.value == 1.0


def test_a_file_is_named_by_the_ledger_or_by_the_filter() -> None:
    known = planted(a="corrupt", b="corrupt", c="corrupt", d="none")
    clips = filtered(("b", "unreadable"), ("c", "unreadable"), ("c", ""), ("d", ""))
    corrupt, _ = truth.filter_scores(known, clips, ledger(a="corrupt", b="kept", c="kept", d="kept"), RESAMPLING)
    assert corrupt.unit == "videos"
    assert (corrupt.num_planted, corrupt.num_named, corrupt.num_both) == (3, 2, 2), "c has a clip that was kept"


def test_swapped_and_mirrored_videos_are_to_be_kept() -> None:
    known = planted(a="swapped", b="mirrored", c="second_face")
    clips = filtered(("a", ""), ("b", ""), ("c", "no_face"))
    (kept,) = truth.filter_scores(known, clips, ledger(a="kept", b="kept", c="kept"), RESAMPLING)
    assert kept.recall.value == pytest.approx(2 / 3)


def predictions(logits: dict[str, float], split: str = "test") -> pd.DataFrame:
    """Each video's logit as recorded; flipped it is the opposite, as of a model that knows sides."""
    rows = [
        (f"{video}_0", video, split, 1.0, flipped, -logit if flipped else logit, "stereo")
        for video, logit in logits.items()
        for flipped in (0, 1)
    ]
    return pd.DataFrame(rows, columns=["clip", "video", "split", "start_s", "is_flipped", "logit", "condition"])


def test_the_audit_ranks_turned_videos_first() -> None:
    known = planted(a="none", b="none", c="swapped", d="mirrored", e="none")
    audit = truth.flip_audit(predictions({"a": -3, "b": 0.5, "c": 2, "d": 0.1, "e": -1}), known, RESAMPLING)
    assert audit.num_planted == 2
    assert audit.videos["video"].tolist() == ["c", "b", "d", "e", "a"]
    assert audit.auc.value == pytest.approx(5 / 6), "of six pairs one stands the wrong way round: d below b"


def test_the_audit_claims_no_interval_where_every_resample_agrees() -> None:
    known = planted(a="none", b="none", c="swapped", d="swapped")
    audit = truth.flip_audit(predictions({"a": -3, "b": -2, "c": 2, "d": 3}), known, RESAMPLING)
    assert (audit.auc.value, audit.auc.low, audit.auc.high) == (1.0, None, None)


def test_an_audit_without_a_turned_video_is_unknown() -> None:
    assert truth.flip_audit(predictions({"a": -3.0}), planted(a="none"), RESAMPLING).auc.value is None


def test_valid_predictions_are_of_the_test_part_and_of_sound_videos() -> None:
    known = planted(a="none", b="swapped", c="second_face", d="none")
    table = pd.concat([predictions({"a": 1, "b": 1, "c": 1}), predictions({"d": 1}, "val")])
    mono = table.assign(condition="mono")
    chosen = truth.valid_test_predictions(pd.concat([table, mono]), known)
    assert set(chosen["video"]) == {"a", "c"}
    assert set(chosen["condition"]) == {"stereo"}


def test_the_true_place_is_the_mean_while_the_source_sounds() -> None:
    """A clip from 10 s on, its window at 2 s: the source crosses from 0.2 to 0.4 from 12 s to 14 s, and is silent from 13 s."""
    times_s = np.arange(0, 20, 0.5)
    x = np.clip(0.2 + 0.1 * (times_s - 12), 0.2, 0.4)
    track = pd.DataFrame({"video": "v", "time_s": times_s, "source_x": x, "azimuth_deg": 40 - 80 * x})
    track["is_sounding"] = times_s <= 13
    window = pd.DataFrame({"clip": ["k"], "video": ["v"], "start_s": [2.0], "duration_s": [2.0]})
    clips = pd.DataFrame({"clip": ["k"], "start_ms": [10_000]})
    place = truth.source_places(window, clips, track).iloc[0]
    assert place["true_x"] == pytest.approx(np.mean([0.2, 0.25, 0.3]))
    assert place["true_azimuth_deg"] == pytest.approx(40 - 80 * place["true_x"])


def test_a_silent_window_has_no_true_place() -> None:
    track = pd.DataFrame(
        {"video": "v", "time_s": [1.0], "source_x": [0.5], "azimuth_deg": [0.0], "is_sounding": [False]}
    )
    window = pd.DataFrame({"clip": ["k"], "video": ["v"], "start_s": [0.0], "duration_s": [2.0]})
    place = truth.source_places(window, pd.DataFrame({"clip": ["k"], "start_ms": [0]}), track).iloc[0]
    assert np.isnan(place["true_x"])

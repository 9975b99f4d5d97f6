"""Differences on the same clips, in numbers worked out by hand, and what is said of them in words."""

import pandas as pd
import pytest

from leftright.errors import InputError
from leftright.reporting import comparisons
from leftright.reporting.comparisons import Comparison
from leftright.reporting.downstream import Finetuned, Measure
from leftright.reporting.shares import Resampling
from leftright.results import Value

RESAMPLING = Resampling(200, 0)
VIDEOS = [f"v{number}" for number in range(8)]


def tracked(*overlaps: float) -> pd.DataFrame:
    names = VIDEOS[: len(overlaps)]
    return pd.DataFrame({"clip": names, "video": names, "time_s": 1.0, "iou": overlaps})


def finetuned(**by_variant: pd.DataFrame) -> Finetuned:
    return Finetuned({("track", name): table for name, table in by_variant.items()}, {}, {})


def test_the_difference_is_the_mean_over_the_same_rows() -> None:
    (found,) = comparisons.compare(finetuned(flip=tracked(0.5, 0.7), scratch=tracked(0.4, 0.4)), RESAMPLING)
    assert found.difference.value == pytest.approx(0.2)
    assert found.p == 0.5, "of the four ways to flip two signs, two are as far"
    assert found.key == "report.finetune.track.flip_minus_scratch.iou"
    assert set(comparisons.values((found,))) == {found.key, f"{found.key}.p"}


def test_eight_videos_all_better_are_better() -> None:
    ours = tracked(*(0.5 + 0.01 * number for number in range(8)))
    (found,) = comparisons.compare(finetuned(flip=ours, scratch=tracked(*[0.3] * 8)), RESAMPLING)
    assert found.p == 2 / 2**8
    assert found.verdict == "better"


def test_five_videos_show_nothing_however_far_apart() -> None:
    (found,) = comparisons.compare(finetuned(flip=tracked(*[0.9] * 5), shift=tracked(*[0.1] * 5)), RESAMPLING)
    assert found.difference.low == pytest.approx(0.8)
    assert found.verdict == "no difference shown"


@pytest.mark.parametrize(
    ("better", "difference", "p", "verdict"),
    [
        ("higher", Value(0.2, 0.1, 0.3, 8), 0.01, "better"),
        ("higher", Value(-0.2, -0.3, -0.1, 8), 0.01, "worse"),
        ("lower", Value(0.2, 0.1, 0.3, 8), 0.01, "worse"),
        ("lower", Value(-0.2, -0.3, -0.1, 8), 0.01, "better"),
        ("higher", Value(0.2, -0.1, 0.3, 8), 0.01, "no difference shown"),
        ("higher", Value(0.2, 0.1, 0.3, 8), 0.2, "no difference shown"),
        ("higher", Value(0.2, n=8), 0.01, "no difference shown"),
        ("higher", Value(None, n=0), None, "no difference shown"),
    ],
)
def test_the_verdict_needs_interval_and_test(better, difference: Value, p: float | None, verdict: str) -> None:
    measure = Measure("iou", "mean IoU", better, 3)
    assert Comparison("track", "flip", "scratch", measure, difference, p).verdict == verdict


def test_the_mirrored_picture_and_mono_are_compared_within_flip() -> None:
    rows = [("predicted", 0.2), ("mirrored", 0.5), ("mono", 0.3)]
    table = pd.DataFrame(
        [
            {"clip": video, "video": video, "condition": name, "stft": stft, "env": stft / 2}
            for name, stft in rows
            for video in ("v0", "v1")
        ]
    )
    found = comparisons.compare(Finetuned({("spatialize", "flip"): table}, {}, {}), RESAMPLING)
    differences = {(each.second, each.measure.key): each.difference.value for each in found}
    assert differences["mirrored", "stft"] == pytest.approx(-0.3)
    assert differences["mono", "env"] == pytest.approx(-0.05)


def asked(numbers: list[float], condition: str = "asked") -> pd.DataFrame:
    clips = {"clip": ["a", "b"], "mixed_with": ["b", "a"], "video": ["v", "w"]}
    return pd.DataFrame({**clips, "condition": condition, "sdr_db": numbers})


def test_who_only_hears_is_compared_by_guessing_and_by_the_best_naming() -> None:
    blind = pd.concat([asked([1.0, 3.0]), asked([6.0, 6.0], "best")], ignore_index=True)
    tables = {("separate", "flip"): asked([5.0, 4.0]), ("separate", "sound_only"): blind}
    found = comparisons.compare(Finetuned(tables, {}, {}), RESAMPLING)
    assert {each.second: each.difference.value for each in found} == {"sound_only": 2.5, "best": -1.5}


def test_an_undefined_ratio_is_left_out() -> None:
    tables = {name: asked(numbers) for name, numbers in (("flip", [5.0, float("nan")]), ("scratch", [3.0, 1.0]))}
    found = comparisons.compare(
        Finetuned({("separate", name): table for name, table in tables.items()}, {}, {}), RESAMPLING
    )
    assert found[0].difference == Value(2.0, n=1)


def test_variants_that_were_judged_on_other_clips_are_refused() -> None:
    other = tracked(0.4, 0.4).assign(time_s=2.0)
    with pytest.raises(InputError, match="track: flip and scratch were judged on other clips; run finetune again"):
        comparisons.compare(finetuned(flip=tracked(0.5, 0.7), scratch=other), RESAMPLING)


def test_without_flip_nothing_is_compared() -> None:
    assert comparisons.compare(finetuned(scratch=tracked(0.5)), RESAMPLING) == ()

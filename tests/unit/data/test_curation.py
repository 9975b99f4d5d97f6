import numpy as np
import pandas as pd
import pytest

from leftright.data.curation import (
    Decision,
    Rule,
    agreement,
    cohen_kappa,
    judge_channel,
    offered_for_review,
    read_decisions,
    spatial_evidence,
    video_verdicts,
)
from leftright.errors import InputError

HEADER = "video,verdict,reviewer,time,note"
RULE = Rule(min_accepted_share=0.5, min_evidence=0.0, min_evidence_videos=5)


@pytest.fixture
def read(tmp_path):
    def read_lines(*lines: str) -> list[Decision]:
        path = tmp_path / "decisions.csv"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return read_decisions(path)

    return read_lines


def decided(**verdicts: str) -> list[Decision]:
    """With ada="v1+ v2-", Ada accepts v1 and rejects v2."""
    return [
        Decision(word[:-1], "accept" if word[-1] == "+" else "reject", reviewer, "2026-01-01", "")
        for reviewer, words in verdicts.items()
        for word in words.split()
    ]


def test_decisions_are_read_with_quotes_blank_lines_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_text(
        f'\ufeff{HEADER}\nv1,accept,ada,2026-01-31T12:00:00+01:00,"clear, close"\n\nv1,reject,bob,2026-02-01,\n'
    )
    assert read_decisions(path) == [
        Decision("v1", "accept", "ada", "2026-01-31T12:00:00+01:00", "clear, close"),
        Decision("v1", "reject", "bob", "2026-02-01", ""),
    ]


def test_the_committed_file_is_readable(pytestconfig):
    assert read_decisions(pytestconfig.rootpath / "curation/decisions.csv") == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("v2,maybe,ada,2026-01-01,", r"line 3: the verdict 'maybe' is unknown"),
        ("v1,reject,ada,2026-01-02,", r"line 3: ada has decided about v1 in line 2"),
        ("v2,accept,ada,2026-01-01", r"line 3: has 4 fields and not 5"),
        ("v2,accept,ada,yesterday,", r"line 3: the time 'yesterday' is not ISO 8601"),
        ("v2,accept,,2026-01-01,", r"line 3: lacks the video or the reviewer"),
        ('v2,accept,ada,2026-01-01,"open', r"not a CSV file"),
    ],
)
def test_a_faulty_line_is_named(read, line, message):
    with pytest.raises(InputError, match=message) as error:
        read(HEADER, "v1,accept,ada,2026-01-01,", line)
    assert "\n" not in str(error.value)


def test_a_line_number_counts_the_lines_of_a_quoted_note(read):
    with pytest.raises(InputError, match="line 4: the verdict"):
        read(HEADER, 'v1,accept,ada,2026-01-01,"two', 'lines"', "v2,oui,ada,2026-01-01,")


def test_a_wrong_header_and_a_missing_file_are_named(read, tmp_path):
    with pytest.raises(InputError, match="line 1: is not the header video,verdict"):
        read("video,verdict")
    with pytest.raises(InputError, match="no such decisions file"):
        read_decisions(tmp_path / "none.csv")


def test_reviewers_vote_and_a_tie_is_contested():
    decisions = decided(ada="v1+ v2+ v3-", bob="v1+ v2-", eve="v1-")
    assert video_verdicts(decisions) == {"v1": "accept", "v2": "contested", "v3": "reject"}


def test_kappa_of_cohens_formula_by_hand():
    # Of 50: both accept 20, both reject 15, 5 and 10 differ. Observed 0.7, by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    first = np.array([True] * 25 + [False] * 25)
    second = np.array([True] * 20 + [False] * 5 + [True] * 10 + [False] * 15)
    assert cohen_kappa(first, second) == pytest.approx(0.4)
    assert cohen_kappa(first, first) == 1
    assert np.isnan(cohen_kappa(np.ones(3, bool), np.ones(3, bool)))


def test_agreement_counts_videos_that_two_have_judged():
    found = agreement(decided(ada="v1+ v2- v3+ v4-", bob="v1+ v2- v3- v5+", eve="v9+"))
    assert (found["share"].value, found["share"].n) == (pytest.approx(2 / 3), 3)
    # Ada accepts 2 of 3, Bob 1 of 3: by chance 2/9 + 2/9 = 4/9, so (6/9 - 4/9) / (5/9).
    assert found["kappa"].value == pytest.approx(0.4)
    nobody = agreement(decided(ada="v1+", bob="v2+"))
    assert (nobody["share"].value, nobody["kappa"].value, nobody["kappa"].n) == (None, None, 0)


def test_a_third_of_the_videos_is_offered_and_stays_the_same():
    videos = [f"v{number}" for number in range(9)]
    offered = offered_for_review(videos, 0.3333, seed=0)
    assert len(offered) == 3
    assert offered == offered_for_review(reversed(videos), 0.3333, seed=0)
    assert {tuple(offered_for_review(videos, 0.3333, seed)) for seed in range(10)} != {tuple(offered)}
    assert len(offered_for_review(["only"], 0.3333, 0)) == 1
    assert offered_for_review(videos, 0.0, 0) == []


def channel(slopes: list[float], num_samples: int = 12, noise: float = 1.0) -> pd.DataFrame:
    """A clip a video; the level difference follows the face with the video's slope, in dB per picture width."""
    generator = np.random.default_rng(5)
    rows = []
    for number, slope in enumerate(slopes):
        face_xs = generator.random(num_samples)
        led_db = slope * (face_xs - 0.5) + noise * generator.standard_normal(num_samples)
        face_xs[0] = np.nan
        rows.append(
            {"clip": f"v{number}_0_10", "video": f"v{number}", "face_xs": list(face_xs), "face_led_db": list(led_db)}
        )
    return pd.DataFrame(rows)


def judge(clips: pd.DataFrame, verdicts: dict[str, str] | None = None, rule: Rule = RULE):
    return judge_channel(verdicts or {}, clips, rule, num_resamples=200, seed=0)


def test_evidence_is_positive_where_the_sound_follows_the_face_and_negative_where_channels_are_swapped():
    straight = spatial_evidence(channel([20.0] * 6), num_resamples=200, seed=0)
    swapped = spatial_evidence(channel([-20.0] * 6), num_resamples=200, seed=0)
    assert straight.value > 0.9
    assert straight.low > 0.8
    assert swapped.high < -0.8
    assert straight.n == 6 * 11


def test_a_channel_that_contradicts_its_picture_is_out_and_one_without_relation_stays():
    assert judge(channel([20.0] * 6))["kept"]
    out = judge(channel([-20.0] * 6))
    assert (out["kept"], out["basis"]) == (False, "evidence")
    assert out["evidence_low"] < out["evidence"] < out["evidence_high"] < 0
    unrelated = judge(channel([0.0] * 6))
    assert (unrelated["kept"], unrelated["basis"]) == (True, "evidence")
    assert unrelated["evidence_low"] < 0 < unrelated["evidence_high"]


def test_one_swapped_video_does_not_condemn_its_channel():
    assert judge(channel([20.0] * 4 + [-20.0]))["kept"]


def test_few_videos_are_too_little_evidence_and_claim_no_interval():
    for slopes in ([-20.0], [-20.0] * 4):
        judged = judge(channel(slopes))
        assert (judged["kept"], judged["basis"]) == (True, "too_little_evidence")
        assert judged["evidence"] < -0.8
        assert judged["evidence_low"] is judged["evidence_high"] is None


def test_a_channel_without_faces_has_no_evidence():
    clips = channel([20.0] * 6)
    clips["face_xs"] = [[np.nan] * 12] * 6
    judged = judge(clips)
    assert (judged["basis"], judged["evidence"], judged["num_evidence_videos"]) == ("too_little_evidence", None, 0)
    clips["face_xs"] = [[]] * 6
    clips["face_led_db"] = [[]] * 6
    assert judge(clips)["num_samples"] == 0


def test_decisions_come_before_evidence():
    clips = channel([-20.0] * 6)
    kept = judge(clips, {"v0": "accept", "v1": "reject", "elsewhere": "reject"})
    assert (kept["kept"], kept["basis"], kept["num_accepted"], kept["num_rejected"]) == (True, "decisions", 1, 1)
    out = judge(channel([20.0] * 6), {"v0": "reject"})
    assert (out["kept"], out["basis"]) == (False, "decisions")
    stricter = Rule(min_accepted_share=0.6, min_evidence=0.0, min_evidence_videos=5)
    assert not judge(clips, {"v0": "accept", "v1": "reject"}, stricter)["kept"]


def test_contested_videos_leave_the_evidence_to_decide():
    judged = judge(channel([-20.0] * 6), {"v0": "contested"})
    assert (judged["kept"], judged["basis"], judged["num_contested"]) == (False, "evidence", 1)

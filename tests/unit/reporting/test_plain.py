"""The terminal's table: aligned, published beside measured, and honest about what was not run."""

from pathlib import Path

import pytest

from leftright import results
from leftright.errors import InputError
from leftright.reporting import plain
from leftright.results import Value

MEASURED = {
    "localize.pca.pearson": Value(0.872, 0.811, 0.926, 1204),
    "localize.pca.spearman": Value(-0.5, -0.61, -0.39, 1204),
    "localize.motion_prior.pearson": Value(None, n=1204),
}


def test_a_row_sets_published_beside_measured() -> None:
    (row,) = [line for line in plain.table1_text(MEASURED).splitlines() if "PCA" in line]
    assert row.split() == [
        "PCA", "proj", "0.709", "0.872", "[0.811,", "0.926]", "0.790", "−0.500", "[−0.610,", "−0.390]", "1,204"
    ]  # fmt: skip


def test_missing_and_undefined_numbers_are_told_apart() -> None:
    rows = {line.strip()[:8]: line for line in plain.table1_text(MEASURED).splitlines()}
    assert rows["Predicte"].count("not run") == 2
    assert "unknown" in rows["Motion p"]


def test_the_table_fits_a_terminal_and_its_columns_are_aligned() -> None:
    lines = plain.table1_text(MEASURED).splitlines()
    assert max(map(len, lines)) <= 100
    (titles,) = [line for line in lines if "published" in line]
    (row,) = [line for line in lines if "PCA" in line]
    assert row.index("0.872") + 5 == titles.index("measured") + len("measured")
    assert len(row) == len(titles)


def test_the_summary_names_the_report_and_says_simulated(tmp_path: Path) -> None:
    results.write(tmp_path / "localize.json", MEASURED)
    results.write(tmp_path / "pretrain.json", {"flip.accuracy": Value(0.93, 0.9, 0.96, 310)})
    text = plain.summary(tmp_path, Path("data/report/report.html"))
    assert text.endswith("Report: data/report/report.html")
    assert "0.930" in text
    assert "N = 310" in text
    assert "imulated" not in text
    results.write(tmp_path / "report.json", {"truth.audit.auc": Value(1.0)})
    assert plain.summary(tmp_path, Path("r.html")).startswith("Simulated world")


def test_without_metrics_there_is_one_line_of_advice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no metrics file; run"):
        plain.summary(tmp_path, Path("r.html"))


FINETUNED = {
    "finetune.track.scratch.iou": Value(0.5, 0.4, 0.6, 96),
    "finetune.track.flip.iou": Value(0.8, 0.7, 0.9, 96),
    "report.finetune.track.flip_minus_scratch.iou": Value(0.3, 0.25, 0.35, 96),
    "finetune.separate.flip.sdr_db": Value(3.2, 3.0, 3.4, 48),
}


def test_downstream_tasks_stand_with_their_difference_and_fit_a_terminal() -> None:
    lines = plain.downstream_text(FINETUNED).splitlines()
    (row,) = [line for line in lines if line.startswith("track")]
    assert row.split()[-5:] == ["0.500", "0.800", "+0.3000", "[0.2500,", "0.3500]"]
    assert max(map(len, lines)) <= 100
    assert not any(line.startswith("spatialize") for line in lines), "it was not run"


def test_a_start_that_was_not_run_is_said_so_in_the_terminal() -> None:
    (row,) = [line for line in plain.downstream_text(FINETUNED).splitlines() if line.startswith("separate")]
    assert row.split()[-3:] == ["not", "run", "3.20"]


def test_without_downstream_tasks_there_is_no_such_table() -> None:
    assert plain.downstream_text(MEASURED) == ""

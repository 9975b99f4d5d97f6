"""Table 1 and the flip task's numbers of the last run, and where its report lies."""

from pathlib import Path

from leftright.reporting import plain


def run(*, stage_metrics: Path = Path("metrics"), report: Path = Path("data/report/report.html")) -> None:
    """Print the numbers of the metrics files.

    stage_metrics : the directory of metrics files. report : the page that they are on. Raises InputError where a file is
    missing.
    """
    print(plain.summary(stage_metrics, report))

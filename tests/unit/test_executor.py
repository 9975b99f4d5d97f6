"""A task's executor input becomes flags, and its results become the metadata that Kubeflow shows."""

import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from leftright import cli, executor
from leftright.errors import InputError
from leftright.results import Value


def artifact(name: str, uri: str, kind: str = "system.Dataset") -> dict:
    return {"name": name, "uri": uri, "type": {"schemaTitle": kind, "schemaVersion": "0.0.1"}, "metadata": {}}


def document(output_file: Path, inputs: dict[str, list[dict]] | None = None) -> str:
    outputs = {
        "out": {"artifacts": [artifact("out", "/store/out")]},
        "metrics": {"artifacts": [artifact("metrics", "/store/m.json", "system.Metrics")]},
    }
    text = json.dumps(
        {
            "inputs": {"artifacts": {name: {"artifacts": listed} for name, listed in (inputs or {}).items()}},
            "outputs": {"artifacts": outputs, "outputFile": str(output_file)},
        }
    )
    # The form is Kubeflow's own.
    json_format.Parse(text, pipeline_spec_pb2.ExecutorInput())
    return text


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("gs://bucket/a/b", "/gcs/bucket/a/b"),
        ("s3://bucket/a", "/s3/bucket/a"),
        ("minio://mlpipeline/v2/x", "/minio/mlpipeline/v2/x"),
        ("/local/outputs/x", "/local/outputs/x"),
    ],
)
def test_an_artifact_lies_where_the_backend_puts_it(uri, path):
    assert executor.local_path(uri) == path


def test_a_list_of_artifacts_becomes_a_flag_of_several_words(tmp_path):
    parts = [artifact("out", "minio://b/0"), artifact("out", "minio://b/1")]
    words, task = executor.take(
        ["--out", "o", "--executor-input", document(tmp_path / "e.json", {"clips": parts}), "--part", "0/1"]
    )
    assert words == ["--out", "o", "--part", "0/1", "--clips", "/minio/b/0", "/minio/b/1"]
    assert task is not None


def test_the_metrics_of_stages_are_one_flag(tmp_path):
    """Those of a list too, in a command that takes metrics; in another they have no use."""
    inputs = {
        "pretrain_metrics": [artifact("m", "minio://b/0"), artifact("m", "minio://b/1")],
        "localize_metrics": [artifact("m", "minio://b/2")],
        "finetune_metrics": [],
        "models": [artifact("out", "minio://b/3")],
        "truth": [artifact("out", "minio://b/4")],
    }
    text = document(tmp_path / "e.json", inputs)
    words, _ = executor.take(["--executor-input", text], {"stage_metrics", "models"})
    assert words == ["--stage_metrics", "/minio/b/0", "/minio/b/1", "/minio/b/2", "--models", "/minio/b/3"]
    assert executor.take(["--executor-input", text], {"models"})[0] == ["--models", "/minio/b/3"]
    words, _ = executor.take(["--executor-input", text], {"localize_metrics", "stage_metrics"})
    assert words == ["--stage_metrics", "/minio/b/0", "/minio/b/1", "--localize_metrics", "/minio/b/2"]
    given = ["--stage_metrics", "metrics"]
    assert executor.take([*given, "--executor-input", text], {"stage_metrics"})[0] == given


@pytest.mark.parametrize("flag", [["--decided_by", "x"], ["--decided-by", "x"], ["--decided_by=x"]])
def test_a_flag_that_is_given_wins(tmp_path, flag):
    text = document(tmp_path / "e.json", {"decided_by": [artifact("d", "/other")]})
    assert executor.take([*flag, "--executor-input", text])[0] == flag


def test_without_it_nothing_changes():
    assert executor.take(["--out", "o"]) == (["--out", "o"], None)


def test_the_output_file_holds_every_artifact_and_the_numbers(tmp_path):
    output_file = tmp_path / "deep" / "executor_output.json"
    task = executor.parse(document(output_file))
    task.finish({"flip.accuracy": Value(0.9, 0.8, 0.95, 40), "flip.unknown": Value(None)})
    written = output_file.read_text()
    json_format.Parse(written, pipeline_spec_pb2.ExecutorOutput())
    artifacts = json.loads(written)["artifacts"]
    assert artifacts["out"]["artifacts"] == [artifact("out", "/store/out")]
    (metrics,) = artifacts["metrics"]["artifacts"]
    assert metrics["metadata"] == {"flip.accuracy": 0.9, "flip.accuracy.low": 0.8, "flip.accuracy.high": 0.95}


def test_a_page_is_the_stages_own_or_one_of_its_figures(tmp_path):
    page = artifact("page", str(tmp_path / "page"), "system.HTML")
    outputs = {"page": {"artifacts": [page]}}
    task = executor.parse(json.dumps({"outputs": {"artifacts": outputs, "outputFile": str(tmp_path / "o.json")}}))
    (tmp_path / "first <one>.png").write_bytes(b"picture")
    task.finish({}, figures=[tmp_path / "first <one>.png"])
    written = (tmp_path / "page").read_text()
    assert 'src="data:image/png;base64,cGljdHVyZQ=="' in written
    assert "first &lt;one&gt;" in written
    (tmp_path / "report.html").write_text("<p>the stage's own")
    task.finish({}, figures=[tmp_path / "first <one>.png"], tables=[tmp_path / "t.csv", tmp_path / "report.html"])
    assert (tmp_path / "page").read_text() == "<p>the stage's own"
    task.finish({})
    assert "No figures" in (tmp_path / "page").read_text()


@pytest.mark.parametrize("text", ["{{$}}", "{", "[]", "{}", '{"outputs": {"artifacts": {"a": 3}, "outputFile": "x"}}'])
def test_what_is_no_executor_input_is_one_line(text):
    with pytest.raises(InputError, match="not an executor input"):
        executor.parse(text)


def test_a_missing_value_is_named():
    with pytest.raises(InputError, match="its JSON is missing"):
        executor.take(["--executor-input"])


def test_a_stage_run_as_a_task_reads_its_inputs_and_reports_its_numbers(tmp_path, monkeypatch):
    """Curate of an empty directory fails in one line and reports nothing; simulate succeeds and reports its numbers."""
    monkeypatch.setenv("LEFTRIGHT_TRACKING", "none")
    smallest = Path(__file__).parents[2] / "configs/smallest.yaml"
    output_file = tmp_path / "executor_output.json"
    filtered = {"filtered": [artifact("out", str(tmp_path / "nothing"))]}
    words = [
        "--decisions",
        str(tmp_path / "d.csv"),
        "--out",
        str(tmp_path / "c"),
        "--metrics",
        str(tmp_path / "c.json"),
    ]
    task = ["--params", str(smallest), "--executor-input"]
    assert cli.main(["curate", *words, *task, document(output_file, filtered)]) == 2
    assert not output_file.exists()
    words = ["--out", str(tmp_path / "s"), "--metrics", str(tmp_path / "s.json"), "--num_channels", "1"]
    words += ["--min_videos", "1", "--max_videos", "1"]
    assert cli.main(["simulate", *words, *task, document(output_file)]) == 0
    (metrics,) = json.loads(output_file.read_text())["artifacts"]["metrics"]["artifacts"]
    said = json.loads((tmp_path / "s.json").read_text())
    assert metrics["metadata"]["simulate.videos"] == said["simulate.videos"]["value"]

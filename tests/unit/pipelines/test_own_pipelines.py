"""leftright's own pipelines, sent to a server that records what it is sent: what the README promises."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from leftright import cli
from pipelines import compile as compile_packages

PIPELINES = Path(__file__).parents[3] / "pipelines"


def documents(body: dict) -> tuple[pipeline_spec_pb2.PipelineSpec, pipeline_spec_pb2.PlatformSpec]:
    sent = body["pipeline_spec"]
    spec = json_format.ParseDict(sent["pipeline_spec"], pipeline_spec_pb2.PipelineSpec())
    return spec, json_format.ParseDict(sent["platform_spec"], pipeline_spec_pb2.PlatformSpec())


def test_full_is_submitted_with_the_names_of_the_params_file(stub) -> None:
    words = ["pretrain.learning_rate=1", "pretrain_num_steps=9", "filter.motion_steps_s=[0.5]", "data_rev=1234567"]
    assert cli.main(["submit", str(PIPELINES / "full.py"), "-e", "tables", *words]) == 0
    (body,) = stub.posted("/runs")
    given = body["runtime_config"]["parameters"]
    assert given == {
        "pretrain_learning_rate": 1.0,
        "pretrain_num_steps": 9,
        "filter_motion_steps_s": [0.5],
        "data_rev": "1234567",
    }
    assert type(given["pretrain_num_steps"]) is int
    spec, platform = documents(body)
    assert spec.pipeline_info.name == "leftright-full"
    assert "exec-pretrain" in json_format.MessageToDict(platform.platforms["kubernetes"].deployment_spec)["executors"]


def test_retrain_is_put_on_a_schedule(stub, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["-e", "nightly", "--cron", "0 30 2 * * MON", "min_new_clips=500"]
    assert cli.main(["schedule", "create", str(PIPELINES / "retrain.py"), "weekly", *words]) == 0
    (body,) = stub.posted("/recurringruns")
    assert body["mode"] == "ENABLE"
    assert body["trigger"]["cron_schedule"]["cron"] == "0 30 2 * * MON"
    assert body["runtime_config"]["parameters"] == {"min_new_clips": 500}
    assert documents(body)[0].pipeline_info.name == "leftright-retrain"
    assert "on Monday at 02:30 UTC" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["create", "submit"])
def test_the_compiled_package_will_do_for_kfps_own_command(stub, tmp_path: Path, verb: str) -> None:
    """`make compile` writes it; kfp itself makes a number of whatever looks like one."""
    compile_packages.write(tmp_path)
    package = str(tmp_path / "pipelines/full.yaml")
    words = ["--endpoint", stub.host, "run", verb, "-e", "tables", "-f", package, "pretrain_num_steps=5"]
    done = subprocess.run([str(Path(sys.executable).with_name("kfp")), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (body,) = stub.posted("/runs")
    assert body["runtime_config"]["parameters"] == {"pretrain_num_steps": 5}
    assert documents(body)[0].pipeline_info.name == "leftright-full"


def test_an_unknown_value_names_those_there_are(stub, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["submit", str(PIPELINES / "full.py"), "-e", "tables", "pretrain.lr=1"]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("leftright submit: pretrain_lr: leftright-full has no such parameter")
    assert "pretrain_learning_rate" in line
    assert not stub.posted("/runs")

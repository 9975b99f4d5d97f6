"""`leftright submit`, spoken by kfp's own client to a server that records it."""

import socket

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from leftright import cli
from pipelines.commands import submit
from tests.unit.pipelines.test_package import EXAMPLE

VALUES = ["sha=1234567", "times=3", "scale=2", "loud=true", "words=[]", 'options={"a": 1}']


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(submit, "POLL_SECONDS", 0.01)


def run(*words):
    return cli.main(["submit", str(EXAMPLE), "-e", "first", *words])


def failure(capsys, *words):
    """The last line on standard error: what the command says when it ends with 2."""
    assert run(*words) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    (line,) = [line for line in captured.err.splitlines() if line.startswith("leftright submit: ")]
    return line


def test_the_experiment_is_made_and_the_run_carries_both_specs_and_typed_values(stub, capsys):
    assert run(*VALUES) == 0
    assert [body["display_name"] for body in stub.posted("/experiments")] == ["first"]
    (body,) = stub.posted("/runs")
    assert body["experiment_id"] == next(iter(stub.experiments))
    assert body["display_name"].startswith("example 20")
    values = body["runtime_config"]["parameters"]
    assert values == {"sha": "1234567", "times": 3, "scale": 2.0, "loud": True, "words": [], "options": {"a": 1}}
    assert type(values["times"]) is int
    spec = json_format.ParseDict(body["pipeline_spec"]["pipeline_spec"], pipeline_spec_pb2.PipelineSpec())
    assert set(spec.root.dag.tasks) == {"for-loop-2", "greet-2"}
    platform = json_format.ParseDict(body["pipeline_spec"]["platform_spec"], pipeline_spec_pb2.PlatformSpec())
    assert platform.platforms["kubernetes"].pipelineConfig.active_deadline_seconds == 3600
    assert f"{stub.host}/#/runs/details/{next(iter(stub.runs))}" in capsys.readouterr().out


def test_values_that_were_not_given_are_left_to_the_pipeline(stub):
    assert run("sha=a") == 0
    assert stub.posted("/runs")[0]["runtime_config"]["parameters"] == {"sha": "a"}


def test_an_experiment_that_is_there_is_used(stub):
    stub.add_experiment("other")
    identity = stub.add_experiment("first")
    assert run("sha=a", "--name", "tuesday's") == 0
    assert stub.posted("/experiments") == []
    assert stub.posted("/runs")[0]["experiment_id"] == identity
    assert stub.posted("/runs")[0]["display_name"] == "tuesday's"


def test_the_host_of_the_flag_wins(stub, monkeypatch):
    monkeypatch.setenv("KFP_ENDPOINT", "http://127.0.0.1:1")
    assert run("sha=a", "--host", stub.host) == 0
    assert len(stub.runs) == 1


def test_watching_prints_changes_and_ends_well(stub, capsys):
    stub.states = ["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"]
    assert run("sha=a", "--watch") == 0
    lines = [line.split()[-1] for line in capsys.readouterr().out.splitlines() if " run example" in line]
    assert lines == ["PENDING", "RUNNING", "SUCCEEDED"]


@pytest.mark.parametrize("end", ["FAILED", "CANCELED"])
def test_watching_a_run_that_goes_wrong_names_the_task_and_exits_with_1(stub, capsys, end):
    tasks = [
        {"task_id": "1", "display_name": "collect", "state": "SUCCEEDED"},
        {
            "task_id": "2",
            "display_name": "filter",
            "state": "FAILED",
            "error": {"code": 2, "message": "exit\nstatus 2"},
        },
    ]
    stub.states = ["RUNNING", end]
    stub.run_details = {end: {"run_details": {"task_details": tasks}}}
    assert run("sha=a", "--watch") == 1
    out = capsys.readouterr().out
    assert "task filter: FAILED: exit status 2\n" in out
    assert "task collect" not in out
    assert out.endswith(f": {end}\n")


def test_a_watch_outlives_a_connection_that_drops(stub, capsys, monkeypatch):
    stub.states = ["RUNNING", "SUCCEEDED"]
    ask, asked = submit._asked, []

    def drop_once(client, run_id):
        configuration = client._run_api.api_client.configuration
        if asked == ["RUNNING"]:
            monkeypatch.setattr(configuration, "host", f"http://127.0.0.1:{free_port()}")
            monkeypatch.setattr(submit.time, "sleep", lambda _: setattr(configuration, "host", stub.host))
        answer = ask(client, run_id)
        asked.append(answer.state)
        return answer

    monkeypatch.setattr(submit, "_asked", drop_once)
    assert run("sha=a", "--watch") == 0
    assert "does not answer" in capsys.readouterr().out


def test_a_watch_that_loses_the_cluster_says_that_the_run_goes_on(stub, capsys, monkeypatch):
    monkeypatch.setattr(submit, "PATIENCE", 3)
    stub.refusals["GET", "/runs/run-2"] = 503, "upstream"
    assert "run run-2 goes on without this command" in failure(capsys, "sha=a", "--watch")
    assert [path for method, path, _ in stub.requests].count("/runs/run-2") == 3


def test_a_namespace_goes_with_every_request(stub):
    assert run("sha=a", "--namespace", "team") == 0
    assert [
        query["namespace"] for method, path, query in stub.requests if (method, path) == ("GET", "/experiments")
    ] == ["team"]
    assert stub.posted("/experiments")[0]["namespace"] == "team"
    assert cli.main(["schedule", "list", "--namespace", "team"]) == 0
    assert stub.requests[-1][2]["namespace"] == "team"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_an_absent_server_is_named_with_the_way_to_one(capsys):
    host = f"http://127.0.0.1:{free_port()}"
    line = failure(capsys, "sha=a", "--host", host)
    assert line.startswith(f"leftright submit: {host} does not answer;")
    assert "kubectl port-forward" in line


def test_no_server_named_is_told_how(capsys):
    line = failure(capsys, "sha=a")
    assert "no cluster is named" in line
    assert "kubectl port-forward" in line


def test_a_host_without_its_scheme_is_told_how(capsys):
    assert "host localhost:8080: write it as http://" in failure(capsys, "sha=a", "--host", "localhost:8080")


@pytest.mark.parametrize("status", [404, 200])
def test_a_server_that_is_something_else_is_named(stub, capsys, status):
    stub.refusals["GET", "/healthz"] = status, "a page"
    assert "is it the address of ml-pipeline-ui?" in failure(capsys, "sha=a")
    assert stub.changes() == []


def test_a_proxy_without_its_server_is_named(stub, capsys):
    stub.refusals["GET", "/healthz"] = 503, "upstream"
    assert "what stands before it answers 503 Service Unavailable" in failure(capsys, "sha=a")


def test_a_refusal_is_passed_on_in_one_line(stub, capsys):
    stub.refusals["POST", "/runs"] = 400, {"message": "bad pipeline:\n no image"}
    assert failure(capsys, "sha=a").endswith("refuses (400 Bad Request): bad pipeline: no image")


def test_nothing_is_sent_for_a_bad_value(stub, capsys):
    assert "times=x: is no whole number" in failure(capsys, "sha=a", "times=x")
    assert stub.requests == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [([str(EXAMPLE)], "-e/--experiment"), (["-e", "first"], "FILE"), (["a", "-e", "b", "--wat"], "--wat")],
)
def test_flags_that_do_not_fit_are_named(capsys, words, complaint):
    assert cli.main(["submit", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line


def test_the_help_shows_the_flags(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["submit", "--help"])
    assert stop.value.code == 0
    assert "--watch" in capsys.readouterr().out

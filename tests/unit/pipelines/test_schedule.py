"""`leftright schedule`, spoken by kfp's own client to a server that records it."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from leftright import cli
from tests.unit.pipelines.test_package import EXAMPLE

DAILY = "0 0 3 * * *"


def create(*words, name="nightly", experiment="first", cron=DAILY):
    return cli.main(["schedule", "create", str(EXAMPLE), name, "-e", experiment, "--cron", cron, *words])


def failure(capsys, status):
    """What the command that ended with `status` says: one line on standard error, and nothing on standard output."""
    assert status == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    (line,) = [line for line in captured.err.splitlines() if line.startswith("leftright schedule: ")]
    return line


def test_a_schedule_is_enabled_and_carries_its_cron_both_specs_and_typed_values(stub, capsys):
    assert create("sha=1234567", "times=3") == 0
    (body,) = stub.posted("/recurringruns")
    assert body["trigger"]["cron_schedule"]["cron"] == DAILY
    assert body["mode"] == "ENABLE"
    assert body["max_concurrency"] == 1
    assert body["no_catchup"] is True
    assert body["experiment_id"] == next(iter(stub.experiments))
    values = body["runtime_config"]["parameters"]
    assert values == {"sha": "1234567", "times": 3}
    assert type(values["times"]) is int
    json_format.ParseDict(body["pipeline_spec"]["pipeline_spec"], pipeline_spec_pb2.PipelineSpec())
    platform = json_format.ParseDict(body["pipeline_spec"]["platform_spec"], pipeline_spec_pb2.PlatformSpec())
    assert "kubernetes" in platform.platforms
    out = capsys.readouterr().out
    assert "schedule nightly: every day at 03:00 UTC\n" in out
    now = datetime.now(UTC)
    tomorrow = now + timedelta(days=1 if now.hour >= 3 else 0)
    expected = ", ".join(f"{tomorrow + timedelta(days=days):%Y-%m-%d} 03:00:00 UTC" for days in range(3))
    assert f"next: {expected}\n" in out


def test_the_settings_of_a_schedule(stub, capsys):
    window = ["--start", "2090-01-31", "--end", "2090-03-01T12:00+02:00"]
    assert create("sha=a", "--max-concurrency", "3", "--catchup", *window) == 0
    (body,) = stub.posted("/recurringruns")
    assert (body["max_concurrency"], body["no_catchup"]) == (3, False)
    schedule = body["trigger"]["cron_schedule"]
    assert (schedule["start_time"], schedule["end_time"]) == ("2090-01-31T00:00:00Z", "2090-03-01T10:00:00Z")
    assert "next: 2090-01-31 03:00:00 UTC, 2090-02-01" in capsys.readouterr().out


def test_one_of_the_same_name_is_replaced_after_the_new_one_is_made(stub, capsys):
    experiment = stub.add_experiment("first")
    former = [stub.add_schedule(name, experiment) for name in ("a", "nightly", "z", "nightly")]
    assert create("sha=a") == 0
    assert stub.changes() == [
        ("POST", "/recurringruns"),
        ("DELETE", f"/recurringruns/{former[1]}"),
        ("DELETE", f"/recurringruns/{former[3]}"),
    ]
    assert sorted(job["display_name"] for job in stub.recurring.values()) == ["a", "nightly", "z"]
    assert "in place of the former one" in capsys.readouterr().out


def test_a_cluster_that_refuses_the_new_one_leaves_the_old_one(stub, capsys):
    former = stub.add_schedule("nightly", stub.add_experiment("first"))
    stub.refusals["POST", "/recurringruns"] = 400, {"message": "no"}
    assert failure(capsys, create("sha=a")).endswith("refuses (400 Bad Request): no")
    assert list(stub.recurring) == [former]


def test_a_former_one_that_stays_is_named(stub, capsys):
    former = stub.add_schedule("nightly", stub.add_experiment("first"))
    stub.refusals["DELETE", f"/recurringruns/{former}"] = 500, {"message": "busy"}
    line = failure(capsys, create("sha=a"))
    assert f"the former one ({former}) could not be deleted, so that both will fire" in line
    assert line.endswith("busy")


def test_another_experiments_schedule_of_that_name_is_left_alone(stub, capsys):
    stub.add_schedule("nightly", stub.add_experiment("theirs"))
    assert "nightly: experiment theirs has a schedule of this name" in failure(capsys, create("sha=a"))
    assert [method for method, path in stub.changes() if path == "/recurringruns"] == []


@pytest.mark.parametrize(
    ("words", "cron", "complaint"),
    [
        ([], "0 3 * * *", "write `0 0 3 * * *`"),
        ([], "0 0 25 * * *", "hours `25`: 25 is not within 0 to 23"),
        (["--max-concurrency", "0"], DAILY, "--max-concurrency 0"),
        (["--max-concurrency", "11"], DAILY, "--max-concurrency 11"),
        (["--start", "tomorrow"], DAILY, "--start tomorrow: write a time as"),
        (["--start", "2090-01-02", "--end", "2090-01-01"], DAILY, "does not come before --end 2090-01-01"),
        (["--end", "2020-01-01"], DAILY, "does not fire before --end 2020-01-01"),
        (["times=x"], DAILY, "times=x: is no whole number"),
    ],
)
def test_nothing_is_sent_for_bad_input(stub, capsys, words, cron, complaint):
    assert complaint in failure(capsys, create("sha=a", *words, cron=cron))
    assert stub.requests == []


def test_the_table_of_schedules(stub, capsys):
    experiment = stub.add_experiment("first")
    stub.add_schedule("nightly", experiment)
    stub.add_schedule("paused", experiment, mode="DISABLE")
    stub.add_schedule("five", stub.add_experiment("second"), cron="0 3 * * *")
    assert cli.main(["schedule", "list"]) == 0
    head, nightly, paused, five = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "WHEN", "ENABLED", "NEXT"]
    assert nightly.startswith("nightly  every day at 03:00 UTC ")
    assert nightly.endswith(" 03:00:00 UTC")
    assert nightly.split()[6] == "yes"
    assert paused.split()[-2:] == ["no", "never"]
    assert "at minute 3 of every hour (0 3 * * *: five fields)" in five
    assert cli.main(["schedule", "list", "-e", "second"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["NAME", "five"]


def test_schedules_that_others_made_are_listed_too(stub, capsys):
    experiment = stub.add_experiment("first")
    stub.recurring[stub.add_schedule("hourly", experiment)]["trigger"] = {
        "periodic_schedule": {"interval_second": "3600"}
    }
    stub.add_schedule("named", experiment, cron="@every 1h")
    assert cli.main(["schedule", "list"]) == 0
    _, hourly, named = capsys.readouterr().out.splitlines()
    assert hourly.split() == ["hourly", "every", "3600", "s", "yes", "unknown"]
    assert named.split() == ["named", "cron", "@every", "1h", "yes", "unknown"]


def test_a_cluster_without_schedules(stub, capsys):
    assert cli.main(["schedule", "list"]) == 0
    assert capsys.readouterr().out == "no schedules\n"


def test_deleting(stub, capsys):
    first, second = stub.add_experiment("first"), stub.add_experiment("second")
    kept, gone = stub.add_schedule("nightly", first), stub.add_schedule("weekly", first)
    assert cli.main(["schedule", "delete", "weekly"]) == 0
    assert f"deleted schedule weekly ({gone})" in capsys.readouterr().out
    other = stub.add_schedule("nightly", second)
    assert "several experiments" in failure(capsys, cli.main(["schedule", "delete", "nightly"]))
    assert cli.main(["schedule", "delete", "nightly", "-e", "second"]) == 0
    assert stub.changes() == [("DELETE", f"/recurringruns/{gone}"), ("DELETE", f"/recurringruns/{other}")]
    assert list(stub.recurring) == [kept]


def test_the_runs_of_a_deleted_schedule_go_on(stub):
    stub.add_schedule("nightly", stub.add_experiment("first"))
    assert create("sha=a") == 0
    assert cli.main(["schedule", "delete", "nightly"]) == 0
    deletions = [query for method, _, query in stub.requests if method == "DELETE"]
    assert deletions == [{"propagation_policy": "ORPHAN"}] * 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["delete", "weekly"], "weekly: no such schedule; there are: nightly"),
        (["delete", "nightly", "-e", "third"], "third: no such experiment"),
        (["list", "-e", "third"], "third: no such experiment"),
        (["edit"], "edit: no such action; there are create, list, delete"),
        (["delete"], "NAME"),
    ],
)
def test_unknown_names_are_named(stub, capsys, words, complaint):
    stub.add_schedule("nightly", stub.add_experiment("first"))
    assert complaint in failure(capsys, cli.main(["schedule", *words]))
    assert stub.changes() == []


def test_an_absent_server_is_named(capsys):
    line = failure(capsys, cli.main(["schedule", "list", "--host", "http://127.0.0.1:1"]))
    assert "http://127.0.0.1:1 does not answer" in line


def test_the_help_shows_the_actions(capsys):
    assert cli.main(["schedule", "--help"]) == 0
    assert 'schedule create pipelines/full.py NAME -e EXPERIMENT --cron "0 0 3 * * *"' in capsys.readouterr().out

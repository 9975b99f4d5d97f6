"""How a run's end is told: the line, the message, and that telling never fails a run."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines.steps import outcome

FAILED = json.dumps(
    {"state": "FAILED", "pipelineTaskName": "exit-handler-1", "error": {"code": 9, "message": "no disk"}}
)


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", outcome.WEBHOOK):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


class Webhook(HTTPServer):
    """Keeps what is posted to it, and answers with `status`."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[dict] = []
        self.status = status
        self.url = f"http://127.0.0.1:{self.server_port}/secret"


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        self.server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *words: object) -> None: ...


@pytest.fixture
def webhook(monkeypatch) -> Iterator[Webhook]:
    server = Webhook()
    monkeypatch.setenv(outcome.WEBHOOK, server.url)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "state", "error", "task"),
    [
        (FAILED, "FAILED", "no disk", "exit-handler-1"),
        ('{"state": "SUCCEEDED", "pipeline_task_name": "t", "pipeline_job_resource_name": "r"}', "SUCCEEDED", "", "t"),
        ('{"state": "FAILED", "error": {"message": "one\\n  two"}}', "FAILED", "one two", ""),
        ('{"state": "SUCCEEDED", "error": null}', "SUCCEEDED", "", ""),
        ('{"state": "CANCELLED", "error": "by hand"}', "CANCELLED", "by hand", ""),
        ("{}", "UNKNOWN", "", ""),
        ("[]", "UNKNOWN", "no status can be read from '[]'", ""),
        ("what", "UNKNOWN", "no status can be read from 'what'", ""),
    ],
)
def test_either_spelling_of_a_status_is_read(status, state, error, task):
    ending = outcome.read(status, "p", "r")
    assert (ending.state, ending.error, ending.task) == (state, error, task)


def test_a_message_is_posted(webhook, caplog):
    caplog.set_level("INFO")
    outcome.run(status=FAILED, pipeline="leftright-retrain", kfp_run="run-1")
    (message,) = webhook.posted
    assert message["text"] == "leftright: leftright-retrain, run run-1: FAILED: no disk"
    assert (message["state"], message["run"], message["decisions"]) == ("FAILED", "run-1", [])
    assert "leftright-retrain, run run-1: FAILED: no disk" in caplog.text


def test_who_cannot_be_told_is_a_warning_without_the_address(webhook, caplog):
    webhook.status = 500
    outcome.run(status=FAILED, pipeline="p", kfp_run="r")
    assert "nobody was told" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/secret", "nonsense", "file:///secret"])
def test_a_bad_address_is_a_warning(monkeypatch, caplog, url):
    monkeypatch.setenv(outcome.WEBHOOK, url)
    outcome.run(status=FAILED, pipeline="p", kfp_run="r")
    assert "nobody was told" in caplog.text
    assert "secret" not in caplog.text


def test_a_server_that_does_not_answer_is_a_warning_and_the_message_goes_out(webhook, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    outcome.run(status=FAILED, pipeline="p", kfp_run="r")
    assert "not kept in MLflow" in caplog.text
    assert len(webhook.posted) == 1

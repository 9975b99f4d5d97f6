"""A stand-in for the API server of Kubeflow Pipelines on loopback: it keeps what it is sent, and answers from that."""

import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

API = "/apis/v2beta1"
PAGE_SIZE = 2
"""Small, so that three schedules are more than one page."""


class StubCluster:
    """The server's memory. `states` scripts the run: one state a poll, the last one for good.

    `requests` holds method, path, and the body (of what was posted) or the query (of all else).
    """

    def __init__(self):
        self.requests = []
        self.experiments = {}
        self.recurring = {}
        self.runs = {}
        self.states = ["SUCCEEDED"]
        self.run_details = {}
        self.refusals = {}
        self._ids = itertools.count(1)
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self._answer(None)

            def do_DELETE(self):
                self._answer(None)

            def do_POST(self):
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _answer(self, body):
                url = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(url.query).items()}
                path = url.path.removeprefix(API)
                stub.requests.append((self.command, path, query if body is None else body))
                status, answer = stub.answer(self.command, path, query, body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def posted(self, path):
        """The bodies that were posted to `path`, in order."""
        return [body for method, where, body in self.requests if (method, where) == ("POST", path)]

    def changes(self):
        """What was written or deleted, in order."""
        return [(method, path) for method, path, _ in self.requests if method != "GET"]

    def add_experiment(self, name):
        return self._keep(self.experiments, "experiment_id", {"display_name": name})["experiment_id"]

    def add_schedule(self, name, experiment_id, cron="0 0 3 * * *", mode="ENABLE"):
        # The real server fills in times that were not set with the beginning of 1970, and says whether it is enabled twice.
        nothing = "1970-01-01T00:00:00Z"
        trigger = {"cron_schedule": {"cron": cron, "start_time": nothing, "end_time": nothing}}
        body = {
            "display_name": name,
            "experiment_id": experiment_id,
            "mode": mode,
            "status": f"{mode}D",
            "trigger": trigger,
        }
        return self._keep(self.recurring, "recurring_run_id", body)["recurring_run_id"]

    def _keep(self, where, key, body):
        identity = f"{key.split('_')[0]}-{next(self._ids)}"
        where[identity] = body | {key: identity, "created_at": "2026-11-24T03:00:00Z"}
        return where[identity]

    def answer(self, method, path, query, body):
        if (method, path) in self.refusals:
            return self.refusals[method, path]
        if path == "/healthz":
            return 200, {"multi_user": False}
        collection, _, identity = path.strip("/").partition("/")
        where, key = {
            "experiments": (self.experiments, "experiment_id"),
            "recurringruns": (self.recurring, "recurring_run_id"),
            "runs": (self.runs, "run_id"),
        }[collection]
        if method == "POST":
            return 200, self._keep(where, key, body)
        if not identity:
            return 200, self._page(where, collection, query)
        if identity not in where:
            return 404, {"error": f"{identity} not found"}
        if method == "DELETE":
            del where[identity]
            return 200, {}
        return 200, self._run(identity) if collection == "runs" else where[identity]

    def _page(self, where, collection, query):
        found = list(where.values())
        for predicate in json.loads(query.get("filter") or "{}").get("predicates", []):
            found = [item for item in found if item[predicate["key"]] == predicate["stringValue"]]
        if "experiment_id" in query:
            found = [item for item in found if item["experiment_id"] == query["experiment_id"]]
        start = int(query.get("page_token") or 0)
        stop = start + PAGE_SIZE
        name = {"recurringruns": "recurringRuns"}.get(collection, collection)
        return {name: found[start:stop]} | ({"next_page_token": str(stop)} if stop < len(found) else {})

    def _run(self, identity):
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return self.runs[identity] | {"state": state} | self.run_details.get(state, {})

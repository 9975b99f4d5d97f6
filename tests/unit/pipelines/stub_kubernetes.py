"""A stand-in for a cluster's API server on loopback: TrainJobs, pods and their logs. It keeps what it is asked.

What a controller and the nodes would do is a script: `statuses`, one a poll and the last one for good, and `train`, which is
called with each TrainJob that is created.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TRAINJOBS = "/apis/trainer.kubeflow.org/v1alpha1/namespaces/team/trainjobs"
PODS = "/api/v1/namespaces/team/pods"


def condition(kind, message=""):
    return {"type": kind, "status": "True", "reason": f"{kind}Reason", "message": message}


COMPLETE = {"conditions": [condition("Complete")]}
RUNNING = {"jobsStatus": [{"name": "node", "active": 1, "ready": 1, "succeeded": 0, "failed": 0, "suspended": 0}]}


class StubKubernetes:
    """The server's memory.

    refusals : (status, message) by method; lost : how many requests of a method get no answer before they are heard, and
    unheard : whose answers are lost after the deed.
    """

    def __init__(self):
        self.requests = []
        self.jobs = {}
        self.statuses = [COMPLETE]
        self.train = lambda job: None
        self.pods = {}
        self.refusals = {}
        self.lost = {}
        self.unheard = {}
        self.on_get = lambda: None
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self._serve()

            def do_POST(self):
                self._serve()

            def do_DELETE(self):
                self._serve()

            def _serve(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                url = urlsplit(self.path)
                stub.requests.append((self.command, url.path, parse_qs(url.query), body))
                if stub.take(stub.lost, self.command):
                    self.close_connection = True
                    return
                status, answer = stub.answer(self.command, url.path, body)
                if stub.take(stub.unheard, self.command):
                    self.close_connection = True
                    return
                text = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
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

    @staticmethod
    def take(faults, method):
        faults[method] = faults.get(method, 0) - 1
        return faults[method] >= 0

    def answer(self, method, path, body):
        if path.startswith(PODS):
            return 200, self._pods(path)
        if method in self.refusals:
            status, message = self.refusals[method]
            return status, {"kind": "Status", "message": message}
        name = path.removeprefix(TRAINJOBS).strip("/")
        if method == "POST":
            return self._create(body)
        if name not in self.jobs:
            return 404, {"kind": "Status", "message": f'trainjobs "{name}" not found'}
        if method == "DELETE":
            return 200, self.jobs.pop(name)
        self.on_get()
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return 200, self.jobs.get(name, {}) | {"status": status}

    def _create(self, body):
        name = body["metadata"]["name"]
        if name in self.jobs:
            return 409, {"kind": "Status", "message": f'trainjobs "{name}" already exists'}
        self.jobs[name] = body
        self.train(body)
        return 201, body

    def _pods(self, path):
        name = path.removeprefix(PODS).strip("/").removesuffix("/log")
        if name:
            return self.pods[name]["log"]
        labels = "batch.kubernetes.io/job-completion-index"
        items = [
            {"metadata": {"name": name, "labels": {labels: pod["index"]}}, "status": {"phase": pod["phase"]}}
            for name, pod in self.pods.items()
        ]
        return {"kind": "PodList", "apiVersion": "v1", "items": items}

    def asked(self, method):
        """The requests of a method for TrainJobs, in order."""
        return [each for each in self.requests if each[0] == method and each[1].startswith(TRAINJOBS)]

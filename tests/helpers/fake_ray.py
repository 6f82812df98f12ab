"""A server that answers like the head of a Ray cluster, without Ray."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "right"  # noqa: S105  of no real cluster


@dataclass
class FakeHead:
    """What the server answers, and what it was asked for.

    Attributes:
        mode: Kind of authentication.
        version: Version of Ray.
        jobs: Answers about jobs by submission id.
        submitted: Every submission.
        stopped: Ids for which a stop was requested.
        fail: Status with which every submission fails, and its text.
    """

    address: str = ""
    mode: str = "token"
    version: str = "2.60.0"
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    submitted: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    fail: tuple[int, str] | None = None
    nodes: list[dict[str, float]] = field(default_factory=lambda: [{"CPU": 2.0}, {"CPU": 1.0}])
    free: float = 3.0

    def answer(self, method: str, path: str, token: str | None, body: Any) -> tuple[int, Any]:
        """Status and document of an answer."""
        if path == "/api/authentication_mode":
            return 200, {"authentication_mode": self.mode}
        if self.mode == "token" and token != f"Bearer {TOKEN}":
            return (403 if token else 401), "no"
        match method, path.partition("?")[0].strip("/").split("/")[1:]:
            case "GET", ["version"]:
                return 200, {"version": "4", "ray_version": self.version}
            case "GET", ["v0", "nodes"]:
                nodes = [{"state": "ALIVE", "resources_total": node} for node in self.nodes]
                return 200, {"data": {"result": {"result": nodes}}}
            case "GET", ["cluster_status"]:
                total = sum(node["CPU"] for node in self.nodes)
                usage = {"CPU": [total - self.free, total], "memory": [0, 1]}
                return 200, {"data": {"clusterStatus": {"loadMetricsReport": {"usage": usage}}}}
            case "POST", ["jobs"]:
                if self.fail:
                    return self.fail
                self.submitted.append(body)
                self.jobs[body["submission_id"]] = {"status": "PENDING", "message": ""}
                return 200, {"submission_id": body["submission_id"]}
            case "POST", ["jobs", job, "stop"] if job in self.jobs:
                self.stopped.append(job)
                return 200, {"stopped": True}
            case "GET", ["jobs", job] if job in self.jobs:
                return 200, self.jobs[job]
            case "DELETE", ["jobs", job] if job in self.jobs:
                del self.jobs[job]
                return 200, {"deleted": True}
        return 404, "not found"


@contextmanager
def fake_head() -> Iterator[FakeHead]:
    """A head that listens at its address."""
    head = FakeHead()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, document = head.answer(self.command, self.path, self.headers.get("Authorization"), body)
            text = (document if isinstance(document, str) else json.dumps(document)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815  names that the base class asks for

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    head.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield head
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

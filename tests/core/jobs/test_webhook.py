import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from core.config import RunConfig
from core.errors import JobError
from core.jobs import order, queue, rows, turns, webhook
from core.runs.store import RunFolder


@pytest.fixture
def listener():
    """An address on this machine, and the messages that it got; it redirects what is posted to /away."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(302 if self.path == "/away" else 500 if self.path == "/broken" else 200)
            if self.path == "/away":
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def do_GET(self):
            got.append("followed")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(tmp_path, tiny_dataset, monkeypatch) -> RunFolder:
    monkeypatch.setattr(rows, "start_waiting", lambda checkpoints: None)
    return queue.submit(tmp_path, tiny_dataset, RunConfig().with_overrides(["device=cpu"]))


def test_the_address_is_told_how_a_job_ended(run, listener):
    address, got = listener
    order.tell(run.checkpoints, address)
    queue.finish(run, "failed", error="The disk is full.")
    deadline = time.monotonic() + 60
    while not got and time.monotonic() < deadline:
        time.sleep(0.05)
    assert got[0]["job"] == run.name and got[0]["state"] == "failed"
    assert "The disk is full." in got[0]["text"] and str(run.checkpoints) not in json.dumps(got)


def test_nobody_is_told_where_no_address_is_set_or_the_user_cancelled(run, monkeypatch):
    sent = []
    monkeypatch.setattr(webhook.processes, "spawn", lambda *arguments: sent.append(arguments))
    queue.finish(run, "succeeded")
    order.tell(run.checkpoints, "https://example.org/x")
    run.write_status(state="running")
    queue.finish(run, "cancelled")
    assert sent == []
    run.write_status(state="running")
    queue.finish(run, "succeeded")
    assert len(sent) == 1
    order.tell(run.checkpoints, "")
    assert turns.orders(run.checkpoints).webhook == ""


def test_only_the_address_itself_gets_the_message(listener):
    address, got = listener
    with pytest.raises(JobError, match="did not take"):
        webhook.post(f"{address}/away", webhook.test_message())
    assert got == [got[0]] and got[0]["state"] == "test"
    with pytest.raises(JobError, match="did not take"):
        webhook.post(f"{address}/broken", webhook.test_message())


@pytest.mark.parametrize(
    "text", ["", "ftp://host/x", "file:///etc/passwd", "https://", "http://a b", "http://h:99999", "x"]
)
def test_what_is_no_address_is_refused(tmp_path, text):
    with pytest.raises(JobError, match="https://"):
        webhook.checked(text)
    if text:
        with pytest.raises(JobError):
            order.tell(tmp_path, text)
